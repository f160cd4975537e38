//! An address that pay goes to: its check digits, its first and last letters, its code.

use super::{Go, State};
use crate::design_tokens as tokens;
use crate::qr::qr;
use crate::scene::Scene;
use crate::screens::forms::{Field, text_field};
use crate::widgets::{card, muted, strong, tone_line};
use egui::{FontId, RichText, Ui};
use types::{Coldkey, KeyError};
use view_model::{Tone, WizardIntent};
use zeroize::Zeroize;

/// Longest text that is taken in: addresses have 48 letters, and a longer one has to be told from one.
const MAX_ADDRESS: usize = 256;
/// Letters of an address.
const LENGTHS: std::ops::RangeInclusive<usize> = 47..=48;
/// Letters that people compare.
const ENDS: usize = 6;
/// Side of the code.
const CODE: f32 = 168.0;

/// An address being typed.
#[derive(Default)]
pub(in crate::screens) struct Address {
    text: String,
    /// What was typed before was a secret; it was wiped, and that is said until something else is typed.
    was_secret: bool,
}

impl Address {
    /// The text without the spaces around it.
    pub(in crate::screens) fn trimmed(&self) -> String {
        self.text.trim().to_owned()
    }
}

#[derive(Default)]
pub(super) struct Fields {
    address: Address,
}

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut State) -> Go {
    strong(ui, scene.palette, &scene.text("wizard-payout-how"));
    let (field, fine) = card(ui, scene.palette, "", |ui| address_field(ui, scene, &mut state.payout.address));
    state.take_keyboard(&field.response);
    Go::new(scene.text("wizard-payout-use"), fine).entered(field.entered)
}

pub(super) fn press(fields: &Fields) -> WizardIntent {
    WizardIntent::PayoutTo { address: fields.address.trimmed() }
}

/// What a text is, to somebody who wanted to type an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::screens) enum Typed {
    Nothing,
    Good,
    Short,
    Typo,
    OtherNetwork,
    NoAddress,
    /// Recovery words or a seed in the wrong field.
    Secret,
}

pub(in crate::screens) fn judge(text: &str) -> Typed {
    let text = text.trim();
    let letters = text.chars().count();
    let hex = text.strip_prefix("0x").unwrap_or(text);
    // More than one word, or a hex seed: neither is an address, and both may be secrets.
    if text.split_whitespace().count() > 2 || (hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Typed::Secret;
    }
    if text.is_empty() {
        return Typed::Nothing;
    }
    match text.parse::<Coldkey>() {
        Ok(_) => Typed::Good,
        Err(KeyError::Prefix { .. }) => Typed::OtherNetwork,
        Err(_) if letters < *LENGTHS.start() && text.bytes().all(|b| b.is_ascii_alphanumeric()) => Typed::Short,
        Err(_) if LENGTHS.contains(&letters) => Typed::Typo,
        Err(_) => Typed::NoAddress,
    }
}

/// The field with its verdict; whether it is an address.
pub(in crate::screens) fn address_field(ui: &mut Ui, scene: &Scene<'_>, address: &mut Address) -> (Field, bool) {
    let palette = scene.palette;
    let names = (scene.text("wizard-payout-field"), scene.text("wizard-payout-hint"));
    let field = text_field(ui, palette, (&names.0, &names.1), &mut address.text, MAX_ADDRESS);
    let mut typed = judge(&address.text);
    match typed {
        // It must not stay in a field that is not made for secrets.
        Typed::Secret => {
            forget(ui, &field, &mut address.text);
            address.was_secret = true;
        }
        Typed::Nothing if address.was_secret => typed = Typed::Secret,
        _ => address.was_secret = false,
    }
    let (tone, key) = match typed {
        Typed::Nothing => return (field, false),
        Typed::Short => (Tone::Neutral, "wizard-payout-short"),
        Typed::Good => (Tone::Running, "wizard-payout-good"),
        Typed::Typo => (Tone::Problem, "wizard-payout-typo"),
        Typed::OtherNetwork => (Tone::Problem, "wizard-payout-network"),
        Typed::NoAddress => (Tone::Problem, "wizard-payout-not"),
        Typed::Secret => (Tone::Problem, "wizard-payout-secret"),
    };
    let count = address.text.trim().chars().count().to_string();
    tone_line(ui, palette, tone, &scene.with(key, &[("count", count.into())]));
    if typed == Typed::Good {
        confirm(ui, scene, address.text.trim());
    }
    (field, typed == Typed::Good)
}

/// Wipes the field and egui's undo of it.
fn forget(ui: &Ui, field: &Field, address: &mut String) {
    address.zeroize();
    if let Some(mut state) = egui::TextEdit::load_state(ui.ctx(), field.response.id) {
        state.clear_undoer();
        egui::TextEdit::store_state(ui.ctx(), field.response.id, state);
    }
}

/// First and last letters to compare, and the code to scan.
fn confirm(ui: &mut Ui, scene: &Scene<'_>, address: &str) {
    let palette = scene.palette;
    let (head, rest) = address.split_at(ENDS.min(address.len()));
    let (middle, tail) = rest.split_at(rest.len().saturating_sub(ENDS));
    let font = FontId::monospace(tokens::BODY + 1.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let part = |text: &str, colour| RichText::new(text).font(font.clone()).color(colour);
        ui.label(part(head, palette.accent_text).strong());
        ui.label(part(middle, palette.muted));
        ui.label(part(tail, palette.accent_text).strong());
    });
    let name = scene.with("setup-qr-of", &[("what", scene.text("wallet-qr-of-payout").into())]);
    if qr(ui, address, CODE, &name).is_none() {
        muted(ui, palette, &name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    #[test]
    fn a_text_is_told_from_an_address_by_its_check_digits() {
        assert_eq!(judge("  "), Typed::Nothing);
        assert_eq!(judge(&format!(" {ALICE} ")), Typed::Good);
        assert_eq!(judge(&ALICE[..20]), Typed::Short);
        assert_eq!(judge(&ALICE.replace('z', "y")), Typed::Typo);
        assert_eq!(judge("15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"), Typed::OtherNetwork);
        assert_eq!(judge("covey://join/abc"), Typed::NoAddress);
    }

    #[test]
    fn words_and_seeds_in_the_address_field_are_known_as_secrets() {
        assert_eq!(judge("bottom drive obey lake"), Typed::Secret);
        assert_eq!(judge(&"5e".repeat(32)), Typed::Secret);
        assert_eq!(judge(&format!("0x{}", "5e".repeat(32))), Typed::Secret);
    }
}
