//! Wallet folders of btcli, Bittensor's command line: read one, and write one that it opens.
//!
//! In: a folder `<wallets>/<name>` with `coldkeypub.txt` and `hotkeys/<hotkey>`. Out: the coldkey's address and the
//! hotkeys' secrets. It never looks at a coldkey's secret here, never overwrites, and never follows a name out of the
//! folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use types::{Coldkey, Hotkey};

use crate::info::check_name;
use crate::{InfoError, Passphrase, WalletSecret, private_file};

mod coldkey;
mod json;
mod keyfile;

pub use coldkey::{ColdkeyFile, Price};
pub use keyfile::{KeyfileBytes, KeyfileError, KeyfileKind};

const COLDKEY_PUBLIC: &str = "coldkeypub.txt";
const HOTKEYS: &str = "hotkeys";
/// What btcli appends to a hotkey's name for its public half.
const PUBLIC_SUFFIX: &str = "pub.txt";
/// Entries of a hotkey folder that are looked at.
const MAX_ENTRIES: usize = 1024;

/// Why a wallet folder was not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BtcliError {
    /// The system refused.
    #[error("wallet folder {}: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No such folder, or nothing of a wallet in it.
    #[error("{} is no wallet folder of btcli: it has neither {COLDKEY_PUBLIC} nor a hotkey", path.display())]
    NoWallet {
        /// The folder.
        path: PathBuf,
    },
    /// More hotkeys than anybody has.
    #[error("{} has more than {MAX_ENTRIES} entries", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// The wallet has no such hotkey.
    #[error("the wallet has no hotkey `{0}`")]
    NoHotkey(String),
    /// There is a folder already; a wallet is never overwritten.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A name that is no file name everywhere.
    #[error(transparent)]
    Name(#[from] InfoError),
    /// One of its files.
    #[error(transparent)]
    Keyfile(#[from] KeyfileError),
}

/// A wallet folder: what can be told without a passphrase.
#[derive(Debug, Clone)]
pub struct BtcliWallet {
    path: PathBuf,
    coldkey: Option<Coldkey>,
    hotkeys: Vec<String>,
}

impl BtcliWallet {
    /// Looks into `<wallets>/<name>`.
    ///
    /// # Errors
    /// [`BtcliError::NoWallet`] if there is nothing of a wallet.
    pub fn read(folder: &Path) -> Result<Self, BtcliError> {
        let public = folder.join(COLDKEY_PUBLIC);
        let coldkey = match KeyfileBytes::read(&public) {
            Ok(bytes) => Some(Coldkey(bytes.address()?.0)),
            Err(KeyfileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let hotkeys = hotkey_names(&folder.join(HOTKEYS))?;
        if coldkey.is_none() && hotkeys.is_empty() {
            return Err(BtcliError::NoWallet { path: folder.to_owned() });
        }
        Ok(Self { path: folder.to_owned(), coldkey, hotkeys })
    }

    /// Whose earnings they are, if `coldkeypub.txt` is there.
    pub fn coldkey(&self) -> Option<Coldkey> {
        self.coldkey
    }

    /// The hotkeys' names, sorted.
    pub fn hotkeys(&self) -> &[String] {
        &self.hotkeys
    }

    /// One hotkey's file, still locked.
    ///
    /// # Errors
    /// [`BtcliError::NoHotkey`] for a name that [`Self::hotkeys`] does not have.
    pub fn hotkey(&self, name: &str) -> Result<KeyfileBytes, BtcliError> {
        // A name that was listed cannot lead out of the folder.
        if !self.hotkeys.iter().any(|known| known == name) {
            return Err(BtcliError::NoHotkey(name.chars().take(64).collect()));
        }
        Ok(KeyfileBytes::read(&self.path.join(HOTKEYS).join(name))?)
    }
}

fn hotkey_names(folder: &Path) -> Result<Vec<String>, BtcliError> {
    let io_error = |source: io::Error| BtcliError::Io { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error(error)),
    };
    let mut names = Vec::new();
    for (i, entry) in entries.enumerate() {
        if i == MAX_ENTRIES {
            return Err(BtcliError::TooMany { path: folder.to_owned() });
        }
        let entry = entry.map_err(io_error)?;
        // Names that are no text, and editors' hidden files, are none that btcli made.
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
            && !name.ends_with(PUBLIC_SUFFIX)
            && entry.path().is_file()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Writes `<wallets>/<name>` with one hotkey, its public half and the coldkey's address, for btcli on this or another
/// machine; all of it or nothing. Encrypted if there is a passphrase, else plain as btcli makes hotkeys: say so before.
///
/// # Errors
/// [`BtcliError::Exists`] if the folder is there.
pub fn export_btcli(
    wallets: &Path,
    name: &str,
    hotkey: &str,
    secret: &WalletSecret,
    coldkey: Option<Coldkey>,
    passphrase: Option<&Passphrase>,
) -> Result<PathBuf, BtcliError> {
    check_name(name)?;
    check_name(hotkey)?;
    let folder = wallets.join(name);
    if fs::symlink_metadata(&folder).is_ok() {
        return Err(BtcliError::Exists { path: folder });
    }
    let keyfile = KeyfileBytes::write(secret, passphrase)?;
    let io_error = |source: io::Error| BtcliError::Io { path: folder.clone(), source };
    fs::create_dir_all(wallets).map_err(io_error)?;
    let temporary = private_file::temporary_name(wallets).map_err(io_error)?;
    private_file::create_folder(&temporary).map_err(io_error)?;
    let written = fill(&temporary, hotkey, secret.hotkey(), coldkey, &keyfile)
        .and_then(|()| fs::rename(&temporary, &folder).map_err(io_error));
    if let Err(error) = written {
        // Ours, and nobody has heard of it.
        let _ = fs::remove_dir_all(&temporary);
        return Err(error);
    }
    private_file::sync_folder(wallets);
    Ok(folder)
}

fn fill(
    folder: &Path,
    hotkey: &str,
    address: Hotkey,
    coldkey: Option<Coldkey>,
    keyfile: &KeyfileBytes,
) -> Result<(), BtcliError> {
    let hotkeys = folder.join(HOTKEYS);
    private_file::create_folder(&hotkeys).map_err(|source| BtcliError::Io { path: hotkeys.clone(), source })?;
    keyfile.save(&hotkeys.join(hotkey))?;
    keyfile::save(&hotkeys.join(format!("{hotkey}{PUBLIC_SUFFIX}")), &json::write_public(&address))?;
    if let Some(coldkey) = coldkey {
        keyfile::save(&folder.join(COLDKEY_PUBLIC), &json::write_public(&Hotkey(coldkey.0)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
