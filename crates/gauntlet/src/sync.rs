//! How far a peer's parameters lag behind: the reference's estimate from slices, and Covey's exact one from hashes.
//!
//! In: slices of parameters, or hashes of all of them. Out: steps behind, and the score factor made of it.

use types::{Hash32, Round};

/// Beyond this many steps the factor is 0.
const MAX_STEPS: f64 = 3.0;
/// Smallest step an element is taken to make per outer step (protocol.md §5.2).
const MIN_STEP: f64 = 1e-9;

/// `(1 − min(x, 3)/3)^2.5`: 1 at 0 steps behind, 0 from 3 on. What is no number counts as far behind.
pub fn sync_score(steps_behind: f64) -> f64 {
    let behind = if steps_behind.is_nan() { MAX_STEPS } else { steps_behind.clamp(0.0, MAX_STEPS) };
    (1.0 - behind / MAX_STEPS).powf(2.5)
}

/// Steps behind by Covey's rule: 0 for the newest hash of `history` (newest last), n for the hash n rounds before it,
/// 3 for any other.
///
/// The outer step is bit-identical on all machines, so a hash says exactly what slices can only estimate, and a peer
/// cannot echo it without having computed it.
pub fn steps_behind(peer_theta: Hash32, history: &[(Round, Hash32)]) -> f64 {
    let Some((newest, _)) = history.last() else { return MAX_STEPS };
    let found = history.iter().rev().find(|(_, theta)| *theta == peer_theta);
    found.map_or(MAX_STEPS, |(round, _)| (newest.0.saturating_sub(round.0) as f64).min(MAX_STEPS))
}

/// Steps behind by the reference's rule: the inter-quartile mean of `|validator − peer| / step` over all elements, where
/// `step` is the moving average of what that element moves per outer step. Slices of different lengths: far behind.
pub fn steps_behind_by_slices(validator: &[f32], peer: &[f32], step: &[f32]) -> f64 {
    if validator.is_empty() || validator.len() != peer.len() || validator.len() != step.len() {
        return MAX_STEPS;
    }
    let lag = |((v, p), s): ((&f32, &f32), &f32)| {
        let behind = (f64::from(*v) - f64::from(*p)).abs() / f64::from(*s).max(MIN_STEP);
        if behind.is_nan() { f64::INFINITY } else { behind }
    };
    let mut lags: Vec<f64> = validator.iter().zip(peer).zip(step).map(lag).collect();
    inter_quartile_mean(&mut lags)
}

/// Mean of the middle half; sorts in place. 0 for nothing.
fn inter_quartile_mean(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let cut = values.len() / 4;
    let middle = &values[cut..values.len() - cut];
    if middle.is_empty() { 0.0 } else { middle.iter().sum::<f64>() / middle.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sync_scores_are_the_reference_figures() {
        let check = |steps, score: f64| assert!((sync_score(steps) - score).abs() < 5e-4, "{steps}");
        check(0.0, 1.0);
        check(0.5, 0.634);
        check(1.0, 0.363);
        check(2.0, 0.064);
        check(3.0, 0.0);
        check(1e9, 0.0);
        check(f64::NAN, 0.0);
        check(-1.0, 1.0);
    }

    #[test]
    fn hashes_tell_the_exact_lag() {
        let theta = |i: u8| Hash32([i; 32]);
        let history: Vec<_> = (0..6).map(|i| (Round(u64::from(i)), theta(i))).collect();
        let check = |i, steps| assert_eq!(steps_behind(theta(i), &history), steps);
        check(5, 0.0);
        check(4, 1.0);
        check(3, 2.0);
        check(0, 3.0);
        check(99, 3.0);
        assert_eq!(steps_behind(theta(1), &[]), 3.0);
    }

    #[test]
    fn slices_are_compared_by_their_middle_half() {
        let validator = [0.0f32; 8];
        let peer = [0.1f32, 0.1, 0.1, 0.1, 0.1, 0.1, 50.0, f32::NAN];
        let behind = steps_behind_by_slices(&validator, &peer, &[0.1; 8]);
        assert!((behind - 1.0).abs() < 1e-6, "{behind}");
        assert_eq!(steps_behind_by_slices(&validator, &peer[..7], &[0.1; 8]), 3.0);
        assert_eq!(steps_behind_by_slices(&validator, &validator, &[0.0; 8]), 0.0);
    }
}
