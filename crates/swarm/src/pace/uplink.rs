//! The courteous uplink: as fast as the line goes without a queue building up in the router.
//!
//! In: round-trip times while bytes go out, the bytes, the time. Out: a rate in bytes a second. Delay-based, as LEDBAT is:
//! the least round trip of the last ten minutes is the empty line, what comes on top is the queue. Below the target the
//! rate rises, at first fast; above it the rate falls in proportion. It does no I/O and reads no clock.

use std::collections::VecDeque;
use std::time::Duration;

use crate::limits::{
    UPLINK_BASE_WINDOWS, UPLINK_FIRST_RATE, UPLINK_MAX_RATE, UPLINK_MIN_RATE, UPLINK_SAMPLES, UPLINK_STEP,
    UPLINK_TARGET,
};

/// Length of one window of the base round trip.
const BASE_WINDOW: Duration = Duration::from_secs(60);

/// State of the controller. Times are since any fixed moment.
#[derive(Debug, Clone)]
pub struct Uplink {
    rate: f64,
    /// Rises by half a step while the line has never shown a queue.
    starting: bool,
    /// Least round trip of each minute, the newest last.
    base: VecDeque<(Duration, Duration)>,
    recent: VecDeque<Duration>,
    /// Since the last change of the rate.
    sent: u64,
    changed: Duration,
    /// Highest rate sent over a second, minute by minute.
    peaks: VecDeque<(Duration, u64)>,
    second: (Duration, u64),
}

impl Default for Uplink {
    fn default() -> Self {
        Self {
            rate: UPLINK_FIRST_RATE as f64,
            starting: true,
            base: VecDeque::new(),
            recent: VecDeque::new(),
            sent: 0,
            changed: Duration::ZERO,
            peaks: VecDeque::new(),
            second: (Duration::ZERO, 0),
        }
    }
}

impl Uplink {
    /// Bytes a second that may go now.
    pub fn rate(&self) -> u64 {
        self.rate as u64
    }

    /// These bytes went.
    pub fn sent(&mut self, bytes: u64, now: Duration) {
        self.sent = self.sent.saturating_add(bytes);
        let (start, sum) = &mut self.second;
        let passed = now.saturating_sub(*start);
        if passed >= Duration::from_secs(1) {
            // A pause is no slow second: only what went within two counts as a rate.
            if passed < Duration::from_secs(2) {
                let rate = (*sum as f64 / passed.as_secs_f64()) as u64;
                push(&mut self.peaks, now, rate, u64::max);
            }
            self.second = (now, 0);
        }
        self.second.1 = self.second.1.saturating_add(bytes);
    }

    /// A round trip was measured.
    pub fn round_trip(&mut self, rtt: Duration, now: Duration) {
        push(&mut self.base, now, rtt, Duration::min);
        if self.recent.len() == UPLINK_SAMPLES {
            self.recent.pop_front();
        }
        self.recent.push_back(rtt);
        let passed = now.saturating_sub(self.changed);
        if passed < UPLINK_STEP {
            return;
        }
        let queue = self.queue();
        let target = UPLINK_TARGET.as_secs_f64();
        let over = (queue.as_secs_f64() - target) / target;
        // Unless the rate was used, a short queue says nothing about it.
        let used = self.sent as f64 > 0.6 * self.rate * passed.as_secs_f64();
        if over > 0.0 {
            self.starting = false;
            self.rate *= (1.0 - 0.3 * over).max(0.5);
            // The old samples were of the old rate.
            self.recent.clear();
        } else if used && self.starting {
            self.rate *= if over < -0.5 { 1.5 } else { 1.1 };
        } else if used {
            self.rate *= 1.0 - 0.05 * over;
        }
        self.rate = self.rate.clamp(UPLINK_MIN_RATE as f64, UPLINK_MAX_RATE as f64);
        (self.sent, self.changed) = (0, now);
    }

    /// The queue as the newest samples show it: the least of them, since a busy machine answers late.
    pub fn queue(&self) -> Duration {
        let base = self.base.iter().map(|(_, rtt)| *rtt).min();
        let now = self.recent.iter().min().copied();
        now.zip(base).map_or(Duration::ZERO, |(now, base)| now.saturating_sub(base))
    }

    /// The most that went in a second, over the last ten minutes; `None` before the first.
    pub fn measured(&self) -> Option<u64> {
        self.peaks.iter().map(|(_, rate)| *rate).max()
    }
}

/// Adds a value to its minute, and forgets minutes that are too old.
fn push<T: Copy>(windows: &mut VecDeque<(Duration, T)>, now: Duration, value: T, pick: fn(T, T) -> T) {
    match windows.back_mut() {
        Some((start, held)) if now.saturating_sub(*start) < BASE_WINDOW => *held = pick(*held, value),
        _ => {
            if windows.len() == UPLINK_BASE_WINDOWS {
                windows.pop_front();
            }
            windows.push_back((now, value));
        }
    }
}
