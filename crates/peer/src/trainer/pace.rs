//! Working slower than one could: rests between inner steps, for a temperature or noise target.
//!
//! In: the share of the time to work, and how long a step took. Out: a rest in proportion, cut short by a halt. It changes
//! when a step is taken, never what it computes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A rest is slept in pieces of this length, so that a pause needs not wait for its end.
const PIECE: Duration = Duration::from_millis(20);
/// Longest rest: a step that took minutes for another reason must not stop the peer for hours.
const LONGEST: Duration = Duration::from_secs(60);

/// The share of the time to work, shared with whoever sets it.
#[derive(Debug)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    /// Without rests.
    pub(super) fn full() -> Self {
        Self(AtomicU64::new(1.0_f64.to_bits()))
    }

    /// From the next step on.
    pub(super) fn set(&self, work_share: f64) {
        self.0.store(work_share.to_bits(), Ordering::Relaxed);
    }

    /// Rests after a step that took `worked`.
    pub(super) fn rest(&self, worked: Duration, halt: &AtomicBool) {
        let mut left = rest_after(worked, f64::from_bits(self.0.load(Ordering::Relaxed)));
        while !left.is_zero() && !halt.load(Ordering::SeqCst) {
            let piece = left.min(PIECE);
            std::thread::sleep(piece);
            left -= piece;
        }
    }
}

fn rest_after(worked: Duration, share: f64) -> Duration {
    let factor = 1.0 / share - 1.0;
    if factor > 0.0 && factor.is_finite() { worked.mul_f64(factor.min(1e3)).min(LONGEST) } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_are_in_proportion_and_bounded() {
        let second = Duration::from_secs(1);
        assert_eq!(rest_after(second, 1.0), Duration::ZERO);
        assert_eq!(rest_after(second, 0.5), second);
        assert_eq!(rest_after(second, 0.25), 3 * second);
        assert_eq!(rest_after(100 * second, 0.05), LONGEST);
        for nonsense in [0.0, -1.0, 2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(rest_after(second, nonsense), Duration::ZERO, "{nonsense}");
        }
    }

    #[test]
    fn a_halt_ends_a_rest() {
        let pace = Pace::full();
        pace.set(0.05);
        let began = std::time::Instant::now();
        pace.rest(Duration::from_secs(3600), &AtomicBool::new(true));
        assert!(began.elapsed() < LONGEST);
    }
}
