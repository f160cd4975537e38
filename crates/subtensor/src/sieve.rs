//! Which records count: the first in each place, within their phase.
//!
//! In: records as blocks have them, in chain order. Out: those that count. The chain itself takes anything, so this is the
//! ledger's rulebook for readers. It looks no further back than the round a block belongs to: two readers that begin to
//! read at different rounds agree.

use std::collections::{BTreeMap, BTreeSet};

use types::manifest::RoundParams;
use types::{BlockNumber, Hash32, Record, Round, Uid};

use crate::history::Said;

/// Rounds after which a report is late, as on the ledger.
const REPORT_ROUNDS: u64 = 16;
/// Checkpoints a key may announce per round, as on the ledger.
pub(crate) const CHECKPOINTS_PER_ROUND: usize = 4;

/// First block in which a record counts, and first block in which it does not any more.
pub(crate) fn window(rounds: &RoundParams, record: &Record) -> (BlockNumber, BlockNumber) {
    let round = record.round();
    match record {
        Record::Commit { .. } => (rounds.start(round), rounds.commit_deadline(round)),
        Record::Attest { .. } => (rounds.commit_deadline(round), rounds.attest_deadline(round)),
        Record::Report { .. } => {
            let deadline = rounds.start(Round(round.0.saturating_add(REPORT_ROUNDS + 1)));
            (rounds.start(round.next()), deadline)
        }
        // The parameters at the start of a round are known when the round before it has settled.
        Record::Checkpoint { .. } => (rounds.start(round.previous().unwrap_or_default()), BlockNumber(u64::MAX)),
        Record::Bucket { .. } => (rounds.start(round), rounds.start(round.next())),
    }
}

/// Goes through the records of a stretch of blocks that begins with a round.
pub(crate) struct Sieve<'a> {
    rounds: &'a RoundParams,
    now: Round,
    taken: BTreeSet<(Uid, u8, Round)>,
    checkpoints: BTreeMap<Uid, BTreeSet<Hash32>>,
}

impl<'a> Sieve<'a> {
    pub(crate) fn new(rounds: &'a RoundParams) -> Self {
        Self { rounds, now: Round(0), taken: BTreeSet::new(), checkpoints: BTreeMap::new() }
    }

    /// Whether this record, which comes behind all that were asked about before, counts.
    pub(crate) fn counts(&mut self, block: BlockNumber, said: &Said) -> bool {
        let now = self.rounds.round_of(block);
        if now != self.now {
            self.now = now;
            self.taken.clear();
            self.checkpoints.clear();
        }
        let (opens, deadline) = window(self.rounds, &said.record);
        if block < opens || block >= deadline || !said.may_report {
            return false;
        }
        let kind = match said.record {
            Record::Commit { .. } => 0,
            Record::Attest { .. } => 1,
            Record::Report { .. } => 2,
            Record::Bucket { .. } => 3,
            Record::Checkpoint { .. } => {
                let own = self.checkpoints.entry(said.uid).or_default();
                return own.len() < CHECKPOINTS_PER_ROUND && own.insert(Hash32::of(&said.record.to_bytes()));
            }
        };
        self.taken.insert((said.uid, kind, said.record.round()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Hotkey;

    const ROUNDS: RoundParams =
        RoundParams { blocks: 12, commit_by: 5, attest_by: 9, null_rounds: 0, checkpoint_every: 10 };

    fn said(uid: u16, record: Record) -> Said {
        Said { index: 0, uid: Uid(uid), hotkey: Hotkey([uid as u8; 32]), may_report: true, record }
    }

    fn commit(round: u64, root: u8) -> Record {
        Record::Commit { round: Round(round), root: Hash32([root; 32]), bytes: 1, theta: Hash32([0; 32]) }
    }

    fn report(round: u64, root: u8) -> Record {
        Record::Report { round: Round(round), root: Hash32([root; 32]), bytes: 1, gather: vec![] }
    }

    fn checkpoint(round: u64, root: u8) -> Record {
        Record::Checkpoint { round: Round(round), root: Hash32([root; 32]), bytes: 1, theta: Hash32([0; 32]) }
    }

    fn sift(records: &[(u64, Said)]) -> Vec<bool> {
        let mut sieve = Sieve::new(&ROUNDS);
        records.iter().map(|(block, said)| sieve.counts(BlockNumber(*block), said)).collect()
    }

    #[test]
    fn a_commitment_counts_once_and_within_its_phase() {
        let early = (11, said(1, commit(1, 1)));
        let first = (12, said(1, commit(1, 1)));
        let second = (13, said(1, commit(1, 2)));
        let others = (16, said(2, commit(1, 3)));
        let late = (17, said(3, commit(1, 4)));
        assert_eq!(sift(&[early, first, second, others, late]), [false, true, false, true, false]);
    }

    #[test]
    fn an_attestation_counts_between_the_two_deadlines() {
        let attest = || said(1, Record::Attest { round: Round(1), have: vec![] });
        assert_eq!(sift(&[(16, attest()), (17, attest()), (20, attest())]), [false, true, false]);
        assert_eq!(sift(&[(21, attest())]), [false]);
    }

    #[test]
    fn a_report_counts_if_its_author_has_the_permit() {
        let without = Said { may_report: false, ..said(1, report(0, 1)) };
        assert_eq!(
            sift(&[(11, said(1, report(0, 1))), (12, without), (12, said(1, report(0, 1)))]),
            [false, false, true]
        );
        assert_eq!(sift(&[(12 * 17 - 1, said(1, report(0, 1))), (12 * 17, said(1, report(0, 1)))]), [true, false]);
    }

    #[test]
    fn a_bucket_counts_once_and_while_its_round_runs() {
        let bucket = || said(1, Record::Bucket { round: Round(1), bucket: None });
        assert_eq!(sift(&[(11, bucket()), (12, bucket()), (13, bucket())]), [false, true, false]);
        assert_eq!(sift(&[(23, bucket())]), [true]);
        assert_eq!(sift(&[(24, bucket())]), [false]);
    }

    #[test]
    fn a_key_announces_at_most_four_checkpoints_per_round() {
        let five: Vec<_> = (0..5).map(|root| (12, said(1, checkpoint(1, root)))).collect();
        assert_eq!(sift(&five), [true, true, true, true, false]);
        let same = [(12, said(1, checkpoint(1, 1))), (13, said(1, checkpoint(1, 1))), (24, said(1, checkpoint(1, 1)))];
        assert_eq!(sift(&same), [true, false, true]);
    }
}
