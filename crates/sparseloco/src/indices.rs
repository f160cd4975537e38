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
#[inline(always)]
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
        5 => sum_lows(shape.k, 5, bytes),
        b => sum_lows(shape.k, b as usize, bytes),
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
    let unary_bits = match shape.rice {
        // The parameters that occur in practice get shifts by constants.
        4 => each_gap(shape.k, 4, bytes, codes, f),
        5 => each_gap(shape.k, 5, bytes, codes, f),
        6 => each_gap(shape.k, 6, bytes, codes, f),
        b => each_gap(shape.k, b as usize, bytes, codes, f),
    };
    shape.low_bytes() + unary_bits.div_ceil(8)
}

/// Walks the ones of the unary part: `idx_i = i + Σ lows + (position of the i-th one − i)·2^b`. Gives the number of bits
/// up to and with the last one.
#[inline(always)]
fn each_gap(k: usize, b: usize, bytes: &[u8], codes: &[u8], mut f: impl FnMut(usize, usize)) -> usize {
    let unary = bytes.get((k * b).div_ceil(8)..).unwrap_or(&[]);
    let (mut bits, mut low_sum) = (0usize, 0usize);
    let eights = if b <= 8 { k / 8 } else { 0 };
    for eight in 0..eights {
        // Eight values of b bits are b bytes, and eight codes are two.
        let (sums, code_word) = (low_sums(b, load_word(bytes, eight * b)), usize::from(code_pair(codes, eight * 2)));
        let first = eight * 8;
        // At least 57 bits, which nearly always hold all eight ones: then the loop is unrolled and never asks for more.
        let mut window = load_word(unary, bits / 8) >> (bits % 8);
        if window.count_ones() >= 8 {
            let start = ((bits - first) << b) + first + low_sum;
            let mut one = 0;
            for (j, sum) in sums.into_iter().enumerate() {
                one = window.trailing_zeros() as usize;
                window &= window.wrapping_sub(1);
                let index = (start + (one << b) + sum).wrapping_sub(j * ((1 << b) - 1));
                f(index & (MAX_CHUNK - 1), code_word >> (2 * j) & 3);
            }
            bits += one + 1;
        } else {
            for (j, sum) in sums.into_iter().enumerate() {
                let (i, one) = (first + j, next_one(unary, bits));
                bits = one + 1;
                f((i + low_sum + sum + ((one - i) << b)) & (MAX_CHUNK - 1), code_word >> (2 * j) & 3);
            }
        }
        low_sum += sums[7];
    }
    let mask = (1u64 << b) - 1;
    for i in eights * 8..k {
        let one = next_one(unary, bits);
        bits = one + 1;
        low_sum += (load_word(bytes, i * b / 8) >> (i * b % 8) & mask) as usize;
        f((i + low_sum + ((one - i) << b)) & (MAX_CHUNK - 1), code(codes, i));
    }
    bits
}

/// Running sums of the first eight values of b ≤ 8 bits.
#[inline(always)]
fn low_sums(b: usize, word: u64) -> [usize; 8] {
    let mut sums = [0; 8];
    if b <= 5 {
        // Spread to bytes; one multiplication adds them up, and eight values below 32 stay below 256.
        let halves = low_fields(word, 4 * b, 32);
        let quarters = low_fields(halves, 2 * b, 16);
        let all = low_fields(quarters, b, 8).wrapping_mul(0x0101_0101_0101_0101);
        for (j, sum) in sums.iter_mut().enumerate() {
            *sum = usize::from((all >> (8 * j)) as u8);
        }
        return sums;
    }
    let mut low_sum = 0;
    for (j, sum) in sums.iter_mut().enumerate() {
        low_sum += (word >> (j * b)) as usize & ((1 << b) - 1);
        *sum = low_sum;
    }
    sums
}

/// Splits each field of twice `bits` bits at every second multiple of `apart` into two, `apart` bits apart; drops the rest.
#[inline(always)]
fn low_fields(word: u64, bits: usize, apart: usize) -> u64 {
    let every_second = match apart {
        8 => 0x0001_0001_0001_0001,
        16 => 0x0000_0001_0000_0001,
        _ => 1u64,
    };
    let mask = every_second * ((1 << bits) - 1);
    (word & mask) | (word >> bits & mask) << apart
}

/// Position of the first one from bit `from` on; the end, if there is none.
#[inline(always)]
fn next_one(unary: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < 8 * unary.len() {
        let window = load_word(unary, at / 8) >> (at % 8);
        if window != 0 {
            return at + window.trailing_zeros() as usize;
        }
        at += 64 - at % 8;
    }
    at
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
#[inline(always)]
fn select_one(bytes: &[u8], k: usize, max_bits: usize) -> Result<usize, IndexError> {
    let mut wanted = k;
    let mut position = 0;
    while position < max_bits.min(bytes.len() * 8) {
        let word = load_word(bytes, position / 8);
        let ones = word.count_ones() as usize;
        if ones >= wanted {
            let one = position + select_in_word(word, wanted);
            return if one < max_bits { Ok(one) } else { Err(IndexError::OutOfRange) };
        }
        wanted -= ones;
        position += 64;
    }
    if bytes.len() * 8 < max_bits { Err(IndexError::Truncated) } else { Err(IndexError::OutOfRange) }
}

/// Position of the n-th one bit of a word that has as many, n ≥ 1.
#[inline(always)]
fn select_in_word(word: u64, n: usize) -> usize {
    const BYTES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let pairs = word - (word >> 1 & 0x5555_5555_5555_5555);
    let fours = (pairs & 0x3333_3333_3333_3333) + (pairs >> 2 & 0x3333_3333_3333_3333);
    // Byte j: ones in bytes 0 to j. The first byte that reaches n holds the bit.
    let sums = ((fours + (fours >> 4)) & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(BYTES);
    let reached = ((sums | HIGH) - n as u64 * BYTES) & HIGH;
    let byte_at = (reached.trailing_zeros() & 0x38) as usize;
    let before = ((sums << 8) >> byte_at) as usize & 0xff;
    let mut byte = word >> byte_at;
    for _ in before + 1..n {
        byte &= byte.wrapping_sub(1);
    }
    byte_at + byte.trailing_zeros() as usize
}

/// Eight bytes from `at`, with zeros beyond the end.
#[inline(always)]
fn load_word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(full) => u64::from_le_bytes(*full),
        None => load_end(bytes, at),
    }
}

/// Apart, since only the last record of a body comes here.
#[cold]
fn load_end(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or(&[]);
    let len = rest.len().min(8);
    let mut word = [0; 8];
    word[..len].copy_from_slice(&rest[..len]);
    u64::from_le_bytes(word)
}

/// Σ of the k verbatim low parts at the start of `bytes`.
#[inline(always)]
fn sum_lows(k: usize, b: usize, bytes: &[u8]) -> usize {
    const FIVE_OF_TEN: u64 = 0x1f | 0x1f << 10 | 0x1f << 20 | 0x1f << 30;
    let mask = (1u64 << b) - 1;
    let mut sum = 0;
    // The usual case, eight values at a time: neighbours are added in four fields of ten bits, which hold the sums of
    // sixteen times eight values.
    let eights = if b == 5 { k / 8 } else { 0 };
    for first in (0..eights).step_by(16) {
        let mut fields = 0;
        for eight in first..eights.min(first + 16) {
            let word = load_word(bytes, eight * 5);
            fields += (word & FIVE_OF_TEN) + (word >> 5 & FIVE_OF_TEN);
        }
        sum += (fields & 0x3ff) + (fields >> 10 & 0x3ff) + (fields >> 20 & 0x3ff) + (fields >> 30);
    }
    for i in eights * 8..k {
        sum += load_word(bytes, i * b / 8) >> (i * b % 8) & mask;
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
    fn select_in_word_finds_every_one() {
        for word in [1, 1 << 63, u64::MAX, 0x8000_0000_0000_0001, 0x0123_4567_89ab_cdef, 0x00ff_0000_0101_0080] {
            let ones: Vec<usize> = (0..64).filter(|bit| word >> bit & 1 == 1).collect();
            for (n, one) in ones.iter().enumerate() {
                assert_eq!(select_in_word(word, n + 1), *one, "{word:x} {n}");
            }
        }
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
            // The same where no byte follows: nothing is read beyond the end.
            back.clear();
            prop_assert_eq!(check_rice(&s, &bytes[..len]), Ok(len));
            prop_assert_eq!(each_rice(&s, &bytes[..len], &codes, |i, code| back.push((i, code))), len);
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
