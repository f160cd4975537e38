//! One operation on a wallet: its fields and its button.

use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::screens::forms::{SecretText, new_passphrase, secret_row, text_field};
use crate::screens::wizard::{Address, address_field};
use crate::widgets::{Button, Icon, Kind, muted};
use egui::{Frame, Margin, Stroke, Ui};
use view_model::{Intent, WalletIntent, WalletRow};

/// Longest path.
const MAX_PATH: usize = 4096;
/// Longest name.
const MAX_NAME: usize = 64;

/// What may be done with a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Panel {
    Unlock,
    Lock,
    BackUp,
    Payout,
    Export,
    Migrate,
    Remove,
}

/// What is typed in a panel.
#[derive(Default)]
pub(super) struct Fields {
    vault: SecretText,
    first: SecretText,
    again: SecretText,
    path: String,
    typed: String,
    address: Address,
    pub(super) shown: bool,
}

/// How a panel stands after a frame.
struct Form {
    /// Everything is there.
    complete: bool,
    /// Enter was pressed in a field.
    entered: bool,
    /// The button: label, icon, kind.
    label: String,
    icon: Icon,
    kind: Kind,
}

/// Draws it; `true` when it is done with.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, fields: &mut Fields, wallet: &WalletRow, panel: Panel) -> bool {
    let palette = scene.palette;
    let frame = Frame::new()
        .fill(palette.ground)
        .stroke(Stroke::new(tokens::LINE, palette.border))
        .corner_radius(tokens::RADIUS)
        .inner_margin(Margin::same(tokens::SPACE_L as i8));
    frame
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = tokens::SPACE_S;
            let form = form(ui, scene, fields, wallet, panel);
            let (mut go, mut cancel) = (form.entered && form.complete, false);
            ui.horizontal_wrapped(|ui| {
                let button = Button::new(&form.label, form.kind).icon(form.icon).enabled(form.complete);
                go |= button.show(ui, palette).clicked();
                cancel = Button::new(&scene.text("setup-cancel"), Kind::Quiet).show(ui, palette).clicked();
            });
            if go {
                scene.ask(Intent::Wallet(intent(fields, wallet, panel)));
            }
            go || cancel
        })
        .inner
}

fn form(ui: &mut Ui, scene: &Scene<'_>, fields: &mut Fields, wallet: &WalletRow, panel: Panel) -> Form {
    match panel {
        Panel::Unlock | Panel::Lock => vault_only(ui, scene, fields, wallet, ("wallet-unlock", None)),
        Panel::BackUp => vault_only(ui, scene, fields, wallet, ("wallet-back-up-go", Some("wallet-back-up-what"))),
        Panel::Payout => {
            let (field, complete) = address_field(ui, scene, &mut fields.address);
            form_of(scene, "wallet-payout-save", Icon::Check, (complete, field.entered))
        }
        Panel::Export => {
            let texts = ("wallet-export-what", "wallet-export-folder", "wallet-export-password");
            let state = file(ui, scene, fields, wallet, texts);
            form_of(scene, "wallet-export-go", Icon::Folder, state)
        }
        Panel::Migrate => {
            let texts = ("wallet-migrate-what", "wallet-migrate-file", "wallet-migrate-passphrase");
            let state = file(ui, scene, fields, wallet, texts);
            form_of(scene, "wallet-migrate-go", Icon::File, state)
        }
        Panel::Remove => remove(ui, scene, fields, wallet),
    }
}

fn form_of(scene: &Scene<'_>, key: &str, icon: Icon, (complete, entered): (bool, bool)) -> Form {
    Form { complete, entered, label: scene.text(key), icon, kind: Kind::Primary }
}

/// The passphrase of a wallet that has one: whether it is there, and whether Enter was pressed.
fn vault(ui: &mut Ui, scene: &Scene<'_>, fields: &mut Fields, wallet: &WalletRow) -> (bool, bool) {
    if wallet.keychain {
        return (true, false);
    }
    let name = scene.text("wallet-vault-passphrase");
    let field = secret_row(ui, scene.palette, scene.locale, (&name, 1), &mut fields.vault, &mut fields.shown);
    (!fields.vault.is_empty(), field.entered)
}

fn vault_only(
    ui: &mut Ui,
    scene: &Scene<'_>,
    fields: &mut Fields,
    wallet: &WalletRow,
    (key, what): (&str, Option<&str>),
) -> Form {
    if let Some(what) = what {
        muted(ui, scene.palette, &scene.text(what));
    }
    let state = vault(ui, scene, fields, wallet);
    form_of(scene, key, Icon::Lock, state)
}

/// A path, the wallet's passphrase, and a new one twice.
fn file(
    ui: &mut Ui,
    scene: &Scene<'_>,
    fields: &mut Fields,
    wallet: &WalletRow,
    (what, path, password): (&str, &str, &str),
) -> (bool, bool) {
    let palette = scene.palette;
    muted(ui, palette, &scene.text(what));
    let field = text_field(ui, palette, (&scene.text(path), ""), &mut fields.path, MAX_PATH);
    let (unlocked, typed) = vault(ui, scene, fields, wallet);
    let names = (scene.text(password), scene.text("wizard-passphrase-again"));
    let secrets = (&mut fields.first, &mut fields.again);
    let (same, again) = new_passphrase(ui, palette, scene.locale, (&names.0, &names.1), secrets, &mut fields.shown);
    (unlocked && same && !fields.path.trim().is_empty(), field.entered || typed || again)
}

fn remove(ui: &mut Ui, scene: &Scene<'_>, fields: &mut Fields, wallet: &WalletRow) -> Form {
    muted(ui, scene.palette, &scene.text("wallet-remove-what"));
    let name = scene.with("wallet-remove-type", &[("name", wallet.name.as_str().into())]);
    let field = text_field(ui, scene.palette, (&name, ""), &mut fields.typed, MAX_NAME);
    let label = scene.with("wallet-remove-go", &[("name", wallet.name.as_str().into())]);
    let complete = fields.typed.trim() == wallet.name;
    Form { complete, entered: field.entered, label, icon: Icon::Trash, kind: Kind::Danger }
}

fn intent(fields: &Fields, wallet: &WalletRow, panel: Panel) -> WalletIntent {
    let name = wallet.name.clone();
    let passphrase = fields.vault.secret_if_any();
    let path = fields.path.trim().to_owned();
    match panel {
        Panel::Unlock => WalletIntent::Unlock { name, passphrase },
        Panel::Lock => WalletIntent::Lock { name },
        Panel::BackUp => WalletIntent::BackUp { name, passphrase },
        Panel::Payout => WalletIntent::Payout { name, address: fields.address.trimmed() },
        Panel::Export => WalletIntent::ExportBtcli { name, passphrase, password: fields.first.secret(), folder: path },
        Panel::Migrate => WalletIntent::Migrate { name, passphrase, capsule: fields.first.secret(), path },
        Panel::Remove => WalletIntent::Remove { name, typed: fields.typed.trim().to_owned() },
    }
}
