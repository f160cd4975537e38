//! What the driver measures of its rounds, and what it makes of it.
//!
//! In: the end of a round, inner steps, heads. Out: the round's time line as an event, the pilot's course for the next
//! round, and a word on this machine's clock. It starts no effect.

use std::sync::PoisonError;
use std::time::Duration;

use chain::Head;
use ipc::{Event as Said, LogLevel};
use tokio::time::Instant;
use types::manifest::ChainParams;

use super::{Driver, Work};
use crate::clock_check::{ClockCheck, ClockState};
use crate::events::now_ms;
use crate::pilot::{LineNow, Pilot, RoundSeen};
use crate::replica::Replica;
use crate::timeline::{Mark, Part};

/// Between two looks at how much has gone out: the upload's end is known to this.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Others that have not asked for so long have what they wanted.
const QUIET: Duration = Duration::from_secs(5);

/// What is known of past rounds and of the clock.
pub(super) struct Steering {
    pilot: Option<Pilot>,
    check: ClockCheck,
    /// Whether the clock was said to be wrong, and to hold submissions.
    said: (bool, bool),
    /// Bytes sent when the running round began.
    sent_before: u64,
    /// The round's longest inner step.
    step: Duration,
}

impl Steering {
    pub(super) fn new(replica: &Replica) -> Self {
        let (rounds, chain): (_, &ChainParams) = (replica.manifest.rounds, &replica.manifest.chain);
        Self {
            pilot: Pilot::new(rounds, chain.clock),
            check: ClockCheck::new(chain),
            said: (false, false),
            sent_before: line(replica).map_or(0, |line| line.sent),
            step: Duration::ZERO,
        }
    }
}

/// The line to the others, if payloads go over one.
fn line(replica: &Replica) -> Option<LineNow> {
    let swarm = replica.network.as_ref()?.swarm();
    Some(LineNow { uplink: swarm.measured_uplink(), sent: swarm.counters().bytes_served })
}

impl Driver {
    /// An inner step ended after `secs`.
    pub(super) fn note_step(&mut self, secs: f64) {
        let took = Duration::try_from_secs_f64(secs).unwrap_or_default();
        self.steering.step = self.steering.step.max(took);
    }

    /// The outer step is done: says where the time went, and sets the course of the next round.
    pub(super) async fn round_over(&mut self) {
        let (round, events) = (self.machine.round(), &self.replica.events);
        let timed = self.work.clock.finish();
        events.say(Said::RoundTimed { round, parts: timed.parts }).await;
        if let Some(utilisation) = self.work.clock.utilisation() {
            events.log(LogLevel::Info, utilisation.to_string()).await;
        }
        let line = line(&self.replica).unwrap_or_default();
        let steering = &mut self.steering;
        let seen = RoundSeen {
            payload: self.work.payload.swap(0, std::sync::atomic::Ordering::Relaxed),
            sent: line.sent.saturating_sub(steering.sent_before),
            uplink: line.uplink,
            compress: Duration::from_millis(timed.alone.compress),
            commit: Duration::from_millis(timed.alone.commit),
            step: std::mem::take(&mut steering.step),
        };
        steering.sent_before = line.sent;
        let Some(pilot) = &mut steering.pilot else { return };
        if let Some(words) = pilot.round_over(seen) {
            let level = if words.is_hopeless() { LogLevel::Warn } else { LogLevel::Info };
            events.log(level, words.to_string()).await;
        }
        self.machine.steer(pilot.course());
    }

    /// A head was heard: compares clocks, and says what changed.
    pub(super) async fn heed_clock(&mut self, head: &Head) {
        let state = self.steering.check.hear(head.time_ms, now_ms());
        let holds = self.steering.check.holds();
        let now = (matches!(state, ClockState::Off(_)), holds.is_some());
        *self.work.held_by_clock.lock().unwrap_or_else(PoisonError::into_inner) = holds;
        let before = std::mem::replace(&mut self.steering.said, now);
        // Once, and again when it begins to cost rounds.
        if now.0 && (!before.0 || (now.1 && !before.1)) {
            if let Some(problem) = state.problem() {
                self.replica.events.say(Said::Problem { problem, fatal: false }).await;
            }
        } else if before.0 && !now.0 {
            self.replica.events.log(LogLevel::Info, "this computer's clock is right again").await;
        }
    }
}

impl Work {
    /// Why nothing should be submitted, by this machine's clock.
    pub(super) fn held_by_clock(&self) -> Option<String> {
        self.held_by_clock.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The others fetch what was shown: the mark is moved on until they have been quiet, or the round is over.
    pub(super) async fn watch_upload(&self, mark: &Mark) {
        let Some(shown) = line(&self.replica) else { return };
        let (mut sent, mut last) = (shown.sent, None::<Instant>);
        while mark.is_of_this_round() && last.is_none_or(|last| last.elapsed() < QUIET) {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = line(&self.replica).unwrap_or_default().sent;
            if now > sent {
                (sent, last) = (now, Some(Instant::now()));
                mark.seen();
            }
        }
    }
}

/// The part of a round that an effect is, from its start to its end.
pub(super) fn part_of(effect: crate::round::Effect) -> Option<Part> {
    use crate::round::Effect;
    match effect {
        Effect::RunInner(_) => Some(Part::Compute),
        Effect::Seal(_) => Some(Part::Compress),
        Effect::Commit(_) => Some(Part::Commit),
        Effect::Gather(_) => Some(Part::Gather),
        Effect::Outer(_) => Some(Part::Outer),
        _ => None,
    }
}
