//! The rehearsal: how many peers, how many rounds, what goes wrong on purpose, and what each of these shows.

use crate::scene::Scene;
use crate::screens::forms::{indented, slide, tick};
use crate::widgets::{Button, Icon, Kind, caption, card, chip, muted};
use egui::Ui;
use std::ops::RangeInclusive;
use view_model::{Activity, Intent, Rehearsal, RehearsalSettings, RunKind, Tone};

const PEERS: RangeInclusive<u32> = 2..=8;
const ROUNDS: RangeInclusive<u32> = 3..=100;
const LOSS_PERCENT: RangeInclusive<u32> = 0..=30;

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, settings: &mut RehearsalSettings) {
    let palette = scene.palette;
    let chosen = scene.app().runs.iter().any(|run| run.kind == RunKind::Rehearsal && run.chosen);
    card(ui, palette, &scene.text("runs-rehearsal"), |ui| {
        if chosen {
            chip(ui, palette, Tone::Running, &scene.text("runs-chosen")).on_hover_text(scene.text("runs-chosen-tip"));
        }
        muted(ui, palette, &scene.text("runs-rehearsal-what"));
        knob(ui, scene, "runs-rehearsal-peers", (PEERS, None), &mut settings.peers);
        let mut rounds = u32::try_from(settings.rounds).unwrap_or(u32::MAX).clamp(*ROUNDS.start(), *ROUNDS.end());
        let before = rounds;
        knob(ui, scene, "runs-rehearsal-rounds", (ROUNDS, None), &mut rounds);
        if rounds != before {
            settings.rounds = rounds.into();
        }
        let loss = (LOSS_PERCENT, Some("settings-percent"));
        knob(ui, scene, "runs-rehearsal-loss", loss, &mut settings.loss_percent);
        for (key, value) in
            [("runs-rehearsal-cheater", &mut settings.cheater), ("runs-rehearsal-leaver", &mut settings.leaver)]
        {
            tick(ui, palette, &scene.text(key), value);
            indented(ui, |ui| caption(ui, palette, &scene.text(&format!("{key}-shows"))));
        }
        start(ui, scene, settings);
    });
}

fn knob(
    ui: &mut Ui,
    scene: &Scene<'_>,
    key: &str,
    (range, unit): (RangeInclusive<u32>, Option<&str>),
    value: &mut u32,
) {
    let name = scene.text(key);
    let n = value.to_string();
    let shown = unit.map_or_else(|| n.clone(), |unit| scene.with(unit, &[("n", n.as_str().into())]));
    let label = crate::widgets::strong(ui, scene.palette, &name);
    slide(ui, scene.palette, &shown, value, (range, 1)).labelled_by(label.id);
    caption(ui, scene.palette, &scene.text(&format!("{key}-shows")));
}

fn start(ui: &mut Ui, scene: &mut Scene<'_>, settings: &RehearsalSettings) {
    let run = &scene.app().run;
    if !matches!(run.activity, Activity::Idle | Activity::Finished) {
        let rehearsing = run.run.as_ref().is_some_and(|facts| facts.kind == RunKind::Rehearsal);
        if rehearsing {
            muted(ui, scene.palette, &scene.text("runs-rehearsal-running"));
        }
        return;
    }
    let label = scene.text("runs-rehearsal-start");
    if Button::new(&label, Kind::Primary).icon(Icon::Play).show(ui, scene.palette).clicked() {
        scene.ask(Intent::StartRehearsal(Rehearsal {
            peers: Some(settings.peers),
            rounds: Some(settings.rounds),
            ..Rehearsal::default()
        }));
    }
}
