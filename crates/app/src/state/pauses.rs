//! Reasons to stand still that hold now.
//!
//! In: what the user pressed, what the machine says. Out: the reasons in force, the one to be told first. The rules are
//! `courtesy`'s; here is their memory, the signals they are judged by, and the user's pause so that it outlives a restart.

use courtesy::{Rules, Signals};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use view_model::{PauseFor, PauseReason, PauseView, Settings};

/// A reason that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) reason: PauseReason,
    pub(crate) since_ms: u64,
    pub(crate) ends_ms: Option<u64>,
}

/// The user's own pause, as it was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pressed {
    how_long: PauseFor,
    at_ms: u64,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    rules: Rules,
    pub(crate) signals: Signals,
    held: Vec<Held>,
    pressed: Option<Pressed>,
    cannot_tell: Vec<&'static str>,
}

impl Pauses {
    /// With the pause that was pressed before a restart.
    pub(crate) fn restored(pressed: Option<Pressed>, zone: &TimeZone) -> Self {
        let mut pauses = Self { pressed, ..Self::default() };
        if let Some(pressed) = pressed {
            pauses.rules.user_pause(pressed.how_long, pressed.at_ms, zone);
        }
        pauses
    }

    /// The user's pause, to be kept over a restart.
    pub(crate) fn pressed(&self) -> Option<Pressed> {
        self.pressed
    }

    /// The user pressed Pause.
    pub(crate) fn press(&mut self, how_long: PauseFor, now_ms: u64, zone: &TimeZone) {
        self.rules.user_pause(how_long, now_ms, zone);
        self.pressed = Some(Pressed { how_long, at_ms: now_ms });
    }

    /// The user pressed Resume: what holds now and may be overruled is set aside until it has ended once.
    pub(crate) fn resume(&mut self) {
        self.rules.resume();
        self.pressed = None;
    }

    /// There is nothing more for the user's pause to hold up.
    pub(crate) fn forget_user(&mut self, now_ms: u64, zone: &TimeZone) {
        if self.pressed.take().is_some() {
            self.rules.user_pause(PauseFor::Secs { secs: 0 }, now_ms, zone);
        }
    }

    /// Judges anew.
    pub(crate) fn judge(&mut self, settings: &Settings, now_ms: u64, zone: &TimeZone) {
        let verdict = self.rules.judge(settings, &self.signals, now_ms, zone);
        self.held = verdict.reasons.into_iter().map(|view| held(view, now_ms)).collect();
        self.cannot_tell = verdict.cannot_tell;
    }

    /// What is told first, if work must stand still.
    pub(crate) fn first(&self) -> Option<&Held> {
        self.held.first()
    }

    /// Rules that the user wants and that this machine cannot tell anything about.
    pub(crate) fn cannot_tell(&self) -> &[&'static str] {
        &self.cannot_tell
    }

    /// For the window.
    pub(crate) fn views(&self, now_ms: u64) -> Vec<PauseView> {
        let view = |held: &Held| PauseView {
            reason: held.reason.clone(),
            for_secs: now_ms.saturating_sub(held.since_ms) / 1000,
            ends_in_secs: held.ends_ms.map(|ends| ends.saturating_sub(now_ms).div_ceil(1000)),
        };
        self.held.iter().map(view).collect()
    }
}

fn held(view: PauseView, now_ms: u64) -> Held {
    Held {
        reason: view.reason,
        since_ms: now_ms.saturating_sub(view.for_secs.saturating_mul(1000)),
        ends_ms: view.ends_in_secs.map(|secs| now_ms.saturating_add(secs.saturating_mul(1000))),
    }
}
