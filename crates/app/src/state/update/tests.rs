//! A new version from offered to put in: modes, a metered line, the edge of a round, probation.

use super::super::tests::state_with;
use super::*;
use crate::crash::End;
use crate::session::Session;
use crate::state::Event;
use crate::state::work::Act;
use std::path::PathBuf;
use types::Problem;
use view_model::{Intent, Rehearsal, Settings};

const NOW: u64 = 1_800_000_000_000;

fn own() -> UpdateInit {
    let install = Install::Own(PathBuf::from("covey"));
    UpdateInit { install, can_look: true, previous: Some("0.9.0".into()), start: Start::Plain }
}

fn with(init: UpdateInit, mode: Updates) -> State {
    let mut settings = Settings::default();
    settings.behaviour.updates = mode;
    let mut state = state_with(settings, Session::default());
    state.update = Update::new(init, NOW);
    state
}

fn offer() -> UpdateOffer {
    UpdateOffer { version: "2.0.0".into(), download: ByteCount(1000), grows: -5, notes: String::new() }
}

fn says(state: &mut State, event: UpdateEvent) -> Vec<Effect> {
    state.apply(Event::Update(event), NOW)
}

fn looks(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::LookForUpdate { .. })).count()
}

fn gets(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::GetUpdate { .. })).count()
}

fn order(effects: &[Effect]) -> Option<Then> {
    effects.iter().find_map(|effect| match effect {
        Effect::Shell(ToShell::Restart(then)) => Some(*then),
        _ => None,
    })
}

fn tick(state: &mut State, at_ms: u64) -> Vec<Effect> {
    state.apply(Event::Tick, at_ms)
}

#[test]
fn a_look_comes_after_a_minute_and_then_every_six_hours() {
    let mut state = with(own(), Updates::Ask);
    assert_eq!(looks(&tick(&mut state, NOW + FIRST_LOOK_MS - 1)), 0);
    assert_eq!(looks(&tick(&mut state, NOW + FIRST_LOOK_MS)), 1);
    says(&mut state, UpdateEvent::Newest);
    assert_eq!(state.update_view().state, UpdateState::Newest);
    let later = NOW + FIRST_LOOK_MS + 6 * 3_600_000;
    assert_eq!((looks(&tick(&mut state, later - 1)), looks(&tick(&mut state, later))), (0, 1));
}

#[test]
fn never_asks_nobody_until_it_is_pressed_and_a_build_without_keys_not_even_then() {
    let mut never = with(own(), Updates::Never);
    assert_eq!(looks(&tick(&mut never, NOW + 86_400_000)), 0);
    assert_eq!(looks(&never.apply(Event::Intent(Intent::LookForUpdate), NOW)), 1);
    let mut source = with(UpdateInit { can_look: false, ..own() }, Updates::Automatic);
    assert_eq!(looks(&tick(&mut source, NOW + 86_400_000)), 0);
    assert_eq!(looks(&source.apply(Event::Intent(Intent::LookForUpdate), NOW)), 0);
}

#[test]
fn ask_waits_for_the_press_and_automatic_does_not() {
    let mut ask = with(own(), Updates::Ask);
    assert_eq!(gets(&says(&mut ask, UpdateEvent::Offered(offer()))), 0);
    assert_eq!(ask.update_view().state, UpdateState::Offered(offer()));
    assert_eq!(gets(&ask.apply(Event::Intent(Intent::GetUpdate), NOW)), 1);
    let mut automatic = with(own(), Updates::Automatic);
    assert_eq!(gets(&says(&mut automatic, UpdateEvent::Offered(offer()))), 1);
}

#[test]
fn a_metered_line_carries_no_update() {
    let mut state = with(own(), Updates::Automatic);
    state.pauses.signals.metered = Some(true);
    assert_eq!(looks(&tick(&mut state, NOW + FIRST_LOOK_MS)), 0);
    assert_eq!(gets(&says(&mut state, UpdateEvent::Offered(offer()))), 0);
    assert_eq!(gets(&state.apply(Event::Intent(Intent::GetUpdate), NOW)), 0);
    state.pauses.signals.metered = Some(false);
    assert_eq!(gets(&tick(&mut state, NOW)), 1);
    // It becomes metered in the middle.
    state.pauses.signals.metered = Some(true);
    let effects = tick(&mut state, NOW);
    assert!(effects.contains(&Effect::HoldUpdate));
    assert_eq!(gets(&says(&mut state, UpdateEvent::Held)), 0);
    assert_eq!(state.update_view().state, UpdateState::Offered(offer()));
}

#[test]
fn what_a_package_manager_owns_gets_a_hint_and_no_download() {
    let mut state = with(UpdateInit { install: Install::Deb, ..own() }, Updates::Automatic);
    assert_eq!(gets(&says(&mut state, UpdateEvent::Offered(offer()))), 0);
    assert_eq!(gets(&state.apply(Event::Intent(Intent::GetUpdate), NOW)), 0);
    let view = state.update_view();
    assert_eq!((view.hint.as_deref(), view.previous), (Some("update-hint-deb"), None));
}

#[test]
fn a_staged_version_waits_for_the_end_of_the_round_and_the_work_comes_back() {
    let mut state = with(own(), Updates::Automatic);
    let effects = state.apply(Event::Intent(Intent::StartRehearsal(Rehearsal::default())), NOW);
    let Some(Effect::Act(Act::Spawn { generation, job })) =
        effects.into_iter().find(|effect| matches!(effect, Effect::Act(Act::Spawn { .. })))
    else {
        panic!("nothing was started")
    };
    state.apply(Event::Hello { generation }, NOW);
    let (round, deadline_block) = (types::Round(1), types::BlockNumber(9));
    let event = ipc::Event::PhaseChanged { round, phase: ipc::PeerPhase::Inner, deadline_block };
    let line = Box::new(ipc::EventLine { seq: 0, at_ms: NOW, event });
    state.apply(Event::Said { generation, speaker: "peer-1".to_owned(), line }, NOW);
    let effects = says(&mut state, UpdateEvent::Staged("2.0.0".into()));
    let stops = |effect: &Effect| {
        matches!(effect, Effect::Act(Act::Send { line, .. })
            if line.command == ipc::Command::Stop { when: ipc::StopWhen::EndOfRound })
    };
    assert!(effects.iter().any(stops), "{effects:?}");
    assert_eq!(order(&effects), None, "not while it works");
    assert_eq!(state.update_view().state, UpdateState::Staged { version: "2.0.0".into(), soon: true });
    let effects = state.apply(Event::Ended { generation, end: End { code: Some(0), ..End::default() } }, NOW);
    assert_eq!(order(&effects), Some(Then::PutIn));
    let last = effects.iter().position(|effect| *effect == Effect::Gone).unwrap();
    let restart = effects.iter().position(|effect| matches!(effect, Effect::Shell(ToShell::Restart(_)))).unwrap();
    assert!(restart < last);
    assert_eq!(state.session().job, Some(job), "it is started again by the new version");
}

#[test]
fn a_staged_version_waits_for_the_press_where_the_user_is_asked() {
    let mut state = with(own(), Updates::Ask);
    assert_eq!(order(&says(&mut state, UpdateEvent::Staged("2.0.0".into()))), None);
    assert_eq!(order(&tick(&mut state, NOW)), None);
    assert_eq!(order(&state.apply(Event::Intent(Intent::GetUpdate), NOW)), Some(Then::PutIn));
}

#[test]
fn on_probation_the_start_and_each_round_are_told_and_two_failures_go_back() {
    let start = Start::Probation { from: "1.0.0".into(), to: "2.0.0".into() };
    let mut state = with(UpdateInit { start, ..own() }, Updates::Ask);
    let happened = |effects: &[Effect], what| effects.contains(&Effect::UpdateHappened(what));
    assert!(!happened(&tick(&mut state, NOW + GOOD_START_MS - 1), Happened::Started));
    assert!(happened(&tick(&mut state, NOW + GOOD_START_MS), Happened::Started));
    assert!(!happened(&tick(&mut state, NOW + 2 * GOOD_START_MS), Happened::Started));
    let mut out = Vec::new();
    state.round_for_update(false, &mut out);
    assert!(happened(&out, Happened::Round { good: false }));
    assert_eq!(order(&says(&mut state, UpdateEvent::Health(Verdict::GoOn))), None);
    assert_eq!(order(&says(&mut state, UpdateEvent::Health(Verdict::GoBack))), Some(Then::GoBack));
}

#[test]
fn a_version_that_has_proved_itself_is_watched_no_more() {
    let start = Start::Probation { from: "1.0.0".into(), to: "2.0.0".into() };
    let mut state = with(UpdateInit { start, ..own() }, Updates::Ask);
    says(&mut state, UpdateEvent::Health(Verdict::Proved));
    let mut out = Vec::new();
    state.round_for_update(true, &mut out);
    assert_eq!(out, []);
}

#[test]
fn the_user_can_go_back_and_a_failure_is_shown() {
    let mut state = with(own(), Updates::Ask);
    let problem = Problem::new("update_not_fetched", "No", "Later");
    says(&mut state, UpdateEvent::Failed(problem.clone()));
    assert_eq!(state.update_view().state, UpdateState::Failed(problem));
    assert_eq!(order(&state.apply(Event::Intent(Intent::GoBack), NOW)), Some(Then::GoBack));
    let mut none = with(UpdateInit { previous: None, ..own() }, Updates::Ask);
    assert_eq!(order(&none.apply(Event::Intent(Intent::GoBack), NOW)), None);
}
