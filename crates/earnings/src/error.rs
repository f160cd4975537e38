//! Why the book refuses something.
//!
//! In: the facts of a refusal. Out: one typed error. A refused call leaves the file as it was.

use std::path::PathBuf;

use types::BlockNumber;

use crate::book::BookId;

/// Why a call on the book failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// The file belongs to another key, subnet or network.
    #[error("{} is the book of {} on the network {}", path.display(), found.hotkey, found.network.genesis)]
    OtherBook {
        /// The file.
        path: PathBuf,
        /// Whose book it is.
        found: Box<BookId>,
    },
    /// Written by a version of this program that we do not know.
    #[error("the book has version {found}; this program reads version {known}")]
    Version {
        /// Version found.
        found: u64,
        /// Version known.
        known: u64,
    },
    /// A confirmed pay-out is said to have been another one. Neither is believed over the other: the caller must tell.
    #[error("block {block} is confirmed, and its {field} is not the one now read")]
    Conflict {
        /// The block.
        block: BlockNumber,
        /// What differs.
        field: &'static str,
    },
    /// A reorg is said to go below what was confirmed.
    #[error("blocks from {from} on are said to be gone, but block {confirmed} is confirmed")]
    RetractsConfirmed {
        /// First block said to be gone.
        from: BlockNumber,
        /// A confirmed block at or above it.
        confirmed: BlockNumber,
    },
    /// What was given contradicts itself.
    #[error("invalid reading: {0}")]
    Invalid(&'static str),
    /// More energy was given for a time that already has its energy.
    #[error("energy up to {until_ms} is in the book; a sample from {from_ms} on would count twice")]
    EnergyOverlap {
        /// Time up to which energy is known, milliseconds since 1970.
        until_ms: u64,
        /// Begin of the sample.
        from_ms: u64,
    },
    /// The file holds what was never written to it.
    #[error("the book is damaged: {0}")]
    Corrupt(String),
    /// The file is too large to be a book of ours.
    #[error("{} has {bytes} bytes; a book has at most {limit}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// Most bytes.
        limit: u64,
    },
    /// Another process has the book open.
    #[error("{} is open in another process", .0.display())]
    InUse(PathBuf),
    /// The file cannot be read or written.
    #[error("the book's file: {0}")]
    Storage(String),
}

pub(crate) fn storage(error: impl Into<redb::Error>) -> BookError {
    match error.into() {
        redb::Error::Corrupted(why) => BookError::Corrupt(why),
        other => BookError::Storage(other.to_string()),
    }
}
