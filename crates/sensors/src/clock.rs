//! Sleep that nobody announced, seen by the clocks.
//!
//! In: how long the computer has run, with sleep and without. Out: whether it slept in between. Pure.

use std::time::Duration;

/// Shorter naps leave nothing to look over.
const NAP: Duration = Duration::from_secs(20);

/// Two clocks at one moment: one goes on during sleep, the other does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clocks {
    pub(crate) with_sleep: Duration,
    pub(crate) awake: Duration,
}

/// Compares the clocks with those of the last time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SleepWatch {
    last: Clocks,
}

impl SleepWatch {
    pub(crate) fn new(now: Clocks) -> Self {
        Self { last: now }
    }

    /// Whether the computer slept since the last call.
    pub(crate) fn slept(&mut self, now: Clocks) -> bool {
        let with_sleep = now.with_sleep.saturating_sub(self.last.with_sleep);
        let awake = now.awake.saturating_sub(self.last.awake);
        self.last = now;
        with_sleep.saturating_sub(awake) > NAP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(with_sleep: u64, awake: u64) -> Clocks {
        Clocks { with_sleep: Duration::from_secs(with_sleep), awake: Duration::from_secs(awake) }
    }

    #[test]
    fn only_sleep_moves_one_clock_and_not_the_other() {
        let mut watch = SleepWatch::new(at(100, 100));
        assert!(!watch.slept(at(102, 102)));
        assert!(!watch.slept(at(1_102, 1_102)), "a busy computer is not asleep");
        assert!(watch.slept(at(1_154, 1_104)), "fifty seconds of sleep");
        assert!(!watch.slept(at(1_156, 1_106)), "told once");
        assert!(!watch.slept(at(1_178, 1_108)), "a nap of twenty seconds is none");
        assert!(!watch.slept(at(10, 5)), "clocks that go back");
    }
}
