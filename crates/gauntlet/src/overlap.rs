//! Who copied whom: blame by the order of commitments, never by who was seen first (protocol.md §5.2, faults.md #25).
//!
//! In: index overlaps of pairs of submissions and the order in which they were committed on chain. Out: the later
//! committer of each suspicious pair. A payload is readable only after its commitment, so the earlier one is blameless.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::manifest::OverlapParams;
use types::{Hash32, Round, Uid};

use crate::filter::CommitOrder;

/// How much alike two submissions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverlapLevel {
    /// Score halved.
    High,
    /// Score zeroed, record reset.
    Max,
    /// As `Max`, and on the naughty list. The update is not aggregated.
    Mega,
}

/// The later committer of a pair that is too much alike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Blame {
    /// Who is blamed.
    pub uid: Uid,
    /// Who had committed before.
    pub victim: Uid,
    /// Share of equal indices.
    pub overlap: f64,
    /// What it means.
    pub level: OverlapLevel,
}

/// The level of an overlap in a round; `None` if it is harmless. What is no number is harmless.
pub fn level(params: &OverlapParams, round: Round, overlap: f64) -> Option<OverlapLevel> {
    let watched = round.0 >= params.from_round;
    match overlap {
        o if o >= params.mega => Some(OverlapLevel::Mega),
        o if watched && o >= params.max => Some(OverlapLevel::Max),
        o if watched && o >= params.high => Some(OverlapLevel::High),
        _ => None,
    }
}

/// For every blamed uid its worst pair, ascending by uid. Pairs of which one side has no order are left out; equal orders
/// cannot occur on a chain and are settled by uid.
pub fn blame(
    params: &OverlapParams,
    round: Round,
    orders: &BTreeMap<Uid, CommitOrder>,
    overlaps: &[(Uid, Uid, f64)],
) -> Vec<Blame> {
    let mut worst: BTreeMap<Uid, Blame> = BTreeMap::new();
    for &(a, b, overlap) in overlaps {
        let Some(level) = level(params, round, overlap) else { continue };
        let Some((uid, victim)) = later(orders, a, b) else { continue };
        let blame = Blame { uid, victim, overlap, level };
        let kept = worst.entry(uid).or_insert(blame);
        if overlap > kept.overlap || (overlap == kept.overlap && victim < kept.victim) {
            *kept = blame;
        }
    }
    worst.into_values().collect()
}

/// `(later, earlier)` of two committers.
fn later(orders: &BTreeMap<Uid, CommitOrder>, a: Uid, b: Uid) -> Option<(Uid, Uid)> {
    let (first, second) = ((*orders.get(&a)?, a), (*orders.get(&b)?, b));
    if a == b {
        return None;
    }
    Some(if first > second { (a, b) } else { (b, a) })
}

/// Whether a peer sent its own earlier update again: the same body, or indices as much alike as a copy's.
pub fn is_resent(params: &OverlapParams, body: Hash32, previous: Option<Hash32>, own_overlap: Option<f64>) -> bool {
    previous == Some(body) || own_overlap.is_some_and(|overlap| overlap >= params.mega)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::BlockNumber;
    use types::manifest::GauntletParams;

    use super::*;

    fn params() -> OverlapParams {
        GauntletParams::default().overlap
    }

    #[test]
    fn thresholds_bite_from_their_round_and_mega_always() {
        let check =
            |round, overlap, want| assert_eq!(level(&params(), Round(round), overlap), want, "{round} {overlap}");
        check(0, 0.59, None);
        check(0, 0.6, Some(OverlapLevel::Mega));
        check(19, 0.5, None);
        check(20, 0.39, None);
        check(20, 0.4, Some(OverlapLevel::High));
        check(20, 0.5, Some(OverlapLevel::Max));
        check(20, 1.0, Some(OverlapLevel::Mega));
        check(20, f64::NAN, None);
    }

    #[test]
    fn a_body_or_its_indices_sent_again_are_noticed() {
        let (a, b) = (Hash32([1; 32]), Hash32([2; 32]));
        assert!(is_resent(&params(), a, Some(a), None));
        assert!(is_resent(&params(), a, Some(b), Some(0.6)));
        assert!(!is_resent(&params(), a, Some(b), Some(0.59)));
        assert!(!is_resent(&params(), a, None, None));
    }

    proptest! {
        #[test]
        fn the_first_committer_is_blameless_whatever_order_pairs_arrive_in(
            orders in proptest::collection::vec((0u64..5, 0u32..5), 2..8), overlap in 0.6f64..=1.0, swap: bool,
        ) {
            let orders: BTreeMap<Uid, CommitOrder> =
                (0..).map(Uid).zip(orders.into_iter().map(|(block, index)| (BlockNumber(block), index))).collect();
            let uids: Vec<Uid> = orders.keys().copied().collect();
            let mut pairs = Vec::new();
            for (i, a) in uids.iter().enumerate() {
                for b in &uids[i + 1..] {
                    pairs.push(if swap { (*b, *a, overlap) } else { (*a, *b, overlap) });
                }
            }
            if swap {
                pairs.reverse();
            }
            let first = orders.iter().map(|(uid, order)| (*order, *uid)).min().unwrap().1;
            let blamed: Vec<Uid> = blame(&params(), Round(0), &orders, &pairs).iter().map(|b| b.uid).collect();
            prop_assert!(!blamed.contains(&first));
            prop_assert_eq!(blamed.len(), uids.len() - 1);
        }
    }
}
