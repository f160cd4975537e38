//! What locks a new wallet, and how it gets onto the disk.
//!
//! In: the person's choice, the keychain. Out: a saved vault that was opened again before anybody relies on it. A keychain
//! that does not work is never passed over in silence.

use std::path::Path;

use anyhow::Context as _;
use keychain::{Keychain, Opened};
use wallet::{Passphrase, WalletInfo, WalletSecret};

use super::console::Console;
use super::place::Place;
use super::{KeepArgs, LockChoice, refuse};
use crate::keep::{self, MIN_PASSPHRASE_CHARS, NewLock};
use crate::secret_file::From;
use crate::{passphrase, source};

/// Opens a wallet that is there, as its file says.
pub(super) fn open(
    place: &Place,
    passphrase_file: Option<&Path>,
    console: &mut dyn Console,
    keychain: &dyn Keychain,
) -> anyhow::Result<Opened> {
    // A script's next line is the answer to another question.
    let tries = if console.interactive() { source::TRIES } else { 1 };
    let mut ask = |info: &WalletInfo| {
        let question = format!("Passphrase of wallet `{}` ({}):", info.name, info.hotkey);
        console.ask_secret(&question).map_err(|error| error.to_string()).and_then(passphrase::checked)
    };
    Ok(source::open_wallet(&place.file, passphrase_file, keychain, tries, &mut ask).map_err(|error| error.problem())?)
}

/// Finds a lock as the person chose; asks for a passphrase if it takes one.
pub(super) fn choose(keep: &KeepArgs, console: &mut dyn Console, keychain: &dyn Keychain) -> anyhow::Result<NewLock> {
    let wants_passphrase = keep.passphrase_file.is_some() && keep.lock == LockChoice::Auto;
    if keep.lock != LockChoice::Passphrase && !wants_passphrase {
        match keychain.probe() {
            Ok(()) => return Ok(NewLock::Keychain),
            Err(error) if keep.lock == LockChoice::Keychain => return Err(error.problem().into()),
            Err(error) => {
                let title = error.problem().title;
                console.tell(&format!("{title}. The wallet gets a passphrase instead."))?;
            }
        }
    }
    new_passphrase(keep.passphrase_file.as_deref(), console).map(NewLock::Passphrase)
}

/// A new passphrase: from a file, or typed twice.
pub(super) fn new_passphrase(file: Option<&Path>, console: &mut dyn Console) -> anyhow::Result<Passphrase> {
    let text = match file {
        Some(file) => crate::secret_file::read(file, From::Person).context("the passphrase's file cannot be used")?,
        None => console.ask_secret(&format!("New passphrase (at least {MIN_PASSPHRASE_CHARS} characters):"))?,
    };
    let passphrase = keep::new_passphrase(text.clone())?;
    if file.is_none() && console.interactive() && *console.ask_secret("The same again:")? != *text {
        return Err(refuse("passphrases_differ", "The two passphrases differ", "Nothing was saved. Start again."));
    }
    Ok(passphrase)
}

/// Saves a wallet and opens it again as any later program will; if that fails, nothing is left behind.
pub(super) fn save(
    place: &Place,
    info: &WalletInfo,
    secret: &WalletSecret,
    lock: &NewLock,
    keychain: &dyn Keychain,
) -> anyhow::Result<()> {
    keep::save_wallet(&place.folder, info, secret, lock, keychain)?;
    Ok(())
}
