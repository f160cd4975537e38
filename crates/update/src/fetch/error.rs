//! Why bytes did not come, in words that say what to do.
//!
//! In: errors of the client and the disk. Out: [`FetchError`]. Nothing that a server wrote is repeated.

use std::io;

/// Why a download ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// It was asked to; what is there stays.
    #[error("stopped; what was fetched is kept")]
    Stopped,
    /// Nobody to ask.
    #[error("there is no source to fetch from")]
    NoSource,
    /// No connection.
    #[error("{0} cannot be reached: is there a network?")]
    Unreachable(String),
    /// Silence, or next to it.
    #[error("the server has stopped sending")]
    Stalled,
    /// It ended before its end.
    #[error("the connection was cut")]
    Short,
    /// It says no.
    #[error("the server refuses (HTTP {0})")]
    Refused(u16),
    /// It sends whole files only.
    #[error("the server does not serve ranges")]
    NoRanges,
    /// It sends another range than asked for.
    #[error("the server sends other bytes than it was asked for")]
    BadRange,
    /// What it has is another file.
    #[error("the file there has {got} bytes, not {expected}")]
    WrongSize {
        /// Bytes there are.
        got: u64,
        /// Bytes it must have.
        expected: u64,
    },
    /// The hash is wrong.
    #[error("chunk {chunk} is not what was signed; it was thrown away")]
    Corrupt {
        /// Which, counted from 0.
        chunk: u64,
    },
    /// More than an honest answer has.
    #[error("the server sends more than {0} bytes")]
    TooLong(usize),
    /// The numbers of the signed description do not fit each other.
    #[error("the signed description is wrong about a file: {0}")]
    Blob(String),
    /// No room.
    #[error("the disk is full; what was fetched is kept, and goes on from there when there is room")]
    Full,
    /// Anything else about the disk.
    #[error("cannot read or write on disk: {0}")]
    Disk(io::Error),
    /// No secure connection at all.
    #[error("TLS cannot be set up on this computer: {0}")]
    Tls(String),
}

impl FetchError {
    /// What the disk's error is about.
    pub fn disk(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::Full,
            _ => Self::Disk(error),
        }
    }

    /// Whether this source will not have it a moment later either.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Self::Refused(status) => !matches!(status, 408 | 425 | 429 | 500..),
            Self::WrongSize { .. } => true,
            _ => false,
        }
    }

    /// Whether the source did wrong.
    pub(super) fn is_wrong(&self) -> bool {
        matches!(self, Self::BadRange | Self::Corrupt { .. } | Self::TooLong(_))
    }
}
