//! Wallets: addresses, backup, lock, and what may be done with them.
//!
//! In: what the app says of the wallets; it never says a secret. Out: presses. Each operation opens a panel below its
//! wallet with only the fields it needs; they are wiped when it is pressed, left, or the screen changes.

mod panel;

use super::forms::address;
use super::wizard::keychain;
use crate::design_tokens as tokens;
use crate::qr::qr;
use crate::scene::Scene;
use crate::widgets::{
    Button, Icon, Kind, caption, card, card_row, chip, empty, heading, muted, notice, term, tone_line,
};
use egui::Ui;
use panel::Panel;
use view_model::{Intent, Tone, WalletIntent, WalletRow, WalletView, WizardIntent, problem_hint, problem_title};

/// Side of the code of an address.
const CODE: f32 = 148.0;

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {
    open: Option<(String, Panel)>,
    fields: panel::Fields,
    /// Wallet and address whose code is shown.
    code: Option<(String, String)>,
}

impl State {
    /// The window lost the keyboard: what is shown of secrets is hidden.
    pub(crate) fn on_blur(&mut self) {
        self.fields.shown = false;
    }

    /// Another screen is shown: what was typed is wiped.
    pub(crate) fn leave(&mut self) {
        if self.open.is_some() || self.code.is_some() {
            *self = Self::default();
        }
    }

    fn close(&mut self) {
        self.open = None;
        self.fields = panel::Fields::default();
    }

    fn toggle(&mut self, name: &str, panel: Panel) {
        let again = self.open.as_ref().is_some_and(|(open, which)| open == name && *which == panel);
        self.close();
        if !again {
            self.open = Some((name.to_owned(), panel));
        }
    }
}

/// Draws it.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    let palette = scene.palette;
    let view = &scene.app().wallet;
    // A wallet that is gone takes its panel with it.
    if state.open.as_ref().is_some_and(|(name, _)| !view.wallets.iter().any(|wallet| wallet.name == *name)) {
        state.close();
    }
    heading(ui, palette, &scene.text("wallet-title"));
    tone_line(ui, palette, Tone::Problem, &scene.text("wizard-nobody"));
    status(ui, scene, view);
    ui.add_enabled_ui(view.busy.is_none(), |ui| {
        if view.wallets.is_empty() {
            no_wallet(ui, scene);
        }
        for (n, wallet) in view.wallets.iter().enumerate() {
            ui.push_id(&wallet.name, |ui| wallet_card(ui, scene, state, wallet, n == 0));
        }
        if !view.wallets.is_empty() {
            let label = scene.text("wallet-add");
            if Button::new(&label, Kind::Secondary).icon(Icon::Plus).show(ui, palette).clicked() {
                scene.ask(Intent::Wizard(WizardIntent::OpenWallet));
            }
        }
    });
    card_row(ui, "wallet-below", &[1.0, 1.0], |ui, i| match i {
        0 => abilities(ui, scene),
        _ => keychain_card(ui, scene, view),
    });
}

fn status(ui: &mut Ui, scene: &Scene<'_>, view: &WalletView) {
    if let Some(busy) = &view.busy {
        tone_line(ui, scene.palette, Tone::Waiting, &busy.say(scene.locale));
    }
    if let Some(problem) = &view.problem {
        let (title, hint) = (problem_title(problem, scene.locale), problem_hint(problem, scene.locale));
        notice(ui, scene.palette, (Tone::Problem, &title, &hint), |ui| {
            caption(ui, scene.palette, &problem.code);
        });
    }
}

fn no_wallet(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = scene.palette;
    let (title, hint) = (scene.text("wallet-empty"), scene.text("wallet-empty-what"));
    let label = scene.text("wallet-set-up");
    let pressed = card(ui, palette, "", |ui| {
        empty(ui, palette, (Icon::Wallet, &title, &hint), |ui| {
            Button::new(&label, Kind::Primary).icon(Icon::Plus).show(ui, palette).clicked()
        })
    });
    if pressed {
        scene.ask(Intent::Wizard(WizardIntent::OpenWallet));
    }
}

fn wallet_card(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State, wallet: &WalletRow, in_use: bool) {
    let palette = scene.palette;
    card(ui, palette, "", |ui| {
        head(ui, scene, wallet, in_use);
        if !wallet.backed_up && wallet.has_words {
            let (title, hint) = (scene.text("wallet-not-backed-up"), scene.text("wallet-not-backed-up-tip"));
            let label = scene.text("wallet-back-up");
            let pressed = notice(ui, palette, (Tone::Problem, &title, &hint), |ui| {
                Button::new(&label, Kind::Primary).icon(Icon::Shield).show(ui, palette).clicked()
            });
            if pressed {
                back_up(scene, state, wallet);
            }
        }
        addresses(ui, scene, state, wallet);
        actions(ui, scene, state, wallet);
        let open = state.open.as_ref().filter(|(name, _)| *name == wallet.name).map(|(_, panel)| *panel);
        if let Some(panel) = open
            && panel::show(ui, scene, &mut state.fields, wallet, panel)
        {
            state.close();
        }
    });
}

fn head(ui: &mut Ui, scene: &Scene<'_>, wallet: &WalletRow, in_use: bool) {
    let palette = scene.palette;
    ui.horizontal_wrapped(|ui| {
        ui.add(egui::Label::new(egui::RichText::new(&wallet.name).size(tokens::BODY + 3.0).color(palette.text)));
        let mark = |ui: &mut Ui, tone, key: &str| {
            let response = chip(ui, palette, tone, &scene.text(key));
            let tip = format!("{key}-tip");
            if scene.locale.has(&tip) {
                response.on_hover_text(scene.text(&tip));
            }
        };
        if in_use {
            mark(ui, Tone::Running, "wallet-in-use");
        }
        if wallet.hotkey.is_empty() {
            return mark(ui, Tone::Neutral, "wallet-watch-only");
        }
        match (wallet.has_words, wallet.backed_up) {
            (false, _) => mark(ui, Tone::Neutral, "wallet-no-words"),
            (true, true) => mark(ui, Tone::Running, "wallet-backed-up"),
            // The notice below says it, with its button.
            (true, false) => {}
        }
        match wallet.unlocked {
            true => mark(ui, Tone::Running, "wallet-unlocked"),
            false => mark(ui, Tone::Paused, "wallet-locked"),
        }
        mark(ui, Tone::Neutral, if wallet.keychain { "wallet-by-keychain" } else { "wallet-by-passphrase" });
    });
}

fn addresses(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State, wallet: &WalletRow) {
    let palette = scene.palette;
    let code_of = [("wallet-hotkey", Some(wallet.hotkey.as_str())), ("wallet-payout", wallet.payout.as_deref())];
    for (key, value) in code_of {
        let value = value.filter(|value| !value.is_empty());
        if key == "wallet-hotkey" && value.is_none() {
            continue;
        }
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = tokens::SPACE_XS;
            term(ui, palette, &scene.text(key), &scene.text(&format!("{key}-tip")));
            match value {
                Some(value) => one_address(ui, scene, state, &wallet.name, key, value),
                None => drop(muted(ui, palette, &scene.text("wallet-payout-none"))),
            }
        });
    }
}

fn one_address(ui: &mut Ui, scene: &Scene<'_>, state: &mut State, name: &str, key: &str, value: &str) {
    let what = match key {
        "wallet-hotkey" => scene.with("wallet-qr-of-hotkey", &[("name", name.into())]),
        _ => scene.text("wallet-qr-of-payout"),
    };
    let this = (name.to_owned(), key.to_owned());
    let shown = state.code.as_ref() == Some(&this);
    if address(ui, scene.palette, scene.locale, (&what, value), shown).clicked() {
        state.code = (!shown).then_some(this);
    }
    let code = scene.with("setup-qr-of", &[("what", what.as_str().into())]);
    if shown {
        qr(ui, value, CODE, &code);
    }
}

fn actions(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State, wallet: &WalletRow) {
    let palette = scene.palette;
    let own = !wallet.hotkey.is_empty();
    let mut pressed = None;
    ui.horizontal_wrapped(|ui| {
        let mut button = |key: &str, icon, kind, panel| {
            let label = scene.text(key);
            if Button::new(&label, kind).icon(icon).show(ui, palette).clicked() {
                pressed = Some(panel);
            }
        };
        if own && !wallet.unlocked {
            button("wallet-unlock", Icon::Lock, Kind::Primary, Panel::Unlock);
        }
        if own && wallet.unlocked {
            button("wallet-lock", Icon::Lock, Kind::Secondary, Panel::Lock);
        }
        let payout = if wallet.payout.is_some() { "wallet-payout-change" } else { "wallet-payout-set" };
        button(payout, Icon::Earnings, Kind::Secondary, Panel::Payout);
        if own {
            button("wallet-export", Icon::Folder, Kind::Quiet, Panel::Export);
            button("wallet-migrate", Icon::Computer, Kind::Quiet, Panel::Migrate);
        }
        button("wallet-remove", Icon::Trash, Kind::Quiet, Panel::Remove);
    });
    let name = wallet.name.clone();
    match pressed {
        None => {}
        Some(Panel::Lock) => scene.ask(Intent::Wallet(WalletIntent::Lock { name })),
        // The keychain needs no passphrase: nothing is left to ask.
        Some(Panel::Unlock) if wallet.keychain => {
            scene.ask(Intent::Wallet(WalletIntent::Unlock { name, passphrase: None }));
        }
        Some(panel) => state.toggle(&name, panel),
    }
}

fn back_up(scene: &mut Scene<'_>, state: &mut State, wallet: &WalletRow) {
    if wallet.keychain {
        let name = wallet.name.clone();
        scene.ask(Intent::Wallet(WalletIntent::BackUp { name, passphrase: None }));
    } else {
        state.toggle(&wallet.name, Panel::BackUp);
    }
}

fn abilities(ui: &mut Ui, scene: &Scene<'_>) {
    let palette = scene.palette;
    card(ui, palette, &scene.text("wallet-can"), |ui| {
        for key in ["wallet-can-sign", "wallet-can-see"] {
            tone_line(ui, palette, Tone::Running, &scene.text(key));
        }
        ui.add_space(tokens::SPACE_XS);
        caption(ui, palette, &scene.text("wallet-cannot"));
        for key in ["wallet-cannot-spend", "wallet-cannot-send", "wallet-cannot-trainer"] {
            tone_line(ui, palette, Tone::Neutral, &scene.text(key));
        }
    });
}

fn keychain_card(ui: &mut Ui, scene: &mut Scene<'_>, view: &WalletView) {
    let palette = scene.palette;
    card(ui, palette, "", |ui| {
        term(ui, palette, &scene.text("wallet-keychain"), &scene.text("wallet-keychain-tip"));
        keychain(ui, scene);
        if !view.folder.is_empty() {
            caption(ui, palette, &scene.with("wallet-folder", &[("folder", view.folder.as_str().into())]));
        }
    });
}
