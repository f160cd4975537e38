//! Whether others reach this computer, what goes up and down now, and this month against the quota.

use crate::design_tokens::SPACE_XL;
use crate::scene::Scene;
use crate::widgets::{Axis, Button, Chart, Icon, Kind, bar, caption, card, card_row, figure, muted, notice, tone_line};
use egui::Ui;
use types::ByteCount;
use view_model::{Screen, Series, Tone, units};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().network);
    if view.local_only {
        let (title, hint) = (scene.text("network-local"), scene.text("network-local-hint"));
        notice(ui, palette, (Tone::Neutral, &title, &hint), |_| ());
        return;
    }
    card_row(ui, "network", &[1.0, 1.0], |ui, i| match i {
        0 => reach(ui, scene),
        _ => month(ui, scene),
    });
    let (up, down) = (scene.model.series(Series::Upload), scene.model.series(Series::Download));
    if !(up.is_empty() && down.is_empty()) {
        let name = scene.text("network-rate");
        card(ui, palette, &name, |ui| {
            Chart::new(&name, Axis::Time, rate)
                .line(scene.text("network-down"), down, palette.tone(Tone::Neutral))
                .line(scene.text("network-up"), up, palette.accent_text)
                .with_nought()
                .show(ui, scene);
        });
    }
}

/// Bytes per second, as on an axis.
fn rate(bytes: f64) -> String {
    if bytes.is_finite() { units::bytes_per_sec(ByteCount(bytes.max(0.0) as u64)) } else { units::UNKNOWN.to_owned() }
}

/// What others say of this computer, why, and the one thing to do.
pub(in crate::screens) fn verdict(ui: &mut Ui, scene: &Scene<'_>) {
    let (palette, app) = (scene.palette, scene.app());
    let verdict = app.network.verdict(&app.settings.network);
    tone_line(ui, palette, verdict.tone, &verdict.verdict.say(scene.locale));
    if let Some(cause) = &verdict.cause {
        muted(ui, palette, &cause.say(scene.locale));
    }
    muted(ui, palette, &verdict.advice.say(scene.locale));
}

fn reach(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().network);
    card(ui, palette, &scene.text("reach-title"), |ui| {
        verdict(ui, scene);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE_XL;
            let (up, down) = view.rate.map_or((None, None), |(up, down)| (Some(up), Some(down)));
            figure(ui, palette, &scene.text("network-up-now"), &scene.or_unknown(up.map(units::bytes_per_sec)));
            figure(ui, palette, &scene.text("network-down-now"), &scene.or_unknown(down.map(units::bytes_per_sec)));
        });
    });
}

fn month(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, app) = (scene.palette, scene.app());
    let (up, down) = app.network.month;
    let sum = ByteCount(up.0.saturating_add(down.0));
    card(ui, palette, &scene.text("month-title"), |ui| {
        match app.settings.network.month {
            Some(quota) => {
                let share = sum.0 as f64 / quota.0.max(1) as f64;
                let args = [("part", units::bytes(sum).into()), ("all", units::bytes(quota).into())];
                let text = scene.with("of", &args);
                figure(ui, palette, &scene.text("month-used"), &text);
                let tone = if share >= 0.9 { Tone::Waiting } else { Tone::Running };
                bar(ui, palette, Some(share), tone, &format!("{}: {text}", scene.text("month-used")));
                match app.network.left {
                    Some(ByteCount(0)) => drop(tone_line(ui, palette, Tone::Paused, &scene.text("month-over"))),
                    left => {
                        let left = left.unwrap_or(ByteCount(quota.0.saturating_sub(sum.0)));
                        figure(ui, palette, &scene.text("month-left"), &units::bytes(left));
                    }
                }
            }
            None => {
                figure(ui, palette, &scene.text("month-used"), &units::bytes(sum));
                caption(ui, palette, &scene.text("month-no-quota"));
            }
        }
        let args = [("up", units::bytes(up).into()), ("down", units::bytes(down).into())];
        caption(ui, palette, &scene.with("month-split", &args));
        let label = scene.text("month-change");
        if Button::new(&label, Kind::Quiet).trailing(Icon::Right).show(ui, palette).clicked() {
            scene.go = Some(Screen::Settings);
        }
    });
}
