//! Which chunk to ask of which source: the fetcher's mind, without clock, tasks or bytes.
//!
//! In: outcomes of requests, what sources have, whether nothing has come for a while. Out: the next request, or that none
//! is possible. Among equals each chunk has a first owner (chunk mod number of sources, turned by the root), so that
//! sources work on disjoint chunks; an idle source takes what is left. Where others fetch the same blob, those who have
//! all of it are asked for this peer's own share only and the rest comes from the others, so that one uplink serves many.
//! A bucket is asked when nobody else gives. One bad chunk ends a source; so do a few time-outs and errors. It does not
//! verify anything itself.

use std::collections::BTreeSet;
use std::time::Duration;

use types::Hash32;

use crate::{BlobId, CostClass, FetchLimits, Have, SourceFailure};

/// One chunk to be asked of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Index of the source.
    pub(crate) source: usize,
    /// Index of the chunk.
    pub(crate) chunk: u32,
    /// Wait this long before asking: the source has just failed.
    pub(crate) rest: Duration,
}

/// What is known of a source before it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Its name, which other fetchers of the blob know it by as well.
    pub(crate) name: String,
    /// What asking it costs.
    pub(crate) class: CostClass,
}

/// State of a fetch.
#[derive(Debug)]
pub(crate) struct Schedule {
    root: Hash32,
    sources: Vec<Source>,
    /// The name under which others know this fetcher as a source, if it is one.
    own: Option<String>,
    chunks: u32,
    /// Chunks that nobody is asked for now.
    wanted: BTreeSet<u32>,
    /// Chunks that are not verified yet, wanted or in flight.
    left: usize,
    in_flight: usize,
    /// Turns ownership, so that the single chunks of many blobs do not all go to the first source.
    turn: usize,
    /// Where this fetcher begins in the blob.
    start: u32,
    limits: FetchLimits,
}

/// Where a fetcher begins that shares the work: another place for each, before they know of each other.
fn first_chunk(id: &BlobId, own: &str, chunks: u32) -> u32 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&id.root.0).update(own.as_bytes());
    let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
    u32::from_le_bytes([a, b, c, d]) % chunks.max(1)
}

#[derive(Debug)]
struct Source {
    facts: Facts,
    /// What it has; unknown until it has said so.
    have: Option<Have>,
    in_flight: usize,
    failures: u32,
    /// Chunks it said it does not have.
    lacks: BTreeSet<u32>,
    /// Chunks it failed at: others go first.
    failed: BTreeSet<u32>,
    /// Never asked again.
    out: bool,
    last: Option<SourceFailure>,
}

/// What a source has to do with a chunk; the first kinds are asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// It is the first owner, or one of many who have some of it.
    Own,
    /// Another one is, but this one is idle.
    Others,
    /// It failed at it, and nobody else is idle.
    FailedBefore,
}

impl Schedule {
    /// Every chunk of `id` is wanted from every source; `own` is this fetcher's name among the others.
    pub(crate) fn new(id: &BlobId, sources: Vec<Facts>, own: Option<String>, limits: FetchLimits) -> Self {
        let chunks = id.chunk_count() as u32;
        let wanted: BTreeSet<u32> = (0..chunks).collect();
        let source = |facts| Source {
            facts,
            have: None,
            in_flight: 0,
            failures: 0,
            lacks: BTreeSet::new(),
            failed: BTreeSet::new(),
            out: false,
            last: None,
        };
        Self {
            root: id.root,
            start: own.as_deref().map_or(0, |own| first_chunk(id, own, chunks)),
            left: wanted.len(),
            wanted,
            sources: sources.into_iter().map(source).collect(),
            own,
            chunks,
            in_flight: 0,
            turn: usize::from(id.root.0[0]),
            limits,
        }
    }

    /// These chunks are here already.
    pub(crate) fn already(&mut self, have: &Have) {
        self.wanted.retain(|chunk| !have.has(*chunk));
        self.left = self.wanted.len();
    }

    /// A source has said what it has.
    pub(crate) fn has(&mut self, source: usize, have: Have) {
        match have {
            Have::Nothing => self.has_nothing(source),
            have => self.sources[source].have = Some(have),
        }
    }

    /// Sources worth asking what they have (again): those that had a part, or that have not said yet.
    pub(crate) fn to_ask(&self) -> Vec<usize> {
        let asked = |s: &Source| !s.out && s.facts.class != CostClass::Local && !matches!(s.have, Some(Have::All));
        let worth = self.chunks > 1 && self.left > 0;
        (0..self.sources.len()).filter(|s| worth && asked(&self.sources[*s])).collect()
    }

    /// Whether a source that is still there may give more than it does now.
    pub(crate) fn may_come(&self) -> bool {
        self.left > 0
            && self.sources.iter().any(|source| {
                let could = |chunk: &u32| !source.lacks.contains(chunk);
                !source.out
                    && !matches!(source.have, Some(Have::Nothing))
                    && (self.chunks > 1 || source.facts.class == CostClass::Bucket)
                    && self.wanted.iter().any(could)
            })
    }

    /// Sources that give at the moment.
    pub(crate) fn giving(&self) -> u32 {
        self.sources.iter().filter(|source| source.in_flight > 0).count() as u32
    }

    /// Sources in the order in which they are asked for the manifest.
    pub(crate) fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let (turn, count) = (self.turn, self.sources.len());
        (0..count).map(move |i| (i + turn) % count)
    }

    /// The next request, which from now on is in flight. `idle`: nothing has come for a while.
    pub(crate) fn next(&mut self, idle: bool) -> Option<Ask> {
        if self.in_flight >= self.limits.chunks_in_flight.max(1) {
            return None;
        }
        let per_source = self.limits.chunks_per_source.max(1);
        let shared = self.downloaders();
        let (_, source, chunk) = (0..self.sources.len())
            // On a line that has timed out, requests follow each other: four at once would each need four times as long.
            .filter(|&s| {
                let at = &self.sources[s];
                !at.out && at.in_flight < if at.failures == 0 { per_source } else { 1 }
            })
            .filter_map(|s| {
                let (claim, chunk) = self.pick(s, shared.as_deref(), idle)?;
                let at = &self.sources[s];
                Some(((claim, at.facts.class, at.failures, at.in_flight), s, chunk))
            })
            .min()?;
        self.wanted.remove(&chunk);
        self.in_flight += 1;
        let at = &mut self.sources[source];
        at.in_flight += 1;
        let rest = match at.failures {
            0 => Duration::ZERO,
            n => self.limits.rest_after_failure.saturating_mul(1 << (n - 1).min(10)),
        };
        Some(Ask { source, chunk, rest })
    }

    /// Names of everybody who fetches this blob now, this peer included, if it is not the only one.
    fn downloaders(&self) -> Option<Vec<&str>> {
        // A single chunk cannot be shared out.
        let own = self.own.as_deref().filter(|_| self.chunks > 1)?;
        // Who has not said yet may be one of them.
        let unsaid = |s: &Source| s.have.is_none() && matches!(s.facts.class, CostClass::Lan | CostClass::Swarm);
        let partial = |s: &&Source| !s.out && (matches!(s.have, Some(Have::Some(_))) || unsaid(s));
        let others: Vec<&str> = self.sources.iter().filter(partial).map(|s| s.facts.name.as_str()).collect();
        (!others.is_empty()).then(|| others.into_iter().chain([own]).collect())
    }

    /// Whether this peer is the one that should take a chunk from somebody who has all of the blob.
    fn is_ours(&self, chunk: u32, downloaders: &[&str]) -> bool {
        let rank = |name: &&str| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&self.root.0).update(&chunk.to_le_bytes()).update(name.as_bytes());
            *hasher.finalize().as_bytes()
        };
        let owner = downloaders.iter().min_by_key(|name| rank(name));
        owner.is_some_and(|name| Some(*name) == self.own.as_deref())
    }

    /// The chunk this source should be asked for: an own one, then any, then one it failed at before.
    fn pick(&self, source: usize, shared: Option<&[&str]>, idle: bool) -> Option<(Claim, u32)> {
        let at = &self.sources[source];
        if at.facts.class == CostClass::Bucket
            && !idle
            && self.sources.iter().any(|s| !s.out && s.facts.class < CostClass::Relay)
        {
            return None;
        }
        // What it has is asked first where there is more than one chunk; a machine's own folders are looked into.
        let known = match &at.have {
            Some(have) => Some(have),
            None if self.chunks == 1 || at.facts.class == CostClass::Local || idle => None,
            None => return None,
        };
        let complete = !matches!(known, Some(Have::Some(_)));
        let mut best = None;
        // Everybody begins somewhere else: until they know of each other, they do not all take the same chunks.
        let turned = self.wanted.range(self.start..).chain(self.wanted.range(..self.start));
        for &chunk in turned.filter(|chunk| !at.lacks.contains(chunk)) {
            if known.is_some_and(|have| !have.has(chunk)) {
                continue;
            }
            let first_owner = match shared {
                // Whoever made a small blob has it for certain; folders are all alike.
                _ if self.chunks == 1 && at.facts.class != CostClass::Local => source == 0,
                Some(downloaders) if complete && at.facts.class != CostClass::Local => self.is_ours(chunk, downloaders),
                Some(_) => true,
                None if self.own.is_some() => true,
                None => (chunk as usize + self.turn) % self.sources.len() == source,
            };
            let claim = if at.failed.contains(&chunk) {
                Claim::FailedBefore
            } else if first_owner {
                // Nothing is better, and until the end of a blob there is nearly always one.
                return Some((Claim::Own, chunk));
            } else if shared.is_some() && !idle {
                continue;
            } else {
                Claim::Others
            };
            best = Some(best.map_or((claim, chunk), |b: (Claim, u32)| b.min((claim, chunk))));
        }
        best
    }

    /// The chunk came and is what it should be.
    pub(crate) fn verified(&mut self, ask: Ask) {
        self.landed(ask);
        self.left = self.left.saturating_sub(1);
    }

    /// The chunk did not come.
    pub(crate) fn failed(&mut self, ask: Ask, failure: SourceFailure) {
        self.landed(ask);
        self.wanted.insert(ask.chunk);
        let at = &mut self.sources[ask.source];
        match failure {
            SourceFailure::NotFound => {
                at.lacks.insert(ask.chunk);
            }
            _ => {
                at.failed.insert(ask.chunk);
            }
        }
        self.note(ask.source, failure);
    }

    /// A source failed, at the manifest or at a chunk.
    pub(crate) fn note(&mut self, source: usize, failure: SourceFailure) {
        let at = &mut self.sources[source];
        match failure {
            SourceFailure::BadChunk { .. } | SourceFailure::WrongManifest => at.out = true,
            // Requests that share a slow line end together: that is one time-out.
            SourceFailure::TimedOut if at.in_flight > 0 => {}
            SourceFailure::TimedOut | SourceFailure::Failed(_) => {
                at.failures += 1;
                at.out |= at.failures >= self.limits.failures_per_source.max(1);
            }
            SourceFailure::NotFound => {}
        }
        // The reason for being out is worth more than what the requests still in flight say afterwards.
        if !matches!(at.last, Some(SourceFailure::BadChunk { .. } | SourceFailure::WrongManifest)) {
            at.last = Some(failure);
        }
    }

    /// The source has nothing of the blob now. A peer may begin to fetch it a moment after us, and then shares the work:
    /// it is asked again.
    pub(crate) fn has_nothing(&mut self, source: usize) {
        self.note(source, SourceFailure::NotFound);
        let shares = self.own.is_some() && self.chunks > 1;
        let at = &mut self.sources[source];
        if shares && matches!(at.facts.class, CostClass::Lan | CostClass::Swarm) {
            at.have = Some(Have::Nothing);
        } else {
            at.out = true;
        }
    }

    /// Chunks not verified yet.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// Each source's last failure, in order.
    pub(crate) fn into_failures(self) -> impl Iterator<Item = Option<SourceFailure>> {
        self.sources.into_iter().map(|source| source.last)
    }

    fn landed(&mut self, ask: Ask) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let at = &mut self.sources[ask.source];
        at.in_flight = at.in_flight.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;
