//! The round as a pure state machine: events in, effects out.
//!
//! In: chain heads, "this effect is done", what the user wants. Out: what to do next. It has no clock, no tensor, no socket
//! and no randomness, so every path of a round can be tested in microseconds.
//!
//! ```text
//! Syncing ─► Idle ─► Inner ─► Sealing ─► Committing ─► AwaitReveal ─► Gathering ─► Attesting ─► AwaitSet ─► Outer ─┐
//!              ▲                                                                                                   │
//!              └───────────────────────────────── next round, or Stopped ──────────────────────────────────────────┘
//! ```
//! A phase that comes too late falls through to the next one that still makes sense: a peer that missed the commitment
//! deadline still takes the round's outer step. A pause only keeps inner steps from starting; sealed work still goes out.

use types::manifest::{Clock, Phase as BlockPhase, RoundParams};
use types::{BlockNumber, Round};

use crate::pilot::Course;

/// Where the peer stands in its round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Loading state and replaying missed outer steps.
    Syncing,
    /// In step; waiting for the round's compute phase, or paused.
    Idle,
    /// Inner steps run on the trainer thread.
    Inner,
    /// Pseudo-gradient, compression, signature, checkpoint.
    Sealing,
    /// The commitment is on its way into a block.
    Committing,
    /// Committed (or not); waiting until payloads may be shown.
    AwaitReveal,
    /// Fetching and checking everybody's payloads.
    Gathering,
    /// The attestation is on its way into a block.
    Attesting,
    /// Waiting until the round's set is fixed.
    AwaitSet,
    /// Fetching what is missing of the set, then the outer step.
    Outer,
    /// Done for good.
    Stopped,
}

/// When a stop takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopWhen {
    /// At the next inner-step edge; the running round is saved and may be resumed.
    Now,
    /// After the running round's outer step.
    EndOfRound,
}

/// How far a restarted peer had come in the round it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing, or some inner steps.
    Open,
    /// The submission is sealed on disk but not on chain.
    Sealed,
    /// The commitment is on chain.
    Committed,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The chain has a new head.
    Head(BlockNumber),
    /// θ stands at the start of this round.
    Synced {
        /// The round.
        round: Round,
        /// How far this peer had come in it before a restart.
        progress: Progress,
    },
    /// Inner steps ended: all of them, or cut at a deadline.
    InnerDone {
        /// Steps taken this round.
        steps: u32,
    },
    /// Inner steps stopped at an edge because of a pause or stop.
    InnerHalted {
        /// Steps taken so far this round.
        steps: u32,
    },
    /// The submission is signed and on disk.
    Sealed,
    /// The peer's own checks held the submission back.
    HeldBack,
    /// The commitment stands on chain.
    Committed,
    /// The commitment came too late or was refused.
    NotCommitted,
    /// Payloads were fetched and checked.
    Gathered,
    /// The attestation stands on chain, or came too late.
    Attested,
    /// The outer step is done.
    OuterDone,
    /// The others started the round from other parameters.
    Desynced,
    /// The user or a rule wants the device back.
    Pause,
    /// Go on.
    Resume,
    /// Stop.
    Stop(StopWhen),
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Bring θ to the start of the current round; from a fetched checkpoint if the local θ cannot be trusted.
    CatchUp {
        /// Throw the local θ away first.
        distrust_local: bool,
    },
    /// Start or continue inner steps.
    RunInner(Round),
    /// Halt inner steps at the next edge.
    HaltInner,
    /// Report the steps taken so far as the round's work.
    FinishInner(Round),
    /// Compress, check, sign, save.
    Seal(Round),
    /// Put the commitment on chain.
    Commit(Round),
    /// Publish the payload.
    Reveal(Round),
    /// Fetch and check the round's payloads.
    Gather(Round),
    /// Put the attestation on chain.
    Attest(Round),
    /// Fix the set and take the outer step.
    Outer(Round),
    /// Save everything.
    Save,
    /// Give the device memory back.
    Release,
    /// Take the device memory again.
    Acquire,
    /// End the process.
    Exit,
}

/// The machine. Public state is read by events and tests; only [`Machine::on`] changes it.
#[derive(Debug, Clone)]
pub struct Machine {
    params: RoundParams,
    /// Blocks before the deadline at which inner steps are cut, so that the commitment still gets in.
    cut_margin: u64,
    /// The payload is shown as soon as its commitment stands.
    reveal_early: bool,
    /// This round's was shown.
    revealed: bool,
    head: BlockNumber,
    round: Round,
    phase: Phase,
    progress: Progress,
    /// Inner steps taken in the current round, as far as reported.
    steps: u32,
    halting: bool,
    paused: bool,
    stop: Option<StopWhen>,
}

impl Machine {
    /// A machine that starts by catching up; call [`Machine::start`] for the first effect.
    pub fn new(params: RoundParams, clock: Clock) -> Self {
        let cut_margin = match clock {
            // A twentieth of the phase is time enough to compress, sign and be included.
            Clock::Interval { .. } => crate::pilot::usual_margin(&params),
            // The clock itself waits for the peers.
            Clock::Paced { .. } => 0,
        };
        Self {
            params,
            cut_margin,
            reveal_early: false,
            revealed: false,
            head: BlockNumber(0),
            round: Round(0),
            phase: Phase::Syncing,
            progress: Progress::Open,
            steps: 0,
            halting: false,
            paused: false,
            stop: None,
        }
    }

    /// The first effect.
    pub fn start(&self) -> Vec<Effect> {
        vec![Effect::CatchUp { distrust_local: false }]
    }

    /// The round the peer works on.
    pub fn round(&self) -> Round {
        self.round
    }

    /// Where it stands in it.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether inner steps are held back.
    pub fn paused(&self) -> bool {
        self.paused
    }

    /// Sets how inner steps are cut and when payloads are shown from here on. For runs whose blocks come by the clock.
    pub fn steer(&mut self, course: Course) {
        // At least the first block of a round computes.
        self.cut_margin = course.cut_margin.min(self.params.commit_by.saturating_sub(1));
        self.reveal_early = course.reveal_early;
    }

    /// Takes one event; returns what to do, in order.
    pub fn on(&mut self, event: Event) -> Vec<Effect> {
        if self.phase == Phase::Stopped {
            return Vec::new();
        }
        match event {
            Event::Head(head) => self.on_head(head),
            Event::Synced { round, progress } => {
                self.round = round;
                self.progress = progress;
                self.steps = 0;
                self.revealed = false;
                self.enter_round()
            }
            // A halt may cross the end it asks for: what comes after the phase has ended is old news.
            Event::InnerDone { .. } | Event::InnerHalted { .. } if self.phase != Phase::Inner => Vec::new(),
            Event::InnerDone { steps } => self.on_inner_done(steps),
            Event::InnerHalted { steps } => self.on_inner_halted(steps),
            Event::Sealed => {
                self.progress = Progress::Sealed;
                self.commit()
            }
            Event::HeldBack | Event::NotCommitted => self.await_reveal(),
            Event::Committed => {
                self.progress = Progress::Committed;
                self.await_reveal()
            }
            Event::Gathered => self.on_gathered(),
            Event::Attested => self.await_set(),
            Event::OuterDone => self.on_outer_done(),
            Event::Desynced => {
                self.phase = Phase::Syncing;
                vec![Effect::CatchUp { distrust_local: true }]
            }
            Event::Pause => self.on_pause(),
            Event::Resume => self.on_resume(),
            Event::Stop(when) => self.on_stop(when),
        }
    }

    fn on_head(&mut self, head: BlockNumber) -> Vec<Effect> {
        self.head = self.head.max(head);
        match self.phase {
            Phase::Idle => self.enter_round(),
            Phase::Inner if self.inner_is_over() && !self.halting => {
                self.halting = true;
                vec![if self.paused { Effect::FinishInner(self.round) } else { Effect::HaltInner }]
            }
            Phase::AwaitReveal => self.await_reveal(),
            Phase::AwaitSet => self.await_set(),
            _ => Vec::new(),
        }
    }

    /// Chooses the phase that still makes sense in the current round.
    fn enter_round(&mut self) -> Vec<Effect> {
        self.phase = Phase::Idle;
        self.halting = false;
        if self.stop.is_some() {
            return self.exit();
        }
        if self.head < self.params.start(self.round) {
            return Vec::new();
        }
        match (self.progress, self.block_phase()) {
            (Progress::Sealed, BlockPhase::Compute) => self.commit(),
            (Progress::Committed, _) => self.await_reveal(),
            (Progress::Open, BlockPhase::Compute) if self.inner_is_over() => self.await_set(),
            (Progress::Open, BlockPhase::Compute) if self.paused => Vec::new(),
            (Progress::Open, BlockPhase::Compute) => {
                self.phase = Phase::Inner;
                vec![Effect::RunInner(self.round)]
            }
            (Progress::Open | Progress::Sealed, BlockPhase::Gather) => self.await_reveal(),
            (Progress::Open | Progress::Sealed, BlockPhase::Settle) => self.await_set(),
        }
    }

    fn on_inner_done(&mut self, steps: u32) -> Vec<Effect> {
        self.steps = steps;
        self.halting = false;
        if self.stop == Some(StopWhen::Now) {
            return self.exit();
        }
        if steps == 0 {
            return self.await_reveal();
        }
        self.phase = Phase::Sealing;
        let mut effects = vec![Effect::Seal(self.round)];
        if self.paused {
            // The steps may have ended before the halt took effect; sealing needs no device.
            effects.push(Effect::Release);
        }
        effects
    }

    fn on_inner_halted(&mut self, steps: u32) -> Vec<Effect> {
        self.steps = steps;
        self.halting = false;
        if self.stop == Some(StopWhen::Now) {
            return self.exit();
        }
        match (self.inner_is_over(), self.paused) {
            (true, _) => self.on_inner_done(steps),
            // The device first: whoever wants it back should not wait for a disk.
            (false, true) => vec![Effect::Release, Effect::Save],
            // Resumed before the halt took effect.
            (false, false) => vec![Effect::RunInner(self.round)],
        }
    }

    fn commit(&mut self) -> Vec<Effect> {
        if self.stop == Some(StopWhen::Now) {
            return self.exit();
        }
        if self.head >= self.params.commit_deadline(self.round) {
            return self.await_reveal();
        }
        self.phase = Phase::Committing;
        vec![Effect::Commit(self.round)]
    }

    /// Once commitments are closed: show the payload if it was committed, and look at the others'. On a slow line the
    /// payload is shown before: whoever copies it commits later, and the earlier commitment wins.
    fn await_reveal(&mut self) -> Vec<Effect> {
        self.phase = Phase::AwaitReveal;
        if self.stop == Some(StopWhen::Now) {
            return self.exit();
        }
        let closed = self.head >= self.params.commit_deadline(self.round);
        let mut effects = Vec::new();
        if self.progress == Progress::Committed && !self.revealed && (closed || self.reveal_early) {
            self.revealed = true;
            effects.push(Effect::Reveal(self.round));
        }
        if !closed {
            return effects;
        }
        if self.head >= self.params.attest_deadline(self.round) {
            effects.extend(self.await_set());
        } else {
            self.phase = Phase::Gathering;
            effects.push(Effect::Gather(self.round));
        }
        effects
    }

    fn on_gathered(&mut self) -> Vec<Effect> {
        if self.head >= self.params.attest_deadline(self.round) || self.stop == Some(StopWhen::Now) {
            return self.await_set();
        }
        self.phase = Phase::Attesting;
        vec![Effect::Attest(self.round)]
    }

    fn await_set(&mut self) -> Vec<Effect> {
        self.phase = Phase::AwaitSet;
        if self.stop == Some(StopWhen::Now) {
            return self.exit();
        }
        if self.head < self.params.attest_deadline(self.round) {
            return Vec::new();
        }
        self.phase = Phase::Outer;
        vec![Effect::Outer(self.round)]
    }

    fn on_outer_done(&mut self) -> Vec<Effect> {
        self.round = self.round.next();
        self.progress = Progress::Open;
        self.steps = 0;
        self.revealed = false;
        self.enter_round()
    }

    fn on_pause(&mut self) -> Vec<Effect> {
        if std::mem::replace(&mut self.paused, true) {
            return Vec::new();
        }
        match self.phase {
            Phase::Inner => {
                self.halting = true;
                vec![Effect::HaltInner]
            }
            // The device is idle in every other phase, or needed for milliseconds: give it back at once.
            _ => vec![Effect::Release],
        }
    }

    fn on_resume(&mut self) -> Vec<Effect> {
        if !std::mem::replace(&mut self.paused, false) {
            return Vec::new();
        }
        let mut effects = vec![Effect::Acquire];
        match self.phase {
            Phase::Inner if !self.halting => effects.push(Effect::RunInner(self.round)),
            Phase::Idle => effects.extend(self.enter_round()),
            _ => {}
        }
        effects
    }

    fn on_stop(&mut self, when: StopWhen) -> Vec<Effect> {
        // A stop never becomes milder: "now" stays "now".
        if self.stop != Some(StopWhen::Now) {
            self.stop = Some(when);
        }
        match (self.phase, self.stop) {
            (Phase::Inner, Some(StopWhen::Now)) if self.paused && !self.halting => self.exit(),
            (Phase::Inner, Some(StopWhen::Now)) => {
                self.halting = true;
                vec![Effect::HaltInner]
            }
            // What runs is short and ends in a state that is saved; its end leads to the exit.
            (Phase::Sealing | Phase::Committing | Phase::Gathering | Phase::Outer, _) => Vec::new(),
            (Phase::Idle, _) | (_, Some(StopWhen::Now)) => self.exit(),
            _ => Vec::new(),
        }
    }

    fn exit(&mut self) -> Vec<Effect> {
        self.phase = Phase::Stopped;
        vec![Effect::Save, Effect::Exit]
    }

    /// The block phase of the machine's own round as the head stands; past rounds count as settled.
    fn block_phase(&self) -> BlockPhase {
        if self.params.round_of(self.head) > self.round { BlockPhase::Settle } else { self.params.phase_of(self.head) }
    }

    fn inner_is_over(&self) -> bool {
        self.head.0.saturating_add(self.cut_margin) >= self.params.commit_deadline(self.round).0
    }
}

#[cfg(test)]
mod tests;
