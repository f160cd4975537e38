//! Which submissions a round aggregates: decided by the chain alone, so that everybody decides alike.
//!
//! In: the round's records, the validators, the manifest's round parameters. Out: commitments in order, the gather list in
//! force, and the candidates that a quorum attested. It fetches nothing and looks at no payload; the checks that need the
//! payloads (norm, copies) follow in [`crate::gather`] and are just as deterministic.
//!
//! Covey's departure from the reference (protocol.md §4.6): there, each peer aggregates what it happened to download.
//! Here a payload counts if more than half of the attesting gather peers and validators hold it; a peer that misses
//! one fetches it before its outer step. That is what keeps θ bit-identical everywhere.

use std::collections::{BTreeMap, BTreeSet};

use chain::{ChainRecord, Neuron};
use types::manifest::RoundParams;
use types::{BlockNumber, Hash32, Hotkey, Record, Round, Uid};

/// Rounds a validator may be silent before the next one's gather list counts.
pub const LIST_PATIENCE_ROUNDS: u64 = 4;

/// A peer's commitment for a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    /// Who committed; the key that must have signed the payload.
    pub hotkey: Hotkey,
    /// BLAKE3 of the container.
    pub root: Hash32,
    /// Its length.
    pub bytes: u64,
    /// Parameters the peer started from.
    pub theta: Hash32,
    /// Block and index within it: who was first.
    pub order: (BlockNumber, u32),
}

/// What the chain says about one round.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoundRecords {
    /// Commitments by uid.
    pub commits: BTreeMap<Uid, Commitment>,
    /// Attestations by uid.
    pub attests: BTreeMap<Uid, Vec<Uid>>,
}

impl RoundRecords {
    /// Picks a round's commitments and attestations out of chain records.
    pub fn of(round: Round, records: &[ChainRecord]) -> Self {
        let mut out = Self::default();
        for r in records.iter().filter(|r| r.record.round() == round) {
            match &r.record {
                Record::Commit { root, bytes, theta, .. } => {
                    let order = (r.block, r.index);
                    let commitment = Commitment { hotkey: r.hotkey, root: *root, bytes: *bytes, theta: *theta, order };
                    out.commits.entry(r.uid).or_insert(commitment);
                }
                Record::Attest { have, .. } => {
                    out.attests.entry(r.uid).or_insert_with(|| have.clone());
                }
                Record::Report { .. } | Record::Checkpoint { .. } | Record::Bucket { .. } => {}
            }
        }
        out
    }

    /// The parameters most gather peers started from; `None` if nobody committed. Ties go to the smaller hash.
    pub fn majority_theta(&self, gather: &[Uid]) -> Option<Hash32> {
        let mut votes: BTreeMap<Hash32, usize> = BTreeMap::new();
        let listed = self.commits.iter().filter(|(uid, _)| gather.is_empty() || gather.contains(uid));
        for (_, commitment) in listed {
            *votes.entry(commitment.theta).or_default() += 1;
        }
        votes.into_iter().max_by_key(|(hash, n)| (*n, std::cmp::Reverse(*hash))).map(|(hash, _)| hash)
    }

    /// Listed, committed, and attested by more than half of the attesting gather peers and validators; ascending.
    pub fn candidates(&self, gather: &[Uid], validators: &BTreeSet<Uid>) -> Vec<Uid> {
        let voters: Vec<&Vec<Uid>> = self
            .attests
            .iter()
            .filter(|(uid, _)| validators.contains(uid) || gather.contains(uid))
            .map(|(_, have)| have)
            .collect();
        let available = |uid: &Uid| 2 * voters.iter().filter(|have| have.contains(uid)).count() > voters.len();
        self.commits.keys().copied().filter(|uid| gather.contains(uid) && available(uid)).collect()
    }
}

/// Validators by stake, largest first; equal stakes by uid.
pub fn validators_by_stake(neurons: &[Neuron]) -> Vec<Uid> {
    let mut validators: Vec<_> = neurons.iter().filter(|n| n.is_validator).collect();
    validators.sort_by_key(|n| (std::cmp::Reverse(n.stake), n.uid));
    validators.iter().map(|n| n.uid).collect()
}

/// The gather list in force when the commitments of `round` close: the latest report of the highest-stake validator that
/// reported within [`LIST_PATIENCE_ROUNDS`], else the latest report of anyone. `records` must reach back far enough.
pub fn gather_list(
    round: Round,
    params: &RoundParams,
    validators: &[Uid],
    records: &[ChainRecord],
) -> Option<Vec<Uid>> {
    let deadline = params.commit_deadline(round);
    let recent = params.start(Round(round.0.saturating_sub(LIST_PATIENCE_ROUNDS)));
    let reports = || {
        records.iter().filter(|r| r.block < deadline && validators.contains(&r.uid)).filter_map(|r| match &r.record {
            Record::Report { round, gather, .. } => Some((r, *round, gather)),
            _ => None,
        })
    };
    let latest = |uid: Option<Uid>, since: BlockNumber| {
        reports()
            .filter(|(r, ..)| r.block >= since && uid.is_none_or(|uid| r.uid == uid))
            .max_by_key(|(r, judged, _)| (*judged, r.block, r.index))
            .map(|(.., gather)| gather.clone())
    };
    validators.iter().find_map(|uid| latest(Some(*uid), recent)).or_else(|| latest(None, BlockNumber(0)))
}

#[cfg(test)]
mod tests;
