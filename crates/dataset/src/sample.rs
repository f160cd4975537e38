//! Receipts: the id of a sequence and the digest of a pool (protocol.md §7, §13 item 2).
//!
//! In: tokens, or ids. Out: unkeyed BLAKE2b with an 8- or 16-byte output; the output length is part of the hash's
//! parameter block, so neither is a prefix of BLAKE2b-512. A digest proves what was assigned, not that it was trained on.

use blake2::Blake2b;
use blake2::digest::Digest;
use blake2::digest::consts::{U8, U16};

/// Id of a sequence: little-endian `u64` of BLAKE2b-64 over its tokens as little-endian `u32`.
pub fn sample_id(tokens: &[u32]) -> u64 {
    let mut hasher = Blake2b::<U8>::new();
    for token in tokens {
        hasher.update(token.to_le_bytes());
    }
    u64::from_le_bytes(hasher.finalize().into())
}

/// Digest of a pool: BLAKE2b-128 over its sample ids, ascending, as little-endian `u64`. Sorts `ids` in place.
pub fn sample_digest(ids: &mut [u64]) -> [u8; 16] {
    ids.sort_unstable();
    let mut hasher = Blake2b::<U16>::new();
    for id in ids {
        hasher.update(id.to_le_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_digests_are_the_reference_codes() {
        let tokens: Vec<u32> = (0..2048).collect();
        let id = sample_id(&tokens);
        assert_eq!(id, 9_727_674_481_869_147_956);
        let mut ids = [5, 3, id];
        assert_eq!(u128::from_be_bytes(sample_digest(&mut ids)), 0xc669_65dc_4a42_d211_2f21_7c05_bbd1_a38a);
        assert_eq!(ids, [3, 5, id]);
    }
}
