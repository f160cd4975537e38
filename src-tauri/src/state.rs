//! The state of a run, folded from the peer's events.
//!
//! In: one event line after the other, with the speaker's name. Out: a [`RunSnapshot`] for a given moment. A
//! projection: the same lines always give the same snapshot. It reads no clock and performs nothing. Memory is bounded
//! whatever the peer says: so many processes, losses and problems, and no more.

use ipc::{Event, EventLine, PeerPhase, Role};
use std::collections::BTreeMap;
use types::{Rao, Round, Uid, Verdict};
use view_model::{
    Activity, EvalLoss, Lamp, LampState, PeerRow, Phase, ProblemRow, RunFacts, RunKind, RunSnapshot, Step, VerdictRow,
    Waiting,
};

/// Processes that are kept; a rehearsal has at most 64 peers.
const MAX_PROCESSES: usize = 128;
/// Held-out losses that are kept: what a chart can show.
const MAX_LOSSES: usize = 1024;
/// Problems that are kept.
const MAX_PROBLEMS: usize = 16;
/// Lamps that are kept; there are five.
const MAX_LAMPS: usize = 16;

/// What is known of one process.
#[derive(Debug, Clone, Default)]
struct Process {
    uid: Option<Uid>,
    role: Option<Role>,
    running: bool,
    phase: Option<(Round, PeerPhase)>,
    step: Option<Step>,
    loss: Option<f64>,
    tokens_per_sec: Option<f64>,
    verdict: Option<VerdictRow>,
    credits: Rao,
}

/// Everything known of the run.
#[derive(Debug, Default)]
pub(crate) struct RunState {
    activity: Now,
    began_ms: Option<u64>,
    last_ms: u64,
    facts: Option<RunFacts>,
    processes: BTreeMap<String, Process>,
    eval_losses: Vec<EvalLoss>,
    lamps: Vec<Lamp>,
    waiting: Option<(Vec<String>, String, u64)>,
    problems: Vec<ProblemRow>,
}

/// [`Activity`] with moments instead of durations.
#[derive(Debug, Default)]
enum Now {
    #[default]
    Starting,
    Running,
    Paused {
        reason: String,
        since_ms: u64,
        until_ms: Option<u64>,
    },
    Stopping {
        by_ms: u64,
    },
    Finished,
}

impl RunState {
    /// Takes one line; `speaker` is the process that said it.
    pub(crate) fn take(&mut self, speaker: &str, line: &EventLine) {
        self.began_ms.get_or_insert(line.at_ms);
        self.last_ms = self.last_ms.max(line.at_ms);
        match &line.event {
            Event::Summary(_) => {
                self.activity = Now::Finished;
                self.lamps.clear();
            }
            Event::Paused { reason, since_ms, until } => {
                self.activity = Now::Paused { reason: reason.clone(), since_ms: *since_ms, until_ms: *until };
            }
            Event::Resumed => self.activity = Now::Running,
            Event::Problem { problem, fatal } => {
                // A process that restarts says the same thing again.
                self.problems.retain(|row| row.problem != *problem);
                self.problems.push(ProblemRow { problem: problem.clone(), fatal: *fatal });
                drop_oldest(&mut self.problems, MAX_PROBLEMS);
            }
            Event::Waiting { for_whom, since_ms, what } => {
                self.waiting = Some((for_whom.clone(), what.clone(), *since_ms));
            }
            Event::RunFacts { name, model_params, text, rounds, .. } => {
                // Only rehearsals are supervised so far.
                let rounds = (*rounds > 0).then_some(*rounds);
                let (name, text) = (name.clone(), text.clone());
                self.facts =
                    Some(RunFacts { kind: RunKind::Rehearsal, name, model_params: *model_params, text, rounds });
            }
            Event::Evaluated { round, loss } => self.take_loss(*round, *loss),
            Event::Lamps { lamps, .. } => self.lamps = lamps.iter().take(MAX_LAMPS).map(lamp).collect(),
            event => self.take_process_event(speaker, event),
        }
    }

    /// The app asked the peer to end; the peer's own word may come later or never.
    pub(crate) fn stopping(&mut self, by_ms: u64) {
        self.activity = Now::Stopping { by_ms };
    }

    /// Whether the summary has come.
    pub(crate) fn finished(&self) -> bool {
        matches!(self.activity, Now::Finished)
    }

    fn take_loss(&mut self, round: Round, loss: f64) {
        // Several validators may speak; the first one counts, and rounds only ascend.
        if self.eval_losses.last().is_none_or(|last| last.round < round) {
            self.eval_losses.push(EvalLoss { round, loss });
            drop_oldest(&mut self.eval_losses, MAX_LOSSES);
        }
    }

    fn take_process_event(&mut self, speaker: &str, event: &Event) {
        match event {
            Event::PeerStarted { name, uid, role, .. } => {
                let Some(process) = self.process(name) else { return };
                process.uid = uid.or(process.uid);
                (process.role, process.running) = (Some(*role), true);
            }
            Event::PeerExited { name, .. } => {
                let Some(process) = self.process(name) else { return };
                (process.running, process.phase, process.step) = (false, None, None);
            }
            Event::PhaseChanged { round, phase, .. } => {
                self.waiting = None;
                // Fatal is meant for one process. If rounds go on, the run did not end with it.
                self.problems.iter_mut().for_each(|row| row.fatal = false);
                if matches!(self.activity, Now::Starting) {
                    self.activity = Now::Running;
                }
                let Some(process) = self.process(speaker) else { return };
                (process.running, process.phase, process.step) = (true, Some((*round, *phase)), None);
            }
            Event::InnerStepDone { step, of, loss, tokens_per_sec, .. } => {
                let Some(process) = self.process(speaker) else { return };
                process.step = Some(Step { done: *step, of: *of });
                (process.loss, process.tokens_per_sec) = (Some(*loss), Some(*tokens_per_sec));
            }
            Event::VerdictReceived { round, uid, verdict, .. } => self.take_verdict(*round, *uid, *verdict),
            Event::ScoreUpdated { uid, balance, .. } => {
                if let Some(process) = self.by_uid(*uid) {
                    process.credits = *balance;
                }
            }
            _ => {}
        }
    }

    fn take_verdict(&mut self, round: Round, uid: Uid, verdict: Verdict) {
        if let Some(process) = self.by_uid(uid)
            && process.verdict.is_none_or(|last| last.round <= round)
        {
            process.verdict = Some(VerdictRow { round, verdict });
        }
    }

    /// The process of that name, made if there is room.
    fn process(&mut self, name: &str) -> Option<&mut Process> {
        if !self.processes.contains_key(name) {
            if self.processes.len() >= MAX_PROCESSES {
                return None;
            }
            self.processes.insert(name.to_owned(), Process::default());
        }
        self.processes.get_mut(name)
    }

    fn by_uid(&mut self, uid: Uid) -> Option<&mut Process> {
        self.processes.values_mut().find(|process| process.uid == Some(uid))
    }

    /// What a view shows at `now_ms`, by the clock that the peer uses too.
    pub(crate) fn snapshot(&self, now_ms: u64) -> RunSnapshot {
        let since = |ms: u64| now_ms.saturating_sub(ms) / 1000;
        let until = |ms: u64| ms.saturating_sub(now_ms) / 1000;
        let end_ms = if self.finished() { self.last_ms } else { now_ms };
        RunSnapshot {
            activity: match &self.activity {
                Now::Starting => Activity::Starting,
                Now::Running => Activity::Running,
                Now::Paused { reason, since_ms, until_ms } => Activity::Paused {
                    reason: reason.clone(),
                    for_secs: since(*since_ms),
                    resumes_in_secs: until_ms.map(until),
                },
                Now::Stopping { by_ms } => Activity::Stopping { within_secs: until(*by_ms) },
                Now::Finished => Activity::Finished,
            },
            run: self.facts.clone(),
            round: self.processes.values().filter_map(|process| Some(process.phase?.0)).max(),
            deadline_in_secs: None, // The paced clock of a rehearsal has no deadline in seconds.
            peers: self
                .processes
                .iter()
                .filter(|(_, process)| process.is_shown())
                .map(|(name, p)| p.row(name))
                .collect(),
            eval_losses: self.eval_losses.clone(),
            lamps: self.lamps.clone(),
            waiting: self.waiting.clone().map(|(for_whom, what, since_ms)| Waiting {
                for_whom,
                what,
                for_secs: since(since_ms),
            }),
            problems: self.problems.clone(),
            elapsed_secs: self.began_ms.map_or(0, |began| end_ms.saturating_sub(began) / 1000),
        }
    }
}

impl Process {
    /// The ledger and the rehearsal itself take no part in rounds.
    fn is_shown(&self) -> bool {
        self.phase.is_some() || matches!(self.role, Some(Role::Train | Role::Validate))
    }

    fn row(&self, name: &str) -> PeerRow {
        PeerRow {
            name: name.to_owned(),
            uid: self.uid,
            phase: self.phase.filter(|_| self.running).map(|(_, phase)| shown(phase)),
            step: self.step,
            loss: self.loss,
            tokens_per_sec: self.tokens_per_sec,
            verdict: self.verdict,
            credits: self.credits,
        }
    }
}

fn drop_oldest<T>(list: &mut Vec<T>, keep: usize) {
    if list.len() > keep {
        list.drain(..list.len() - keep);
    }
}

fn lamp(lamp: &ipc::Lamp) -> Lamp {
    let state = match lamp.state {
        ipc::LampState::Pass => LampState::Pass,
        ipc::LampState::Warn => LampState::Warn,
        ipc::LampState::Fail => LampState::Fail,
        ipc::LampState::Unknown => LampState::Unknown,
    };
    Lamp { name: lamp.name.clone(), state, why: lamp.why.clone() }
}

fn shown(phase: PeerPhase) -> Phase {
    match phase {
        PeerPhase::Sync => Phase::Sync,
        PeerPhase::Inner => Phase::Inner,
        PeerPhase::Compress => Phase::Compress,
        PeerPhase::Submit => Phase::Submit,
        PeerPhase::Gather => Phase::Gather,
        PeerPhase::Evaluate => Phase::Evaluate,
        PeerPhase::Outer => Phase::Outer,
        PeerPhase::Settle => Phase::Settle,
        // A phase that a newer peer knows reads as waiting.
        _ => Phase::Idle,
    }
}

#[cfg(test)]
mod tests;
