//! Serves chunks to peers: what is on the shelf, to whom it may go, no faster than the line should.
//!
//! In: a stream that somebody opened. Out: answers until it closes, idles, asks for nonsense or does not read. It
//! decides nothing about hashes: the shelf gives what it has verified.

mod slots;
mod volume;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use exchange::{BlobId, Have, Library, Manifest};
use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::bulk::{Duplex, REQUEST_BYTES, Request, Status, Want};
use crate::counters::{Counters, Notes};
use crate::limits::{BUSY_AFTER, PIECE_WRITE_TIME, REFUSAL_TIME, RELAYED_BLOB_BYTES, STREAM_IDLE, UPLINK_GUESS};
use crate::pace::Tap;

pub(crate) use slots::{Slot, Slots};
pub(crate) use volume::Volume;

/// What can be served. The process's library; tests have liars.
#[async_trait::async_trait]
pub(crate) trait Shelf: Send + Sync + 'static {
    /// Which chunks are there now.
    async fn have(&self, id: &BlobId) -> Have;
    /// The manifest, if there is anything of the blob.
    async fn manifest(&self, id: &BlobId) -> Option<Manifest>;
    /// A verified chunk.
    async fn chunk(&self, id: &BlobId, index: u32) -> Option<Vec<u8>>;
    /// Whether the blob is this peer's own current payload.
    fn is_own(&self, id: &BlobId) -> bool;
}

#[async_trait::async_trait]
impl Shelf for Library {
    async fn have(&self, id: &BlobId) -> Have {
        self.have(id).await
    }

    async fn manifest(&self, id: &BlobId) -> Option<Manifest> {
        self.manifest(id).await
    }

    async fn chunk(&self, id: &BlobId, index: u32) -> Option<Vec<u8>> {
        self.chunk(id, index).await
    }

    fn is_own(&self, id: &BlobId) -> bool {
        self.is_own(id)
    }
}

/// Why a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The peer closed it.
    Closed,
    /// Nobody asked for anything.
    Idle,
    /// The peer asked for nonsense.
    BadRequest,
    /// The peer does not read, or the connection broke.
    Broken,
}

/// How a stream came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// Through somebody else's relay: small things only.
    pub(crate) relayed: bool,
    /// Over the line, whose limits count; not from within the house.
    pub(crate) paced: bool,
}

/// What a stream is served with.
pub(crate) struct Server {
    pub(crate) shelf: Arc<dyn Shelf>,
    pub(crate) up: Arc<Tap>,
    pub(crate) volume: Volume,
    pub(crate) counters: Arc<Counters>,
    pub(crate) notes: Arc<Notes>,
    /// The tap's rate is a guess that is most likely too low.
    pub(crate) guessing: AtomicBool,
    /// Bytes promised to somebody and not sent yet.
    promised: AtomicU64,
    idle: Duration,
}

/// An answer on its way out.
struct Reply<'a> {
    status: Status,
    body: Vec<u8>,
    promise: Promise<'a>,
}

impl Server {
    pub(crate) fn new(shelf: Arc<dyn Shelf>, up: Arc<Tap>, counters: Arc<Counters>) -> Self {
        let promised = AtomicU64::new(0);
        let (volume, notes, guessing) = (Volume::default(), Arc::default(), AtomicBool::new(false));
        Self { shelf, up, volume, counters, notes, guessing, promised, idle: STREAM_IDLE }
    }

    /// Another patience with idle streams.
    #[cfg(test)]
    pub(crate) fn idle_after(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Serves a stream to its end; `way` is asked for every chunk, since a relayed peer may have come nearer. Dropping
    /// the call resets the stream.
    pub(crate) async fn serve<S: Duplex>(&self, stream: S, slot: &Slot, way: &(dyn Fn() -> Way + Sync)) -> Ended {
        self.counters.streams_served.one();
        let (read, mut write) = stream.split();
        // One answer goes out while the next is read from the disk: no stream holds more than two chunks.
        let (replies, mut waiting) = mpsc::channel(1);
        let reading = self.take_requests(read, replies, way);
        let writing = async {
            while let Some(reply) = waiting.recv().await {
                let last = waiting.is_empty();
                if !self.send(&mut write, reply, slot, way(), last).await {
                    return Ended::Broken;
                }
            }
            // Whatever came of the requests ended this, and says so.
            Ended::Closed
        };
        let ended = {
            tokio::pin!(reading, writing);
            tokio::select! {
                // It outlives the reading unless the peer takes nothing any more.
                broken = &mut writing => broken,
                ended = &mut reading => match writing.await {
                    Ended::Broken => Ended::Broken,
                    _ => ended,
                },
            }
        };
        let _ = timeout(REFUSAL_TIME, write.close()).await;
        ended
    }

    /// Reads requests until there are no more, and prepares their answers.
    async fn take_requests<'a>(
        &'a self,
        mut read: impl AsyncRead + Unpin,
        replies: mpsc::Sender<Reply<'a>>,
        way: &(dyn Fn() -> Way + Sync),
    ) -> Ended {
        let mut bytes = [0; REQUEST_BYTES];
        loop {
            let request = match timeout(self.idle, read.read_exact(&mut bytes)).await {
                Err(_) => return Ended::Idle,
                Ok(Err(_)) => return Ended::Closed,
                Ok(Ok(())) => Request::from_bytes(&bytes),
            };
            let Ok(request) = request else {
                self.counters.bad_requests.one();
                return Ended::BadRequest;
            };
            let chunks = match request.want {
                Want::Chunks { first, count } => first..first + u32::from(count),
                _ => 0..1,
            };
            for index in chunks {
                // A place first: nothing is read from the disk before it can go.
                let Ok(place) = replies.reserve().await else { return Ended::Broken };
                let (status, body) = self.answer(&request, index, way()).await;
                place.send(Reply { status, promise: Promise::new(&self.promised, body.len()), body });
            }
        }
    }

    /// The answer to one request, or to one chunk of it.
    async fn answer(&self, request: &Request, index: u32, way: Way) -> (Status, Vec<u8>) {
        let id = &request.id;
        match request.want {
            Want::Echo => (Status::Here, Vec::new()),
            Want::Have => match self.shelf.have(id).await {
                Have::All => (Status::Here, Vec::new()),
                Have::Nothing => (Status::NotHere, Vec::new()),
                Have::Some(mut bits) => {
                    bits.resize(crate::bulk::bitmap_bytes(id), 0);
                    (Status::Some, bits)
                }
            },
            Want::Manifest => match self.shelf.manifest(id).await.filter(|manifest| manifest.id() == *id) {
                None => (Status::NotHere, Vec::new()),
                Some(manifest) => {
                    let bytes = manifest.to_bytes();
                    match self.may_go(id, bytes.len() as u64, way) {
                        Ok(()) => (Status::Here, bytes),
                        Err(status) => (status, Vec::new()),
                    }
                }
            },
            Want::Chunks { .. } => {
                let length = id.chunk_bytes(index);
                if let Err(status) = self.may_go(id, length as u64, way) {
                    return (status, Vec::new());
                }
                // Another length would put the receiver out of step.
                match self.shelf.chunk(id, index).await.filter(|chunk| chunk.len() == length) {
                    None => (Status::NotHere, Vec::new()),
                    Some(chunk) => {
                        self.counters.chunks_served.one();
                        (Status::Here, chunk)
                    }
                }
            }
        }
    }

    /// Whether so many bytes of a blob may go out.
    fn may_go(&self, id: &BlobId, bytes: u64, way: Way) -> Result<(), Status> {
        if way.relayed && id.bytes > RELAYED_BLOB_BYTES {
            return Err(Status::Relayed);
        }
        if !way.paced {
            return Ok(());
        }
        if self.volume.is_used_up() && !self.shelf.is_own(id) {
            return Err(Status::NoVolume);
        }
        let Some(rate) = self.up.rate() else { return Ok(()) };
        let rate = rate as f64 * if self.guessing.load(Ordering::Relaxed) { UPLINK_GUESS } else { 1.0 };
        let before = self.promised.load(Ordering::Relaxed);
        // Somebody is always served, however slow the line is.
        if before > 0 && (before + bytes) as f64 > rate * BUSY_AFTER.as_secs_f64() {
            self.counters.chunks_busy.one();
            return Err(Status::Busy);
        }
        Ok(())
    }

    /// Sends one answer; `false` if the peer does not take it.
    async fn send(
        &self,
        write: &mut (impl AsyncWrite + Unpin),
        reply: Reply<'_>,
        slot: &Slot,
        way: Way,
        flush: bool,
    ) -> bool {
        let Reply { status, body, mut promise } = reply;
        if !in_time(write.write_all(&[status as u8])).await {
            return false;
        }
        let mut rest = body.as_slice();
        while !rest.is_empty() {
            let piece = rest.split_off(..self.up.piece().min(rest.len())).unwrap_or_default();
            if way.paced {
                self.up.take(piece.len(), Some(slot.turn())).await;
                self.volume.spend(piece.len() as u64);
            }
            if !in_time(write.write_all(piece)).await {
                return false;
            }
            promise.keep(piece.len());
            self.counters.bytes_served.add(piece.len() as u64);
            self.notes.sent(slot.peer(), piece.len() as u64);
        }
        !flush || in_time(write.flush()).await
    }

    /// Serves a stranger: echoes, since who gives us the run's data before anybody is a member must see how long its line
    /// takes; whatever else is asked for is refused, and the stream closed.
    pub(crate) async fn echo<S: Duplex>(&self, mut stream: S) {
        let mut bytes = [0; REQUEST_BYTES];
        let mut patience = REFUSAL_TIME;
        while let Ok(Ok(())) = timeout(patience, stream.read_exact(&mut bytes)).await {
            let echo = Request::from_bytes(&bytes).is_ok_and(|request| request.want == Want::Echo);
            let answered = async {
                stream.write_all(&[Status::Here as u8]).await?;
                stream.flush().await
            };
            if !echo || !in_time(answered).await {
                break;
            }
            patience = self.idle;
        }
        self.refuse(stream, Status::Stranger).await;
    }

    /// Says why a stream is not served, and closes it.
    pub(crate) async fn refuse<S: Duplex>(&self, mut stream: S, status: Status) {
        let said = async {
            stream.write_all(&[status as u8]).await?;
            stream.close().await
        };
        let _ = timeout(REFUSAL_TIME, said).await;
    }
}

async fn in_time(write: impl Future<Output = std::io::Result<()>>) -> bool {
    matches!(timeout(PIECE_WRITE_TIME, write).await, Ok(Ok(())))
}

/// Bytes that are promised until they are sent or their stream ends.
struct Promise<'a> {
    all: &'a AtomicU64,
    left: u64,
}

impl<'a> Promise<'a> {
    fn new(all: &'a AtomicU64, bytes: usize) -> Self {
        all.fetch_add(bytes as u64, Ordering::Relaxed);
        Self { all, left: bytes as u64 }
    }

    fn keep(&mut self, bytes: usize) {
        let bytes = (bytes as u64).min(self.left);
        self.left -= bytes;
        self.all.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.left, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
