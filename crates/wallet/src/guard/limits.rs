//! How often each operation was signed.
//!
//! In: two clocks, one that can be set and one that cannot. Out: whether there is room for one more. A day is a calendar
//! day in UTC; one that began never ends early because the clock was set back, and ends after 24 hours in any case.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often one operation may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Signatures within 60 seconds.
    pub per_minute: usize,
    /// Signatures within a day; with a log, restarts included.
    pub per_day: usize,
}

/// What was signed lately.
pub(super) struct Usage {
    recent: BTreeMap<&'static str, VecDeque<Instant>>,
    /// The latest day seen, counted from 1970.
    day: u64,
    /// When counting for it began in this process.
    since: Instant,
    today: BTreeMap<String, usize>,
}

impl Usage {
    pub(super) fn new(now: Instant) -> Self {
        Self { recent: BTreeMap::new(), day: 0, since: now, today: BTreeMap::new() }
    }

    /// Counts one signature of an earlier process.
    pub(super) fn replay(&mut self, operation: &str, at_ms: u64) {
        let day = day_of(at_ms);
        if day > self.day {
            self.day = day;
            self.today.clear();
        }
        self.count(operation);
    }

    /// Whether there is room for one more; if not, which limit says so.
    pub(super) fn check(
        &mut self,
        operation: &'static str,
        limits: Limits,
        now: Instant,
        at_ms: u64,
    ) -> Result<(), String> {
        let recent = self.recent.entry(operation).or_default();
        while recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE) {
            recent.pop_front();
        }
        if recent.len() >= limits.per_minute {
            return Err(format!("at most {} a minute", limits.per_minute));
        }
        let day = day_of(at_ms);
        if day > self.day || now.saturating_duration_since(self.since) >= DAY {
            self.day = self.day.max(day);
            self.since = now;
            self.today.clear();
        }
        if self.today.get(operation).is_some_and(|count| *count >= limits.per_day) || limits.per_day == 0 {
            return Err(format!("at most {} a day", limits.per_day));
        }
        Ok(())
    }

    /// Counts a signature that [`Self::check`] had room for.
    pub(super) fn add(&mut self, operation: &'static str, now: Instant) {
        self.recent.entry(operation).or_default().push_back(now);
        self.count(operation);
    }

    fn count(&mut self, operation: &str) {
        match self.today.get_mut(operation) {
            Some(count) => *count += 1,
            None => {
                self.today.insert(operation.to_owned(), 1);
            }
        }
    }
}

fn day_of(at_ms: u64) -> u64 {
    at_ms / DAY.as_millis() as u64
}
