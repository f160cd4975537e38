//! The sequencer: makes blocks from the queue, on an interval or paced by what peers owe.
//!
//! In: submissions, a clock for block times, the sequencer's signer. Out: appended blocks, answers, [`Waiting`].
//!
//! Paced (`Clock::Paced`): a phase lasts until nobody owes anything in it, or `phase_ms`. Inside, a block is made at most
//! every `block_ms` and only if there is something to put in it; the last block of the phase is kept back until it
//! settles everything that is owed or time is up, so that a phase never runs out of blocks early. Crossing makes the
//! phase's remaining blocks and the first one of the next phase at once, in one write. Blocks are cheap: a run should have
//! a few more blocks per phase than records are published in it, and at least two, since a phase begins with its first
//! block and transactions go into the ones after it. There is no heartbeat: an idle phase makes no block.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::manifest::{Clock, Phase};
use types::{BlockNumber, Signer};

use super::block::{MAX_TRANSACTIONS, Transaction};
use super::duty::{Duty, Waiting, duties};
use super::mempool::{Inbox, Submission};
use super::store::{Ledger, Sealed, Tip};
use crate::{ChainError, Receipt};

/// Transactions of one key that may wait for their block, so that no key fills the queue.
const MAX_PENDING_PER_KEY: usize = 16;
/// Callers that may wait for one transaction: its author, and retries of its author.
const MAX_REPLIES: usize = 8;
/// Blocks signed and written at once when a phase is crossed.
const MAX_BATCH: usize = 256;

/// What the manifest does not say.
#[derive(Clone)]
pub struct SequencerOptions {
    /// A paced run starts when so many miners are registered, or after `phase_ms`.
    pub expected_miners: u16,
    /// Milliseconds since 1970, for block times.
    pub now_ms: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// While it holds `true`, a paced phase waits for its duties as long as it takes: the time does not count. Blocks are
    /// made as ever.
    pub hold: watch::Receiver<bool>,
}

/// Makes blocks. There is one per ledger.
pub struct Sequencer {
    ledger: Arc<Ledger>,
    signer: Arc<dyn Signer>,
    options: SequencerOptions,
    inbox: Inbox,
    pending: Vec<Pending>,
    phase_began: Instant,
    phase_began_ms: u64,
    /// Since when time does not count.
    held_since: Option<Instant>,
}

struct Pending {
    transaction: Transaction,
    replies: Vec<oneshot::Sender<Result<Receipt, ChainError>>>,
}

/// What the paced clock does now.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// One block with what is pending.
    Block,
    /// Into the next phase.
    Cross,
    /// Nothing before this time, or a submission.
    WaitUntil(Instant),
}

impl Sequencer {
    /// A sequencer for `ledger`; it does nothing until [`Sequencer::run`].
    pub fn new(ledger: Arc<Ledger>, signer: Arc<dyn Signer>, options: SequencerOptions, inbox: Inbox) -> Self {
        let phase_began_ms = (options.now_ms)();
        let phase_began = Instant::now();
        Self { ledger, signer, options, inbox, pending: Vec::new(), phase_began, phase_began_ms, held_since: None }
    }

    /// Makes blocks until `cancel`, or until every [`super::Mempool`] is gone. Pending callers are told that it ended.
    ///
    /// # Errors
    /// [`ChainError::Storage`] and [`ChainError::Sign`]: a block could not be written or signed. The ledger must be
    /// opened anew; nothing that was answered is lost.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ChainError> {
        let clock = self.ledger.genesis().chain.clock;
        self.phase_began = Instant::now();
        self.phase_began_ms = (self.options.now_ms)();
        let mut last_block = Instant::now();
        loop {
            // Whatever is there belongs to the same block; a clock that is always behind still takes it.
            while self.pending.len() < MAX_TRANSACTIONS
                && let Ok(submission) = self.inbox.submissions.try_recv()
            {
                self.take(submission);
            }
            self.hold();
            let owed = self.show_waiting(clock);
            let step = match clock {
                Clock::Interval { block_ms } => self.interval_step(block_ms, last_block),
                Clock::Paced { block_ms, phase_ms } => self.paced_step(block_ms, phase_ms, last_block, &owed),
            };
            match step {
                Step::Block => {
                    self.make_block().await?;
                    last_block = Instant::now();
                }
                Step::Cross => {
                    self.cross().await?;
                    last_block = Instant::now();
                }
                Step::WaitUntil(time) => {
                    tokio::select! {
                        biased;
                        () = cancel.cancelled() => return Ok(()),
                        submission = self.inbox.submissions.recv(), if self.pending.len() < MAX_TRANSACTIONS => {
                            let Some(submission) = submission else { return Ok(()) };
                            self.take(submission);
                        }
                        // Whoever could hold the clock may be gone for good; then it is not held.
                        Ok(()) = self.options.hold.changed() => {}
                        () = tokio::time::sleep_until(time) => {}
                    }
                }
            }
            if cancel.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Begins or ends a hold; when it ends, the phase's time goes on where it stood.
    fn hold(&mut self) {
        let held = *self.options.hold.borrow_and_update();
        match (held, self.held_since) {
            (true, None) => self.held_since = Some(Instant::now()),
            (false, Some(since)) => {
                let lost = since.max(self.phase_began).elapsed();
                self.phase_began += lost;
                self.phase_began_ms = self.phase_began_ms.saturating_add(u64::try_from(lost.as_millis()).unwrap_or(0));
                self.held_since = None;
            }
            _ => {}
        }
    }

    /// Queues a submission; the same transaction sent twice waits once.
    fn take(&mut self, Submission { transaction, reply }: Submission) {
        let same = self.pending.iter_mut().find(|p| {
            p.transaction.nonce == transaction.nonce
                && p.transaction.hotkey == transaction.hotkey
                && p.transaction.call == transaction.call
        });
        match same {
            Some(pending) => {
                pending.replies.retain(|r| !r.is_closed());
                if pending.replies.len() < MAX_REPLIES {
                    pending.replies.push(reply);
                }
            }
            None => {
                let pending = Pending { transaction, replies: vec![reply] };
                let key = pending.transaction.hotkey;
                if self.pending.iter().filter(|p| p.transaction.hotkey == key).count() < MAX_PENDING_PER_KEY {
                    self.pending.push(pending);
                } else {
                    pending.answer(&Err(ChainError::unavailable("too many transactions of this key wait already")));
                }
            }
        }
    }

    fn show_waiting(&self, clock: Clock) -> Vec<Duty> {
        let tip = self.ledger.tip();
        let rules = self.ledger.genesis();
        let (owed, until_ms) = match clock {
            Clock::Interval { .. } => (Vec::new(), None),
            Clock::Paced { phase_ms, .. } => (
                duties(rules, &tip.state, tip.head.number, self.options.expected_miners),
                Some(self.phase_began_ms.saturating_add(phase_ms)),
            ),
        };
        let shown = Waiting {
            round: rules.rounds.round_of(tip.head.number),
            phase_began: phase_bounds(&self.ledger, tip.head.number).0,
            since_ms: self.phase_began_ms,
            until_ms,
            duties: owed.clone(),
        };
        self.inbox.waiting.send_if_modified(|now| {
            let changed = now.as_ref() != Some(&shown);
            *now = Some(shown);
            changed
        });
        owed
    }

    fn interval_step(&self, block_ms: u64, last_block: Instant) -> Step {
        let due = last_block + Duration::from_millis(block_ms);
        if Instant::now() >= due { Step::Block } else { Step::WaitUntil(due) }
    }

    fn paced_step(&mut self, block_ms: u64, phase_ms: u64, last_block: Instant, owed: &[Duty]) -> Step {
        let now = Instant::now();
        let counted_from = if self.held_since.is_some() { now } else { self.phase_began };
        let phase_ends = counted_from + Duration::from_millis(phase_ms);
        let head = self.ledger.head().number;
        let blocks_left = phase_bounds(&self.ledger, head).1.0 - 1 - head.0;
        let over = owed.is_empty() || now >= phase_ends;
        let due = last_block + Duration::from_millis(block_ms);
        if blocks_left > 0 && (over || now >= due) {
            // A refusal needs no block, and must not use one up.
            self.answer_refused();
        }
        if over {
            return if self.pending.is_empty() || blocks_left == 0 { Step::Cross } else { Step::Block };
        }
        if self.pending.is_empty() || blocks_left == 0 {
            Step::WaitUntil(phase_ends)
        } else if now < due {
            Step::WaitUntil(due.min(phase_ends))
        } else if blocks_left > 1 || self.would_settle() {
            Step::Block
        } else {
            Step::WaitUntil(phase_ends)
        }
    }

    /// Answers what the next block would refuse and forgets it.
    fn answer_refused(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let draft = self.ledger.draft(&self.transactions(), 0);
        let results = draft.results().to_vec();
        let mut kept = Vec::with_capacity(self.pending.len());
        for (pending, result) in self.pending.drain(..).zip(results) {
            match result {
                Ok(_) => kept.push(pending),
                Err(error) => pending.answer(&standing(error)),
            }
        }
        self.pending = kept;
    }

    /// Whether a block with what is pending leaves nothing owed.
    fn would_settle(&self) -> bool {
        let draft = self.ledger.draft(&self.transactions(), 0);
        let Tip { head, state } = draft.next();
        duties(self.ledger.genesis(), state, head.number, self.options.expected_miners).is_empty()
    }

    fn transactions(&self) -> Vec<Transaction> {
        self.pending.iter().map(|p| p.transaction.clone()).collect()
    }

    async fn make_block(&mut self) -> Result<(), ChainError> {
        let before = self.ledger.head().number;
        self.append(1).await?;
        let after = self.ledger.head().number;
        if phase_bounds(&self.ledger, before).0 != phase_bounds(&self.ledger, after).0 {
            self.begin_phase();
        }
        Ok(())
    }

    /// Makes blocks up to the first one of the next phase.
    async fn cross(&mut self) -> Result<(), ChainError> {
        let target = phase_bounds(&self.ledger, self.ledger.head().number).1;
        while let left @ 1.. = target.0.saturating_sub(self.ledger.head().number.0) {
            self.append(left.min(MAX_BATCH as u64) as usize).await?;
        }
        self.begin_phase();
        Ok(())
    }

    fn begin_phase(&mut self) {
        self.phase_began = Instant::now();
        self.phase_began_ms = (self.options.now_ms)();
    }

    /// Appends `count` blocks; what is pending goes into the first one.
    async fn append(&mut self, count: usize) -> Result<(), ChainError> {
        let mut transactions = self.transactions();
        let mut results = Vec::new();
        let mut sealed: Vec<Sealed> = Vec::with_capacity(count);
        let mut tip = self.ledger.tip();
        for _ in 0..count {
            let draft = self.ledger.draft_on(&tip, &transactions, (self.options.now_ms)());
            if !transactions.is_empty() {
                results = draft.results().to_vec();
                transactions.clear();
            }
            tip = draft.next().clone();
            let signature = self.signer.sign(&draft.payload()).await?;
            sealed.push(draft.seal(signature));
        }
        let ledger = Arc::clone(&self.ledger);
        let appended = tokio::task::spawn_blocking(move || ledger.append(&sealed)).await;
        appended.map_err(|e| ChainError::Storage { why: e.to_string() })??;
        for (pending, result) in self.pending.drain(..).zip(results) {
            pending.answer(&result.or_else(standing));
        }
        Ok(())
    }
}

impl Pending {
    fn answer(self, answer: &Result<Receipt, ChainError>) {
        for reply in self.replies {
            // The caller may have gone; its transaction stands all the same.
            let _ = reply.send(answer.clone());
        }
    }
}

/// What stands already and says the same is as good as taken.
fn standing(error: ChainError) -> Result<Receipt, ChainError> {
    match error {
        ChainError::Duplicate { receipt, same: true } => Ok(receipt),
        other => Err(other),
    }
}

/// First block of the phase of `block`, and first block of the next phase.
fn phase_bounds(ledger: &Ledger, block: BlockNumber) -> (BlockNumber, BlockNumber) {
    let rounds = &ledger.genesis().rounds;
    let round = rounds.round_of(block);
    let (start, gather, settle) = (rounds.start(round), rounds.commit_deadline(round), rounds.attest_deadline(round));
    match rounds.phase_of(block) {
        Phase::Compute => (start, gather),
        Phase::Gather => (gather, settle),
        Phase::Settle => (settle, rounds.start(round.next())),
    }
}

#[cfg(test)]
mod tests;
