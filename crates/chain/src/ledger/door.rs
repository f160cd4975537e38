//! One implementation of [`ChainBackend`] for both ways into a ledger.
//!
//! In: calls of the trait. Out: requests to a [`Door`]: this process's ledger, or a socket to another process's.
//! Signing happens here, on the caller's side; a nonce that another transaction of the key has taken is renewed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use types::{BlockNumber, Hash32, Hotkey, Rao, Record, Signer, Uid};

use super::block::{Call, HexTransaction, Transaction};
use super::duty::Waiting;
use super::genesis::Genesis;
use super::mempool::Mempool;
use super::store::Ledger;
use super::wire::{MAX_POLL_MS, Reply, Request};
use crate::{
    ChainBackend, ChainError, ChainRecord, EpochReward, Head, MAX_EPOCHS, MAX_RECORDS, NetworkInfo, Neuron, Receipt,
    Registration,
};

/// Times a taken nonce is renewed: as many transactions of one key may run at once.
const NONCE_TRIES: usize = 16;

/// Answers requests to one ledger.
#[async_trait]
pub(crate) trait Door: Send + Sync {
    /// Cancel-safe.
    async fn call(&self, request: Request) -> Result<Reply, ChainError>;
}

/// A ledger behind a door.
pub struct Backend<D> {
    door: D,
    genesis: Genesis,
    genesis_hash: Hash32,
}

/// A ledger in this process.
pub type InProcess = Backend<LocalDoor>;

/// Answers from this process's ledger.
#[derive(Clone)]
pub struct LocalDoor {
    ledger: Arc<Ledger>,
    mempool: Mempool,
}

impl InProcess {
    /// A backend for a ledger and its sequencer's queue.
    pub fn new(ledger: Arc<Ledger>, mempool: Mempool) -> Self {
        let (genesis, genesis_hash) = (ledger.genesis().clone(), ledger.genesis_hash());
        Self { door: LocalDoor { ledger, mempool }, genesis, genesis_hash }
    }
}

impl LocalDoor {
    pub(crate) fn genesis_hash(&self) -> Hash32 {
        self.ledger.genesis_hash()
    }

    async fn wait_head(&self, after: BlockNumber, wait_ms: u64) -> Result<Head, ChainError> {
        let mut tip = self.ledger.watch();
        let newer = tip.wait_for(|tip| tip.head.number > after);
        match tokio::time::timeout(Duration::from_millis(wait_ms.min(MAX_POLL_MS)), newer).await {
            Ok(Ok(tip)) => Ok(tip.head),
            Ok(Err(_)) => Err(ChainError::unavailable("the ledger is closed")),
            Err(_) => Ok(self.ledger.head()),
        }
    }

    async fn submit(&self, transaction: Transaction, wait_ms: u64) -> Result<Reply, ChainError> {
        let submitted = self.mempool.submit(transaction);
        match tokio::time::timeout(Duration::from_millis(wait_ms.min(MAX_POLL_MS)), submitted).await {
            Ok(receipt) => receipt.map(|receipt| Reply::Included { receipt }),
            Err(_) => Ok(Reply::Pending),
        }
    }

    /// A query that reads the file, off the async threads.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Ledger) -> Result<T, ChainError> + Send + 'static,
    ) -> Result<T, ChainError> {
        let ledger = Arc::clone(&self.ledger);
        let done = tokio::task::spawn_blocking(move || query(&ledger)).await;
        done.map_err(|e| ChainError::unavailable(e.to_string()))?
    }
}

#[async_trait]
impl Door for LocalDoor {
    async fn call(&self, request: Request) -> Result<Reply, ChainError> {
        Ok(match request {
            Request::Genesis => {
                let block = self.read(|ledger| ledger.block(BlockNumber(0))).await?;
                let block = block.ok_or_else(|| ChainError::corrupt(0, "it is missing"))?;
                Reply::Genesis { block: hex::encode(block.to_bytes()) }
            }
            Request::Head => Reply::Head { head: self.ledger.head() },
            Request::WaitHead { after, wait_ms } => Reply::Head { head: self.wait_head(after, wait_ms).await? },
            Request::Account { hotkey } => {
                let tip = self.ledger.tip();
                let found = tip.state.account(&hotkey);
                let registration = found.map(|(uid, a)| Registration { uid, block: a.registered.block });
                Reply::Account { registration, nonce: found.map_or(0, |(_, a)| a.nonce) }
            }
            Request::Neurons => Reply::Neurons { neurons: self.ledger.tip().state.neurons() },
            Request::Submit { transaction, wait_ms } => self.submit(transaction.0, wait_ms).await?,
            Request::Records { from, to } => {
                let (records, next) = self.read(move |ledger| ledger.records(from, to)).await?;
                Reply::Records { records, next }
            }
            Request::Epochs { from, to } => {
                let (epochs, next) = self.read(move |ledger| ledger.epochs(from, to)).await?;
                Reply::Epochs { epochs, next }
            }
            Request::Waiting => Reply::Waiting { waiting: self.mempool.waiting() },
        })
    }
}

#[expect(private_bounds, reason = "the two doors are named; nobody else needs to make one")]
impl<D: Door> Backend<D> {
    pub(crate) fn with_door(door: D, genesis: Genesis, genesis_hash: Hash32) -> Self {
        Self { door, genesis, genesis_hash }
    }

    /// What stands behind it.
    pub(crate) fn door(&self) -> &D {
        &self.door
    }

    /// Hash of the ledger's first block: which chain this is.
    pub fn genesis_hash(&self) -> Hash32 {
        self.genesis_hash
    }

    /// The ledger's parameters.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// What the running phase waits for, by whom and since when; `None` before the sequencer has started.
    ///
    /// # Errors
    /// [`ChainError::Unavailable`] if the ledger does not answer.
    pub async fn waiting(&self) -> Result<Option<Waiting>, ChainError> {
        match self.door.call(Request::Waiting).await? {
            Reply::Waiting { waiting } => Ok(waiting),
            _ => Err(unexpected()),
        }
    }

    /// What each key has been paid so far, uids ascending.
    ///
    /// # Errors
    /// [`ChainError::Unavailable`] if the ledger does not answer.
    pub async fn balances(&self) -> Result<Vec<(Uid, Hotkey, Rao)>, ChainError> {
        Ok(self.neurons().await?.into_iter().map(|n| (n.uid, n.hotkey, n.balance)).collect())
    }

    async fn account(&self, hotkey: Hotkey) -> Result<(Option<Registration>, u64), ChainError> {
        match self.door.call(Request::Account { hotkey }).await? {
            Reply::Account { registration, nonce } => Ok((registration, nonce)),
            _ => Err(unexpected()),
        }
    }

    /// Signs a call and sees it through.
    async fn transact(&self, call: Call, signer: &dyn Signer) -> Result<Receipt, ChainError> {
        let hotkey = signer.hotkey();
        let (registration, mut nonce) = self.account(hotkey).await?;
        if registration.is_none() && call != Call::Register {
            return Err(ChainError::NotRegistered { hotkey });
        }
        let mut refused = ChainError::unavailable("the key's transaction counter keeps changing");
        for _ in 0..NONCE_TRIES {
            let signature = signer.sign(&call.payload(self.genesis_hash, nonce)).await?;
            let transaction = Transaction { hotkey, nonce, call: call.clone(), signature };
            match self.include(transaction).await {
                // The expected counter takes the key's transactions into account that still wait for their block.
                Err(error @ ChainError::Nonce { expected, .. }) => (nonce, refused) = (expected, error),
                done => return done,
            }
        }
        Err(refused)
    }

    async fn include(&self, transaction: Transaction) -> Result<Receipt, ChainError> {
        let request = Request::Submit { transaction: HexTransaction(transaction), wait_ms: MAX_POLL_MS };
        loop {
            match self.door.call(request.clone()).await? {
                Reply::Included { receipt } => return Ok(receipt),
                Reply::Pending => {}
                _ => return Err(unexpected()),
            }
        }
    }
}

#[async_trait]
impl<D: Door> ChainBackend for Backend<D> {
    fn network(&self) -> NetworkInfo {
        NetworkInfo {
            name: self.genesis.name.clone(),
            genesis: self.genesis_hash,
            symbol: "credits".to_owned(),
            decimals: 9,
            has_value: false,
        }
    }

    async fn head(&self) -> Result<Head, ChainError> {
        match self.door.call(Request::Head).await? {
            Reply::Head { head } => Ok(head),
            _ => Err(unexpected()),
        }
    }

    async fn wait_head(&self, after: BlockNumber) -> Result<Head, ChainError> {
        loop {
            match self.door.call(Request::WaitHead { after, wait_ms: MAX_POLL_MS }).await? {
                Reply::Head { head } if head.number > after => return Ok(head),
                Reply::Head { .. } => {}
                _ => return Err(unexpected()),
            }
        }
    }

    async fn register(&self, signer: &dyn Signer) -> Result<Registration, ChainError> {
        let hotkey = signer.hotkey();
        if let (Some(registration), _) = self.account(hotkey).await? {
            return Ok(registration);
        }
        self.transact(Call::Register, signer).await?;
        self.account(hotkey).await?.0.ok_or(ChainError::NotRegistered { hotkey })
    }

    async fn neurons(&self) -> Result<Vec<Neuron>, ChainError> {
        match self.door.call(Request::Neurons).await? {
            Reply::Neurons { neurons } => Ok(neurons),
            _ => Err(unexpected()),
        }
    }

    async fn publish(&self, record: &Record, signer: &dyn Signer) -> Result<Receipt, ChainError> {
        // Read back from its bytes: what the ledger stores is what was meant, sorted and without repetitions.
        let record = Record::from_bytes(&record.to_bytes()).map_err(|e| ChainError::invalid(e.to_string()))?;
        self.transact(Call::Publish(record), signer).await
    }

    async fn records(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<ChainRecord>, ChainError> {
        let (mut all, mut at) = (Vec::new(), from);
        loop {
            let Reply::Records { records, next } = self.door.call(Request::Records { from: at, to }).await? else {
                return Err(unexpected());
            };
            all.extend(records);
            if all.len() > MAX_RECORDS {
                return Err(ChainError::TooWide { limit: MAX_RECORDS as u64 });
            }
            match next {
                Some(next) if next > at => at = next,
                _ => return Ok(all),
            }
        }
    }

    async fn set_weights(&self, weights: &[(Uid, u16)], signer: &dyn Signer) -> Result<Receipt, ChainError> {
        self.transact(Call::SetWeights(weights.to_vec()), signer).await
    }

    async fn epochs(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<EpochReward>, ChainError> {
        let (mut all, mut at) = (Vec::new(), from);
        loop {
            let Reply::Epochs { epochs, next } = self.door.call(Request::Epochs { from: at, to }).await? else {
                return Err(unexpected());
            };
            all.extend(epochs);
            if all.len() > MAX_EPOCHS {
                return Err(ChainError::TooWide { limit: MAX_EPOCHS as u64 });
            }
            match next {
                Some(next) if next > at => at = next,
                _ => return Ok(all),
            }
        }
    }
}

fn unexpected() -> ChainError {
    ChainError::unavailable("the ledger answered something else than was asked")
}
