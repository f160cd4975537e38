//! Keys and small ledgers for the tests of this module.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use types::manifest::{ChainParams, Clock, RoundParams};
use types::{BlockNumber, Hash32, Rao, Record, Round, RunId, Signer, Uid};
use wallet::LocalSigner;

use super::{Call, Genesis, InProcess, Ledger, Mempool, Sealed, Sequencer, SequencerOptions, Transaction};
use crate::{ChainError, Receipt};

/// First time of every test ledger.
pub(crate) const START_MS: u64 = 1_700_000_000_000;

pub(crate) fn key(label: &str) -> LocalSigner {
    LocalSigner::derive(&[7; 32], label)
}

/// Rounds of 12 blocks: commit before 5, attest before 9. Two validators, stakes 3 : 1. Pay-out every 10 blocks.
pub(crate) fn genesis(clock: Clock) -> Genesis {
    let chain = ChainParams {
        sequencer: key("sequencer").hotkey(),
        validators: vec![(key("validator-0").hotkey(), Rao(300)), (key("validator-1").hotkey(), Rao(100))],
        rao_per_block: Rao(Rao::PER_CREDIT),
        tempo: 10,
        owner_cut: 11_796,
        kappa: 32_767,
        bond_alpha: 6_553,
        clock,
        subtensor: None,
    };
    let rounds = RoundParams { blocks: 12, commit_by: 5, attest_by: 9, null_rounds: 0, checkpoint_every: 10 };
    Genesis { run: RunId(Hash32([5; 32])), name: "test run".to_owned(), chain, rounds }
}

pub(crate) fn interval(block_ms: u64) -> Genesis {
    genesis(Clock::Interval { block_ms })
}

pub(crate) fn paced() -> Genesis {
    genesis(Clock::Paced { block_ms: 100, phase_ms: 60_000 })
}

pub(crate) async fn ledger() -> Ledger {
    Ledger::in_memory(&interval(1000), START_MS, &key("sequencer")).await.unwrap()
}

pub(crate) async fn signed(ledger: &Ledger, who: &LocalSigner, nonce: u64, call: Call) -> Transaction {
    let signature = who.sign(&call.payload(ledger.genesis_hash(), nonce)).await.unwrap();
    Transaction { hotkey: who.hotkey(), nonce, call, signature }
}

/// Makes one block and says what became of each transaction.
pub(crate) async fn block(ledger: &Ledger, transactions: &[Transaction]) -> Vec<Result<Receipt, ChainError>> {
    let time_ms = ledger.head().time_ms + 12_000;
    let draft = ledger.draft(transactions, time_ms);
    let results = draft.results().to_vec();
    ledger.append(&[seal(draft).await]).unwrap();
    results
}

pub(crate) async fn seal(draft: super::Draft) -> Sealed {
    let signature = key("sequencer").sign(&draft.payload()).await.unwrap();
    draft.seal(signature)
}

/// Makes empty blocks until the head is `number`.
pub(crate) async fn advance(ledger: &Ledger, number: u64) {
    while ledger.head().number < BlockNumber(number) {
        block(ledger, &[]).await;
    }
}

pub(crate) fn commit(round: u64, fill: u8) -> Record {
    Record::Commit { round: Round(round), root: Hash32([fill; 32]), bytes: 500, theta: Hash32([0; 32]) }
}

pub(crate) fn attest(round: u64, have: &[u16]) -> Record {
    Record::Attest { round: Round(round), have: have.iter().map(|u| Uid(*u)).collect() }
}

pub(crate) fn report(round: u64, fill: u8) -> Record {
    Record::Report { round: Round(round), root: Hash32([fill; 32]), bytes: 900, gather: vec![Uid(2)] }
}

pub(crate) fn checkpoint(round: u64, fill: u8) -> Record {
    Record::Checkpoint { round: Round(round), root: Hash32([fill; 32]), bytes: 9, theta: Hash32([1; 32]) }
}

/// A ledger with a running sequencer in this process.
pub(crate) struct Running {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) backend: Arc<InProcess>,
    pub(crate) cancel: CancellationToken,
    pub(crate) task: tokio::task::JoinHandle<Result<(), ChainError>>,
    pub(crate) hold: tokio::sync::watch::Sender<bool>,
}

pub(crate) fn start(ledger: Ledger, expected_miners: u16) -> Running {
    let ledger = Arc::new(ledger);
    let (mempool, inbox) = Mempool::new(ledger.genesis_hash());
    let began = tokio::time::Instant::now();
    let first_ms = ledger.head().time_ms;
    let now_ms = Arc::new(move || first_ms + began.elapsed().as_millis() as u64);
    let (hold, held) = tokio::sync::watch::channel(false);
    let options = SequencerOptions { expected_miners, now_ms, hold: held };
    let sequencer = Sequencer::new(Arc::clone(&ledger), Arc::new(key("sequencer")), options, inbox);
    let cancel = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "the test waits for the handle")]
    let task = tokio::spawn(sequencer.run(cancel.clone()));
    let backend = Arc::new(InProcess::new(Arc::clone(&ledger), mempool));
    Running { ledger, backend, cancel, task, hold }
}

impl Running {
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
    }
}
