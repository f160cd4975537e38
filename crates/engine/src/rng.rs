//! Counter-based random numbers in integer arithmetic: the same on every machine, in any order, on any thread.
//!
//! In: a key and a counter. Out: 64 bits. It is no cipher and must not make secrets.

/// SplitMix64's increment, 2^64 divided by the golden ratio (Steele, Lea, Flood 2014).
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's output function: every bit of the input reaches every bit of the output.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The `counter`-th number of the sequence named by `key`.
pub(crate) fn number(key: u64, counter: u64) -> u64 {
    mix(key.wrapping_add(counter.wrapping_add(1).wrapping_mul(GAMMA)))
}

/// A key for the `index`-th part of what `key` names.
pub(crate) fn subkey(key: u64, index: u64) -> u64 {
    // A second pass keeps neighbouring parts from being shifted copies of one sequence.
    mix(number(key, index) ^ GAMMA)
}

/// Uniform in [0, 1) with 53 bits.
pub(crate) fn uniform(key: u64, counter: u64) -> f64 {
    (number(key, counter) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}
