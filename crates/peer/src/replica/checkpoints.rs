//! Where a replica's parameters come from when its own are of no use, and how it serves its own to those who come late.
//!
//! In: the chain's word on who serves which checkpoint, and bytes from anybody. Out: parameters whose hash the chain names
//! and the round's peers started from. It takes no outer step.

use std::sync::Arc;
use std::time::Duration;

use chain::{ChainError, ChainRecord};
use exchange::BlobId;
use ipc::{Event, Fetched, LogLevel};
use tokio::time::Instant;
use types::{BlockNumber, ByteCount, Hash32, Hotkey, Record, Round};

use super::{Replica, blocking};
use crate::outcome::PeerError;
use crate::settlement::{RoundRecords, validators_by_stake};

/// Time to fetch a checkpoint, over all tries: generous, since everything waits for it.
const CHECKPOINT_FETCH: Duration = Duration::from_secs(600);
/// How often it is tried before missed rounds are replayed from their payloads instead.
const CHECKPOINT_TRIES: u32 = 12;
/// Between two tries: the others look for new members every few seconds.
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(1);

/// What came of looking for a checkpoint.
enum Fetch {
    Got(Round, Vec<f32>),
    /// Nobody serves one that helps.
    Nothing,
    /// Somebody serves one, and it did not come.
    Failed,
}

impl Replica {
    /// Fetches the newest checkpoint that the chain vouches for. Without one, a distrusted θ starts again from the initial
    /// parameters. Returns whether θ was replaced.
    pub(super) async fn restore(&self, distrust: bool, head: BlockNumber) -> Result<bool, PeerError> {
        let deadline = Instant::now() + CHECKPOINT_FETCH;
        for again in (0..CHECKPOINT_TRIES).rev() {
            let again = again > 0 && Instant::now() < deadline && !self.stop.is_cancelled();
            match self.fetch_checkpoint(distrust, head, deadline).await? {
                Fetch::Got(round, theta) => return self.replace(round, theta).await,
                Fetch::Nothing => break,
                // Who has just registered is a stranger to the others for a few seconds.
                Fetch::Failed if again => tokio::time::sleep(CHECKPOINT_PAUSE).await,
                Fetch::Failed => break,
            }
        }
        if !distrust {
            return Ok(true);
        }
        let theta = engine::initial_theta(&self.manifest.model, self.manifest.seed);
        self.replace(Round(0), theta).await
    }

    async fn fetch_checkpoint(&self, distrust: bool, head: BlockNumber, deadline: Instant) -> Result<Fetch, PeerError> {
        let (own, _) = self.standing();
        let parameters = self.trainer.layout().parameter_count();
        let found = self.find_checkpoint(head).await?.filter(|(round, ..)| distrust || *round > own);
        let Some((round, id, server)) = found else { return Ok(Fetch::Nothing) };
        let shown = Some((&self.events, Fetched::Checkpoint));
        match self.supply.blob(id, server, deadline, &self.stop, shown).await {
            Ok(bytes) if bytes.len() == 4 * parameters => {
                let theta = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
                Ok(Fetch::Got(round, theta))
            }
            Ok(_) => Ok(Fetch::Nothing),
            Err(error) => {
                self.events.log(LogLevel::Warn, format!("checkpoint of round {round}: {error}")).await;
                Ok(Fetch::Failed)
            }
        }
    }

    async fn replace(&self, round: Round, theta: Vec<f32>) -> Result<bool, PeerError> {
        let hash = self.trainer.replace(round, theta).await?;
        self.gatherer.forget_all();
        self.stand(round, hash);
        self.events.log(LogLevel::Info, format!("parameters of round {round} loaded: {}", hash.short())).await;
        Ok(true)
    }

    /// The newest checkpoint served by a validator whose hash most of the round's peers started from.
    async fn find_checkpoint(&self, head: BlockNumber) -> Result<Option<(Round, BlobId, Hotkey)>, PeerError> {
        let rounds = &self.manifest.rounds;
        let validators = validators_by_stake(&self.chain.neurons().await?);
        let bytes = 4 * self.trainer.layout().parameter_count() as u64;
        let page = rounds.checkpoint_every.max(4);
        let mut to = BlockNumber(head.0.saturating_add(1));
        loop {
            let from = rounds.start(Round((to.0 / rounds.blocks).saturating_sub(page)));
            let records = self.chain.records(from, to).await?;
            let served = records.iter().rev().filter_map(|r| match &r.record {
                Record::Checkpoint { round, root, bytes: length, theta }
                    if validators.contains(&r.uid) && root == theta && *length == bytes =>
                {
                    Some((*round, *root, r.hotkey))
                }
                _ => None,
            });
            for (round, root, server) in served {
                if self.vouched(round, root, &records, to).await? {
                    return Ok(Some((round, BlobId { root, bytes }, server)));
                }
            }
            if from.0 == 0 {
                return Ok(None);
            }
            to = from;
        }
    }

    /// Whether the round's committers started from these parameters; a round without commitments vouches for nothing
    /// against it.
    async fn vouched(
        &self,
        round: Round,
        theta: Hash32,
        page: &[ChainRecord],
        to: BlockNumber,
    ) -> Result<bool, PeerError> {
        let start = self.manifest.rounds.start(round);
        let majority = if page.first().is_some_and(|r| r.block <= start) && to > start {
            RoundRecords::of(round, page).majority_theta(&[])
        } else {
            let records = self.gatherer.records(round, self.manifest.rounds.commit_deadline(round)).await?;
            RoundRecords::of(round, &records).majority_theta(&[])
        };
        Ok(majority.is_none_or(|m| m == theta))
    }

    /// Publishes θ at the start of the current round, so that others can join from it.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn publish_checkpoint(&self) -> Result<(), PeerError> {
        let (round, theta) = self.trainer.theta().await?;
        let bytes: Vec<u8> = theta.iter().flat_map(|x| x.to_le_bytes()).collect();
        drop(theta);
        let store = Arc::clone(&self.store);
        let id = blocking(move || store.put(&bytes)).await??;
        let record = Record::Checkpoint { round, root: id.root, bytes: id.bytes, theta: id.root };
        match self.chain.publish(&record, self.signer.as_ref()).await {
            Ok(_) | Err(ChainError::Duplicate { .. }) => {
                self.events.say(Event::CheckpointSaved { round, bytes: ByteCount(id.bytes) }).await;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}
