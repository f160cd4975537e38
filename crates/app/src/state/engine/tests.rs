//! The engine from missing to ready: presses, a metered line, failures, and what waits for it.

use super::super::tests::state_with;
use super::*;
use crate::session::Session;
use crate::state::Event;
use crate::state::work::Act;
use view_model::{EngineOffer, Intent, Rehearsal, Settings};

const NOW: u64 = 1_800_000_000_000;

fn offer() -> EngineOffer {
    EngineOffer { download: ByteCount(1000), disk: ByteCount(4000), with_card: false }
}

fn missing() -> State {
    let mut state = state_with(Settings::default(), Session::default());
    state.apply(Event::Engine(EngineEvent::Missing { offer: Ok(offer()), starts: false }), NOW);
    state
}

fn press(state: &mut State, intent: Intent) -> Vec<Effect> {
    state.apply(Event::Intent(intent), NOW)
}

fn says(state: &mut State, event: EngineEvent, at_ms: u64) -> Vec<Effect> {
    state.apply(Event::Engine(event), at_ms)
}

fn gets(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::GetEngine { .. })).count()
}

fn holds(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::HoldEngine)).count()
}

fn starts(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Act(Act::Spawn { .. })))
}

fn metered(state: &mut State, metered: bool) -> Vec<Effect> {
    state.pauses.signals.metered = Some(metered);
    state.apply(Event::Tick, NOW)
}

#[test]
fn start_before_the_engine_is_here_starts_nothing_and_says_the_way() {
    let mut state = missing();
    for intent in [Intent::Start, Intent::StartRehearsal(Rehearsal::default())] {
        let effects = press(&mut state, intent);
        assert!(!starts(&effects) && gets(&effects) == 0);
        assert!(state.problems.get(ENGINE_MISSING).is_some());
    }
    // The problem's one button gets it.
    let effects = press(&mut state, Intent::ActOn { code: ENGINE_MISSING.to_owned() });
    assert_eq!(gets(&effects), 1);
}

#[test]
fn nothing_is_fetched_before_a_press_and_once_after_it() {
    let mut state = missing();
    assert_eq!(state.engine_view().state, EngineState::Missing { offer: Some(offer()), problem: None });
    assert_eq!(gets(&state.apply(Event::Tick, NOW)), 0);
    assert_eq!(gets(&press(&mut state, Intent::GetEngine)), 1);
    assert_eq!(gets(&press(&mut state, Intent::GetEngine)), 0);
    says(&mut state, EngineEvent::Came { done: 200, total: 1000 }, NOW + 2000);
    let EngineState::Fetching(fetch) = state.engine_view().state else { panic!("it is not fetched") };
    assert_eq!((fetch.done, fetch.rate, fetch.left_secs), (ByteCount(200), Some(ByteCount(100)), Some(8)));
    says(&mut state, EngineEvent::Ended(Ok(())), NOW + 3000);
    assert_eq!(state.engine_view().state, EngineState::Ready);
    assert!(starts(&press(&mut state, Intent::StartRehearsal(Rehearsal::default()))));
}

#[test]
fn a_hold_keeps_what_came_and_a_press_goes_on() {
    let mut state = missing();
    press(&mut state, Intent::GetEngine);
    says(&mut state, EngineEvent::Came { done: 200, total: 1000 }, NOW);
    assert_eq!(holds(&press(&mut state, Intent::HoldEngine)), 1);
    says(&mut state, EngineEvent::Ended(Err(None)), NOW);
    let EngineState::Waiting { fetch, metered } = state.engine_view().state else { panic!("it does not wait") };
    assert_eq!((fetch.done, metered), (ByteCount(200), false));
    // It waits for a press, not for a moment.
    assert_eq!(gets(&state.apply(Event::Tick, NOW)), 0);
    assert_eq!(gets(&press(&mut state, Intent::GetEngine)), 1);
}

#[test]
fn a_metered_line_holds_the_download_and_its_end_lets_it_go_on() {
    let mut state = missing();
    press(&mut state, Intent::GetEngine);
    assert_eq!(holds(&metered(&mut state, true)), 1);
    assert_eq!(holds(&metered(&mut state, true)), 0, "said once");
    says(&mut state, EngineEvent::Ended(Err(None)), NOW);
    assert!(matches!(state.engine_view().state, EngineState::Waiting { metered: true, .. }));
    assert_eq!(gets(&metered(&mut state, true)), 0);
    assert_eq!(gets(&metered(&mut state, false)), 1);
    // A press on a metered line waits as well.
    let mut other = missing();
    metered(&mut other, true);
    assert_eq!(gets(&press(&mut other, Intent::GetEngine)), 0);
    assert!(matches!(other.engine_view().state, EngineState::Waiting { metered: true, .. }));
}

#[test]
fn a_local_folder_needs_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = missing();
    metered(&mut state, true);
    let nowhere = Intent::EngineFrom { folder: folder.path().join("none").display().to_string() };
    assert_eq!(gets(&press(&mut state, nowhere)), 0);
    assert!(state.problems.get("engine_folder").is_some());
    let here = Intent::EngineFrom { folder: folder.path().display().to_string() };
    assert_eq!(gets(&press(&mut state, here)), 1);
}

#[test]
fn a_failure_is_shown_and_nothing_is_tried_again_by_itself() {
    let mut state = missing();
    press(&mut state, Intent::GetEngine);
    let problem = Problem::new("engine_not_fetched", "No", "Why");
    says(&mut state, EngineEvent::Ended(Err(Some(problem.clone()))), NOW);
    let EngineState::Missing { problem: shown, .. } = state.engine_view().state else { panic!("it is not missing") };
    assert_eq!(shown, Some(problem));
    let EngineState::Missing { offer: again, .. } = state.engine_view().state else { panic!("nothing is offered") };
    assert_eq!(again, Some(offer()));
    assert_eq!(gets(&state.apply(Event::Tick, NOW)), 0);
    assert_eq!(gets(&press(&mut state, Intent::GetEngine)), 1);
}

#[test]
fn a_machine_whose_trainer_starts_is_asked_nothing() {
    let mut state = state_with(Settings::default(), Session::default());
    says(&mut state, EngineEvent::Ready, NOW);
    assert_eq!(state.engine_view().state, EngineState::Ready);
    assert_eq!(gets(&press(&mut state, Intent::GetEngine)), 0);
    assert!(starts(&press(&mut state, Intent::StartRehearsal(Rehearsal::default()))));
}

#[test]
fn a_cards_half_is_offered_and_work_does_not_wait_for_it() {
    let mut state = state_with(Settings::default(), Session::default());
    says(&mut state, EngineEvent::Missing { offer: Ok(EngineOffer { with_card: true, ..offer() }), starts: true }, NOW);
    assert!(state.engine_view().optional);
    assert!(starts(&press(&mut state, Intent::StartRehearsal(Rehearsal::default()))));
    assert_eq!(gets(&press(&mut state, Intent::GetEngine)), 1);
}

#[test]
fn a_card_that_appears_is_a_reason_to_look_again_but_not_in_the_middle_of_a_download() {
    let survey =
        || Event::Gpu(gpu::GpuEvent::Survey(gpu::Survey::failed(NOW, gpu::Fault::NoDriver { card_on_bus: None })));
    let looks = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::LookForEngine { .. }));
    let mut state = missing();
    assert!(looks(&state.apply(survey(), NOW)));
    press(&mut state, Intent::GetEngine);
    assert!(!looks(&state.apply(survey(), NOW)));
}

#[test]
fn a_press_on_hold_while_it_waits_for_the_line_ends_the_waiting() {
    let mut state = missing();
    metered(&mut state, true);
    press(&mut state, Intent::GetEngine);
    press(&mut state, Intent::HoldEngine);
    assert_eq!(gets(&metered(&mut state, false)), 0);
    assert!(matches!(state.engine_view().state, EngineState::Waiting { metered: false, .. }));
}
