//! The one sentence, with the shape and colour of its tone; beside it Start, Stop and Pause where the screen has none.

use super::controls::controls;
use crate::design_tokens::{LINE, SPACE_L, SPACE_M, TITLE};
use crate::scene::Scene;
use crate::widgets::paint_tone;
use egui::{Align, FontId, Frame, Layout, Margin, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2};
use view_model::{Activity, AppSnapshot, Screen, Tone, app_sentence};

/// From how many seconds on a wait is worth a colour.
const WAITING_SECS: u64 = 3;

/// The tone of the one sentence.
fn tone_of(app: &AppSnapshot) -> Tone {
    if app.recovery.is_some() || app.run.problems.iter().any(|row| row.fatal) {
        return Tone::Problem;
    }
    let held = !app.pauses.is_empty();
    match &app.run.activity {
        Activity::Idle | Activity::Finished => Tone::Neutral,
        Activity::Starting | Activity::Running if held => Tone::Paused,
        Activity::Paused { .. } => Tone::Paused,
        Activity::Starting | Activity::Stopping { .. } => Tone::Waiting,
        Activity::Running if app.run.waiting.as_ref().is_some_and(|w| w.for_secs >= WAITING_SECS) => Tone::Waiting,
        Activity::Running => Tone::Running,
    }
}

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, screen: Screen, pad: f32) {
    let margin = Margin { left: pad as i8, right: pad as i8, top: SPACE_L as i8, bottom: SPACE_M as i8 };
    let response = Frame::new().inner_margin(margin).show(ui, |ui| {
        ui.set_width(ui.available_width());
        // Home has the big button itself.
        if screen == Screen::Home {
            return sentence(ui, scene);
        }
        if ui.available_width() < 640.0 {
            sentence(ui, scene);
            ui.add_space(SPACE_M);
            ui.horizontal_wrapped(|ui| controls(ui, scene, false));
            return;
        }
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.horizontal(|ui| controls(ui, scene, false));
                ui.add_space(SPACE_L);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| sentence(ui, scene));
            });
        });
    });
    let rect = response.response.rect;
    let line = Stroke::new(LINE, scene.palette.border);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, line);
}

fn sentence(ui: &mut Ui, scene: &Scene<'_>) {
    let palette = scene.palette;
    let tone = tone_of(scene.app());
    let text = app_sentence(scene.app(), scene.locale);
    let radius = 7.0;
    let mark = 2.0 * radius + SPACE_M;
    let room = (ui.available_width() - mark).max(TITLE);
    let size = if room < 480.0 { TITLE - 4.0 } else { TITLE - 2.0 };
    let galley = ui.painter().layout(text.clone(), FontId::proportional(size), palette.text, room);
    let first = galley.rows.first().map_or(size, |row| row.rect().height());
    let (rect, response) = ui.allocate_exact_size(galley.size() + Vec2::new(mark, 0.0), Sense::hover());
    let centre = pos2(rect.left() + radius, rect.top() + first / 2.0);
    paint_tone(ui.painter(), centre, radius, tone, palette.tone(tone));
    ui.painter().galley(pos2(rect.left() + mark, rect.top()), galley, palette.text);
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use view_model::{CrashCause, PauseReason, PauseView, Recovery, RunSnapshot, Waiting};

    fn app(activity: Activity) -> AppSnapshot {
        AppSnapshot { run: RunSnapshot { activity, ..RunSnapshot::default() }, ..AppSnapshot::default() }
    }

    #[test]
    fn the_tone_says_what_the_sentence_says() {
        assert_eq!(tone_of(&app(Activity::Idle)), Tone::Neutral);
        assert_eq!(tone_of(&app(Activity::Running)), Tone::Running);
        assert_eq!(tone_of(&app(Activity::Stopping { within_secs: 3 })), Tone::Waiting);
        let mut held = app(Activity::Running);
        held.pauses.push(PauseView { reason: PauseReason::Battery, for_secs: 1, ends_in_secs: None });
        assert_eq!(tone_of(&held), Tone::Paused);
        let mut waiting = app(Activity::Running);
        waiting.run.waiting = Some(Waiting { for_whom: vec![], what: "votes".to_owned(), for_secs: 30 });
        assert_eq!(tone_of(&waiting), Tone::Waiting);
        let mut crashed = app(Activity::Idle);
        crashed.recovery = Some(Recovery { cause: CrashCause::OutOfVram, again_in_secs: Some(4), attempt: 2 });
        assert_eq!(tone_of(&crashed), Tone::Problem);
    }
}
