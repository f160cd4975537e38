//! The ledger's file and its tip.
//!
//! In: transactions to draft a block from, the sequencer's signature, blocks to append. Out: whole signed blocks in one
//! redb file, the newest state, queries. Blocks go to disk in one write transaction before anybody sees them, so a kill
//! at any time leaves whole blocks. It reads no clock and holds no key.

mod replay;

pub(crate) use replay::check_genesis;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tokio::sync::watch;
use types::{BlockNumber, Hash32, RunId, SignError, SignPayload, Signature, Signer};

use super::block::{Block, Call, MAX_TRANSACTIONS, SNAPSHOT_EVERY, Transaction};
use super::genesis::Genesis;
use super::rules::check_signature;
use super::state::State;
use crate::{ChainError, ChainRecord, EpochReward, Head, Receipt};

/// Block number → block bytes.
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
/// Block number → state bytes; the newest two.
const SNAPSHOTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("snapshots");
/// redb's page cache; its default of 1 GiB is for servers.
const CACHE_BYTES: usize = 16 << 20;
/// Blocks and results one query reads at most; the caller asks for the next page.
const PAGE_BLOCKS: u64 = 4096;
const PAGE_RECORDS: usize = 1024;
const PAGE_EPOCHS: usize = 64;

/// A ledger. Reads may run at any time; blocks are appended by one sequencer.
pub struct Ledger {
    database: Database,
    genesis: Genesis,
    genesis_hash: Hash32,
    tip: watch::Sender<Tip>,
    /// Serialises [`Ledger::append`].
    writing: Mutex<()>,
}

/// The newest block and the state after it.
#[derive(Debug, Clone)]
pub(crate) struct Tip {
    pub(crate) head: Head,
    pub(crate) state: Arc<State>,
}

/// A block that only lacks its signature.
#[derive(Debug)]
pub struct Draft {
    block: Block,
    genesis_hash: Hash32,
    next: Tip,
    results: Vec<Result<Receipt, ChainError>>,
}

/// A signed block, ready to be appended.
#[derive(Debug)]
pub struct Sealed {
    block: Block,
    next: Tip,
}

impl Draft {
    /// What the sequencer is to sign.
    pub fn payload(&self) -> SignPayload {
        self.block.payload(self.genesis_hash)
    }

    /// What became of each transaction, in the order given; valid once the block is appended.
    pub fn results(&self) -> &[Result<Receipt, ChainError>] {
        &self.results
    }

    /// The state after this block.
    pub(crate) fn next(&self) -> &Tip {
        &self.next
    }

    /// The block with its signature.
    pub fn seal(mut self, signature: Signature) -> Sealed {
        self.block.signature = signature;
        Sealed { block: self.block, next: self.next }
    }
}

impl Ledger {
    /// Opens the run's ledger at `path`, or founds it there with `time_ms` as its first time.
    ///
    /// # Errors
    /// [`ChainError::WrongChain`] if the file belongs to another run, [`ChainError::Corrupt`] as for [`Ledger::open`].
    pub async fn open_or_create(
        path: &Path,
        genesis: &Genesis,
        time_ms: u64,
        sequencer: &dyn Signer,
    ) -> Result<Self, ChainError> {
        let database = redb::Builder::new().set_cache_size(CACHE_BYTES).create(path).map_err(storage)?;
        if last_block(&database)?.is_none() {
            return Self::found(database, genesis, time_ms, sequencer).await;
        }
        let ledger = Self::load(database)?;
        let (expected, found) = (genesis.run, ledger.genesis.run);
        if expected == found {
            Ok(ledger)
        } else {
            Err(ChainError::WrongChain { expected: expected.0, found: found.0 })
        }
    }

    /// A ledger that lives in memory only.
    ///
    /// # Errors
    /// [`ChainError::Invalid`] for unsound parameters, [`ChainError::Sign`] if the sequencer does not sign.
    pub async fn in_memory(genesis: &Genesis, time_ms: u64, sequencer: &dyn Signer) -> Result<Self, ChainError> {
        let backend = redb::backends::InMemoryBackend::new();
        let database =
            redb::Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend).map_err(storage)?;
        Self::found(database, genesis, time_ms, sequencer).await
    }

    /// Opens a ledger. The genesis block, the tail since the newest snapshot and the hash chain of the newest blocks are
    /// checked; [`Ledger::verify`] checks everything.
    ///
    /// # Errors
    /// [`ChainError::Corrupt`] with the first block that does not hold, [`ChainError::Storage`] if the file does not open.
    pub fn open(path: &Path) -> Result<Self, ChainError> {
        let database = redb::Builder::new().set_cache_size(CACHE_BYTES).open(path).map_err(storage)?;
        Self::load(database)
    }

    async fn found(
        database: Database,
        genesis: &Genesis,
        time_ms: u64,
        sequencer: &dyn Signer,
    ) -> Result<Self, ChainError> {
        genesis.check().map_err(|e| ChainError::invalid(e.to_string()))?;
        if sequencer.hotkey() != genesis.chain.sequencer {
            return Err(
                SignError::Refused { operation: "block".into(), reason: "not the sequencer's key".into() }.into()
            );
        }
        let mut block = replay::genesis_block(genesis, time_ms);
        block.signature = sequencer.sign(&block.payload(Hash32::default())).await?;
        let tip = Tip { head: head_of(&block), state: Arc::new(State::at_genesis(genesis)) };
        let genesis_hash = tip.head.hash;
        let ledger = Self::with_tip(database, genesis.clone(), genesis_hash, tip.clone());
        ledger.write(&[Sealed { block, next: tip }])?;
        Ok(ledger)
    }

    fn with_tip(database: Database, genesis: Genesis, genesis_hash: Hash32, tip: Tip) -> Self {
        Self { database, genesis, genesis_hash, tip: watch::Sender::new(tip), writing: Mutex::new(()) }
    }

    /// The ledger's parameters.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The run it belongs to.
    pub fn run(&self) -> RunId {
        self.genesis.run
    }

    /// Hash of block 0.
    pub fn genesis_hash(&self) -> Hash32 {
        self.genesis_hash
    }

    /// The newest block.
    pub fn head(&self) -> Head {
        self.tip.borrow().head
    }

    pub(crate) fn tip(&self) -> Tip {
        self.tip.borrow().clone()
    }

    /// Follows the tip.
    pub(crate) fn watch(&self) -> watch::Receiver<Tip> {
        self.tip.subscribe()
    }

    /// Drafts the block after the newest one: transactions that do not hold are left out and answered with the reason.
    /// `time_ms` before the newest block's time is moved up to it.
    pub fn draft(&self, transactions: &[Transaction], time_ms: u64) -> Draft {
        self.draft_on(&self.tip(), transactions, time_ms)
    }

    pub(crate) fn draft_on(&self, on: &Tip, transactions: &[Transaction], time_ms: u64) -> Draft {
        let number = BlockNumber(on.head.number.0 + 1);
        let mut state = State::clone(&on.state);
        let mut taken: Vec<Transaction> = Vec::new();
        let mut results = Vec::with_capacity(transactions.len());
        for t in transactions {
            let place = Receipt { block: number, index: taken.len() as u32 };
            let outcome = if taken.len() < MAX_TRANSACTIONS {
                check_signature(self.genesis_hash, t).and_then(|()| state.apply(&self.genesis, place, t))
            } else {
                Err(ChainError::unavailable("the block is full"))
            };
            if outcome.is_ok() {
                taken.push(t.clone());
            }
            results.push(outcome.map(|()| place));
        }
        let reward = state.close(&self.genesis, number);
        let block = Block {
            number,
            parent: on.head.hash,
            time_ms: time_ms.max(on.head.time_ms),
            state: if number.0.is_multiple_of(SNAPSHOT_EVERY) { state.hash() } else { Hash32::default() },
            genesis: Vec::new(),
            reward,
            transactions: taken,
            signature: Signature([0; 64]),
        };
        let next = Tip { head: head_of(&block), state: Arc::new(state) };
        Draft { block, genesis_hash: self.genesis_hash, next, results }
    }

    /// Writes blocks to disk in one transaction, then shows them.
    ///
    /// # Errors
    /// [`ChainError::Invalid`] if the blocks do not follow the newest one, [`ChainError::Storage`] if they could not be
    /// written: then the ledger must be opened anew, what the file holds is not guessed at.
    pub fn append(&self, blocks: &[Sealed]) -> Result<Head, ChainError> {
        let _one_writer = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut parent = self.head();
        for Sealed { block, next } in blocks {
            if block.parent != parent.hash {
                return Err(ChainError::invalid(format!(
                    "block {} does not follow block {}",
                    block.number, parent.number
                )));
            }
            parent = next.head;
        }
        self.write(blocks)?;
        if let Some(last) = blocks.last() {
            self.tip.send_replace(last.next.clone());
        }
        Ok(parent)
    }

    fn write(&self, blocks: &[Sealed]) -> Result<(), ChainError> {
        let write = self.database.begin_write().map_err(storage)?;
        {
            let mut table = write.open_table(BLOCKS).map_err(storage)?;
            let mut snapshots = write.open_table(SNAPSHOTS).map_err(storage)?;
            for Sealed { block, next } in blocks {
                let number = block.number.0;
                table.insert(number, block.to_bytes().as_slice()).map_err(storage)?;
                if number > 0 && number.is_multiple_of(SNAPSHOT_EVERY) {
                    snapshots.insert(number, next.state.to_bytes().as_slice()).map_err(storage)?;
                    snapshots.remove(number.saturating_sub(2 * SNAPSHOT_EVERY)).map_err(storage)?;
                }
            }
        }
        write.commit().map_err(storage)
    }

    /// A block.
    ///
    /// # Errors
    /// [`ChainError::Corrupt`] if its bytes do not read.
    pub fn block(&self, number: BlockNumber) -> Result<Option<Block>, ChainError> {
        read_block(&self.database, number.0)
    }

    /// Published records of the blocks `from..to`, and the block to go on from if there are more.
    pub(crate) fn records(
        &self,
        from: BlockNumber,
        to: BlockNumber,
    ) -> Result<(Vec<ChainRecord>, Option<BlockNumber>), ChainError> {
        let tip = self.tip();
        let end = to.0.min(tip.head.number.0 + 1);
        let page_end = end.min(from.0.saturating_add(PAGE_BLOCKS));
        let mut found = Vec::new();
        if from.0 >= page_end {
            return Ok((found, None));
        }
        let read = self.database.begin_read().map_err(storage)?;
        let table = read.open_table(BLOCKS).map_err(storage)?;
        for row in table.range(from.0..page_end).map_err(storage)? {
            let (number, bytes) = row.map_err(storage)?;
            if found.len() >= PAGE_RECORDS {
                return Ok((found, Some(BlockNumber(number.value()))));
            }
            let block = parse_block(number.value(), bytes.value())?;
            for (index, t) in block.transactions.into_iter().enumerate() {
                if let (Call::Publish(record), Some((uid, _))) = (t.call, tip.state.account(&t.hotkey)) {
                    let (block, index) = (block.number, index as u32);
                    found.push(ChainRecord { block, index, uid, hotkey: t.hotkey, record });
                }
            }
        }
        Ok((found, (page_end < end).then_some(BlockNumber(page_end))))
    }

    /// Pay-outs of the blocks `from..to`, and the block to go on from if there are more.
    pub(crate) fn epochs(
        &self,
        from: BlockNumber,
        to: BlockNumber,
    ) -> Result<(Vec<EpochReward>, Option<BlockNumber>), ChainError> {
        let tempo = self.genesis.chain.tempo;
        let end = to.0.min(self.head().number.0 + 1);
        let mut found = Vec::new();
        let mut number = from.0.max(1).next_multiple_of(tempo);
        while number < end {
            if found.len() >= PAGE_EPOCHS {
                return Ok((found, Some(BlockNumber(number))));
            }
            if let Some(reward) = self.block(BlockNumber(number))?.and_then(|block| block.reward) {
                found.push(reward);
            }
            number = number.saturating_add(tempo);
        }
        Ok((found, None))
    }
}

fn head_of(block: &Block) -> Head {
    Head { number: block.number, hash: block.hash(), time_ms: block.time_ms }
}

fn last_block(database: &Database) -> Result<Option<u64>, ChainError> {
    let read = database.begin_read().map_err(storage)?;
    let table = match read.open_table(BLOCKS) {
        Ok(table) => table,
        // A new file, or one whose founding was cut off.
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(e) => return Err(storage(e)),
    };
    Ok(table.last().map_err(storage)?.map(|(number, _)| number.value()))
}

fn read_block(database: &Database, number: u64) -> Result<Option<Block>, ChainError> {
    let read = database.begin_read().map_err(storage)?;
    let table = read.open_table(BLOCKS).map_err(storage)?;
    let row = table.get(number).map_err(storage)?;
    row.map(|bytes| parse_block(number, bytes.value())).transpose()
}

fn parse_block(number: u64, bytes: &[u8]) -> Result<Block, ChainError> {
    let block = Block::from_bytes(bytes).map_err(|e| ChainError::corrupt(number, e.to_string()))?;
    if block.number.0 == number { Ok(block) } else { Err(ChainError::corrupt(number, "it carries another number")) }
}

fn storage(error: impl Into<redb::Error>) -> ChainError {
    ChainError::Storage { why: error.into().to_string() }
}

#[cfg(test)]
mod tests;
