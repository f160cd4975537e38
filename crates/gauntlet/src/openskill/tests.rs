//! Vectors of protocol.md §11, and more made with `openskill` 6.1.3.

use proptest::prelude::*;
use types::manifest::GauntletParams;

use super::*;

fn model() -> PlackettLuce {
    PlackettLuce::new(&GauntletParams::default().openskill)
}

fn rating((mu, sigma): (f64, f64)) -> Rating {
    Rating { mu, sigma }
}

fn assert_close(got: &[Rating], want: &[(f64, f64)]) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        assert!((got.mu - want.0).abs() < 1e-9 && (got.sigma - want.1).abs() < 1e-9, "{got:?} is not {want:?}");
    }
}

fn check(before: &[(f64, f64)], scores: &[f64], after: &[(f64, f64)]) {
    let before: Vec<Rating> = before.iter().copied().map(rating).collect();
    assert_close(&model().rate(&before, scores), after);
}

const FRESH: (f64, f64) = (25.0, 25.0 / 3.0);

#[test]
fn two_identical_matches_give_the_reference_ratings() {
    let first = model().rate(&[model().rating(); 3], &[0.01, 0.02, -99.0]);
    assert_close(
        &first,
        &[
            (25.614_062_369_302_32, 8.162_139_691_070_465),
            (27.456_249_477_209_283, 8.253_534_696_231_965),
            (21.929_688_153_488_396, 8.162_139_691_070_465),
        ],
    );
    let ordinals = [1.127_643_296_090_926_8, 2.695_645_388_513_391, -2.556_730_919_722_998];
    for (rating, ordinal) in first.iter().zip(ordinals) {
        assert!((rating.ordinal() - ordinal).abs() < 1e-9);
    }
    let second = model().rate(&first, &[0.01, 0.02, -99.0]);
    assert_close(
        &second,
        &[
            (26.002_753_823_444_042, 7.999_800_588_390_064),
            (29.728_843_891_129_507, 8.169_848_237_649_568),
            (19.318_447_137_991_207, 8.007_847_982_232_565),
        ],
    );
}

#[test]
fn ties_are_rated_as_the_reference_does() {
    let winner = (27.456_249_477_209_283, 8.253_534_696_231_965);
    check(&[FRESH; 3], &[1.0, 1.0, 1.0], &[winner; 3]);
    check(&[FRESH; 3], &[0.01, 0.01, -99.0], &[winner, winner, (23.771_875_261_395_36, 8.253_534_696_231_965)]);
    check(
        &[FRESH, (30.0, 5.0), (20.0, 3.0), (22.0, 8.0)],
        &[-99.0, 0.5, 0.5, -99.0],
        &[
            (25.749_991_194_491_454, 8.179_935_954_717_681),
            (30.877_213_679_137_9, 4.990_991_772_636_271),
            (20.379_924_804_206_787, 3.000_742_793_757_366),
            (23.079_397_406_380_35, 7.875_845_405_565_1),
        ],
    );
    check(
        &[FRESH, (30.0, 5.0), (20.0, 3.0), (22.0, 8.0), (27.0, 2.0)],
        &[0.1, 0.5, 0.1, 0.1, 0.7],
        &[
            (25.572_639_382_979_077, 8.166_426_396_912_515),
            (30.514_955_176_079_354, 4.985_922_248_839_97),
            (20.154_077_364_365_11, 2.999_280_143_308_689_5),
            (22.884_380_062_013_545, 7.870_947_114_511_758),
            (27.153_374_753_274_452, 2.002_336_420_955_774_4),
        ],
    );
}

#[test]
fn two_players_of_different_skill() {
    check(
        &[FRESH, (30.0, 5.0)],
        &[1.0, 2.0],
        &[(22.943_070_393_972_25, 8.112_333_381_747_08), (30.740_684_197_508_816, 4.972_567_038_795_448)],
    );
}

#[test]
fn by_the_papers_rule_missing_together_gains_nothing() {
    let rate = |ties| model().rate_with(&[model().rating(); 4], &[0.1, -99.0, -99.0, -99.0], ties);
    assert!(rate(TieRule::OpenSkill)[1].mu > 25.0, "the reference rewards missing together");
    assert!(rate(TieRule::Paper)[1].mu < 25.0);
}

#[test]
fn an_empty_match_and_a_lone_player_are_no_news() {
    assert!(model().rate(&[], &[]).is_empty());
    let lone = model().rate(&[model().rating()], &[1.0]);
    assert!((lone[0].mu - 25.0).abs() < 1e-12);
}

proptest! {
    #[test]
    fn better_scores_never_gain_less_among_equals(scores in proptest::collection::vec(-1.0f64..1.0, 2..12)) {
        for ties in [TieRule::OpenSkill, TieRule::Paper] {
            let after = model().rate_with(&vec![model().rating(); scores.len()], &scores, ties);
            for i in 0..scores.len() {
                prop_assert!(after[i].mu.is_finite() && after[i].sigma > 0.0);
                for j in 0..scores.len() {
                    prop_assert!(scores[i] <= scores[j] || after[i].mu > after[j].mu);
                }
            }
        }
    }

    #[test]
    fn by_the_papers_rule_means_of_equals_are_conserved(scores in proptest::collection::vec(0u8..4, 2..12)) {
        let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
        let after = model().rate_with(&vec![model().rating(); scores.len()], &scores, TieRule::Paper);
        let sum: f64 = after.iter().map(|r| r.mu - 25.0).sum();
        prop_assert!(sum.abs() < 1e-9);
    }
}
