//! `wallet export`: a backup of the wallet, as words on the screen or as a folder that btcli opens.
//!
//! In: the wallet, unlocked. Out: words that were asked back, or a new folder. Without a person at a terminal no word is
//! shown.

use keychain::Keychain;
use serde_json::json;
use wallet::{WalletSecret, export_btcli};

use super::console::Console;
use super::place::Place;
use super::{ExportArgs, Report, create, lock, refuse, show};

pub(super) fn run(
    args: &ExportArgs,
    place: &Place,
    console: &mut dyn Console,
    keychain: &dyn Keychain,
) -> anyhow::Result<Report> {
    if args.btcli.is_none() && !console.interactive() {
        return Err(refuse(
            "nobody_to_show_to",
            "Nobody is there to whom the recovery words could be shown",
            "Run it at a terminal, or make a capsule with `covey-peer wallet capsule FILE`.",
        ));
    }
    let mut opened = lock::open(place, args.passphrase_file.as_deref(), console, keychain)?;
    if let Some(wallets) = &args.btcli {
        return for_btcli(args, wallets, place, &opened.secret, opened.vault.info().payout, console);
    }
    let words = opened.secret.words().ok_or_else(|| {
        refuse(
            "no_words",
            "This wallet was not made of recovery words",
            "It came from a seed or a key file. Back it up with `covey-peer wallet capsule FILE`.",
        )
    })?;
    if opened.secret.has_path() {
        console.tell(
            "This wallet is not what the words alone give: keep the derivation path that you typed behind them as well.",
        )?;
    }
    if create::back_up(words, console)? && !opened.vault.info().backed_up {
        let mut info = opened.vault.info().clone();
        info.backed_up = true;
        opened.vault.update_info(opened.held.lock(), &info)?;
    }
    show::report(place)
}

fn for_btcli(
    args: &ExportArgs,
    wallets: &std::path::Path,
    place: &Place,
    secret: &WalletSecret,
    payout: Option<types::Coldkey>,
    console: &mut dyn Console,
) -> anyhow::Result<Report> {
    let passphrase = if args.plain {
        console.tell("The file is not encrypted: whoever reads it can sign as this wallet.")?;
        None
    } else {
        console.tell("btcli encrypts with 512 MiB of memory; this takes a few seconds.")?;
        Some(lock::new_passphrase(args.new_passphrase_file.as_deref(), console)?)
    };
    let folder = export_btcli(wallets, &place.name, &args.hotkey, secret, payout, passphrase.as_ref())?;
    let text = format!("Wallet `{}` is in {} for btcli, as hotkey `{}`.\n", place.name, folder.display(), args.hotkey);
    Ok(Report { json: json!({ "exported": folder, "hotkey": secret.hotkey() }), text })
}
