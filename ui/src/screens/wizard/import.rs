//! A wallet that is there already: its words, its seed, its btcli folder, its key file.

use super::create::{Lock, lock, name_field};
use super::{Go, State};
use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::screens::forms::{Field, SecretText, pick, secret_row, text_field};
use crate::widgets::{caption, card, muted, tone_line};
use egui::Ui;
use view_model::{ImportFrom, Tone, WizardIntent};

/// Words that a recovery phrase may have (BIP-39).
const WORD_COUNTS: [usize; 5] = [12, 15, 18, 21, 24];
/// Hex digits of a seed.
const SEED_DIGITS: usize = 64;
/// Longest path.
const MAX_PATH: usize = 4096;
/// Longest name of a hotkey, and longest derivation path.
const MAX_NAME: usize = 128;

/// What it is brought from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum By {
    #[default]
    Words,
    Seed,
    Btcli,
    KeyFile,
}

#[derive(Default)]
pub(super) struct Fields {
    by: By,
    name: String,
    words: SecretText,
    path: String,
    seed: SecretText,
    folder: String,
    hotkey: String,
    file: String,
    password: SecretText,
    lock: Lock,
    pub(super) shown: bool,
}

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) -> Go {
    let palette = scene.palette;
    let before = state.import.by;
    ui.horizontal_wrapped(|ui| {
        for (by, key) in [
            (By::Words, "wizard-import-words"),
            (By::Seed, "wizard-import-seed"),
            (By::Btcli, "wizard-import-btcli"),
            (By::KeyFile, "wizard-import-keyfile"),
        ] {
            pick(ui, palette, &scene.text(key), &mut state.import.by, by);
        }
    });
    if before != state.import.by {
        // What was typed for another way is not kept.
        state.import.words.wipe();
        state.import.seed.wipe();
        state.import.password.wipe();
        state.import.shown = false;
    }
    let (field, there) = card(ui, palette, "", |ui| from(ui, scene, &mut state.import));
    state.take_keyboard(&field.response);
    let fields = &mut state.import;
    let (name, named) = card(ui, palette, "", |ui| name_field(ui, scene, "wizard-import-name", &mut fields.name));
    let (locked, typed) = lock(ui, scene, &mut fields.lock, &mut fields.shown);
    tone_line(ui, palette, Tone::Problem, &scene.text("wizard-nobody"));
    let entered = field.entered || name.entered || typed;
    Go::new(scene.text("wizard-import-go"), there && named && locked).entered(entered)
}

pub(super) fn press(fields: &Fields) -> WizardIntent {
    let password = fields.password.secret_if_any();
    let trimmed = |text: &String| text.trim().to_owned();
    let from = match fields.by {
        By::Words => ImportFrom::Words { words: fields.words.trimmed(), path: trimmed(&fields.path) },
        By::Seed => ImportFrom::Seed { hex: fields.seed.trimmed() },
        By::Btcli => ImportFrom::Btcli { folder: trimmed(&fields.folder), hotkey: trimmed(&fields.hotkey), password },
        By::KeyFile => ImportFrom::KeyFile { path: trimmed(&fields.file), password },
    };
    WizardIntent::Bring { name: trimmed(&fields.name), from, passphrase: fields.lock.passphrase() }
}

/// The fields of the way that was picked: the first of them, and whether they are filled.
fn from(ui: &mut Ui, scene: &Scene<'_>, fields: &mut Fields) -> (Field, bool) {
    match fields.by {
        By::Words => words(ui, scene, fields),
        By::Seed => seed(ui, scene, fields),
        By::Btcli => btcli(ui, scene, fields),
        By::KeyFile => key_file(ui, scene, fields),
    }
}

fn words(ui: &mut Ui, scene: &Scene<'_>, fields: &mut Fields) -> (Field, bool) {
    let palette = scene.palette;
    let name = scene.text("wizard-import-words-field");
    let mut field = secret_row(ui, palette, scene.locale, (&name, 3), &mut fields.words, &mut fields.shown);
    let count = fields.words.expose().split_whitespace().count();
    let whole = WORD_COUNTS.contains(&count);
    let tone = if whole { Tone::Running } else { Tone::Neutral };
    let args = [("count", count.to_string().into())];
    tone_line(ui, palette, tone, &scene.with("wizard-import-words-count", &args));
    tone_line(ui, palette, Tone::Waiting, &scene.text("wizard-import-paste"));
    ui.add_space(tokens::SPACE_XS);
    let names = (scene.text("wizard-import-path"), scene.text("wizard-import-path-hint"));
    let path = text_field(ui, palette, (&names.0, &names.1), &mut fields.path, MAX_NAME);
    field.entered |= path.entered;
    path.response.on_hover_text(scene.text("wizard-import-path-tip"));
    (field, whole)
}

fn seed(ui: &mut Ui, scene: &Scene<'_>, fields: &mut Fields) -> (Field, bool) {
    let palette = scene.palette;
    let name = scene.text("wizard-import-seed-field");
    let field = secret_row(ui, palette, scene.locale, (&name, 2), &mut fields.seed, &mut fields.shown);
    let digits = fields.seed.expose().trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let whole = digits.len() == SEED_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let tone = if whole { Tone::Running } else { Tone::Neutral };
    let args = [("count", digits.chars().filter(char::is_ascii_hexdigit).count().to_string().into())];
    tone_line(ui, palette, tone, &scene.with("wizard-import-seed-count", &args));
    tone_line(ui, palette, Tone::Waiting, &scene.text("wizard-import-paste"));
    (field, whole)
}

fn btcli(ui: &mut Ui, scene: &Scene<'_>, fields: &mut Fields) -> (Field, bool) {
    let palette = scene.palette;
    if let Some(path) = super::join::dropped_file(ui) {
        fields.folder = path;
    }
    let names = (scene.text("wizard-import-folder"), scene.text("wizard-import-folder-hint"));
    let mut field = text_field(ui, palette, (&names.0, &names.1), &mut fields.folder, MAX_PATH);
    let names = (scene.text("wizard-import-hotkey"), scene.text("wizard-import-hotkey-hint"));
    field.entered |= text_field(ui, palette, (&names.0, &names.1), &mut fields.hotkey, MAX_NAME).entered;
    muted(ui, palette, &scene.text("wizard-import-coldkey"));
    field.entered |= password(ui, scene, fields);
    let there = !fields.folder.trim().is_empty() && !fields.hotkey.trim().is_empty();
    (field, there)
}

fn key_file(ui: &mut Ui, scene: &Scene<'_>, fields: &mut Fields) -> (Field, bool) {
    if let Some(path) = super::join::dropped_file(ui) {
        fields.file = path;
    }
    let name = scene.text("wizard-import-file");
    let mut field = text_field(ui, scene.palette, (&name, ""), &mut fields.file, MAX_PATH);
    field.entered |= password(ui, scene, fields);
    caption(ui, scene.palette, &scene.text("wizard-import-coldkey"));
    let there = !fields.file.trim().is_empty();
    (field, there)
}

fn password(ui: &mut Ui, scene: &Scene<'_>, fields: &mut Fields) -> bool {
    let name = scene.text("wizard-import-password");
    secret_row(ui, scene.palette, scene.locale, (&name, 1), &mut fields.password, &mut fields.shown).entered
}
