//! When the work stands still.

use super::State;
use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::screens::forms::{Limit, indented, slide, text_field, tick};
use crate::week_grid::{Week, week_grid};
use crate::widgets::{Button, Icon, Kind, caption, muted, strong};
use egui::Ui;
use types::ByteCount;
use view_model::PauseSettings;

const GB: u64 = 1_000_000_000;
/// Longest name of a program, and most of them.
const MAX_APP: usize = 128;
const MAX_APPS: usize = 64;

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut State) {
    let palette = scene.palette;
    let pause = &mut state.draft.value.pause;
    let (name, tip) = (scene.text("settings-gpu-busy"), scene.text("settings-gpu-busy-tip"));
    Limit { name: &name, tip: &tip, unit: "settings-percent", range: 5..=95, step: 5, begin: 30 }.show(
        ui,
        palette,
        scene.locale,
        &mut pause.gpu_busy_percent,
    );
    for (key, value) in [("settings-full-screen", &mut pause.full_screen), ("settings-meeting", &mut pause.meeting)] {
        tick(ui, palette, &scene.text(key), value);
    }
    apps(ui, scene, &mut pause.apps, &mut state.app_name);
    tick(ui, palette, &scene.text("settings-battery"), &mut pause.battery);
    limit(ui, scene, "settings-charge", "settings-percent", (20, 100, 5, 80), &mut pause.charge_percent);
    limit(ui, scene, "settings-idle", "settings-minutes", (1, 120, 1, 10), &mut pause.idle_minutes);
    tick(ui, palette, &scene.text("settings-metered"), &mut pause.metered);
    schedule(ui, scene, pause);
    disk(ui, scene, &mut pause.disk_free);
}

fn limit(
    ui: &mut Ui,
    scene: &Scene<'_>,
    key: &str,
    unit: &str,
    (low, high, step, begin): (u32, u32, u32, u32),
    value: &mut Option<u32>,
) {
    let name = scene.text(key);
    let limit = Limit { name: &name, tip: "", unit, range: low..=high, step, begin };
    limit.show(ui, scene.palette, scene.locale, value);
}

fn apps(ui: &mut Ui, scene: &Scene<'_>, apps: &mut Vec<String>, typed: &mut String) {
    let palette = scene.palette;
    strong(ui, palette, &scene.text("settings-apps"));
    indented(ui, |ui| {
        if apps.is_empty() {
            muted(ui, palette, &scene.text("settings-apps-none"));
        }
        let mut gone = None;
        for (n, app) in apps.iter().enumerate() {
            ui.horizontal(|ui| {
                strong(ui, palette, app);
                let label = scene.with("settings-app-remove", &[("name", app.as_str().into())]);
                if Button::icon_only(Icon::Cross, &label).show(ui, palette).clicked() {
                    gone = Some(n);
                }
            });
        }
        if let Some(n) = gone {
            apps.remove(n);
        }
        let names = (scene.text("settings-app-name"), scene.text("settings-app-hint"));
        let field = text_field(ui, palette, (&names.0, &names.1), typed, MAX_APP);
        let name = typed.trim().to_owned();
        let new = !name.is_empty() && !apps.contains(&name) && apps.len() < MAX_APPS;
        let label = scene.text("settings-app-add");
        let add = Button::new(&label, Kind::Secondary).icon(Icon::Plus).enabled(new).show(ui, palette);
        if new && (add.clicked() || field.entered) {
            apps.push(name);
            typed.clear();
        }
    });
}

fn schedule(ui: &mut Ui, scene: &Scene<'_>, pause: &mut PauseSettings) {
    let mut on = pause.schedule.is_some();
    if tick(ui, scene.palette, &scene.text("settings-schedule"), &mut on).changed() {
        pause.schedule = on.then(|| Week::nights().text());
    }
    let Some(text) = &mut pause.schedule else { return };
    // A week that cannot be read (an edited file) is shown as all hours until somebody paints.
    let mut week = Week::parse(text).unwrap_or(Week::all(true));
    let name = scene.text("settings-schedule-grid");
    if week_grid(ui, scene.palette, scene.locale, &name, &mut week) {
        *text = week.text();
    }
    ui.add_space(tokens::SPACE_XS);
}

fn disk(ui: &mut Ui, scene: &Scene<'_>, value: &mut ByteCount) {
    let name = scene.text("settings-disk");
    let label = caption(ui, scene.palette, &name).on_hover_text(scene.text("settings-disk-tip"));
    let mut gigabytes = u32::try_from(value.0 / GB).unwrap_or(u32::MAX).clamp(1, 200);
    let before = gigabytes;
    let shown = scene.with("settings-gb", &[("n", gigabytes.to_string().into())]);
    slide(ui, scene.palette, &shown, &mut gigabytes, (1..=200, 1)).labelled_by(label.id);
    if gigabytes != before {
        *value = ByteCount(u64::from(gigabytes) * GB);
    }
}
