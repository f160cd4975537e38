//! A checked submission: its body as it came, read chunk by chunk where it is used.
//!
//! In: a body of which every record was checked. Out: norms, overlap, and sums into dense buffers. It is never expanded:
//! a submission takes about 0.02 bytes per parameter, a dense one would take 4.

use rayon::prelude::*;
use types::Hash32;

use crate::container::SubmissionHeader;
use crate::layout::{Layout, MAX_CHUNK, TensorLayout, Unit};
use crate::record;

/// A submission that decoded: only [`crate::decode`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    pub(crate) header: SubmissionHeader,
    pub(crate) layout: Layout,
    /// Holds the body at `body`; around it is the rest of the container, if it was kept.
    pub(crate) bytes: Vec<u8>,
    pub(crate) body: std::ops::Range<usize>,
    /// Where each unit's first record begins.
    pub(crate) unit_starts: Vec<u64>,
    /// Levels of each tensor where codebooks are per tensor, else empty.
    pub(crate) tensor_levels: Vec<[f32; 4]>,
    pub(crate) norms: Vec<f32>,
}

impl Submission {
    /// What the peer states.
    pub fn header(&self) -> &SubmissionHeader {
        &self.header
    }

    /// BLAKE3 of the body alone: equal for the same update under another round or name.
    pub fn body_digest(&self) -> Hash32 {
        Hash32(*blake3::hash(self.body()).as_bytes())
    }

    fn body(&self) -> &[u8] {
        self.bytes.get(self.body.clone()).unwrap_or_default()
    }

    /// L2 norm of the dequantised values of each tensor, in layout order.
    pub fn norms(&self) -> Vec<f32> {
        self.norms.clone()
    }

    /// L2 norm over all tensors.
    pub fn global_norm(&self) -> f64 {
        self.norms.iter().map(|n| f64::from(*n) * f64::from(*n)).sum::<f64>().sqrt()
    }

    /// Bytes held, without the layout that submissions share.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.bytes.capacity()
            + size_of_val(&self.unit_starts[..])
            + size_of_val(&self.tensor_levels[..])
            + size_of_val(&self.norms[..])
    }

    /// Share of indices two submissions have in common: |A ∩ B| / k per chunk, averaged, weighted by tensor size
    /// (protocol.md §5.2).
    ///
    /// Chunks of which everything is sent agree always and say nothing, so they do not count; with no other chunks the
    /// result is 0. Independent submissions come to about the density (64/4096), the same one to 1.
    ///
    /// # Panics
    /// If the two have different layouts.
    pub fn overlap(&self, other: &Self) -> f64 {
        assert!(self.layout == other.layout, "submissions of one run share their layout");
        let common: Vec<u64> =
            self.layout.units().par_iter().enumerate().map(|(n, unit)| self.common(other, n, unit)).collect();
        let (mut sum, mut weight) = (0.0, 0.0);
        for tensor in self.layout.tensors().iter().filter(|t| !t.shape.is_dense()) {
            let shared: u64 = common[tensor.first_unit..][..tensor.units].iter().sum();
            let share = shared as f64 / (tensor.chunks * tensor.k()) as f64;
            sum += share * tensor.len as f64;
            weight += tensor.len as f64;
        }
        if weight > 0.0 { sum / weight } else { 0.0 }
    }

    fn common(&self, other: &Self, number: usize, unit: &Unit) -> u64 {
        let tensor = &self.layout.tensors()[unit.tensor];
        if tensor.shape.is_dense() {
            return 0;
        }
        let (mut mine, mut theirs) = (self.records(number), other.records(number));
        let mut shared = 0;
        for _ in 0..unit.bands * tensor.chunks_per_band {
            let mut set = [0u64; MAX_CHUNK / 64];
            mine.each(|_| (), |_, i, _| set[i / 64] |= 1 << (i % 64));
            theirs.each(|_| (), |_, i, _| shared += set[i / 64] >> (i % 64) & 1);
        }
        shared
    }

    /// `dst += scale · dequantised`, over the flat buffer.
    ///
    /// # Panics
    /// If `dst` does not have one element per parameter.
    pub fn add_to(&self, dst: &mut [f32], scale: f32) {
        self.add_scaled(dst, |_| scale);
    }

    /// `dst += scale(tensor) · dequantised`.
    pub(crate) fn add_scaled(&self, dst: &mut [f32], scale: impl Fn(usize) -> f32 + Sync) {
        assert!(dst.len() == self.layout.parameter_count(), "the buffer has one element per parameter");
        self.layout.split(dst).into_par_iter().enumerate().for_each(|(number, (unit, dst))| {
            let tensor = &self.layout.tensors()[unit.tensor];
            let scale = scale(unit.tensor);
            let mut records = self.records(number);
            for start in tensor.chunk_starts(unit) {
                records.each(
                    |levels| levels.map(|level| scale * level),
                    |levels, index, code| {
                        dst[start + index / tensor.w * tensor.cols + index % tensor.w] += levels[code];
                    },
                );
            }
        });
    }

    /// Reads the records of one unit in order.
    pub(crate) fn records(&self, unit: usize) -> Records<'_> {
        let tensor_number = self.layout.units()[unit].tensor;
        let tensor = &self.layout.tensors()[tensor_number];
        let start = usize::try_from(self.unit_starts[unit]).unwrap_or(usize::MAX).min(self.body().len());
        let levels = self.tensor_levels.get(tensor_number).copied().unwrap_or_default();
        Records { tensor, levels, rest: &self.body()[start..] }
    }
}

/// A place in a checked body.
#[derive(Clone)]
pub(crate) struct Records<'a> {
    tensor: &'a TensorLayout,
    levels: [f32; 4],
    rest: &'a [u8],
}

impl Records<'_> {
    /// Reads the next record: turns its levels into what `f` needs, then calls `f(prepared, index, code)` for each value.
    #[inline(always)]
    pub(crate) fn each<T>(&mut self, prepare: impl FnOnce([f32; 4]) -> T, mut f: impl FnMut(&T, usize, usize)) {
        let opened = record::open(&self.tensor.shape, self.rest, self.levels);
        let prepared = prepare(opened.levels);
        let len = opened.each(
            &self.tensor.shape,
            #[inline(always)]
            |index, code| f(&prepared, index, code),
        );
        self.rest = self.rest.get(len..).unwrap_or(&[]);
    }
}
