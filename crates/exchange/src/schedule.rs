//! Which chunk to ask of which source: the fetcher's mind, without clock, tasks or bytes.
//!
//! In: outcomes of requests. Out: the next request, or that none is possible. Each chunk has a first owner (chunk mod
//! number of sources, turned by the root), so that sources work on disjoint chunks; an idle source takes what is left.
//! One bad chunk ends a source; so do a few time-outs and errors. It does not verify anything itself.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::{BlobId, FetchLimits, SourceFailure};

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

/// State of a fetch.
#[derive(Debug)]
pub(crate) struct Schedule {
    sources: Vec<Source>,
    /// Chunks that nobody is asked for now.
    wanted: BTreeSet<u32>,
    /// Chunks that are not verified yet, wanted or in flight.
    left: usize,
    in_flight: usize,
    /// Turns ownership, so that the single chunks of many blobs do not all go to the first source.
    turn: usize,
    limits: FetchLimits,
}

#[derive(Debug, Default)]
struct Source {
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
    /// It is the first owner.
    Own,
    /// Another one is, but this one is idle.
    Others,
    /// It failed at it, and nobody else is idle.
    FailedBefore,
}

impl Schedule {
    /// Every chunk of `id` is wanted from every source.
    pub(crate) fn new(id: &BlobId, sources: usize, limits: FetchLimits) -> Self {
        let wanted: BTreeSet<u32> = (0..id.chunk_count() as u32).collect();
        Self {
            left: wanted.len(),
            wanted,
            sources: (0..sources).map(|_| Source::default()).collect(),
            in_flight: 0,
            turn: usize::from(id.root.0[0]),
            limits,
        }
    }

    /// Sources in the order in which they are asked for the manifest.
    pub(crate) fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let (turn, count) = (self.turn, self.sources.len());
        (0..count).map(move |i| (i + turn) % count)
    }

    /// The next request, which from now on is in flight.
    pub(crate) fn next(&mut self) -> Option<Ask> {
        if self.in_flight >= self.limits.chunks_in_flight.max(1) {
            return None;
        }
        let per_source = self.limits.chunks_per_source.max(1);
        let (_, source, chunk) = (0..self.sources.len())
            .filter(|&s| !self.sources[s].out && self.sources[s].in_flight < per_source)
            .filter_map(|s| {
                let (claim, chunk) = self.pick(s)?;
                let at = &self.sources[s];
                Some(((claim, at.failures, at.in_flight), s, chunk))
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

    /// The chunk this source should be asked for: an own one, then any, then one it failed at before.
    fn pick(&self, source: usize) -> Option<(Claim, u32)> {
        let at = &self.sources[source];
        let mut best = None;
        for &chunk in self.wanted.iter().filter(|chunk| !at.lacks.contains(chunk)) {
            let claim = if at.failed.contains(&chunk) {
                Claim::FailedBefore
            } else if (chunk as usize + self.turn) % self.sources.len() == source {
                // Nothing is better, and until the end of a blob there is nearly always one.
                return Some((Claim::Own, chunk));
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

    /// The source has nothing of the blob.
    pub(crate) fn has_nothing(&mut self, source: usize) {
        self.note(source, SourceFailure::NotFound);
        self.sources[source].out = true;
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
