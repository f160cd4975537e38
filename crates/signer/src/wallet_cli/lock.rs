//! What locks a new wallet, and how it gets onto the disk.
//!
//! In: the person's choice, the keychain. Out: a saved vault that was opened again before anybody relies on it. A keychain
//! that does not work is never passed over in silence.

use std::path::Path;

use anyhow::Context as _;
use keychain::{Keychain, Opened, forget_unless_used, open_vault, store_key};
use wallet::{Lock, Passphrase, Vault, WalletInfo, WalletSecret};

use super::console::Console;
use super::place::Place;
use super::{KeepArgs, LockChoice, refuse};
use crate::secret_file::From;
use crate::{passphrase, source};

/// Shorter ones are guessed, however slow each guess is.
const MIN_CHARS: usize = 8;

/// The lock of a new vault.
pub(super) enum NewLock {
    /// Typed.
    Passphrase(Passphrase),
    /// The keychain, which has passed its probe. It gets the key when the vault is saved.
    Keychain,
}

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
        None => console.ask_secret(&format!("New passphrase (at least {MIN_CHARS} characters):"))?,
    };
    if text.chars().count() < MIN_CHARS {
        return Err(refuse(
            "passphrase_short",
            format!("A passphrase has at least {MIN_CHARS} characters"),
            "Four or five words that do not belong together are easy to keep in mind. Nothing was saved.",
        ));
    }
    if file.is_none() && console.interactive() && *console.ask_secret("The same again:")? != *text {
        return Err(refuse("passphrases_differ", "The two passphrases differ", "Nothing was saved. Start again."));
    }
    passphrase::checked(text).map_err(anyhow::Error::msg)
}

/// Saves a wallet and opens it again as any later program will; if that fails, nothing is left behind.
pub(super) fn save(
    place: &Place,
    info: &WalletInfo,
    secret: &WalletSecret,
    lock: &NewLock,
    keychain: &dyn Keychain,
) -> anyhow::Result<()> {
    place.prepare()?;
    match lock {
        NewLock::Passphrase(passphrase) => {
            let lock = Lock::Passphrase(passphrase);
            Vault::create(&place.file, info, secret, lock)?;
            let read_back = Vault::read(&place.file).and_then(|vault| vault.unlock(lock)).map_err(anyhow::Error::from);
            keep_if_same(place, secret, read_back)
        }
        NewLock::Keychain => {
            let (id, key) = store_key(&place.name, keychain).map_err(|error| error.problem())?;
            let saved = Vault::create(&place.file, info, secret, Lock::WrappingKey { id: id.as_str(), key: &key });
            let result = saved.map_err(anyhow::Error::from).and_then(|_| {
                let mut nobody = || Err("the vault should be locked by the keychain".to_owned());
                let opened = open_vault(&place.file, keychain, &mut nobody);
                keep_if_same(place, secret, opened.map(|opened| opened.secret).map_err(|e| e.problem().into()))
            });
            if result.is_err() {
                forget_unless_used(&place.file, &id, keychain);
            }
            result
        }
    }
}

/// Removes the vault that was just made if it does not open: it never will, and nothing has been paid to it yet.
fn keep_if_same(place: &Place, secret: &WalletSecret, read_back: anyhow::Result<WalletSecret>) -> anyhow::Result<()> {
    let other = || refuse("not_kept", "The wallet did not read back", "Nothing was saved. Check the disk.");
    let same = read_back.and_then(|read| if read.hotkey() == secret.hotkey() { Ok(()) } else { Err(other()) });
    if same.is_err() {
        let _ = std::fs::remove_file(&place.file);
    }
    same
}
