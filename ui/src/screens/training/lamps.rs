//! The acceptance lamps: what a validator would say of my submission, before it is sent.

use crate::design_tokens::{CARD_MIN, SPACE_S, SPACE_XS};
use crate::scene::Scene;
use crate::widgets::{Icon, caption, card, chip, columns_for, empty, strong, term};
use egui::Ui;
use view_model::{Lamp, LampState, Tone};

/// Narrowest lamp.
const LEAST: f32 = CARD_MIN - 112.0;

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().training);
    let lamps = if view.lamps.is_empty() { &scene.app().run.lamps } else { &view.lamps };
    let title = match view.lamps_round {
        Some(round) => scene.with("lamps-title-round", &[("round", round.to_string().into())]),
        None => scene.text("lamps-title"),
    };
    card(ui, palette, &title, |ui| {
        if lamps.is_empty() {
            let (title, hint) = (scene.text("lamps-none"), scene.text("lamps-none-hint"));
            empty(ui, palette, (Icon::Shield, &title, &hint), |_| ());
            return;
        }
        let columns = columns_for(ui.available_width(), LEAST, lamps.len().max(1));
        let gap = SPACE_S;
        let width = (ui.available_width() - gap * (columns - 1) as f32) / columns as f32;
        for row in lamps.chunks(columns) {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = gap;
                for lamp in row {
                    ui.vertical(|ui| {
                        ui.set_width(width);
                        one(ui, scene, lamp);
                    });
                }
            });
        }
        term(ui, palette, &scene.text("term-lamps"), &scene.text("term-lamps-means"));
    });
}

fn one(ui: &mut Ui, scene: &Scene<'_>, lamp: &Lamp) {
    let palette = scene.palette;
    ui.spacing_mut().item_spacing.y = SPACE_XS;
    let key = format!("lamp-{}", lamp.name.to_lowercase().replace([' ', '_'], "-"));
    let name = if scene.locale.has(&key) { scene.text(&key) } else { lamp.name.clone() };
    strong(ui, palette, &name);
    let (tone, key) = match lamp.state {
        LampState::Pass => (Tone::Running, "lamp-state-pass"),
        LampState::Warn => (Tone::Waiting, "lamp-state-warn"),
        LampState::Fail => (Tone::Problem, "lamp-state-fail"),
        LampState::Unknown => (Tone::Neutral, "lamp-state-unknown"),
    };
    chip(ui, palette, tone, &scene.text(key));
    caption(ui, palette, &lamp.why);
}
