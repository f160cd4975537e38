//! One sentence that says it all, and Start.

use super::Go;
use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::screens::courtesy::courtesy_sentence;
use crate::screens::forms::Draft;
use crate::widgets::{card, muted, tone_line};
use egui::{RichText, Ui};
use view_model::Tone;

/// Letters of an address at each end; between them there is no need to read.
const ENDS: usize = 6;

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, (hotkey, rehearsal): (Option<&str>, bool), draft: &Draft) -> Go {
    let palette = scene.palette;
    let sentence = match (rehearsal, hotkey) {
        (true, _) => scene.text("wizard-summary-rehearsal"),
        (false, Some(hotkey)) => scene.with("wizard-summary-run", &[("hotkey", short(hotkey).into())]),
        (false, None) => scene.text("wizard-summary-run-no-wallet"),
    };
    card(ui, palette, "", |ui| {
        ui.add(egui::Label::new(RichText::new(sentence).size(tokens::BODY + 3.0).color(palette.text)).wrap());
    });
    tone_line(ui, palette, Tone::Running, &courtesy_sentence(&draft.value, scene.locale));
    muted(ui, palette, &scene.text("wizard-summary-quiet"));
    Go::new(scene.text(if rehearsal { "wizard-start-rehearsal" } else { "wizard-start" }), true)
}

fn short(address: &str) -> String {
    let letters: Vec<char> = address.chars().collect();
    if letters.len() <= 2 * ENDS + 1 {
        return address.to_owned();
    }
    let (head, tail) = (&letters[..ENDS], &letters[letters.len() - ENDS..]);
    format!("{}…{}", head.iter().collect::<String>(), tail.iter().collect::<String>())
}
