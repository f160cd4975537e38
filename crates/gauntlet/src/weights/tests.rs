//! Vectors of protocol.md §11 and the properties of every weight vector.

use proptest::prelude::*;
use types::manifest::GauntletParams;

use super::*;

#[test]
fn pay_in_proportion_to_the_score_leaves_a_barely_good_peer_next_to_nothing() {
    let params = WeightParams { burn_rate: 0.0, power: Some(1.0), ..params() };
    let scores = [(Uid(1), 6.0), (Uid(2), 3.0), (Uid(3), 0.09), (Uid(4), -1.0)];
    let paid = weights(&scores, &params, None);
    assert_eq!(paid.iter().map(|(_, weight)| u32::from(*weight)).sum::<u32>(), u32::from(WEIGHT_SUM));
    let share = |uid| paid.iter().find(|(u, _)| *u == Uid(uid)).map_or(0.0, |(_, w)| f64::from(*w));
    assert!((share(1) / share(2) - 2.0).abs() < 1e-3);
    assert!(share(3) < 0.02 * share(1));
    assert_eq!(share(4), 0.0);
}

const BURN: Uid = Uid(999);

fn params() -> WeightParams {
    GauntletParams::default().weights
}

fn of(peers: u16) -> Vec<f64> {
    let scores: Vec<_> = (0..peers).map(|i| (Uid(i), f64::from(peers - i))).collect();
    let weights = weights(&scores, &params(), Some(BURN));
    assert_eq!(weights.last().map(|w| w.0), Some(BURN));
    weights[..weights.len() - 1].iter().map(|(_, w)| f64::from(*w) / 65_535.0).collect()
}

fn check(got: f64, want: f64) {
    assert!((got - want).abs() < 2e-5, "{got} is not {want}");
}

#[test]
fn three_peers_share_as_the_reference_does() {
    let got = of(3);
    check(got[0], 0.22222);
    check(got[1], 0.16667);
    check(got[2], 0.11111);
}

#[test]
fn twenty_peers_share_as_the_reference_does() {
    let got = of(20);
    assert_eq!(got.len(), 20);
    check(got[0], 0.03333);
    check(got[19], 0.01667);
}

#[test]
fn twenty_five_peers_share_as_the_reference_does() {
    let got = of(25);
    assert_eq!(got.len(), 25);
    check(got[0], 0.03229);
    check(got[19], 0.01615);
    check(got[20], 0.00807);
    check(got[24], 0.0005);
}

#[test]
fn thirty_peers_share_as_the_reference_does_and_the_next_gets_nothing() {
    let got = of(30);
    check(got[0], 0.03226);
    check(got[29], 2e-5);
    assert_eq!(of(40).len(), 30);
}

#[test]
fn nobody_positive_means_all_is_burned() {
    let scores = [(Uid(1), 0.0), (Uid(2), -4.0), (Uid(3), f64::NAN)];
    assert_eq!(weights(&scores, &params(), Some(BURN)), [(BURN, 65_535)]);
    assert!(weights(&scores, &params(), None).is_empty());
}

#[test]
fn a_run_without_burn_pays_everything_out() {
    let free = WeightParams { burn_rate: 0.0, ..params() };
    assert_eq!(weights(&[(Uid(4), 1.0)], &free, None), [(Uid(4), 65_535)]);
    assert_eq!(weights(&[(Uid(4), 1.0), (BURN, 9.0)], &free, Some(BURN)), [(Uid(4), 65_535)]);
}

proptest! {
    #[test]
    fn weights_sum_up_and_follow_the_scores(
        scores in proptest::collection::vec(-1.0f64..5.0, 0..60), burn in 0.0f64..=1.0, share in 0.0f64..=1.0,
        gather in 1u16..30, reserve in 0u16..12,
    ) {
        let params = WeightParams { burn_rate: burn, gather, reserve, gather_share: share, power: None };
        let scores: Vec<_> = (0..).map(Uid).zip(scores).collect();
        let with_burn = weights(&scores, &params, Some(BURN));
        prop_assert_eq!(with_burn.iter().map(|w| u32::from(w.1)).sum::<u32>(), 65_535);
        let without = weights(&scores, &params, None);
        let peers: Vec<_> = with_burn.iter().copied().filter(|w| w.0 != BURN).collect();
        prop_assert_eq!(&without, &peers);
        prop_assert!(without.windows(2).all(|w| w[0].1 >= w[1].1));
        let score = |uid: Uid| scores[usize::from(uid.0)].1;
        prop_assert!(without.windows(2).all(|w| score(w[0].0) >= score(w[1].0)));
        let paid: f64 = without.iter().map(|w| f64::from(w.1)).sum::<f64>() / 65_535.0;
        if scores.iter().any(|s| s.1 > 0.0) {
            prop_assert!((paid - (1.0 - burn)).abs() < 1e-4);
        }
    }
}
