//! Every path of a round, without clock, tensor or socket.

use proptest::prelude::*;

use super::*;

fn params() -> RoundParams {
    RoundParams { blocks: 10, commit_by: 6, attest_by: 9, null_rounds: 0, checkpoint_every: 1 }
}

fn machine() -> Machine {
    Machine::new(params(), Clock::Paced { block_ms: 1, phase_ms: 1000 })
}

/// Feeds events; returns all effects.
fn run(machine: &mut Machine, events: &[Event]) -> Vec<Effect> {
    events.iter().flat_map(|e| machine.on(*e)).collect()
}

fn head(block: u64) -> Event {
    Event::Head(BlockNumber(block))
}

const SYNCED: Event = Event::Synced { round: Round(0), progress: Progress::Open };
const R0: Round = Round(0);

#[test]
fn a_whole_round_in_order() {
    let mut m = machine();
    let effects = run(
        &mut m,
        &[
            head(0),
            SYNCED,
            Event::InnerDone { steps: 3 },
            Event::Sealed,
            Event::Committed,
            head(6),
            Event::Gathered,
            Event::Attested,
            head(9),
            Event::OuterDone,
            head(10),
        ],
    );
    let want = [
        Effect::RunInner(R0),
        Effect::Seal(R0),
        Effect::Commit(R0),
        Effect::Reveal(R0),
        Effect::Gather(R0),
        Effect::Attest(R0),
        Effect::Outer(R0),
        Effect::RunInner(Round(1)),
    ];
    assert_eq!(effects, want);
}

#[test]
fn a_late_commitment_still_takes_the_outer_step() {
    let mut m = machine();
    let effects = run(
        &mut m,
        &[head(0), SYNCED, head(6), Event::InnerHalted { steps: 1 }, Event::Sealed, Event::Gathered, head(9)],
    );
    let want = [Effect::RunInner(R0), Effect::HaltInner, Effect::Seal(R0), Effect::Gather(R0), Effect::Attest(R0)];
    assert_eq!(effects, want);
    assert_eq!(run(&mut m, &[Event::Attested]), [Effect::Outer(R0)]);
}

#[test]
fn a_peer_that_comes_while_others_gather_joins_the_next_round() {
    let mut m = machine();
    let effects =
        run(&mut m, &[head(7), SYNCED, Event::Gathered, Event::Attested, head(9), Event::OuterDone, head(10)]);
    assert_eq!(effects, [Effect::Gather(R0), Effect::Attest(R0), Effect::Outer(R0), Effect::RunInner(Round(1))]);
}

#[test]
fn a_restart_after_the_seal_commits_the_same_payload() {
    let mut m = machine();
    let sealed = Event::Synced { round: R0, progress: Progress::Sealed };
    assert_eq!(run(&mut m, &[head(2), sealed]), [Effect::Commit(R0)]);
    let mut m = machine();
    let committed = Event::Synced { round: R0, progress: Progress::Committed };
    assert_eq!(run(&mut m, &[head(2), committed]), []);
    assert_eq!(run(&mut m, &[head(6)]), [Effect::Reveal(R0), Effect::Gather(R0)]);
}

#[test]
fn a_restart_after_the_deadline_still_reveals_what_was_committed() {
    let mut m = machine();
    let committed = Event::Synced { round: R0, progress: Progress::Committed };
    assert_eq!(run(&mut m, &[head(9), committed]), [Effect::Reveal(R0), Effect::Outer(R0)]);
}

#[test]
fn pause_halts_at_an_edge_and_gives_the_device_back() {
    let mut m = machine();
    run(&mut m, &[head(0), SYNCED]);
    assert_eq!(m.on(Event::Pause), [Effect::HaltInner]);
    assert_eq!(m.on(Event::InnerHalted { steps: 2 }), [Effect::Release, Effect::Save]);
    assert_eq!(m.on(Event::Resume), [Effect::Acquire, Effect::RunInner(R0)]);
}

#[test]
fn a_resume_that_overtakes_the_halt_goes_on_with_the_round() {
    let mut m = machine();
    run(&mut m, &[head(0), SYNCED, Event::Pause]);
    assert_eq!(m.on(Event::Resume), [Effect::Acquire]);
    assert_eq!(m.on(Event::InnerHalted { steps: 2 }), [Effect::RunInner(R0)]);
}

#[test]
fn work_done_before_a_pause_is_still_submitted_at_the_deadline() {
    let mut m = machine();
    run(&mut m, &[head(0), SYNCED, Event::Pause, Event::InnerHalted { steps: 2 }]);
    assert_eq!(m.on(head(6)), [Effect::FinishInner(R0)]);
    assert_eq!(m.on(Event::InnerDone { steps: 2 }), [Effect::Seal(R0), Effect::Release]);
}

#[test]
fn a_paused_peer_follows_the_run_without_training() {
    let mut m = machine();
    run(&mut m, &[Event::Pause]);
    assert_eq!(run(&mut m, &[head(0), SYNCED, head(6)]), [Effect::Gather(R0)]);
    assert_eq!(
        run(&mut m, &[Event::Gathered, Event::Attested, head(9), Event::OuterDone, head(10)]).last(),
        Some(&Effect::Outer(R0))
    );
    assert_eq!(m.on(Event::Resume), [Effect::Acquire, Effect::RunInner(Round(1))]);
}

#[test]
fn stop_at_the_end_of_the_round_finishes_it_first() {
    let mut m = machine();
    run(&mut m, &[head(0), SYNCED]);
    assert_eq!(m.on(Event::Stop(StopWhen::EndOfRound)), []);
    let effects =
        run(&mut m, &[Event::InnerDone { steps: 3 }, Event::Sealed, Event::Committed, head(9), Event::OuterDone]);
    assert_eq!(effects[..2], [Effect::Seal(R0), Effect::Commit(R0)]);
    assert_eq!(effects[effects.len() - 2..], [Effect::Save, Effect::Exit]);
}

#[test]
fn stop_now_saves_at_the_next_edge() {
    let mut m = machine();
    run(&mut m, &[head(0), SYNCED]);
    assert_eq!(m.on(Event::Stop(StopWhen::Now)), [Effect::HaltInner]);
    assert_eq!(m.on(Event::InnerHalted { steps: 2 }), [Effect::Save, Effect::Exit]);
    assert_eq!(m.on(head(50)), []);
}

#[test]
fn a_desynced_peer_catches_up_from_a_checkpoint() {
    let mut m = machine();
    run(&mut m, &[head(0), SYNCED]);
    assert_eq!(m.on(Event::Desynced), [Effect::CatchUp { distrust_local: true }]);
}

#[test]
fn interval_clocks_cut_inner_steps_before_the_deadline() {
    let params = RoundParams { blocks: 115, commit_by: 100, attest_by: 110, null_rounds: 0, checkpoint_every: 1 };
    let mut m = Machine::new(params, Clock::Interval { block_ms: 12_000 });
    run(&mut m, &[head(0), SYNCED]);
    assert_eq!(m.on(head(94)), []);
    assert_eq!(m.on(head(95)), [Effect::HaltInner]);
}

fn interval() -> Machine {
    let params = RoundParams { blocks: 115, commit_by: 100, attest_by: 110, null_rounds: 0, checkpoint_every: 1 };
    Machine::new(params, Clock::Interval { block_ms: 12_000 })
}

const EARLY: Course = Course { cut_margin: 12, reveal_early: true };

#[test]
fn the_pilot_cuts_earlier_and_shows_as_soon_as_the_commitment_stands() {
    let mut m = interval();
    m.steer(EARLY);
    run(&mut m, &[head(0), SYNCED]);
    assert_eq!(m.on(head(87)), []);
    assert_eq!(m.on(head(88)), [Effect::HaltInner]);
    run(&mut m, &[Event::InnerHalted { steps: 4 }, Event::Sealed]);
    assert_eq!(m.on(Event::Committed), [Effect::Reveal(R0)]);
    assert_eq!(m.on(head(99)), []);
    assert_eq!(m.on(head(100)), [Effect::Gather(R0)], "shown once");
    // The next round is steered as it goes.
    m.steer(Course { cut_margin: 5, reveal_early: false });
    run(&mut m, &[Event::Gathered, Event::Attested, head(110), Event::OuterDone, head(115)]);
    run(&mut m, &[Event::InnerDone { steps: 4 }, Event::Sealed]);
    assert_eq!(m.on(Event::Committed), []);
    assert_eq!(m.on(head(215)), [Effect::Reveal(Round(1)), Effect::Gather(Round(1))]);
}

#[test]
fn a_payload_without_a_commitment_is_never_shown_early() {
    let mut m = interval();
    m.steer(EARLY);
    run(&mut m, &[head(0), SYNCED, Event::InnerDone { steps: 4 }, Event::Sealed]);
    assert_eq!(m.on(Event::NotCommitted), []);
    assert_eq!(m.on(head(100)), [Effect::Gather(R0)]);
}

#[test]
fn a_restart_after_the_commitment_shows_early_again() {
    let mut m = interval();
    m.steer(EARLY);
    let committed = Event::Synced { round: R0, progress: Progress::Committed };
    assert_eq!(run(&mut m, &[head(90), committed]), [Effect::Reveal(R0)]);
    assert_eq!(m.on(head(100)), [Effect::Gather(R0)]);
}

#[test]
fn a_stop_comes_before_an_early_payload() {
    let mut m = interval();
    m.steer(EARLY);
    run(&mut m, &[head(0), SYNCED, Event::InnerDone { steps: 4 }, Event::Sealed, Event::Stop(StopWhen::Now)]);
    assert_eq!(m.on(Event::Committed), [Effect::Save, Effect::Exit]);
}

#[test]
fn no_course_takes_the_whole_round() {
    let mut m = interval();
    m.steer(Course { cut_margin: u64::MAX, reveal_early: false });
    assert_eq!(run(&mut m, &[head(0), SYNCED]), [Effect::RunInner(R0)]);
    assert_eq!(m.on(head(1)), [Effect::HaltInner]);
}

/// What the world answers to an effect, if anything.
fn answer(effect: Effect, steps: u32) -> Option<Event> {
    Some(match effect {
        Effect::CatchUp { .. } => return None,
        Effect::RunInner(_) => Event::InnerDone { steps },
        Effect::HaltInner => Event::InnerHalted { steps },
        Effect::FinishInner(_) => Event::InnerDone { steps },
        Effect::Seal(_) => Event::Sealed,
        Effect::Commit(_) => Event::Committed,
        Effect::Gather(_) => Event::Gathered,
        Effect::Attest(_) => Event::Attested,
        Effect::Outer(_) => Event::OuterDone,
        Effect::Reveal(_) | Effect::Save | Effect::Release | Effect::Acquire | Effect::Exit => return None,
    })
}

proptest! {
    /// Whatever order heads, pauses, courses and answers come in: no round is sealed, committed or revealed twice, nothing
    /// is revealed uncommitted, outer steps come once per round and in order.
    #[test]
    fn no_round_is_signed_twice(script in proptest::collection::vec((0u8..14, 0u64..4), 1..300)) {
        let mut m = machine();
        m.on(SYNCED);
        let (mut block, mut pending) = (0u64, Vec::<Event>::new());
        let (mut sealed, mut committed, mut outer) = (Vec::new(), Vec::new(), Vec::new());
        let mut revealed = Vec::new();
        for (what, by) in script {
            let event = match what {
                0..=4 => { block += by; head(block) }
                5..=9 if !pending.is_empty() => pending.remove(0),
                10 => Event::Pause,
                11 => Event::Resume,
                12..=13 => {
                    m.steer(Course { cut_margin: by, reveal_early: what == 12 });
                    continue;
                }
                _ => continue,
            };
            for effect in m.on(event) {
                match effect {
                    Effect::Seal(r) => { prop_assert!(!sealed.contains(&r)); sealed.push(r); }
                    Effect::Commit(r) => { prop_assert!(!committed.contains(&r)); committed.push(r); }
                    Effect::Reveal(r) => {
                        prop_assert!(committed.contains(&r) && !revealed.contains(&r));
                        revealed.push(r);
                    }
                    Effect::Outer(r) => { prop_assert_eq!(r.0 as usize, outer.len()); outer.push(r); }
                    // The trainer runs one thing at a time: a halt replaces the answer of the run it halts.
                    Effect::HaltInner => pending.retain(|e| !matches!(e, Event::InnerDone { .. })),
                    _ => {}
                }
                pending.extend(answer(effect, 1));
            }
        }
    }
}
