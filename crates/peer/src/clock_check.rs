//! Whether this machine's clock is right, by the chain's.
//!
//! In: the time in each new head, and this machine's when it heard of it. Out: how far the clock is off at least, and what
//! to do. Only what cannot be explained by the way a block takes counts: a head is never from the future, and a little
//! late it always is. It has no clock of its own and asks nobody. Pacing, bindings and announcements carry this machine's
//! time; rounds do not.

use std::collections::VecDeque;
use std::fmt;

use types::Problem;
use types::manifest::ChainParams;

/// Beyond this a person is told.
pub const WARN_MS: i64 = 2_000;
/// Beyond this nothing is submitted where blocks come by the clock.
pub const HOLD_MS: i64 = 30_000;
/// Heads the estimate is made from; the promptest of them counts.
const HEADS: usize = 8;
/// Fewer say nothing: the first head may be as old as the chain's last halt.
const ENOUGH: usize = 4;
/// A ledger's block is heard within this, over any home line and a relay.
const LEDGER_LAG_MS: i64 = 2_000;
/// A Bittensor block is finalized, and only then heard, within this: four blocks, and one for the way.
const FINALITY_LAG_MS: i64 = 60_000;

/// How this machine's clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// Not enough was heard.
    Unknown,
    /// Right, as far as it can be told.
    Right,
    /// Off by at least so many milliseconds; ahead if above zero.
    Off(i64),
}

/// Compares the machine's clock with heads.
#[derive(Debug, Clone)]
pub struct ClockCheck {
    lag_ms: i64,
    /// Whether being wrong can cost a round.
    by_the_clock: bool,
    /// Local time less head's time, newest last.
    heard: VecDeque<i64>,
    newest: Option<u64>,
}

impl ClockCheck {
    /// A check against a run's chain.
    pub fn new(chain: &ChainParams) -> Self {
        let lag_ms = if chain.subtensor.is_some() { FINALITY_LAG_MS } else { LEDGER_LAG_MS };
        let by_the_clock = matches!(chain.clock, types::manifest::Clock::Interval { .. });
        Self { lag_ms, by_the_clock, heard: VecDeque::with_capacity(HEADS), newest: None }
    }

    /// Takes a head in when it is heard.
    pub fn hear(&mut self, head_ms: u64, local_ms: u64) -> ClockState {
        // A head that was there before this one says nothing new.
        if self.newest.is_none_or(|newest| head_ms > newest) {
            self.newest = Some(head_ms);
            if self.heard.len() == HEADS {
                self.heard.pop_front();
            }
            let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
            self.heard.push_back(signed(local_ms).saturating_sub(signed(head_ms)));
        }
        self.state()
    }

    /// How the clock stands.
    pub fn state(&self) -> ClockState {
        // The promptest head came with the least delay.
        let Some(least) = self.heard.iter().min().filter(|_| self.heard.len() >= ENOUGH) else {
            return ClockState::Unknown;
        };
        let off = least.saturating_sub(self.lag_ms).max(0).saturating_add((*least).min(0));
        if off.abs() > WARN_MS { ClockState::Off(off) } else { ClockState::Right }
    }

    /// Why nothing should be submitted, if so.
    pub fn holds(&self) -> Option<String> {
        match self.state() {
            ClockState::Off(ms) if self.by_the_clock && ms.abs() > HOLD_MS => {
                Some(format!("this computer's clock {}", Off(ms)))
            }
            _ => None,
        }
    }
}

impl ClockState {
    /// What a person is told of a wrong clock.
    pub fn problem(self) -> Option<Problem> {
        let Self::Off(ms) = self else { return None };
        let title = format!("This computer's clock {}", Off(ms));
        Some(Problem::new("clock_off", title, how_to_set()))
    }
}

/// `is at least 4 s ahead of the chain's`.
struct Off(i64);

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, way) = (self.0.unsigned_abs().div_ceil(1000), if self.0 > 0 { "ahead of" } else { "behind" });
        write!(f, "is at least {secs} s {way} the chain's")
    }
}

/// One sentence for this operating system.
fn how_to_set() -> &'static str {
    if cfg!(windows) {
        "Open Settings, Time & language, Date & time, turn on \"Set time automatically\" and press \"Sync now\""
    } else if cfg!(target_os = "macos") {
        "Open System Settings, General, Date & Time, and turn on \"Set time and date automatically\""
    } else {
        "Turn on time synchronisation: `timedatectl set-ntp true`"
    }
}

#[cfg(test)]
mod tests;
