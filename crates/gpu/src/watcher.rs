//! Keeps the picture of the cards fresh: a surveyor that looks who is there, and a sampler that reads how they do.
//!
//! In: a prober's shared part. Out: [`GpuEvent`]s into a bounded queue, until it is cancelled or nobody reads. The sampler's
//! child may crash or hang: it is started again with growing waits, and meanwhile the reader is told that nothing is live.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::child::Probe;
use crate::machine::Machine;
use crate::prober::{Shared, now_ms};
use crate::{Card, CardId, Fault, GpuEvent, ProbeEnd, ProbeLine, Survey, Verdict};

/// What someone wants of the surveyors; each change is a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ask {
    again: u64,
    resumed: u64,
}

impl Ask {
    /// Look again.
    pub(crate) fn again(&mut self) {
        self.again = self.again.wrapping_add(1);
    }

    /// Look again: the computer slept.
    pub(crate) fn resumed(&mut self) {
        self.resumed = self.resumed.wrapping_add(1);
    }
}

/// What the sampler must know: which cards to expect, and how often handles have become worthless by sleep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    cards: Vec<CardId>,
    slept: u64,
}

/// Watches until `cancel`, or until nobody reads `events`.
pub(crate) async fn run(shared: Arc<Shared>, events: mpsc::Sender<GpuEvent>, cancel: CancellationToken) {
    let (tell, known) = watch::channel(Known::default());
    let surveyor = Surveyor {
        asks: shared.ask.subscribe(),
        machine: Machine::at(&shared.root),
        shared: Arc::clone(&shared),
        events: events.clone(),
        tell,
        resumed: shared.ask.borrow().resumed,
        cards: Vec::new(),
        ready: false,
        failed_before: false,
        worked: false,
        slept: false,
    };
    let sampler = Sampler { shared, events, known, failures: 0, last_sample_ms: now_ms(), stale: false, stuck: None };
    tokio::select! {
        () = cancel.cancelled() => {}
        () = surveyor.run() => {}
        () = sampler.run() => {}
    }
}

struct Surveyor {
    shared: Arc<Shared>,
    machine: Machine,
    events: mpsc::Sender<GpuEvent>,
    tell: watch::Sender<Known>,
    asks: watch::Receiver<Ask>,
    /// Resumes seen so far.
    resumed: u64,
    /// The cards of the last survey that saw any.
    cards: Vec<Card>,
    /// Whether the survey told last had a healthy card.
    ready: bool,
    /// Whether the last probe failed.
    failed_before: bool,
    /// Whether a card was healthy the last time that one was.
    worked: bool,
    /// Whether a working card has not been seen again since the computer slept.
    slept: bool,
}

impl Surveyor {
    async fn run(mut self) {
        let mut hunting_since = Instant::now();
        loop {
            // Before the survey: what changes meanwhile is seen as new.
            let on_bus = self.machine.cards_on_bus();
            let ask = *self.asks.borrow_and_update();
            self.slept |= ask.resumed != self.resumed && self.worked;
            self.resumed = ask.resumed;
            let survey = self.shared.survey().await;
            let survey = self.recall(survey);
            let survey = self.after_sleep(survey);
            if self.forgives(&survey) {
                sleep(self.shared.times.backoff_first).await;
                continue;
            }
            let healthy = survey.verdict == Verdict::Ready;
            let may_pass = survey.fault().is_none_or(Fault::may_pass);
            self.publish(&survey);
            if self.events.send(GpuEvent::Survey(survey)).await.is_err() {
                return;
            }
            // A child that cries wolf without end must not keep the machine busy.
            sleep(self.shared.times.backoff_first).await;
            if healthy {
                hunting_since = Instant::now();
            }
            if self.wait(!healthy && may_pass, hunting_since, on_bus.as_ref()).await {
                hunting_since = Instant::now();
            }
        }
    }

    /// One probe that fails beside cards that work is no news: a busy machine makes it late. Two in a row are.
    fn forgives(&mut self, survey: &Survey) -> bool {
        let failed = probe_failed(survey);
        let first = failed && self.ready && !self.failed_before;
        self.failed_before = failed;
        if !first {
            self.ready = survey.verdict == Verdict::Ready;
        }
        first
    }

    /// A lost card no longer tells who it is: it is the one that was there before.
    fn recall(&mut self, mut survey: Survey) -> Survey {
        for card in &mut survey.cards {
            let lost = matches!(card.fault, Some(Fault::CardLost { .. } | Fault::PowerCable { .. }));
            let before = self.cards.iter().find(|before| before.index == card.index);
            if let (true, None, Some(before)) = (lost, &card.name, before) {
                *card = Card { fault: card.fault.take(), ..before.clone() };
                if let Some(Fault::CardLost { card: name } | Fault::PowerCable { card: name }) = &mut card.fault {
                    *name = before.label();
                }
            }
        }
        if let (Verdict::Failed { fault }, [card]) = (&mut survey.verdict, &survey.cards[..]) {
            *fault = card.fault.clone().unwrap_or_else(|| fault.clone());
        }
        if !survey.cards.is_empty() {
            self.cards.clone_from(&survey.cards);
        }
        survey
    }

    /// A card that worked before the computer slept and is missing now has one cause, whichever way it shows.
    fn after_sleep(&mut self, mut survey: Survey) -> Survey {
        match &mut survey.verdict {
            Verdict::Ready => (self.worked, self.slept) = (true, false),
            Verdict::Failed { fault } if self.slept => {
                if matches!(
                    fault,
                    Fault::NoCard | Fault::CardNotSeen { .. } | Fault::CardLost { .. } | Fault::Unknown { .. }
                ) {
                    *fault = Fault::GoneAfterResume { cuda_error: None };
                }
            }
            Verdict::Failed { .. } => {}
        }
        survey
    }

    fn publish(&self, survey: &Survey) {
        let answers = survey.cards.iter().filter(|card| !matches!(card.fault, Some(Fault::CardLost { .. })));
        let known = Known { cards: answers.map(|card| card.uuid.clone()).collect(), slept: self.resumed };
        // A probe that failed says nothing about the cards: those that still answer go on.
        let failed = probe_failed(survey);
        self.tell.send_if_modified(|old| {
            let differs = !failed && *old != known;
            if differs {
                *old = known;
            }
            differs
        });
    }

    /// Waits until it is time to look again; true if something new is to be expected.
    async fn wait(&mut self, hunts: bool, hunting_since: Instant, on_bus: Option<&BTreeSet<String>>) -> bool {
        let times = self.shared.times;
        let hunts = hunts && hunting_since.elapsed() < times.hunt_for;
        let due = Instant::now() + if hunts { times.hunt_every } else { times.recheck_every };
        loop {
            let next = due.min(Instant::now() + times.hunt_every);
            tokio::select! {
                // The sender lives in `shared`, so this never fails.
                _ = self.asks.changed() => return true,
                () = sleep_until(next) => {}
            }
            if Instant::now() >= due {
                return false;
            }
            if bus_changed(on_bus, self.machine.cards_on_bus().as_ref()) {
                return true;
            }
        }
    }
}

fn probe_failed(survey: &Survey) -> bool {
    matches!(survey.fault(), Some(Fault::ProbeCrashed { .. } | Fault::ProbeTimedOut { .. }))
}

fn bus_changed(before: Option<&BTreeSet<String>>, now: Option<&BTreeSet<String>>) -> bool {
    now.is_some() && before != now
}

struct Sampler {
    shared: Arc<Shared>,
    events: mpsc::Sender<GpuEvent>,
    known: watch::Receiver<Known>,
    /// In a row.
    failures: u32,
    last_sample_ms: u64,
    /// Whether the reader knows that nothing is live.
    stale: bool,
    /// A child that could not be killed: while it is there, another one would hang at the same place.
    stuck: Option<Probe>,
}

/// Why sampling stopped.
enum End {
    /// The child failed.
    Failed(Fault),
    /// Nobody reads.
    Unread,
}

impl Sampler {
    async fn run(mut self) {
        loop {
            if self.known.borrow_and_update().cards.is_empty() {
                if self.known.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let mut known = self.known.clone();
            let ended = tokio::select! {
                // Other cards: the child must see them.
                changed = known.changed() => match changed {
                    Ok(()) => { self.failures = 0; continue }
                    Err(_) => return,
                },
                ended = self.sample() => ended,
            };
            let End::Failed(why) = ended else { return };
            if !std::mem::replace(&mut self.stale, true) {
                let since_ms = self.last_sample_ms;
                if self.events.send(GpuEvent::Stale { since_ms, why }).await.is_err() {
                    return;
                }
            }
            // Maybe the card itself is gone.
            self.shared.ask.send_modify(Ask::again);
            let wait = self.backoff();
            self.failures = self.failures.saturating_add(1);
            tokio::select! {
                () = sleep(wait) => {}
                changed = self.known.changed() => match changed {
                    Ok(()) => self.failures = 0,
                    Err(_) => return,
                },
            }
        }
    }

    fn backoff(&self) -> Duration {
        let times = &self.shared.times;
        times.backoff_first.saturating_mul(1 << self.failures.min(16)).min(times.backoff_max)
    }

    /// Reads samples until the child fails.
    async fn sample(&mut self) -> End {
        let times = self.shared.times;
        let interval = times.sample_every.as_millis().to_string();
        let started = Instant::now();
        if self.stuck.as_mut().is_some_and(Probe::is_there) {
            return End::Failed(Fault::ProbeTimedOut {
                after_ms: u64::try_from(times.silence.as_millis()).unwrap_or(u64::MAX),
            });
        }
        self.stuck = None;
        let mut child = match self.shared.command.start(&["watch".into(), "--interval-ms".into(), interval.into()]) {
            Ok(child) => child,
            Err(fault) => return End::Failed(fault),
        };
        // The driver may still be starting; later ones come by the clock.
        let mut limit = times.answer;
        let why = loop {
            match child.next(limit).await {
                Ok(ProbeLine::Samples { samples }) => {
                    self.last_sample_ms = now_ms();
                    self.stale = false;
                    // A slow reader misses some: old samples are of no use to it.
                    if let Err(TrySendError::Closed(_)) = self.events.try_send(GpuEvent::Samples(samples)) {
                        return End::Unread;
                    }
                    if started.elapsed() >= times.backoff_max {
                        self.failures = 0;
                    }
                }
                Ok(ProbeLine::Changed) => self.shared.ask.send_modify(Ask::again),
                Ok(ProbeLine::Failed { fault }) | Err(fault) => break fault,
                Ok(_) => break Fault::ProbeCrashed { end: ProbeEnd::Garbage },
            }
            limit = times.silence;
        };
        self.stuck = child.kill().await;
        tracing::warn!(fault = why.code(), "the GPU sampler stopped");
        End::Failed(why)
    }
}
