//! From a link to a run at work: what is asked, what is shown, and that nothing happens without a press.

use super::super::tests::state_with;
use super::*;
use crate::session::Session;
use crate::state::Event;
use view_model::{Intent, Settings};

const ID: &str = "0707070707070707070707070707070707070707070707070707070707070707";
const AT: &str = "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";

fn state() -> State {
    let mut settings = Settings::default();
    settings.behaviour.welcomed = true;
    state_with(settings, Session::default())
}

fn link() -> String {
    format!("covey://join/{ID}?at={AT}")
}

fn press(state: &mut State, intent: Intent) -> Vec<Effect> {
    state.apply(Event::Intent(intent), 1)
}

fn look_of(effects: &[Effect]) -> Option<u64> {
    effects.iter().find_map(|effect| match effect {
        Effect::LookAtRun { look, .. } => Some(*look),
        _ => None,
    })
}

fn forgets(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::ForgetRun(id) if id == ID))
}

fn found(new: bool, startable: bool) -> Result<Looked, Problem> {
    let facts = JoinFacts { id: ID.to_owned(), name: "friends".to_owned(), startable, ..JoinFacts::default() };
    Ok(Looked { facts, new })
}

fn tell(state: &mut State, look: u64, result: Result<Looked, Problem>) -> Vec<Effect> {
    let card = super::super::tests::run_card(ID);
    if result.is_ok() {
        state.apply(Event::Runs(vec![card]), 1);
    }
    state.apply(Event::Looked { look, result: Box::new(result) }, 1)
}

fn shown(state: &State) -> Option<JoinState> {
    state.snapshot(1).join.map(|join| join.state)
}

#[test]
fn a_link_from_outside_is_shown_with_whom_it_would_ask_and_asks_nobody() {
    let mut state = state();
    let effects = state.apply(Event::Given(link()), 1);
    assert_eq!(look_of(&effects), None);
    let given = JoinState::Given { run: Some(ID.to_owned()), addresses: vec![AT.to_owned()] };
    assert_eq!(shown(&state), Some(given));
    assert_eq!(state.settings().behaviour.run, "rehearsal");
    let looks = press(&mut state, Intent::LookAtGiven);
    let look = look_of(&looks).unwrap();
    assert_eq!(shown(&state), Some(JoinState::Looking));
    assert_eq!(look_of(&press(&mut state, Intent::AddRun { source: link() })), None, "one look at a time");
    state.apply(Event::Given("/other.json".to_owned()), 1);
    assert_eq!(shown(&state), Some(JoinState::Looking), "another link does not push it away");
    tell(&mut state, look, found(true, true));
    assert!(matches!(shown(&state), Some(JoinState::Found(_))));
    assert_eq!(state.settings().behaviour.run, "rehearsal", "it is not joined");
    press(&mut state, Intent::JoinRun { start: false });
    assert_eq!((state.settings().behaviour.run.as_str(), shown(&state)), (ID, None));
    assert!(state.work.wanted().is_none(), "start later");
}

#[test]
fn what_only_looking_brought_goes_when_the_card_is_put_away() {
    for (new, gone) in [(true, true), (false, false)] {
        let mut state = state();
        let look = look_of(&press(&mut state, Intent::AddRun { source: link() })).unwrap();
        tell(&mut state, look, found(new, true));
        assert_eq!(forgets(&press(&mut state, Intent::LeaveJoin)), gone);
        assert_eq!(shown(&state), None);
    }
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_leaves_nothing_behind() {
    let mut state = state();
    let look = look_of(&press(&mut state, Intent::AddRun { source: link() })).unwrap();
    press(&mut state, Intent::LeaveJoin);
    assert!(forgets(&tell(&mut state, look, found(true, true))));
    let second = look_of(&press(&mut state, Intent::AddRun { source: link() })).unwrap();
    assert_ne!(second, look);
    assert!(!forgets(&tell(&mut state, look, found(false, true))), "one that was known stays");
    assert_eq!(shown(&state), Some(JoinState::Looking));
}

#[test]
fn what_cannot_be_looked_at_is_said_on_the_card_and_tried_again_by_a_press() {
    let mut state = state();
    let look = look_of(&press(&mut state, Intent::AddRun { source: link() })).unwrap();
    tell(&mut state, look, Err(Problem::new("run_not_reached", "Nobody answered", "")));
    let failed = |state: &State| match shown(state) {
        Some(JoinState::Failed(problem)) => problem.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(failed(&state), "run_not_reached");
    assert!(state.snapshot(1).run.problems.is_empty(), "it is said once");
    assert!(look_of(&press(&mut state, Intent::LookAtGiven)).is_some());
    let mut state = self::state();
    state.apply(Event::Given("covey://join/nonsense".to_owned()), 1);
    assert_eq!(failed(&state), "run_link");
    state.apply(Event::Given("x".repeat(5000)), 1);
    assert_eq!(failed(&state), "run_source");
}

#[test]
fn a_lone_file_says_what_is_missing_when_it_is_started() {
    let mut state = state();
    let mut card = super::super::tests::run_card(ID);
    card.has_places = false;
    state.apply(Event::Runs(vec![card]), 1);
    press(&mut state, Intent::ChooseRun { id: ID.to_owned() });
    press(&mut state, Intent::Start);
    let problem = state.snapshot(1).run.problems.last().map(|row| row.problem.clone()).unwrap();
    assert_eq!(problem.code, "run_without_places");
    assert!(problem.hint.contains("covey://join/"), "{problem}");
}

#[test]
fn forgetting_the_chosen_run_chooses_the_best_of_the_others_that_fit() {
    let card = |id: &str, params: u64| {
        let mut known = super::super::tests::run_card(id);
        known.card.model_params = Some(params);
        known
    };
    let chosen_after = |memory: Option<u64>| {
        let mut state = state();
        let reading = crate::state::Reading {
            signals: courtesy::Signals::default(),
            memory: memory.map(types::ByteCount),
            appearance: view_model::Appearance::default(),
        };
        state.apply(Event::Reading(Box::new(reading)), 1);
        state.apply(Event::Runs(vec![card("aa", 1000), card("bb", 2000), card("cc", 9_000_000_000), card("dd", 1)]), 1);
        press(&mut state, Intent::ChooseRun { id: "dd".to_owned() });
        press(&mut state, Intent::ForgetRun { id: "dd".to_owned() });
        state.settings().behaviour.run.clone()
    };
    assert_eq!(chosen_after(Some(1 << 30)), "bb", "the largest that fits");
    assert_eq!(chosen_after(None), "rehearsal", "what nobody knows is not chosen for anybody");
}
