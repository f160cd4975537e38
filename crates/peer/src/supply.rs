//! Where a role gets blobs from: everybody's folders on this machine, or the swarm and buckets.
//!
//! In: an id and, if it is known, whose blob it is. Out: exactly that blob, or what each source did. Nobody who takes part
//! over the network reads another's folder, and nobody in a rehearsal on folders opens a socket. It decides neither what
//! is worth fetching nor until when.

use std::sync::Arc;
use std::time::Duration;

use exchange::{BlobId, ChunkSource, FetchError, FetchLimits, Fetcher};
use ipc::{Event, Fetched};
use swarm::SignedAnnouncement;
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::{ByteCount, Hotkey};

use crate::events::Events;
use crate::lossy::{BadLine, Loss, Lossy};
use crate::network::PeerNetwork;

/// Between two looks for payloads that are not revealed yet, in folders.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// The same where a question goes over the line and an announcement usually comes first.
const ASK_EVERY: Duration = Duration::from_millis(750);

/// Sources of a role.
pub struct Supply {
    from: From,
    bad_line: Option<Arc<BadLine>>,
    limits: FetchLimits,
}

enum From {
    /// One folder per peer, all on this machine.
    Folders(Arc<dyn ChunkSource>),
    /// The swarm.
    Network(PeerNetwork),
}

impl Supply {
    /// From folders on this machine; no blob above `max_bytes` is asked for.
    pub fn folders(folders: Arc<dyn ChunkSource>, max_bytes: u64) -> Self {
        Self { from: From::Folders(folders), bad_line: None, limits: FetchLimits::up_to(max_bytes) }
    }

    /// From the swarm; no blob above `max_bytes` is asked for.
    pub fn network(network: PeerNetwork, max_bytes: u64) -> Self {
        Self { from: From::Network(network), bad_line: None, limits: FetchLimits::up_to(max_bytes) }
    }

    /// Puts a rehearsal's bad line before every source of payloads.
    #[must_use]
    pub fn with_loss(mut self, loss: Option<Loss>) -> Self {
        self.bad_line = loss.map(BadLine::new);
        self
    }

    /// A round's payload: small enough for memory, needed now, and given on to others while it comes.
    ///
    /// # Errors
    /// [`FetchError`], with what each source did.
    pub async fn payload(
        &self,
        id: BlobId,
        author: Hotkey,
        max_bytes: u64,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<Vec<u8>, FetchError> {
        let limits = FetchLimits { max_bytes: max_bytes.min(self.limits.max_bytes), ..self.limits };
        let sources = self.sources(&id, Some(author)).into_iter().map(|source| self.line(source)).collect();
        self.fetch(sources, limits, id, deadline, cancel, None).await
    }

    /// Something else that stands on chain: a report, a checkpoint.
    ///
    /// # Errors
    /// [`FetchError`], with what each source did.
    pub async fn blob(
        &self,
        id: BlobId,
        author: Hotkey,
        deadline: Instant,
        cancel: &CancellationToken,
        shown: Option<(&Events, Fetched)>,
    ) -> Result<Vec<u8>, FetchError> {
        let sources = self.sources(&id, Some(author));
        self.fetch(sources, self.limits, id, deadline, cancel, shown).await
    }

    async fn fetch(
        &self,
        sources: Vec<Arc<dyn ChunkSource>>,
        limits: FetchLimits,
        id: BlobId,
        deadline: Instant,
        cancel: &CancellationToken,
        shown: Option<(&Events, Fetched)>,
    ) -> Result<Vec<u8>, FetchError> {
        let fetcher = Fetcher::new(sources, limits);
        match &self.from {
            From::Folders(_) => fetcher.fetch(id, deadline, cancel).await,
            From::Network(network) => {
                // As `swarm` names its sources.
                let fetcher = fetcher.known_as(format!("peer {}", network.swarm().node().peer_id()));
                let progress = |done: u64, sources: u32| {
                    if let Some((events, what)) = shown {
                        let (done, total) = (ByteCount(done), ByteCount(id.bytes));
                        events.progress(Event::Fetching { what, done, total, sources });
                    }
                };
                let fetched = fetcher.fetch_through(network.library(), id, deadline, cancel, &progress).await;
                fetched.inspect_err(|_| network.fetch_failed())
            }
        }
    }

    /// What tells that it is worth looking again.
    pub fn news(&self) -> News {
        match &self.from {
            From::Folders(_) => News(None),
            From::Network(network) => News(Some(network.swarm().announcements())),
        }
    }

    fn sources(&self, id: &BlobId, author: Option<Hotkey>) -> Vec<Arc<dyn ChunkSource>> {
        match &self.from {
            From::Folders(folders) => vec![Arc::clone(folders)],
            From::Network(network) => network.swarm().sources(id, author),
        }
    }

    fn line(&self, source: Arc<dyn ChunkSource>) -> Arc<dyn ChunkSource> {
        match &self.bad_line {
            Some(line) => Arc::new(Lossy::new(source, Arc::clone(line))),
            None => source,
        }
    }
}

/// Announcements, and time.
pub struct News(Option<broadcast::Receiver<SignedAnnouncement>>);

impl News {
    /// Returns when somebody has announced something, or after a while.
    pub async fn wait(&mut self) {
        let Some(announcements) = &mut self.0 else { return tokio::time::sleep(LOOK_EVERY).await };
        tokio::select! {
            heard = announcements.recv() => {
                if heard == Err(broadcast::error::RecvError::Closed) {
                    self.0 = None;
                }
            }
            () = tokio::time::sleep(ASK_EVERY) => {}
        }
    }
}
