//! The checks every peer runs on the payloads of a round before it aggregates, so that all fix the same set.
//!
//! In: norm, body digest and commit order of each decoded payload, and the index overlaps of all pairs. Out: per uid
//! whether it is aggregated, or why not. Same inputs, same result, on every machine and in every order of arrival.

use std::collections::{BTreeMap, HashMap};

use types::manifest::GauntletParams;
use types::{BlockNumber, Hash32, RejectReason, Round, Uid};

use crate::overlap::{OverlapLevel, blame};

/// Where on chain a commitment stands: block, and index within it.
pub type CommitOrder = (BlockNumber, u32);

/// A payload that was fetched, matches its commitment and decodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Whose.
    pub uid: Uid,
    /// When it was committed.
    pub commit_order: CommitOrder,
    /// L2 norm of the update.
    pub norm: f32,
    /// Digest of the update without header and signature.
    pub body_digest: Hash32,
    /// Digest of the same peer's last update, where known.
    pub previous_body_digest: Option<Hash32>,
}

/// Decides for every candidate, ascending by uid; of candidates with one uid the first counts.
///
/// In this order: the body of the peer's own last round → `Stale`; the body of an earlier committer, or indices as much
/// alike as `overlap.mega` → `Copied`; a norm that is no number or above `norm_reject_factor` times the lower median of
/// all positive norms → `NormOutlier`.
pub fn filter_set(
    params: &GauntletParams,
    candidates: &[Candidate],
    overlaps: &[(Uid, Uid, f64)],
) -> Vec<(Uid, Result<(), RejectReason>)> {
    let mut by_uid: BTreeMap<Uid, &Candidate> = BTreeMap::new();
    for candidate in candidates {
        by_uid.entry(candidate.uid).or_insert(candidate);
    }
    let mut first_of: HashMap<Hash32, (CommitOrder, Uid)> = HashMap::new();
    for candidate in by_uid.values() {
        let claim = (candidate.commit_order, candidate.uid);
        let first = first_of.entry(candidate.body_digest).or_insert(claim);
        *first = (*first).min(claim);
    }
    let orders = by_uid.values().map(|candidate| (candidate.uid, candidate.commit_order)).collect();
    // Only `mega` is refused by everybody, and that threshold holds in every round.
    let blamed: Vec<Uid> = blame(&params.overlap, Round(0), &orders, overlaps)
        .into_iter()
        .filter(|blame| blame.level == OverlapLevel::Mega)
        .map(|blame| blame.uid)
        .collect();
    let norms: Vec<f32> = by_uid.values().map(|candidate| candidate.norm).collect();
    let median = lower_median(norms.into_iter().filter(|norm| norm.is_finite() && *norm > 0.0));
    let limit = median.map_or(f32::INFINITY, |median| params.norm_reject_factor * median);
    let decide = |candidate: &Candidate| {
        if candidate.previous_body_digest == Some(candidate.body_digest) {
            Err(RejectReason::Stale)
        } else if first_of[&candidate.body_digest].1 != candidate.uid || blamed.contains(&candidate.uid) {
            Err(RejectReason::Copied)
        } else if !candidate.norm.is_finite() || candidate.norm > limit {
            Err(RejectReason::NormOutlier)
        } else {
            Ok(())
        }
    };
    by_uid.into_values().map(|candidate| (candidate.uid, decide(candidate))).collect()
}

/// The lower middle value, as `torch.median` takes it; `None` for nothing.
pub fn lower_median(values: impl IntoIterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.into_iter().collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(uid: u16, block: u64, norm: f32, body: u8) -> Candidate {
        Candidate {
            uid: Uid(uid),
            commit_order: (BlockNumber(block), 0),
            norm,
            body_digest: Hash32([body; 32]),
            previous_body_digest: None,
        }
    }

    fn check(candidates: &[Candidate], overlaps: &[(u16, u16, f64)], want: &[(u16, Option<RejectReason>)]) {
        let overlaps: Vec<_> = overlaps.iter().map(|(a, b, o)| (Uid(*a), Uid(*b), *o)).collect();
        let got = filter_set(&GauntletParams::default(), candidates, &overlaps);
        let got: Vec<_> = got.into_iter().map(|(uid, result)| (uid.0, result.err())).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn a_norm_bomb_is_refused_and_the_honest_stay() {
        let norms = [(0, 1.0), (1, 10.0), (2, 1.5), (3, 1000.0), (4, f32::NAN)];
        let candidates: Vec<_> = norms.iter().map(|(uid, norm)| candidate(*uid, 5, *norm, *uid as u8)).collect();
        let outlier = Some(RejectReason::NormOutlier);
        check(&candidates, &[], &[(0, None), (1, None), (2, None), (3, outlier), (4, outlier)]);
    }

    #[test]
    fn empty_updates_do_not_make_honest_ones_look_large() {
        let candidates = [candidate(0, 1, 0.0, 0), candidate(1, 2, 0.0, 1), candidate(2, 3, 1.0, 2)];
        check(&candidates, &[], &[(0, None), (1, None), (2, None)]);
    }

    #[test]
    fn the_later_of_two_equal_bodies_is_the_copy() {
        let copied = Some(RejectReason::Copied);
        check(&[candidate(0, 9, 1.0, 7), candidate(1, 8, 1.0, 7)], &[], &[(0, copied), (1, None)]);
        check(&[candidate(1, 8, 1.0, 7), candidate(0, 9, 1.0, 7)], &[], &[(0, copied), (1, None)]);
    }

    #[test]
    fn a_requantised_copy_is_known_by_its_indices() {
        let candidates = [candidate(0, 9, 1.0, 1), candidate(1, 8, 1.0, 2), candidate(2, 7, 1.0, 3)];
        let copied = Some(RejectReason::Copied);
        check(&candidates, &[(0, 1, 0.61), (0, 2, 0.1), (1, 2, 0.59)], &[(0, copied), (1, None), (2, None)]);
    }

    #[test]
    fn the_own_last_body_is_stale() {
        let mut resent = candidate(0, 1, 1.0, 1);
        resent.previous_body_digest = Some(Hash32([1; 32]));
        check(&[resent, candidate(1, 2, 1.0, 2)], &[], &[(0, Some(RejectReason::Stale)), (1, None)]);
    }

    #[test]
    fn the_lower_middle_is_the_median() {
        assert_eq!(lower_median([3.0, 1.0, 2.0, 9.0]), Some(2.0));
        assert_eq!(lower_median([]), None);
    }

    proptest! {
        #[test]
        fn every_order_of_arrival_gives_the_same_set(
            raw in proptest::collection::vec((0u64..6, 0.0f32..30.0, 0u8..6), 1..10), turn in 0usize..10,
        ) {
            let candidates: Vec<_> =
                raw.iter().enumerate().map(|(i, (block, norm, body))| candidate(i as u16, *block, *norm, *body)).collect();
            let mut turned = candidates.clone();
            turned.rotate_left(turn % candidates.len());
            turned.reverse();
            let params = GauntletParams::default();
            let first = filter_set(&params, &candidates, &[]);
            prop_assert_eq!(filter_set(&params, &turned, &[]), first.clone());
            let copied = |uid: usize| first[uid].1 == Err(RejectReason::Copied);
            let owner = (0..raw.len()).min_by_key(|i| (raw[*i].0, *i)).unwrap();
            prop_assert!(!copied(owner), "the first committer of all never copied");
        }
    }
}
