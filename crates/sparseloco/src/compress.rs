//! From parameters before and after the inner loop to a draft: pseudo-gradient, error feedback, top-k, quantise, pack.
//!
//! In: θ at the start of the round, θ after the inner steps, the error feedback. Out: a [`Draft`], and the error feedback of
//! the next round. It refuses values that are not finite or far too large, and then leaves the error feedback as it was.

use rayon::prelude::*;
use types::manifest::CodebookScope;

use crate::container::{Draft, DraftStats, SubmissionHeader};
use crate::layout::{Layout, MAX_CHUNK, TensorLayout, Unit};
use crate::quantise::{ChunkCodebook, MAX_MAGNITUDE, TensorCodebook};
use crate::record;
use crate::topk::TopK;

/// Values looked at between two checks for a bad one.
const CHECK_BLOCK: usize = 4096;

/// Why nothing was compressed. The error feedback is as it was before the call.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompressError {
    /// A buffer does not have one element per parameter.
    #[error("buffer `{buffer}` has {got} elements, the layout has {expected}")]
    Length {
        /// Which buffer.
        buffer: &'static str,
        /// Its length.
        got: usize,
        /// The layout's parameter count.
        expected: usize,
    },
    /// NaN or infinity in a pseudo-gradient or in the error feedback.
    #[error("tensor `{tensor}` has a non-finite pseudo-gradient or error feedback")]
    NonFinite {
        /// The first such tensor.
        tensor: String,
    },
    /// A finite value that no healthy inner loop makes.
    #[error("tensor `{tensor}` has a pseudo-gradient beyond ±{MAX_MAGNITUDE}")]
    TooLarge {
        /// The first such tensor.
        tensor: String,
    },
    /// A loss in the header is NaN or infinite.
    #[error("the header's loss is not finite")]
    NonFiniteLoss,
    /// Chosen indices are not strictly ascending within the chunk.
    #[error("chunk {chunk} of tensor `{tensor}` has indices that do not ascend within the chunk")]
    Indices {
        /// The tensor.
        tensor: String,
        /// The chunk in it.
        chunk: usize,
    },
}

/// Compresses one round's work (protocol.md §3.1, Eq 1).
///
/// `e ← β·e + (anchor − local)`; the k largest magnitudes of each chunk are quantised and sent, of equal ones the lowest
/// index; `e ← e − decode(sent)`. All buffers are flat, in layout order, f32; `anchor` is θ at the start of the round. The
/// result does not depend on the number of threads or the CPU.
///
/// Cost: one reading pass to check, one pass to work; memory beside the buffers is about twice the payload.
///
/// # Errors
/// [`CompressError`]; `error_feedback` is then unchanged.
pub fn compress(
    layout: &Layout,
    header: SubmissionHeader,
    anchor: &[f32],
    local: &[f32],
    error_feedback: &mut [f32],
) -> Result<Draft, CompressError> {
    check_length("anchor", anchor.len(), layout)?;
    check_length("local", local.len(), layout)?;
    check_length("error_feedback", error_feedback.len(), layout)?;
    check_losses(&header)?;
    check_values(layout, anchor, local, error_feedback)?;
    let step = Step { layout, anchor, local };
    let (parts, stats) = match layout.params().codebook {
        CodebookScope::Chunk => step.with_chunk_codebooks(error_feedback),
        CodebookScope::Tensor => step.with_tensor_codebooks(error_feedback),
    };
    Ok(Draft::assemble(layout, &header, &parts, stats))
}

/// Compresses a given dense update without error feedback: top-k, quantise, pack.
///
/// # Errors
/// As [`compress`].
pub fn compress_dense(layout: &Layout, header: SubmissionHeader, delta: &[f32]) -> Result<Draft, CompressError> {
    check_length("delta", delta.len(), layout)?;
    // `0·β + (delta − 0)` is delta; the scratch is thrown away.
    let (zeros, mut scratch) = (vec![0.0; delta.len()], vec![0.0; delta.len()]);
    compress(layout, header, delta, &zeros, &mut scratch)
}

/// See [`Draft::from_chunks`].
pub(crate) fn from_chunks(
    layout: &Layout,
    header: &SubmissionHeader,
    mut fill: impl FnMut(usize, usize, &mut [u16], &mut [f32]),
) -> Result<Draft, CompressError> {
    check_losses(header)?;
    let mut sent_squares = 0.0;
    let mut parts = Vec::with_capacity(layout.tensors().len());
    for (number, tensor) in layout.tensors().iter().enumerate() {
        let k = tensor.k();
        let mut picked = Picked { indices: vec![0; k * tensor.chunks], values: vec![0.0; k * tensor.chunks] };
        let chunks = picked.indices.chunks_exact_mut(k).zip(picked.values.chunks_exact_mut(k));
        for (chunk, (indices, values)) in chunks.enumerate() {
            fill(number, chunk, indices, values);
            let ascending = indices.windows(2).all(|w| w[0] < w[1]);
            if !ascending || indices.last().is_some_and(|last| usize::from(*last) >= tensor.chunk_len()) {
                return Err(CompressError::Indices { tensor: tensor.spec.name.clone(), chunk });
            }
            if values.iter().any(|v| is_bad(*v)) {
                return Err(bad_value(tensor, values));
            }
        }
        let codebook = match layout.params().codebook {
            CodebookScope::Chunk => None,
            CodebookScope::Tensor => Some(TensorCodebook::fit([&picked.values[..]].into_iter())),
        };
        let mut part = codebook.map_or_else(Vec::new, |book| book.to_bytes().to_vec());
        picked.encode(tensor, codebook, &mut part, |_, _, level| sent_squares += square(level));
        parts.push(part);
    }
    Ok(Draft::assemble(layout, header, &parts, DraftStats { sent_norm: sent_squares.sqrt(), ..DraftStats::default() }))
}

fn check_length(buffer: &'static str, got: usize, layout: &Layout) -> Result<(), CompressError> {
    let expected = layout.parameter_count();
    if got == expected { Ok(()) } else { Err(CompressError::Length { buffer, got, expected }) }
}

fn check_losses(header: &SubmissionHeader) -> Result<(), CompressError> {
    let finite = header.loss_first.is_finite() && header.loss_last.is_finite();
    if finite { Ok(()) } else { Err(CompressError::NonFiniteLoss) }
}

/// One reading pass before anything is written: the only way to leave the error feedback untouched on failure without a
/// copy of it. It streams, so it costs far less than the selection.
fn check_values(layout: &Layout, anchor: &[f32], local: &[f32], ef: &[f32]) -> Result<(), CompressError> {
    let beta = layout.params().ef_decay;
    let bad = layout.units().par_iter().find_first(|unit| {
        let range = unit.start..unit.start + unit.len;
        let blocks = anchor[range.clone()].chunks(CHECK_BLOCK).zip(local[range.clone()].chunks(CHECK_BLOCK));
        blocks.zip(ef[range].chunks(CHECK_BLOCK)).any(|((anchor, local), ef)| {
            let values = anchor.iter().zip(local).zip(ef);
            values.fold(false, |bad, ((a, l), e)| bad | is_bad(beta * e + (a - l)))
        })
    });
    let Some(unit) = bad else { return Ok(()) };
    let tensor = &layout.tensors()[unit.tensor];
    let range = unit.start..unit.start + unit.len;
    let values: Vec<f32> = range.map(|i| beta * ef[i] + (anchor[i] - local[i])).collect();
    Err(bad_value(tensor, &values))
}

/// NaN compares false, so this is one comparison for all three kinds of bad value.
#[inline(always)]
#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "NaN has to count as bad")]
fn is_bad(v: f32) -> bool {
    !(v.abs() <= MAX_MAGNITUDE)
}

fn bad_value(tensor: &TensorLayout, values: &[f32]) -> CompressError {
    let tensor = tensor.spec.name.clone();
    if values.iter().all(|v| v.is_finite()) {
        CompressError::TooLarge { tensor }
    } else {
        CompressError::NonFinite { tensor }
    }
}

/// Checked inputs of one compression.
struct Step<'a> {
    layout: &'a Layout,
    anchor: &'a [f32],
    local: &'a [f32],
}

/// A thread's working memory.
struct Worker {
    values: Vec<f32>,
    top_k: TopK,
    indices: Vec<u16>,
    picked: Vec<f32>,
    codes: Vec<u8>,
}

impl Worker {
    fn new() -> Self {
        Self {
            values: vec![0.0; MAX_CHUNK],
            top_k: TopK::new(),
            indices: vec![0; MAX_CHUNK],
            picked: vec![0.0; MAX_CHUNK],
            codes: vec![0; MAX_CHUNK],
        }
    }
}

/// Body bytes of a unit and its share of the norms.
#[derive(Default)]
struct Part {
    bytes: Vec<u8>,
    ef_squares: f64,
    sent_squares: f64,
}

impl Step<'_> {
    fn with_chunk_codebooks(&self, ef: &mut [f32]) -> (Vec<Vec<u8>>, DraftStats) {
        let units = self.layout.split(ef);
        let parts: Vec<Part> = units
            .into_par_iter()
            .map_init(Worker::new, |worker, (unit, ef)| self.chunk_unit(worker, unit, ef))
            .collect();
        let stats = stats_of(&parts);
        (parts.into_iter().map(|part| part.bytes).collect(), stats)
    }

    fn chunk_unit(&self, worker: &mut Worker, unit: &Unit, ef: &mut [f32]) -> Part {
        let tensor = &self.layout.tensors()[unit.tensor];
        let (k, total) = (tensor.k(), tensor.chunk_len());
        let Worker { values, top_k, indices, picked, codes } = worker;
        let (values, indices, picked, codes) =
            (&mut values[..total], &mut indices[..k], &mut picked[..k], &mut codes[..k]);
        let chunks = unit.bands * tensor.chunks_per_band;
        let mut part = Part { bytes: Vec::with_capacity(chunks * tensor.shape.max_record_bytes()), ..Part::default() };
        for start in tensor.chunk_starts(unit) {
            self.load(tensor, unit.start, start, ef, values);
            top_k.select(values, indices);
            for (v, i) in picked.iter_mut().zip(&*indices) {
                *v = values[usize::from(*i)];
            }
            let codebook = ChunkCodebook::fit(picked, codes);
            let levels = codebook.levels();
            for (i, code) in indices.iter().zip(&*codes) {
                values[usize::from(*i)] -= levels[usize::from(*code & 3)];
                part.sent_squares += square(levels[usize::from(*code & 3)]);
            }
            record::encode(&tensor.shape, Some(codebook), codes, indices, &mut part.bytes);
            part.ef_squares += store(tensor, start, values, ef);
        }
        part
    }

    /// Two sweeps per tensor: the codebook needs all of the tensor's selected values before the first can be coded.
    fn with_tensor_codebooks(&self, mut ef: &mut [f32]) -> (Vec<Vec<u8>>, DraftStats) {
        let mut parts = Vec::with_capacity(self.layout.units().len());
        for tensor in self.layout.tensors() {
            let (mut own, rest) = std::mem::take(&mut ef).split_at_mut(tensor.len);
            ef = rest;
            let mut units = Vec::with_capacity(tensor.units);
            for unit in &self.layout.units()[tensor.first_unit..][..tensor.units] {
                let (head, tail) = std::mem::take(&mut own).split_at_mut(unit.len);
                own = tail;
                units.push((unit, head));
            }
            let picked: Vec<Picked> = units
                .par_iter_mut()
                .map_init(Worker::new, |worker, (unit, ef)| self.pick_unit(worker, tensor, unit, ef))
                .collect();
            let codebook = TensorCodebook::fit(picked.iter().map(|p| &p.values[..]));
            parts.push(Part { bytes: codebook.to_bytes().to_vec(), ..Part::default() });
            parts.par_extend(units.into_par_iter().zip(&picked).map(|((unit, ef), picked)| {
                let mut part = Part::default();
                let starts: Vec<usize> = tensor.chunk_starts(unit).collect();
                picked.encode(tensor, Some(codebook), &mut part.bytes, |chunk, index, level| {
                    ef[starts[chunk] + index / tensor.w * tensor.cols + index % tensor.w] -= level;
                    part.sent_squares += square(level);
                });
                part.ef_squares = ef.iter().map(|e| square(*e)).sum();
                part
            }));
        }
        let stats = stats_of(&parts);
        (parts.into_iter().map(|part| part.bytes).collect(), stats)
    }

    fn pick_unit(&self, worker: &mut Worker, tensor: &TensorLayout, unit: &Unit, ef: &mut [f32]) -> Picked {
        let (k, chunks) = (tensor.k(), unit.bands * tensor.chunks_per_band);
        let mut picked = Picked { indices: vec![0; k * chunks], values: Vec::with_capacity(k * chunks) };
        let values = &mut worker.values[..tensor.chunk_len()];
        for (start, indices) in tensor.chunk_starts(unit).zip(picked.indices.chunks_exact_mut(k)) {
            self.load(tensor, unit.start, start, ef, values);
            worker.top_k.select(values, indices);
            picked.values.extend(indices.iter().map(|i| values[usize::from(*i)]));
            store(tensor, start, values, ef);
        }
        picked
    }

    /// `β·e + (anchor − local)` of one chunk, made contiguous. `start` is relative to the unit, `ef` is the unit's.
    #[inline(always)]
    fn load(&self, tensor: &TensorLayout, unit_start: usize, start: usize, ef: &[f32], values: &mut [f32]) {
        let beta = self.layout.params().ef_decay;
        for (row, out) in values.chunks_exact_mut(tensor.w).enumerate() {
            let at = start + row * tensor.cols;
            let ef = &ef[at..][..tensor.w];
            let anchor = &self.anchor[unit_start + at..][..tensor.w];
            let local = &self.local[unit_start + at..][..tensor.w];
            for (((v, e), a), l) in out.iter_mut().zip(ef).zip(anchor).zip(local) {
                *v = beta * e + (a - l);
            }
        }
    }
}

/// Selected values of a tensor or a unit, k per chunk.
struct Picked {
    indices: Vec<u16>,
    values: Vec<f32>,
}

impl Picked {
    /// Appends all records and tells `sent(chunk, index, level)` what each value became.
    fn encode(
        &self,
        tensor: &TensorLayout,
        codebook: Option<TensorCodebook>,
        out: &mut Vec<u8>,
        mut sent: impl FnMut(usize, usize, f32),
    ) {
        let k = tensor.k();
        let mut codes = vec![0u8; k];
        let chunks = self.indices.chunks_exact(k).zip(self.values.chunks_exact(k));
        for (chunk, (indices, values)) in chunks.enumerate() {
            let (own, levels) = match codebook {
                Some(book) => {
                    for (code, v) in codes.iter_mut().zip(values) {
                        *code = book.code(*v);
                    }
                    (None, book.levels())
                }
                None => {
                    let own = ChunkCodebook::fit(values, &mut codes);
                    (Some(own), own.levels())
                }
            };
            for (index, code) in indices.iter().zip(&codes) {
                sent(chunk, usize::from(*index), levels[usize::from(*code & 3)]);
            }
            record::encode(&tensor.shape, own, &codes, indices, out);
        }
    }
}

/// Writes a chunk back to its rows and gives the sum of its squares.
#[inline(always)]
fn store(tensor: &TensorLayout, start: usize, values: &[f32], ef: &mut [f32]) -> f64 {
    const LANES: usize = 32;
    for (row, values) in values.chunks_exact(tensor.w).enumerate() {
        ef[start + row * tensor.cols..][..tensor.w].copy_from_slice(values);
    }
    let mut lanes = [0f32; LANES];
    let (blocks, tail) = values.as_chunks::<LANES>();
    for block in blocks {
        for (lane, v) in lanes.iter_mut().zip(block) {
            *lane += v * v;
        }
    }
    lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>() + tail.iter().map(|v| square(*v)).sum::<f64>()
}

fn square(v: f32) -> f64 {
    f64::from(v) * f64::from(v)
}

fn stats_of(parts: &[Part]) -> DraftStats {
    DraftStats {
        container_bytes: 0,
        error_feedback_norm: parts.iter().map(|p| p.ef_squares).sum::<f64>().sqrt(),
        sent_norm: parts.iter().map(|p| p.sent_squares).sum::<f64>().sqrt(),
    }
}
