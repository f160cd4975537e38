//! `/covey/chunks/1`: requests one way, bulk the other.
//!
//! A request has 46 bytes: what (u8), root (32), length of the blob (u64), first chunk (u32), number of chunks (u8),
//! integers little-endian. Several may be under way on a stream; answers come in their order. An answer is a status byte
//! and, if there is something, bytes whose number both sides know from the request: no length is ever read from the
//! wire. The blob's length stands in the request, because a hotkey may have committed a root with a wrong one, and an
//! honest holder must be able to say that it has no such blob.

mod link;
mod read;

use exchange::{BlobId, limits::MAX_BLOB_BYTES};
use types::Hash32;

use crate::binding::field;
use crate::limits::CHUNKS_PER_REQUEST;

pub(crate) use link::{Answer, Duplex, Link, LinkTimes};

/// Bytes of a request.
pub const REQUEST_BYTES: usize = 1 + 32 + 8 + 4 + 1;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The blob's manifest.
    Manifest,
    /// Chunks: a status and the chunk's bytes for each.
    Chunks {
        /// The first.
        first: u32,
        /// How many, 1 to [`CHUNKS_PER_REQUEST`].
        count: u8,
    },
    /// Which chunks are there.
    Have,
    /// A status byte, to see how long that takes.
    Echo,
}

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// What.
    pub want: Want,
    /// Of which blob.
    pub id: BlobId,
}

/// Bytes that are no request; the stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a request of /covey/chunks/1")]
pub struct NotARequest;

impl Request {
    /// The wire form.
    pub fn to_bytes(&self) -> [u8; REQUEST_BYTES] {
        let (what, first, count) = match self.want {
            Want::Manifest => (0, 0, 0),
            Want::Chunks { first, count } => (1, first, count),
            Want::Have => (2, 0, 0),
            Want::Echo => (3, 0, 0),
        };
        let mut out = [0; REQUEST_BYTES];
        out[0] = what;
        out[1..33].copy_from_slice(&self.id.root.0);
        out[33..41].copy_from_slice(&self.id.bytes.to_le_bytes());
        out[41..45].copy_from_slice(&first.to_le_bytes());
        out[45] = count;
        out
    }

    /// Reads the wire form. A value has one form: what is unused is zero.
    ///
    /// # Errors
    /// [`NotARequest`] for anything that cannot be answered: another word, a blob longer than any, chunks past its end
    /// or too many of them.
    pub fn from_bytes(bytes: &[u8; REQUEST_BYTES]) -> Result<Self, NotARequest> {
        let mut at = 0;
        let [what] = field(bytes, &mut at);
        let root = Hash32(field(bytes, &mut at));
        let id = BlobId { root, bytes: u64::from_le_bytes(field(bytes, &mut at)) };
        let first = u32::from_le_bytes(field(bytes, &mut at));
        let [count] = field(bytes, &mut at);
        if id.bytes > MAX_BLOB_BYTES {
            return Err(NotARequest);
        }
        let want = match (what, first, count) {
            (0, 0, 0) => Want::Manifest,
            (1, first, 1..=CHUNKS_PER_REQUEST) if u64::from(first) + u64::from(count) <= id.chunk_count() => {
                Want::Chunks { first, count }
            }
            (2, 0, 0) => Want::Have,
            (3, 0, 0) => Want::Echo,
            _ => return Err(NotARequest),
        };
        Ok(Self { want, id })
    }
}

/// First byte of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Here it comes; for [`Want::Have`]: all of them.
    Here = 0,
    /// Not here.
    NotHere = 1,
    /// For [`Want::Have`]: those of the bit map that follows, one bit a chunk, lowest bit first.
    Some = 2,
    /// Too many ask at the moment, or the line is too slow for all of them.
    Busy = 3,
    /// Only members of the run are served. Said once, before the stream ends.
    Stranger = 4,
    /// This month's volume is used up; what is the peer's own still goes out.
    NoVolume = 5,
    /// Too large for the relay between us.
    Relayed = 6,
}

impl Status {
    /// Reads a status byte; `None` for one that there is not.
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Here, Self::NotHere, Self::Some, Self::Busy, Self::Stranger, Self::NoVolume, Self::Relayed]
            .into_iter()
            .find(|status| *status as u8 == byte)
    }
}

/// Bytes of the bit map of a blob.
pub(crate) fn bitmap_bytes(id: &BlobId) -> usize {
    // MAX_BLOB_BYTES are 2^18 chunks.
    id.chunk_count().div_ceil(8) as usize
}

/// Why a stream gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BulkError {
    /// The stream ended.
    #[error("the stream ended")]
    Closed,
    /// No stream to the peer.
    #[error("no stream: {0}")]
    Open(String),
    /// Too slow: below the rate of the slowest line that can take part.
    #[error("too slow: {got} of {of} bytes in time")]
    TooSlow {
        /// Bytes that came.
        got: usize,
        /// Bytes of the answer.
        of: usize,
    },
    /// Not an answer of this protocol.
    #[error("not an answer: status {0}")]
    Status(u8),
    /// A manifest that is none, or of another blob.
    #[error("a wrong manifest: {0}")]
    WrongManifest(String),
    /// The peer does not serve us, and said why.
    #[error("{0}")]
    Refused(&'static str),
}

#[cfg(test)]
mod tests;
