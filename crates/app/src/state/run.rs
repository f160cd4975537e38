//! What is known of a run, folded from the peer's events.
//!
//! In: one event line after the other, with the speaker's name. Out: a [`RunSnapshot`] for a given moment, all but its
//! activity, which is the work's. A projection: the same lines always give the same snapshot. Memory is bounded whatever
//! the peer says: so many processes, losses and lamps, so long names, and no more.

use ipc::{Event, EventLine, PeerPhase, Role};
use std::collections::BTreeMap;
use types::{Rao, Round, Uid, Verdict};
use view_model::{
    EvalLoss, Lamp, LampState, PeerRow, Phase, RunFacts, RunKind, RunSnapshot, Step, VerdictRow, Waiting,
};

/// Processes that are kept; a rehearsal has at most 64 peers.
pub(crate) const MAX_PROCESSES: usize = 128;
/// Held-out losses that are kept: what a chart can show.
pub(crate) const MAX_LOSSES: usize = 1024;
/// Lamps that are kept; there are five.
const MAX_LAMPS: usize = 16;
/// Names in a wait that are kept.
const MAX_WAITED_FOR: usize = 64;
/// Characters of a name, and of a sentence.
const MAX_NAME_CHARS: usize = 64;
const MAX_SENTENCE_CHARS: usize = 500;

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

/// Everything known of a run but its activity, which is the work's. The terminal's rehearsal folds with it too.
#[derive(Debug, Default)]
pub struct RunState {
    kind: Option<RunKind>,
    began_ms: Option<u64>,
    last_ms: u64,
    facts: Option<RunFacts>,
    processes: BTreeMap<String, Process>,
    eval_losses: Vec<EvalLoss>,
    lamps: Vec<Lamp>,
    waiting: Option<(Vec<String>, String, u64)>,
    over: bool,
}

impl RunState {
    /// A run of that kind, of which nothing is known yet.
    pub fn new(kind: RunKind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }

    /// Takes one line; `speaker` is the process that said it.
    pub fn take(&mut self, speaker: &str, line: &EventLine) {
        self.began_ms.get_or_insert(line.at_ms);
        self.last_ms = self.last_ms.max(line.at_ms);
        match &line.event {
            Event::Summary(_) => {
                self.lamps.clear();
                self.waiting = None;
            }
            Event::Waiting { for_whom, since_ms, what } => {
                let whom = for_whom.iter().take(MAX_WAITED_FOR).map(|name| cut(name, MAX_NAME_CHARS)).collect();
                self.waiting = Some((whom, cut(what, MAX_SENTENCE_CHARS), *since_ms));
            }
            Event::RunFacts { name, model_params, text, rounds, .. } => {
                let rounds = (*rounds > 0).then_some(*rounds);
                let (name, text) = (cut(name, MAX_NAME_CHARS), cut(text, MAX_SENTENCE_CHARS));
                let kind = self.kind.unwrap_or(RunKind::Rehearsal);
                self.facts = Some(RunFacts { kind, name, model_params: *model_params, text, rounds });
            }
            Event::Evaluated { round, loss } => self.take_loss(*round, *loss),
            Event::Lamps { lamps, .. } => self.lamps = self::lamps(lamps),
            event => self.take_process_event(speaker, event),
        }
    }

    /// The process has gone: nobody is at work, and the clock stands still.
    pub fn end(&mut self, at_ms: u64) {
        self.over = true;
        self.last_ms = self.last_ms.max(at_ms);
        self.waiting = None;
        for process in self.processes.values_mut() {
            (process.running, process.step) = (false, None);
        }
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
        let name = cut(name, MAX_NAME_CHARS);
        if !self.processes.contains_key(&name) && self.processes.len() >= MAX_PROCESSES {
            return None;
        }
        Some(self.processes.entry(name).or_default())
    }

    fn by_uid(&mut self, uid: Uid) -> Option<&mut Process> {
        self.processes.values_mut().find(|process| process.uid == Some(uid))
    }

    /// The slot of the process of that name.
    pub(crate) fn uid_of(&self, name: &str) -> Option<Uid> {
        self.processes.get(name).and_then(|process| process.uid)
    }

    /// What a view shows at `now_ms`, by the clock that the peer uses too. Activity and problems are left to the caller.
    pub fn snapshot(&self, now_ms: u64) -> RunSnapshot {
        let end_ms = if self.over { self.last_ms } else { now_ms };
        let shown = self.processes.iter().filter(|(_, process)| process.is_shown());
        RunSnapshot {
            run: self.facts.clone(),
            round: self.processes.values().filter_map(|process| Some(process.phase?.0)).max(),
            peers: shown.map(|(name, process)| process.row(name)).collect(),
            eval_losses: self.eval_losses.clone(),
            lamps: self.lamps.clone(),
            waiting: self.waiting.clone().map(|(for_whom, what, since_ms)| Waiting {
                for_whom,
                what,
                for_secs: now_ms.saturating_sub(since_ms) / 1000,
            }),
            elapsed_secs: self.began_ms.map_or(0, |began| end_ms.saturating_sub(began) / 1000),
            // The paced clock of a rehearsal has no deadline in seconds.
            ..RunSnapshot::default()
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

/// Drops the oldest until so many are left.
pub(crate) fn drop_oldest<T>(list: &mut Vec<T>, keep: usize) {
    if list.len() > keep {
        list.drain(..list.len() - keep);
    }
}

/// At most so many characters, none of them a control character.
pub(crate) fn cut(text: &str, chars: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars).collect()
}

/// Lamps as the window shows them.
pub(crate) fn lamps(lamps: &[ipc::Lamp]) -> Vec<Lamp> {
    lamps.iter().take(MAX_LAMPS).map(lamp).collect()
}

fn lamp(lamp: &ipc::Lamp) -> Lamp {
    let state = match lamp.state {
        ipc::LampState::Pass => LampState::Pass,
        ipc::LampState::Warn => LampState::Warn,
        ipc::LampState::Fail => LampState::Fail,
        ipc::LampState::Unknown => LampState::Unknown,
    };
    Lamp { name: cut(&lamp.name, MAX_NAME_CHARS), state, why: cut(&lamp.why, MAX_SENTENCE_CHARS) }
}

/// A phase as the window shows it.
pub(crate) fn shown(phase: PeerPhase) -> Phase {
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
