//! One peer process as the state knows it: what it said, what it was told, what it owes.

use super::{Act, Times, millis};
use crate::state::job::Job;
use crate::state::pauses::Held;
use ipc::{Command, CommandLine, StopWhen};
use types::Problem;

/// Commands that may be unanswered at a time; more are a peer that does not answer.
const MAX_UNANSWERED: usize = 32;

/// A process of the peer.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) generation: u64,
    pub(crate) job: Job,
    pub(crate) ending: Option<Ending>,
    /// Since when it says it stands still, and its words.
    pub(crate) paused: Option<(u64, String)>,
    /// It said who it is.
    pub(crate) hello: bool,
    /// It is past its preparations and takes commands.
    pub(crate) ready: bool,
    /// It was told its limits, or has none.
    pub(crate) limited: bool,
    /// It said its summary.
    pub(crate) summed_up: bool,
    /// It was ended because it did not answer.
    pub(crate) hung: bool,
    /// The last problem it said.
    pub(crate) problem: Option<Problem>,
    spawned_ms: u64,
    heard_ms: u64,
    asked_ms: Option<u64>,
    /// Since when rounds run.
    works_since_ms: Option<u64>,
    steering: Option<Steering>,
    unanswered: Vec<Unanswered>,
    next_id: u64,
}

/// On the way down.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) by_ms: u64,
    pub(crate) after_round: bool,
    killed: bool,
}

/// What a command was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Pause,
    Resume,
    Stop,
    Alive,
    Other,
}

impl Asked {
    /// Whether a person waits for it. Pauses are said again by themselves.
    pub(crate) fn is_pressed(self) -> bool {
        matches!(self, Self::Stop | Self::Other)
    }
}

#[derive(Debug)]
struct Unanswered {
    id: u64,
    what: Asked,
    by_ms: u64,
}

/// A pause or resume that has not shown its effect.
#[derive(Debug)]
struct Steering {
    pause: bool,
    by_ms: u64,
}

impl Process {
    pub(crate) fn new(generation: u64, job: Job, now_ms: u64) -> Self {
        Self {
            generation,
            job,
            ending: None,
            paused: None,
            hello: false,
            ready: false,
            limited: false,
            summed_up: false,
            hung: false,
            problem: None,
            spawned_ms: now_ms,
            heard_ms: now_ms,
            asked_ms: None,
            works_since_ms: None,
            steering: None,
            unanswered: Vec::new(),
            next_id: 1,
        }
    }

    pub(crate) fn heard(&mut self, now_ms: u64) {
        self.heard_ms = now_ms;
        self.asked_ms = None;
    }

    /// The computer slept: it could say nothing, and gets its full time anew.
    pub(crate) fn woke(&mut self, now_ms: u64) {
        self.heard(now_ms);
        self.spawned_ms = now_ms;
        self.unanswered.clear();
        self.steering = None;
    }

    /// Rounds run.
    pub(crate) fn works(&mut self, now_ms: u64) {
        self.works_since_ms.get_or_insert(now_ms);
    }

    pub(crate) fn worked(&self) -> bool {
        self.works_since_ms.is_some()
    }

    pub(crate) fn worked_well(&self, now_ms: u64, well: std::time::Duration) -> bool {
        self.works_since_ms.is_some_and(|since| now_ms.saturating_sub(since) >= millis(well))
    }

    /// A command was taken.
    pub(crate) fn answered(&mut self, id: u64) {
        self.unanswered.retain(|asked| asked.id != id);
    }

    /// A command was refused; what it was about.
    pub(crate) fn refused(&mut self, id: u64) -> Option<Asked> {
        let what = self.unanswered.iter().find(|asked| asked.id == id).map(|asked| asked.what);
        self.answered(id);
        what
    }

    pub(crate) fn tell(&mut self, command: Command, what: Asked, now_ms: u64, answer_ms: u64) -> Act {
        let id = self.next_id;
        self.next_id += 1;
        if self.unanswered.len() < MAX_UNANSWERED && what != Asked::Alive {
            self.unanswered.push(Unanswered { id, what, by_ms: now_ms.saturating_add(answer_ms) });
        }
        Act::Send { generation: self.generation, line: CommandLine { id, command } }
    }

    /// Commands whose time is over become problems, each once.
    pub(crate) fn expire_answers(&mut self, now_ms: u64, problems: &mut Vec<Problem>) {
        let late: Vec<Asked> =
            self.unanswered.extract_if(.., |asked| asked.by_ms <= now_ms).map(|asked| asked.what).collect();
        // On the way down nobody waits for an answer: the kill comes anyway.
        if !late.is_empty() && self.ending.is_none() {
            problems.push(not_answered());
        }
    }

    /// Tells it to end.
    pub(crate) fn begin_end(&mut self, when: StopWhen, now_ms: u64, times: &Times, acts: &mut Vec<Act>) {
        let after_round = when == StopWhen::EndOfRound && self.worked() && self.paused.is_none();
        let within = if after_round { times.stop_round } else { times.stop };
        self.ending = Some(Ending { by_ms: now_ms.saturating_add(millis(within)), after_round, killed: false });
        if self.hello {
            let when = if after_round { StopWhen::EndOfRound } else { StopWhen::Now };
            acts.push(self.tell(Command::Stop { when }, Asked::Stop, now_ms, millis(times.answer)));
        } else {
            // It has done nothing yet, and does not listen.
            self.kill(acts);
        }
    }

    /// A deadline on the way down: first the harder word, then the kill.
    pub(crate) fn drive_end(&mut self, now_ms: u64, times: &Times, acts: &mut Vec<Act>) {
        let Some(ending) = self.ending.as_mut().filter(|ending| ending.by_ms <= now_ms) else { return };
        if ending.after_round {
            ending.after_round = false;
            ending.by_ms = now_ms.saturating_add(millis(times.stop));
            let command = Command::Stop { when: StopWhen::Now };
            acts.push(self.tell(command, Asked::Stop, now_ms, millis(times.answer)));
        } else if !ending.killed {
            self.kill(acts);
        }
    }

    fn kill(&mut self, acts: &mut Vec<Act>) {
        if let Some(ending) = &mut self.ending {
            ending.killed = true;
        }
        acts.push(Act::Kill { generation: self.generation });
    }

    /// Asks a silent process whether it is there, and ends one that does not answer. Gives whether it was ended.
    pub(crate) fn check_alive(&mut self, now_ms: u64, times: &Times, acts: &mut Vec<Act>) -> bool {
        if self.hung {
            return true;
        }
        if !self.hello {
            self.hung = now_ms.saturating_sub(self.spawned_ms) >= millis(times.hello);
        } else if let Some(asked) = self.asked_ms {
            // Before the first round text is cut into tokens and a model is made, and nothing is said for long.
            let patience = millis(times.hang).saturating_mul(if self.worked() { 1 } else { 4 });
            self.hung = now_ms.saturating_sub(asked) >= patience;
        } else if now_ms.saturating_sub(self.heard_ms) >= millis(times.quiet) {
            self.asked_ms = Some(now_ms);
            acts.push(self.tell(Command::Snapshot, Asked::Alive, now_ms, 0));
        }
        if self.hung {
            acts.push(Act::Kill { generation: self.generation });
        }
        self.hung
    }

    /// Pauses or resumes it, if that is what it does not do yet.
    pub(crate) fn steer(
        &mut self,
        hold: Option<&Held>,
        now_ms: u64,
        times: &Times,
        problems: &mut Vec<Problem>,
        acts: &mut Vec<Act>,
    ) {
        let pause = hold.is_some();
        if pause == self.paused.is_some() {
            self.steering = None;
            return;
        }
        match &self.steering {
            Some(steering) if steering.pause == pause && now_ms < steering.by_ms => return,
            Some(steering) if steering.pause == pause => problems.push(no_effect(pause)),
            _ => {}
        }
        if !self.ready {
            return;
        }
        self.steering = Some(Steering { pause, by_ms: now_ms.saturating_add(millis(times.effect)) });
        let answer = millis(times.answer);
        acts.push(match hold {
            Some(held) => {
                let reason = held.reason.code().to_owned();
                self.tell(Command::Pause { reason, until_ms: held.ends_ms }, Asked::Pause, now_ms, answer)
            }
            None => self.tell(Command::Resume, Asked::Resume, now_ms, answer),
        });
    }
}

fn not_answered() -> Problem {
    Problem::new(
        "no_answer",
        "The trainer has not answered a command",
        "What is shown is what it does. If it stays so, it is ended and started again by itself.",
    )
}

fn no_effect(pause: bool) -> Problem {
    match pause {
        true => Problem::new(
            "pause_late",
            "The trainer was told to pause and still works",
            "It is told again. Stop frees the card at once.",
        ),
        false => Problem::new(
            "resume_late",
            "The trainer was told to go on and still stands still",
            "It is told again. Stop and Start begin afresh.",
        ),
    }
}
