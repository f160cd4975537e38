//! From logits to a token: temperature, nucleus, one seeded draw.
//!
//! In: logits, parameters, how many draws went before. Out: a token id. The same logits and seed give the same token.

use crate::rng::{subkey, uniform};
use crate::{EngineError, SampleParams};

/// Refuses parameters that mean nothing.
pub(crate) fn check(params: &SampleParams) -> Result<(), EngineError> {
    let refuse = |what, expected, got| Err(EngineError::Number { what, expected, got });
    if !(params.temperature.is_finite() && params.temperature >= 0.0) {
        return refuse("temperature", "finite and at least 0", params.temperature);
    }
    if !(params.top_p > 0.0 && params.top_p <= 1.0) {
        return refuse("top_p", "above 0 and at most 1", params.top_p);
    }
    Ok(())
}

/// The token drawn for draw number `draw`; ties go to the lowest id, a logit that is NaN is never drawn.
pub(crate) fn choose(logits: &[f32], params: &SampleParams, draw: u64) -> u32 {
    let mut order: Vec<u32> = (0..).take(logits.len()).filter(|i| !logits[*i as usize].is_nan()).collect();
    order.sort_by(|a, b| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b)));
    let Some(&best) = order.first() else { return 0 };
    if params.temperature == 0.0 {
        return best;
    }
    let top = f64::from(logits[best as usize]);
    let weight = |i: u32| ((f64::from(logits[i as usize]) - top) / params.temperature).exp();
    let all: f64 = order.iter().map(|i| weight(*i)).sum();
    let mut kept = 0.0;
    let nucleus = order.iter().take_while(|i| {
        let enough = kept >= params.top_p * all;
        kept += weight(**i);
        !enough
    });
    let nucleus: Vec<u32> = nucleus.copied().collect();
    let mass: f64 = nucleus.iter().map(|i| weight(*i)).sum();
    let mut left = uniform(subkey(params.seed, 0), draw) * mass;
    for i in &nucleus {
        left -= weight(*i);
        if left < 0.0 {
            return *i;
        }
    }
    nucleus.last().copied().unwrap_or(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(temperature: f64, top_p: f64) -> SampleParams {
        SampleParams { temperature, top_p, max_tokens: 1, seed: 5 }
    }

    #[test]
    fn temperature_zero_takes_the_first_best() {
        assert_eq!(choose(&[0.0, 3.0, 3.0, f32::NAN], &params(0.0, 1.0), 0), 1);
    }

    #[test]
    fn frequencies_follow_the_probabilities() {
        let logits = [0.5f32.ln(), 0.3f32.ln(), 0.2f32.ln()];
        let mut seen = [0u32; 3];
        (0..20_000).for_each(|draw| seen[choose(&logits, &params(1.0, 1.0), draw) as usize] += 1);
        for (count, p) in seen.iter().zip([0.5, 0.3, 0.2]) {
            assert!((f64::from(*count) / 20_000.0 - p).abs() < 0.015, "{seen:?}");
        }
    }

    #[test]
    fn the_nucleus_leaves_out_the_tail() {
        let logits = [0.5f32.ln(), 0.3f32.ln(), 0.2f32.ln()];
        assert!((0..2000).all(|draw| choose(&logits, &params(1.0, 0.7), draw) < 2));
        assert!((0..2000).all(|draw| choose(&logits, &params(1.0, 1e-9), draw) == 0));
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        for (temperature, top_p) in [(f64::NAN, 1.0), (-1.0, 1.0), (f64::INFINITY, 1.0), (1.0, 0.0), (1.0, 1.1)] {
            assert!(check(&params(temperature, top_p)).is_err(), "{temperature} {top_p}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_logits_give_a_token_of_the_vocabulary(
            bits in proptest::collection::vec(proptest::num::u32::ANY, 1..40),
            temperature in 0.0..1e6f64,
            top_p in 1e-12..=1.0f64,
            draw in 0u64..1000,
        ) {
            let logits: Vec<f32> = bits.iter().map(|b| f32::from_bits(*b)).collect();
            let token = choose(&logits, &params(temperature, top_p), draw) as usize;
            proptest::prop_assert!(token < logits.len());
            proptest::prop_assert!(!logits[token].is_nan() || logits.iter().all(|l| l.is_nan()));
        }
    }
}
