//! The state against a small engine: whatever is pressed in whatever order, what is shown is what the engine does.

use super::work::Act;
use super::*;
use crate::crash::End;
use courtesy::Signals;
use ipc::{Command, Event as Said, EventLine, PeerPhase, Role};
use std::collections::VecDeque;
use types::{BlockNumber, Rao, Round, Uid, Verdict};
use view_model::Activity;
use view_model::{Intent, PauseFor, PauseReason, Rehearsal, StopWhen};

pub(super) fn state_with(settings: Settings, session: Session) -> State {
    let init = Init {
        version: "1.0.0".to_owned(),
        system_language: "en".to_owned(),
        zone: TimeZone::UTC,
        times: Times::default(),
        settings,
        data_folder: "/data".to_owned(),
        threads: Some(8),
        update: UpdateInit::default(),
    };
    State::new(init, session, 0)
}

fn state() -> State {
    state_with(Settings::default(), Session::default())
}

/// How the engine takes commands.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Mood {
    Honest,
    Deaf,
    Refuses,
}

/// A peer process as small as can be.
#[derive(Debug)]
struct Engine {
    generation: u64,
    paused: bool,
}

/// What the state has been told of the engine.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    alive: bool,
    worked: bool,
    paused: bool,
    ending: bool,
}

struct World {
    state: State,
    now_ms: u64,
    engine: Option<Engine>,
    mood: Mood,
    inbox: VecDeque<Event>,
    seen: Seen,
    random: u64,
    gone: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            state: state(),
            now_ms: 1_800_000_000_000,
            engine: None,
            mood: Mood::Honest,
            inbox: VecDeque::new(),
            seen: Seen::default(),
            random: seed | 1,
            gone: false,
        }
    }

    fn dice(&mut self, sides: u64) -> u64 {
        // xorshift64: the same seed, the same sequence.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % sides
    }

    fn say(&mut self, event: Said) {
        let Some(engine) = &self.engine else { return };
        let line = Box::new(EventLine { seq: 0, at_ms: self.now_ms, event });
        let speaker = "peer-1".to_owned();
        self.inbox.push_back(Event::Said { generation: engine.generation, speaker, line });
    }

    fn die(&mut self, end: End) {
        if let Some(engine) = self.engine.take() {
            self.inbox.push_back(Event::Ended { generation: engine.generation, end });
        }
    }

    fn apply(&mut self, event: Event) {
        self.note(&event);
        for effect in self.state.apply(event, self.now_ms) {
            match effect {
                Effect::Act(Act::Spawn { generation, .. }) => self.spawned(generation),
                Effect::Act(Act::Send { generation, line }) => self.told(generation, &line),
                Effect::Act(Act::Kill { .. }) => {
                    self.seen.ending |= self.state.work.process().is_some_and(|process| process.ending.is_some());
                    self.die(End { signal: Some(9), ..End::default() });
                }
                Effect::Gone => self.gone = true,
                _ => {}
            }
        }
        self.check();
    }

    fn spawned(&mut self, generation: u64) {
        assert!(self.engine.is_none(), "two engines at a time");
        self.engine = Some(Engine { generation, paused: false });
        self.seen = Seen { alive: true, ..Seen::default() };
        self.inbox.push_back(Event::Spawned { generation, pid: 7 });
        self.inbox.push_back(Event::Hello { generation });
        self.say(Said::PeerStarted { name: "peer-1".to_owned(), uid: Some(Uid(1)), pid: 8, role: Role::Train });
        self.phase(0);
    }

    fn phase(&mut self, round: u64) {
        let phase = PeerPhase::Inner;
        self.say(Said::PhaseChanged { round: Round(round), phase, deadline_block: BlockNumber(9) });
    }

    fn told(&mut self, generation: u64, line: &ipc::CommandLine) {
        let stop = matches!(line.command, Command::Stop { .. });
        self.seen.ending |= stop;
        let Some(engine) = self.engine.as_mut().filter(|engine| engine.generation == generation) else { return };
        match self.mood {
            Mood::Deaf => return,
            Mood::Refuses => {
                let problem = Problem::new("no", "No", "");
                return self.say(Said::Refused { id: line.id, problem });
            }
            Mood::Honest => {}
        }
        let since_ms = self.now_ms;
        match &line.command {
            Command::Pause { reason, .. } => {
                engine.paused = true;
                let reason = reason.clone();
                self.say(Said::Ack { id: line.id });
                self.say(Said::Paused { reason, since_ms, until: None });
            }
            Command::Resume => {
                engine.paused = false;
                self.say(Said::Ack { id: line.id });
                self.say(Said::Resumed);
            }
            Command::Stop { .. } => {
                self.say(Said::Ack { id: line.id });
                self.die(End { code: Some(0), ..End::default() });
            }
            Command::Snapshot => self.say(Said::Snapshot { id: line.id, events: Vec::new() }),
            _ => self.say(Said::Ack { id: line.id }),
        }
    }

    /// What an onlooker knows after this event.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Said { line, .. } => match line.event {
                Said::PhaseChanged { .. } => self.seen.worked = true,
                Said::Paused { .. } => self.seen.paused = true,
                Said::Resumed => self.seen.paused = false,
                _ => {}
            },
            Event::Ended { .. } => self.seen = Seen::default(),
            _ => {}
        }
    }

    /// What is shown is what the engine does.
    fn check(&self) {
        let shown = self.state.activity(self.now_ms);
        let seen = self.seen;
        let fits = match &shown {
            Activity::Stopping { .. } => seen.alive && seen.ending,
            Activity::Paused { .. } if seen.alive => seen.paused && !seen.ending,
            Activity::Running => seen.alive && seen.worked && !seen.paused && !seen.ending,
            Activity::Starting if seen.alive => !seen.worked && !seen.ending,
            // Nothing runs: it waits for a rule's end or for the next try.
            Activity::Paused { .. } | Activity::Starting => self.state.work.wanted().is_some(),
            Activity::Idle | Activity::Finished => !seen.alive,
        };
        assert!(fits, "shown {shown:?}, but {seen:?}");
    }

    fn press(&mut self, intent: Intent) {
        self.apply(Event::Intent(intent));
    }

    fn deliver(&mut self) {
        if let Some(event) = self.inbox.pop_front() {
            self.apply(event);
        }
    }

    fn wait(&mut self, secs: u64) {
        self.now_ms += secs * 1000;
        self.apply(Event::Tick);
    }

    fn rule(&mut self, holds: bool) {
        let signals = Signals { on_battery: Some(holds), ..Signals::default() };
        let reading = Reading { signals, memory: None, appearance: Appearance::default() };
        self.apply(Event::Reading(Box::new(reading)));
    }

    fn step(&mut self) {
        match self.dice(20) {
            0 => self.press(Intent::Start),
            1 => self.press(Intent::StartRehearsal(Rehearsal { peers: Some(3), ..Rehearsal::default() })),
            2 => self.press(Intent::Stop { when: StopWhen::Now }),
            3 => self.press(Intent::Stop { when: StopWhen::EndOfRound }),
            4 => self.press(Intent::Pause { for_how_long: PauseFor::Secs { secs: 30 } }),
            5 => self.press(Intent::Pause { for_how_long: PauseFor::UntilResumed }),
            6 => self.press(Intent::Resume),
            7 => self.rule(true),
            8 => self.rule(false),
            9 => {
                let code = [101, 1, 10, 40, 127, 0][self.dice(6) as usize];
                self.die(End { code: Some(code), ..End::default() });
            }
            10 => {
                let mood = [Mood::Honest, Mood::Deaf, Mood::Refuses][self.dice(3) as usize];
                self.mood = mood;
            }
            11 => {
                let secs = self.dice(400);
                self.wait(secs);
            }
            12 => self.apply(Event::Woke),
            13 => self.phase(2),
            14 => {
                self.say(Said::Summary(Box::default()));
                self.die(End { code: Some(0), ..End::default() });
            }
            15 => self.wait(1),
            _ => self.deliver(),
        }
    }

    /// Lets everything that is on its way arrive, with a peer that does as told.
    fn settle_until(&mut self, done: impl Fn(&Self) -> bool) {
        self.mood = Mood::Honest;
        for _ in 0..3000 {
            while !self.inbox.is_empty() {
                self.deliver();
            }
            if done(self) {
                return;
            }
            self.wait(1);
        }
        panic!("it sticks: {:?}, {:?}", self.state.activity(self.now_ms), self.engine);
    }
}

#[test]
fn ten_thousand_random_sequences_show_what_the_engine_does_and_nothing_sticks() {
    let mut world = World::new(20_261_125);
    for _ in 0..10_000 {
        for _ in 0..20 {
            world.step();
        }
        world.press(Intent::Stop { when: StopWhen::Now });
        world.settle_until(|world| {
            let shown = world.state.activity(world.now_ms);
            world.engine.is_none() && matches!(shown, Activity::Idle | Activity::Finished)
        });
        world.rule(false);
        world.press(Intent::Start);
        world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    }
}

#[test]
fn start_while_a_rule_holds_is_a_pause_with_its_reason_and_starts_when_the_rule_ends() {
    let mut world = World::new(1);
    world.rule(true);
    world.press(Intent::Start);
    let snapshot = world.state.snapshot(world.now_ms);
    assert!(matches!(snapshot.run.activity, Activity::Paused { .. }));
    assert_eq!(snapshot.pauses.first().map(|pause| pause.reason.clone()), Some(PauseReason::Battery));
    assert!(world.engine.is_none(), "nothing is loaded while it holds");
    world.rule(false);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
}

#[test]
fn a_rule_that_holds_while_nothing_is_wanted_does_nothing() {
    let mut world = World::new(1);
    world.rule(true);
    assert_eq!(world.state.activity(world.now_ms), Activity::Idle);
    assert_eq!(world.state.sentence(world.now_ms), "Not running");
    world.press(Intent::Pause { for_how_long: PauseFor::UntilResumed });
    assert_eq!(world.state.activity(world.now_ms), Activity::Idle);
}

#[test]
fn resume_overrules_the_rule_until_it_has_ended_once() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    world.rule(true);
    world.settle_until(|world| matches!(world.state.activity(world.now_ms), Activity::Paused { .. }));
    world.press(Intent::Resume);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    world.rule(false);
    for _ in 0..10 {
        world.wait(1);
    }
    world.rule(true);
    world.settle_until(|world| matches!(world.state.activity(world.now_ms), Activity::Paused { .. }));
}

#[test]
fn a_pause_that_is_not_followed_stays_shown_as_work_with_a_problem() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    world.mood = Mood::Deaf;
    world.press(Intent::Pause { for_how_long: PauseFor::UntilResumed });
    for _ in 0..12 {
        world.wait(1);
        world.phase(1);
        world.deliver();
    }
    let snapshot = world.state.snapshot(world.now_ms);
    assert_eq!(snapshot.run.activity, Activity::Running);
    assert!(snapshot.run.problems.iter().any(|row| row.problem.code == "no_answer"));
    assert!(snapshot.pauses.is_empty(), "a pause that is not there yet is not told");
}

#[test]
fn a_silent_peer_is_asked_then_ended_and_comes_back() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    world.mood = Mood::Deaf;
    for _ in 0..46 {
        world.wait(1);
    }
    world.deliver();
    let snapshot = world.state.snapshot(world.now_ms);
    assert_eq!(snapshot.recovery.map(|recovery| recovery.cause), Some(view_model::CrashCause::Hung));
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
}

#[test]
fn crashes_in_a_row_wait_longer_and_a_mismatch_waits_for_start() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    let mut waits = Vec::new();
    for _ in 0..10 {
        world.settle_until(|world| world.engine.is_some());
        world.die(End { code: Some(101), ..End::default() });
        world.deliver();
        let recovery = world.state.snapshot(world.now_ms).recovery.unwrap();
        waits.push(recovery.again_in_secs.unwrap());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    world.settle_until(|world| world.engine.is_some());
    world.die(End { code: Some(40), ..End::default() });
    world.deliver();
    for _ in 0..1000 {
        world.wait(1);
    }
    let recovery = world.state.snapshot(world.now_ms).recovery.unwrap();
    assert_eq!((recovery.cause, recovery.again_in_secs), (view_model::CrashCause::WrongVersion, None));
    assert!(world.engine.is_none());
    world.press(Intent::Start);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
}

#[test]
fn ten_minutes_of_good_work_make_the_next_crash_the_first_one() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    for _ in 0..3 {
        world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
        world.die(End { code: Some(101), ..End::default() });
        world.deliver();
    }
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    for _ in 0..610 {
        world.wait(1);
        while !world.inbox.is_empty() {
            world.deliver();
        }
    }
    world.die(End { code: Some(101), ..End::default() });
    world.deliver();
    assert_eq!(world.state.snapshot(world.now_ms).recovery.unwrap().attempt, 1);
}

#[test]
fn quitting_ends_the_peer_first_and_what_ran_comes_back() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    world.press(Intent::Quit);
    assert!(!world.gone, "the peer still runs");
    world.settle_until(|world| world.gone);
    assert!(world.engine.is_none());
    let session = world.state.session();
    let back = serde_json::from_slice::<Session>(&serde_json::to_vec(&session).unwrap()).unwrap();
    assert_eq!(back, session);
    let mut again = state_with(Settings::default(), back);
    let effects = again.apply(Event::Began, 0);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Act(Act::Spawn { .. }))));
    let mut asked_not_to = Settings::default();
    asked_not_to.behaviour.resume_on_start = false;
    let effects = state_with(asked_not_to, session).apply(Event::Began, 0);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Act(_))));
}

pub(super) fn run_card(id: &str) -> KnownRun {
    let card = view_model::RunCard {
        id: id.to_owned(),
        name: "a run".to_owned(),
        kind: RunKind::Shared,
        model_params: None,
        tokens_done: None,
        peers: None,
        round: None,
        pays: Told::default(),
        fit: view_model::Fit::Unknown,
        chosen: false,
        suggested: None,
        live: false,
        founder: None,
        link: None,
        source: None,
    };
    KnownRun { card, about: crate::runs::About::default(), has_places: true }
}

mod facts;
mod line;
