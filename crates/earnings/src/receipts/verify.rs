//! Recomputes a log and holds it against a chain.
//!
//! In: a log's bytes (hostile), facts of a ledger or node. Out: the first wrong line and its field, and for every number of every
//! round whether it was measured here, reported by somebody or stands on chain. What no fact was given for stays unchecked and
//! says so. It asks nobody: the facts were fetched before.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use serde::Serialize;
use types::{BlockNumber, Hash32, Hotkey, Rao, Round, RunId, Uid, Verdict};

use super::entry::{Entry, RoundReceipt, VerdictGiven, What};
use super::line::decode;
use super::log::{Lines, LogHead, follows};
use crate::amount::Mark;

/// What a chain says of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact<T> {
    /// It stands there.
    Known(T),
    /// It does not stand there, and the chain was read where it should.
    Absent,
    /// Nobody could say: pruned, not read, no answer.
    Unknown,
}

/// A commitment on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitFact {
    /// Its block.
    pub block: BlockNumber,
    /// Its place in that block.
    pub index: u32,
    /// Slot of its author.
    pub uid: Uid,
    /// BLAKE3 of the payload.
    pub root: Hash32,
    /// Length of the payload.
    pub bytes: u64,
}

/// A validator's report on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportFact {
    /// Block of its record.
    pub block: BlockNumber,
    /// BLAKE3 of its body.
    pub root: Hash32,
    /// What the body says of our key, if the body was had.
    pub outcome: Option<Verdict>,
}

/// A pay-out on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RewardFact {
    /// What it paid our key.
    pub amount: Rao,
}

/// Facts of a ledger or node.
pub trait ReceiptFacts {
    /// The commitment of `hotkey` for a round.
    fn commit_of(&self, run: RunId, hotkey: Hotkey, round: Round) -> Fact<CommitFact>;
    /// The report of a validator on a round.
    fn report_of(&self, run: RunId, validator: Hotkey, round: Round) -> Fact<ReportFact>;
    /// What the pay-out of a block paid our key.
    fn reward_at(&self, run: RunId, block: BlockNumber) -> Fact<RewardFact>;
}

/// No chain at hand: everything stays unchecked.
impl ReceiptFacts for () {
    fn commit_of(&self, _: RunId, _: Hotkey, _: Round) -> Fact<CommitFact> {
        Fact::Unknown
    }

    fn report_of(&self, _: RunId, _: Hotkey, _: Round) -> Fact<ReportFact> {
        Fact::Unknown
    }

    fn reward_at(&self, _: RunId, _: BlockNumber) -> Fact<RewardFact> {
        Fact::Unknown
    }
}

/// One number of a round and how far it is to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Field.
    pub field: &'static str,
    /// Its value in words.
    pub value: String,
    /// What kind of number it is.
    pub mark: Mark,
    /// Who reported it.
    pub by: Option<Hotkey>,
    /// Whether a fact of the chain agreed with it.
    pub confirmed: bool,
}

/// All that is on record of one round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundState {
    /// The run.
    pub run: RunId,
    /// The round.
    pub round: Round,
    /// What was measured; `None` if only others speak of the round.
    pub receipt: Option<RoundReceipt>,
    /// Where our commitment stands.
    pub commit: Option<(BlockNumber, u32)>,
    /// Verdicts, in the order they became known.
    pub verdicts: Vec<VerdictGiven>,
    /// Shares of pay-outs.
    pub rewards: Vec<(BlockNumber, Rao)>,
    /// Every number with its mark.
    pub numbers: Vec<Checked>,
}

/// The first line that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrongRecord {
    /// Which line, from 1.
    pub record: u64,
    /// The round it speaks of, if that can be read.
    pub round: Option<Round>,
    /// The field.
    pub field: &'static str,
    /// What is the matter.
    pub why: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Lines that hold, before the first wrong one.
    pub head: LogHead,
    /// The first wrong line.
    pub wrong: Option<WrongRecord>,
    /// The rounds of those lines, in the order of the file.
    pub rounds: Vec<RoundState>,
    /// Numbers that a chain confirmed.
    pub confirmed: u64,
    /// Numbers that a chain could confirm, but nobody could say.
    pub unchecked: u64,
}

impl Verification {
    /// Whether everything holds.
    pub fn holds(&self) -> bool {
        self.wrong.is_none()
    }
}

/// Recomputes the log and compares it with the facts. `expected` is a head remembered elsewhere: a log that ends before it
/// was cut.
///
/// # Errors
/// Only if the bytes cannot be read at all.
pub fn verify(log: impl BufRead, facts: &dyn ReceiptFacts, expected: Option<LogHead>) -> io::Result<Verification> {
    let mut checker =
        Checker { facts, expected, head: LogHead::default(), rounds: Rounds::default(), paid: BTreeMap::new() };
    let mut lines = Lines::new(log);
    let mut wrong = None;
    while let Some(line) = lines.next()? {
        let record = checker.head.records + 1;
        let decoded = decode(line.bytes).and_then(|(entry, hash)| {
            follows(checker.head, &entry)?;
            Ok((entry, hash))
        });
        let (entry, hash) = match decoded {
            Ok(both) if !line.torn => both,
            Ok((entry, _)) => {
                wrong = Some(WrongRecord::new(record, Some(entry.what.round()), "line", "has no end: it was torn off"));
                break;
            }
            Err(found) => {
                wrong = Some(WrongRecord::new(record, None, found.field, found.why));
                break;
            }
        };
        if let Err((field, why)) = checker.take(&entry, hash) {
            wrong = Some(WrongRecord::new(record, Some(entry.what.round()), field, why));
            break;
        }
    }
    let missing = expected.filter(|end| wrong.is_none() && end.records > checker.head.records);
    if missing.is_some() {
        wrong =
            Some(WrongRecord::new(checker.head.records + 1, None, "line", "is missing: the log was cut off before it"));
    }
    Ok(checker.end(wrong))
}

/// The rounds of a log that was read before, without any chain.
pub fn rounds(entries: &[Entry]) -> Vec<RoundState> {
    let mut rounds = Rounds::default();
    for entry in entries {
        rounds.take(entry);
    }
    rounds.list
}

impl WrongRecord {
    fn new(record: u64, round: Option<Round>, field: &'static str, why: &str) -> Self {
        Self { record, round, field, why: why.to_owned() }
    }
}

#[derive(Default)]
struct Rounds {
    list: Vec<RoundState>,
    places: BTreeMap<(RunId, Round), usize>,
}

impl Rounds {
    fn state(&mut self, run: RunId, round: Round) -> &mut RoundState {
        let place = *self.places.entry((run, round)).or_insert(self.list.len());
        if place == self.list.len() {
            let (receipt, commit) = (None, None);
            let (verdicts, rewards, numbers) = (Vec::new(), Vec::new(), Vec::new());
            self.list.push(RoundState { run, round, receipt, commit, verdicts, rewards, numbers });
        }
        &mut self.list[place]
    }

    fn take(&mut self, entry: &Entry) {
        let state = self.state(entry.what.run(), entry.what.round());
        match &entry.what {
            What::Round(receipt) => {
                state.commit = state.commit.or(receipt.commit_block.zip(receipt.commit_index));
                state.receipt = Some(receipt.clone());
                state.numbers.extend(measured(receipt));
            }
            What::Commit(found) => state.commit = Some((found.commit_block, found.commit_index)),
            What::Verdict(given) => {
                let mut number = Checked::new("outcome", given.outcome.to_string(), Mark::Reported);
                number.by = Some(given.judged_by.validator);
                state.numbers.push(number);
                state.verdicts.push(*given);
            }
            What::Reward(share) => {
                let text = format!("{} at block {}", crate::amount::decimal(share.attributed.0, 9), share.reward_block);
                state.numbers.push(Checked::new("attributed", text, Mark::Attributed));
                state.rewards.push((share.reward_block, share.attributed));
            }
        }
    }
}

impl Checked {
    fn new(field: &'static str, value: String, mark: Mark) -> Self {
        Self { field, value, mark, by: None, confirmed: false }
    }
}

fn measured(receipt: &RoundReceipt) -> Vec<Checked> {
    let number = |field, value: Option<String>| value.map(|value| Checked::new(field, value, Mark::Measured));
    [
        number("data_digest", Some(receipt.data_digest.to_string())),
        number("payload_root", receipt.payload_root.map(|root| root.to_string())),
        number("payload_bytes", receipt.payload_bytes.map(|bytes| bytes.to_string())),
        number("inner_steps", Some(receipt.inner_steps.to_string())),
        number("tokens", Some(receipt.tokens.to_string())),
        number("began_ms", Some(receipt.began_ms.to_string())),
        number("ended_ms", Some(receipt.ended_ms.to_string())),
        number("energy", receipt.energy.map(|energy| format!("{} mJ", energy.millijoules))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

type Refused = (&'static str, &'static str);

struct Checker<'a> {
    facts: &'a dyn ReceiptFacts,
    expected: Option<LogHead>,
    head: LogHead,
    rounds: Rounds,
    /// Attributed so far of each pay-out.
    paid: BTreeMap<(RunId, BlockNumber), u128>,
}

impl Checker<'_> {
    fn take(&mut self, entry: &Entry, hash: Hash32) -> Result<(), Refused> {
        let records = self.head.records + 1;
        if self.expected.is_some_and(|end| end.records == records && end.hash != hash) {
            return Err(("hash", "is not the one that was remembered: the log was rewritten"));
        }
        match &entry.what {
            What::Round(receipt) => self.rounds_commit(receipt, receipt.commit_block.zip(receipt.commit_index))?,
            What::Commit(found) => {
                let receipt = self.rounds.state(found.run, found.round).receipt.clone();
                let Some(receipt) = receipt else { return Err(("round", "has no receipt before its commitment")) };
                self.rounds_commit(&receipt, Some((found.commit_block, found.commit_index)))?;
            }
            What::Verdict(given) => self.verdict(given)?,
            What::Reward(share) => self.reward(share.run, share.reward_block, share.attributed)?,
        }
        self.rounds.take(entry);
        self.head = LogHead { records, hash };
        Ok(())
    }

    fn rounds_commit(&self, receipt: &RoundReceipt, claimed: Option<(BlockNumber, u32)>) -> Result<(), Refused> {
        const OTHER: &str = "is not what stands on chain";
        match (self.facts.commit_of(receipt.run, receipt.hotkey, receipt.round), claimed) {
            (Fact::Absent, Some(_)) => Err(("commit_block", "holds no commitment of this key for this round")),
            (Fact::Known(fact), _) => {
                let agree = [
                    ("uid", fact.uid == receipt.uid),
                    ("payload_root", receipt.payload_root == Some(fact.root)),
                    ("payload_bytes", receipt.payload_bytes == Some(fact.bytes)),
                    ("commit_block", claimed.is_none_or(|(block, _)| block == fact.block)),
                    ("commit_index", claimed.is_none_or(|(_, index)| index == fact.index)),
                ];
                agree.into_iter().find(|(_, holds)| !holds).map_or(Ok(()), |(field, _)| Err((field, OTHER)))
            }
            (Fact::Absent | Fact::Unknown, _) => Ok(()),
        }
    }

    fn verdict(&self, given: &VerdictGiven) -> Result<(), Refused> {
        let by = &given.judged_by;
        match self.facts.report_of(given.run, by.validator, given.round) {
            Fact::Unknown => Ok(()),
            Fact::Absent => Err(("judged_by", "has no report of this validator on this round on chain")),
            Fact::Known(fact) if (fact.root, fact.block) != (by.report_root, by.report_block) => {
                Err(("judged_by", "is not the report that stands on chain"))
            }
            Fact::Known(fact) if fact.outcome.is_some_and(|outcome| outcome != given.outcome) => {
                Err(("outcome", "is not what the validator's report says"))
            }
            Fact::Known(_) => Ok(()),
        }
    }

    fn reward(&mut self, run: RunId, block: BlockNumber, share: Rao) -> Result<(), Refused> {
        let sum = self.paid.entry((run, block)).or_default();
        *sum += u128::from(share.0);
        match self.facts.reward_at(run, block) {
            Fact::Unknown => Ok(()),
            Fact::Absent => Err(("reward_block", "paid nothing to this key")),
            Fact::Known(fact) if *sum > u128::from(fact.amount.0) => {
                Err(("attributed", "makes the rounds' shares more than the pay-out"))
            }
            Fact::Known(_) => Ok(()),
        }
    }

    /// Marks what the chain confirmed.
    fn end(mut self, wrong: Option<WrongRecord>) -> Verification {
        let (mut confirmed, mut unchecked) = (0, 0);
        for state in &mut self.rounds.list {
            let receipt = state.receipt.as_ref();
            let commit = receipt.map(|r| self.facts.commit_of(state.run, r.hotkey, state.round));
            let (run, round) = (state.run, state.round);
            let mut rewards = state.rewards.iter();
            for number in &mut state.numbers {
                let known = match (number.field, number.by) {
                    ("payload_root" | "payload_bytes", _) => known(commit.unwrap_or(Fact::Unknown)),
                    ("outcome", Some(validator)) => match self.facts.report_of(run, validator, round) {
                        // The root alone does not say what the body says.
                        Fact::Known(fact) => Some(fact.outcome.is_some()),
                        other => known(other),
                    },
                    ("attributed", _) => rewards.next().and_then(|(block, _)| known(self.facts.reward_at(run, *block))),
                    _ => continue,
                };
                number.confirmed = known == Some(true);
                if number.confirmed && number.mark == Mark::Measured {
                    number.mark = Mark::OnChain;
                }
                confirmed += u64::from(number.confirmed);
                unchecked += u64::from(!number.confirmed);
            }
        }
        Verification { head: self.head, wrong, rounds: self.rounds.list, confirmed, unchecked }
    }
}

/// Whether the fact is known to stand there.
fn known<T: Copy>(fact: Fact<T>) -> Option<bool> {
    match fact {
        Fact::Known(_) => Some(true),
        Fact::Absent => Some(false),
        Fact::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
