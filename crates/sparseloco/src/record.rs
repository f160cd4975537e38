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

use crate::indices::{IndexError, check_packed12, check_rice, each_packed12, each_rice, encode_packed12, encode_rice};
use crate::layout::ChunkShape;
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
#[inline(always)]
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
#[inline(always)]
fn squares(k: usize, codes: &[u8], levels: [f32; 4]) -> f64 {
    let mut counts = [0u32; 4];
    let mut count = |word: u64| {
        let (low, high) = (word & 0x5555_5555_5555_5555, word >> 1 & 0x5555_5555_5555_5555);
        counts[1] += (low & !high).count_ones();
        counts[2] += (high & !low).count_ones();
        counts[3] += (low & high).count_ones();
    };
    let (words, tail) = codes.as_chunks::<8>();
    words.iter().for_each(|word| count(u64::from_le_bytes(*word)));
    if !tail.is_empty() {
        let mut word = [0; 8];
        word[..tail.len()].copy_from_slice(tail);
        count(u64::from_le_bytes(word));
    }
    counts[0] = k as u32 - counts[1] - counts[2] - counts[3];
    counts.iter().zip(levels).map(|(n, level)| f64::from(*n) * f64::from(level) * f64::from(level)).sum()
}

/// A checked record, opened; nothing is copied.
pub(crate) struct Opened<'a> {
    pub(crate) levels: [f32; 4],
    codes: &'a [u8],
    /// From the first index byte on; where they end turns out on reading them.
    indices: &'a [u8],
}

/// Opens the record at the start of `bytes`, which was checked before.
#[inline(always)]
pub(crate) fn open<'a>(shape: &ChunkShape, bytes: &'a [u8], levels: [f32; 4]) -> Opened<'a> {
    let (mut levels, mut rest) = (levels, bytes);
    if let (CodebookScope::Chunk, Some((raw, tail))) = (shape.codebook, rest.split_first_chunk()) {
        levels = ChunkCodebook::from_bytes(*raw).levels();
        rest = tail;
    }
    let (codes, indices) = rest.split_at_checked(shape.code_bytes()).unwrap_or((&[], &[]));
    Opened { levels, codes, indices }
}

impl Opened<'_> {
    /// Σ value².
    #[inline(always)]
    pub(crate) fn squares(&self, shape: &ChunkShape) -> f64 {
        squares(shape.k, self.codes, self.levels)
    }

    /// Calls `f(index, code)` for all k values in ascending order of index, and gives the record's length.
    #[inline(always)]
    pub(crate) fn each(&self, shape: &ChunkShape, f: impl FnMut(usize, usize)) -> usize {
        let index_bytes = match shape.indices {
            IndexCoding::Rice => each_rice(shape, self.indices, self.codes, f),
            IndexCoding::Packed12 => each_packed12(shape, self.indices, self.codes, f),
        };
        shape.level_bytes() + self.codes.len() + index_bytes
    }
}
