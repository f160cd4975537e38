//! One test per row of the slashing table, driven through whole rounds.

use super::*;
use crate::sync::sync_score;

/// Judges one round in which `change` happens to uid 1 of `run`, which has a score of 8 and an average of 0.8, and
/// compares slashes, score and average after it.
fn check(run: &mut Run, change: impl Fn(&mut PeerFacts), slashes: &[Slash], score: f64, bma: f64) -> RoundJudgement {
    run.enrich(1);
    let judgement = run.with(1, change);
    let peer = judgement.peer(Uid(1)).unwrap();
    assert_eq!(peer.slashes, slashes);
    assert!((peer.score - score).abs() < 1e-9 && (peer.bma - bma).abs() < 1e-9, "{} {}", peer.score, peer.bma);
    judgement
}

fn seasoned(peers: u16) -> Run {
    let mut run = Run::new(peers);
    run.honest(2);
    run
}

/// Takes uid 1 out of the gather list, but leaves it drawn.
fn unlisted(peer: &mut PeerFacts) {
    peer.listed = false;
}

#[test]
fn missing_when_drawn() {
    let change = |peer: &mut PeerFacts| {
        missing(peer);
        unlisted(peer);
    };
    let judgement = check(&mut seasoned(3), change, &[Slash::MissingWhenEvaluated], 6.0, 0.6);
    let peer = judgement.peer(Uid(1)).unwrap();
    assert_eq!(peer.verdict, Verdict::Missed);
    assert!(peer.rating.mu < judgement.peer(Uid(0)).unwrap().rating.mu, "ranked last");
}

#[test]
fn missing_without_being_drawn_or_listed_costs_nothing() {
    let change = |peer: &mut PeerFacts| {
        missing(peer);
        (peer.listed, peer.selected) = (false, false);
    };
    check(&mut seasoned(3), change, &[], 8.0, 0.8);
}

#[test]
fn invalid_submission() {
    let change = |peer: &mut PeerFacts| (peer.payload, peer.loss) = (Err(RejectReason::Format), None);
    let judgement = check(&mut seasoned(3), change, &[Slash::InvalidSubmission], 0.0, 0.8);
    assert_eq!(judgement.gather, [Uid(0), Uid(2)]);
    assert!(judgement.peer(Uid(1)).unwrap().rating.mu < judgement.peer(Uid(0)).unwrap().rating.mu);
}

#[test]
fn missing_from_the_gather_list_once_twice_thrice() {
    let mut run = seasoned(5);
    check(&mut run, missing, &[Slash::GatherMiss { consecutive: 1 }], 6.0, 0.6);
    check(&mut run, missing, &[Slash::GatherMiss { consecutive: 2 }], 4.0, 0.4);
    let third = [Slash::GatherMiss { consecutive: 3 }, Slash::Inactive];
    check(
        &mut run,
        |peer| {
            missing(peer);
            peer.listed = true;
        },
        &third,
        0.0,
        0.0,
    );
}

#[test]
fn coming_back_ends_the_row_of_misses() {
    let mut run = seasoned(5);
    check(&mut run, missing, &[Slash::GatherMiss { consecutive: 1 }], 6.0, 0.6);
    run.honest(1);
    check(&mut run, missing, &[Slash::GatherMiss { consecutive: 1 }], 6.0, 0.6);
}

#[test]
fn missing_when_most_are_missing() {
    let mut run = seasoned(3);
    run.enrich(1);
    let mut facts = run.facts();
    missing(&mut facts.peers[1]);
    missing(&mut facts.peers[2]);
    let judgement = run.judge(&facts);
    let peer = judgement.peer(Uid(1)).unwrap();
    assert_eq!(peer.slashes, [Slash::GatherMiss { consecutive: 1 }, Slash::LowSuccessRate]);
    assert_eq!((peer.score, peer.bma), (0.0, 0.0));
}

#[test]
fn missing_in_half_of_the_last_eight() {
    let mut run = seasoned(5);
    // Listed from round 1 on: seven more rounds fill the history, every other one missed.
    for round in 0..6 {
        run.with(1, |peer| {
            if round % 2 == 0 {
                missing(peer);
            }
        });
    }
    assert!(run.state.peer(Uid(1)).unwrap().naughty.is_none());
    let slashes = [Slash::GatherMiss { consecutive: 1 }, Slash::MissedHalf];
    let judgement = check(&mut run, missing, &slashes, 0.0, 0.0);
    let until = Round(judgement.round.0 + 20);
    let excluded = Some(Exclusion::Naughty { until, reason: RejectReason::Unavailable });
    assert_eq!(judgement.peer(Uid(1)).unwrap().excluded, excluded);
    assert!(!judgement.gather.contains(&Uid(1)));
}

#[test]
fn too_many_steps_behind() {
    let mut run = seasoned(5);
    run.honest(3);
    let behind = |steps: u64, now: u64| {
        move |peer: &mut PeerFacts| {
            peer.commit.as_mut().unwrap().theta = theta(now - steps);
            peer.loss = None;
        }
    };
    let judgement = check(&mut run, behind(2, 5), &[], 8.0, 0.8);
    let peer = judgement.peer(Uid(1)).unwrap();
    assert_eq!((peer.verdict, peer.steps_behind), (Verdict::Rejected(RejectReason::Desynced), Some(2.0)));
    assert_eq!(peer.sync, Some(sync_score(2.0)));
    check(&mut run, behind(3, 6), &[Slash::Desynced], 6.0, 0.6);
}

#[test]
fn mostly_negative_evaluations() {
    let mut run = seasoned(5);
    run.params.exclude_after_negatives = 99;
    for i in 0..9 {
        let judgement = run.with(1, |peer| peer.loss = Some(if i % 2 == 0 { BAD } else { GOOD }));
        assert!(judgement.peer(Uid(1)).unwrap().slashes.is_empty(), "four of eight are not most");
    }
    // A second negative one running makes five of eight.
    run.enrich(1);
    let judgement = run.with(1, |peer| peer.loss = Some(BAD));
    let peer = judgement.peer(Uid(1)).unwrap();
    assert_eq!(peer.slashes, [Slash::MostlyNegative]);
    let after_sign = 0.95 * 0.8 - 0.05;
    assert!((peer.bma - 0.25 * after_sign).abs() < 1e-9, "{}", peer.bma);
}

#[test]
fn negatives_running_exclude_until_a_positive_one() {
    let mut run = seasoned(5);
    let bad = |peer: &mut PeerFacts| peer.loss = Some(BAD);
    for _ in 0..2 {
        assert_eq!(run.with(1, bad).peer(Uid(1)).unwrap().excluded, None);
    }
    let third = run.with(1, bad);
    let peer = third.peer(Uid(1)).unwrap();
    assert_eq!(peer.excluded, Some(Exclusion::Negatives { count: 3 }));
    assert_eq!(peer.slashes, [Slash::ExcludedForNegatives]);
    // Not drawn: still visible as excluded.
    let idle = run.with(1, |peer| (peer.selected, peer.loss) = (false, None));
    assert_eq!(idle.peer(Uid(1)).unwrap().excluded, Some(Exclusion::Negatives { count: 3 }));
    assert!(!idle.gather.contains(&Uid(1)));
    let facts = run.facts();
    let back = run.judge(&facts);
    assert_eq!(back.peer(Uid(1)).unwrap().verdict, Verdict::OnProbation);
    assert!(back.gather.contains(&Uid(1)) && back.peer(Uid(1)).unwrap().excluded.is_none());
}

#[test]
fn inactivity_eats_the_score_and_then_the_record() {
    let mut run = seasoned(5);
    let silent = |peer: &mut PeerFacts| {
        missing(peer);
        (peer.listed, peer.selected) = (false, false);
    };
    check(&mut run, silent, &[], 8.0, 0.8);
    check(&mut run, silent, &[], 8.0, 0.8);
    for _ in 0..3 {
        check(&mut run, silent, &[Slash::Inactive], 6.0, 0.8);
    }
    let judgement = check(&mut run, silent, &[Slash::InactiveTooLong], 0.0, 0.0);
    assert_eq!(judgement.peer(Uid(1)).unwrap().rating.mu, 25.0);
    assert_eq!(run.with(1, silent).peer(Uid(1)).unwrap().slashes, []);
}

fn overlapping(overlap: f64, round: u64) -> Run {
    let mut run = seasoned(4);
    run.params.overlap.from_round = round;
    run.overlaps = vec![(Uid(0), Uid(1), overlap)];
    run
}

#[test]
fn high_overlap_halves() {
    let mut run = overlapping(0.45, 0);
    run.enrich(1);
    let judgement = run.with(1, |peer| (peer.loss, peer.selected) = (None, false));
    let peer = judgement.peer(Uid(1)).unwrap();
    assert_eq!((peer.slashes.as_slice(), peer.score, peer.bma), ([Slash::OverlapHigh].as_slice(), 4.0, 0.4));
    assert_eq!(peer.verdict, Verdict::Accepted);
    assert!(judgement.peer(Uid(0)).unwrap().slashes.is_empty());
}

#[test]
fn max_overlap_resets() {
    let judgement = check(&mut overlapping(0.55, 0), |_| {}, &[Slash::OverlapMax], 0.0, 0.0);
    let peer = judgement.peer(Uid(1)).unwrap();
    assert_eq!((peer.verdict, peer.excluded), (Verdict::Rejected(RejectReason::Copied), None));
    assert_eq!(judgement.gather, [Uid(0), Uid(2), Uid(3)]);
    assert!(judgement.peer(Uid(0)).unwrap().slashes.is_empty());
}

#[test]
fn early_overlap_below_mega_is_harmless() {
    let mut run = overlapping(0.55, 1000);
    let facts = run.facts();
    assert!(run.judge(&facts).peers.iter().all(|peer| peer.slashes.is_empty() && peer.verdict == Verdict::Accepted));
}

#[test]
fn mega_overlap_puts_the_later_committer_on_the_naughty_list_in_any_round() {
    let mut run = overlapping(0.65, 1000);
    let judgement = check(&mut run, |_| {}, &[Slash::OverlapMega], 0.0, 0.0);
    let until = Round(judgement.round.0 + 20);
    run.overlaps.clear();
    for round in judgement.round.0 + 1..=until.0 {
        let facts = run.facts();
        let judgement = run.judge(&facts);
        let peer = judgement.peer(Uid(1)).unwrap();
        assert_eq!(peer.verdict, Verdict::Rejected(RejectReason::Copied), "round {round}");
        assert_eq!((peer.score, peer.bma, peer.rating.mu), (0.0, 0.0, 25.0));
        // The round after the last on the list may aggregate it again, once it is found good in it.
        assert!(!judgement.gather.contains(&Uid(1)));
    }
    let facts = run.facts();
    assert_eq!(run.judge(&facts).peer(Uid(1)).unwrap().verdict, Verdict::OnProbation);
}

#[test]
fn an_identical_body_is_a_mega_copy() {
    let change = |peer: &mut PeerFacts| peer.filter = Err(RejectReason::Copied);
    check(&mut seasoned(3), change, &[Slash::OverlapMega], 0.0, 0.0);
}

#[test]
fn another_hotkey_starts_again() {
    let change = |peer: &mut PeerFacts| peer.hotkey = hotkey(77);
    let mut run = seasoned(3);
    run.enrich(1);
    let judgement = run.with(1, change);
    let peer = judgement.peer(Uid(1)).unwrap();
    assert_eq!((peer.slashes.as_slice(), peer.verdict), ([Slash::HotkeyChanged].as_slice(), Verdict::Accepted));
    assert!((peer.bma - 0.05).abs() < 1e-12, "one evaluation of its own");
}

#[test]
fn another_hotkey_does_not_wash_a_copycat() {
    let mut run = overlapping(1.0, 0);
    run.honest(1);
    run.overlaps.clear();
    let judgement = run.with(1, |peer| peer.hotkey = hotkey(77));
    assert_eq!(judgement.peer(Uid(1)).unwrap().verdict, Verdict::Rejected(RejectReason::Copied));
}

#[test]
fn a_score_below_the_floor_is_nothing() {
    let mut run = seasoned(5);
    run.state.peers.get_mut(&Uid(1)).unwrap().score = 1.2e-4;
    assert_eq!(run.with(1, missing).peer(Uid(1)).unwrap().score, 0.0);
}
