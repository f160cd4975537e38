//! Yuma against hand-computed cases, and its conservation law.

use super::*;
use proptest::prelude::*;

fn vote(uid: u16, stake: u64, weights: &[(u16, u16)]) -> Vote {
    let weights = weights.iter().map(|(u, w)| (Uid(*u), *w)).collect();
    Vote { uid: Uid(uid), stake: Rao(stake), weights, bonds: Vec::new() }
}

fn epoch(uids: usize, votes: &[Vote], minted: u64) -> Payout {
    Epoch { uids, votes, kappa: 32_767, bond_alpha: 6_553, owner_cut: 11_796, minted: Rao(minted) }.pay()
}

fn total(p: &Payout) -> u64 {
    p.owner.0 + p.burned.0 + p.miner.iter().chain(&p.validator).map(|r| r.0).sum::<u64>()
}

#[test]
fn a_lone_vote_is_clipped_and_earns_less_than_its_stake() {
    // 40/35/25 % of the stake; the third validator gives everything to uid 4.
    let votes = [
        vote(0, 40, &[(3, 45_874), (4, 19_661)]),
        vote(1, 35, &[(3, 45_874), (4, 19_661)]),
        vote(2, 25, &[(4, 65_535)]),
    ];
    let p = epoch(5, &votes, 360_000_000_000);
    assert_eq!(total(&p), 360_000_000_000);
    // protocol.md §6.2: 18 % owner, then half and half; 360 credits give 147.6 to the miners. 11,796/65,535 is a
    // little less than 18 %.
    assert_eq!(p.owner, Rao(360_000_000_000 * 11_796 / 65_535));
    assert_eq!(p.miner.iter().map(|r| r.0).sum::<u64>(), (360_000_000_000 - p.owner.0) / 2);
    assert_eq!(p.burned, Rao(0));
    let share = |x: u64| x as f64 / ONE as f64;
    let i3 = 0.7 * 0.75 / (0.7 * 0.75 + 0.3);
    assert!((share(p.incentive[3]) - i3).abs() < 1e-4, "{:?}", p.incentive);
    // wallet-chain recipe §11: 9.1 % of the dividends with 25 % of the stake.
    assert!((share(p.dividends[2]) - 0.091).abs() < 1e-3, "{:?}", p.dividends);
}

#[test]
fn equality_counts_at_kappa() {
    assert_eq!(consensus(&[2, 8], &[50, 50], 32_767), 8);
    assert_eq!(consensus(&[2, 8], &[51, 49], 32_767), 2);
    // Exactly κ of the stake.
    assert_eq!(consensus(&[2, 8], &[32_768, 32_767], 32_767), 8);
    assert_eq!(consensus(&[2, 8], &[32_769, 32_766], 32_767), 2);
}

#[test]
fn unassigned_weight_is_burned() {
    let p = epoch(2, &[vote(0, 10, &[(1, 32_768)])], 1_000_000);
    assert_eq!(total(&p), 1_000_000);
    let miners = (1_000_000 - p.owner.0) / 2;
    assert!(p.miner[1].0.abs_diff(miners / 2) < 10 && p.burned.0.abs_diff(miners / 2) < 10, "{p:?}");
    assert_eq!(p.miner[0], Rao(0));
    assert!(p.validator[0].0 >= miners);
}

#[test]
fn without_weights_the_miners_half_is_burned() {
    let all_burn = epoch(2, &[vote(0, 10, &[])], 1001);
    assert_eq!((all_burn.miner.as_slice(), total(&all_burn)), ([Rao(0), Rao(0)].as_slice(), 1001));
    assert_eq!(all_burn.burned, Rao((1001 - all_burn.owner.0) / 2));
    let nobody = epoch(2, &[], 1001);
    assert_eq!((nobody.burned.0 + nobody.owner.0, total(&nobody)), (1001, 1001));
}

#[test]
fn a_validator_cannot_pay_itself() {
    let p = epoch(2, &[vote(0, 10, &[(0, 60_000), (1, 5_535)])], 1_000_000);
    assert_eq!(p.miner[0], Rao(0));
    assert_eq!(p.miner[1].0, (1_000_000 - p.owner.0) / 2);
}

#[test]
fn bonds_move_slowly_and_survive_new_columns() {
    let mut votes = vec![vote(0, 60, &[(2, 65_535)]), vote(1, 40, &[(2, 65_535)])];
    let first = epoch(3, &votes, 1_000);
    assert!(first.bonds[0][2].abs_diff(ONE * 6 / 10) < 16);
    for (vote, bonds) in votes.iter_mut().zip(first.bonds) {
        vote.bonds = bonds;
    }
    // Stake flips, and uid 3 has joined: the bond on uid 2 moves by a tenth only, and the burn column is not mistaken
    // for uid 3's.
    votes[0].stake = Rao(40);
    votes[1].stake = Rao(60);
    let second = epoch(4, &votes, 1_000);
    let want = ONE / 1000 * 580;
    assert!(second.bonds[0][2].abs_diff(want) < ONE / 10_000, "{} {want}", second.bonds[0][2]);
    assert_eq!(second.bonds[0][3], 0);
}

#[test]
fn golden_payout() {
    let votes = [vote(0, 700, &[(2, 40_000), (3, 20_000)]), vote(1, 300, &[(2, 10_000), (3, 50_000)])];
    let p = epoch(4, &votes, 10_000_000_007);
    assert_eq!(total(&p), 10_000_000_007);
    // By hand: κ makes the first validator's weights the consensus, so the ranks are 0.4730, 0.3052 and 0.0845 (burn).
    assert_eq!((p.owner, p.burned), (Rao(1_799_954_224), Rao(401_408_449)));
    assert_eq!(p.miner, [Rao(0), Rao(0), Rao(2_248_177_406), Rao(1_450_437_036)]);
    assert_eq!(p.validator, [Rao(3_326_903_695), Rao(773_119_197)]);
}

proptest! {
    #[test]
    fn splitting_loses_nothing(total: u64, shares in proptest::collection::vec(any::<u64>(), 1..40)) {
        let parts = split(total, &shares);
        let sum: u128 = parts.iter().map(|p| u128::from(*p)).sum();
        let want = if shares.iter().all(|s| *s == 0) { 0 } else { u128::from(total) };
        prop_assert_eq!(sum, want);
    }

    #[test]
    fn every_epoch_pays_exactly_what_was_minted(
        minted in 0u64..=1_000_000_000_000_000_000,
        kappa: u16, bond_alpha: u16, owner_cut: u16,
        rows in proptest::collection::vec((1u64.., proptest::collection::vec(0u16..9_000, 0..7)), 0..6),
        rounds in 1usize..4,
    ) {
        let mut votes: Vec<Vote> = rows.iter().enumerate().map(|(i, (stake, weights))| {
            vote(i as u16, *stake, &weights.iter().enumerate().map(|(j, w)| (j as u16, *w)).collect::<Vec<_>>())
        }).collect();
        for round in 0..rounds {
            let uids = 8 + round;
            let p = Epoch { uids, votes: &votes, kappa, bond_alpha, owner_cut, minted: Rao(minted) }.pay();
            prop_assert_eq!(total(&p), minted);
            prop_assert_eq!(p.miner.len(), uids);
            prop_assert!(p.incentive.iter().sum::<u64>() <= ONE);
            for (vote, bonds) in votes.iter_mut().zip(p.bonds) {
                vote.bonds = bonds;
            }
        }
    }
}
