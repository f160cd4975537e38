//! The newest checkpoints, fetched once and served again.
//!
//! In: the chain's checkpoint records. Out: the newest checkpoints of validators in a store that the node serves; older ones
//! are let go. A newcomer checks by itself whether the run vouches for one. A checkpoint that cannot be had is asked for
//! again with the next block.

use std::sync::Arc;
use std::time::Duration;

use chain::{ChainBackend, ChainError};
use exchange::{BlobId, BlobStore, ChunkSource, FetchError, FetchLimits, Fetcher, FolderSource};
use ipc::{Event, Fetched, LogLevel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::{BlockNumber, ByteCount, Hotkey, Record, Round, RunManifest};

use crate::events::Events;
use crate::network::PeerNetwork;
use crate::places::RunFolder;
use crate::replica::blocking;
use crate::settlement::validators_by_stake;

/// Checkpoints that are kept: a newcomer may still fetch one when the next is there already.
pub(super) const KEPT: u64 = 2;
/// Between two looks at the chain.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Pause before a chain that did not answer is asked again.
const CHAIN_PAUSE: Duration = Duration::from_secs(2);
/// Slowest line that can take part at all, and time beside it for connections.
const SLOWEST_BYTES_PER_SEC: u64 = 52_000;
const GRACE: Duration = Duration::from_secs(60);

/// A checkpoint on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Announced {
    round: Round,
    id: BlobId,
    author: Hotkey,
}

/// Keeps what is newest.
pub(super) struct Mirror {
    manifest: RunManifest,
    chain: Arc<dyn ChainBackend>,
    network: PeerNetwork,
    /// Where processes on this machine publish.
    folder: Arc<dyn ChunkSource>,
    store: Arc<BlobStore>,
    events: Events,
}

impl Mirror {
    /// Bytes of a checkpoint: the parameters as 32-bit floats.
    pub(super) fn bytes_of(manifest: &RunManifest) -> u64 {
        manifest.model.parameter_count().saturating_mul(4)
    }

    pub(super) fn new(
        run: &RunFolder,
        chain: Arc<dyn ChainBackend>,
        network: PeerNetwork,
        store: Arc<BlobStore>,
        events: Events,
    ) -> Self {
        let folder = Arc::new(FolderSource::parent(&run.places.share));
        Self { manifest: run.manifest().clone(), chain, network, folder, store, events }
    }

    pub(super) async fn follow(self, stop: CancellationToken) {
        let mut looked: Option<Instant> = None;
        let mut after = BlockNumber(0);
        loop {
            let head = tokio::select! {
                () = stop.cancelled() => return,
                head = self.chain.wait_head(after) => head,
            };
            let done = match head {
                Ok(head) => {
                    after = head.number;
                    if looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
                        continue;
                    }
                    looked = Some(Instant::now());
                    self.look(head.number, &stop).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                tracing::debug!("checkpoints: {error}");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(CHAIN_PAUSE) => {}
                }
            }
        }
    }

    async fn look(&self, head: BlockNumber, stop: &CancellationToken) -> Result<(), ChainError> {
        let newest = self.newest(head).await?;
        for checkpoint in newest.iter().filter(|checkpoint| !self.store.contains(&checkpoint.id.root)) {
            match self.fetch(*checkpoint, stop).await {
                Ok(()) => {
                    let (round, bytes) = (checkpoint.round, ByteCount(checkpoint.id.bytes));
                    self.events.say(Event::CheckpointSaved { round, bytes }).await;
                }
                Err(why) => {
                    let text = format!("checkpoint of round {}: {why}", checkpoint.round);
                    self.events.log(LogLevel::Warn, text).await;
                }
            }
        }
        let store = Arc::clone(&self.store);
        let keep: Vec<_> = newest.iter().map(|checkpoint| checkpoint.id.root).collect();
        if !keep.is_empty()
            && let Ok(Err(error)) = blocking(move || store.retain(|root| keep.contains(root))).await
        {
            tracing::warn!("old checkpoints: {error}");
        }
        Ok(())
    }

    /// The newest checkpoints that validators announced, the newest first.
    async fn newest(&self, head: BlockNumber) -> Result<Vec<Announced>, ChainError> {
        let rounds = &self.manifest.rounds;
        let validators = validators_by_stake(&self.chain.neurons().await?);
        let back = rounds.checkpoint_every.saturating_mul(KEPT + 1);
        let from = rounds.start(Round(rounds.round_of(head).0.saturating_sub(back)));
        let records = self.chain.records(from, BlockNumber(head.0.saturating_add(1))).await?;
        let bytes = Self::bytes_of(&self.manifest);
        let mut found: Vec<Announced> = Vec::new();
        for entry in &records {
            if let Record::Checkpoint { round, root, bytes: length, theta } = &entry.record
                && validators.contains(&entry.uid)
                && root == theta
                && *length == bytes
                && found.iter().all(|other| other.id.root != *root)
            {
                found.push(Announced { round: *round, id: BlobId { root: *root, bytes }, author: entry.hotkey });
            }
        }
        found.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.round));
        found.truncate(KEPT as usize);
        Ok(found)
    }

    async fn fetch(&self, checkpoint: Announced, stop: &CancellationToken) -> Result<(), String> {
        let id = checkpoint.id;
        let mut sources = vec![Arc::clone(&self.folder)];
        sources.extend(self.network.swarm().sources(&id, Some(checkpoint.author)));
        let deadline = Instant::now() + GRACE + Duration::from_secs(id.bytes / SLOWEST_BYTES_PER_SEC);
        let fetcher = Fetcher::new(sources, FetchLimits::up_to(id.bytes));
        let progress = |done: u64, sources: u32| {
            let (done, total) = (ByteCount(done), ByteCount(id.bytes));
            self.events.progress(Event::Fetching { what: Fetched::Checkpoint, done, total, sources });
        };
        let fetched = fetcher.fetch_through(self.network.library(), id, deadline, stop, &progress).await;
        let bytes = fetched.map_err(|e: FetchError| e.to_string())?;
        let store = Arc::clone(&self.store);
        let stored = blocking(move || store.put(&bytes)).await.map_err(|e| e.to_string())?;
        stored.map(drop).map_err(|e| e.to_string())
    }
}
