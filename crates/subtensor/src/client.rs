//! A subnet of Bittensor, seen through nodes that nobody trusts.
//!
//! In: endpoints and which chain and subnet are meant. Out: heads, a key's status, its commitments. Blocks are counted
//! from the run's first block wherever the result is Covey's; the chain's own numbers are called chain blocks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use types::manifest::SubtensorParams;
use types::{BlockNumber, BucketCommitment, Coldkey, Hash32, Hotkey};

use crate::error::SubtensorError;
use crate::history::History;
use crate::node::Node;
use crate::pool::Pool;
use crate::read::{At, account, number};
use crate::status::{Quote, Status};
use crate::watch::{Health, Tip, Watch};
use crate::wire::committed;

/// Longest time for one answer of a node.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bounds of the time between two blocks.
const BLOCK_MS: std::ops::RangeInclusive<u64> = 1..=3_600_000;

/// A client of one subnet. Cheap to share behind an [`Arc`].
pub struct Subtensor {
    pub(crate) pin: SubtensorParams,
    pub(crate) pool: Arc<Pool>,
    pub(crate) watch: Watch,
    pub(crate) history: History,
    /// One transaction at a time: the next one needs the counter of the one before.
    pub(crate) sending: Mutex<()>,
}

impl std::fmt::Debug for Subtensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subtensor").field("pin", &self.pin).finish_non_exhaustive()
    }
}

impl Subtensor {
    /// Connects to the first endpoint that answers; `block_ms` is the time between two blocks (Bittensor: 12,000). Give
    /// two endpoints of different operators, so that one of them cannot lie unnoticed.
    ///
    /// # Errors
    /// [`SubtensorError::WrongChain`] if any endpoint that answers keeps another chain, [`SubtensorError::Unavailable`]
    /// if none answers, [`SubtensorError::BadEndpoint`].
    pub async fn connect(endpoints: &[String], pin: SubtensorParams, block_ms: u64) -> Result<Self, SubtensorError> {
        if !BLOCK_MS.contains(&block_ms) {
            return Err(SubtensorError::invalid("the time between blocks must lie in 1..=3600000 ms"));
        }
        let pool = Arc::new(Pool::new(endpoints, pin.genesis, PATIENCE)?);
        for index in 0..pool.len() {
            if let Err(wrong @ SubtensorError::WrongChain { .. }) = pool.open(index).await {
                return Err(wrong);
            }
        }
        pool.node().await?;
        let watch = Watch::new(Arc::clone(&pool), Duration::from_millis(block_ms));
        Ok(Self { pin, pool, watch, history: History::default(), sending: Mutex::default() })
    }

    /// Which chain and subnet this is.
    pub fn pin(&self) -> SubtensorParams {
        self.pin
    }

    /// A chain block by the run's count; 0 for all that were before the run.
    pub(crate) fn relative(&self, chain_block: u64) -> BlockNumber {
        BlockNumber(chain_block.saturating_sub(self.pin.start_block.0))
    }

    /// A run's block by the chain's count.
    pub(crate) fn absolute(&self, block: BlockNumber) -> u64 {
        self.pin.start_block.0.saturating_add(block.0)
    }

    /// The newest finalized block, and the newest one at all.
    pub(crate) async fn tip(&self) -> Result<Tip, SubtensorError> {
        self.watch.tip().await
    }

    /// What was seen of the chain and its endpoints so far.
    pub async fn health(&self) -> Health {
        self.watch.health().await
    }

    /// Asks something about the newest finalized block.
    pub(crate) async fn at_finalized<T, F, A>(&self, ask: F) -> Result<T, SubtensorError>
    where
        F: Fn(Arc<At>) -> A,
        A: Future<Output = Result<T, SubtensorError>>,
    {
        let tip = self.tip().await?;
        self.at(tip.finalized.hash, ask).await
    }

    /// Asks something about a block.
    pub(crate) async fn at<T, F, A>(&self, hash: Hash32, ask: F) -> Result<T, SubtensorError>
    where
        F: Fn(Arc<At>) -> A,
        A: Future<Output = Result<T, SubtensorError>>,
    {
        let ask = &ask;
        let question = |node: Arc<Node>| async move { ask(Arc::new(At::new(node, hash).await?)).await };
        self.pool.run(question).await
    }

    /// A subnet and a key's place on it; `payout` is the address that the user expects the earnings at.
    ///
    /// # Errors
    /// [`SubtensorError`] if no node answers; never for what the chain does not have.
    pub async fn status(&self, hotkey: &Hotkey, payout: Option<&Coldkey>) -> Result<Status, SubtensorError> {
        let tip = self.tip().await?;
        let netuid = self.pin.netuid;
        let ask = |at: Arc<At>| async move { at.status(netuid, hotkey, payout).await };
        let mut status = self.at(tip.finalized.hash, ask).await?;
        status.chain_block = tip.finalized.number;
        status.block = self.relative(tip.finalized.number);
        Ok(status)
    }

    /// Time of a finalized block and what an alpha cost then.
    ///
    /// # Errors
    /// [`SubtensorError::Pruned`] for a block whose state every endpoint has forgotten, [`SubtensorError::Invalid`] for
    /// one that is not final yet.
    pub async fn quote(&self, block: BlockNumber) -> Result<Quote, SubtensorError> {
        let (number, tip) = (self.absolute(block), self.tip().await?);
        if number > tip.finalized.number {
            return Err(SubtensorError::invalid(format!("block {block} is not final yet")));
        }
        let netuid = self.pin.netuid;
        let ask = |node: Arc<Node>| async move {
            let none = || SubtensorError::endpoint(node.url(), format!("it does not have block {number}"));
            let hash = node.hash_of(number).await?.ok_or_else(none)?;
            let at = At::new(Arc::clone(&node), hash).await?;
            let alpha_price = at.alpha_price(netuid).await?;
            Ok(Quote { block, chain_block: number, time_ms: at.time_ms().await?, alpha_price })
        };
        self.pool.run(ask).await
    }

    /// What a key has committed last, as of the newest finalized block.
    ///
    /// # Errors
    /// [`SubtensorError`].
    pub async fn committed(&self, hotkey: &Hotkey) -> Result<Option<Vec<u8>>, SubtensorError> {
        let netuid = self.pin.netuid;
        let ask = |at: Arc<At>| async move {
            at.raw("Commitments", "CommitmentOf", vec![number(netuid), account(&hotkey.0)]).await
        };
        Ok(self.at_finalized(ask).await?.and_then(|value| committed(&value)))
    }

    /// The bucket that a key has committed, if its commitment is one.
    ///
    /// # Errors
    /// [`SubtensorError`].
    pub async fn bucket_of(&self, hotkey: &Hotkey) -> Result<Option<BucketCommitment>, SubtensorError> {
        Ok(self.committed(hotkey).await?.and_then(|bytes| BucketCommitment::parse(&bytes).ok()))
    }
}
