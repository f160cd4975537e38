//! From parameters before and after the inner loop to a draft: pseudo-gradient, error feedback, top-k, quantise, pack.
//!
//! In: θ at the start of the round, θ after the inner steps, the error feedback. Out: a [`Draft`], and the error feedback of
//! the next round, in θ's memory. It refuses values that are not finite or far too large, and then leaves the error feedback as it was.

use rayon::prelude::*;
use types::manifest::CodebookScope;

use crate::container::{Draft, DraftStats, SubmissionHeader};
use crate::cpu::specialised;
use crate::layout::{Layout, MAX_CHUNK, STRIP, TensorLayout, Unit};
use crate::quantise::{ChunkCodebook, MAX_MAGNITUDE, TensorCodebook};
use crate::record;
use crate::topk::TopK;

/// Why nothing was compressed.
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
/// `local` is θ after the inner steps, and holds the next error feedback on success: nobody needs that θ any more, and the
/// old error feedback stays what it was until nothing can fail. The caller puts it in the old one's place. Cost: with a codebook per chunk each buffer is read once and one is written, which is what memory allows
/// at best; with one per tensor they are read twice. Memory beside the buffers is about twice the payload.
///
/// # Errors
/// [`CompressError`]; what `local` holds is then worthless.
pub fn compress(
    layout: &Layout,
    header: SubmissionHeader,
    anchor: &[f32],
    local: &mut [f32],
    error_feedback: &[f32],
) -> Result<Draft, CompressError> {
    check_length("anchor", anchor.len(), layout)?;
    check_length("local", local.len(), layout)?;
    check_length("error_feedback", error_feedback.len(), layout)?;
    check_losses(&header)?;
    let step = Step { layout, anchor, error_feedback };
    let (packed, squares) = match layout.params().codebook {
        CodebookScope::Chunk => step.pack_with_chunk_codebooks(local)?,
        CodebookScope::Tensor => step.pack_with_tensor_codebooks(local)?,
    };
    let stats =
        DraftStats { container_bytes: 0, error_feedback_norm: squares.kept.sqrt(), sent_norm: squares.sent.sqrt() };
    Ok(Draft::assemble(layout, &header, &packed, stats))
}

/// Compresses a given dense update without error feedback: top-k, quantise, pack.
///
/// # Errors
/// As [`compress`].
pub fn compress_dense(layout: &Layout, header: SubmissionHeader, delta: &[f32]) -> Result<Draft, CompressError> {
    check_length("delta", delta.len(), layout)?;
    // `0·β + (delta − 0)` is delta; the error feedback is thrown away.
    compress(layout, header, delta, &mut vec![0.0; delta.len()], &vec![0.0; delta.len()])
}

/// See [`Draft::from_chunks`].
pub(crate) fn from_chunks(
    layout: &Layout,
    header: &SubmissionHeader,
    mut fill: impl FnMut(usize, usize, &mut [u16], &mut [f32]),
) -> Result<Draft, CompressError> {
    check_losses(header)?;
    let mut sent_squares = 0.0;
    let mut packed = Vec::with_capacity(layout.tensors().len());
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
        let mut part = Packed::new(codebook);
        picked.encode(tensor, codebook, &mut part.bytes);
        let mut records = &part.bytes[part.records_at..];
        for _ in 0..tensor.chunks {
            let opened = record::open(&tensor.shape, records, part.levels);
            sent_squares += opened.squares(&tensor.shape);
            records = &records[opened.each(&tensor.shape, |_, _| ())..];
        }
        packed.push(part);
    }
    Ok(Draft::assemble(layout, header, &packed, DraftStats { sent_norm: sent_squares.sqrt(), ..DraftStats::default() }))
}

fn check_length(buffer: &'static str, got: usize, layout: &Layout) -> Result<(), CompressError> {
    let expected = layout.parameter_count();
    if got == expected { Ok(()) } else { Err(CompressError::Length { buffer, got, expected }) }
}

fn check_losses(header: &SubmissionHeader) -> Result<(), CompressError> {
    let finite = header.loss_first.is_finite() && header.loss_last.is_finite();
    if finite { Ok(()) } else { Err(CompressError::NonFiniteLoss) }
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
    error_feedback: &'a [f32],
}

/// Σ v² of what is sent and of what stays behind as error feedback.
#[derive(Default, Clone, Copy)]
struct Squares {
    sent: f64,
    kept: f64,
}

impl std::iter::Sum for Squares {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |a, b| Self { sent: a.sent + b.sent, kept: a.kept + b.kept })
    }
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
            values: vec![0.0; STRIP * MAX_CHUNK],
            top_k: TopK::new(),
            indices: vec![0; MAX_CHUNK],
            picked: vec![0.0; MAX_CHUNK],
            codes: vec![0; MAX_CHUNK],
        }
    }
}

/// Body bytes of a unit (or, with chosen indices, of a tensor).
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    /// Where the records begin: after the tensor's codebook, if this part carries it.
    records_at: usize,
    /// The tensor's levels; unused where chunks have their own.
    levels: [f32; 4],
}

impl Packed {
    fn new(codebook: Option<TensorCodebook>) -> Self {
        let bytes = codebook.map_or_else(Vec::new, |book| book.to_bytes().to_vec());
        Self { records_at: bytes.len(), bytes, levels: codebook.map_or([0.0; 4], |book| book.levels()) }
    }
}

impl Step<'_> {
    /// Packs, and writes the next error feedback over `local`, in one pass over memory.
    fn pack_with_chunk_codebooks(&self, local: &mut [f32]) -> Result<(Vec<Packed>, Squares), CompressError> {
        let pack = |worker: &mut Worker, (unit, local): (&Unit, &mut [f32])| {
            specialised(
                #[inline(always)]
                || self.pack_unit(worker, unit, local),
            )
        };
        let units: Vec<_> = self.layout.split(local).into_par_iter().map_init(Worker::new, pack).collect();
        // In order, so that the error names the first tensor.
        let units = units.into_iter().collect::<Result<Vec<_>, _>>()?;
        let squares = units.iter().map(|(_, squares)| *squares).sum();
        Ok((units.into_iter().map(|(packed, _)| packed).collect(), squares))
    }

    #[inline(always)]
    fn pack_unit(
        &self,
        worker: &mut Worker,
        unit: &Unit,
        local: &mut [f32],
    ) -> Result<(Packed, Squares), CompressError> {
        let tensor = &self.layout.tensors()[unit.tensor];
        let (k, total) = (tensor.k(), tensor.chunk_len());
        let Worker { values, top_k, indices, picked, codes } = worker;
        let (indices, picked, codes) = (&mut indices[..k], &mut picked[..k], &mut codes[..k]);
        let mut packed = Packed::new(None);
        packed.bytes.reserve_exact(unit.bands * tensor.chunks_per_band * tensor.shape.max_record_bytes());
        let mut squares = Squares::default();
        for (start, chunks) in tensor.strips(unit) {
            let strip = &mut values[..chunks * total];
            self.load(tensor, unit, start, local, strip)?;
            for values in strip.chunks_exact_mut(total) {
                top_k.select(values, indices);
                for (v, i) in picked.iter_mut().zip(&*indices) {
                    *v = values[usize::from(*i)];
                }
                let codebook = ChunkCodebook::fit(picked, codes);
                let record_at = packed.bytes.len();
                record::encode(&tensor.shape, Some(codebook), codes, indices, &mut packed.bytes);
                let opened = record::open(&tensor.shape, &packed.bytes[record_at..], packed.levels);
                for (i, code) in indices.iter().zip(&*codes) {
                    values[usize::from(*i)] -= opened.levels[usize::from(code & 3)];
                }
                squares.sent += opened.squares(&tensor.shape);
                squares.kept += sum_of_squares(values);
            }
            store(tensor, strip, &mut local[start..]);
        }
        Ok((packed, squares))
    }

    /// Tensor by tensor: the codebook needs all of a tensor's selected values before the first can be coded. Only then is
    /// the next error feedback written over `local`.
    fn pack_with_tensor_codebooks(&self, local: &mut [f32]) -> Result<(Vec<Packed>, Squares), CompressError> {
        let mut packed = Vec::with_capacity(self.layout.units().len());
        let mut squares = Squares::default();
        let mut parts = self.layout.split(local);
        for tensor in self.layout.tensors() {
            let parts = &mut parts[tensor.first_unit..][..tensor.units];
            let picked: Vec<_> = parts
                .par_iter()
                .map_init(Worker::new, |worker, (unit, local)| self.pick_unit(worker, unit, local))
                .collect();
            let picked = picked.into_iter().collect::<Result<Vec<Picked>, _>>()?;
            let codebook = TensorCodebook::fit(picked.iter().map(|p| &p.values[..]));
            let first = packed.len();
            packed.par_extend(picked.par_iter().enumerate().map(|(n, picked)| {
                let mut part = Packed::new(Some(codebook));
                if n > 0 {
                    part.bytes.clear();
                    part.records_at = 0;
                }
                picked.encode(tensor, Some(codebook), &mut part.bytes);
                part
            }));
            let commits = parts.par_iter_mut().zip(&packed[first..]);
            let kept: Vec<Squares> = commits.map(|((unit, local), packed)| self.commit(unit, local, packed)).collect();
            squares = [squares].into_iter().chain(kept).sum();
        }
        Ok((packed, squares))
    }

    fn pick_unit(&self, worker: &mut Worker, unit: &Unit, local: &[f32]) -> Result<Picked, CompressError> {
        let tensor = &self.layout.tensors()[unit.tensor];
        let (k, total) = (tensor.k(), tensor.chunk_len());
        let chunks = unit.bands * tensor.chunks_per_band;
        let mut picked = Picked { indices: vec![0; k * chunks], values: Vec::with_capacity(k * chunks) };
        let mut slots = picked.indices.chunks_exact_mut(k);
        for (start, chunks) in tensor.strips(unit) {
            let strip = &mut worker.values[..chunks * total];
            self.load(tensor, unit, start, local, strip)?;
            for (values, indices) in strip.chunks_exact(total).zip(&mut slots) {
                worker.top_k.select(values, indices);
                picked.values.extend(indices.iter().map(|i| values[usize::from(*i)]));
            }
        }
        Ok(picked)
    }

    /// Makes `β·e + (anchor − local)` contiguous chunk by chunk for the strip that begins at element `start` of the unit,
    /// and checks it. `local` holds the unit.
    #[inline(always)]
    fn load(
        &self,
        tensor: &TensorLayout,
        unit: &Unit,
        start: usize,
        local: &[f32],
        strip: &mut [f32],
    ) -> Result<(), CompressError> {
        let beta = self.layout.params().ef_decay;
        let (w, total) = (tensor.w, tensor.chunk_len());
        let width = strip.len() / tensor.h;
        for row in 0..tensor.h {
            let at = start + row * tensor.cols;
            let local = &local[at..][..width];
            let (ef, anchor) =
                (&self.error_feedback[unit.start + at..][..width], &self.anchor[unit.start + at..][..width]);
            let sources = ef.chunks_exact(w).zip(anchor.chunks_exact(w)).zip(local.chunks_exact(w));
            for (chunk, ((ef, anchor), local)) in strip.chunks_exact_mut(total).zip(sources) {
                let out = &mut chunk[row * w..][..w];
                for (((v, e), a), l) in out.iter_mut().zip(ef).zip(anchor).zip(local) {
                    *v = beta * e + (a - l);
                }
            }
        }
        // Apart from the loop above, so that both are vectorised; the values are in the cache by now.
        let bad = strip.iter().fold(false, |bad, v| bad | is_bad(*v));
        if bad { Err(bad_value(tensor, strip)) } else { Ok(()) }
    }

    /// `local ← β·e + (anchor − local) − decode(sent)`, band by band: the band is still in the cache when the sent values
    /// are taken out of it.
    fn commit(&self, unit: &Unit, local: &mut [f32], packed: &Packed) -> Squares {
        let tensor = &self.layout.tensors()[unit.tensor];
        let beta = self.layout.params().ef_decay;
        let band_len = tensor.h * tensor.cols;
        let mut records = &packed.bytes[packed.records_at..];
        let mut squares = Squares::default();
        for (band, kept) in local.chunks_exact_mut(band_len).enumerate() {
            let at = unit.start + band * band_len;
            let sources = self.error_feedback[at..].iter().zip(&self.anchor[at..]);
            for (l, (e, a)) in kept.iter_mut().zip(sources) {
                *l = beta * e + (a - *l);
            }
            for x in 0..tensor.chunks_per_band {
                let opened = record::open(&tensor.shape, records, packed.levels);
                let len = opened.each(&tensor.shape, |index, code| {
                    kept[x * tensor.w + index / tensor.w * tensor.cols + index % tensor.w] -= opened.levels[code];
                });
                squares.sent += opened.squares(&tensor.shape);
                records = &records[len..];
            }
            squares.kept += sum_of_squares(kept);
        }
        squares
    }
}

/// Writes a strip back to where it was loaded from; `local` begins at its first element.
#[inline(always)]
fn store(tensor: &TensorLayout, strip: &[f32], local: &mut [f32]) {
    let (w, total) = (tensor.w, tensor.chunk_len());
    let width = strip.len() / tensor.h;
    for row in 0..tensor.h {
        let local = local[row * tensor.cols..][..width].chunks_exact_mut(w);
        for (local, chunk) in local.zip(strip.chunks_exact(total)) {
            local.copy_from_slice(&chunk[row * w..][..w]);
        }
    }
}

/// Σ v², in f32 over blocks of at most 4096 values: a figure for logs.
#[inline(always)]
fn sum_of_squares(values: &[f32]) -> f64 {
    const LANES: usize = 32;
    const BLOCK: usize = 4096;
    let mut squares = 0.0;
    for block in values.chunks(BLOCK) {
        let mut lanes = [0f32; LANES];
        let (rows, tail) = block.as_chunks::<LANES>();
        for row in rows {
            for (lane, v) in lanes.iter_mut().zip(row) {
                *lane += v * v;
            }
        }
        let tail: f64 = tail.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
        squares += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>() + tail;
    }
    squares
}

/// Selected values of a tensor or a unit, k per chunk.
struct Picked {
    indices: Vec<u16>,
    values: Vec<f32>,
}

impl Picked {
    /// Appends all records.
    fn encode(&self, tensor: &TensorLayout, codebook: Option<TensorCodebook>, out: &mut Vec<u8>) {
        let k = tensor.k();
        let mut codes = vec![0u8; k];
        for (indices, values) in self.indices.chunks_exact(k).zip(self.values.chunks_exact(k)) {
            let own = match codebook {
                Some(book) => {
                    for (code, v) in codes.iter_mut().zip(values) {
                        *code = book.code(*v);
                    }
                    None
                }
                None => Some(ChunkCodebook::fit(values, &mut codes)),
            };
            record::encode(&tensor.shape, own, &codes, indices, out);
        }
    }
}
