//! `wallet capsule`: one encrypted file with the wallet and what belongs to it, for another machine.
//!
//! In: the wallet, unlocked, and files that go with it. Out: a new file. It bounds what it reads and overwrites nothing.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use keychain::Keychain;
use serde_json::json;
use wallet::{Capsule, CapsuleInfo, CapsuleParts};

use super::console::Console;
use super::place::Place;
use super::{CapsuleArgs, Report, lock, refuse};
use crate::keep;

pub(super) fn run(
    args: &CapsuleArgs,
    place: &Place,
    console: &mut dyn Console,
    keychain: &dyn Keychain,
) -> anyhow::Result<Report> {
    if args.file.exists() {
        return Err(refuse("capsule_exists", "There is a file of that name already", "It is not overwritten."));
    }
    let mut parts = CapsuleParts::default();
    for (name, file) in &args.include {
        parts.insert(name, keep::read_part(file).with_context(|| format!("{} cannot be included", file.display()))?)?;
    }
    let opened = lock::open(place, args.passphrase_file.as_deref(), console, keychain)?;
    console.tell("The capsule has a passphrase of its own.")?;
    let passphrase = lock::new_passphrase(args.new_passphrase_file.as_deref(), console)?;
    let info = CapsuleInfo { wallet: opened.vault.info().clone(), made_at_ms: super::now_ms() };
    Capsule::seal(&args.file, &info, &opened.secret, &parts, &passphrase)?;
    let names: Vec<&str> = parts.names().collect();
    let mut text = format!("The capsule of wallet `{}` is {}.\n", info.wallet.name, args.file.display());
    if !names.is_empty() {
        text.push_str(&format!("It also carries: {}.\n", names.join(", ")));
    }
    text.push_str("Stop this machine before the other one starts: a wallet that works on two is paid on neither.\n");
    let json = json!({ "capsule": args.file, "hotkey": info.wallet.hotkey, "parts": names });
    Ok(Report { json, text })
}

/// Writes what a capsule carries into a new folder, each part a file for its owner only; all of it or nothing.
pub(super) fn unpack(parts: &CapsuleParts, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        return Err(refuse("folder_exists", "The folder for the capsule's parts is there already", "Name a new one."));
    }
    keep::make_private(folder)?;
    let written = parts.names().try_for_each(|name| {
        let mut file = File::create_new(folder.join(name))?;
        file.write_all(parts.get(name).unwrap_or_default())?;
        file.sync_all()
    });
    if written.is_err() {
        // Ours, and nobody has heard of it.
        let _ = fs::remove_dir_all(folder);
    }
    written.with_context(|| format!("{} cannot be written", folder.display()))
}
