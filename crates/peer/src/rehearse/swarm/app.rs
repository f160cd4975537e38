//! The app at the other end of a rehearsal's stdin: what it asks of the whole swarm.
//!
//! In: command lines. Out: commands for the processes, answers, and how the rehearsal is to end. The end of the line means
//! that the app has gone: then the swarm goes too.

use std::time::Duration;

use ipc::{Command, CommandLine, Event, HandshakeError, Hello, StopWhen};
use tokio::sync::mpsc;
use types::{Problem, Round};

use super::super::facts::role_of;
use super::{RehearseError, STOP_GRACE, Slot, Swarm, print};
use crate::events::now_ms;
use crate::signing::{Knows, commands_on_stdin, reply};

/// Time to end by itself for a process of a rehearsal that nobody wants any more: what it could still save is of no use.
pub(super) const NOW_GRACE: Duration = Duration::from_millis(500);

/// The app's line.
pub struct App {
    commands: mpsc::Receiver<CommandLine>,
    /// Lines said so far.
    said: u64,
}

/// A pause as it was asked for.
#[derive(Debug, Clone)]
pub(super) struct Pause {
    reason: String,
    since_ms: u64,
    until_ms: Option<u64>,
    /// Said already that everything stands still.
    said: bool,
}

/// What the app has asked for so far.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) pause: Option<Pause>,
    work_share: Option<f64>,
    /// The round to end with.
    pub(super) last: Option<Round>,
    /// To end at once.
    pub(super) ends: bool,
}

impl Wanted {
    /// Nothing.
    pub(super) fn nothing() -> Self {
        Self { pause: None, work_share: None, last: None, ends: false }
    }
}

impl App {
    /// Opens the line and greets.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn open() -> std::io::Result<Self> {
        let mut app = Self { commands: commands_on_stdin()?, said: 0 };
        app.say(Event::Hello(Hello::ours(crate::VERSION)));
        Ok(app)
    }

    /// Says something of the rehearsal itself, before there is a swarm.
    pub fn say(&mut self, event: Event) {
        print("rehearsal", self.said, event);
        self.said += 1;
    }

    /// Answers while the rehearsal is prepared; returns once the app has gone or wants no rehearsal any more.
    ///
    /// # Errors
    /// The app speaks other words.
    pub async fn until_unwanted(&mut self) -> Result<(), RehearseError> {
        let since_ms = now_ms();
        let (for_whom, what) = (vec!["rehearsal".to_owned()], "the text and the run to be prepared".to_owned());
        self.say(Event::Waiting { for_whom, since_ms, what });
        while let Some(line) = self.commands.recv().await {
            let ends = matches!(line.command, Command::Stop { .. } | Command::Shutdown { .. });
            let not_yet = !ends && !matches!(line.command, Command::Hello(_));
            let answer = match reply(&line, Knows::Training).inspect_err(|error| self.say(too_different(error)))? {
                _ if not_yet => Some(Event::Refused { id: line.id, problem: preparing() }),
                answer => answer,
            };
            answer.into_iter().for_each(|event| self.say(event));
            if ends {
                self.say(Event::Stopping { deadline_secs: 1, price: "nothing is lost".into() });
                return Ok(());
            }
        }
        Ok(())
    }

    /// The next command; `None` once the app has gone.
    pub(super) async fn next(&mut self) -> Option<CommandLine> {
        self.commands.recv().await
    }

    /// Lines said so far.
    pub(super) fn said(&self) -> u64 {
        self.said
    }
}

fn too_different(error: &HandshakeError) -> Event {
    let problem = Problem::new("protocol_mismatch", error.to_string(), "Update app and peer together");
    Event::Problem { problem, fatal: true }
}

fn preparing() -> Problem {
    Problem::new("preparing", "The rehearsal is being prepared", "Try again in some seconds")
}

impl Swarm<'_> {
    /// Takes a command, or that the app has gone.
    pub(super) fn told(&mut self, line: Option<CommandLine>) -> Result<(), RehearseError> {
        let Some(line) = line else {
            self.wanted.ends = true;
            return Ok(());
        };
        if let Command::Sample { .. } = line.command
            && self.wanted.pause.is_some()
        {
            let title = "The model cannot be asked during a pause";
            let problem = Problem::new("paused", title, "Resume first");
            self.say("rehearsal", &Event::Refused { id: line.id, problem });
            return Ok(());
        }
        let answer = reply(&line, Knows::Training).inspect_err(|error| self.say("rehearsal", &too_different(error)))?;
        let taken = !matches!(answer, Some(Event::Refused { .. }));
        if let Some(answer) = answer {
            self.say("rehearsal", &answer);
        }
        if taken {
            self.obey(line);
        }
        Ok(())
    }

    fn obey(&mut self, line: CommandLine) {
        match line.command {
            Command::Pause { reason, until_ms } => {
                self.wanted.pause = Some(Pause { reason, since_ms: now_ms(), until_ms, said: false });
                self.tell_workers();
            }
            Command::Resume => {
                self.wanted.pause = None;
                self.paused.clear();
                self.progressed = std::time::Instant::now();
                for slot in self.slots.values_mut() {
                    slot.tell(Command::Resume);
                }
                self.say("rehearsal", &Event::Resumed);
            }
            Command::Pace { work_share } => {
                self.wanted.work_share = Some(work_share);
                for name in self.trainers() {
                    self.tell(&name, Command::Pace { work_share });
                }
            }
            sample @ Command::Sample { .. } => {
                // They all stand at the same parameters.
                if let Some(name) = self.trainers().into_iter().next() {
                    self.tell(&name, sample);
                }
            }
            Command::Snapshot => self.say_snapshot(line.id),
            Command::Stop { when: StopWhen::EndOfRound } if self.wanted.pause.is_none() => {
                let round = self.facts.training_round().unwrap_or_default();
                self.wanted.last = Some(round);
                // Two phases may be left of it.
                let most = 2 * Duration::from_secs(self.plan.input.phase_secs) + STOP_GRACE;
                self.say_price(most, format!("round {round} is finished first; nothing is lost"));
            }
            Command::Stop { .. } | Command::Shutdown { .. } => self.end_now(),
            _ => {}
        }
    }

    fn end_now(&mut self) {
        self.wanted.ends = true;
        let price = match self.facts.training_round() {
            Some(round) => format!("round {round} is not finished, and this rehearsal cannot be continued"),
            None => "nothing is lost".to_owned(),
        };
        self.say_price(2 * NOW_GRACE, price);
    }

    fn say_price(&mut self, most: Duration, price: String) {
        let deadline_secs = u32::try_from(most.as_secs()).unwrap_or(u32::MAX);
        self.say("rehearsal", &Event::Stopping { deadline_secs, price });
    }

    fn say_snapshot(&mut self, id: u64) {
        let of: Vec<(String, Vec<Event>)> =
            self.latest.iter().map(|(name, latest)| (name.clone(), latest.events())).collect();
        let own = of.iter().find(|(name, _)| name == "rehearsal").map(|(_, events)| events.clone()).unwrap_or_default();
        for (name, events) in of.into_iter().filter(|(name, _)| name != "rehearsal") {
            self.say(&name, &Event::Snapshot { id, events });
        }
        // Last, so that it is known when all have come.
        self.say("rehearsal", &Event::Snapshot { id, events: own });
    }

    /// A process that comes while the swarm stands still, or works slowly, does so too.
    pub(super) fn brief(&mut self, name: &str) {
        if let Some(pause) = self.pause_command()
            && may_pause(name)
        {
            self.tell(name, pause);
        }
        if let Some(work_share) = self.wanted.work_share
            && is_trainer(name)
        {
            self.tell(name, Command::Pace { work_share });
        }
    }

    /// Tells those that can pause to do so: the peers stop, and the ledger's clock with them.
    fn tell_workers(&mut self) {
        let Some(pause) = self.pause_command() else { return };
        for (name, slot) in &mut self.slots {
            if may_pause(name) {
                slot.tell(pause.clone());
            }
        }
    }

    fn pause_command(&self) -> Option<Command> {
        let pause = self.wanted.pause.as_ref()?;
        Some(Command::Pause { reason: pause.reason.clone(), until_ms: pause.until_ms })
    }

    /// Says that everything stands still once it does.
    pub(super) fn say_if_paused(&mut self) {
        let trainers = self.trainers();
        let still = trainers.iter().all(|name| self.paused.contains(name));
        let Some(pause) = self.wanted.pause.as_mut().filter(|pause| still && !pause.said) else { return };
        pause.said = true;
        let Pause { reason, since_ms, until_ms: until, .. } = pause.clone();
        self.say("rehearsal", &Event::Paused { reason, since_ms, until });
    }

    /// What the app hears of a process: everything but the answers to the rehearsal itself.
    pub(super) fn note(&mut self, name: &str, event: &Event) -> bool {
        match event {
            Event::Hello(_) | Event::Ack { .. } | Event::Refused { .. } | Event::Snapshot { .. } => return false,
            Event::Paused { .. } => {
                self.paused.insert(name.to_owned());
            }
            Event::Resumed | Event::PeerStarted { .. } => {
                self.paused.remove(name);
            }
            _ => {}
        }
        self.latest.entry(name.to_owned()).or_default().take(event);
        true
    }

    /// Honest peers and cheaters that run, honest ones first.
    fn trainers(&self) -> Vec<String> {
        let all = self.plan.processes().into_iter();
        all.filter(|name| is_trainer(name) && self.slots.get(name).is_some_and(Slot::runs)).collect()
    }

    fn tell(&mut self, name: &str, command: Command) {
        if let Some(slot) = self.slots.get_mut(name) {
            slot.tell(command);
        }
    }
}

fn is_trainer(name: &str) -> bool {
    role_of(name) == ipc::Role::Train
}

/// A validator works for moments only; peers and the clock that waits for them can stand still.
fn may_pause(name: &str) -> bool {
    role_of(name) != ipc::Role::Validate
}
