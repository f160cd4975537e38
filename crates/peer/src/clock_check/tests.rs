//! Clocks that are right, wrong, and hard to tell.

use types::manifest::{ChainParams, Clock, SubtensorParams};
use types::{BlockNumber, Hash32, Hotkey, Rao};

use super::*;

const START_MS: u64 = 1_700_000_000_000;
const BY_CLOCK: Clock = Clock::Interval { block_ms: 12_000 };

fn chain(clock: Clock, subtensor: bool) -> ChainParams {
    ChainParams {
        sequencer: Hotkey([1; 32]),
        validators: vec![(Hotkey([2; 32]), Rao(1))],
        rao_per_block: Rao(1),
        tempo: 10,
        owner_cut: 0,
        kappa: 0,
        bond_alpha: 0,
        clock,
        subtensor: subtensor.then_some(SubtensorParams {
            genesis: Hash32([3; 32]),
            netuid: 1,
            start_block: BlockNumber(0),
        }),
    }
}

/// Hears ten blocks, each `lag_ms` after it was made, by a clock that is `off_ms` ahead.
fn after(mut check: ClockCheck, lags_ms: &[i64], off_ms: i64) -> ClockCheck {
    for (n, lag) in (0u64..10).zip(lags_ms.iter().cycle()) {
        let made = START_MS + n * 12_000;
        check.hear(made, made.checked_add_signed(lag + off_ms).unwrap());
    }
    check
}

fn ledger() -> ClockCheck {
    ClockCheck::new(&chain(BY_CLOCK, false))
}

#[test]
fn a_right_clock_on_a_slow_line_is_right() {
    for lags in [&[0][..], &[30, 900, 2_000], &[1_900, 25_000]] {
        let check = after(ledger(), lags, 0);
        assert_eq!((check.state(), check.holds()), (ClockState::Right, None), "{lags:?}");
    }
}

#[test]
fn a_clock_that_is_off_by_more_than_two_seconds_is_told_how_to_be_set() {
    let behind = after(ledger(), &[30, 400], -5_000).state();
    assert_eq!(behind, ClockState::Off(-4_970));
    let problem = behind.problem().unwrap();
    assert_eq!(problem.title, "This computer's clock is at least 5 s behind the chain's");
    assert!(!problem.hint.is_empty());
    let ahead = after(ledger(), &[30, 400], 6_000).state();
    assert_eq!(ahead, ClockState::Off(4_030));
    assert_eq!(after(ledger(), &[30], -2_030).state(), ClockState::Right, "two seconds are no more than two seconds");
    assert_eq!(ClockState::Right.problem(), None);
}

#[test]
fn submissions_are_held_beyond_thirty_seconds_and_only_where_blocks_come_by_the_clock() {
    let held = after(ledger(), &[0], -31_000).holds();
    assert_eq!(held.as_deref(), Some("this computer's clock is at least 31 s behind the chain's"));
    assert_eq!(after(ledger(), &[0], -30_000).holds(), None);
    assert!(after(ledger(), &[0], 33_000).holds().is_some());
    let paced = ClockCheck::new(&chain(Clock::Paced { block_ms: 100, phase_ms: 1_000 }, false));
    let paced = after(paced, &[0], -3_600_000);
    assert_eq!((paced.holds(), paced.state()), (None, ClockState::Off(-3_600_000)));
}

#[test]
fn finality_is_no_wrong_clock() {
    let subtensor = || ClockCheck::new(&chain(BY_CLOCK, true));
    assert_eq!(after(subtensor(), &[36_000, 48_000, 24_000], 0).state(), ClockState::Right);
    assert!(matches!(after(subtensor(), &[36_000, 24_000], -60_000).state(), ClockState::Off(-36_000)));
    assert!(matches!(after(subtensor(), &[36_000, 24_000], 3_600_000).state(), ClockState::Off(_)));
}

#[test]
fn a_chain_that_stood_still_says_nothing_of_the_clock() {
    let mut check = ledger();
    assert_eq!(check.hear(START_MS, START_MS + 3_600_000), ClockState::Unknown);
    // The same head again and again: one word.
    for n in 0..20 {
        assert_eq!(check.hear(START_MS, START_MS + 3_600_000 + n), ClockState::Unknown);
    }
    // It goes on.
    let mut state = ClockState::Unknown;
    for n in 1..5 {
        let made = START_MS + 3_600_000 + n * 12_000;
        state = check.hear(made, made + 50);
    }
    assert_eq!(state, ClockState::Right);
}

#[test]
fn a_clock_that_was_set_right_is_right_again() {
    let mut check = after(ledger(), &[0], -60_000);
    assert!(check.holds().is_some());
    for n in 10..18 {
        let made = START_MS + n * 12_000;
        check.hear(made, made + 10);
    }
    assert_eq!((check.state(), check.holds()), (ClockState::Right, None));
}

#[test]
fn times_beyond_reason_are_no_panic() {
    let mut check = ledger();
    for (head, local) in [(1, u64::MAX), (2, 0), (u64::MAX - 1, 0), (u64::MAX, u64::MAX)] {
        check.hear(head, local);
    }
    assert!(matches!(check.state(), ClockState::Off(_)));
}
