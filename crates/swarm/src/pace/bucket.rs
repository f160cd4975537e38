//! A token bucket, and pieces small enough that the line stays usable between them.
//!
//! In: a rate that may change at any time, bytes, the time. Out: how long to wait before they go.

use std::time::Duration;

use crate::limits::{PIECE_MAX_BYTES, PIECE_MIN_BYTES, PIECE_TIME};

/// A bucket of `rate` bytes a second that holds what two pieces take. Times are since any fixed moment.
#[derive(Debug, Clone, Copy)]
pub struct TokenBucket {
    /// Bytes a second; `None`: no limit.
    rate: Option<u64>,
    /// Bytes that may go now; negative while what went is not paid for.
    level: f64,
    at: Duration,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(rate: Option<u64>, now: Duration) -> Self {
        let mut bucket = Self { rate: None, level: 0.0, at: now };
        bucket.set_rate(rate, now);
        bucket
    }

    /// Changes the rate from now on; what went already is paid for at the new one. 0 counts as one byte a second.
    pub fn set_rate(&mut self, rate: Option<u64>, now: Duration) {
        self.fill(now);
        let rate = rate.map(|rate| rate.max(1));
        if self.rate.is_none() {
            self.level = 0.0;
        }
        self.rate = rate;
        self.level = self.level.min(self.burst());
    }

    /// The rate in bytes a second.
    pub fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// Bytes to send at once: about [`PIECE_TIME`] of the line.
    pub fn piece(&self) -> usize {
        let Some(rate) = self.rate else { return PIECE_MAX_BYTES };
        // Saturates far above the clamp.
        ((rate as f64 * PIECE_TIME.as_secs_f64()) as usize).clamp(PIECE_MIN_BYTES, PIECE_MAX_BYTES)
    }

    /// Takes `bytes`; they may go after the returned time.
    pub fn take(&mut self, bytes: usize, now: Duration) -> Duration {
        self.fill(now);
        let Some(rate) = self.rate else { return Duration::ZERO };
        self.level -= bytes as f64;
        self.wait(rate)
    }

    /// How long until everything taken is paid for.
    pub fn owed(&mut self, now: Duration) -> Duration {
        self.fill(now);
        self.rate.map_or(Duration::ZERO, |rate| self.wait(rate))
    }

    fn wait(&self, rate: u64) -> Duration {
        // A day is as good as for ever, and never overflows.
        Duration::from_secs_f64((-self.level / rate as f64).clamp(0.0, 86_400.0))
    }

    fn burst(&self) -> f64 {
        2.0 * self.piece() as f64
    }

    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at);
        self.at = self.at.max(now);
        if let Some(rate) = self.rate {
            self.level = (self.level + rate as f64 * passed.as_secs_f64()).min(self.burst());
        }
    }
}
