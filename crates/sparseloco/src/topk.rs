//! Exact top-k by magnitude over one chunk.
//!
//! In: up to 4096 finite values. Out: the indices of the k largest magnitudes, ascending; of equal magnitudes the lowest
//! index wins. It does not check for non-finite values: the caller has.

use crate::layout::MAX_CHUNK;

/// Values compared at once; one word of candidate bits.
const STRIDE: usize = 32;

/// Reusable memory of [`top_k`].
pub(crate) struct TopK {
    /// Maxima over interleaved groups: group `g` holds elements `g`, `g + groups`, `g + 2·groups`, …
    maxima: Vec<f32>,
    /// `magnitude << 12 | 4095 − index` of the candidates: unique, and larger is better.
    keys: Vec<u64>,
    scratch: Vec<u64>,
}

impl TopK {
    pub(crate) fn new() -> Self {
        Self { maxima: Vec::with_capacity(1024), keys: Vec::with_capacity(512), scratch: Vec::with_capacity(512) }
    }

    /// Writes the indices of the `out.len()` largest magnitudes of `values`, ascending.
    ///
    /// The k-th largest of the group maxima is a lower bound of the k-th largest magnitude, whatever the grouping. One
    /// vectorised pass makes the maxima, one collects what reaches the bound (about 1.4·k candidates on random data, all
    /// values at worst), and an exact selection among those decides.
    pub(crate) fn select(&mut self, values: &[f32], out: &mut [u16]) {
        let k = out.len();
        if k >= values.len() {
            for (i, slot) in out.iter_mut().enumerate() {
                *slot = i as u16;
            }
            return;
        }
        let bound = self.lower_bound(values, k);
        self.collect(values, bound);
        self.scratch.clone_from(&self.keys);
        let surplus = self.keys.len() - k;
        let smallest_kept = *self.scratch.select_nth_unstable(surplus).1;
        // Candidates stand in index order, so filtering keeps the order and no sort is needed.
        let kept = self.keys.iter().filter(|key| **key >= smallest_kept);
        for (slot, key) in out.iter_mut().zip(kept) {
            *slot = (MAX_CHUNK - 1) as u16 - (key & 0xfff) as u16;
        }
    }

    /// A value that at least k magnitudes reach.
    fn lower_bound(&mut self, values: &[f32], k: usize) -> f32 {
        let groups = (2 * k).next_multiple_of(64);
        if groups * 4 > values.len() {
            return 0.0;
        }
        self.maxima.clear();
        self.maxima.resize(groups, 0.0);
        let mut rows = values.chunks_exact(groups);
        for row in rows.by_ref() {
            for (m, v) in self.maxima.iter_mut().zip(row) {
                *m = larger(*m, v.abs());
            }
        }
        for (m, v) in self.maxima.iter_mut().zip(rows.remainder()) {
            *m = larger(*m, v.abs());
        }
        let (mut low, mut high) = (0f32, self.maxima.iter().fold(0f32, |a, b| larger(a, *b)));
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

    fn collect(&mut self, values: &[f32], bound: f32) {
        self.keys.clear();
        let mut push = |i: usize| {
            let magnitude = u64::from(values[i].to_bits() & 0x7fff_ffff);
            self.keys.push(magnitude << 12 | (MAX_CHUNK - 1 - i) as u64);
        };
        let mut blocks = values.chunks_exact(STRIDE);
        for (n, block) in blocks.by_ref().enumerate() {
            let mut bits = 0u32;
            for (j, v) in block.iter().enumerate() {
                bits |= u32::from(v.abs() >= bound) << j;
            }
            while bits != 0 {
                push(n * STRIDE + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
        let tail = values.len() - blocks.remainder().len();
        for (j, v) in blocks.remainder().iter().enumerate() {
            if v.abs() >= bound {
                push(tail + j);
            }
        }
    }
}

/// `max` for values that are not NaN, in the form that compiles to one instruction.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}
