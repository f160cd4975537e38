//! The hash by which peers tell whether they hold the same parameters.
//!
//! In: a flat f32 buffer. Out: BLAKE3 of its little-endian bytes, the same on every machine. It does not judge the values.

use types::Hash32;

/// BLAKE3 of the little-endian bytes of `theta`, computed on all threads of the current rayon pool.
pub fn theta_hash(theta: &[f32]) -> Hash32 {
    let mut hasher = blake3::Hasher::new();
    if cfg!(target_endian = "little") {
        hasher.update_rayon(bytemuck::cast_slice(theta));
    } else {
        for v in theta {
            hasher.update(&v.to_le_bytes());
        }
    }
    Hash32(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theta_hash_is_that_of_the_little_endian_bytes() {
        let theta: Vec<f32> = (0..300_000).map(|i| i as f32 * 0.1).collect();
        let bytes: Vec<u8> = theta.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(theta_hash(&theta), Hash32::of(&bytes));
    }
}
