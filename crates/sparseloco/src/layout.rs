//! Chunk geometry: which elements of the flat buffer form a chunk, how many of them are sent, and how large a submission
//! can get.
//!
//! In: tensor names and shapes, the run's SparseLoCo parameters. Out: a [`Layout`] that every other part of the crate
//! reads. It refuses shapes that are empty, not 1-D or 2-D, or too large to address.

use std::sync::Arc;

use types::TensorSpec;
use types::manifest::{CodebookScope, IndexCoding, SparseLocoParams};

use crate::container::{HEADER_BYTES, SIGNATURE_BYTES};
use crate::quantise::{CHUNK_CODEBOOK_BYTES, TENSOR_CODEBOOK_BYTES};

/// Most elements a chunk may have: an index is at most 12 bits (protocol.md §3.5).
pub(crate) const MAX_CHUNK: usize = 4096;
/// Elements a unit of parallel work should at least have; 64 chunks of 4096.
const UNIT_ELEMENTS: usize = 1 << 18;
/// Chunks read side by side: a row of sixteen is 4 KiB of consecutive memory, a page. Shorter rows are read before the
/// hardware prefetcher has found them (measured: 64-wide rows take 1.3 times the whole compression).
pub(crate) const STRIP: usize = 16;
/// More parameters than any model has; keeps all products far from overflow.
const MAX_PARAMETERS: usize = 1 << 42;

/// Why no layout can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// No tensors at all.
    #[error("the model has no tensors")]
    NoTensors,
    /// Only one and two dimensions occur in a LLaMA-style model.
    #[error("tensor `{name}` has {dimensions} dimensions, expected 1 or 2")]
    Dimensions {
        /// The tensor.
        name: String,
        /// Its number of dimensions.
        dimensions: usize,
    },
    /// A dimension of zero.
    #[error("tensor `{name}` has no element")]
    EmptyTensor {
        /// The tensor.
        name: String,
    },
    /// More elements than this build addresses.
    #[error("the model has more than {MAX_PARAMETERS} parameters at tensor `{name}`")]
    TooLarge {
        /// The tensor at which the sum overflowed.
        name: String,
    },
    /// A parameter outside the bounds of the run manifest.
    #[error("parameter `{field}` is {value}, outside its bounds")]
    Parameter {
        /// Field of [`SparseLocoParams`].
        field: &'static str,
        /// Its value.
        value: u32,
    },
}

/// Geometry of one tensor.
///
/// A 1-D tensor of `A` elements is held as a matrix of `A/w` rows of `w` columns with chunks of one row, so that one rule
/// serves both: chunk `(y, x)` has element `(i, j)` at row `y·h + i` and column `x·w + j`, and index `i·w + j` in the chunk
/// (protocol.md §3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorLayout {
    pub(crate) spec: TensorSpec,
    pub(crate) offset: usize,
    pub(crate) len: usize,
    pub(crate) cols: usize,
    /// Chunk height and width.
    pub(crate) h: usize,
    pub(crate) w: usize,
    /// Chunks side by side in a band of `h` rows.
    pub(crate) chunks_per_band: usize,
    pub(crate) chunks: usize,
    pub(crate) shape: ChunkShape,
    /// Units of this tensor in the layout's list.
    pub(crate) first_unit: usize,
    pub(crate) units: usize,
}

impl TensorLayout {
    /// Name and shape.
    pub fn spec(&self) -> &TensorSpec {
        &self.spec
    }

    /// First element in the flat buffer.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Number of elements.
    pub fn element_count(&self) -> usize {
        self.len
    }

    /// Number of chunks.
    pub fn chunk_count(&self) -> usize {
        self.chunks
    }

    /// Elements per chunk (`totalk` of the reference code).
    pub fn chunk_len(&self) -> usize {
        self.shape.total
    }

    /// Values sent per chunk.
    pub fn k(&self) -> usize {
        self.shape.k
    }

    /// Where an index of a chunk lies in the flat buffer. `chunk` counts row-major over the tensor's chunks.
    pub fn element(&self, chunk: usize, index: usize) -> usize {
        let (y, x) = (chunk / self.chunks_per_band, chunk % self.chunks_per_band);
        self.offset + (y * self.h + index / self.w) * self.cols + x * self.w + index % self.w
    }

    /// Strips of one unit in chunk order: the first element, relative to the unit's, and how many chunks lie side by side.
    pub(crate) fn strips(&self, unit: &Unit) -> impl Iterator<Item = (usize, usize)> + '_ {
        let band_len = self.h * self.cols;
        let strip = move |x: usize| (x * self.w, STRIP.min(self.chunks_per_band - x));
        (0..unit.bands).flat_map(move |y| {
            let strips = (0..self.chunks_per_band).step_by(STRIP).map(strip);
            strips.map(move |(start, chunks)| (y * band_len + start, chunks))
        })
    }

    /// Starts of the chunks of one unit, relative to the unit's first element, in chunk order.
    pub(crate) fn chunk_starts(&self, unit: &Unit) -> impl Iterator<Item = usize> + '_ {
        let (band_len, w) = (self.h * self.cols, self.w);
        (0..unit.bands).flat_map(move |y| (0..self.chunks_per_band).map(move |x| y * band_len + x * w))
    }
}

/// What a chunk's record depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkShape {
    /// Elements.
    pub(crate) total: usize,
    /// Values sent.
    pub(crate) k: usize,
    /// Rice parameter: low bits of a gap that are stored verbatim.
    pub(crate) rice: u32,
    pub(crate) codebook: CodebookScope,
    pub(crate) indices: IndexCoding,
}

impl ChunkShape {
    fn new(total: usize, params: &SparseLocoParams) -> Self {
        let k = values_sent(total, usize::from(params.k));
        Self { total, k, rice: rice_parameter(total, k), codebook: params.codebook, indices: params.indices }
    }

    /// Whether every element is sent, so that Rice coding needs no bits.
    pub(crate) fn is_dense(&self) -> bool {
        self.k == self.total
    }

    /// Bytes of the levels before the codes.
    pub(crate) fn level_bytes(&self) -> usize {
        match self.codebook {
            CodebookScope::Chunk => CHUNK_CODEBOOK_BYTES,
            CodebookScope::Tensor => 0,
        }
    }

    /// Bytes of the 2-bit codes.
    pub(crate) fn code_bytes(&self) -> usize {
        self.k.div_ceil(4)
    }

    /// Bytes of the Rice code's verbatim low bits.
    pub(crate) fn low_bytes(&self) -> usize {
        (self.k * self.rice as usize).div_ceil(8)
    }

    /// Most bits the Rice code's unary part can have.
    pub(crate) fn unary_bits_max(&self) -> usize {
        self.k + ((self.total - self.k) >> self.rice)
    }

    /// Bytes of a record that do not depend on its content.
    pub(crate) fn fixed_bytes(&self) -> usize {
        let indices = match self.indices {
            IndexCoding::Packed12 => (self.k * 12).div_ceil(8),
            IndexCoding::Rice if self.is_dense() => 0,
            IndexCoding::Rice => self.low_bytes(),
        };
        self.level_bytes() + self.code_bytes() + indices
    }

    /// Largest record.
    pub(crate) fn max_record_bytes(&self) -> usize {
        let unary = match self.indices {
            IndexCoding::Rice if !self.is_dense() => self.unary_bits_max().div_ceil(8),
            _ => 0,
        };
        self.fixed_bytes() + unary
    }
}

/// A run of whole bands of one tensor: contiguous in the flat buffer, independent of all other units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) tensor: usize,
    pub(crate) bands: usize,
    /// First chunk within the tensor.
    pub(crate) first_chunk: usize,
    /// First element in the flat buffer, and number of elements.
    pub(crate) start: usize,
    pub(crate) len: usize,
}

#[derive(Debug, PartialEq)]
struct Inner {
    params: SparseLocoParams,
    tensors: Vec<TensorLayout>,
    units: Vec<Unit>,
    parameters: usize,
    chunks: usize,
    max_submission_bytes: usize,
}

/// Chunk geometry of a whole model; cheap to clone.
#[derive(Debug, Clone)]
pub struct Layout(Arc<Inner>);

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Layout {
    /// Cuts every tensor into chunks.
    ///
    /// A chunk edge is `sc(n)`, the largest divisor of the dimension that is at most `chunk_edge` (2-D) or `chunk_1d`
    /// (1-D). Per chunk `k` values are sent: the run's `k`, at most the chunk's size, rounded down to an even number and at
    /// least 2; a chunk of a single element sends that element (the reference code would fail there).
    ///
    /// # Errors
    /// [`LayoutError`] for shapes or parameters outside their bounds.
    pub fn new(tensors: &[TensorSpec], params: &SparseLocoParams) -> Result<Self, LayoutError> {
        check_parameters(params)?;
        if tensors.is_empty() {
            return Err(LayoutError::NoTensors);
        }
        let mut inner = Inner {
            params: params.clone(),
            tensors: Vec::with_capacity(tensors.len()),
            units: Vec::new(),
            parameters: 0,
            chunks: 0,
            max_submission_bytes: HEADER_BYTES + SIGNATURE_BYTES,
        };
        for spec in tensors {
            inner.push(spec)?;
        }
        Ok(Self(Arc::new(inner)))
    }

    /// The run's SparseLoCo parameters.
    pub fn params(&self) -> &SparseLocoParams {
        &self.0.params
    }

    /// Elements of the flat buffer.
    pub fn parameter_count(&self) -> usize {
        self.0.parameters
    }

    /// Chunks of all tensors.
    pub fn chunk_count(&self) -> usize {
        self.0.chunks
    }

    /// The tensors in the order of the flat buffer.
    pub fn tensors(&self) -> &[TensorLayout] {
        &self.0.tensors
    }

    /// Bytes no honest submission exceeds, header and signature included: the cap for what is fetched and decoded.
    pub fn max_submission_bytes(&self) -> usize {
        self.0.max_submission_bytes
    }

    pub(crate) fn units(&self) -> &[Unit] {
        &self.0.units
    }

    /// Cuts a flat buffer into its units.
    pub(crate) fn split<'a, 'b>(&'a self, mut flat: &'b mut [f32]) -> Vec<(&'a Unit, &'b mut [f32])> {
        let mut parts = Vec::with_capacity(self.units().len());
        for unit in self.units() {
            let (head, tail) = std::mem::take(&mut flat).split_at_mut(unit.len);
            parts.push((unit, head));
            flat = tail;
        }
        parts
    }
}

impl Inner {
    fn push(&mut self, spec: &TensorSpec) -> Result<(), LayoutError> {
        let name = || spec.name.clone();
        let too_large = || LayoutError::TooLarge { name: name() };
        let edge = usize::from(self.params.chunk_edge);
        let (rows, cols, h, w) = match spec.shape[..] {
            [0] | [0, _] | [_, 0] => return Err(LayoutError::EmptyTensor { name: name() }),
            [len] => {
                let w = largest_divisor(len, usize::from(self.params.chunk_1d));
                (len / w, w, 1, w)
            }
            [rows, cols] => (rows, cols, largest_divisor(rows, edge), largest_divisor(cols, edge)),
            _ => return Err(LayoutError::Dimensions { name: name(), dimensions: spec.shape.len() }),
        };
        let len = rows.checked_mul(cols).ok_or_else(too_large)?;
        let offset = self.parameters;
        self.parameters = offset.checked_add(len).filter(|sum| *sum <= MAX_PARAMETERS).ok_or_else(too_large)?;

        let shape = ChunkShape::new(h * w, &self.params);
        let (bands, chunks_per_band) = (rows / h, cols / w);
        let chunks = bands * chunks_per_band;
        let bands_per_unit = (UNIT_ELEMENTS / (h * cols)).max(1);
        let first_unit = self.units.len();
        for first_band in (0..bands).step_by(bands_per_unit) {
            let bands = bands_per_unit.min(bands - first_band);
            let start = offset + first_band * h * cols;
            let first_chunk = first_band * chunks_per_band;
            self.units.push(Unit { tensor: self.tensors.len(), bands, first_chunk, start, len: bands * h * cols });
        }
        let codebook = if self.params.codebook == CodebookScope::Tensor { TENSOR_CODEBOOK_BYTES } else { 0 };
        self.max_submission_bytes += codebook + chunks * shape.max_record_bytes();
        self.chunks += chunks;
        let units = self.units.len() - first_unit;
        let spec = spec.clone();
        self.tensors.push(TensorLayout {
            spec,
            offset,
            len,
            cols,
            h,
            w,
            chunks_per_band,
            chunks,
            shape,
            first_unit,
            units,
        });
        Ok(())
    }
}

fn check_parameters(params: &SparseLocoParams) -> Result<(), LayoutError> {
    let bound = |field, value: u16, max: u16| {
        if (1..=max).contains(&value) { Ok(()) } else { Err(LayoutError::Parameter { field, value: value.into() }) }
    };
    bound("k", params.k, 4096)?;
    bound("chunk_edge", params.chunk_edge, 64)?;
    bound("chunk_1d", params.chunk_1d, 4096)?;
    if params.ef_decay.is_finite() && (0.0..=1.0).contains(&params.ef_decay) {
        Ok(())
    } else {
        Err(LayoutError::Parameter { field: "ef_decay", value: params.ef_decay.to_bits() })
    }
}

/// `sc(n)` of protocol.md §3.3: the largest divisor of `n` that is at most `max`.
fn largest_divisor(n: usize, max: usize) -> usize {
    (1..=max.min(n)).rev().find(|d| n.is_multiple_of(*d)).unwrap_or(1)
}

/// `min(k, total)`, even and at least 2 (protocol.md §3.4); 1 for a chunk of one element.
fn values_sent(total: usize, k: usize) -> usize {
    match k.min(total) {
        1 => total.min(2),
        k => k & !1,
    }
}

/// The Rice parameter with the smallest worst case, the lower one if two are equal.
///
/// The worst case is `k·(1+b) + ⌊(total−k)/2^b⌋` bits. For 64 of 4096 this gives 5 (at most 510 bits, about 480 on random
/// indices), for 128 of 4096 it gives 4; both are also best on average for random indices. Integers only, so that every
/// machine agrees.
fn rice_parameter(total: usize, k: usize) -> u32 {
    (0..12).min_by_key(|b| k * (1 + *b as usize) + ((total - k) >> b)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_edges_are_those_of_the_reference() {
        // protocol.md §3.3
        for n in [262_144, 8192, 28_672, 1024, 1536, 5440, 2688, 32_000] {
            assert_eq!(largest_divisor(n, 64), 64, "{n}");
        }
        assert_eq!(largest_divisor(50_257, 64), 29);
        assert_eq!(largest_divisor(7, 64), 7);
        assert_eq!(largest_divisor(67, 64), 1);
    }

    #[test]
    fn values_sent_are_even_and_fit_the_chunk() {
        let cases = [(4096, 64, 64), (64, 64, 64), (63, 64, 62), (3, 64, 2), (2, 64, 2), (1, 64, 1), (10, 2, 2)];
        for (total, k, expected) in cases {
            assert_eq!(values_sent(total, k), expected, "{k} of {total}");
        }
    }

    #[test]
    fn rice_parameter_is_best_for_the_default_density() {
        assert_eq!((rice_parameter(4096, 64), rice_parameter(4096, 128), rice_parameter(4096, 32)), (5, 4, 6));
        for total in 1..=MAX_CHUNK {
            for k in [1, 2, 64, total] {
                assert!(rice_parameter(total, k.min(total)) < 12);
            }
        }
    }
}
