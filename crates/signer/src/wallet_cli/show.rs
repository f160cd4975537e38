//! `wallet show`: a wallet's public facts, what locks it, and what this machine can and cannot do with it.
//!
//! In: the vault's readable part. Out: sentences or JSON. It opens nothing and shows no secret.

use serde_json::json;
use wallet::{LockKind, Vault, WalletInfo};

use super::place::Place;
use super::{Report, refuse};

pub(super) fn run(place: &Place) -> anyhow::Result<Report> {
    if place.file.exists() {
        return report(place);
    }
    let names = place.names();
    let hint = if names.is_empty() {
        "Make one with `covey-peer wallet create`, or restore one with `covey-peer wallet import`.".to_owned()
    } else {
        format!("There are: {}. Name one with --wallet.", names.join(", "))
    };
    Err(refuse("wallet_missing", format!("There is no wallet `{}` in {}", place.name, place.folder.display()), hint))
}

/// The facts of a wallet that is there.
pub(super) fn report(place: &Place) -> anyhow::Result<Report> {
    let vault = Vault::read(&place.file)?;
    let info = vault.info();
    let others: Vec<String> = place.names().into_iter().filter(|name| *name != place.name).collect();
    let (locked_by, item) = match vault.lock_kind() {
        LockKind::Passphrase => ("passphrase", None),
        LockKind::Keychain { id } => ("keychain", Some(id)),
    };
    let json = json!({
        "wallet": info.name,
        "hotkey": info.hotkey,
        "payout": info.payout,
        "locked_by": locked_by,
        "keychain_item": item,
        "backed_up": info.backed_up,
        "created_at_ms": info.created_at_ms,
        "file": place.file,
        "other_wallets": others,
    });
    let mut text = format!("Wallet `{}`\n", info.name);
    let mut row = |name: &str, value: &str| text.push_str(&format!("  {name:<10}{value}\n"));
    row("address", &format!("{} (hotkey: signs this machine's work)", info.hotkey));
    row("pays to", &payout(info));
    row("locked by", locked(vault.lock_kind()));
    row("backup", backup(info));
    row("file", &place.file.display().to_string());
    if !others.is_empty() {
        row("also here", &others.join(", "));
    }
    text.push_str(
        "This machine can sign work with it, once it is unlocked. It cannot move what was earned, nor change to whom it \
         is paid: that takes the coldkey, which is elsewhere.\n",
    );
    Ok(Report { json, text })
}

fn payout(info: &WalletInfo) -> String {
    match info.payout {
        Some(coldkey) => format!("{coldkey} (coldkey: watched only, its key is not here)"),
        None => "no address yet; work that is not paid out on Bittensor needs none".to_owned(),
    }
}

fn locked(kind: &LockKind) -> &'static str {
    match kind {
        LockKind::Passphrase => "a passphrase, asked for at each start",
        LockKind::Keychain { .. } => {
            "the system's keychain (any program that you run can read it while it is unlocked)"
        }
    }
}

fn backup(info: &WalletInfo) -> &'static str {
    if info.backed_up {
        "yes: it came from a backup, or its words were asked back"
    } else {
        "NO: if this disk fails, the wallet is gone. Do it now: `covey-peer wallet export`"
    }
}
