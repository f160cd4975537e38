//! The pilot on lines of every speed.

use proptest::prelude::*;

use super::*;

/// The reference's round: 115 blocks of twelve seconds.
const ROUNDS: RoundParams =
    RoundParams { blocks: 115, commit_by: 100, attest_by: 110, null_rounds: 0, checkpoint_every: 10 };
const USUAL: Course = Course { cut_margin: 5, reveal_early: false };

fn pilot() -> Pilot {
    Pilot::new(ROUNDS, Clock::Interval { block_ms: 12_000 }).unwrap()
}

fn seen(payload: u64, uplink: u64) -> RoundSeen {
    RoundSeen {
        payload,
        sent: payload,
        uplink: Some(uplink),
        compress: Duration::from_secs(4),
        commit: Duration::from_secs(12),
        step: Duration::from_secs(2),
    }
}

#[test]
fn a_paced_ledger_needs_no_pilot() {
    assert!(Pilot::new(ROUNDS, Clock::Paced { block_ms: 10, phase_ms: 1000 }).is_none());
}

#[test]
fn nothing_changes_on_a_fast_line() {
    let mut pilot = pilot();
    for _ in 0..10 {
        // The 1B preset's payload on 110 Mbit/s.
        assert_eq!(pilot.round_over(seen(60_000_000, 13_000_000)), None);
        assert_eq!(pilot.course(), USUAL);
    }
}

#[test]
fn a_slow_line_shows_early_and_cuts_just_enough() {
    let mut pilot = pilot();
    // 150 s of sending, with a quarter on top; others fetch for 80 s.
    let words = pilot.round_over(seen(60_000_000, 400_000)).unwrap();
    // 22.5 s of work and 107.5 s of sending are 10.8 blocks.
    assert_eq!(pilot.course(), Course { cut_margin: 12, reveal_early: true });
    assert!(!words.is_hopeless());
    let said = "sending 60.0 MB takes up to 187 s at the measured 0.40 MB/s, and the others fetch for 80 s: inner steps \
                end 12 blocks before the deadline, and the payload is shown as soon as its commitment stands";
    assert_eq!(words.to_string(), said);
    assert_eq!(pilot.round_over(seen(60_000_000, 400_000)), None, "said once");
}

#[test]
fn a_hopeless_line_keeps_a_tenth_of_the_phase_and_is_said() {
    let mut pilot = pilot();
    let words = pilot.round_over(seen(600_000_000, 100_000)).unwrap();
    assert_eq!(pilot.course(), Course { cut_margin: 90, reveal_early: true });
    assert!(words.is_hopeless());
    assert!(words.to_string().ends_with("Raise the upload limit, or choose a run with a smaller model"));
}

#[test]
fn slow_compression_alone_cuts_earlier_and_shows_nothing_early() {
    let mut pilot = pilot();
    let slow = RoundSeen { compress: Duration::from_secs(90), ..seen(1_000_000, 10_000_000) };
    let words = pilot.round_over(slow).unwrap();
    // 104 s with a quarter on top: 11 blocks, and one to be included.
    assert_eq!(pilot.course(), Course { cut_margin: 12, reveal_early: false });
    assert!(words.to_string().starts_with("compressing and committing take longer than usual here"));
}

#[test]
fn a_round_that_sent_nothing_says_nothing_of_the_line() {
    let mut pilot = pilot();
    for _ in 0..10 {
        // Gossip only: a few bytes a second.
        assert_eq!(pilot.round_over(RoundSeen { sent: 1000, ..seen(60_000_000, 50) }), None);
    }
    assert_eq!(pilot.round_over(RoundSeen { payload: 0, ..seen(0, 50) }), None);
    assert_eq!(pilot.course(), USUAL);
}

#[test]
fn one_odd_round_changes_nothing() {
    let mut pilot = pilot();
    for _ in 0..4 {
        pilot.round_over(seen(60_000_000, 13_000_000));
    }
    assert_eq!(pilot.round_over(seen(60_000_000, 1000)), None);
    assert_eq!(pilot.course(), USUAL);
}

#[test]
fn a_line_that_recovers_is_believed_after_two_rounds_that_ask_for_less() {
    let mut pilot = pilot();
    pilot.round_over(seen(60_000_000, 400_000));
    let mut waited = 0;
    let words = loop {
        waited += 1;
        if let Some(words) = pilot.round_over(seen(60_000_000, 13_000_000)) {
            break words;
        }
        assert!(waited < 10);
    };
    // Two until the median is the new line's, and one more that agrees.
    assert_eq!((waited, pilot.course()), (3, USUAL));
    assert_eq!(words.to_string(), "the line carries the payload in time again: inner steps end as usual");
}

#[test]
fn a_line_at_the_edge_does_not_swing() {
    let mut pilot = pilot();
    let mut changes = 0;
    for round in 0..40 {
        // 64 s of sending fill the others' 80 s with the quarter on top.
        let uplink = if round % 2 == 0 { 930_000 } else { 945_000 };
        changes += usize::from(pilot.round_over(seen(60_000_000, uplink)).is_some());
    }
    assert!(changes <= 1, "{changes}");
}

/// Whether a round counts, if everything takes as long as measured: the commitment is in by the last block before the
/// deadline, and the payload has gone out before the others give up.
fn counts(rounds: &RoundParams, block: Duration, course: Course, seen: &RoundSeen) -> bool {
    let time = |blocks: u64| block.as_secs_f64() * blocks as f64;
    let cut = time(rounds.commit_by.saturating_sub(course.cut_margin));
    let committed = cut + (seen.step + seen.compress + seen.commit).as_secs_f64();
    let shown = if course.reveal_early { committed } else { time(rounds.commit_by) };
    let sent = shown + seen.payload as f64 / seen.uplink.unwrap() as f64;
    committed <= time(rounds.commit_by - 1) + 1e-6
        && sent <= time(rounds.commit_by) + time(rounds.attest_by - rounds.commit_by) * 2.0 / 3.0 + 1e-6
}

/// Bits per second of home lines, and the share of rounds that count with and without the pilot.
#[test]
fn lines_of_5_to_500_mbit_make_their_rounds() {
    let block = Duration::from_secs(12);
    for mbit in [5, 10, 20, 50, 110, 500] {
        // SparseLoCo's payload of a 1B model, and of a 10B one.
        for payload in [60_000_000, 600_000_000] {
            let mut pilot = pilot();
            let seen = seen(payload, mbit * 125_000);
            pilot.round_over(seen);
            let with = counts(&ROUNDS, block, pilot.course(), &seen);
            let without = counts(&ROUNDS, block, USUAL, &seen);
            let needs_pilot = payload as f64 / (mbit as f64 * 125_000.0) > 80.0;
            assert_eq!((with, without), (true, !needs_pilot), "{mbit} Mbit/s, {payload} bytes");
        }
    }
}

fn rounds() -> impl Strategy<Value = RoundParams> {
    (1u64..400, 1u64..60, 1u64..40).prop_map(|(commit_by, gather, settle)| RoundParams {
        blocks: commit_by + gather + settle,
        commit_by,
        attest_by: commit_by + gather,
        null_rounds: 0,
        checkpoint_every: 1,
    })
}

prop_compose! {
    fn any_round()(payload in 1u64..5_000_000_000, uplink in 1u64..100_000_000, sent in 0u64..5_000_000_000,
        compress in 0u64..300_000, commit in 0u64..100_000, step in 0u64..60_000) -> RoundSeen {
        let ms = Duration::from_millis;
        RoundSeen { payload, sent, uplink: Some(uplink), compress: ms(compress), commit: ms(commit), step: ms(step) }
    }
}

proptest! {
    /// Whatever is measured: a tenth of the compute phase is left, rounded up to whole blocks.
    #[test]
    fn never_cuts_below_a_tenth(rounds in rounds(), block_ms in 1u64..20_000, script in proptest::collection::vec(any_round(), 1..30)) {
        let mut pilot = Pilot::new(rounds, Clock::Interval { block_ms }).unwrap();
        for seen in script {
            pilot.round_over(seen);
            prop_assert!(10 * (rounds.commit_by - pilot.course().cut_margin) >= rounds.commit_by);
        }
    }

    /// If rounds go on as they went, they count, unless the pilot itself says that they cannot.
    #[test]
    fn never_misses_when_the_estimate_is_right(rounds in rounds(), block_ms in 100u64..20_000, seen in any_round()) {
        let seen = RoundSeen { sent: seen.payload, ..seen };
        let mut pilot = Pilot::new(rounds, Clock::Interval { block_ms }).unwrap();
        pilot.round_over(seen);
        let capped = pilot.course().cut_margin == most(&rounds);
        prop_assert!(capped || counts(&rounds, Duration::from_millis(block_ms), pilot.course(), &seen));
    }

    /// On a line that carries the payload at once, with work that fits the usual margin, nothing is ever changed.
    #[test]
    fn a_fast_line_is_left_alone(script in proptest::collection::vec((1u64..60_000_000, 12_500_000u64..1_000_000_000), 1..30)) {
        let mut pilot = pilot();
        for (payload, uplink) in script {
            prop_assert_eq!(pilot.round_over(seen(payload, uplink)), None);
        }
        prop_assert_eq!(pilot.course(), USUAL);
    }
}
