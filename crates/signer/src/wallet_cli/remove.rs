//! `wallet remove`: a wallet leaves this machine, after the person said its name and knows what is lost.
//!
//! In: the wallet's public facts. Out: no file and no keychain item any more. Without a proven backup it refuses.

use keychain::Keychain;
use serde_json::json;
use wallet::Vault;

use super::console::Console;
use super::place::Place;
use super::{RemoveArgs, Report, refuse};
use crate::keep;

pub(super) fn run(
    args: &RemoveArgs,
    place: &Place,
    console: &mut dyn Console,
    keychain: &dyn Keychain,
) -> anyhow::Result<Report> {
    let info = Vault::read(&place.file)?.info().clone();
    if !info.backed_up && !args.even_without_backup {
        return Err(refuse(
            "no_backup",
            format!("The recovery words of `{}` were never asked back", info.name),
            "Export them first with `covey-peer wallet export`. If the wallet is truly worth nothing, say \
             --even-without-backup.",
        ));
    }
    console.tell(&format!(
        "This removes wallet `{}` ({}) from this machine. Only its recovery words or its capsule bring it back; what it \
         earned stays with its coldkey.",
        info.name, info.hotkey
    ))?;
    let typed = match &args.confirm {
        Some(name) => name.clone(),
        None => console.ask("Type the wallet's name to remove it:")?,
    };
    if let Some(error) = keep::remove_wallet(&place.file, &typed, args.even_without_backup, keychain)? {
        console.tell(&format!("Its item stays in the keychain and opens nothing any more: {error}."))?;
    }
    let text = format!("Wallet `{}` is no longer on this machine.\n", info.name);
    Ok(Report { json: json!({ "removed": info.name, "hotkey": info.hotkey }), text })
}
