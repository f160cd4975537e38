//! Where chunks come from: one trait for folders, peers and buckets, and what can go wrong with each.
//!
//! In: a blob's id and a chunk's index. Out: bytes that may be anything. A source proves nothing and decides nothing:
//! immutability by hash and lateness by chain are above it. It returns bytes for `(id, chunk)` and nothing else, so that
//! a bucket that was overwritten, or a peer that lies, differs from an honest one in the hash alone.

use std::{fmt, io};

use crate::{BlobId, ChunkError, Manifest};

/// Something that may hold chunks of blobs.
///
/// Every call gets the whole id: a source on a network must know the honest length before it reads an answer, and a
/// bucket needs it for the last range. All calls are cancel-safe: a dropped one leaves nothing half done that matters.
#[async_trait::async_trait]
pub trait ChunkSource: Send + Sync {
    /// A name for logs and error messages.
    fn name(&self) -> String;

    /// What asking it costs; the cheaper source is asked first.
    fn class(&self) -> CostClass {
        CostClass::Local
    }

    /// Which chunks of the blob it has now. May change while a fetch runs: a peer that is fetching itself gives what it
    /// has so far.
    ///
    /// # Errors
    /// [`SourceError`] if it does not answer.
    async fn have(&self, _id: &BlobId) -> Result<Have, SourceError> {
        Ok(Have::All)
    }

    /// The blob's manifest; `None` if this source has nothing of the blob. Asked only for blobs of several chunks.
    ///
    /// # Errors
    /// [`SourceError`] if it might have it and cannot give it.
    async fn manifest(&self, id: &BlobId) -> Result<Option<Manifest>, SourceError>;

    /// One chunk's bytes, at most [`BlobId::chunk_bytes`] of them; the caller verifies them.
    ///
    /// # Errors
    /// [`SourceError::NotFound`] for a chunk that is not here, others if it might be and cannot be given.
    async fn chunk(&self, id: &BlobId, index: u32) -> Result<Vec<u8>, SourceError>;

    /// Told when what it gave was proved to be something else.
    fn blame(&self, _failure: &SourceFailure) {}
}

/// What asking a source costs, the cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostClass {
    /// On this machine.
    Local,
    /// On the same network.
    Lan,
    /// A peer over the internet, straight.
    Swarm,
    /// Through somebody else's relay: small things only.
    Relay,
    /// A bucket: the seed of last resort.
    Bucket,
}

/// Which chunks of a blob a source has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Have {
    /// All of them.
    All,
    /// Those whose bit is set: bit `i % 8` of byte `i / 8`.
    Some(Vec<u8>),
    /// Nothing of the blob.
    Nothing,
}

impl Have {
    /// Whether chunk `index` is among them; bits past the end of a short map are not set.
    pub fn has(&self, index: u32) -> bool {
        match self {
            Self::All => true,
            Self::Some(bits) => bits.get(index as usize / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1),
            Self::Nothing => false,
        }
    }
}

/// Why a source gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It is not here.
    #[error("not here")]
    NotFound,
    /// It is here under its name, and is something else: torn, rotten or forged.
    #[error("what is here under this name is something else: {0}")]
    Rotten(String),
    /// The answer was longer than an honest one.
    #[error("the answer has more than {0} bytes")]
    TooLong(usize),
    /// Disk or network.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The source does not answer or refuses, in its own words.
    #[error("{0}")]
    Unavailable(String),
}

/// What a source did in a fetch that failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum SourceFailure {
    /// It has nothing, or not all, of the blob.
    NotFound,
    /// It gave the manifest of another blob; not asked again.
    WrongManifest,
    /// It gave bytes that are not the chunk; not asked again.
    BadChunk {
        /// The first such chunk.
        index: u32,
        /// What was wrong with it.
        why: ChunkError,
    },
    /// It did not answer in time.
    TimedOut,
    /// It gave an error.
    Failed(SourceError),
}

impl fmt::Display for SourceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("not here"),
            Self::WrongManifest => f.write_str("gave the manifest of another blob"),
            Self::BadChunk { index, why } => write!(f, "gave a bad chunk {index}: {why}"),
            Self::TimedOut => f.write_str("did not answer in time"),
            Self::Failed(error) => write!(f, "{error}"),
        }
    }
}

/// A source and its last failure; `None` if it did nothing wrong and was not done.
#[derive(Debug)]
pub struct SourceReport {
    /// The source's name.
    pub name: String,
    /// What went wrong.
    pub failure: Option<SourceFailure>,
}

impl fmt::Display for SourceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Some(failure) => write!(f, "{}: {failure}", self.name),
            None => write!(f, "{}: in time so far", self.name),
        }
    }
}
