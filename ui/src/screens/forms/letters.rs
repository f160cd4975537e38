//! Words painted one letter at a time, so that no word lies in egui's caches.

use egui::{Align2, Color32, FontId, Painter, Pos2, Ui, Vec2};

/// Width of a letter of a font whose letters are all of one width.
pub(crate) fn advance(ui: &Ui, font: &FontId) -> f32 {
    ui.fonts_mut(|fonts| fonts.glyph_width(font, 'm'))
}

/// Paints a secret word from the left, vertically in the middle.
pub(crate) fn paint(painter: &Painter, left: Pos2, word: &str, font: &FontId, advance: f32, colour: Color32) {
    for (n, letter) in word.chars().enumerate() {
        let at = left + Vec2::new(n as f32 * advance, 0.0);
        painter.text(at, Align2::LEFT_CENTER, letter, font.clone(), colour);
    }
}
