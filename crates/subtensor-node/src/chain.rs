//! The chain: blocks, their states, what waits, what is final.
//!
//! In: a genesis, extrinsics, the time, and what a scenario does to the chain. Out: blocks with hashes as Substrate makes
//! them, states, notices. One fork at a time: a reorganisation drops blocks and builds others. Everything a block contains
//! stands in its [`Plan`], so that replaying plans gives the same chain.

use std::collections::VecDeque;
use std::sync::Arc;

use subxt::config::substrate::{H256, SubstrateHeader};
use tokio::sync::{broadcast, mpsc};
use types::Hotkey;

use crate::NodeError;
use crate::api;
use crate::config::Config;
use crate::extrinsic::{Signed, blake2_256};
use crate::layer::Layer;
use crate::pool::{Pool, Status, Waiting};
use crate::refusal::Refusal;
use crate::runtime::Runtime;
use crate::store::Store;

mod build;
mod log;
mod plan;

pub use plan::{Action, Plan};

/// Most extrinsics in a block, the one that sets its time not counted.
const MAX_PER_BLOCK: usize = 256;
/// Dropped blocks whose headers and bodies can still be asked for.
const MAX_RETRACTED: usize = 256;
/// `System.BlockHashCount`: an era may begin so many blocks ago.
const BLOCK_HASHES: u32 = 2400;
/// Notices a subscriber may be behind.
const NOTICES: usize = 1024;
/// How often old states are dropped, in blocks.
const PRUNE_EVERY: u32 = 256;

/// A block.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) hash: [u8; 32],
    pub(crate) header: SubstrateHeader<H256>,
    pub(crate) body: Vec<Arc<[u8]>>,
    /// Hashes of `body` without the inherent.
    pub(crate) transactions: Vec<[u8; 32]>,
    pub(crate) runtime: Arc<Runtime>,
    plan: Arc<Plan>,
}

/// What subscribers hear.
#[derive(Clone)]
pub(crate) enum Notice {
    /// A new best block.
    Best(u32, Arc<SubstrateHeader<H256>>),
    /// A new final block.
    Final(u32, Arc<SubstrateHeader<H256>>),
    /// The best block's runtime changed.
    Runtime(Arc<Runtime>),
}

/// The chain.
pub(crate) struct Chain {
    config: Config,
    blocks: Vec<Block>,
    retracted: VecDeque<Block>,
    store: Store,
    /// Blocks below this have no state any more.
    state_floor: u32,
    pool: Pool,
    finalized: u32,
    fork: u64,
    actions: Vec<Action>,
    notices: broadcast::Sender<Notice>,
    log: Option<log::Log>,
}

impl Chain {
    /// A chain with its genesis block, or as its file left it.
    pub(crate) fn open(config: Config) -> Result<Self, NodeError> {
        config.genesis.check()?;
        let runtime = Arc::new(Runtime::new(crate::runtime::FINNEY, 0, &config.genesis.without)?);
        let mut chain = Self {
            blocks: Vec::new(),
            retracted: VecDeque::new(),
            store: Store::default(),
            state_floor: 0,
            pool: Pool::default(),
            finalized: 0,
            fork: 0,
            actions: Vec::new(),
            notices: broadcast::channel(NOTICES).0,
            log: None,
            config,
        };
        chain.build_genesis(runtime);
        if let Some(path) = chain.config.state_file.clone() {
            let (log, entries) = log::Log::open(&path, chain.genesis())?;
            for entry in entries {
                chain.replay(&entry)?;
            }
            // Not before: the lag may have been another one when blocks were dropped.
            chain.finalize();
            chain.log = Some(log);
        }
        Ok(chain)
    }

    fn replay(&mut self, entry: &log::Entry) -> Result<(), NodeError> {
        match entry {
            log::Entry::Block { plan, hash } => {
                let built = self.build(plan)?;
                if built.hash != hash.0 {
                    let number = self.best();
                    return Err(NodeError::State(format!(
                        "block {number} of the state file does not replay to its hash"
                    )));
                }
                self.fork = self.fork.max(plan.fork);
            }
            log::Entry::Drop { count } if *count <= self.best() => {
                self.drop_blocks(*count);
            }
            log::Entry::Drop { count } => {
                return Err(NodeError::State(format!("{count} blocks dropped, more than there are")));
            }
        }
        Ok(())
    }

    /// Hash of block 0.
    pub(crate) fn genesis(&self) -> [u8; 32] {
        self.blocks.first().map_or([0; 32], |block| block.hash)
    }

    /// Number of the newest block.
    pub(crate) fn best(&self) -> u32 {
        // The genesis block is always there, and numbers are u32.
        (self.blocks.len() as u32).saturating_sub(1)
    }

    /// Number of the newest final block.
    pub(crate) fn finalized(&self) -> u32 {
        self.finalized
    }

    /// A block of the chain.
    pub(crate) fn block(&self, height: u32) -> Option<&Block> {
        self.blocks.get(height as usize)
    }

    /// A block of the chain by its hash, newest first: clients ask for new ones.
    pub(crate) fn height_of(&self, hash: &[u8; 32]) -> Option<u32> {
        self.blocks.iter().rposition(|block| block.hash == *hash).map(|at| at as u32)
    }

    /// A block that a reorganisation dropped.
    pub(crate) fn retracted(&self, hash: &[u8; 32]) -> Option<&Block> {
        self.retracted.iter().find(|block| block.hash == *hash)
    }

    /// The state after a block; `None` if it is gone.
    pub(crate) fn state(&self, height: u32) -> Option<Layer<'_>> {
        let block = self.block(height).filter(|_| height >= self.state_floor)?;
        Some(Layer::new(Arc::clone(&block.runtime), &self.store, height))
    }

    /// The newest state's bytes.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Below this block there is no state.
    pub(crate) fn state_floor(&self) -> u32 {
        self.state_floor
    }

    /// Runtime of the newest block.
    pub(crate) fn runtime(&self) -> Option<Arc<Runtime>> {
        self.blocks.last().map(|block| Arc::clone(&block.runtime))
    }

    /// What happens from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// What waits for a block.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.pool.all()
    }

    /// A key's next transaction counter, those that wait counted.
    pub(crate) fn next_nonce(&self, who: Hotkey) -> u32 {
        let standing = self.state(self.best()).map_or(0, |state| state.account(who).0);
        self.pool.next_nonce(who, standing)
    }

    /// How many actions wait for a block.
    pub(crate) fn actions(&self) -> usize {
        self.actions.len()
    }

    /// Does something in the next block.
    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Takes an extrinsic into the pool; its hash.
    pub(crate) fn submit(&mut self, raw: &[u8]) -> Result<[u8; 32], Refusal> {
        let (waiting, hash) = (self.verify(raw)?, blake2_256(raw));
        self.pool.add(waiting)?;
        Ok(hash)
    }

    /// Takes an extrinsic into the pool; news of it.
    pub(crate) fn submit_and_watch(&mut self, raw: &[u8]) -> Result<mpsc::Receiver<Status>, Refusal> {
        let waiting = self.verify(raw)?;
        let hash = waiting.hash;
        let (who, nonce) = (waiting.signed.signer, waiting.signed.nonce);
        self.pool.add(waiting)?;
        let news = self.pool.watch(hash)?;
        let early = nonce >= self.next_nonce(who);
        self.pool.tell(hash, if early { Status::Future } else { Status::Ready });
        Ok(news)
    }

    /// What a node checks before it takes an extrinsic.
    fn verify(&self, raw: &[u8]) -> Result<Waiting, Refusal> {
        let best = self.best();
        let state = self.state(best).ok_or_else(|| Refusal::Discarded("the newest block".into()))?;
        let signed = Signed::decode(raw, state.runtime())?;
        let next = u64::from(best) + 1;
        let birth = signed.era.birth(next);
        // The oldest block that the runtime still knows when it builds the next one.
        let oldest = next.saturating_sub(u64::from(BLOCK_HASHES));
        let born = self.block(birth as u32).filter(|_| birth == 0 || (birth >= oldest && birth < next));
        let born = born.ok_or(Refusal::AncientBirth)?;
        if !signed.holds(state.runtime(), self.genesis(), born.hash) {
            return Err(Refusal::BadProof);
        }
        let (nonce, free) = state.account(signed.signer);
        if signed.nonce < nonce {
            return Err(Refusal::Stale);
        }
        if free < api::fee(&state, &signed, raw.len()) {
            return Err(Refusal::Payment);
        }
        let mut waiting = Waiting::new(raw.into(), blake2_256(raw), signed, state.runtime().spec_version());
        waiting.death = waiting.signed.era.death(next);
        waiting.birth = (waiting.death != u64::MAX).then_some((birth as u32, born.hash));
        Ok(waiting)
    }

    /// Makes a block at `now_ms` milliseconds since 1970.
    pub(crate) fn seal(&mut self, now_ms: u64) -> Result<[u8; 32], NodeError> {
        let best = self.best();
        let nonce_of = |who| self.state(best).map_or(0, |state| state.account(who).0);
        let extrinsics = self.pool.ready(MAX_PER_BLOCK, nonce_of).iter().map(|w| Arc::clone(&w.raw)).collect();
        let before = self.blocks.last().map_or(0, |block| block.plan.time_ms);
        let time_ms = match self.config.step_ms {
            Some(step) => before.saturating_add(step),
            None => now_ms.max(before.saturating_add(1)),
        };
        let plan = Plan { time_ms, fork: self.fork, extrinsics, actions: std::mem::take(&mut self.actions) };
        let built = self.build(&plan)?;
        if let Some(log) = &mut self.log {
            log.append(&log::Entry::Block { plan: built.plan, hash: types::Hash32(built.hash) })?;
        }
        self.settle(&built.transactions);
        Ok(built.hash)
    }

    /// Tells everybody about the block just made.
    fn settle(&mut self, transactions: &[[u8; 32]]) {
        let best = self.best();
        let Some(block) = self.blocks.last().cloned() else { return };
        for hash in transactions {
            self.pool.tell(*hash, Status::InBlock(block.hash));
        }
        self.drop_dead(best);
        // Without subscribers there is nobody to tell.
        let _ = self.notices.send(Notice::Best(best, Arc::new(block.header.clone())));
        let before = best.checked_sub(1).and_then(|b| self.block(b)).map(|b| b.runtime.spec_version());
        if before.is_some_and(|spec| spec != block.runtime.spec_version()) {
            let _ = self.notices.send(Notice::Runtime(block.runtime));
        }
        self.finalize();
        if best.is_multiple_of(PRUNE_EVERY) {
            let floor = best.saturating_sub(self.config.state_blocks).min(self.finalized);
            if floor > self.state_floor {
                self.store.prune(floor);
                self.state_floor = floor;
            }
        }
    }

    /// Lets go of what can never be valid any more.
    fn drop_dead(&mut self, best: u32) {
        let Some(state) = self.state(best) else { return };
        let spec = state.runtime().spec_version();
        let accounts: std::collections::BTreeMap<Hotkey, u32> =
            self.pool.all().map(|w| (w.signed.signer, state.account(w.signed.signer).0)).collect();
        let blocks = &self.blocks;
        self.pool.retain(Status::Invalid, |waiting| {
            let born = waiting.birth.is_none_or(|(at, hash)| blocks.get(at as usize).is_some_and(|b| b.hash == hash));
            let standing = accounts.get(&waiting.signed.signer).copied().unwrap_or(0);
            born && waiting.spec == spec && waiting.death > u64::from(best) + 1 && waiting.signed.nonce >= standing
        });
    }

    fn finalize(&mut self) {
        let target = self.best().saturating_sub(self.config.finality_lag);
        while self.finalized < target {
            self.finalized += 1;
            let Some(block) = self.block(self.finalized) else { return };
            let (hash, header) = (block.hash, Arc::new(block.header.clone()));
            for transaction in block.transactions.clone() {
                self.pool.tell(transaction, Status::Finalized(hash));
            }
            let _ = self.notices.send(Notice::Final(self.finalized, header));
        }
    }

    /// Replaces the newest `depth` blocks by one more of others. Their extrinsics wait again, or are lost.
    pub(crate) fn reorg(&mut self, depth: u32, lose: bool, now_ms: u64) -> Result<(), Refusal> {
        let most = self.best().saturating_sub(self.finalized);
        if depth == 0 || depth > most {
            return Err(Refusal::Knob(format!(
                "{most} blocks are not final, a reorganisation of {depth} is impossible"
            )));
        }
        let storage = |e: NodeError| Refusal::Storage(e.to_string());
        let dropped = self.drop_blocks(depth);
        if let Some(log) = &mut self.log {
            log.append(&log::Entry::Drop { count: depth }).map_err(storage)?;
        }
        self.fork += 1;
        for block in dropped {
            for hash in &block.transactions {
                self.pool.tell(*hash, Status::Retracted(block.hash));
            }
            for (raw, hash) in block.plan.extrinsics.iter().zip(&block.transactions) {
                // What the new fork cannot take any more is lost, as on a real chain.
                if lose || self.submit(raw).is_err() {
                    self.pool.tell(*hash, Status::Dropped);
                }
            }
            self.actions.extend(block.plan.actions.iter().cloned());
            if self.retracted.len() == MAX_RETRACTED {
                self.retracted.pop_front();
            }
            self.retracted.push_back(block);
        }
        for _ in 0..=depth {
            self.seal(now_ms).map_err(storage)?;
        }
        Ok(())
    }

    /// Drops the newest blocks, oldest of them first in the result.
    fn drop_blocks(&mut self, count: u32) -> Vec<Block> {
        let left = self.blocks.len().saturating_sub(count as usize).max(1);
        let dropped = self.blocks.split_off(left);
        self.store.truncate(self.best());
        dropped
    }
}
