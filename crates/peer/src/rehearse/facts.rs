//! What the swarm's events amount to.
//!
//! In: events with their speaker. Out: the round, who stands where, hashes and losses per round, inner time. A projection:
//! the same events always give the same facts. It starts and stops nothing.

use std::collections::{BTreeMap, BTreeSet};

use ipc::{Event, EventLine, PeerPhase, Role};
use types::{Hash32, Round, Uid, Verdict};

/// One process as far as its events tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProcessFacts {
    /// Its slot, once registered.
    pub uid: Option<Uid>,
    /// Its round and phase.
    pub phase: Option<(Round, PeerPhase)>,
    /// Inner step and steps in the round.
    pub step: (u32, u32),
    /// Training loss of the last step.
    pub loss: Option<f64>,
    /// Seconds spent in inner steps.
    pub inner_secs: f64,
    /// Since when the running inner phase runs, in ms of the process's clock.
    inner_since_ms: Option<u64>,
    /// Last verdict.
    pub verdict: Option<(Round, Verdict)>,
    /// Whether it runs.
    pub running: bool,
}

/// Everything known of the swarm.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// By name.
    pub processes: BTreeMap<String, ProcessFacts>,
    /// Parameters after each round's outer step, by everybody who said so.
    pub thetas: BTreeMap<Round, BTreeSet<Hash32>>,
    /// Held-out loss at the start of each round.
    pub held_out: BTreeMap<Round, f64>,
    /// When the first submission was accepted, in seconds since the start.
    pub first_accepted_s: Option<f64>,
    /// When the first inner phase began, in seconds since the start.
    pub first_inner_s: Option<f64>,
    /// Processes started again.
    pub restarts: u64,
    /// The latest thing somebody waits for.
    pub waiting: Option<String>,
    /// The latest problem.
    pub problem: Option<types::Problem>,
}

impl Facts {
    /// Takes one event; `elapsed_s` is the time since the rehearsal began.
    pub(crate) fn take(&mut self, name: &str, line: &EventLine, elapsed_s: f64) {
        let process = self.processes.entry(name.to_owned()).or_default();
        match &line.event {
            Event::PeerStarted { uid, .. } => {
                process.uid = *uid;
                process.running = true;
            }
            Event::PhaseChanged { round, phase, .. } => {
                process.end_inner(line.at_ms);
                process.phase = Some((*round, *phase));
                if *phase == PeerPhase::Inner {
                    process.inner_since_ms = Some(line.at_ms);
                    process.step = (0, 0);
                    self.first_inner_s.get_or_insert(elapsed_s);
                }
                self.waiting = None;
            }
            Event::InnerStepDone { step, of, loss, .. } => {
                process.step = (*step, *of);
                process.loss = Some(*loss);
            }
            Event::Paused { .. } | Event::Stopping { .. } => process.end_inner(line.at_ms),
            Event::OuterStepApplied { round, theta, .. } => {
                self.thetas.entry(*round).or_default().insert(*theta);
            }
            Event::Evaluated { round, loss } => {
                self.held_out.insert(*round, *loss);
            }
            Event::VerdictReceived { round, uid, verdict, .. } => {
                self.take_verdict(*round, *uid, *verdict, elapsed_s);
            }
            Event::Waiting { for_whom, what, .. } => {
                self.waiting = Some(format!("{what} from {}", for_whom.join(", ")));
            }
            Event::Problem { problem, .. } => self.problem = Some(problem.clone()),
            _ => {}
        }
    }

    fn take_verdict(&mut self, round: Round, uid: Uid, verdict: Verdict, elapsed_s: f64) {
        if matches!(verdict, Verdict::Accepted | Verdict::OnProbation) {
            self.first_accepted_s.get_or_insert(elapsed_s);
        }
        if let Some(process) = self.processes.values_mut().find(|p| p.uid == Some(uid))
            && process.verdict.is_none_or(|(last, _)| last <= round)
        {
            process.verdict = Some((round, verdict));
        }
    }

    /// A process ended.
    pub(crate) fn exited(&mut self, name: &str) {
        if let Some(process) = self.processes.get_mut(name) {
            process.running = false;
            process.inner_since_ms = None;
        }
    }

    /// The newest round in which somebody takes inner steps, and who does.
    pub(crate) fn training_round(&self) -> Option<Round> {
        let inner = |p: &ProcessFacts| p.phase.filter(|(_, phase)| *phase == PeerPhase::Inner).map(|(round, _)| round);
        self.processes.values().filter_map(inner).max()
    }

    /// Whether this process is in the middle of that round's inner steps.
    pub(crate) fn in_the_middle_of(&self, name: &str, round: Round) -> bool {
        self.processes
            .get(name)
            .is_some_and(|p| p.phase == Some((round, PeerPhase::Inner)) && p.step.0 > 0 && p.step.0 < p.step.1)
    }

    /// Whether the same parameters came out of every outer step everywhere.
    pub(crate) fn thetas_equal(&self) -> bool {
        self.thetas.values().all(|hashes| hashes.len() == 1)
    }
}

impl ProcessFacts {
    fn end_inner(&mut self, now_ms: u64) {
        if let Some(since) = self.inner_since_ms.take() {
            self.inner_secs += now_ms.saturating_sub(since) as f64 / 1000.0;
        }
    }
}

/// Role of a process by its name.
pub(super) fn role_of(name: &str) -> Role {
    match name.split('-').next() {
        Some("ledger") => Role::Ledger,
        Some("validator") => Role::Validate,
        _ => Role::Train,
    }
}
