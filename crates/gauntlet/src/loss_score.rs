//! LossScore: how much one peer's update, applied alone with a small step, lowers the loss (protocol.md §5.2).
//!
//! In: mean losses on assigned and on random sequences, before and after the probe. Out: relative improvements and the
//! sign the binary moving average takes. Losses that are no positive numbers give no improvement, never a NaN.

use serde::{Deserialize, Serialize};

/// Losses around one probe, in nats per token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LossSample {
    /// On sequences assigned to the peer, at θ.
    pub own_before: f64,
    /// On the same, at θ moved by the probe.
    pub own_after: f64,
    /// On random sequences, the same ones for every peer of the round, at θ.
    pub random_before: f64,
    /// On the same, at θ moved by the probe.
    pub random_after: f64,
}

/// Relative improvements of one probe.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Improvement {
    /// `(L_before − L_after) / L_before` on assigned data.
    pub own: f64,
    /// The same on random data; this is the score that is ranked.
    pub random: f64,
}

impl LossSample {
    /// The sample's relative improvements; `None` if a loss is not finite, negative, or 0 before the probe.
    pub fn improvement(&self) -> Option<Improvement> {
        let own = relative(self.own_before, self.own_after)?;
        let random = relative(self.random_before, self.random_after)?;
        Some(Improvement { own, random })
    }
}

impl Improvement {
    /// LossScore: the improvement on random data.
    pub fn gradient_score(&self) -> f64 {
        self.random
    }

    /// +1 if the peer's own data improved more than random data, else −1.
    pub fn sign(&self) -> f64 {
        if self.own > self.random { 1.0 } else { -1.0 }
    }
}

fn relative(before: f64, after: f64) -> Option<f64> {
    let sound = before.is_finite() && after.is_finite() && before > 0.0 && after >= 0.0;
    sound.then(|| (before - after) / before).filter(|improvement| improvement.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn improvements_are_relative_to_the_loss_before() {
        let sample = LossSample { own_before: 4.0, own_after: 3.0, random_before: 2.0, random_after: 2.5 };
        let improvement = sample.improvement().unwrap();
        assert_eq!((improvement.own, improvement.random), (0.25, -0.25));
        assert_eq!((improvement.gradient_score(), improvement.sign()), (-0.25, 1.0));
    }

    #[test]
    fn equal_improvements_count_as_not_own() {
        let sample = LossSample { own_before: 2.0, own_after: 1.0, random_before: 2.0, random_after: 1.0 };
        assert_eq!(sample.improvement().unwrap().sign(), -1.0);
    }

    #[test]
    fn losses_that_are_no_losses_give_nothing() {
        let good = LossSample { own_before: 2.0, own_after: 1.0, random_before: 2.0, random_after: 1.0 };
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(LossSample { own_before: bad, ..good }.improvement(), None);
            assert_eq!(LossSample { own_after: bad, ..good }.improvement(), None);
            assert_eq!(LossSample { random_before: bad, ..good }.improvement(), None);
            assert_eq!(LossSample { random_after: bad, ..good }.improvement(), None);
        }
        assert_eq!(LossSample { random_before: 0.0, ..good }.improvement(), None);
        assert_eq!(LossSample { random_before: 5e-324, random_after: 1e300, ..good }.improvement(), None);
    }
}
