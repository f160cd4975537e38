//! Notifications and toasts: what is worth a word, once, and not too often.
//!
//! In: news. Out: notifications that the settings want and the day still allows, and at most five toasts that go by
//! themselves. What was given is remembered over a restart.

use super::run::drop_oldest;
use crate::api::NoticeKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use view_model::{Behaviour, Toast, Told, Tone};

/// Notifications in a day, all kinds together.
pub(crate) const PER_DAY: u32 = 6;
/// First words that are remembered: one a run.
const MAX_GIVEN: usize = 256;
/// Toasts at a time.
const MAX_TOASTS: usize = 5;
/// How long a toast stays.
const TOAST_MS: u64 = 12_000;

/// What was given so far; kept over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Given {
    once: BTreeSet<String>,
    day: String,
    count: u32,
}

/// Notifications and toasts.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    given: Given,
    toasts: Vec<(u64, Toast)>,
    last_id: u64,
}

impl Notices {
    pub(crate) fn restored(mut given: Given) -> Self {
        while given.once.len() > MAX_GIVEN {
            given.once.pop_first();
        }
        Self { given, ..Self::default() }
    }

    pub(crate) fn given(&self) -> &Given {
        &self.given
    }

    /// Whether a notification is to be shown now. `once`: only the first time ever for that word.
    pub(crate) fn allow(&mut self, kind: NoticeKind, once: Option<&str>, day: &str, settings: &Behaviour) -> bool {
        let wanted = match kind {
            NoticeKind::Accepted => settings.notify_accepted,
            NoticeKind::Problem => settings.notify_problem,
            NoticeKind::Update => settings.notify_update,
            NoticeKind::Payout => settings.notify_payout,
            NoticeKind::Tray => true,
        };
        // The first time is over also if nobody wanted to hear of it.
        if let Some(once) = once {
            if self.given.once.contains(once) || self.given.once.len() >= MAX_GIVEN {
                return false;
            }
            self.given.once.insert(once.to_owned());
        }
        if self.given.day != day {
            (self.given.day, self.given.count) = (day.to_owned(), 0);
        }
        if !wanted || self.given.count >= PER_DAY {
            return false;
        }
        self.given.count += 1;
        true
    }

    /// Short news. The same words again replace the old ones.
    pub(crate) fn toast(&mut self, tone: Tone, text: Told, now_ms: u64) {
        self.toasts.retain(|(_, toast)| toast.text != text);
        self.last_id += 1;
        self.toasts.push((now_ms, Toast { id: self.last_id, tone, text }));
        drop_oldest(&mut self.toasts, MAX_TOASTS);
    }

    /// The news was read.
    pub(crate) fn dismiss(&mut self, id: u64) {
        self.toasts.retain(|(_, toast)| toast.id != id);
    }

    /// Old news go.
    pub(crate) fn tick(&mut self, now_ms: u64) {
        self.toasts.retain(|(at, toast)| toast.tone == Tone::Problem || now_ms.saturating_sub(*at) < TOAST_MS);
    }

    /// For the window.
    pub(crate) fn toasts(&self) -> Vec<Toast> {
        self.toasts.iter().map(|(_, toast)| toast.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_time_comes_once_and_a_day_has_a_cap() {
        let settings = Behaviour::default();
        let mut notices = Notices::default();
        assert!(notices.allow(NoticeKind::Accepted, Some("run-1"), "2026-11-25", &settings));
        assert!(!notices.allow(NoticeKind::Accepted, Some("run-1"), "2026-11-26", &settings));
        let shown = (0..20).filter(|_| notices.allow(NoticeKind::Problem, None, "2026-11-27", &settings)).count();
        assert_eq!(shown, PER_DAY as usize);
        assert!(notices.allow(NoticeKind::Problem, None, "2026-11-28", &settings));
        assert!(!notices.allow(NoticeKind::Payout, None, "2026-11-28", &settings), "off by default");
    }

    #[test]
    fn toasts_are_few_go_by_themselves_and_problems_stay() {
        let mut notices = Notices::default();
        for n in 0..9 {
            notices.toast(Tone::Neutral, Told::new("toast").with("n", n.to_string()), 0);
        }
        assert_eq!(notices.toasts().len(), MAX_TOASTS);
        notices.toast(Tone::Problem, Told::new("bad"), 0);
        notices.tick(TOAST_MS);
        assert_eq!(notices.toasts().iter().map(|toast| toast.text.key.as_str()).collect::<Vec<_>>(), ["bad"]);
        let id = notices.toasts()[0].id;
        notices.dismiss(id);
        assert!(notices.toasts().is_empty());
    }
}
