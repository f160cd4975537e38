//! How fast a download is, and how long it will take. Pure: moments come from outside.
//!
//! In: moments and bytes. Out: bytes per second over the last seconds, and the seconds that are left. Nothing is guessed
//! before something was measured.

use std::collections::VecDeque;

/// Over which speed is measured: long enough to be calm, short enough to follow.
const WINDOW_MS: u64 = 10_000;
/// Between two kept samples.
const STEP_MS: u64 = 250;
/// Before this, nothing is said.
const FIRST_MS: u64 = 1_000;

/// Measures one download.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    samples: VecDeque<(u64, u64)>,
}

/// What it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Bytes per second.
    pub per_sec: u64,
    /// Seconds left; `None` if nothing comes.
    pub left_secs: Option<u64>,
}

impl Meter {
    /// A meter that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// `done` bytes are there at `now_ms`.
    pub fn sample(&mut self, now_ms: u64, done: u64) {
        if self.samples.back().is_some_and(|(_, last)| done < *last) {
            // Begun anew.
            self.samples.clear();
        }
        let many = self.samples.len() > 1;
        if let Some((last_ms, last)) = self.samples.back_mut()
            && many
            && now_ms.saturating_sub(*last_ms) < STEP_MS
        {
            *last = done;
            return;
        }
        self.samples.push_back((now_ms, done));
        while self.samples.len() > 2 && now_ms.saturating_sub(self.samples[0].0) > WINDOW_MS {
            self.samples.pop_front();
        }
    }

    /// Speed now, and the time for what is left of `total`.
    pub fn pace(&self, now_ms: u64, total: u64) -> Option<Pace> {
        let ((first_ms, first), (_, done)) = (*self.samples.front()?, *self.samples.back()?);
        let span = now_ms.saturating_sub(first_ms);
        if span < FIRST_MS {
            return None;
        }
        let per_sec = u64::try_from(u128::from(done - first) * 1000 / u128::from(span)).unwrap_or(u64::MAX);
        let left_secs = (per_sec > 0).then(|| total.saturating_sub(done).div_ceil(per_sec));
        Some(Pace { per_sec, left_secs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_follows_the_last_seconds_and_silence_has_no_end() {
        let mut meter = Meter::new();
        meter.sample(0, 0);
        assert_eq!(meter.pace(500, 1000), None);
        for second in 1..=20 {
            meter.sample(second * 1000, second * 100);
        }
        assert_eq!(meter.pace(20_000, 3_000), Some(Pace { per_sec: 100, left_secs: Some(10) }));
        for second in 21..=40 {
            meter.sample(second * 1000, 2_000 + (second - 20) * 10);
        }
        assert_eq!(meter.pace(40_000, 3_000).unwrap().per_sec, 10);
        let mut silent = Meter::new();
        silent.sample(0, 5);
        assert_eq!(silent.pace(60_000, 10), Some(Pace { per_sec: 0, left_secs: None }));
        // Begun anew: no speed below nothing.
        silent.sample(61_000, 0);
        assert_eq!(silent.pace(61_000, 10), None);
    }
}
