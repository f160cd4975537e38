//! What a kilowatt hour costs, when, and from which price on the work stands still.

use super::State;
use super::line::{currency, price};
use crate::scene::Scene;
use crate::screens::forms::{indented, tick};
use crate::week_grid::{Week, week_grid};
use crate::widgets::muted;
use egui::Ui;

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut State) {
    let palette = scene.palette;
    let energy = &mut state.draft.value.energy;
    muted(ui, palette, &scene.text("settings-electricity-what"));
    let texts = ("settings-currency", "settings-currency-hint", "settings-currency-bad");
    state.currency.show(ui, scene, texts, &mut energy.currency, currency);
    let texts = ("settings-price", "settings-price-hint", "settings-price-bad");
    state.price.show(ui, scene, texts, &mut energy.price, price);
    let mut on = energy.second.is_some();
    if tick(ui, palette, &scene.text("settings-second"), &mut on).changed() {
        // The same price to begin with: nothing is made up.
        let begin = energy.price.clone().unwrap_or_else(|| "0".to_owned());
        energy.second = on.then(|| (begin, Week::nights().text()));
    }
    if let Some((second, hours)) = &mut energy.second {
        indented(ui, |ui| {
            let texts = ("settings-second-price", "settings-price-hint", "settings-price-bad");
            let mut value = Some(second.clone());
            state.second.show(ui, scene, texts, &mut value, price);
            if let Some(value) = value {
                *second = value;
            }
            let mut week = Week::parse(hours).unwrap_or(Week::all(false));
            let name = scene.text("settings-second-grid");
            if week_grid(ui, palette, scene.locale, &name, &mut week) {
                *hours = week.text();
            }
        });
    }
    let texts = ("settings-pause-above", "settings-price-hint", "settings-price-bad");
    state.above.show(ui, scene, texts, &mut energy.pause_above, price);
}
