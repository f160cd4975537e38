//! Which rounds a pay-out was for. The chain does not say: shares are *attributed*, by one rule, in integers.
//!
//! In: pay-outs and the rounds that were accepted. Out: shares that sum exactly to the pay-outs. Rule: a pay-out is divided among
//! the rounds accepted since the previous pay-out to us, by weight, with the largest remainders rounded up. A pay-out without
//! such rounds stays whole and is attributed to none. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{BlockNumber, Rao, Round};

use crate::reward::Reward;

/// An accepted round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundShare {
    /// The round.
    pub round: Round,
    /// Block of the report that accepted it.
    pub decided_at: BlockNumber,
    /// Its weight among the others; 1 if all count alike.
    pub weight: u32,
}

/// A pay-out and how it was divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochShare {
    /// Block of the pay-out.
    pub block: BlockNumber,
    /// All of it.
    pub amount: Rao,
    /// Each round's share, rounds ascending; empty if it is attributed to none.
    pub rounds: Vec<(Round, Rao)>,
}

/// Pay-outs by round.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attribution {
    /// Pay-outs that gave us something, blocks ascending.
    pub epochs: Vec<EpochShare>,
    /// What no accepted round explains: earlier rounds still counted in the validators' scores.
    pub unattributed: Rao,
    /// Accepted rounds that no pay-out has followed yet.
    pub waiting: Vec<Round>,
}

impl Attribution {
    /// What was attributed to each round.
    pub fn by_round(&self) -> BTreeMap<Round, Rao> {
        let mut out = BTreeMap::<Round, Rao>::new();
        for (round, rao) in self.epochs.iter().flat_map(|epoch| &epoch.rounds) {
            let sum = out.entry(*round).or_default();
            *sum = Rao(sum.0.saturating_add(rao.0));
        }
        out
    }
}

/// Divides `amount` by weight. The shares sum exactly to it, if any weight is above 0; then what is left over after
/// rounding down goes to the largest remainders, earlier places first.
pub fn attribute(amount: Rao, weights: &[u32]) -> Vec<Rao> {
    let all: u128 = weights.iter().map(|w| u128::from(*w)).sum();
    if all == 0 {
        return vec![Rao(0); weights.len()];
    }
    let exact = |w: u32| u128::from(amount.0) * u128::from(w);
    let mut shares: Vec<Rao> = weights.iter().map(|w| Rao((exact(*w) / all) as u64)).collect();
    let left = amount.0 - shares.iter().map(|rao| rao.0).sum::<u64>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(exact(weights[*at]) % all));
    for at in order.into_iter().take(left as usize) {
        shares[at].0 += 1;
    }
    shares
}

/// Divides each pay-out among the rounds accepted since the one before it. A round that was accepted twice counts once, by
/// its first report.
pub fn attribute_epochs(rewards: &[Reward], rounds: &[RoundShare]) -> Attribution {
    let mut first = BTreeMap::<Round, RoundShare>::new();
    for share in rounds {
        let kept = first.entry(share.round).or_insert(*share);
        if share.decided_at < kept.decided_at {
            *kept = *share;
        }
    }
    let mut open: Vec<RoundShare> = first.into_values().collect();
    let mut out = Attribution::default();
    for reward in rewards.iter().filter(|reward| reward.amount().0 > 0) {
        let (paid, later): (Vec<_>, Vec<_>) = open.into_iter().partition(|share| share.decided_at <= reward.block);
        open = later;
        let weights: Vec<u32> = paid.iter().map(|share| share.weight).collect();
        let amount = reward.amount();
        let rounds = if weights.iter().all(|w| *w == 0) {
            out.unattributed = Rao(out.unattributed.0.saturating_add(amount.0));
            Vec::new()
        } else {
            paid.iter().map(|share| share.round).zip(attribute(amount, &weights)).collect()
        };
        out.epochs.push(EpochShare { block: reward.block, amount, rounds });
    }
    out.waiting = open.into_iter().map(|share| share.round).collect();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward::BlockTime;
    use proptest::prelude::*;

    fn paid(block: u64, miner: u64) -> Reward {
        Reward {
            block: BlockNumber(block),
            hash: None,
            time: BlockTime { ms: block * 12_000, exact: true },
            standing: Some(chain::Registration { uid: types::Uid(1), block: BlockNumber(0) }),
            miner: Rao(miner),
            validator: Rao(0),
            all_miners: Rao(miner),
            burned: Rao(0),
            minted: Rao(miner),
            price: None,
            confirmed_at: None,
        }
    }

    fn accepted(round: u64, block: u64) -> RoundShare {
        RoundShare { round: Round(round), decided_at: BlockNumber(block), weight: 1 }
    }

    #[test]
    fn what_is_left_over_goes_to_the_largest_remainders() {
        assert_eq!(attribute(Rao(100), &[1, 1, 1]), [Rao(34), Rao(33), Rao(33)]);
        assert_eq!(attribute(Rao(10), &[1, 5, 2]), [Rao(1), Rao(6), Rao(3)]);
        assert_eq!(attribute(Rao(10), &[0, 0]), [Rao(0), Rao(0)]);
        assert_eq!(attribute(Rao(u64::MAX), &[u32::MAX]), [Rao(u64::MAX)]);
    }

    #[test]
    fn a_pay_out_goes_to_the_rounds_since_the_one_before() {
        let rewards = [paid(10, 7), paid(20, 0), paid(30, 9), paid(40, 5)];
        let rounds =
            [accepted(1, 4), accepted(2, 10), accepted(3, 11), accepted(4, 30), accepted(5, 41), accepted(3, 12)];
        let found = attribute_epochs(&rewards, &rounds);
        assert_eq!(found.epochs[0].rounds, [(Round(1), Rao(4)), (Round(2), Rao(3))]);
        // Block 20 paid nothing, so its rounds wait for block 30.
        assert_eq!(found.epochs[1].rounds, [(Round(3), Rao(5)), (Round(4), Rao(4))]);
        assert_eq!(found.unattributed, Rao(5));
        assert_eq!(found.waiting, [Round(5)]);
        assert_eq!(found.by_round()[&Round(3)], Rao(5));
    }

    proptest! {
        #[test]
        fn shares_sum_exactly(amount: u64, weights in proptest::collection::vec(any::<u32>(), 1..40)) {
            prop_assume!(weights.iter().any(|w| *w > 0));
            let shares = attribute(Rao(amount), &weights);
            prop_assert_eq!(shares.iter().map(|s| u128::from(s.0)).sum::<u128>(), u128::from(amount));
            prop_assert!(shares.iter().zip(&weights).all(|(s, w)| *w > 0 || s.0 == 0));
        }
    }
}
