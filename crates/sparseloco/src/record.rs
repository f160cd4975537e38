//! One chunk on the wire: levels, 2-bit codes, indices.
//!
//! In: a chunk's selection. Out: its record, and back. A record is
//! 1. with a codebook per chunk: two bf16 magnitudes, little-endian, the smaller first;
//! 2. k codes of two bits, four to a byte, the first in the low bits, padded with zeros;
//! 3. the indices (see [`crate::indices`]).
//!
//! Records follow each other without gaps, chunks row-major, tensors in layout order; with a codebook per tensor its five
//! f32 stand before the tensor's first record. Checking reads each byte once and allocates nothing.

use types::manifest::{CodebookScope, IndexCoding};

use crate::indices::{
    IndexError, check_packed12, check_rice, decode_packed12, decode_rice, encode_packed12, encode_rice,
};
use crate::layout::{ChunkShape, MAX_CHUNK};
use crate::quantise::{CHUNK_CODEBOOK_BYTES, ChunkCodebook, LevelError};

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordError {
    Levels(LevelError),
    Indices(IndexError),
}

/// A checked record's length and the sum of its squared values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Checked {
    pub(crate) len: usize,
    pub(crate) squares: f64,
}

/// Appends a record. `codebook` is `None` when the tensor has one.
pub(crate) fn encode(
    shape: &ChunkShape,
    codebook: Option<ChunkCodebook>,
    codes: &[u8],
    indices: &[u16],
    out: &mut Vec<u8>,
) {
    if let Some(codebook) = codebook {
        out.extend_from_slice(&codebook.to_bytes());
    }
    for four in codes.chunks(4) {
        out.push(four.iter().enumerate().fold(0, |byte, (i, code)| byte | code << (2 * i)));
    }
    match shape.indices {
        IndexCoding::Rice => encode_rice(shape, indices, out),
        IndexCoding::Packed12 => encode_packed12(indices, out),
    }
}

/// Checks the record at the start of `bytes`. `levels` are the tensor's, if it has a codebook.
pub(crate) fn check(shape: &ChunkShape, bytes: &[u8], levels: [f32; 4]) -> Result<Checked, RecordError> {
    let truncated = RecordError::Indices(IndexError::Truncated);
    let mut levels = levels;
    let mut rest = bytes;
    if shape.codebook == CodebookScope::Chunk {
        let (raw, tail) = rest.split_first_chunk::<CHUNK_CODEBOOK_BYTES>().ok_or(truncated)?;
        let codebook = ChunkCodebook::from_bytes(*raw);
        codebook.check().map_err(RecordError::Levels)?;
        levels = codebook.levels();
        rest = tail;
    }
    let (codes, rest) = rest.split_at_checked(shape.code_bytes()).ok_or(truncated)?;
    if !shape.k.is_multiple_of(4) && codes.last().is_some_and(|last| last >> (2 * (shape.k % 4)) != 0) {
        return Err(RecordError::Indices(IndexError::Padding));
    }
    let index_bytes = match shape.indices {
        IndexCoding::Rice => check_rice(shape, rest),
        IndexCoding::Packed12 => check_packed12(shape, rest),
    }
    .map_err(RecordError::Indices)?;
    let len = shape.level_bytes() + codes.len() + index_bytes;
    Ok(Checked { len, squares: squares(shape.k, codes, levels) })
}

/// Σ value² from how often each code occurs.
fn squares(k: usize, codes: &[u8], levels: [f32; 4]) -> f64 {
    let mut counts = [0u32; 4];
    for part in codes.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        let word = u64::from_le_bytes(word);
        let (low, high) = (word & 0x5555_5555_5555_5555, word >> 1 & 0x5555_5555_5555_5555);
        counts[1] += (low & !high).count_ones();
        counts[2] += (high & !low).count_ones();
        counts[3] += (low & high).count_ones();
    }
    counts[0] = k as u32 - counts[1] - counts[2] - counts[3];
    counts.iter().zip(levels).map(|(n, level)| f64::from(*n) * f64::from(level) * f64::from(level)).sum()
}

/// A checked record, opened: indices go to a caller's buffer, codes stay where they are.
pub(crate) struct Opened<'a> {
    pub(crate) codes: &'a [u8],
    pub(crate) levels: [f32; 4],
    pub(crate) len: usize,
}

/// Opens a record that was checked before.
#[inline]
pub(crate) fn open<'a>(
    shape: &ChunkShape,
    bytes: &'a [u8],
    levels: [f32; 4],
    indices: &mut [u16; MAX_CHUNK],
) -> Opened<'a> {
    let (mut levels, mut rest) = (levels, bytes);
    if let (CodebookScope::Chunk, Some((raw, tail))) = (shape.codebook, rest.split_first_chunk()) {
        levels = ChunkCodebook::from_bytes(*raw).levels();
        rest = tail;
    }
    let (codes, rest) = rest.split_at_checked(shape.code_bytes()).unwrap_or((&[], &[]));
    let index_bytes = match shape.indices {
        IndexCoding::Rice => decode_rice(shape, rest, indices),
        IndexCoding::Packed12 => decode_packed12(shape, rest, indices),
    };
    Opened { codes, levels, len: shape.level_bytes() + codes.len() + index_bytes }
}

impl Opened<'_> {
    /// Calls `f(index, code)` for all k values in ascending order of index.
    #[inline(always)]
    pub(crate) fn each(&self, k: usize, indices: &[u16; MAX_CHUNK], mut f: impl FnMut(usize, usize)) {
        for (byte, four) in self.codes.iter().zip(indices[..k].chunks(4)) {
            let mut byte = usize::from(*byte);
            for index in four {
                f(usize::from(*index) & (MAX_CHUNK - 1), byte & 3);
                byte >>= 2;
            }
        }
    }
}
