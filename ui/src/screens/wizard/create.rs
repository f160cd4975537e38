//! A new wallet: its name, how many words, and what keeps its key.

use super::{Go, State};
use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::screens::forms::{SecretText, indented, new_passphrase, pick, text_field};
use crate::widgets::{Button, Icon, Kind, caption, card, muted, tone_line};
use egui::Ui;
use view_model::{Intent, KeychainState, Tone, WalletIntent, WizardIntent, problem_title};

/// Longest name of a wallet.
const MAX_NAME: usize = 32;

/// What keeps a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::screens) enum Keeper {
    Keychain,
    Passphrase,
}

pub(super) struct Fields {
    pub(super) name: String,
    pub(super) words: u32,
    pub(super) lock: Lock,
    pub(super) shown: bool,
}

/// How a key is kept.
#[derive(Default)]
pub(super) struct Lock {
    /// What the user chose; before that, whatever works here.
    keeper: Option<Keeper>,
    first: SecretText,
    again: SecretText,
}

impl Default for Fields {
    fn default() -> Self {
        Self { name: String::new(), words: 12, lock: Lock::default(), shown: false }
    }
}

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) -> Go {
    let palette = scene.palette;
    let (mut entered, mut named) = (false, false);
    card(ui, palette, "", |ui| {
        let (field, fine) = name_field(ui, scene, "wizard-create-name", &mut state.create.name);
        state.take_keyboard(&field.response);
        (entered, named) = (field.entered, fine);
    });
    card(ui, palette, "", |ui| {
        caption(ui, palette, &scene.text("wizard-create-words"));
        ui.horizontal_wrapped(|ui| {
            for n in [12, 24] {
                pick(ui, palette, &scene.text(&format!("wizard-create-words-{n}")), &mut state.create.words, n);
            }
        });
        muted(ui, palette, &scene.text("wizard-create-words-tip"));
    });
    let fields = &mut state.create;
    let (locked, typed) = lock(ui, scene, &mut fields.lock, &mut fields.shown);
    Go::new(scene.text("wizard-create-go"), named && locked).entered(entered || typed)
}

pub(super) fn press(fields: &Fields) -> WizardIntent {
    WizardIntent::Make {
        name: fields.name.trim().to_owned(),
        words: fields.words,
        passphrase: fields.lock.passphrase(),
    }
}

impl Lock {
    /// The passphrase, if one keeps the key.
    pub(super) fn passphrase(&self) -> Option<view_model::Secret> {
        // Empty fields of a passphrase that was not chosen are no passphrase.
        (self.keeper != Some(Keeper::Keychain)).then(|| self.first.secret_if_any()).flatten()
    }
}

/// The name of a wallet, and whether it will do.
pub(super) fn name_field(
    ui: &mut Ui,
    scene: &Scene<'_>,
    key: &str,
    name: &mut String,
) -> (crate::screens::forms::Field, bool) {
    let texts = (scene.text(key), scene.text("wizard-create-name-hint"));
    let field = text_field(ui, scene.palette, (&texts.0, &texts.1), name, MAX_NAME);
    let wanted = name.trim();
    let plain = wanted.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let taken = scene.app().wallet.wallets.iter().any(|wallet| wallet.name == wanted);
    if !plain {
        let text = scene.with("wizard-create-name-bad", &[("most", MAX_NAME.to_string().into())]);
        tone_line(ui, scene.palette, Tone::Problem, &text);
    } else if taken {
        tone_line(ui, scene.palette, Tone::Problem, &scene.text("wizard-create-name-taken"));
    }
    (field, plain && !taken && !wanted.is_empty())
}

/// How the key is kept: whether that is settled, and whether Enter was pressed.
pub(super) fn lock(ui: &mut Ui, scene: &mut Scene<'_>, lock: &mut Lock, shown: &mut bool) -> (bool, bool) {
    let palette = scene.palette;
    let usable = !matches!(scene.app().wallet.keychain, KeychainState::Unusable(_));
    let mut keeper = match (lock.keeper, usable) {
        (_, false) => Keeper::Passphrase,
        (Some(keeper), true) => keeper,
        (None, true) => Keeper::Keychain,
    };
    card(ui, palette, "", |ui| {
        caption(ui, palette, &scene.text("wizard-lock"));
        ui.add_enabled_ui(usable, |ui| {
            pick(ui, palette, &scene.text("wizard-lock-keychain"), &mut keeper, Keeper::Keychain);
        });
        indented(ui, |ui| {
            muted(ui, palette, &scene.text("wizard-lock-keychain-what"));
            keychain(ui, scene);
        });
        ui.add_space(tokens::SPACE_XS);
        pick(ui, palette, &scene.text("wizard-lock-passphrase"), &mut keeper, Keeper::Passphrase);
        let result = indented(ui, |ui| {
            muted(ui, palette, &scene.text("wizard-lock-passphrase-what"));
            if keeper == Keeper::Keychain {
                lock.first.wipe();
                lock.again.wipe();
                return (true, false);
            }
            let names = (scene.text("wizard-passphrase"), scene.text("wizard-passphrase-again"));
            let fields = (&mut lock.first, &mut lock.again);
            new_passphrase(ui, palette, scene.locale, (&names.0, &names.1), fields, shown)
        });
        lock.keeper = Some(keeper);
        result
    })
}

/// What the keychain says, in words.
pub(in crate::screens) fn keychain(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (tone, text) = match &scene.app().wallet.keychain {
        KeychainState::Unknown => (Tone::Waiting, scene.text("wizard-keychain-unknown")),
        KeychainState::Ready => (Tone::Running, scene.text("wizard-keychain-ready")),
        KeychainState::Unusable(problem) => {
            let why = problem_title(problem, scene.locale);
            (Tone::Problem, scene.with("wizard-keychain-unusable", &[("why", why.into())]))
        }
    };
    tone_line(ui, scene.palette, tone, &text);
    if let KeychainState::Unusable(problem) = &scene.app().wallet.keychain {
        muted(ui, scene.palette, &view_model::problem_hint(problem, scene.locale));
    }
    if !matches!(scene.app().wallet.keychain, KeychainState::Ready) {
        let label = scene.text("wizard-keychain-again");
        if Button::new(&label, Kind::Secondary).icon(Icon::Refresh).show(ui, scene.palette).clicked() {
            scene.ask(Intent::Wallet(WalletIntent::ProbeKeychain));
        }
    }
}
