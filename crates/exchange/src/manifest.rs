//! What a blob is made of: its id and the hashes of its 1 MiB chunks, each provable against the id alone.
//!
//! The root is the plain BLAKE3 hash of the blob (what `b3sum` prints). BLAKE3 is a binary tree over 1024-byte leaves, and
//! 1 MiB is a whole subtree of it, so the chunks' chaining values merge to exactly the root: a manifest needs no trust
//! and no signature. In: a blob, or hostile manifest bytes. Out: a [`Manifest`] that holds by construction.
//! It reads no file.

use blake3::hazmat::{ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};
use serde::{Deserialize, Serialize};
use types::Hash32;

use crate::limits::{CHUNK_BYTES, MAX_BLOB_BYTES, MAX_MANIFEST_BYTES};

/// First bytes of an encoded manifest: seven letters and the version.
const MAGIC: [u8; 8] = *b"covman\0\x01";
const HEADER_BYTES: usize = MAGIC.len() + 32 + 8;

/// A blob's name: what its owner commits on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobId {
    /// BLAKE3 of all bytes.
    pub root: Hash32,
    /// How many they are.
    pub bytes: u64,
}

impl BlobId {
    /// The id of these bytes.
    pub fn of(blob: &[u8]) -> Self {
        Self { root: Hash32::of(blob), bytes: blob.len() as u64 }
    }

    /// Chunks of a blob of this length; the empty blob has one, empty chunk.
    pub fn chunk_count(&self) -> u64 {
        self.bytes.div_ceil(CHUNK_BYTES as u64).max(1)
    }

    /// Bytes of one chunk; 0 past the end.
    pub fn chunk_bytes(&self, index: u32) -> usize {
        let start = u64::from(index) * CHUNK_BYTES as u64;
        // At most CHUNK_BYTES, so the cast is exact.
        self.bytes.saturating_sub(start).min(CHUNK_BYTES as u64) as usize
    }
}

/// Why bytes are no manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not a manifest of this version.
    #[error("not a blob manifest of version 1")]
    Magic,
    /// The blob would be longer than [`MAX_BLOB_BYTES`].
    #[error("the manifest speaks of {0} bytes, more than {MAX_BLOB_BYTES}")]
    TooLarge(u64),
    /// Too short, or bytes left over.
    #[error("a manifest of this blob has {expected} bytes, got {got}")]
    Length {
        /// Bytes wanted.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// The chunks' hashes do not merge to the root.
    #[error("the chunks' hashes do not merge to the root")]
    Root,
}

/// Why bytes are not the chunk they are said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// The blob has no such chunk.
    #[error("the blob has {chunks} chunks, not one with index {index}")]
    Index {
        /// Index asked for.
        index: u32,
        /// Chunks there are.
        chunks: usize,
    },
    /// Too short or too long.
    #[error("the chunk has {expected} bytes, got {got}")]
    Length {
        /// Bytes wanted.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// Other bytes.
    #[error("the chunk's bytes do not match its hash")]
    Hash,
}

/// A blob's id and the chaining values of its chunks. Every value of this type holds: the chunks merge to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    id: BlobId,
    chunks: Vec<ChainingValue>,
}

impl Manifest {
    /// The manifest of these bytes.
    ///
    /// # Errors
    /// [`ManifestError::TooLarge`] above [`MAX_BLOB_BYTES`].
    pub fn of(blob: &[u8]) -> Result<Self, ManifestError> {
        let mut builder = ManifestBuilder::new(blob.len() as u64)?;
        for chunk in blob.chunks(CHUNK_BYTES) {
            builder.push(chunk);
        }
        Ok(builder.finish())
    }

    /// The manifest of a blob of one chunk, which follows from its id; `None` for a longer one.
    pub fn single(id: BlobId) -> Option<Self> {
        (id.chunk_count() == 1).then(|| Self { id, chunks: vec![id.root.0] })
    }

    /// Whose manifest this is.
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// Number of chunks, at least 1.
    pub fn chunk_count(&self) -> u32 {
        // MAX_BLOB_BYTES / CHUNK_BYTES is 2^18.
        self.chunks.len() as u32
    }

    /// Checks one chunk's bytes.
    ///
    /// # Errors
    /// [`ChunkError`] for an index past the end, another length or other bytes.
    pub fn verify(&self, index: u32, chunk: &[u8]) -> Result<(), ChunkError> {
        let want = self.chunks.get(index as usize).ok_or(ChunkError::Index { index, chunks: self.chunks.len() })?;
        let expected = self.id.chunk_bytes(index);
        if chunk.len() != expected {
            return Err(ChunkError::Length { expected, got: chunk.len() });
        }
        if chaining_value(self.id, index, chunk) == *want { Ok(()) } else { Err(ChunkError::Hash) }
    }

    /// Length of the encoded manifest of a blob: what a source may be allowed to send for it.
    ///
    /// # Errors
    /// [`ManifestError::TooLarge`] above [`MAX_BLOB_BYTES`].
    pub fn encoded_bytes(id: &BlobId) -> Result<usize, ManifestError> {
        if id.bytes > MAX_BLOB_BYTES {
            return Err(ManifestError::TooLarge(id.bytes));
        }
        Ok(HEADER_BYTES + 32 * id.chunk_count() as usize)
    }

    /// `"covman\0" ++ 1 ++ root[32] ++ bytes as u64 LE ++ chaining value[32] per chunk`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + 32 * self.chunks.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.id.root.0);
        out.extend_from_slice(&self.id.bytes.to_le_bytes());
        out.extend(self.chunks.iter().flatten());
        out
    }

    /// Reads a manifest back and proves it against its own root. The caller still compares [`Manifest::id`] with the id
    /// it asked for.
    ///
    /// # Errors
    /// [`ManifestError`]; nothing is allocated before the length is right.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::Length { expected: MAX_MANIFEST_BYTES, got: bytes.len() });
        }
        let rest = bytes.strip_prefix(&MAGIC).ok_or(ManifestError::Magic)?;
        let short = ManifestError::Length { expected: HEADER_BYTES + 32, got: bytes.len() };
        let (root, rest) = rest.split_first_chunk::<32>().ok_or(short.clone())?;
        let (length, rest) = rest.split_first_chunk::<8>().ok_or(short)?;
        let id = BlobId { root: Hash32(*root), bytes: u64::from_le_bytes(*length) };
        let expected = Self::encoded_bytes(&id)?;
        if bytes.len() != expected {
            return Err(ManifestError::Length { expected, got: bytes.len() });
        }
        let (chunks, _) = rest.as_chunks::<32>();
        if root_of(chunks, id.bytes) != id.root {
            return Err(ManifestError::Root);
        }
        Ok(Self { id, chunks: chunks.to_vec() })
    }
}

/// Makes a manifest from chunks that are not all in memory at once. Its user pushes every chunk, in order.
#[derive(Debug)]
pub(crate) struct ManifestBuilder {
    /// The root is not known before the end.
    id: BlobId,
    chunks: Vec<ChainingValue>,
}

impl ManifestBuilder {
    /// For a blob of `bytes` bytes.
    pub(crate) fn new(bytes: u64) -> Result<Self, ManifestError> {
        if bytes > MAX_BLOB_BYTES {
            return Err(ManifestError::TooLarge(bytes));
        }
        Ok(Self { id: BlobId { root: Hash32::default(), bytes }, chunks: Vec::new() })
    }

    /// The next chunk: [`CHUNK_BYTES`] bytes, fewer only at the end.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        let index = self.chunks.len() as u32;
        self.chunks.push(chaining_value(self.id, index, chunk));
    }

    /// The manifest of what was pushed.
    pub(crate) fn finish(mut self) -> Manifest {
        if self.chunks.is_empty() {
            self.push(&[]);
        }
        let root = root_of(&self.chunks, self.id.bytes);
        Manifest { id: BlobId { root, ..self.id }, chunks: self.chunks }
    }
}

/// A chunk's chaining value; in a blob of one chunk that is the root hash itself.
fn chaining_value(id: BlobId, index: u32, chunk: &[u8]) -> ChainingValue {
    let mut hasher = blake3::Hasher::new();
    if id.chunk_count() == 1 {
        return *hasher.update(chunk).finalize().as_bytes();
    }
    hasher.set_input_offset(u64::from(index) * CHUNK_BYTES as u64);
    // More bytes than a subtree holds would be a panic in blake3: such a chunk cannot match, so its tail does not count.
    hasher.update(&chunk[..chunk.len().min(CHUNK_BYTES)]).finalize_non_root()
}

/// A subtree: its chunks' chaining values (at least one) and its length in bytes.
#[derive(Clone, Copy)]
struct Subtree<'a> {
    chunks: &'a [ChainingValue],
    bytes: u64,
}

/// The root over the chunks of a blob of `bytes` bytes; there is one chaining value per chunk.
fn root_of(chunks: &[ChainingValue], bytes: u64) -> Hash32 {
    if let [only] = chunks {
        return Hash32(*only);
    }
    let (left, right) = Subtree { chunks, bytes }.halves();
    Hash32(*merge_subtrees_root(&left.chaining_value(), &right.chaining_value(), Mode::Hash).as_bytes())
}

impl Subtree<'_> {
    fn chaining_value(self) -> ChainingValue {
        if let [only] = self.chunks {
            return *only;
        }
        let (left, right) = self.halves();
        merge_subtrees_non_root(&left.chaining_value(), &right.chaining_value(), Mode::Hash)
    }

    /// BLAKE3's rule: the left half is the largest power of two of leaves that leaves something for the right one.
    fn halves(self) -> (Self, Self) {
        let left_bytes = left_subtree_len(self.bytes);
        let (left, right) = self.chunks.split_at((left_bytes / CHUNK_BYTES as u64) as usize);
        (Self { chunks: left, bytes: left_bytes }, Self { chunks: right, bytes: self.bytes - left_bytes })
    }
}

#[cfg(test)]
mod tests;
