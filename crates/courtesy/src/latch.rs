//! What keeps a rule from flapping: it begins and ends only after its condition has held for a while.
//!
//! In: what the condition says now. Out: whether the rule holds, since when, and when that changes by itself. A rule that
//! comes back soon after its end takes twice as long to end, where that is wanted.

use view_model::PauseReason;

/// A rule that comes back within so long was ended too early.
const RELAPSE_MS: u64 = 10 * 60_000;
/// Longest wait for the end of a rule that keeps coming back.
const LONGEST_LEAVE_MS: u64 = 15 * 60_000;

/// How long a condition must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Until the rule begins.
    pub(crate) enter_ms: u64,
    /// Until it ends, after the condition has gone.
    pub(crate) leave_ms: u64,
    /// Whether a rule that comes back ends later each time: pausing itself takes the condition away.
    pub(crate) patient: bool,
}

impl Timing {
    /// Begins and ends with its condition.
    pub(crate) const AT_ONCE: Self = Self::after(0, 0);

    pub(crate) const fn after(enter_ms: u64, leave_ms: u64) -> Self {
        Self { enter_ms, leave_ms, patient: false }
    }

    pub(crate) const fn patient(enter_ms: u64, leave_ms: u64) -> Self {
        Self { enter_ms, leave_ms, patient: true }
    }
}

/// What a condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Now {
    /// The user does not want the rule.
    Off,
    /// Nobody can tell.
    CannotTell,
    /// It does not hold.
    No,
    /// Between the values at which it begins and ends: a rule that holds goes on, another does not begin.
    Between(PauseReason),
    /// It holds.
    Yes(PauseReason),
}

/// A rule's memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latch {
    held: Option<Held>,
    /// Since when the condition says the opposite of what holds.
    edge_ms: Option<u64>,
    ended_ms: Option<u64>,
    relapses: u32,
}

#[derive(Debug, Clone)]
struct Held {
    since_ms: u64,
    reason: PauseReason,
}

impl Latch {
    /// Takes in what the condition says.
    pub(crate) fn step(&mut self, now: Now, timing: Timing, now_ms: u64) {
        match (now, self.held.as_mut()) {
            (Now::Off, _) => *self = Self::default(),
            (Now::Yes(reason) | Now::Between(reason), Some(held)) => {
                held.reason = reason;
                self.edge_ms = None;
            }
            (Now::Yes(reason), None) => {
                let edge = *self.edge_ms.get_or_insert(now_ms);
                if now_ms.saturating_sub(edge) >= timing.enter_ms {
                    self.begin(reason, timing, now_ms);
                }
            }
            (Now::No | Now::CannotTell, Some(_)) => {
                let edge = *self.edge_ms.get_or_insert(now_ms);
                if now_ms.saturating_sub(edge) >= self.leave_ms(timing) {
                    (self.held, self.edge_ms, self.ended_ms) = (None, None, Some(now_ms));
                }
            }
            (Now::No | Now::CannotTell | Now::Between(_), None) => self.edge_ms = None,
        }
    }

    /// The reason and since when it holds.
    pub(crate) fn held(&self) -> Option<(&PauseReason, u64)> {
        self.held.as_ref().map(|held| (&held.reason, held.since_ms))
    }

    /// When the rule begins or ends if the condition stays as it is.
    pub(crate) fn turns_at(&self, timing: Timing) -> Option<u64> {
        let wait = if self.held.is_some() { self.leave_ms(timing) } else { timing.enter_ms };
        self.edge_ms.map(|edge| edge.saturating_add(wait))
    }

    /// The clock was set back: nothing may lie in the future.
    pub(crate) fn not_after(&mut self, now_ms: u64) {
        if let Some(held) = &mut self.held {
            held.since_ms = held.since_ms.min(now_ms);
        }
        self.edge_ms = self.edge_ms.map(|edge| edge.min(now_ms));
        self.ended_ms = self.ended_ms.map(|ended| ended.min(now_ms));
    }

    /// Whether there is anything to remember.
    pub(crate) fn is_blank(&self) -> bool {
        self.held.is_none() && self.edge_ms.is_none() && self.ended_ms.is_none()
    }

    fn begin(&mut self, reason: PauseReason, timing: Timing, now_ms: u64) {
        let relapse = self.ended_ms.is_some_and(|ended| now_ms.saturating_sub(ended) < RELAPSE_MS);
        self.relapses = if relapse && timing.patient { self.relapses.saturating_add(1) } else { 0 };
        self.held = Some(Held { since_ms: now_ms, reason });
        self.edge_ms = None;
    }

    fn leave_ms(&self, timing: Timing) -> u64 {
        let longer = timing.leave_ms.saturating_mul(1 << self.relapses.min(10));
        if timing.patient { longer.min(LONGEST_LEAVE_MS) } else { timing.leave_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Timing = Timing::patient(1_000, 30_000);

    fn held_at(latch: &mut Latch, now: &Now, now_ms: u64) -> bool {
        latch.step(now.clone(), SLOW, now_ms);
        latch.held().is_some()
    }

    #[test]
    fn a_rule_that_keeps_coming_back_ends_later_each_time_but_within_a_quarter_of_an_hour() {
        let (yes, mut latch, mut now_ms) = (Now::Yes(PauseReason::Metered), Latch::default(), 0);
        let mut waits = Vec::new();
        for _ in 0..8 {
            assert!(!held_at(&mut latch, &yes, now_ms));
            assert!(held_at(&mut latch, &yes, now_ms + 1_000));
            latch.step(Now::No, SLOW, now_ms + 2_000);
            let ends = latch.turns_at(SLOW).unwrap();
            waits.push((ends - now_ms - 2_000) / 1_000);
            assert!(held_at(&mut latch, &Now::No, ends - 1));
            assert!(!held_at(&mut latch, &Now::No, ends));
            now_ms = ends + 60_000;
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
        now_ms += RELAPSE_MS;
        held_at(&mut latch, &yes, now_ms);
        assert!(held_at(&mut latch, &yes, now_ms + 1_000));
        latch.step(Now::No, SLOW, now_ms + 2_000);
        assert_eq!(latch.turns_at(SLOW), Some(now_ms + 32_000), "ten quiet minutes are forgotten");
    }

    #[test]
    fn between_its_two_values_a_rule_neither_begins_nor_ends() {
        let between = Now::Between(PauseReason::Battery);
        let mut latch = Latch::default();
        for second in 0..100 {
            assert!(!held_at(&mut latch, &between, second * 1_000));
        }
        held_at(&mut latch, &Now::Yes(PauseReason::Metered), 100_000);
        assert!(held_at(&mut latch, &Now::Yes(PauseReason::Metered), 101_000));
        held_at(&mut latch, &Now::No, 102_000);
        for second in 0..100 {
            assert!(held_at(&mut latch, &between, 103_000 + second * 1_000));
        }
        assert_eq!(latch.held().unwrap(), (&PauseReason::Battery, 101_000), "the newest figures, since the beginning");
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_hold_a_rule_for_years() {
        let (yes, year_ms) = (Now::Yes(PauseReason::Metered), 365 * 86_400_000);
        let mut latch = Latch::default();
        held_at(&mut latch, &yes, year_ms);
        assert!(held_at(&mut latch, &yes, year_ms + 1_000));
        held_at(&mut latch, &Now::No, year_ms + 2_000);
        latch.not_after(5_000);
        assert_eq!(latch.held().unwrap().1, 5_000);
        assert!(!held_at(&mut latch, &Now::No, 35_000));
    }
}
