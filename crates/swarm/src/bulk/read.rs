//! Reading one answer: a status, then exactly the bytes that it must have, at no less than the slowest rate.
//!
//! In: a stream and the request. Out: the answer or why there is none. What is allocated follows from the request.

use std::time::Duration;

use exchange::{BlobId, Have, Manifest};
use futures::{AsyncRead, AsyncReadExt as _};
use tokio::time::{Instant, timeout};

use super::link::LinkTimes;
use super::{Answer, BulkError, Request, Status, Want, bitmap_bytes};
use crate::pace::Tap;

/// Reads answers from a stream.
pub(super) struct Answers<'a, R> {
    pub(super) stream: R,
    pub(super) times: LinkTimes,
    pub(super) down: &'a Tap,
}

impl<R: AsyncRead + Unpin> Answers<'_, R> {
    /// The answer to `request`.
    pub(super) async fn read(&mut self, request: &Request) -> Result<Answer, BulkError> {
        let id = &request.id;
        let byte = self.bytes(1).await?[0];
        let status = Status::from_byte(byte).ok_or(BulkError::Status(byte))?;
        match (request.want, status) {
            (_, Status::NotHere) => Ok(Answer::NotHere),
            (_, Status::Busy) => Ok(Answer::Refused("busy: too many ask it at the moment")),
            (_, Status::NoVolume) => Ok(Answer::Refused("its volume of the month is used up")),
            (_, Status::Relayed) => Ok(Answer::Refused("too large for the relay between us")),
            (_, Status::Stranger) => Err(BulkError::Refused("it serves members of the run only")),
            (Want::Echo, Status::Here) => Ok(Answer::Echo),
            (Want::Have, Status::Here) => Ok(Answer::Have(Have::All)),
            (Want::Have, Status::Some) => Ok(Answer::Have(Have::Some(self.bytes(bitmap_bytes(id)).await?))),
            (Want::Manifest, Status::Here) => self.manifest(id).await,
            // One chunk a request, so that each has its own answer and deadline.
            (Want::Chunks { first, .. }, Status::Here) => Ok(Answer::Chunk(self.bytes(id.chunk_bytes(first)).await?)),
            _ => Err(BulkError::Status(byte)),
        }
    }

    async fn manifest(&mut self, id: &BlobId) -> Result<Answer, BulkError> {
        let wrong = |why: String| BulkError::WrongManifest(why);
        let length = Manifest::encoded_bytes(id).map_err(|e| wrong(e.to_string()))?;
        let manifest = Manifest::from_bytes(&self.bytes(length).await?).map_err(|e| wrong(e.to_string()))?;
        if manifest.id() != *id {
            return Err(wrong("it is of another blob".into()));
        }
        Ok(Answer::Manifest(manifest))
    }

    /// Exactly `length` bytes. Only the time in which the peer could have sent something counts, and not the time in
    /// which our own limit held us up.
    async fn bytes(&mut self, length: usize) -> Result<Vec<u8>, BulkError> {
        let mut left = self.times.allowed(length);
        let mut out = vec![0; length];
        let mut got = 0;
        while got < length {
            let piece = self.down.piece().min(length - got);
            if length > 1 {
                self.down.take(piece, None).await;
            }
            let end = got + piece;
            while got < end {
                let asked = Instant::now();
                let read = timeout(left, self.stream.read(&mut out[got..end])).await;
                left = left.saturating_sub(asked.elapsed());
                match read {
                    Err(_) => return Err(BulkError::TooSlow { got, of: length }),
                    Ok(Err(_) | Ok(0)) => return Err(BulkError::Closed),
                    Ok(Ok(n)) => got += n,
                }
                if left == Duration::ZERO && got < length {
                    return Err(BulkError::TooSlow { got, of: length });
                }
            }
        }
        Ok(out)
    }
}
