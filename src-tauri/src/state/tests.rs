//! What the screen knows after which events.

use super::*;
use ipc::{PeerPhase, Role};
use types::{BlockNumber, Hash32, Problem, Rao, RejectReason, Round, Uid, Verdict};
use view_model::{Phase, Step, VerdictRow, status_sentence};

fn take(state: &mut Shown, at_ms: u64, speaker: &str, event: Event) {
    state.take(speaker, &EventLine { seq: 0, at_ms, event });
}

fn started(state: &mut Shown, name: &str, uid: u16) {
    let role = if name == "ledger" { Role::Ledger } else { Role::Train };
    take(state, 0, name, Event::PeerStarted { name: name.to_owned(), uid: Some(Uid(uid)), pid: 1, role });
}

fn phase(state: &mut Shown, name: &str, round: u64, phase: PeerPhase) {
    take(state, 0, name, Event::PhaseChanged { round: Round(round), phase, deadline_block: BlockNumber(9) });
}

#[test]
fn a_round_goes_over_the_screen() {
    let mut state = Shown::new();
    assert_eq!(state.snapshot(0).activity, Activity::Starting);
    started(&mut state, "ledger", 0);
    started(&mut state, "peer-1", 1);
    phase(&mut state, "peer-1", 3, PeerPhase::Inner);
    let step = Event::InnerStepDone {
        round: Round(3),
        step: 4,
        of: 15,
        loss: 3.5,
        tokens_per_sec: 900.0,
        lr: 1e-3,
        grad_norm: None,
    };
    take(&mut state, 2000, "peer-1", step);
    let snapshot = state.snapshot(5500);
    assert_eq!((&snapshot.activity, snapshot.round, snapshot.elapsed_secs), (&Activity::Running, Some(Round(3)), 5));
    let [row] = &snapshot.peers[..] else { panic!("the ledger takes no part in rounds") };
    assert_eq!((row.phase, row.step, row.loss), (Some(Phase::Inner), Some(Step { done: 4, of: 15 }), Some(3.5)));
    phase(&mut state, "peer-1", 3, PeerPhase::Compress);
    assert_eq!(state.snapshot(0).peers[0].step, None);
}

#[test]
fn the_newest_verdict_of_a_slot_stays() {
    let mut state = Shown::new();
    started(&mut state, "peer-1", 7);
    let verdict = |round, verdict| Event::VerdictReceived {
        round: Round(round),
        uid: Uid(7),
        verdict,
        score: None,
        loss_own: None,
        loss_random: None,
    };
    take(&mut state, 0, "validator-1", verdict(2, Verdict::Rejected(RejectReason::Stale)));
    take(&mut state, 0, "validator-1", verdict(1, Verdict::Accepted));
    let newest = state.snapshot(0).peers[0].verdict;
    assert_eq!(newest, Some(VerdictRow { round: Round(2), verdict: Verdict::Rejected(RejectReason::Stale) }));
}

#[test]
fn credits_are_the_ledgers_balance_and_a_dead_process_keeps_them() {
    let mut state = Shown::new();
    started(&mut state, "peer-1", 7);
    phase(&mut state, "peer-1", 0, PeerPhase::Settle);
    let score = Event::ScoreUpdated {
        round: Round(0),
        uid: Uid(7),
        score: 1.0,
        incentive: 0.5,
        emission: Rao(5),
        balance: Rao(12),
    };
    take(&mut state, 0, "ledger", score);
    let exited =
        Event::PeerExited { name: "peer-1".to_owned(), uid: None, code: None, signal: Some(9), restarting: true };
    take(&mut state, 0, "rehearsal", exited);
    let row = &state.snapshot(0).peers[0];
    assert_eq!((row.phase, row.credits), (None, Rao(12)));
}

#[test]
fn a_wait_ends_when_something_moves() {
    let mut state = Shown::new();
    let waiting =
        Event::Waiting { for_whom: vec!["peer-2".to_owned()], since_ms: 1000, what: "its attestation".to_owned() };
    take(&mut state, 1000, "ledger", waiting);
    assert_eq!(state.snapshot(13_000).waiting.map(|waiting| waiting.for_secs), Some(12));
    phase(&mut state, "peer-2", 0, PeerPhase::Settle);
    assert_eq!(state.snapshot(13_000).waiting, None);
}

#[test]
fn stopping_counts_down_and_a_summary_ends_it() {
    let mut state = Shown::new();
    phase(&mut state, "peer-1", 0, PeerPhase::Inner);
    state.stopping(30_000);
    assert_eq!(state.snapshot(10_000).activity, Activity::Stopping { within_secs: 20 });
    take(&mut state, 12_000, "rehearsal", Event::Summary(Box::default()));
    assert!(state.finished());
    assert_eq!(state.snapshot(99_000).elapsed_secs, 12, "the clock stands still after the end");
}

#[test]
fn a_flood_of_words_does_not_grow_the_state() {
    let mut state = Shown::new();
    for n in 0..5000u64 {
        phase(&mut state, &format!("peer-{n}"), n, PeerPhase::Inner);
        take(&mut state, n, "validator-1", Event::Evaluated { round: Round(n), loss: f64::NAN });
        let problem = Problem::new("x", format!("{n}"), "");
        take(&mut state, n, "peer-1", Event::Problem { problem, fatal: false });
    }
    let snapshot = state.snapshot(0);
    assert_eq!((snapshot.peers.len(), snapshot.eval_losses.len()), (128, 1024), "the fold's own bounds");
    assert_eq!(snapshot.problems.len(), MAX_PROBLEMS);
}

#[test]
fn the_same_problem_is_shown_once_and_a_fatal_one_is_the_status() {
    let mut state = Shown::new();
    for fatal in [false, true] {
        let problem = Problem::new("disk_full", "The disk is full", "Free 2 GB");
        take(&mut state, 0, "peer-1", Event::Problem { problem, fatal });
    }
    let snapshot = state.snapshot(0);
    assert_eq!(snapshot.problems.len(), 1);
    assert!(status_sentence(&snapshot, &locale::Locale::english()).contains("The disk is full"));
    phase(&mut state, "peer-2", 1, PeerPhase::Inner);
    assert!(!state.snapshot(0).problems[0].fatal, "the run goes on without it");
}

#[test]
fn words_of_no_interest_change_nothing() {
    let mut state = Shown::new();
    let applied = Event::OuterStepApplied { round: Round(1), peers: 4, alpha: 1.0, theta: Hash32::of(b"") };
    take(&mut state, 0, "peer-1", applied);
    assert_eq!(state.snapshot(0), RunSnapshot { activity: Activity::Starting, ..RunSnapshot::default() });
}
