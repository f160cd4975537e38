//! The tray: the one sentence, its meaning, and what works now.
//!
//! A change of what is going on is told at once; a sentence that only counts seconds, every few of them.

use super::State;
use crate::api::{TrayLabels, TrayView};
use locale::Locale;
use view_model::{Activity, AppSnapshot, NetworkView, RunSnapshot, Tone, app_sentence, stop_price_sentence};

/// Between two changes of the sentence alone.
const SENTENCE_EVERY_MS: u64 = 5_000;

/// What the tray was told last.
#[derive(Debug)]
pub(super) struct Tray {
    labels: TrayLabels,
    told: Option<(TrayView, Activity)>,
    told_ms: u64,
}

impl Tray {
    /// Nothing is told yet.
    pub(super) fn new(locale: &Locale) -> Self {
        Self { labels: labels(locale), told: None, told_ms: 0 }
    }

    /// Another language.
    pub(super) fn speak(&mut self, locale: &Locale) {
        self.labels = labels(locale);
    }
}

impl State {
    /// What is going on, by the peer's own words.
    pub(crate) fn activity(&self, now_ms: u64) -> Activity {
        let hold = self.pauses.first().map(|held| (held, held.reason.told().say(&self.locale)));
        self.work.activity(hold.as_ref(), now_ms)
    }

    /// As much of a snapshot as the sentence needs.
    fn brief(&self, now_ms: u64) -> AppSnapshot {
        let activity = self.activity(now_ms);
        AppSnapshot {
            recovery: self.work.recovery(self.pauses.first().is_some(), now_ms),
            pauses: self.shown_pauses(&activity, now_ms),
            run: RunSnapshot { activity, problems: self.problems.rows(), ..self.run.snapshot(now_ms) },
            network: NetworkView { fetching: self.network.fetching_now(), ..NetworkView::default() },
            ..AppSnapshot::default()
        }
    }

    /// Reasons are told while work stands still by them; while a pause is on its way, work still runs.
    pub(super) fn shown_pauses(&self, activity: &Activity, now_ms: u64) -> Vec<view_model::PauseView> {
        match activity {
            Activity::Running | Activity::Starting => Vec::new(),
            _ => self.pauses.views(now_ms),
        }
    }

    /// The one sentence of the whole program.
    pub(crate) fn sentence(&self, now_ms: u64) -> String {
        app_sentence(&self.brief(now_ms), &self.locale)
    }

    /// What stopping costs now.
    pub(crate) fn stop_price(&self, now_ms: u64) -> String {
        stop_price_sentence(&self.brief(now_ms).run, &self.locale)
    }

    /// The tray, if it is to be told.
    pub(super) fn tray_if_new(&mut self, now_ms: u64) -> Option<TrayView> {
        let brief = self.brief(now_ms);
        let wanted = self.work.wanted().is_some();
        let activity = &brief.run.activity;
        let stopping = matches!(activity, Activity::Stopping { .. });
        let hopeless = brief.recovery.as_ref().is_some_and(|recovery| recovery.again_in_secs.is_none());
        let view = TrayView {
            sentence: app_sentence(&brief, &self.locale),
            tone: tone(&brief),
            can_start: !wanted || hopeless,
            can_stop: wanted || stopping,
            paused: matches!(activity, Activity::Paused { .. }),
            labels: self.tray.labels.clone(),
            quit_price: stop_price_sentence(&brief.run, &self.locale),
        };
        let due = now_ms.saturating_sub(self.tray.told_ms) >= SENTENCE_EVERY_MS;
        let news = self.tray.told.as_ref().is_none_or(|(told, before)| {
            let kind = std::mem::discriminant(before) != std::mem::discriminant(activity);
            kind || (told.tone, told.can_start, told.can_stop, &told.labels)
                != (view.tone, view.can_start, view.can_stop, &view.labels)
                || (due && *told != view)
        });
        if !news {
            return None;
        }
        (self.tray.told, self.tray.told_ms) = (Some((view.clone(), activity.clone())), now_ms);
        Some(view)
    }
}

/// The icon's meaning.
fn tone(app: &AppSnapshot) -> Tone {
    if app.recovery.is_some() || app.run.problems.iter().any(|row| row.fatal) {
        return Tone::Problem;
    }
    match app.run.activity {
        Activity::Running => Tone::Running,
        Activity::Starting | Activity::Stopping { .. } => Tone::Waiting,
        Activity::Paused { .. } => Tone::Paused,
        Activity::Idle | Activity::Finished => Tone::Neutral,
    }
}

fn labels(locale: &Locale) -> TrayLabels {
    let text = |key: &str| locale.text(key);
    TrayLabels {
        start: text("tray-start"),
        stop: text("tray-stop"),
        stop_round: text("tray-stop-round"),
        pause_for: text("tray-pause-for"),
        pause_quarter: text("tray-pause-quarter"),
        pause_hour: text("tray-pause-hour"),
        pause_four: text("tray-pause-four"),
        pause_tomorrow: text("tray-pause-tomorrow"),
        pause_battery: text("tray-pause-battery"),
        pause_open: text("tray-pause-open"),
        resume: text("tray-resume"),
        open: text("tray-open"),
        quit: text("tray-quit"),
    }
}
