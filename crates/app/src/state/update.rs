//! New versions in the state: looked for, offered, fetched, put in between two rounds, watched.
//!
//! In: the user's choice, presses, what the worker says, the line, the work. Out: what the window shows, orders for the worker,
//! and at the right moment the end of the app with an order for the shell. A running round is never lost to an update.

use super::{Effect, State};
use crate::api::{NoticeKind, ToShell};
use crate::updates::{Happened, UpdateEvent};
use types::ByteCount;
use update::fetch::Meter;
use update::health::{Start, Verdict};
use update::install::Install;
use update::limits::CHECK_EVERY;
use update::manifest::Channel;
use update::policy::{Mode, Situation};
use view_model::{EngineFetch, LogLevel, Told, Tone, UpdateChannel, UpdateOffer, UpdateState, UpdateView, Updates};

/// After the start: everything else comes first.
const FIRST_LOOK_MS: u64 = 60_000;
/// So long must the app be up before its start counts as good.
const GOOD_START_MS: u64 = 30_000;

/// What the shell is to do after the app's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Put the staged version in, and start it.
    PutIn,
    /// Put the version before this one back, and start it.
    GoBack,
}

/// What the state begins with.
#[derive(Debug)]
pub(crate) struct UpdateInit {
    /// How the programs came here.
    pub(crate) install: Install,
    /// What this start found.
    pub(crate) start: Start,
    /// Whether there is anybody to ask, and a key to believe.
    pub(crate) can_look: bool,
    /// The version that can be gone back to.
    pub(crate) previous: Option<String>,
}

impl Default for UpdateInit {
    fn default() -> Self {
        Self { install: Install::System, start: Start::Plain, can_look: false, previous: None }
    }
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Update {
    init: UpdateInit,
    state: UpdateState,
    meter: Meter,
    looking: bool,
    at_work: bool,
    /// The button was pressed for what is offered or staged.
    pressed: bool,
    next_look_ms: u64,
    good_start_ms: Option<u64>,
    then: Option<Then>,
}

impl Update {
    pub(crate) fn new(init: UpdateInit, now_ms: u64) -> Self {
        let probation = matches!(init.start, Start::Probation { .. });
        Self {
            init,
            state: UpdateState::Unknown,
            meter: Meter::new(),
            looking: false,
            at_work: false,
            pressed: false,
            next_look_ms: now_ms.saturating_add(FIRST_LOOK_MS),
            good_start_ms: probation.then(|| now_ms.saturating_add(GOOD_START_MS)),
            then: None,
        }
    }

    /// What the shell is to do when the app has ended.
    pub(crate) fn then(&self) -> Option<Then> {
        self.then
    }

    /// Whether rounds are counted.
    fn on_probation(&self) -> bool {
        matches!(self.init.start, Start::Probation { .. })
    }
}

impl State {
    /// What this start found of an update is told.
    pub(super) fn tell_of_update(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        match self.update.init.start.clone() {
            Start::Plain => {}
            Start::Probation { to, .. } => {
                self.log(LogLevel::Info, "update", &format!("version {to} is new, and watched"), now_ms);
                self.notices.toast(Tone::Running, Told::new("toast-updated").with("version", to), now_ms);
            }
            Start::WentBack { failed, to } => {
                self.log(LogLevel::Warn, "update", &format!("version {failed} failed; {to} is back"), now_ms);
                let told = Told::new("toast-went-back").with("failed", failed).with("version", to);
                self.notices.toast(Tone::Problem, told, now_ms);
                self.notify(NoticeKind::Update, None, "notice-went-back", now_ms, out);
            }
        }
    }

    fn situation(&self) -> Situation<'_> {
        Situation {
            mode: match self.settings.behaviour.updates {
                Updates::Automatic => Mode::Automatic,
                Updates::Ask => Mode::Ask,
                Updates::Never => Mode::Never,
            },
            metered: self.pauses.signals.metered,
            pressed: self.update.pressed,
            install: &self.update.init.install,
        }
    }

    /// Look now.
    pub(super) fn look_for_update(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        self.update.next_look_ms = now_ms;
        let looked = Situation { pressed: true, ..self.situation() }.may_look().is_ok();
        if looked && self.update.then.is_none() {
            self.look(true, now_ms, out);
        }
    }

    fn look(&mut self, pressed: bool, now_ms: u64, out: &mut Vec<Effect>) {
        let every = u64::try_from(CHECK_EVERY.as_millis()).unwrap_or(u64::MAX);
        self.update.next_look_ms = now_ms.saturating_add(every);
        if !self.update.init.can_look || self.update.looking || self.update.at_work {
            return;
        }
        self.update.looking = true;
        if matches!(self.update.state, UpdateState::Unknown | UpdateState::Newest | UpdateState::Failed(_)) {
            self.update.state = UpdateState::Looking;
        }
        out.push(Effect::LookForUpdate { channel: self.channel(), pressed });
    }

    fn channel(&self) -> Channel {
        match self.settings.behaviour.channel {
            UpdateChannel::Stable => Channel::Stable,
            UpdateChannel::Preview => Channel::Preview,
        }
    }

    /// Fetch it, or put it in.
    pub(super) fn get_update(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        self.update.pressed = true;
        self.drive_update(now_ms, out);
    }

    /// Back to the version before this one, by the user's word.
    pub(super) fn go_back(&mut self, now_ms: u64) {
        if self.update.init.previous.is_some() && self.update.init.install.is_ours() {
            self.end_for(Then::GoBack, now_ms);
        }
    }

    /// After every event: looks, fetches, puts in, as far as it may.
    pub(super) fn drive_update(&mut self, now_ms: u64, out: &mut Vec<Effect>) {
        if self.update.then.is_some() || self.leaving.is_some() {
            return;
        }
        if self.update.good_start_ms.is_some_and(|at| at <= now_ms) {
            self.update.good_start_ms = None;
            out.push(Effect::UpdateHappened(Happened::Started));
        }
        if self.update.next_look_ms <= now_ms && self.situation().may_look().is_ok() {
            self.look(false, now_ms, out);
        }
        if self.update.at_work {
            if self.pauses.signals.metered == Some(true) {
                out.push(Effect::HoldUpdate);
            }
            return;
        }
        match &self.update.state {
            UpdateState::Offered(offer) if self.situation().may_fetch().is_ok() => {
                let offer = offer.clone();
                self.fetch_update(offer, now_ms, out);
            }
            // Not under the hands of somebody who makes a wallet.
            UpdateState::Staged { .. } if self.situation().may_put_in().is_ok() && self.wizard.view().is_none() => {
                self.end_for(Then::PutIn, now_ms);
            }
            _ => {}
        }
    }

    fn fetch_update(&mut self, offer: UpdateOffer, now_ms: u64, out: &mut Vec<Effect>) {
        let fetch = EngineFetch { total: offer.download, ..EngineFetch::default() };
        self.update.meter = Meter::new();
        self.update.meter.sample(now_ms, 0);
        self.update.state = UpdateState::Fetching { offer, fetch };
        self.update.at_work = true;
        out.push(Effect::GetUpdate { channel: self.channel(), pressed: self.update.pressed });
    }

    /// The app ends after the running round, and the shell does the rest.
    fn end_for(&mut self, then: Then, now_ms: u64) {
        if self.leaving.is_none() {
            self.update.then = Some(then);
            self.leaving = Some(self.work.wanted().cloned());
            self.work.unwant(ipc::StopWhen::EndOfRound, now_ms);
            self.urgent = true;
            self.log(LogLevel::Info, "update", &format!("after this round: {then:?}"), now_ms);
        }
    }

    /// What the worker says.
    pub(super) fn update_said(&mut self, event: UpdateEvent, now_ms: u64, out: &mut Vec<Effect>) {
        let update = &mut self.update;
        if !matches!(event, UpdateEvent::Came { .. } | UpdateEvent::Health(_)) {
            (update.looking, update.at_work) = (false, false);
        }
        match event {
            UpdateEvent::Newest => update.state = UpdateState::Newest,
            UpdateEvent::Offered(offer) => {
                let new = update.state != UpdateState::Offered(offer.clone());
                let version = offer.version.clone();
                update.state = UpdateState::Offered(offer);
                if new {
                    let once = format!("update:{version}");
                    self.notify(NoticeKind::Update, Some(&once), "notice-update", now_ms, out);
                }
            }
            UpdateEvent::Staged(version) => update.state = UpdateState::Staged { version, soon: false },
            UpdateEvent::Failed(problem) => {
                (update.state, update.pressed) = (UpdateState::Failed(problem.clone()), false);
                self.log(LogLevel::Warn, "update", &problem.to_string(), now_ms);
            }
            UpdateEvent::Came { done, total } => {
                update.meter.sample(now_ms, done);
                let pace = update.meter.pace(now_ms, total);
                if let UpdateState::Fetching { fetch, .. } = &mut update.state {
                    *fetch = EngineFetch {
                        done: ByteCount(done),
                        total: ByteCount(total),
                        rate: pace.map(|pace| ByteCount(pace.per_sec)),
                        left_secs: pace.and_then(|pace| pace.left_secs),
                    };
                }
            }
            UpdateEvent::Held => {
                if let UpdateState::Fetching { offer, .. } = &update.state {
                    update.state = UpdateState::Offered(offer.clone());
                }
            }
            UpdateEvent::Health(Verdict::GoOn) => {}
            UpdateEvent::Health(Verdict::Proved) => {
                update.init.start = Start::Plain;
                self.log(LogLevel::Info, "update", "the new version has proved itself", now_ms);
            }
            UpdateEvent::Health(Verdict::GoBack) => self.end_for(Then::GoBack, now_ms),
        }
    }

    /// A round was finished, or the peer failed in one.
    pub(super) fn round_for_update(&mut self, good: bool, out: &mut Vec<Effect>) {
        if self.update.on_probation() {
            out.push(Effect::UpdateHappened(Happened::Round { good }));
        }
    }

    /// The shell's last order, when everything has ended.
    pub(super) fn last_order(&self, out: &mut Vec<Effect>) {
        if let Some(then) = self.update.then() {
            out.push(Effect::Shell(ToShell::Restart(then)));
        }
    }

    pub(super) fn update_view(&self) -> UpdateView {
        let mut state = self.update.state.clone();
        if let UpdateState::Staged { soon, .. } = &mut state {
            *soon = self.update.then == Some(Then::PutIn);
        }
        let install = &self.update.init.install;
        UpdateView {
            state,
            hint: install.hint().filter(|_| self.update.init.can_look).map(str::to_owned),
            previous: self.update.init.previous.clone().filter(|_| install.is_ours()),
        }
    }
}

#[cfg(test)]
mod tests;
