//! The rules with their memory: what held a moment ago, what the user asked for, what the user overruled.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use view_model::{PauseFor, PauseReason, PauseView, Settings};

use crate::conditions::{self, Condition};
use crate::latch::{Latch, Now};
use crate::rank::{can_be_overridden, rank};
use crate::signals::Signals;
use crate::user::UserPause;

/// The pause rules and what they remember.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    user: Option<UserPause>,
    latches: BTreeMap<String, Latch>,
    /// Rules that the user overruled and that have not ended since.
    overridden: BTreeSet<String>,
    /// The charge that was asked for was reached, and the computer has been on mains since.
    charged: bool,
    judged_ms: u64,
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Reasons that hold, the one to be told first in front. None: work may go on.
    pub reasons: Vec<PauseView>,
    /// Ask again at this moment even if nothing changes, in milliseconds since 1970.
    pub next_change_at_ms: Option<u64>,
    /// Codes of rules that the user wants and that nobody can tell anything about. They do not pause.
    pub cannot_tell: Vec<&'static str>,
}

struct Holding {
    reason: PauseReason,
    since_ms: u64,
    ends_at_ms: Option<u64>,
}

impl Rules {
    /// What holds now. Call it on every new reading and at [`Verdict::next_change_at_ms`].
    pub fn judge(&mut self, settings: &Settings, signals: &Signals, now_ms: u64, zone: &TimeZone) -> Verdict {
        self.follow_clock(now_ms);
        self.charged = conditions::charged(self.charged, settings, signals);
        let mut verdict = Verdict::default();
        let mut holding = Vec::new();
        let mut changes = Vec::new();
        self.judge_user(signals, now_ms, zone, &mut holding);
        let conditions = conditions::all(settings, signals, self.charged, now_ms, zone);
        self.forget_others(&conditions);
        for condition in conditions {
            if condition.now == Now::CannotTell && condition.chosen && !verdict.cannot_tell.contains(&condition.code) {
                verdict.cannot_tell.push(condition.code);
            }
            self.judge_one(condition, now_ms, &mut holding, &mut changes);
        }
        changes.extend(holding.iter().filter_map(|held| held.ends_at_ms));
        verdict.next_change_at_ms = changes.into_iter().filter(|at| *at > now_ms).min();
        verdict.reasons = told(holding, now_ms);
        verdict
    }

    /// The user pressed Pause.
    pub fn user_pause(&mut self, how_long: PauseFor, now_ms: u64, zone: &TimeZone) {
        self.user = Some(UserPause::new(how_long, now_ms, zone));
    }

    /// The user pressed Resume: the user's own pause is over, and rules that hold now are overruled until each has ended
    /// once. See [`can_be_overridden`].
    pub fn resume(&mut self) {
        self.user = None;
        let held = self.latches.iter().filter(|(_, latch)| latch.held().is_some_and(|(why, _)| can_be_overridden(why)));
        self.overridden.extend(held.map(|(key, _)| key.clone()));
    }

    fn follow_clock(&mut self, now_ms: u64) {
        if let Some(by_ms) = self.judged_ms.checked_sub(now_ms).filter(|by| *by > 0) {
            self.latches.values_mut().for_each(|latch| latch.not_after(now_ms));
            if let Some(user) = &mut self.user {
                user.set_back(by_ms);
            }
        }
        self.judged_ms = now_ms;
    }

    fn judge_user(&mut self, signals: &Signals, now_ms: u64, zone: &TimeZone, holding: &mut Vec<Holding>) {
        let Some(user) = &mut self.user else { return };
        match user.now(signals, now_ms, zone) {
            Ok(Some(held)) => {
                holding.push(Holding { reason: held.reason, since_ms: held.since_ms, ends_at_ms: held.ends_at_ms });
            }
            Ok(None) => {}
            Err(_over) => self.user = None,
        }
    }

    fn judge_one(&mut self, it: Condition, now_ms: u64, holding: &mut Vec<Holding>, changes: &mut Vec<u64>) {
        let latch = self.latches.entry(it.key.clone()).or_default();
        latch.step(it.now, it.timing, now_ms);
        changes.extend(latch.turns_at(it.timing));
        changes.extend(it.changes_at_ms);
        match latch.held() {
            None => {
                self.overridden.remove(&it.key);
                if latch.is_blank() {
                    self.latches.remove(&it.key);
                }
            }
            Some(_) if self.overridden.contains(&it.key) => {}
            Some((reason, since_ms)) => {
                let ends_at_ms = latch.turns_at(it.timing).or(it.changes_at_ms);
                holding.push(Holding { reason: reason.clone(), since_ms, ends_at_ms });
            }
        }
    }

    /// A card that is gone or a program that was taken off the list holds nothing any more.
    fn forget_others(&mut self, conditions: &[Condition]) {
        let keys: BTreeSet<&String> = conditions.iter().map(|condition| &condition.key).collect();
        self.latches.retain(|key, _| keys.contains(key));
        self.overridden.retain(|key| keys.contains(key));
    }
}

/// In order, each reason once.
fn told(mut holding: Vec<Holding>, now_ms: u64) -> Vec<PauseView> {
    holding.sort_by_key(|held| (rank(&held.reason), held.since_ms));
    let mut reasons: Vec<PauseView> = Vec::with_capacity(holding.len());
    for held in holding {
        if reasons.iter().any(|told| told.reason == held.reason) {
            continue;
        }
        reasons.push(PauseView {
            reason: held.reason,
            for_secs: now_ms.saturating_sub(held.since_ms) / 1000,
            // Rounded up, so that nobody is told 0:00 while it still holds.
            ends_in_secs: held.ends_at_ms.map(|at| at.saturating_sub(now_ms).div_ceil(1000)),
        });
    }
    reasons
}
