//! What the driver makes of commands: pauses, stops with their price, pace, samples, snapshots.
//!
//! In: command lines. Out: events for the round machine, and answers. Whether a command makes sense at all was checked by
//! [`crate::signing::answer`].

use ipc::{Command, CommandLine, Event as Said};
use types::Problem;

use super::Driver;
use crate::events::now_ms;
use crate::outcome::PeerError;
use crate::round::{Event, Phase, StopWhen};
use crate::signing::{Knows, answer};
use crate::trainer::SampleWish;

/// Samples that may wait; each is a moment of the trainer's time.
const MAX_WISHES: usize = 4;
/// Time to save and end; the largest state that fits a home machine is written in less.
const STOP_SECS: u32 = 60;

/// A pause as it was asked for.
#[derive(Debug, Clone)]
pub(super) struct Pause {
    reason: String,
    since_ms: u64,
    until_ms: Option<u64>,
}

impl Driver {
    /// Answers a command; returns what it means to the round machine.
    pub(super) async fn told(&mut self, line: CommandLine) -> Result<Option<Event>, PeerError> {
        if let Command::Sample { .. } = &line.command
            && let Some(problem) = self.no_sample()
        {
            self.replica.events.say(Said::Refused { id: line.id, problem }).await;
            return Ok(None);
        }
        let taken = answer(&self.replica.events, &line, Knows::Training).await?;
        if taken { Ok(self.command(line).await) } else { Ok(None) }
    }

    async fn command(&mut self, line: CommandLine) -> Option<Event> {
        match line.command {
            Command::Pause { reason, until_ms } => {
                let pause = Pause { reason, since_ms: now_ms(), until_ms };
                let free = self.pause.replace((pause, false)).is_some_and(|(_, free)| free);
                if free {
                    // The same pause, for another reason.
                    self.say_paused().await;
                }
                Some(Event::Pause)
            }
            Command::Resume => {
                self.pause = None;
                self.replica.events.say(Said::Resumed).await;
                Some(Event::Resume)
            }
            Command::Stop { when } => {
                let when = match when {
                    // A round that stands still does not end.
                    ipc::StopWhen::EndOfRound if !self.machine.paused() => StopWhen::EndOfRound,
                    ipc::StopWhen::EndOfRound | ipc::StopWhen::Now => StopWhen::Now,
                };
                self.say_price(when, None).await;
                Some(Event::Stop(when))
            }
            Command::Shutdown { deadline_secs } => {
                self.say_price(StopWhen::Now, Some(deadline_secs)).await;
                Some(Event::Stop(StopWhen::Now))
            }
            Command::Pace { work_share } => {
                self.replica.trainer.set_pace(work_share);
                None
            }
            Command::SetLimits(limits) => {
                // Power and memory are the app's business; without a network there is no line.
                if let Some(network) = &self.replica.network {
                    network.set_limits(&limits);
                }
                None
            }
            Command::Sample { prompt, tokens } => {
                self.wishes.push(SampleWish { prompt, tokens });
                None
            }
            Command::Snapshot => {
                let events = self.replica.events.snapshot();
                self.replica.events.say(Said::Snapshot { id: line.id, events }).await;
                None
            }
            _ => None,
        }
    }

    /// The device is free, so the pause is true now.
    pub(super) async fn say_paused(&mut self) {
        let Some((pause, free)) = &mut self.pause else { return };
        *free = true;
        let Pause { reason, since_ms, until_ms: until } = pause.clone();
        self.replica.events.say(Said::Paused { reason, since_ms, until }).await;
    }

    async fn say_price(&self, when: StopWhen, deadline_secs: Option<u32>) {
        let price = match (when, self.machine.phase()) {
            (StopWhen::EndOfRound, _) => "the running round is finished first; nothing is lost".to_owned(),
            (StopWhen::Now, Phase::Inner) => {
                format!(
                    "round {} goes on after a restart if its deadline allows, else it is lost",
                    self.machine.round()
                )
            }
            (StopWhen::Now, _) => "nothing is lost".to_owned(),
        };
        self.replica.events.say(Said::Stopping { deadline_secs: deadline_secs.unwrap_or(STOP_SECS), price }).await;
    }

    /// Why no sample can be had now, if so.
    fn no_sample(&self) -> Option<Problem> {
        if self.machine.paused() {
            let title = "The model cannot be asked during a pause";
            return Some(Problem::new("paused", title, "Its memory was given back. Resume first"));
        }
        let full = self.wishes.len() >= MAX_WISHES;
        full.then(|| Problem::new("busy", "Some samples are wanted already", "Wait for their answers"))
    }

    /// Samples that were asked for, once the trainer stands at the run's own parameters.
    pub(super) fn grant_wishes(&mut self) {
        if !matches!(self.machine.phase(), Phase::Idle | Phase::AwaitReveal | Phase::Gathering | Phase::AwaitSet) {
            return;
        }
        for wish in std::mem::take(&mut self.wishes) {
            let work = std::sync::Arc::clone(&self.work);
            self.tasks.spawn(async move {
                work.sampler.say(&work.replica, wish).await;
                Ok(None)
            });
        }
    }

    /// A sample now and then, while this peer waits for the others.
    pub(super) fn sample_if_due(&mut self, event: Event) {
        if event != Event::Committed || self.machine.paused() || !self.work.sampler.is_due(self.machine.round()) {
            return;
        }
        let work = std::sync::Arc::clone(&self.work);
        self.tasks.spawn(async move {
            work.sampler.say(&work.replica, crate::sampling::short()).await;
            Ok(None)
        });
    }
}
