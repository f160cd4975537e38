//! A peer as a source of chunks.
//!
//! In: what the fetcher wants. Out: bytes that may be anything, or why there are none. One stream carries all requests of
//! a fetch; a broken one is opened anew once. A peer behind a relay is asked for small things only. Lies that can be
//! proved here, and those that the fetcher reports, go to whoever bans.

use std::sync::Arc;
use std::time::Duration;

use exchange::{BlobId, ChunkSource, CostClass, Have, Manifest, SourceError, SourceFailure};
use futures::future::BoxFuture;
use libp2p::PeerId;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::bulk::{Answer, BulkError, Duplex, Link, LinkTimes, Request, Want};
use crate::counters::Counters;
use crate::limits::{OPEN_TIME, RELAYED_BLOB_BYTES};
use crate::pace::Tap;
use crate::view::Path;

/// What a source needs of the process it is in.
pub(crate) trait World: Send + Sync + 'static {
    /// Opens a stream for chunks.
    fn open(&self, peer: PeerId) -> BoxFuture<'_, Result<Box<dyn Duplex>, String>>;
    /// How the peer is connected now, and how far away it is.
    fn path(&self, peer: &PeerId) -> Option<(Path, Option<Duration>)>;
    /// The peer has proved itself a liar.
    fn liar(&self, peer: PeerId, why: String);
    /// The peer did not do what it should; in words, for people.
    fn fault(&self, peer: PeerId, why: String);
    /// The limit on what comes in.
    fn down(&self) -> Arc<Tap>;
    /// A chunk came, good or bad.
    fn received(&self, peer: PeerId, bytes: u64);
    /// Totals.
    fn counters(&self) -> &Counters;
    /// Runs a stream's task until the swarm ends.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// A peer's name in reports, and in the fetcher's sharing of work: the same in every process.
pub(crate) fn name(peer: &PeerId) -> String {
    format!("peer {peer}")
}

/// One peer, for one fetch.
pub(crate) struct PeerSource {
    peer: PeerId,
    world: Arc<dyn World>,
    times: LinkTimes,
    link: Mutex<Option<Link>>,
}

impl PeerSource {
    pub(crate) fn new(peer: PeerId, world: Arc<dyn World>) -> Self {
        Self { peer, world, times: LinkTimes::default(), link: Mutex::new(None) }
    }

    fn is_relayed(&self) -> bool {
        matches!(self.world.path(&self.peer), Some((Path::Relayed, _)))
    }

    /// The stream, and whether it was opened for this call.
    async fn link(&self) -> Result<(Link, bool), BulkError> {
        // Held while opening, so that four chunks open one stream.
        let mut held = self.link.lock().await;
        if let Some(link) = held.as_ref().filter(|link| !link.is_closed()) {
            return Ok((link.clone(), false));
        }
        let opened = timeout(OPEN_TIME, self.world.open(self.peer)).await;
        let stream =
            opened.unwrap_or_else(|_| Err("the peer did not answer in time".into())).map_err(BulkError::Open)?;
        let (link, run) = Link::new(stream, self.times, self.world.down());
        self.world.spawn(Box::pin(async move {
            // Whoever asked has been told how it ended.
            let _ = run.await;
        }));
        *held = Some(link.clone());
        Ok((link, true))
    }

    async fn ask(&self, want: Want, id: &BlobId) -> Result<Answer, SourceError> {
        if self.is_relayed() && id.bytes > RELAYED_BLOB_BYTES {
            return Err(SourceError::Unavailable("only reached through a relay, which carries small things".into()));
        }
        let request = Request { want, id: *id };
        loop {
            let (link, fresh) = self.link().await.map_err(|why| self.failed(&why))?;
            match link.ask(request).await {
                Ok(Answer::Refused(why)) => {
                    self.world.fault(self.peer, why.to_owned());
                    return Err(SourceError::Unavailable(why.to_owned()));
                }
                Ok(answer) => return Ok(answer),
                // It idled too long, or the connection was replaced by a better one.
                Err(BulkError::Closed) if !fresh => {
                    let mut held = self.link.lock().await;
                    if held.as_ref().is_some_and(|now| now.is(&link)) {
                        *held = None;
                    }
                }
                Err(why) => return Err(self.failed(&why)),
            }
        }
    }

    fn failed(&self, why: &BulkError) -> SourceError {
        match why {
            BulkError::WrongManifest(_) => {
                self.world.counters().wrong_manifests.one();
                self.world.liar(self.peer, why.to_string());
                SourceError::Rotten(why.to_string())
            }
            BulkError::Status(_) => {
                self.world.liar(self.peer, why.to_string());
                SourceError::Unavailable(why.to_string())
            }
            BulkError::TooSlow { .. } => {
                self.world.counters().slow_answers.one();
                self.world.fault(self.peer, why.to_string());
                SourceError::Unavailable(why.to_string())
            }
            _ => {
                self.world.fault(self.peer, why.to_string());
                SourceError::Unavailable(why.to_string())
            }
        }
    }
}

#[async_trait::async_trait]
impl ChunkSource for PeerSource {
    fn name(&self) -> String {
        name(&self.peer)
    }

    fn class(&self) -> CostClass {
        match self.world.path(&self.peer) {
            Some((Path::Lan, _)) => CostClass::Lan,
            Some((Path::Relayed, _)) => CostClass::Relay,
            _ => CostClass::Swarm,
        }
    }

    async fn have(&self, id: &BlobId) -> Result<Have, SourceError> {
        match self.ask(Want::Have, id).await? {
            Answer::Have(have) => Ok(have),
            _ => Ok(Have::Nothing),
        }
    }

    async fn manifest(&self, id: &BlobId) -> Result<Option<Manifest>, SourceError> {
        match self.ask(Want::Manifest, id).await? {
            Answer::Manifest(manifest) => Ok(Some(manifest)),
            _ => Ok(None),
        }
    }

    async fn chunk(&self, id: &BlobId, index: u32) -> Result<Vec<u8>, SourceError> {
        match self.ask(Want::Chunks { first: index, count: 1 }, id).await? {
            Answer::Chunk(bytes) => {
                self.world.received(self.peer, bytes.len() as u64);
                Ok(bytes)
            }
            _ => Err(SourceError::NotFound),
        }
    }

    fn blame(&self, failure: &SourceFailure) {
        let counted = match failure {
            SourceFailure::BadChunk { .. } => &self.world.counters().bad_chunks,
            SourceFailure::WrongManifest => &self.world.counters().wrong_manifests,
            // Slow, away or without the blob: no lie.
            _ => return,
        };
        counted.one();
        self.world.liar(self.peer, failure.to_string());
    }
}
