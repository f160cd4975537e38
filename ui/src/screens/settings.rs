//! Every choice there is, with one sentence that says what they amount to.
//!
//! In: the settings in force and what the cards can do. Out: the whole new settings, once a change is complete. Text is
//! taken over when its field is left and only if it makes sense; until then the old value stays.

mod behaviour;
mod cards;
mod electricity;
mod line;
mod network;
mod pause;

use super::courtesy::courtesy_sentence;
use super::forms::Draft;
use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::widgets::{card, heading, muted, tone_line};
use egui::Ui;
use view_model::{Intent, Tone};

/// From this width on two columns.
const TWO_COLUMNS: f32 = 820.0;

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {
    draft: Draft,
    app_name: String,
    currency: line::Line,
    price: line::Line,
    second: line::Line,
    above: line::Line,
}

/// Draws it.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    state.draft.begin(&scene.app().settings, ui.ctx().cumulative_frame_nr());
    let palette = scene.palette;
    heading(ui, palette, &scene.text("settings-title"));
    card(ui, palette, "", |ui| {
        tone_line(ui, palette, Tone::Running, &courtesy_sentence(&state.draft.value, scene.locale));
        muted(ui, palette, &scene.text("settings-saved"));
    });
    if ui.available_width() < TWO_COLUMNS {
        left(ui, scene, state);
        right(ui, scene, state);
    } else {
        ui.spacing_mut().item_spacing.x = tokens::SPACE_L;
        ui.columns_const(|[first, second]| {
            for column in [&mut *first, &mut *second] {
                column.spacing_mut().item_spacing.x = tokens::SPACE_S;
            }
            left(first, scene, state);
            right(second, scene, state);
        });
    }
    if let Some(settings) = state.draft.end(ui.input(|input| input.pointer.any_down())) {
        scene.ask(Intent::Set(Box::new(settings)));
    }
}

/// A card with its title, and spaces between lines as in a form.
fn section(ui: &mut Ui, scene: &mut Scene<'_>, key: &str, add: impl FnOnce(&mut Ui, &mut Scene<'_>)) {
    let title = scene.text(key);
    card(ui, scene.palette, &title, |ui| {
        ui.spacing_mut().item_spacing.y = tokens::SPACE_S;
        add(ui, scene);
    });
}

fn left(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    section(ui, scene, "settings-pause", |ui, scene| pause::show(ui, scene, state));
    section(ui, scene, "settings-electricity", |ui, scene| electricity::show(ui, scene, state));
}

fn right(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    let settings = &mut state.draft.value;
    section(ui, scene, "settings-cards", |ui, scene| cards::show(ui, scene, &mut settings.gpus));
    section(ui, scene, "settings-network", |ui, scene| network::show(ui, scene, &mut settings.network));
    section(ui, scene, "settings-behaviour", |ui, scene| behaviour::start(ui, scene, &mut settings.behaviour));
    section(ui, scene, "settings-updates", |ui, scene| behaviour::updates(ui, scene, &mut settings.behaviour));
    section(ui, scene, "settings-look", |ui, scene| behaviour::look(ui, scene, &mut settings.look));
    section(ui, scene, "settings-data", behaviour::data);
}
