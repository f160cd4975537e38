//! `wallet remove`: a wallet leaves this machine, after the person said its name and knows what is lost.
//!
//! In: the wallet's public facts. Out: no file and no keychain item any more. Without a proven backup it refuses.

use anyhow::Context as _;
use keychain::{KeyId, Keychain, KeychainError};
use serde_json::json;
use wallet::{LockKind, Vault};

use super::console::Console;
use super::place::Place;
use super::{RemoveArgs, Report, refuse};

pub(super) fn run(
    args: &RemoveArgs,
    place: &Place,
    console: &mut dyn Console,
    keychain: &dyn Keychain,
) -> anyhow::Result<Report> {
    let vault = Vault::read(&place.file)?;
    let (info, kind) = (vault.info().clone(), vault.lock_kind().clone());
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
    if typed != info.name {
        return Err(refuse("not_confirmed", "The wallet was not removed", "What was typed is not its name."));
    }
    // The file first: a key without a file is harmless, a file without its key would be a lost wallet.
    std::fs::remove_file(&place.file).with_context(|| format!("{} cannot be removed", place.file.display()))?;
    if let LockKind::Keychain { id } = kind {
        match KeyId::new(&id).and_then(|id| keychain.delete(&id)) {
            Ok(()) | Err(KeychainError::Lost { .. }) => {}
            Err(error) => {
                console.tell(&format!("Its item stays in the keychain and opens nothing any more: {error}."))?;
            }
        }
    }
    let text = format!("Wallet `{}` is no longer on this machine.\n", info.name);
    Ok(Report { json: json!({ "removed": info.name, "hotkey": info.hotkey }), text })
}
