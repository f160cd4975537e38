//! Where a round's time went: computing, sending, waiting.
//!
//! In: when each part of the work began and ended. Out: for each round a partition of its wall time, and the shares of the
//! last rounds. Parts may overlap: each moment belongs to the most useful thing that went on in it, so that the parts of a
//! round add up to its wall time. The serial figure beside it is what the same parts would cost one after the other.
//! [`TimeLine`] has no clock; [`RoundClock`] is one with this process's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipc::RoundParts;
use tokio::time::Instant;

/// Spans of one round that are kept apart; a round has a handful, one with many pauses some dozens. Further ones are
/// counted as waiting.
const MAX_SPANS: usize = 256;
/// Rounds the utilisation is measured over: an hour or two at twelve-second blocks, and soon enough to see a change.
const ROUNDS_KEPT: usize = 8;

/// A part of the work, the most useful first: where several go on, the moment belongs to the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Inner steps.
    Compute,
    /// Pseudo-gradient, compression and the own checks.
    Compress,
    /// The outer step.
    Outer,
    /// From sealed to committed on chain.
    Commit,
    /// Fetching and checking the others' payloads.
    Gather,
    /// From revealed to the last byte that somebody asked for.
    Upload,
}

/// A finished round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timed {
    /// A partition of the round's wall time.
    pub parts: RoundParts,
    /// How long each part took by itself; what overlapped is in it twice. `idle` as in `parts`.
    pub alone: RoundParts,
}

impl Timed {
    /// The round's wall time.
    pub fn wall(&self) -> Duration {
        Duration::from_millis(sum(&self.parts))
    }
}

/// Shares of the last rounds, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Utilisation {
    /// Time spent on inner steps, of the wall time.
    pub overlapped: f64,
    /// The same, had nothing overlapped.
    pub serial: f64,
    /// Rounds it is measured over.
    pub rounds: usize,
}

impl std::fmt::Display for Utilisation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { overlapped, serial, rounds } = self;
        let plural = if *rounds == 1 { "round" } else { "rounds" };
        let (overlapped, serial) = (100.0 * overlapped, 100.0 * serial);
        write!(f, "computing {overlapped:.1} % of the last {rounds} {plural}; {serial:.1} % had nothing overlapped")
    }
}

#[derive(Debug, Clone, Copy)]
struct Span {
    part: Part,
    from: Duration,
    /// `None`: it goes on.
    to: Option<Duration>,
}

/// The running round's spans and the last rounds' sums. Times count from any fixed moment and never go back.
#[derive(Debug, Clone)]
pub struct TimeLine {
    began: Duration,
    spans: BTreeMap<u64, Span>,
    next: u64,
    last: VecDeque<Timed>,
}

impl TimeLine {
    /// A line whose first round begins `now`.
    pub fn new(now: Duration) -> Self {
        Self { began: now, spans: BTreeMap::new(), next: 0, last: VecDeque::new() }
    }

    /// A round begins that is no successor of the last: what went before it belongs to none.
    pub fn restart(&mut self, now: Duration) {
        self.cut(now);
    }

    /// A part begins; its number ends it.
    pub fn begin(&mut self, part: Part, now: Duration) -> u64 {
        let id = self.next;
        self.next += 1;
        if self.spans.len() < MAX_SPANS {
            self.spans.insert(id, Span { part, from: now, to: None });
        }
        id
    }

    /// A part has lasted until `now`, and may last longer: a later call moves its end. Of a past round: nothing happens.
    pub fn end(&mut self, id: u64, now: Duration) {
        if let Some(span) = self.spans.get_mut(&id) {
            span.to = Some(now.max(span.from));
        }
    }

    /// The round is over, and the next begins; what goes on counts for both, each its piece.
    pub fn finish(&mut self, now: Duration) -> Timed {
        let timed = self.measure(now);
        self.cut(now);
        if self.last.len() == ROUNDS_KEPT {
            self.last.pop_front();
        }
        self.last.push_back(timed);
        timed
    }

    /// Shares over the last rounds in which this peer computed; `None` before the first.
    pub fn utilisation(&self) -> Option<Utilisation> {
        let rounds: Vec<&Timed> = self.last.iter().filter(|timed| timed.parts.compute > 0).collect();
        let over = |of: fn(&Timed) -> u64| rounds.iter().map(|timed| of(timed)).sum::<u64>() as f64;
        let compute = over(|timed| timed.parts.compute);
        (compute > 0.0).then(|| Utilisation {
            overlapped: compute / over(|timed| sum(&timed.parts)),
            serial: compute / over(|timed| sum(&timed.alone)),
            rounds: rounds.len(),
        })
    }

    fn knows(&self, id: u64) -> bool {
        self.spans.contains_key(&id)
    }

    fn cut(&mut self, now: Duration) {
        self.began = now;
        self.spans.retain(|_, span| span.to.is_none());
        for span in self.spans.values_mut() {
            span.from = now;
        }
    }

    fn measure(&self, now: Duration) -> Timed {
        let clamp = |at: Duration| at.clamp(self.began, now.max(self.began));
        let spans: Vec<(Part, Duration, Duration)> =
            self.spans.values().map(|s| (s.part, clamp(s.from), clamp(s.to.unwrap_or(now)))).collect();
        let mut edges: Vec<Duration> = spans.iter().flat_map(|(_, from, to)| [*from, *to]).collect();
        edges.extend([self.began, clamp(now)]);
        edges.sort_unstable();
        edges.dedup();
        let (mut parts, mut alone) = (Sums::default(), Sums::default());
        for pair in edges.windows(2) {
            let [from, to] = pair else { continue };
            let length = *to - *from;
            let mut going: Vec<Part> =
                spans.iter().filter(|(_, began, ended)| began <= from && ended >= to).map(|(part, ..)| *part).collect();
            going.sort_unstable();
            going.dedup();
            parts.add(going.first().copied(), length);
            if going.is_empty() {
                alone.add(None, length);
            }
            for part in going {
                alone.add(Some(part), length);
            }
        }
        Timed { parts: parts.in_ms(), alone: alone.in_ms() }
    }
}

#[derive(Default)]
struct Sums(BTreeMap<Option<Part>, Duration>);

impl Sums {
    fn add(&mut self, part: Option<Part>, length: Duration) {
        *self.0.entry(part).or_default() += length;
    }

    fn in_ms(&self) -> RoundParts {
        let ms = |part| self.0.get(&part).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
        RoundParts {
            compute: ms(Some(Part::Compute)),
            compress: ms(Some(Part::Compress)),
            commit: ms(Some(Part::Commit)),
            upload: ms(Some(Part::Upload)),
            gather: ms(Some(Part::Gather)),
            outer: ms(Some(Part::Outer)),
            idle: ms(None),
        }
    }
}

/// All parts together, in milliseconds.
pub(crate) fn sum(parts: &RoundParts) -> u64 {
    let RoundParts { compute, compress, commit, upload, gather, outer, idle } = *parts;
    [compress, commit, upload, gather, outer, idle].into_iter().fold(compute, u64::saturating_add)
}

/// A [`TimeLine`] by this process's clock; shared by everything that works on a round.
#[derive(Debug)]
pub struct RoundClock {
    origin: Instant,
    line: Mutex<TimeLine>,
}

impl RoundClock {
    /// A clock whose first round begins now.
    pub fn start() -> Arc<Self> {
        Arc::new(Self { origin: Instant::now(), line: Mutex::new(TimeLine::new(Duration::ZERO)) })
    }

    /// A part that lasts until the span is dropped.
    pub fn span(self: &Arc<Self>, part: Part) -> RunningSpan {
        RunningSpan { id: self.line().begin(part, self.now()), clock: Arc::clone(self) }
    }

    /// A part whose end is only seen: it has lasted until now.
    pub fn mark(self: &Arc<Self>, part: Part) -> Mark {
        let mark = Mark { id: self.line().begin(part, self.now()), clock: Arc::clone(self) };
        mark.seen();
        mark
    }

    /// See [`TimeLine::restart`].
    pub fn restart(&self) {
        self.line().restart(self.now());
    }

    /// See [`TimeLine::finish`].
    pub fn finish(&self) -> Timed {
        self.line().finish(self.now())
    }

    /// See [`TimeLine::utilisation`].
    pub fn utilisation(&self) -> Option<Utilisation> {
        self.line().utilisation()
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn line(&self) -> MutexGuard<'_, TimeLine> {
        // Each change is one step, so what a panicking holder left behind is consistent.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends its part when it is dropped, also where the work failed or was cancelled.
#[derive(Debug)]
pub struct RunningSpan {
    clock: Arc<RoundClock>,
    id: u64,
}

impl Drop for RunningSpan {
    fn drop(&mut self) {
        let now = self.clock.now();
        self.clock.line().end(self.id, now);
    }
}

/// A part that others bring to its end, such as a payload that they fetch.
#[derive(Debug)]
pub struct Mark {
    clock: Arc<RoundClock>,
    id: u64,
}

impl Mark {
    /// It has lasted until now.
    pub fn seen(&self) {
        let now = self.clock.now();
        self.clock.line().end(self.id, now);
    }

    /// Whether its round still runs.
    pub fn is_of_this_round(&self) -> bool {
        self.clock.line().knows(self.id)
    }
}

#[cfg(test)]
mod tests;
