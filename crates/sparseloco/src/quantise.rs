//! The 2-bit quantisers: two magnitudes and a sign per chunk, or the reference code's four bins per tensor.
//!
//! In: the selected values. Out: 2-bit codes and the levels they stand for, as bits that travel. Sums have a fixed order, so
//! that every machine makes the same bytes. It refuses levels from outside that are not finite, subnormal or too large.

/// Largest magnitude of `β·e + Δ` and of a level. A pseudo-gradient is a parameter change over one round: anything near
/// this has diverged. It keeps every later sum finite, and the reference's `scale` below its bound of 1e4.
pub const MAX_MAGNITUDE: f32 = 4096.0;
/// Two bf16 magnitudes.
pub(crate) const CHUNK_CODEBOOK_BYTES: usize = 4;
/// Five f32: shift and four look-up values.
pub(crate) const TENSOR_CODEBOOK_BYTES: usize = 20;
/// Partial sums, so that the compiler may use vector registers without changing the result.
const LANES: usize = 8;

/// What is wrong with levels from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LevelError {
    NonFinite,
    OutOfBounds,
}

/// Two magnitudes, as the upper halves of f32 (bf16); `low <= high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkCodebook {
    low: u16,
    high: u16,
}

impl ChunkCodebook {
    /// Splits the values at their mean magnitude and codes them: bit 0 is set above the mean, bit 1 for negative values.
    #[inline(always)]
    pub(crate) fn fit(values: &[f32], codes: &mut [u8]) -> Self {
        let mean = sum_lanes(values, |v| v.abs()) / values.len() as f32;
        let above = sum_lanes(values, |v| if v.abs() > mean { v.abs() } else { 0.0 });
        let below = sum_lanes(values, |v| if v.abs() > mean { 0.0 } else { v.abs() });
        let mut count_above = 0u32;
        for (code, v) in codes.iter_mut().zip(values) {
            let is_above = u8::from(v.abs() > mean);
            count_above += u32::from(is_above);
            *code = is_above | u8::from(*v < 0.0) << 1;
        }
        let count_below = values.len() as u32 - count_above;
        let low = to_bf16(below / count_below.max(1) as f32);
        // With nothing above, `high` is never used; equal levels keep `low <= high`.
        let high = if count_above == 0 { low } else { to_bf16(above / count_above as f32).max(low) };
        Self { low, high }
    }

    pub(crate) fn to_bytes(self) -> [u8; CHUNK_CODEBOOK_BYTES] {
        let ([a, b], [c, d]) = (self.low.to_le_bytes(), self.high.to_le_bytes());
        [a, b, c, d]
    }

    /// Reads levels that were validated before.
    #[inline]
    pub(crate) fn from_bytes([a, b, c, d]: [u8; CHUNK_CODEBOOK_BYTES]) -> Self {
        Self { low: u16::from_le_bytes([a, b]), high: u16::from_le_bytes([c, d]) }
    }

    /// Checks levels from outside: zero or normal, not negative, bounded, in order.
    #[inline(always)]
    pub(crate) fn check(self) -> Result<(), LevelError> {
        for bits in [self.low, self.high] {
            let level = from_bf16(bits);
            if !level.is_finite() {
                return Err(LevelError::NonFinite);
            }
            let zero_or_normal = bits == 0 || level.is_normal();
            if !zero_or_normal || level.is_sign_negative() || level > MAX_MAGNITUDE {
                return Err(LevelError::OutOfBounds);
            }
        }
        if self.low <= self.high { Ok(()) } else { Err(LevelError::OutOfBounds) }
    }

    /// What codes 0 to 3 stand for.
    #[inline]
    pub(crate) fn levels(self) -> [f32; 4] {
        let (low, high) = (from_bf16(self.low), from_bf16(self.high));
        [low, high, -low, -high]
    }
}

/// The reference code's quantiser (protocol.md §3.6): four bins over six standard deviations around the mean, each
/// represented by the mean of what fell into it.
///
/// Sums run in f64 over the values in chunk and index order and are rounded once. Torch sums f32 in an order it does not
/// specify, so on long tensors its `shift` and `scale` may differ in the last place; the conformance vectors agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TensorCodebook {
    /// Mean of the selected values.
    pub shift: f32,
    /// Width of a bin; not sent, since decoding does not need it.
    pub scale: f32,
    /// Mean of the centred values in each bin; 0 for an empty bin.
    pub lookup: [f32; 4],
}

impl TensorCodebook {
    /// Fits the codebook to a tensor's selected values, given part by part in their order.
    pub fn fit<'a, P>(parts: P) -> Self
    where
        P: Iterator<Item = &'a [f32]> + Clone,
    {
        let values = parts.flatten().copied();
        let (mut count, mut sum) = (0u64, 0f64);
        for v in values.clone() {
            count += 1;
            sum += f64::from(v);
        }
        let shift = flush((sum / count.max(1) as f64) as f32);
        let squares: f64 = values.clone().map(|v| f64::from(v - shift) * f64::from(v - shift)).sum();
        let deviation = squares.sqrt() as f32 / (count.saturating_sub(1) as f64).sqrt() as f32;
        let scale = 6.0 * deviation / 4.0;
        let scale = if scale == 0.0 || !scale.is_finite() { 1.0 } else { scale };
        let mut codebook = Self { shift, scale, lookup: [0.0; 4] };
        let (mut sums, mut counts) = ([0f64; 4], [0u64; 4]);
        for v in values {
            let bin = usize::from(codebook.code(v));
            sums[bin] += f64::from(v - shift);
            counts[bin] += 1;
        }
        for ((level, sum), count) in codebook.lookup.iter_mut().zip(sums).zip(counts) {
            *level = flush((sum / count.max(1) as f64) as f32);
        }
        codebook
    }

    /// The bin of a value: `clamp(round_half_even((v − shift)/scale + 2), 0, 3)`.
    pub fn code(&self, value: f32) -> u8 {
        ((value - self.shift) / self.scale + 2.0).round_ties_even().clamp(0.0, 3.0) as u8
    }

    /// What codes 0 to 3 stand for: `lookup[q] + shift`.
    pub fn levels(&self) -> [f32; 4] {
        self.lookup.map(|level| level + self.shift)
    }

    pub(crate) fn to_bytes(self) -> [u8; TENSOR_CODEBOOK_BYTES] {
        let mut out = [0; TENSOR_CODEBOOK_BYTES];
        let [a, b, c, d] = self.lookup;
        for (slot, v) in out.chunks_exact_mut(4).zip([self.shift, a, b, c, d]) {
            slot.copy_from_slice(&v.to_le_bytes());
        }
        out
    }

    /// Reads and checks a codebook from outside and gives its levels.
    pub(crate) fn levels_from_bytes(bytes: &[u8; TENSOR_CODEBOOK_BYTES]) -> Result<[f32; 4], LevelError> {
        let mut fields = [0f32; 5];
        for (field, raw) in fields.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *field = f32::from_le_bytes(*raw);
            if !field.is_finite() {
                return Err(LevelError::NonFinite);
            }
            // Centred values reach twice the bound. Minus zero would be a second spelling of zero.
            let zero_or_normal = field.to_bits() == 0 || field.is_normal();
            if !zero_or_normal || field.abs() > 2.0 * MAX_MAGNITUDE {
                return Err(LevelError::OutOfBounds);
            }
        }
        let [shift, lookup @ ..] = fields;
        let levels = Self { shift, scale: 1.0, lookup }.levels();
        if levels.iter().all(|level| level.abs() <= 2.0 * MAX_MAGNITUDE) {
            Ok(levels)
        } else {
            Err(LevelError::OutOfBounds)
        }
    }
}

/// Sum in eight interleaved partial sums, added pairwise at the end. Part of the definition: the order fixes the bits.
#[inline(always)]
pub(crate) fn sum_lanes(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (blocks, tail) = values.as_chunks::<LANES>();
    for block in blocks {
        for (lane, v) in lanes.iter_mut().zip(block) {
            *lane += f(*v);
        }
    }
    for (lane, v) in lanes.iter_mut().zip(tail) {
        *lane += f(*v);
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Subnormal numbers are zero on the wire: some hardware flushes them anyway.
fn flush(v: f32) -> f32 {
    if v.is_normal() { v } else { 0.0 }
}

/// Rounds to the nearest bf16, ties to even; subnormal becomes zero. For finite values far below the largest.
fn to_bf16(v: f32) -> u16 {
    let bits = flush(v).to_bits();
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

#[inline]
fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensor_codebook_reproduces_the_conformance_vector() {
        // protocol.md §11
        let values = [1f32, -1., 0.5, -0.5, 2., -3., 0.25, -0.25];
        let book = TensorCodebook::fit([&values[..]].into_iter());
        assert_eq!(book.shift, -0.125);
        assert_eq!(book.scale, 2.232_071_4);
        assert_eq!(values.map(|v| book.code(v)), [3, 2, 2, 2, 3, 1, 2, 2]);
        assert_eq!(book.lookup, [0., -2.875, -0.075, 1.625]);
        assert_eq!(
            values.map(|v| book.levels()[usize::from(book.code(v))]),
            [1.5, -0.2, -0.2, -0.2, 1.5, -3., -0.2, -0.2]
        );
    }

    #[test]
    fn one_value_or_equal_values_get_scale_one() {
        for values in [&[0.5f32][..], &[0.5; 4], &[0.0; 4]] {
            let book = TensorCodebook::fit([values].into_iter());
            assert_eq!(book.scale, 1.0);
            assert!(values.iter().all(|v| book.levels()[usize::from(book.code(*v))] == *v));
        }
    }

    #[test]
    fn chunk_levels_are_class_means() {
        let mut codes = [0; 4];
        let book = ChunkCodebook::fit(&[1.0, -1.0, 3.0, -3.0], &mut codes);
        assert_eq!((codes, book.levels()), ([0, 2, 1, 3], [1.0, 3.0, -1.0, -3.0]));
        assert_eq!(book.check(), Ok(()));
        let book = ChunkCodebook::fit(&[0.0; 4], &mut codes);
        assert_eq!((codes, book.levels()), ([0; 4], [0.0, 0.0, -0.0, -0.0]));
        // Subnormal input travels as zero.
        let book = ChunkCodebook::fit(&[1e-40; 4], &mut codes);
        assert_eq!(book.check(), Ok(()));
    }

    #[test]
    fn hostile_levels_are_refused() {
        let check = |low: f32, high: f32, expected| {
            let half = |v: f32| (v.to_bits() >> 16) as u16;
            assert_eq!(ChunkCodebook { low: half(low), high: half(high) }.check(), expected, "{low} {high}");
        };
        check(0.5, 1.0, Ok(()));
        check(MAX_MAGNITUDE, MAX_MAGNITUDE, Ok(()));
        check(f32::NAN, 1.0, Err(LevelError::NonFinite));
        check(0.5, f32::INFINITY, Err(LevelError::NonFinite));
        check(1.0, 0.5, Err(LevelError::OutOfBounds));
        check(-0.5, 1.0, Err(LevelError::OutOfBounds));
        check(-0.0, 1.0, Err(LevelError::OutOfBounds));
        check(0.0, 2.0 * MAX_MAGNITUDE, Err(LevelError::OutOfBounds));
        check(1e-40, 1.0, Err(LevelError::OutOfBounds));
    }
}
