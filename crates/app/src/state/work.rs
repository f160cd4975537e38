//! What is wanted, and what is.
//!
//! In: what the user wants, whether a reason to pause holds, and the peer's own words and end. Out: what to do to bring the two
//! together. Whatever is pressed in whatever order, [`Work::reconcile`] looks at both and does the next step, so that
//! nothing sticks. What is shown comes from the peer alone: a command that is not followed changes nothing but the list of problems.

use super::job::Job;
use super::pauses::Held;
use crate::api::Times;
use crate::crash::{self, End, Known};
use ipc::{Command, CommandLine, StopWhen};
use types::Problem;
use view_model::{Activity, CrashCause, Recovery};

mod process;
pub(crate) use process::Process;
use process::{Asked, Ending};

/// What the supervisor is to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    Spawn { generation: u64, job: Job },
    Send { generation: u64, line: CommandLine },
    Kill { generation: u64 },
}

/// What came out of an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As asked.
    Asked,
    /// All rounds are done.
    Finished,
    /// By itself.
    Crashed(CrashCause),
}

#[derive(Debug, Clone, Copy)]
struct Again {
    cause: CrashCause,
    at_ms: Option<u64>,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Work {
    times: Times,
    wanted: Option<Job>,
    how: StopWhen,
    process: Option<Process>,
    again: Option<Again>,
    attempts: u32,
    generation: u64,
    finished: bool,
    /// The session ends: nothing of ours may run longer than until then.
    latest_ms: Option<u64>,
}

impl Work {
    pub(crate) fn new(times: Times, wanted: Option<Job>) -> Self {
        Self {
            times,
            wanted,
            how: StopWhen::Now,
            process: None,
            again: None,
            attempts: 0,
            generation: 0,
            finished: false,
            latest_ms: None,
        }
    }

    /// What is wanted.
    pub(crate) fn wanted(&self) -> Option<&Job> {
        self.wanted.as_ref()
    }

    /// The process that runs.
    pub(crate) fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// Whether `generation` is the process that runs.
    pub(crate) fn is_current(&self, generation: u64) -> bool {
        self.process.as_ref().is_some_and(|process| process.generation == generation)
    }

    /// Start was pressed: a wait before a restart is over, too.
    pub(crate) fn want(&mut self, job: Job) {
        if self.again.is_some_and(|again| again.at_ms.is_none()) {
            self.attempts = 0;
        }
        self.wanted = Some(job);
        self.again = None;
        self.finished = false;
    }

    /// Stop was pressed; a second press at once overtakes a first one after the round.
    pub(crate) fn unwant(&mut self, how: StopWhen, now_ms: u64) {
        self.wanted = None;
        self.again = None;
        self.attempts = 0;
        self.how = how;
        let ending = self.process.as_mut().and_then(|process| process.ending.as_mut());
        if let Some(ending) = ending.filter(|ending| ending.after_round && how == StopWhen::Now) {
            // Due now: `reconcile` sends the harder word.
            ending.by_ms = now_ms;
        }
    }

    /// The peer said something, whatever it was.
    pub(crate) fn heard(&mut self, now_ms: u64) {
        if let Some(process) = &mut self.process {
            process.heard(now_ms);
        }
    }

    /// The process at work, to be told what it said.
    pub(crate) fn process_mut(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// The computer slept, or time jumped: silence up to now says nothing.
    pub(crate) fn woke(&mut self, now_ms: u64) {
        if let Some(process) = &mut self.process {
            process.woke(now_ms);
        }
        if let Some(again) = &mut self.again {
            again.at_ms = again.at_ms.map(|at| at.min(now_ms));
        }
    }

    /// The process is gone.
    pub(crate) fn ended(&mut self, end: &End, now_ms: u64) -> Ended {
        let Some(process) = self.process.take() else { return Ended::Asked };
        if process.ending.is_some() {
            return Ended::Asked;
        }
        let trained_to_its_end = matches!(process.job, Job::Train { .. }) && process.worked() && end.code == Some(0);
        if process.summed_up || trained_to_its_end {
            self.wanted = None;
            self.finished = true;
            self.attempts = 0;
            return Ended::Finished;
        }
        let cause = crash::cause(end, Known { hung: process.hung, problem: process.problem.as_ref() });
        if process.worked_well(now_ms, self.times.well) {
            self.attempts = 0;
        }
        self.attempts = self.attempts.saturating_add(1);
        let wait = crash::wait_ms(self.attempts, millis(self.times.again));
        let at_ms = crash::mends_itself(cause, end).then(|| now_ms.saturating_add(wait));
        self.again = Some(Again { cause, at_ms });
        Ended::Crashed(cause)
    }

    /// Brings what is nearer to what is wanted. Problems are pushed to `problems`.
    pub(crate) fn reconcile(&mut self, hold: Option<&Held>, now_ms: u64, problems: &mut Vec<Problem>) -> Vec<Act> {
        let mut acts = Vec::new();
        let Some(process) = &mut self.process else {
            if let Some(job) = self.wanted.clone()
                && hold.is_none()
                && self.again.is_none_or(|again| again.at_ms.is_some_and(|at| at <= now_ms))
            {
                self.again = None;
                self.generation += 1;
                let generation = self.generation;
                self.process = Some(Process::new(generation, job.clone(), now_ms));
                acts.push(Act::Spawn { generation, job });
            }
            return acts;
        };
        process.expire_answers(now_ms, problems);
        if process.ending.is_some() {
            process.drive_end(now_ms, &self.times, &mut acts);
        } else if self.wanted.as_ref() != Some(&process.job) {
            let how = if self.wanted.is_some() { StopWhen::Now } else { self.how };
            process.begin_end(how, now_ms, &self.times, &mut acts);
        } else if !process.check_alive(now_ms, &self.times, &mut acts) {
            process.steer(hold, now_ms, &self.times, problems, &mut acts);
        }
        if let (Some(latest), Some(ending)) = (self.latest_ms, &mut process.ending) {
            (ending.by_ms, ending.after_round) = (ending.by_ms.min(latest), false);
        }
        acts
    }

    /// What is going on, by the peer's own words.
    pub(crate) fn activity(&self, hold: Option<&(&Held, String)>, now_ms: u64) -> Activity {
        let since = |ms: u64| now_ms.saturating_sub(ms) / 1000;
        let until = |ms: u64| ms.saturating_sub(now_ms).div_ceil(1000);
        let paused = |since_ms: u64, own: &str| {
            let (reason, until_ms) = match hold {
                Some((held, words)) => (words.clone(), held.ends_ms),
                None => (own.to_owned(), None),
            };
            Activity::Paused { reason, for_secs: since(since_ms), resumes_in_secs: until_ms.map(until) }
        };
        match &self.process {
            Some(Process { ending: Some(Ending { by_ms, .. }), .. }) => {
                Activity::Stopping { within_secs: until(*by_ms) }
            }
            Some(process) => match &process.paused {
                Some((since_ms, words)) => paused(*since_ms, words),
                None if process.worked() => Activity::Running,
                None => Activity::Starting,
            },
            None if self.wanted.is_none() && self.finished => Activity::Finished,
            None if self.wanted.is_none() => Activity::Idle,
            None => match (hold, self.again) {
                (Some((held, _)), _) => paused(held.since_ms, ""),
                (None, Some(Again { at_ms: None, .. })) => Activity::Idle,
                (None, _) => Activity::Starting,
            },
        }
    }

    /// A process that ended by itself and is to come back.
    pub(crate) fn recovery(&self, hold: bool, now_ms: u64) -> Option<Recovery> {
        let again = self.again.filter(|_| !hold && self.process.is_none() && self.wanted.is_some())?;
        let again_in_secs = again.at_ms.map(|at| at.saturating_sub(now_ms).div_ceil(1000));
        Some(Recovery { cause: again.cause, again_in_secs, attempt: self.attempts })
    }

    /// Whether nothing of ours runs.
    pub(crate) fn is_gone(&self) -> bool {
        self.process.is_none()
    }

    /// A command for the running peer outside of start, pause and stop.
    pub(crate) fn tell(&mut self, command: Command, now_ms: u64) -> Option<Act> {
        let answer = millis(self.times.answer);
        let process = self.process.as_mut().filter(|process| process.hello && process.ending.is_none())?;
        Some(process.tell(command, Asked::Other, now_ms, answer))
    }

    /// A pace for the running peer. It is no press: one that is not taken is no problem.
    pub(crate) fn pace(&mut self, command: Command, now_ms: u64) -> Option<Act> {
        let process = self.process.as_mut().filter(|process| process.ready && process.ending.is_none())?;
        Some(process.tell(command, Asked::Alive, now_ms, 0))
    }

    /// Something that the running peer is told beside, as soon as it said who it is. Nobody waits for an answer.
    pub(crate) fn mention(&mut self, command: Command, now_ms: u64) -> Option<Act> {
        let process = self.process.as_mut().filter(|process| process.hello && process.ending.is_none())?;
        Some(process.tell(command, Asked::Alive, now_ms, 0))
    }

    /// What is on its way down has until then at most.
    pub(crate) fn hurry(&mut self, by_ms: u64) {
        self.latest_ms = Some(by_ms);
    }

    /// Time without a fault makes the next fault the first one again.
    pub(crate) fn tick(&mut self, now_ms: u64) {
        if self.process.as_ref().is_some_and(|process| process.worked_well(now_ms, self.times.well)) {
            self.attempts = 0;
        }
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
