//! A line of text that becomes a setting when its field is left, and only if it makes sense.

use crate::scene::Scene;
use crate::screens::forms::text_field;
use crate::widgets::tone_line;
use egui::Ui;
use view_model::Tone;

/// Longest line.
const MAX_BYTES: usize = 32;
/// Digits after the point that a price may have.
const DECIMALS: usize = 6;

/// What is being typed.
#[derive(Default)]
pub(super) struct Line {
    text: String,
    editing: bool,
}

impl Line {
    /// Shows the field; `value` changes when the field is left. An empty field is no value.
    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        scene: &Scene<'_>,
        (name, hint, fault): (&str, &str, &str),
        value: &mut Option<String>,
        reads: fn(&str) -> Option<String>,
    ) {
        if !self.editing {
            self.text = value.clone().unwrap_or_default();
        }
        let names = (scene.text(name), scene.text(hint));
        let field = text_field(ui, scene.palette, (&names.0, &names.1), &mut self.text, MAX_BYTES);
        let typed = self.text.trim();
        let read = reads(typed);
        let sensible = typed.is_empty() || read.is_some();
        if !sensible && self.editing {
            tone_line(ui, scene.palette, Tone::Problem, &scene.text(fault));
        }
        self.editing = field.response.has_focus();
        if field.response.lost_focus() && sensible {
            *value = read;
        }
    }
}

/// A price: a decimal of at least nought; a comma is read as a point.
pub(super) fn price(text: &str) -> Option<String> {
    let text = text.replace(',', ".");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |part: &str, most: usize| part.len() <= most && part.bytes().all(|b| b.is_ascii_digit());
    let fine = !whole.is_empty() && digits(whole, 9) && digits(part, DECIMALS) && !text.ends_with('.');
    fine.then_some(text)
}

/// A currency: three letters, written large.
pub(super) fn currency(text: &str) -> Option<String> {
    (text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic())).then(|| text.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_and_currencies_that_make_no_sense_are_refused() {
        assert_eq!(price("0.32").as_deref(), Some("0.32"));
        assert_eq!(price("0,32").as_deref(), Some("0.32"));
        assert_eq!(price("12").as_deref(), Some("12"));
        for text in ["", ".", "1.", ".5", "-1", "1e3", "1.2.3", "0.1234567", "1234567890", "∞", "0.3 EUR"] {
            assert_eq!(price(text), None, "{text}");
        }
        assert_eq!(currency("eur").as_deref(), Some("EUR"));
        for text in ["", "EU", "EURO", "€", "E1R", "éé"] {
            assert_eq!(currency(text), None, "{text}");
        }
    }
}
