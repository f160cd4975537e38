//! Text from the model: when I joined, and now.

use crate::design_tokens::{RADIUS, SPACE_M, SPACE_S};
use crate::scene::Scene;
use crate::widgets::{Button, Kind, caption, card, columns_for, muted, strong};
use egui::{Frame, Margin, RichText, TextEdit, Ui};
use view_model::{Activity, Intent, Sample};

/// Longest beginning, in characters.
const MAX_PROMPT: usize = 200;
/// Narrowest text.
const LEAST: f32 = 280.0;

/// What only the window knows of it.
#[derive(Default)]
pub(super) struct State {
    prompt: String,
}

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    let (palette, app) = (scene.palette, scene.app());
    card(ui, palette, &scene.text("sample-title"), |ui| {
        let columns = columns_for(ui.available_width(), LEAST, 2);
        let both = [("sample-then", &app.training.sample_then), ("sample-now", &app.training.sample_now)];
        let gap = SPACE_M;
        let width = (ui.available_width() - gap * (columns - 1) as f32) / columns as f32;
        for row in both.chunks(columns) {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = gap;
                for (key, sample) in row {
                    ui.vertical(|ui| {
                        ui.set_width(width);
                        text(ui, scene, key, sample.as_ref());
                    });
                }
            });
        }
        let possible = matches!(app.run.activity, Activity::Running | Activity::Paused { .. });
        ui.horizontal_wrapped(|ui| {
            let name = scene.text("sample-prompt");
            let hint = scene.text("sample-prompt-hint");
            let room = (ui.available_width() - 160.0).clamp(160.0, 420.0);
            let field = TextEdit::singleline(&mut state.prompt)
                .hint_text(hint)
                .char_limit(MAX_PROMPT)
                .margin(Margin::symmetric(SPACE_S as i8, SPACE_S as i8))
                .desired_width(room);
            let response = ui.add_enabled(possible, field).accessible_name(name);
            let label = scene.text("sample-ask");
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let pressed = Button::new(&label, Kind::Secondary).enabled(possible).show(ui, palette).clicked();
            if possible && (pressed || entered) {
                scene.ask(Intent::Sample { prompt: state.prompt.trim().to_owned() });
            }
        });
        if !possible {
            caption(ui, palette, &scene.text("sample-not-now"));
        }
    });
}

fn text(ui: &mut Ui, scene: &Scene<'_>, key: &str, sample: Option<&Sample>) {
    let palette = scene.palette;
    strong(ui, palette, &scene.text(key));
    let Some(sample) = sample else {
        muted(ui, palette, &scene.text("sample-none"));
        return;
    };
    Frame::new().fill(palette.raised).corner_radius(RADIUS).inner_margin(Margin::same(SPACE_M as i8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.label(RichText::new(&sample.prompt).color(palette.muted));
            ui.label(RichText::new(&sample.text).color(palette.text));
        });
    });
    caption(ui, palette, &scene.with("sample-round", &[("round", sample.round.to_string().into())]));
}
