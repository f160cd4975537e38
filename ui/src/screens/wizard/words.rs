//! The words, numbered, behind a press, hidden as soon as the window loses the keyboard.
//!
//! They are painted letter by letter and lie in no tooltip, no cache and, unless somebody asks for it, not in the
//! accessibility tree. The copies here are none: the words are read from the model in the frame that paints them.

use super::{Go, State};
use crate::design_tokens::{self as tokens};
use crate::scene::Scene;
use crate::screens::forms::{advance, paint, tick};
use crate::widgets::{Button, Icon, Kind, card, columns_for, empty, muted, notice, strong, tone_line};
use egui::{Align2, FontId, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2};
use view_model::{Intent, Secret, Tone, WizardIntent};
use zeroize::Zeroizing;

/// Widest word of the list has eight letters.
const CELL: f32 = 140.0;

#[derive(Default)]
pub(super) struct Fields {
    shown: bool,
    aloud: bool,
    copied: bool,
    /// The app was told to take them back.
    taken_back: bool,
}

impl Fields {
    pub(super) fn hide(&mut self) {
        self.shown = false;
        self.aloud = false;
    }
}

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) -> Go {
    let palette = scene.palette;
    strong(ui, palette, &scene.text("wizard-words-why"));
    muted(ui, palette, &scene.text("wizard-words-once"));
    let fields = &mut state.words;
    let words = scene.model.words();
    if !ui.input(|input| input.focused) {
        fields.hide();
        // The app takes them back, so that they are not even in this process while nobody looks.
        if words.is_some() && !std::mem::replace(&mut fields.taken_back, true) {
            scene.ask(Intent::Wizard(WizardIntent::HideWords));
        }
    }
    card(ui, palette, "", |ui| match words.filter(|_| fields.shown) {
        Some(words) => shown(ui, scene, fields, words),
        None => hidden(ui, scene, fields),
    });
    if fields.copied {
        let text = scene.text("wizard-words-copy-warn");
        notice(ui, palette, (Tone::Problem, &text, ""), |_| {});
    }
    tone_line(ui, palette, Tone::Problem, &scene.text("wizard-nobody"));
    Go::new(scene.text("wizard-words-written"), true)
}

fn hidden(ui: &mut Ui, scene: &mut Scene<'_>, fields: &mut Fields) {
    let (title, hint) = (scene.text("wizard-words-hidden"), scene.text("wizard-words-look"));
    let label = scene.text("wizard-words-show");
    let pressed = empty(ui, scene.palette, (Icon::EyeOff, &title, &hint), |ui| {
        Button::new(&label, Kind::Primary).icon(Icon::Eye).show(ui, scene.palette).clicked()
    });
    if pressed {
        fields.shown = true;
        if std::mem::take(&mut fields.taken_back) || scene.model.words().is_none() {
            scene.ask(Intent::Wizard(WizardIntent::ShowWords));
        }
    }
}

fn shown(ui: &mut Ui, scene: &mut Scene<'_>, fields: &mut Fields, words: &[Secret]) {
    let gap = tokens::SPACE_S;
    let width = ui.available_width();
    let columns = columns_for(width, CELL, 4);
    let cell = Vec2::new((width - gap * (columns - 1) as f32) / columns as f32, tokens::BUTTON);
    let rows = words.len().div_ceil(columns);
    ui.spacing_mut().item_spacing = Vec2::splat(gap);
    for row in 0..rows {
        ui.horizontal(|ui| {
            for n in (row * columns..words.len()).take(columns) {
                word(ui, scene, n, &words[n], cell, fields.aloud);
            }
        });
    }
    ui.horizontal_wrapped(|ui| {
        let label = scene.text("wizard-words-hide");
        if Button::new(&label, Kind::Secondary).icon(Icon::EyeOff).show(ui, scene.palette).clicked() {
            fields.hide();
        }
        let label = scene.text("wizard-words-copy");
        if Button::new(&label, Kind::Quiet).icon(Icon::Copy).show(ui, scene.palette).clicked() {
            copy(ui, words);
            fields.copied = true;
            scene.ask(Intent::CopiedSecret);
        }
    });
    let label = scene.text("wizard-words-aloud");
    tick(ui, scene.palette, &label, &mut fields.aloud).on_hover_text(scene.text("wizard-words-aloud-tip"));
}

fn word(ui: &mut Ui, scene: &Scene<'_>, n: usize, word: &Secret, cell: Vec2, aloud: bool) {
    let palette = scene.palette;
    let number = (n + 1).to_string();
    let (rect, response) = ui.allocate_exact_size(cell, Sense::hover());
    let painter = ui.painter_at(rect);
    let line = Stroke::new(tokens::LINE, palette.outline);
    painter.rect(rect, tokens::RADIUS_S, palette.raised, line, StrokeKind::Inside);
    let caption = FontId::proportional(tokens::CAPTION);
    let numbers = pos2(rect.left() + tokens::SPACE_XL, rect.center().y);
    painter.text(numbers, Align2::RIGHT_CENTER, &number, caption, palette.muted);
    let font = FontId::monospace(tokens::BODY + 1.0);
    let step = advance(ui, &font);
    let left = pos2(numbers.x + tokens::SPACE_S, rect.center().y);
    paint(&painter, left, word.expose(), &font, step, palette.text);
    response.widget_info(|| {
        let said = match aloud {
            true => scene.with("wizard-word-is", &[("number", number.as_str().into()), ("word", word.expose().into())]),
            false => scene.with("wizard-word-painted", &[("number", number.as_str().into())]),
        };
        WidgetInfo::labeled(Role::Label, true, said)
    });
}

/// The clipboard takes a copy of its own; the one made here is given away whole.
fn copy(ui: &Ui, words: &[Secret]) {
    let room = words.iter().map(|word| word.expose().len() + 1).sum();
    let mut text = Zeroizing::new(String::with_capacity(room));
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word.expose());
    }
    ui.ctx().copy_text(std::mem::take(&mut *text));
}
