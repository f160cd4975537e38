//! Three words are asked back.

use super::{Go, State};
use crate::scene::Scene;
use crate::screens::forms::{SecretText, secret_row};
use crate::widgets::{Button, Icon, Kind, card, strong};
use egui::Ui;
use view_model::{Intent, Secret, WizardIntent};

/// Words that are asked at most.
const MOST: usize = 3;

#[derive(Default)]
pub(super) struct Fields {
    words: [SecretText; MOST],
    pub(super) shown: bool,
}

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State, numbers: &[u32]) -> Go {
    let palette = scene.palette;
    strong(ui, palette, &scene.text("wizard-quiz-why"));
    let mut entered = false;
    let mut first = None;
    card(ui, palette, "", |ui| {
        let Fields { words, shown } = &mut state.quiz;
        for (number, word) in numbers.iter().zip(words) {
            let name = scene.with("wizard-quiz-word", &[("number", number.to_string().into())]);
            let field = secret_row(ui, palette, scene.locale, (&name, 1), word, shown);
            entered |= field.entered;
            first.get_or_insert(field.response);
        }
    });
    if let Some(first) = first {
        state.take_keyboard(&first);
    }
    ui.horizontal_wrapped(|ui| {
        let label = scene.text("wizard-quiz-again");
        if Button::new(&label, Kind::Quiet).icon(Icon::Left).show(ui, palette).clicked() {
            scene.ask(Intent::Wizard(WizardIntent::Back));
        }
        let label = scene.text("wizard-quiz-later");
        let later = Button::new(&label, Kind::Quiet).icon(Icon::Clock).show(ui, palette);
        if later.on_hover_text(scene.text("wizard-quiz-later-tip")).clicked() {
            scene.ask(Intent::Wizard(WizardIntent::QuizLater));
        }
    });
    let filled = state.quiz.words.iter().take(numbers.len()).all(|word| !word.expose().trim().is_empty());
    Go::new(scene.text("wizard-quiz-check"), filled).entered(entered)
}

pub(super) fn press(fields: &Fields, count: usize) -> WizardIntent {
    let words: Vec<Secret> = fields.words.iter().take(count).map(SecretText::trimmed).collect();
    WizardIntent::Quiz { words }
}
