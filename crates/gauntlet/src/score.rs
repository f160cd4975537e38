//! Binary moving average and final score (protocol.md §5.2).
//!
//! In: numbers. Out: numbers. Nothing here looks at more than one peer.

use types::manifest::GauntletParams;

/// The moving average after one more sign: `(1 − α)·BMA + α·sign`.
pub fn bma(params: &GauntletParams, before: f64, sign: f64) -> f64 {
    (1.0 - params.bma_alpha) * before + params.bma_alpha * sign
}

/// `ordinal · bma' · sync`, where bma' is 0 below 0, and below the threshold once `rounds` have passed the grace.
pub fn final_score(params: &GauntletParams, ordinal: f64, bma: f64, sync: f64, rounds: u64) -> f64 {
    let below = rounds >= params.bma_grace_rounds && bma < params.bma_threshold;
    let kept = if below { 0.0 } else { bma.max(0.0) };
    ordinal * kept * sync
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_good_evaluations_pass_the_threshold_and_two_do_not() {
        let params = GauntletParams::default();
        let two = bma(&params, bma(&params, 0.0, 1.0), 1.0);
        let three = bma(&params, two, 1.0);
        assert!(two < params.bma_threshold && three > params.bma_threshold, "{two} {three}");
        assert_eq!(final_score(&params, 2.0, two, 1.0, 10), 0.0);
        assert!((final_score(&params, 2.0, two, 1.0, 9) - 2.0 * two).abs() < 1e-15);
        assert!((final_score(&params, 2.0, three, 0.5, 10) - three).abs() < 1e-15);
    }

    #[test]
    fn a_negative_average_never_turns_a_negative_rating_into_a_score() {
        assert_eq!(final_score(&GauntletParams::default(), -3.0, -0.5, 1.0, 0), 0.0);
    }
}
