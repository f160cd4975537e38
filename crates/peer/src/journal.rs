//! A peer's own record of its work: a receipt per round, verdicts on it, what it was paid.
//!
//! In: what the round machine's effects know, reports, the chain. Out: lines of a hash-chained log and entries of the book,
//! in the peer's own folder. A journal that cannot be written is said once and never stops training: the work counts on
//! chain, not here.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use earnings::receipts::{
    JudgedBy, LogError, ReceiptLog, RewardShare, RoundReceipt, VerdictGiven, What, rounds as round_states,
};
use earnings::{RoundShare, attribute_epochs};
use ipc::Event;
use sparseloco::{Expected, Layout};
use types::manifest::RunId;
use types::{Hash32, Hotkey, Problem, Round, Uid, Verdict};

use crate::chains::RunChain;
use crate::events::{Events, now_ms};
use crate::pay::{self, BOOK_FILE, PayError};
use crate::places::RunFolder;
use crate::replica::blocking;
use crate::settlement::Commitment;

/// The log's file in a peer's own folder.
pub const RECEIPTS_FILE: &str = "receipts.jsonl";

/// The journal of one hotkey in one run.
pub struct Journal {
    run: RunFolder,
    chain: RunChain,
    hotkey: Hotkey,
    uid: Uid,
    folder: PathBuf,
    events: Events,
    log: Option<Arc<Mutex<ReceiptLog>>>,
    /// When the running round's first inner step began.
    began: Mutex<Option<(Round, u64)>>,
    /// A problem was said already.
    complained: Mutex<bool>,
}

/// What a sealed payload says of its round.
#[derive(Debug, Clone, Copy)]
pub struct Sealed {
    root: Hash32,
    bytes: u64,
    /// The container's 16-byte digest of the samples, zeros behind it.
    data_digest: Hash32,
    tokens: u64,
    inner_steps: u32,
}

impl Sealed {
    /// Reads this peer's own payload; `None` if it is another round's or none at all.
    pub fn read(bytes: &[u8], layout: &Layout, run: RunId, round: Round, own: (Uid, Hotkey)) -> Option<Self> {
        let expected = Expected { run, round, uid: own.0, hotkey: own.1, theta: None };
        let submission = sparseloco::decode(bytes, layout, &expected).ok()?;
        let header = submission.header();
        let mut digest = [0; 32];
        digest[..header.sample_digest.len()].copy_from_slice(&header.sample_digest);
        Some(Self {
            root: Hash32::of(bytes),
            bytes: bytes.len() as u64,
            data_digest: Hash32(digest),
            tokens: header.tokens,
            inner_steps: header.inner_steps,
        })
    }
}

impl Journal {
    /// Opens the log in the peer's own folder; a log that is damaged or in use is said and left alone.
    pub async fn open(run: RunFolder, chain: RunChain, own: (Uid, Hotkey), folder: PathBuf, events: Events) -> Self {
        let path = folder.join(RECEIPTS_FILE);
        let opened = blocking(move || ReceiptLog::open(&path)).await;
        let mut journal = Self {
            run,
            chain,
            hotkey: own.1,
            uid: own.0,
            folder,
            events,
            log: None,
            began: Mutex::default(),
            complained: Mutex::default(),
        };
        match opened {
            Ok(Ok(log)) => journal.log = Some(Arc::new(Mutex::new(log))),
            Ok(Err(error)) => journal.complain(&error.to_string()).await,
            Err(error) => journal.complain(&error.to_string()).await,
        }
        journal
    }

    /// A round's inner steps begin, or go on after a pause.
    pub fn round_begins(&self, round: Round) {
        let mut began = self.began.lock().unwrap_or_else(PoisonError::into_inner);
        if began.is_none_or(|(of, _)| of != round) {
            *began = Some((round, now_ms()));
        }
    }

    /// A round is over; `commitment` is what the chain holds of this peer.
    pub async fn round_ended(&self, round: Round, sealed: Option<Sealed>, commitment: Option<Commitment>) {
        let Some(sealed) = sealed else { return };
        let ended_ms = now_ms();
        let began = *self.began.lock().unwrap_or_else(PoisonError::into_inner);
        let began_ms = began.filter(|(of, _)| *of == round).map_or(ended_ms, |(_, at)| at);
        let commitment = commitment.filter(|commitment| commitment.root == sealed.root);
        let receipt = RoundReceipt {
            run: self.run.id(),
            round,
            uid: self.uid,
            hotkey: self.hotkey,
            data_digest: sealed.data_digest,
            payload_root: Some(sealed.root),
            payload_bytes: Some(sealed.bytes),
            inner_steps: sealed.inner_steps,
            tokens: sealed.tokens,
            began_ms,
            ended_ms,
            // No meter is read yet: unknown, not zero.
            energy: None,
            commit_block: commitment.map(|c| c.order.0),
            commit_index: commitment.map(|c| c.order.1),
        };
        self.append(vec![What::Round(receipt)]).await;
    }

    /// A validator's verdict on this peer's round.
    pub async fn judged(&self, round: Round, outcome: Verdict, by: JudgedBy) {
        self.append(vec![What::Verdict(VerdictGiven { run: self.run.id(), round, outcome, judged_by: by })]).await;
    }

    /// Reads new pay-outs into the book, and writes down which rounds the confirmed ones are attributed to.
    pub async fn settle(&self) {
        if let Err(error) = self.try_settle().await {
            self.complain(&error.to_string()).await;
        }
    }

    async fn try_settle(&self) -> Result<(), PayError> {
        pay::sync(&self.run, &self.chain, self.hotkey, &self.folder).await?;
        let id = pay::book_id(&self.run, &self.chain, self.hotkey);
        let rewards = pay::with_book(&self.folder.join(BOOK_FILE), &id, |book| book.all_rewards()).await?;
        let path = self.folder.join(RECEIPTS_FILE);
        // Read again rather than remembered: a restarted peer must come to the same shares.
        let Ok(Ok(entries)) = blocking(move || ReceiptLog::read(&path)).await else { return Ok(()) };
        let accepted = |state: &earnings::receipts::RoundState| {
            let given = state.verdicts.iter().find(|verdict| verdict.outcome == Verdict::Accepted)?;
            Some(RoundShare { round: state.round, decided_at: given.judged_by.report_block, weight: 1 })
        };
        let shares: Vec<RoundShare> = round_states(&entries).iter().filter_map(accepted).collect();
        let confirmed: Vec<_> = rewards.into_iter().filter(|reward| reward.confirmed_at.is_some()).collect();
        let run = self.run.id();
        let lines = attribute_epochs(&confirmed, &shares).epochs.into_iter().flat_map(|epoch| {
            let reward_block = epoch.block;
            let line = move |(round, attributed)| What::Reward(RewardShare { run, round, reward_block, attributed });
            epoch.rounds.into_iter().map(line)
        });
        self.append(lines.collect()).await;
        Ok(())
    }

    /// Appends what is not in the log yet.
    async fn append(&self, lines: Vec<What>) {
        let Some(log) = self.log.clone() else { return };
        let written = blocking(move || -> Result<Vec<Event>, LogError> {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let mut receipts = Vec::new();
            let mut length = log.head().records;
            for line in lines {
                let round = line.round();
                match log.append(line) {
                    Ok(head) if head.records > length => {
                        length = head.records;
                        receipts.push(Event::Receipt { round, sequence: head.records, hash: head.hash });
                    }
                    // What stands there was known earlier and stays; the chain has the last word at verification.
                    Ok(_) | Err(LogError::Contradicts { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(receipts)
        });
        match written.await {
            Ok(Ok(receipts)) => {
                for receipt in receipts {
                    self.events.say(receipt).await;
                }
            }
            Ok(Err(error)) => self.complain(&error.to_string()).await,
            Err(error) => self.complain(&error.to_string()).await,
        }
    }

    async fn complain(&self, why: &str) {
        let first = !std::mem::replace(&mut *self.complained.lock().unwrap_or_else(PoisonError::into_inner), true);
        if first {
            let title = "Receipts or earnings cannot be written at present";
            let hint = format!("Training goes on and is paid all the same; what is missing is read later. {why}");
            self.events.say(Event::Problem { problem: Problem::new("journal", title, hint), fatal: false }).await;
        } else {
            tracing::warn!("journal: {why}");
        }
    }
}
