//! The courteous uplink: as fast as the line goes without a queue building up in the router.
//!
//! In: round-trip times while bytes go out, the bytes, the time. Out: a rate in bytes a second. Delay-based, as LEDBAT is:
//! the least round trip of the last ten minutes is the empty line, what comes on top is the queue. Below the target the
//! rate rises, at first fast. Above it the line's capacity follows from what went and how fast the queue grew, and the rate
//! goes as far below it as empties the queue in about a second. It does no I/O and reads no clock.

use std::collections::VecDeque;
use std::time::Duration;

use crate::limits::{
    UPLINK_BASE_WINDOWS, UPLINK_FIRST_RATE, UPLINK_FIRST_STEP, UPLINK_MAX_RATE, UPLINK_MIN_RATE, UPLINK_STEP,
    UPLINK_TARGET,
};

/// Length of one window of the base round trip.
const BASE_WINDOW: Duration = Duration::from_secs(60);

/// State of the controller. Times are since any fixed moment.
#[derive(Debug, Clone)]
pub struct Uplink {
    rate: f64,
    /// Rises fast and in short steps while the line has never shown a queue.
    starting: bool,
    /// Round trips in a row that showed a queue while starting: one alone is a busy processor or a lost packet.
    warned: bool,
    /// Changes in a row at which the line was empty and the rate was used: the line may have become faster.
    calm: u32,
    /// Least round trip of each minute, the newest last.
    base: VecDeque<(Duration, Duration)>,
    /// Newest round trip, and the queue in seconds at the last change of the rate.
    newest: Option<Duration>,
    queue: f64,
    /// The line's capacity as the last queue showed it.
    capacity: f64,
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
            warned: false,
            calm: 0,
            base: VecDeque::new(),
            newest: None,
            queue: 0.0,
            capacity: 0.0,
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

    /// Whether the rate is still a guess: no queue has been seen yet.
    pub fn is_starting(&self) -> bool {
        self.starting
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
        self.newest = Some(rtt);
        let passed = now.saturating_sub(self.changed);
        if passed < self.step() {
            return;
        }
        let (passed, queue) = (passed.as_secs_f64(), self.queue().as_secs_f64());
        let target = UPLINK_TARGET.as_secs_f64();
        let sent = (self.sent as f64 / passed).min(self.rate);
        // Unless the rate was used, a short queue says nothing about it.
        let used = sent > 0.6 * self.rate;
        if queue > target && self.starting && !std::mem::replace(&mut self.warned, true) {
            // The rate stays for one step; the next round trip tells.
        } else if queue > target {
            (self.starting, self.calm) = (false, 0);
            // A queue that grows by a tenth of a second each second means a tenth more than the line takes.
            let growth = ((queue - self.queue) / passed).clamp(-0.5, 3.0);
            // One strange sample moves the estimate only so far.
            self.capacity = (sent / (1.0 + growth)).clamp(0.3 * self.rate, 1.1 * self.rate);
            self.rate = self.capacity * (1.0 - ((queue - target / 2.0) / 0.6).clamp(0.03, 0.5));
        } else if used && self.starting {
            self.warned = false;
            self.rate *= if queue < target / 2.0 { 1.5 } else { 1.05 };
        } else if used && self.rate < 0.9 * self.capacity {
            self.rate = (1.5 * self.rate).min(0.95 * self.capacity);
        } else if used {
            self.calm = if queue < target / 3.0 { self.calm + 1 } else { 0 };
            // Two in a hundred, and twice as many after each five calm steps: an estimate that was too low is soon forgotten.
            let rise = (0.02 * f64::from(1 << (self.calm / 5).min(4))).min(0.3);
            self.rate *= 1.0 + rise * (1.0 - queue / target);
        }
        self.rate = self.rate.clamp(UPLINK_MIN_RATE as f64, UPLINK_MAX_RATE as f64);
        (self.sent, self.changed, self.queue) = (0, now, queue);
    }

    /// Least time between two changes of the rate: while starting, the queue of one step must show before the next.
    fn step(&self) -> Duration {
        let base = self.base.iter().map(|(_, rtt)| *rtt).min().unwrap_or_default();
        if self.starting { (base + base / 2).clamp(UPLINK_FIRST_STEP, UPLINK_STEP) } else { UPLINK_STEP }
    }

    /// Round trips are measured to another peer from now on: the old ones say nothing about it.
    pub fn new_path(&mut self) {
        self.base.clear();
        (self.newest, self.queue) = (None, 0.0);
    }

    /// The queue as the newest round trip shows it.
    pub fn queue(&self) -> Duration {
        let base = self.base.iter().map(|(_, rtt)| *rtt).min();
        self.newest.zip(base).map_or(Duration::ZERO, |(now, base)| now.saturating_sub(base))
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
