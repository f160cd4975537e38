//! Opening a ledger and checking what its file holds.
//!
//! In: a file's blocks and snapshots. Out: the newest state, or the number of the first block that does not hold.

use std::sync::Arc;

use redb::{Database, ReadableDatabase};
use types::{BlockNumber, Hash32, Signature};

use super::super::block::{Block, SNAPSHOT_EVERY};
use super::super::genesis::Genesis;
use super::super::rules::check_signature;
use super::super::state::State;
use super::{BLOCKS, Ledger, SNAPSHOTS, Tip, head_of, last_block, parse_block, read_block, storage};
use crate::{ChainError, Head, Receipt};

/// Newest blocks whose hash chain is checked on every open: about a second of work.
const OPEN_CHECKS_BLOCKS: u64 = 10_000;

/// Block 0 without its signature.
pub(super) fn genesis_block(genesis: &Genesis, time_ms: u64) -> Block {
    Block {
        number: BlockNumber(0),
        parent: Hash32::default(),
        time_ms,
        state: Hash32::default(),
        genesis: genesis.to_bytes(),
        reward: None,
        transactions: Vec::new(),
        signature: Signature([0; 64]),
    }
}

impl Ledger {
    pub(super) fn load(database: Database) -> Result<Self, ChainError> {
        let head = last_block(&database)?.ok_or_else(|| ChainError::corrupt(0, "there is no block"))?;
        let (genesis, start) = load_genesis(&database)?;
        let genesis_hash = start.head.hash;
        check_hash_chain(&database, head)?;
        let mut tip = newest_snapshot(&database, &genesis, genesis_hash, head)?.unwrap_or(start);
        let ledger = Self::with_tip(database, genesis, genesis_hash, tip.clone());
        ledger.replay(&mut tip, head)?;
        ledger.tip.send_replace(tip);
        Ok(ledger)
    }

    /// Checks every block, signature, rule and pay-out from genesis to the newest block; the state they lead to must be
    /// the one in use. Takes about 0.1 ms per block and signature.
    ///
    /// # Errors
    /// [`ChainError::Corrupt`] with the first block that does not hold.
    pub fn verify(&self) -> Result<Head, ChainError> {
        let newest = self.tip();
        let (genesis, mut tip) = load_genesis(&self.database)?;
        if genesis != self.genesis {
            return Err(ChainError::corrupt(0, "its parameters changed"));
        }
        self.replay(&mut tip, newest.head.number.0)?;
        if tip.head != newest.head || tip.state != newest.state {
            return Err(ChainError::corrupt(newest.head.number.0, "it leads to another state than the one in use"));
        }
        Ok(tip.head)
    }

    /// Applies the stored blocks after `tip` up to `last`, checking each in full.
    fn replay(&self, tip: &mut Tip, last: u64) -> Result<(), ChainError> {
        let read = self.database.begin_read().map_err(storage)?;
        let table = read.open_table(BLOCKS).map_err(storage)?;
        let first = tip.head.number.0 + 1;
        for number in first..=last {
            let row = table.get(number).map_err(storage)?;
            let row = row.ok_or_else(|| ChainError::corrupt(number, "it is missing"))?;
            *tip = self.check_block(tip, &parse_block(number, row.value())?)?;
        }
        Ok(())
    }

    /// The tip after `block`, if it holds in every respect.
    fn check_block(&self, on: &Tip, block: &Block) -> Result<Tip, ChainError> {
        let wrong = |why: String| ChainError::corrupt(block.number.0, why);
        if block.parent != on.head.hash {
            return Err(wrong("it does not follow the block before it".to_owned()));
        }
        check_sequencer(&self.genesis, self.genesis_hash, block)?;
        if block.time_ms < on.head.time_ms || !block.genesis.is_empty() {
            return Err(wrong("it breaks a rule of blocks".to_owned()));
        }
        let mut state = State::clone(&on.state);
        for (index, t) in block.transactions.iter().enumerate() {
            let place = Receipt { block: block.number, index: index as u32 };
            check_signature(self.genesis_hash, t)
                .and_then(|()| state.apply(&self.genesis, place, t))
                .map_err(|e| wrong(format!("transaction {index}: {e}")))?;
        }
        if state.close(&self.genesis, block.number) != block.reward {
            return Err(wrong("its pay-out is not what the rules give".to_owned()));
        }
        if block.number.0.is_multiple_of(SNAPSHOT_EVERY) && state.hash() != block.state {
            return Err(wrong("the state after it is not what it says".to_owned()));
        }
        Ok(Tip { head: head_of(block), state: Arc::new(state) })
    }
}

fn check_sequencer(genesis: &Genesis, genesis_hash: Hash32, block: &Block) -> Result<(), ChainError> {
    let payload = block.payload(genesis_hash).to_bytes();
    let signed = genesis.chain.sequencer.verify(&payload, &block.signature);
    signed.map_err(|_| ChainError::corrupt(block.number.0, "the sequencer's signature does not hold"))
}

fn load_genesis(database: &Database) -> Result<(Genesis, Tip), ChainError> {
    let block = read_block(database, 0)?.ok_or_else(|| ChainError::corrupt(0, "it is missing"))?;
    check_genesis(&block).map(|genesis| {
        let state = Arc::new(State::at_genesis(&genesis));
        (genesis, Tip { head: head_of(&block), state })
    })
}

/// The parameters in a genesis block that is signed by the sequencer it names.
pub(crate) fn check_genesis(block: &Block) -> Result<Genesis, ChainError> {
    let genesis = Genesis::from_bytes(&block.genesis).map_err(|e| ChainError::corrupt(0, e.to_string()))?;
    check_sequencer(&genesis, Hash32::default(), block)?;
    let bare = Block { signature: block.signature, ..genesis_block(&genesis, block.time_ms) };
    if bare == *block { Ok(genesis) } else { Err(ChainError::corrupt(0, "it is not a genesis block")) }
}

/// Each of the newest blocks names the one before it.
fn check_hash_chain(database: &Database, head: u64) -> Result<(), ChainError> {
    let read = database.begin_read().map_err(storage)?;
    let table = read.open_table(BLOCKS).map_err(storage)?;
    let first = head.saturating_sub(OPEN_CHECKS_BLOCKS);
    let mut parent: Option<Head> = None;
    for number in first..=head {
        let row = table.get(number).map_err(storage)?;
        let row = row.ok_or_else(|| ChainError::corrupt(number, "it is missing"))?;
        let block = parse_block(number, row.value())?;
        if parent.is_some_and(|parent| parent.hash != block.parent) {
            // The link is broken by either of the two; the earlier one is where to look.
            return Err(ChainError::corrupt(number - 1, format!("block {number} names another block before it")));
        }
        parent = Some(head_of(&block));
    }
    Ok(())
}

/// The newest stored state whose hash a signed block vouches for. A damaged snapshot is passed over: replay makes up for it.
fn newest_snapshot(
    database: &Database,
    genesis: &Genesis,
    genesis_hash: Hash32,
    head: u64,
) -> Result<Option<Tip>, ChainError> {
    let read = database.begin_read().map_err(storage)?;
    let table = match read.open_table(SNAPSHOTS) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(e) => return Err(storage(e)),
    };
    for row in table.range(..=head).map_err(storage)?.rev() {
        let (number, bytes) = row.map_err(storage)?;
        let Some(block) = read_block(database, number.value())? else { continue };
        if block.state != Hash32::of(bytes.value()) {
            tracing::warn!(block = number.value(), "a stored state does not match its block, replaying without it");
            continue;
        }
        check_sequencer(genesis, genesis_hash, &block)?;
        if let Some(state) = State::from_bytes(bytes.value()) {
            return Ok(Some(Tip { head: head_of(&block), state: Arc::new(state) }));
        }
    }
    Ok(None)
}
