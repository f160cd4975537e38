//! Exact top-k by magnitude over one chunk.
//!
//! In: up to 4096 finite values. Out: the indices of the k largest magnitudes, ascending; of equal magnitudes the lowest
//! index wins. It does not check for non-finite values: the caller has.

use crate::layout::MAX_CHUNK;

/// Values compared at once; one word of candidate bits.
const STRIDE: usize = 64;

/// Group maxima computed at once.
const LANES: usize = 16;

/// Reusable memory of [`top_k`].
pub(crate) struct TopK {
    /// Maxima over interleaved groups: group `g` holds elements `g`, `g + groups`, `g + 2·groups`, …
    maxima: Vec<f32>,
    /// `magnitude << 12 | 4095 − index` of the candidates: unique, and larger is better.
    /// One more than a chunk, since the slot after the last candidate is written blindly.
    keys: Vec<u64>,
    scratch: Vec<u64>,
}

impl TopK {
    pub(crate) fn new() -> Self {
        Self { maxima: Vec::with_capacity(1024), keys: vec![0; MAX_CHUNK + 1], scratch: Vec::with_capacity(512) }
    }

    /// Writes the indices of the `out.len()` largest magnitudes of `values`, ascending.
    ///
    /// The k-th largest of the group maxima is a lower bound of the k-th largest magnitude, whatever the grouping and
    /// whether or not all values are in a group. One
    /// vectorised pass makes the maxima, one collects what reaches the bound (about 1.4·k candidates on random data, all
    /// values at worst), and an exact selection among those decides.
    #[inline(always)]
    pub(crate) fn select(&mut self, values: &[f32], out: &mut [u16]) {
        let k = out.len();
        if k >= values.len() {
            for (i, slot) in out.iter_mut().enumerate() {
                *slot = i as u16;
            }
            return;
        }
        let bound = self.lower_bound(values, k);
        let found = self.collect(values, bound);
        let keys = &self.keys[..found];
        self.scratch.clear();
        self.scratch.extend_from_slice(keys);
        let surplus = found - k;
        let smallest_kept = *self.scratch.select_nth_unstable(surplus).1;
        // Candidates stand in index order, so filtering keeps the order and no sort is needed.
        let kept = keys.iter().filter(|key| **key >= smallest_kept);
        for (slot, key) in out.iter_mut().zip(kept) {
            *slot = (MAX_CHUNK - 1) as u16 - (key & 0xfff) as u16;
        }
    }

    /// A value that at least k magnitudes reach.
    #[inline(always)]
    fn lower_bound(&mut self, values: &[f32], k: usize) -> f32 {
        let groups = (2 * k).next_multiple_of(64);
        if groups * 4 > values.len() {
            return 0.0;
        }
        self.maxima.clear();
        // Sixteen groups at a time, so that their maxima stay in registers.
        for first in (0..groups).step_by(LANES) {
            let mut lanes = [0f32; LANES];
            let mut at = first;
            while let Some(row) = values[at.min(values.len())..].first_chunk::<LANES>() {
                for (m, v) in lanes.iter_mut().zip(row) {
                    *m = larger(*m, v.abs());
                }
                at += groups;
            }
            self.maxima.extend_from_slice(&lanes);
        }
        let mut low = self.maxima.iter().fold(f32::MAX, |a, b| if a < *b { a } else { *b });
        let mut high = self.maxima.iter().fold(0f32, |a, b| larger(a, *b));
        // Bisection instead of an exact selection: a bound a little too low only adds candidates.
        for _ in 0..12 {
            let middle = 0.5 * (low + high);
            let reached: u32 = self.maxima.iter().map(|m| u32::from(*m >= middle)).sum();
            if reached as usize >= k {
                low = middle;
                if reached as usize <= k + k / 16 {
                    break;
                }
            } else {
                high = middle;
            }
        }
        low
    }

    #[inline(always)]
    fn collect(&mut self, values: &[f32], bound: f32) -> usize {
        let keys = &mut self.keys[..];
        let mut found = 0;
        let key = |i: usize| {
            let magnitude = u64::from(values[i].to_bits() & 0x7fff_ffff);
            magnitude << 12 | (MAX_CHUNK - 1 - i) as u64
        };
        let (words, rest) = values.as_chunks::<STRIDE>();
        for (n, word) in words.iter().enumerate() {
            let mut bits = reached(word, bound);
            // Most words have none to three candidates: writing three blindly costs less than guessing how many.
            for _ in 0..3 {
                keys[found] = key(n * STRIDE + (bits.trailing_zeros() as usize & (STRIDE - 1)));
                found += usize::from(bits != 0);
                bits &= bits.wrapping_sub(1);
            }
            while bits != 0 {
                keys[found] = key(n * STRIDE + bits.trailing_zeros() as usize);
                found += 1;
                bits &= bits - 1;
            }
        }
        let tail = values.len() - rest.len();
        for (j, _) in rest.iter().enumerate().filter(|(_, v)| v.abs() >= bound) {
            keys[found] = key(tail + j);
            found += 1;
        }
        found
    }
}

/// `max` for values that are not NaN, in the form that compiles to one instruction.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Bit j: whether the magnitude of value j reaches the bound.
///
/// Compilers do not find the move-mask instruction by themselves. Comparisons give the same answer on every CPU.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn reached(block: &[f32; STRIDE], bound: f32) -> u64 {
    // SAFETY: SSE2 belongs to every x86-64 CPU, and the function has no other precondition.
    unsafe { reached_sse2(block, bound) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn reached_sse2(block: &[f32; STRIDE], bound: f32) -> u64 {
    use std::arch::x86_64::{
        _mm_and_ps, _mm_castps_si128, _mm_castsi128_ps, _mm_cmpge_ps, _mm_movemask_epi8, _mm_packs_epi16,
        _mm_packs_epi32, _mm_set1_epi32, _mm_set1_ps, _mm_setr_ps,
    };
    let (magnitude, bound) = (_mm_castsi128_ps(_mm_set1_epi32(0x7fff_ffff)), _mm_set1_ps(bound));
    let mut bits = 0;
    for (quarter, sixteen) in block.as_chunks::<16>().0.iter().enumerate() {
        let mut masks = [_mm_set1_epi32(0); 4];
        for (mask, [a, b, c, d]) in masks.iter_mut().zip(sixteen.as_chunks::<4>().0) {
            *mask = _mm_castps_si128(_mm_cmpge_ps(_mm_and_ps(_mm_setr_ps(*a, *b, *c, *d), magnitude), bound));
        }
        let [a, b, c, d] = masks;
        let bytes = _mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d));
        bits |= u64::from(_mm_movemask_epi8(bytes) as u16) << (16 * quarter);
    }
    bits
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn reached(block: &[f32; STRIDE], bound: f32) -> u64 {
    block.iter().enumerate().fold(0, |bits, (j, v)| bits | u64::from(v.abs() >= bound) << j)
}
