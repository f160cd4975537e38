//! What client and ledger say to each other, and how it is framed.
//!
//! In: typed requests and replies, or hostile bytes. Out: the other one. A frame is a `u32` little-endian length and that
//! many bytes of JSON, at most [`MAX_FRAME_BYTES`]. One request at a time per connection; the client speaks first.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use types::{BlockNumber, Hash32, Hotkey};

use super::block::HexTransaction;
use super::duty::Waiting;
use crate::{ChainError, ChainRecord, EpochReward, Head, Neuron, Receipt, Registration};

/// Longest frame; a full page of records has about half of it.
pub(crate) const MAX_FRAME_BYTES: usize = 1 << 20;
/// Longest time a reply may be held back for a block to come.
pub(crate) const MAX_POLL_MS: u64 = 20_000;

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Block 0: who are you?
    Genesis,
    Head,
    /// The head once it is above `after`, or after `wait_ms` whatever it is.
    WaitHead {
        after: BlockNumber,
        wait_ms: u64,
    },
    /// A key's registration and transaction counter.
    Account {
        hotkey: Hotkey,
    },
    Neurons,
    /// Puts a transaction on chain and waits for it, at most `wait_ms`.
    Submit {
        transaction: HexTransaction,
        wait_ms: u64,
    },
    Records {
        from: BlockNumber,
        to: BlockNumber,
    },
    Epochs {
        from: BlockNumber,
        to: BlockNumber,
    },
    Waiting,
}

/// What the ledger answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum Reply {
    /// Bytes of block 0 in hex.
    Genesis {
        block: String,
    },
    Head {
        head: Head,
    },
    Account {
        registration: Option<Registration>,
        nonce: u64,
    },
    Neurons {
        neurons: Vec<Neuron>,
    },
    Included {
        receipt: Receipt,
    },
    /// Not yet; ask again with the same transaction.
    Pending,
    Records {
        records: Vec<ChainRecord>,
        next: Option<BlockNumber>,
    },
    Epochs {
        epochs: Vec<EpochReward>,
        next: Option<BlockNumber>,
    },
    Waiting {
        waiting: Option<Waiting>,
    },
    Refused {
        reason: ChainError,
    },
}

/// The first frame of a connection, from the ledger: which chain answers here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hello {
    pub(crate) covey_ledger: u32,
    pub(crate) genesis: Hash32,
}

/// Version of the words above.
pub(crate) const WIRE_VERSION: u32 = 1;

/// Why a frame was not read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("a frame of {0} bytes is too long")]
    TooLong(usize),
    #[error("a frame that does not read")]
    Syntax,
}

/// Reads one frame, whose first byte must come within `idle` and the rest within `transfer`; `None` if the other side
/// has closed between frames. Not cancel-safe: drop the connection then.
pub(crate) async fn read_frame<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    idle: Duration,
    transfer: Duration,
) -> Result<Option<T>, FrameError> {
    read_frame_up_to(from, idle, transfer, MAX_FRAME_BYTES).await
}

/// The same for frames of at most `limit` bytes, itself at most [`MAX_FRAME_BYTES`].
pub(crate) async fn read_frame_up_to<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    idle: Duration,
    transfer: Duration,
    limit: usize,
) -> Result<Option<T>, FrameError> {
    let slow = |_| FrameError::Io(std::io::ErrorKind::TimedOut.into());
    let mut first = [0u8; 1];
    if timeout(idle, from.read(&mut first)).await.map_err(slow)?? == 0 {
        return Ok(None);
    }
    let bytes = timeout(transfer, read_rest(from, first[0], limit)).await.map_err(slow)??;
    serde_json::from_slice(&bytes).map(Some).map_err(|_| FrameError::Syntax)
}

async fn read_rest(from: &mut (impl AsyncRead + Unpin), first: u8, limit: usize) -> Result<Vec<u8>, FrameError> {
    let mut length = [first, 0, 0, 0];
    from.read_exact(&mut length[1..]).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > limit.min(MAX_FRAME_BYTES) {
        return Err(FrameError::TooLong(length));
    }
    // Grows with the bytes that come, not with the length that was claimed.
    let mut bytes = Vec::new();
    if from.take(length as u64).read_to_end(&mut bytes).await? < length {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(bytes)
}

/// Writes one frame. Not cancel-safe: drop the connection then.
pub(crate) async fn write_frame<T: Serialize>(to: &mut (impl AsyncWrite + Unpin), what: &T) -> Result<(), FrameError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, what).map_err(|_| FrameError::Syntax)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong(length));
    }
    frame[..4].copy_from_slice(&(length as u32).to_le_bytes());
    to.write_all(&frame).await?;
    to.flush().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
