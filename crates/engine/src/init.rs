//! The initial parameters: a function of the model's shape and the run's seed, bit-identical on every machine.
//!
//! In: shape and seed. Out: the flat f32 buffer. It uses neither torch nor a mathematics library: only integers and
//! the IEEE operations add, multiply, divide and square root, which round the same everywhere.
//!
//! Scheme: torchtitan's (protocol.md §1.1), with two departures. The normal distribution is the sum of twelve uniform
//! numbers (Irwin-Hall: variance 1, cut at 6 sigma by construction), since exact normals need logarithms, whose last
//! bit varies between machines. The embedding has sigma 0.02 where torchtitan has 1: with a tied head, sigma 1 would
//! start training from logits of size sqrt(d), and which initialisation the reference used with tying is not known.

use types::manifest::ModelParams;

use crate::rng::{number, subkey};

/// Standard deviation of embeddings and of the projections that read the residual stream.
const SIGMA: f64 = 0.02;
/// The output head is cut at this many standard deviations, as in torchtitan.
const HEAD_CUT: f64 = 3.0;

/// The run's parameters before the first round, in the order of `ModelParams::tensors()`.
pub fn initial_theta(model: &ModelParams, seed: u64) -> Vec<f32> {
    let mut theta = Vec::with_capacity(usize::try_from(model.parameter_count()).unwrap_or(0));
    for (index, tensor) in model.tensors().iter().enumerate() {
        let key = subkey(seed, index as u64);
        match fill_of(model, &tensor.name) {
            Fill::One => theta.extend(std::iter::repeat_n(1.0f32, tensor.len())),
            Fill::Normal { sigma, cut } => {
                theta.extend((0..tensor.len() as u64).map(|i| (sigma * standard_normal(key, i, cut)) as f32));
            }
        }
    }
    theta
}

enum Fill {
    One,
    Normal { sigma: f64, cut: f64 },
}

fn fill_of(model: &ModelParams, name: &str) -> Fill {
    // Irwin-Hall never leaves 6 sigma: a cut there cuts nothing.
    let uncut = |sigma| Fill::Normal { sigma, cut: 6.0 };
    if name.ends_with("norm.weight") {
        return Fill::One;
    }
    if name == "lm_head.weight" {
        return Fill::Normal { sigma: 1.0 / (model.d_model as f64).sqrt(), cut: HEAD_CUT };
    }
    let Some(layer) = layer_of(name) else { return uncut(SIGMA) };
    let by_depth = ["self_attn.o_proj", "mlp.up_proj", "mlp.down_proj"].iter().any(|part| name.contains(part));
    uncut(if by_depth { SIGMA / (2.0 * (layer + 1) as f64).sqrt() } else { SIGMA })
}

/// The N of `model.layers.N.`
fn layer_of(name: &str) -> Option<usize> {
    name.strip_prefix("model.layers.")?.split('.').next()?.parse().ok()
}

/// Element `index` of a standard normal sequence, drawn again until it lies within `cut`.
fn standard_normal(key: u64, index: u64, cut: f64) -> f64 {
    // Sixteen attempts per element are set aside; at a cut of 3 the chance that all fail is below 10^-40.
    for attempt in 0..16 {
        let z = irwin_hall(key, index * 16 + attempt);
        if z.abs() <= cut {
            return z;
        }
    }
    0.0
}

/// Sum of twelve 16-bit uniform numbers, centred: exact in integers, then two exact f64 operations.
fn irwin_hall(key: u64, draw: u64) -> f64 {
    let mut sum = 0u64;
    for part in 0..3 {
        let bits = number(key, draw.wrapping_mul(3).wrapping_add(part));
        sum += (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48);
    }
    // Each uniform stands for the middle of its interval, hence + 12 halves.
    (sum as f64 + 6.0) / 65_536.0 - 6.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preset(name: &str) -> ModelParams {
        ModelParams::preset(name).unwrap()
    }

    /// Golden: every peer of a run starts from these bits. A change here breaks every run that exists.
    #[test]
    fn initial_bits_are_fixed_for_ever() {
        let hash = |name: &str, seed| {
            let bytes: Vec<u8> = initial_theta(&preset(name), seed).iter().flat_map(|x| x.to_le_bytes()).collect();
            types::Hash32::of(&bytes).to_string()
        };
        assert_eq!(hash("nano", 42), "4f2ceb7301297ffaf10abfdda1945c4391941c6a1a4cbf5056ae494b0e7bc8c0");
        assert_eq!(hash("tiny", 0), "3191931869a49ef6efe7a1d908e621a340f26928efba674fca14b0616e9d0a3c");
        let first: Vec<u32> = initial_theta(&preset("nano"), 42)[..3].iter().map(|x| x.to_bits()).collect();
        // These three were computed by a second implementation, in Python.
        assert_eq!(first, [0xBAB9_3D71, 0x3C83_DF5C, 0x3CC2_CAE1]);
    }

    #[test]
    fn each_tensor_has_its_standard_deviation() {
        let model = preset("tiny");
        let theta = initial_theta(&model, 7);
        let mut offset = 0;
        for tensor in model.tensors() {
            let part = &theta[offset..offset + tensor.len()];
            offset += tensor.len();
            let n = part.len() as f64;
            let mean = part.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
            let deviation = (part.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n).sqrt();
            let expected = match tensor.name.as_str() {
                name if name.ends_with("norm.weight") => {
                    assert!(part.iter().all(|x| *x == 1.0), "{name}");
                    continue;
                }
                // A normal cut at 3 sigma keeps 0.9866 of its deviation.
                "lm_head.weight" => 0.9866 / 128f64.sqrt(),
                "model.layers.3.mlp.down_proj.weight" => 0.02 / 8f64.sqrt(),
                name if name.contains("o_proj") || name.contains("up_proj") || name.contains("down_proj") => {
                    0.02 / (2.0 * (layer_of(name).unwrap() + 1) as f64).sqrt()
                }
                _ => 0.02,
            };
            assert!((deviation / expected - 1.0).abs() < 0.03, "{}: {deviation} against {expected}", tensor.name);
            assert!(mean.abs() < 4.0 * expected / n.sqrt(), "{}: mean {mean}", tensor.name);
        }
        assert_eq!(offset, theta.len());
    }

    #[test]
    fn the_head_is_cut_at_three_sigma_and_the_tails_are_normal() {
        let model = preset("tiny");
        let theta = initial_theta(&model, 3);
        let head = &theta[theta.len() - 256 * 128..];
        let sigma = 1.0 / 128f64.sqrt();
        assert!(head.iter().all(|x| f64::from(x.abs()) <= 3.0 * sigma));
        let beyond = |z: f64| head.iter().filter(|x| f64::from(x.abs()) > z * sigma).count() as f64 / head.len() as f64;
        assert!((beyond(1.0) - 0.3173).abs() < 0.015 && (beyond(2.0) - 0.0455).abs() < 0.006, "{}", beyond(2.0));
    }

    #[test]
    fn seeds_and_tensors_do_not_share_numbers() {
        let model = preset("nano");
        let (a, b) = (initial_theta(&model, 1), initial_theta(&model, 2));
        assert!(a.iter().zip(&b).filter(|(x, y)| x == y).count() < a.len() / 20);
        let (q, embedding) = (&a[256 * 64 + 64..][..1024], &a[..1024]);
        assert!(q.iter().zip(embedding).filter(|(x, y)| x == y).count() < 20);
    }
}
