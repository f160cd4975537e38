//! When to stand still, how warm, how much data, and whether to start with the session.

use super::{Go, State};
use crate::scene::Scene;
use crate::screens::courtesy::{courtesy_sentence, month_limit};
use crate::screens::forms::{Limit, pick, tick};
use crate::week_grid::Week;
use crate::widgets::{card, strong, tone_line};
use egui::Ui;
use view_model::{Settings, Tone};

/// What the card pauses at if a game uses it, percent.
const BUSY_PERCENT: u32 = 30;

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut State) -> Go {
    let palette = scene.palette;
    strong(ui, palette, &scene.text("wizard-courtesy-why"));
    let settings = &mut state.draft.value;
    // Above the choices, where it is seen to change.
    tone_line(ui, palette, Tone::Running, &courtesy_sentence(settings, scene.locale));
    card(ui, palette, &scene.text("settings-pause"), |ui| pauses(ui, scene, settings));
    card(ui, palette, &scene.text("wizard-courtesy-schedule"), |ui| schedule(ui, scene, settings));
    card(ui, palette, &scene.text("wizard-courtesy-limits"), |ui| {
        let name = scene.text("wizard-courtesy-temperature");
        let limit = Limit { name: &name, tip: "", unit: "settings-celsius", range: 50..=90, step: 1, begin: 75 };
        limit.show(ui, palette, scene.locale, &mut settings.gpus.temperature_c);
        let name = scene.text("wizard-courtesy-month");
        month_limit(ui, scene, &name, "", &mut settings.network.month);
    });
    card(ui, palette, "", |ui| {
        tick(ui, palette, &scene.text("wizard-courtesy-autostart"), &mut settings.behaviour.autostart);
    });
    Go::new(scene.text("setup-next"), true)
}

fn pauses(ui: &mut Ui, scene: &Scene<'_>, settings: &mut Settings) {
    let pause = &mut settings.pause;
    let mut busy = pause.gpu_busy_percent.is_some();
    if tick(ui, scene.palette, &scene.text("wizard-courtesy-card"), &mut busy).changed() {
        pause.gpu_busy_percent = busy.then_some(BUSY_PERCENT);
    }
    for (key, value) in [
        ("wizard-courtesy-full-screen", &mut pause.full_screen),
        ("wizard-courtesy-meeting", &mut pause.meeting),
        ("wizard-courtesy-battery", &mut pause.battery),
        ("wizard-courtesy-metered", &mut pause.metered),
    ] {
        tick(ui, scene.palette, &scene.text(key), value);
    }
}

fn schedule(ui: &mut Ui, scene: &Scene<'_>, settings: &mut Settings) {
    let value = &mut settings.pause.schedule;
    let presets = [
        ("wizard-courtesy-always", None),
        ("wizard-courtesy-night", Some(Week::nights().text())),
        ("wizard-courtesy-nights-weekends", Some(Week::nights_and_weekends().text())),
    ];
    let own = presets.iter().all(|(_, preset)| preset != value).then(|| value.clone());
    for (key, preset) in presets {
        pick(ui, scene.palette, &scene.text(key), value, preset);
    }
    if let Some(own) = own {
        pick(ui, scene.palette, &scene.text("wizard-courtesy-own"), value, own);
    }
}
