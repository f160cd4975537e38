//! The engine in the state: missing, offered, on its way, there.
//!
//! In: presses, what the worker says, whether the line is metered. Out: what the window shows, and orders for the worker. Nothing
//! is fetched before a press; what was pressed goes on by itself when a metered line ends.

use super::{Effect, State};
use crate::engine::{EngineEvent, local_folder};
use pack::Machine;
use std::path::PathBuf;
use types::{ByteCount, Problem, ProblemAction};
use update::fetch::Meter;
use view_model::{EngineFetch, EngineOffer, EngineState, EngineView, LogLevel, Told, Tone};

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    state: EngineState,
    meter: Meter,
    /// The user wants it.
    wanted: bool,
    /// The worker is at it.
    at_work: bool,
    /// The peer starts without what is missing.
    starts: bool,
    /// What was offered last.
    offer: Option<EngineOffer>,
    local: Option<PathBuf>,
}

impl Engine {
    pub(crate) fn is_missing(&self) -> bool {
        !matches!(self.state, EngineState::Unknown | EngineState::Ready)
    }

    /// Whether nothing can be started.
    fn blocks(&self) -> bool {
        self.is_missing() && !self.starts
    }

    fn fetch(&self) -> EngineFetch {
        match &self.state {
            EngineState::Fetching(fetch) | EngineState::Waiting { fetch, .. } => *fetch,
            EngineState::Missing { offer: Some(offer), .. } => {
                EngineFetch { total: offer.download, ..EngineFetch::default() }
            }
            _ => EngineFetch::default(),
        }
    }
}

impl State {
    /// Get, or go on.
    pub(super) fn get_engine(&mut self, folder: Option<&str>, now_ms: u64, out: &mut Vec<Effect>) {
        if !self.engine.is_missing() || self.engine.at_work {
            return;
        }
        if let Some(folder) = folder {
            self.engine.local = local_folder(folder);
            if self.engine.local.is_none() {
                let title = "There is no such folder";
                return self.found(Problem::new("engine_folder", title, "Name the folder with the archives."), now_ms);
            }
        } else {
            self.engine.local = None;
        }
        self.engine.wanted = true;
        self.drive_engine(now_ms, out);
    }

    pub(super) fn hold_engine(&mut self, out: &mut Vec<Effect>) {
        self.engine.wanted = false;
        if self.engine.at_work {
            out.push(Effect::HoldEngine);
        } else if let EngineState::Waiting { metered, .. } = &mut self.engine.state {
            *metered = false;
        }
    }

    /// After every event: begins, holds or goes on.
    pub(super) fn drive_engine(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        let engine = &mut self.engine;
        if !engine.wanted || !engine.is_missing() {
            return;
        }
        let needs_line = engine.local.is_none();
        let metered = needs_line && self.settings.pause.metered && self.pauses.signals.metered == Some(true);
        match (metered, engine.at_work) {
            (true, true) => {
                // Said once: the worker answers that it ended.
                if !matches!(engine.state, EngineState::Waiting { .. }) {
                    engine.state = EngineState::Waiting { fetch: engine.fetch(), metered: true };
                    out.push(Effect::HoldEngine);
                }
            }
            (true, false) => engine.state = EngineState::Waiting { fetch: engine.fetch(), metered: true },
            (false, false) => {
                let mut fetch = engine.fetch();
                (fetch.rate, fetch.left_secs) = (None, None);
                engine.meter = Meter::new();
                engine.meter.sample(now_ms, fetch.done.0);
                engine.state = EngineState::Fetching(fetch);
                engine.at_work = true;
                let (machine, local) = (self.gpus.for_packs(), self.engine.local.clone());
                out.push(Effect::GetEngine { machine, local });
            }
            (false, true) => {}
        }
    }

    /// The cards are known, or other ones than before: another engine may be needed.
    pub(super) fn cards_for_engine(&mut self, surveyed: bool, out: &mut Vec<Effect>) {
        if surveyed && !self.engine.at_work && !self.engine.wanted {
            out.push(Effect::LookForEngine { machine: self.gpus.for_packs() });
        }
    }

    /// What the worker says.
    pub(super) fn engine_said(&mut self, event: EngineEvent, now_ms: u64) {
        match event {
            EngineEvent::Ready => self.engine_ready(now_ms),
            EngineEvent::Missing { offer, starts } if !self.engine.at_work => {
                let (offer, problem) = match offer {
                    Ok(offer) => (Some(offer), None),
                    Err(problem) => (None, Some(problem)),
                };
                (self.engine.starts, self.engine.offer) = (starts, offer);
                self.engine.state = EngineState::Missing { offer, problem };
            }
            EngineEvent::Missing { .. } => {}
            EngineEvent::Came { done, total } => {
                let engine = &mut self.engine;
                engine.meter.sample(now_ms, done);
                if let EngineState::Fetching(fetch) = &mut engine.state {
                    let pace = engine.meter.pace(now_ms, total);
                    *fetch = EngineFetch {
                        done: ByteCount(done),
                        total: ByteCount(total),
                        rate: pace.map(|pace| ByteCount(pace.per_sec)),
                        left_secs: pace.and_then(|pace| pace.left_secs),
                    };
                }
            }
            EngineEvent::Ended(Ok(())) => {
                self.engine.at_work = false;
                self.notices.toast(Tone::Running, Told::new("toast-engine-ready"), now_ms);
                self.engine_ready(now_ms);
            }
            EngineEvent::Ended(Err(None)) => {
                self.engine.at_work = false;
                let metered = matches!(self.engine.state, EngineState::Waiting { metered: true, .. });
                let (fetch, metered) = (self.engine.fetch(), metered && self.engine.wanted);
                self.engine.state = EngineState::Waiting { fetch, metered };
            }
            EngineEvent::Ended(Err(Some(problem))) => {
                self.log(LogLevel::Warn, "engine", &problem.to_string(), now_ms);
                (self.engine.at_work, self.engine.wanted) = (false, false);
                let offer = self.engine.offer;
                self.engine.state = EngineState::Missing { offer, problem: Some(problem) };
            }
        }
    }

    /// The trainer starts: what waits for it is tried now.
    fn engine_ready(&mut self, now_ms: u64) {
        (self.engine.state, self.engine.wanted) = (EngineState::Ready, false);
        self.problems.mended(ENGINE_MISSING);
        if let Some(job) = self.work.wanted().cloned() {
            self.log(LogLevel::Info, "engine", "the engine is here, so that work can begin", now_ms);
            self.work.want(job);
        }
    }

    /// Nothing can be started without it: said, with the way to it.
    pub(super) fn without_engine(&mut self, now_ms: u64) -> bool {
        let missing = self.engine.blocks();
        if missing {
            let hint = "Get it on the Home screen: it is fetched once, checked, and kept.";
            let problem = Problem::new(ENGINE_MISSING, "The engine is not here yet", hint);
            self.found(problem.with_action(ProblemAction::Retry), now_ms);
        }
        missing
    }

    pub(super) fn engine_view(&self) -> EngineView {
        let advice = if self.engine.is_missing() { self.gpus.problem() } else { None };
        EngineView { state: self.engine.state.clone(), optional: self.engine.starts, advice }
    }
}

/// The problem that Start tells of.
pub(super) const ENGINE_MISSING: &str = "engine_missing";

impl super::gpus::Gpus {
    /// What the cards can do with a pack: nothing while no card may work.
    pub(crate) fn for_packs(&self) -> Machine {
        self.survey().filter(|survey| survey.fault().is_none()).map_or_else(Machine::default, |survey| Machine {
            cuda: survey.cuda_driver.map(|cuda| (cuda.major, cuda.minor)),
            compute: survey
                .healthy()
                .filter_map(|card| card.compute_capability.map(|compute| (compute.major, compute.minor)))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests;
