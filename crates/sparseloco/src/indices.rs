//! Coding of a chunk's indices: Rice-coded gaps, or 12 bits each.
//!
//! In: strictly ascending indices below the chunk's size. Out: bytes, and back. Decoding refuses indices out of range,
//! repeated or out of order, and padding that is not zero, so that one set of indices has exactly one spelling.
//!
//! **Rice** (default). With `gap_i = idx_i − idx_{i−1} − 1` (`idx_{−1} = −1`) and the layout's parameter `b`:
//! 1. the low `b` bits of all gaps, k·b bits, least significant bit first, padded with zeros to a byte;
//! 2. the quotients `gap_i >> b` in unary, each as that many zero bits and a one bit, least significant bit first, padded
//!    with zeros to a byte.
//!
//! A chunk of which every element is sent has no index bytes. Splitting the two parts keeps the low bits at fixed places;
//! the unary part is then a bit set whose i-th one stands at `i + Σ quotients`.
//!
//! **Packed12** (protocol.md §3.5): pairs (a, b) as `a & 255`, `a >> 8 | (b & 15) << 4`, `b >> 4`; a lone last index takes
//! two bytes.

use crate::layout::{ChunkShape, MAX_CHUNK};

/// Words that hold the unary part of any chunk: k + (total − k) bits at most, and one spare word.
const UNARY_WORDS: usize = MAX_CHUNK / 64 + 1;

/// What is wrong with coded indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexError {
    Truncated,
    OutOfRange,
    Duplicate,
    Unsorted,
    Padding,
}

/// Rice-codes ascending indices.
pub(crate) fn encode_rice(shape: &ChunkShape, indices: &[u16], out: &mut Vec<u8>) {
    if shape.is_dense() {
        return;
    }
    let (b, mask) = (shape.rice, (1u64 << shape.rice) - 1);
    let mut unary = [0u64; UNARY_WORDS];
    let (mut low_bits, mut pending) = (0u64, 0u32);
    let (mut next, mut quotients) = (0usize, 0usize);
    for (i, index) in indices.iter().enumerate() {
        let gap = usize::from(*index) - next;
        next = usize::from(*index) + 1;
        low_bits |= (gap as u64 & mask) << pending;
        pending += b;
        if pending >= 32 {
            out.extend_from_slice(&(low_bits as u32).to_le_bytes());
            low_bits >>= 32;
            pending -= 32;
        }
        quotients += gap >> b;
        let one = i + quotients;
        unary[one / 64] |= 1 << (one % 64);
    }
    out.extend_from_slice(&low_bits.to_le_bytes()[..pending.div_ceil(8) as usize]);
    let mut left = (indices.len() + quotients).div_ceil(8);
    for word in unary {
        let take = left.min(8);
        out.extend_from_slice(&word.to_le_bytes()[..take]);
        left -= take;
    }
}

/// Checks the Rice code at the start of `bytes` and gives its length.
pub(crate) fn check_rice(shape: &ChunkShape, bytes: &[u8]) -> Result<usize, IndexError> {
    if shape.is_dense() {
        return Ok(0);
    }
    let low_bytes = shape.low_bytes();
    let (lows, unary) = bytes.split_at_checked(low_bytes).ok_or(IndexError::Truncated)?;
    let low_bits = shape.k * shape.rice as usize;
    if !low_bits.is_multiple_of(8) && lows.last().is_some_and(|last| last >> (low_bits % 8) != 0) {
        return Err(IndexError::Padding);
    }
    let last_one = select_one(unary, shape.k, shape.unary_bits_max())?;
    let unary_bytes = last_one / 8 + 1;
    if u32::from(unary[unary_bytes - 1]) >> (last_one % 8) != 1 {
        return Err(IndexError::Padding);
    }
    let low_sum = match shape.rice {
        5 => sum_lows(shape.k, 5, lows),
        b => sum_lows(shape.k, b as usize, lows),
    };
    // The last index is k − 1 plus all gaps; everything before it is smaller by construction.
    let gaps = ((last_one + 1 - shape.k) << shape.rice) + low_sum;
    if gaps > shape.total - shape.k { Err(IndexError::OutOfRange) } else { Ok(low_bytes + unary_bytes) }
}

/// Calls `f(index, code)` for a Rice code that was checked before, with the 2-bit codes that belong to the indices; gives
/// the code's length.
#[inline(always)]
pub(crate) fn each_rice(shape: &ChunkShape, bytes: &[u8], codes: &[u8], mut f: impl FnMut(usize, usize)) -> usize {
    if shape.is_dense() {
        (0..shape.k).for_each(|i| f(i, code(codes, i)));
        return 0;
    }
    let (lows, unary) = bytes.split_at_checked(shape.low_bytes()).unwrap_or((bytes, &[]));
    let last_one = match shape.rice {
        // The parameters that occur in practice get shifts by constants.
        4 => each_gap(shape.k, 4, lows, unary, codes, f),
        5 => each_gap(shape.k, 5, lows, unary, codes, f),
        6 => each_gap(shape.k, 6, lows, unary, codes, f),
        b => each_gap(shape.k, b as usize, lows, unary, codes, f),
    };
    lows.len() + last_one / 8 + 1
}

/// Walks the ones of the unary part: `idx_i = i + Σ lows + (position of the i-th one − i)·2^b`. Gives the last position.
#[inline(always)]
fn each_gap(k: usize, b: usize, lows: &[u8], unary: &[u8], codes: &[u8], mut f: impl FnMut(usize, usize)) -> usize {
    let mask = (1u64 << b) - 1;
    let mut word = load_word(unary, 0);
    let (mut base, mut low_sum, mut last_one) = (0, 0, 0);
    let mut one = |i: usize, low: u64, code: usize| {
        while word == 0 && base < 8 * unary.len() {
            base += 64;
            word = load_word(unary, base / 8);
        }
        last_one = base + word.trailing_zeros() as usize;
        word &= word.wrapping_sub(1);
        low_sum += (low & mask) as usize;
        f((i + low_sum + ((last_one - i) << b)) & (MAX_CHUNK - 1), code);
    };
    let eights = if b <= 8 { k / 8 } else { 0 };
    for eight in 0..eights {
        // Eight values of b bits are b bytes, and eight codes are two. A fixed count, so that the loop is unrolled.
        let (low_word, code_word) = (load_word(lows, eight * b), usize::from(code_pair(codes, eight * 2)));
        for j in 0..8 {
            one(eight * 8 + j, low_word >> (j * b), code_word >> (2 * j) & 3);
        }
    }
    for i in eights * 8..k {
        one(i, load_word(lows, i * b / 8) >> (i * b % 8), code(codes, i));
    }
    last_one
}

/// Eight codes.
#[inline(always)]
fn code_pair(codes: &[u8], at: usize) -> u16 {
    match codes.get(at..) {
        Some([a, b, ..]) => u16::from_le_bytes([*a, *b]),
        Some([a]) => u16::from(*a),
        _ => 0,
    }
}

#[inline(always)]
fn code(codes: &[u8], i: usize) -> usize {
    codes.get(i / 4).map_or(0, |byte| usize::from(byte >> (2 * (i % 4)) & 3))
}

/// Position of the k-th one bit, which must lie within the first `max_bits`.
fn select_one(bytes: &[u8], k: usize, max_bits: usize) -> Result<usize, IndexError> {
    let mut wanted = k;
    let mut position = 0;
    while position < max_bits.min(bytes.len() * 8) {
        let mut word = load_word(bytes, position / 8);
        let ones = word.count_ones() as usize;
        if ones >= wanted {
            for _ in 1..wanted {
                word &= word - 1;
            }
            let one = position + word.trailing_zeros() as usize;
            return if one < max_bits { Ok(one) } else { Err(IndexError::OutOfRange) };
        }
        wanted -= ones;
        position += 64;
    }
    if bytes.len() * 8 < max_bits { Err(IndexError::Truncated) } else { Err(IndexError::OutOfRange) }
}

/// Eight bytes from `at`, with zeros beyond the end.
#[inline]
fn load_word(bytes: &[u8], at: usize) -> u64 {
    let rest = &bytes[at.min(bytes.len())..];
    if let Some(full) = rest.first_chunk::<8>() {
        return u64::from_le_bytes(*full);
    }
    let mut word = [0; 8];
    word[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(word)
}

/// Σ of the k verbatim low parts.
#[inline(always)]
fn sum_lows(k: usize, b: usize, lows: &[u8]) -> usize {
    const FIVE_OF_TEN: u64 = 0x1f | 0x1f << 10 | 0x1f << 20 | 0x1f << 30;
    let mask = (1u64 << b) - 1;
    // In groups of eight, or one by one where eight do not fit a word; bits beyond the last value are zero.
    let per_load = if b <= 8 { 8 } else { 1 };
    let mut sum = 0;
    for first in (0..k).step_by(per_load) {
        let word = load_word(lows, first * b / 8) >> (first * b % 8);
        if b == 5 && first + 8 <= k {
            // The usual case: neighbours added in four fields of ten bits, which a multiplication sums up.
            let pairs = (word & FIVE_OF_TEN) + (word >> 5 & FIVE_OF_TEN);
            sum += pairs.wrapping_mul(1 | 1 << 10 | 1 << 20 | 1 << 30) >> 30 & 0x3ff;
            continue;
        }
        for j in 0..per_load.min(k - first) {
            sum += (word >> (j * b)) & mask;
        }
    }
    sum as usize
}

/// Packs indices below 4096 as 12 bits each.
pub(crate) fn encode_packed12(indices: &[u16], out: &mut Vec<u8>) {
    let (pairs, rest) = indices.as_chunks::<2>();
    for [a, b] in pairs {
        out.extend_from_slice(&[*a as u8, (a >> 8) as u8 | (b << 4) as u8, (b >> 4) as u8]);
    }
    for a in rest {
        out.extend_from_slice(&a.to_le_bytes());
    }
}

/// Checks packed indices at the start of `bytes` and gives their length.
pub(crate) fn check_packed12(shape: &ChunkShape, bytes: &[u8]) -> Result<usize, IndexError> {
    let len = (shape.k * 12).div_ceil(8);
    let bytes = bytes.get(..len).ok_or(IndexError::Truncated)?;
    if shape.k % 2 == 1 && bytes.last().is_some_and(|last| last >> 4 != 0) {
        return Err(IndexError::Padding);
    }
    let mut previous: Option<u16> = None;
    for i in 0..shape.k {
        let index = packed_index(bytes, i);
        if usize::from(index) >= shape.total {
            return Err(IndexError::OutOfRange);
        }
        match previous {
            Some(p) if p == index => return Err(IndexError::Duplicate),
            Some(p) if p > index => return Err(IndexError::Unsorted),
            _ => previous = Some(index),
        }
    }
    Ok(len)
}

/// As [`each_rice`], for packed indices that were checked before.
#[inline(always)]
pub(crate) fn each_packed12(shape: &ChunkShape, bytes: &[u8], codes: &[u8], mut f: impl FnMut(usize, usize)) -> usize {
    for i in 0..shape.k {
        f(usize::from(packed_index(bytes, i)) & (MAX_CHUNK - 1), code(codes, i));
    }
    (shape.k * 12).div_ceil(8)
}

#[inline]
fn packed_index(bytes: &[u8], i: usize) -> u16 {
    let at = i / 2 * 3;
    let byte = |n: usize| bytes.get(n).copied().map_or(0, u16::from);
    if i.is_multiple_of(2) { byte(at) | (byte(at + 1) & 15) << 8 } else { byte(at + 1) >> 4 | byte(at + 2) << 4 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::manifest::{CodebookScope, IndexCoding};

    use super::*;

    fn shape(total: usize, k: usize, rice: u32) -> ChunkShape {
        ChunkShape { total, k, rice, codebook: CodebookScope::Chunk, indices: IndexCoding::Rice }
    }

    #[test]
    fn packed12_is_the_reference_layout() {
        // protocol.md §11
        let mut bytes = Vec::new();
        encode_packed12(&[0, 4095, 1, 2, 3000, 777], &mut bytes);
        assert_eq!(bytes, [0x00, 0xF0, 0xFF, 0x01, 0x20, 0x00, 0xB8, 0x9B, 0x30]);
        assert_eq!([0, 1, 2, 3, 4, 5].map(|i| packed_index(&bytes, i)), [0, 4095, 1, 2, 3000, 777]);
    }

    #[test]
    fn rice_bits_are_the_documented_ones() {
        // gaps 1, 0, 37 with b = 5: lows 1, 0, 5; quotients 0, 0, 1.
        let mut bytes = Vec::new();
        encode_rice(&shape(64, 3, 5), &[1, 2, 40], &mut bytes);
        assert_eq!(bytes, [0b0000_0001, 0b0001_0100, 0b0000_1011]);
    }

    #[test]
    fn packed12_refuses_what_is_no_ascending_set() {
        let check = |indices: &[u16], expected| {
            let mut bytes = Vec::new();
            encode_packed12(indices, &mut bytes);
            assert_eq!(check_packed12(&shape(100, indices.len(), 0), &bytes), expected, "{indices:?}");
        };
        check(&[1, 2, 3, 99], Ok(6));
        check(&[1, 2, 2, 99], Err(IndexError::Duplicate));
        check(&[1, 3, 2, 99], Err(IndexError::Unsorted));
        check(&[1, 2, 3, 100], Err(IndexError::OutOfRange));
        check(&[99], Ok(2));
        assert_eq!(check_packed12(&shape(100, 1, 0), &[5, 0x10]), Err(IndexError::Padding));
        assert_eq!(check_packed12(&shape(100, 4, 0), &[0; 5]), Err(IndexError::Truncated));
    }

    #[test]
    fn rice_refuses_overlong_gaps_and_padding() {
        let s = shape(64, 2, 3);
        let mut bytes = Vec::new();
        encode_rice(&s, &[5, 63], &mut bytes);
        assert_eq!(check_rice(&s, &bytes), Ok(bytes.len()));
        for cut in 0..bytes.len() {
            assert_eq!(check_rice(&s, &bytes[..cut]), Err(IndexError::Truncated));
        }
        let mut padded = bytes.clone();
        padded[0] |= 0x80;
        assert_eq!(check_rice(&s, &padded), Err(IndexError::Padding));
        let mut padded = bytes.clone();
        *padded.last_mut().unwrap() |= 0x80;
        assert_eq!(check_rice(&s, &padded), Err(IndexError::Padding));
        // All-zero unary part, however long: never more than the bound is read.
        assert_eq!(check_rice(&s, &[0; 4096]), Err(IndexError::OutOfRange));
        // The low bits push the last index just over the end.
        let small = shape(62, 2, 3);
        assert_eq!(check_rice(&small, &bytes), Err(IndexError::OutOfRange));
    }

    proptest! {
        #[test]
        fn any_index_set_survives_both_codings(
            total in 2usize..=4096, rice in 0u32..12, seed in proptest::collection::vec(any::<u16>(), 1..200),
        ) {
            let mut set: Vec<u16> = seed.iter().map(|i| i % total as u16).collect();
            set.sort_unstable();
            set.dedup();
            let s = shape(total, set.len(), rice);
            let codes: Vec<u8> = (0..set.len().div_ceil(4)).map(|i| i as u8 ^ 0b0111_0010).collect();
            let coded: Vec<(usize, usize)> =
                set.iter().enumerate().map(|(i, index)| (usize::from(*index), code(&codes, i))).collect();
            let (mut back, mut bytes) = (Vec::new(), Vec::new());
            encode_rice(&s, &set, &mut bytes);
            prop_assert!(bytes.len() <= s.low_bytes() + s.unary_bits_max().div_ceil(8));
            let len = bytes.len();
            bytes.extend([0xff; 9]);
            prop_assert_eq!(check_rice(&s, &bytes), Ok(len));
            prop_assert_eq!(each_rice(&s, &bytes, &codes, |i, code| back.push((i, code))), len);
            prop_assert_eq!(&back, &coded);

            bytes.clear();
            encode_packed12(&set, &mut bytes);
            prop_assert_eq!(check_packed12(&s, &bytes), Ok(bytes.len()));
            back.clear();
            prop_assert_eq!(each_packed12(&s, &bytes, &codes, |i, code| back.push((i, code))), bytes.len());
            prop_assert_eq!(&back, &coded);
        }

        #[test]
        fn arbitrary_bytes_decode_to_ascending_indices_or_not_at_all(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), total in 2usize..=4096, rice in 0u32..12,
        ) {
            let s = shape(total, total.min(16), rice);
            if let Ok(len) = check_rice(&s, &bytes) {
                let mut back = Vec::new();
                prop_assert_eq!(each_rice(&s, &bytes, &[], |i, _| back.push(i as u16)), len);
                prop_assert_eq!(back.len(), s.k);
                prop_assert!(back.windows(2).all(|w| w[0] < w[1]));
                prop_assert!(usize::from(back[s.k - 1]) < total);
                // One set, one spelling.
                let mut again = Vec::new();
                encode_rice(&s, &back, &mut again);
                prop_assert_eq!(&again[..], &bytes[..len]);
            }
        }
    }
}
