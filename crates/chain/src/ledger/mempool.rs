//! The way into the sequencer.
//!
//! In: signed transactions. Out: their receipts once they stand in a block. Bounded: a full queue is answered with
//! [`ChainError::Unavailable`], and one key may not fill it.

use tokio::sync::{mpsc, oneshot, watch};
use types::Hash32;

use super::block::Transaction;
use super::duty::Waiting;
use super::rules::check_signature;
use crate::{ChainError, Receipt};

/// Transactions that wait to be looked at; 256 keys send a few each per phase.
const QUEUE: usize = 1024;

/// A transaction and who wants to know what became of it.
pub(crate) struct Submission {
    pub(crate) transaction: Transaction,
    pub(crate) reply: oneshot::Sender<Result<Receipt, ChainError>>,
}

/// The sequencer's end.
pub struct Inbox {
    pub(crate) submissions: mpsc::Receiver<Submission>,
    pub(crate) waiting: watch::Sender<Option<Waiting>>,
}

/// Hands transactions to the sequencer, and shows what it waits for.
#[derive(Clone)]
pub struct Mempool {
    genesis_hash: Hash32,
    submissions: mpsc::Sender<Submission>,
    waiting: watch::Receiver<Option<Waiting>>,
}

impl Mempool {
    /// Both ends, for the ledger with this genesis hash.
    pub fn new(genesis_hash: Hash32) -> (Self, Inbox) {
        let (submissions, inbox) = mpsc::channel(QUEUE);
        let (shown, waiting) = watch::channel(None);
        (Self { genesis_hash, submissions, waiting }, Inbox { submissions: inbox, waiting: shown })
    }

    /// Waits until the transaction stands in a block. Cancel-safe: a cancelled one may still be taken, and submitting it
    /// again gives its receipt.
    ///
    /// # Errors
    /// What the rules refuse; [`ChainError::Unavailable`] if the queue is full or the sequencer has ended.
    pub async fn submit(&self, transaction: Transaction) -> Result<Receipt, ChainError> {
        // Before it takes a place in the queue: a forged transaction must cost others nothing.
        check_signature(self.genesis_hash, &transaction)?;
        let (reply, answer) = oneshot::channel();
        self.submissions.try_send(Submission { transaction, reply }).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => ChainError::unavailable("the sequencer's queue is full"),
            mpsc::error::TrySendError::Closed(_) => ChainError::unavailable("the sequencer has ended"),
        })?;
        answer.await.map_err(|_| ChainError::unavailable("the sequencer ended before it took the transaction"))?
    }

    /// What the running phase waits for; `None` before the sequencer has started.
    pub fn waiting(&self) -> Option<Waiting> {
        self.waiting.borrow().clone()
    }
}
