//! Who opens a vault: its wrapping key in the keychain, or a passphrase; and the change from one to the other.
//!
//! In: a vault file, a keychain, a passphrase. Out: the opened wallet, or the same wallet locked the other way. At every
//! step one of the two opens the file; a step that fails is undone as far as it went.

use std::path::Path;

use types::Problem;
use wallet::{Lock, LockKind, Passphrase, SealError, Vault, VaultError, WalletSecret, WrappingKey};

use crate::{KeyId, Keychain, KeychainError, new_key};

/// Why a vault was not opened or not locked the other way. The file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The keychain.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// The vault file.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The vault is locked in that way already.
    #[error("the wallet is locked by {0} already")]
    Already(&'static str),
    /// Nobody gave a passphrase.
    #[error("{0}")]
    NoPassphrase(String),
}

impl LockError {
    /// What a person is told.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Keychain(error) => error.problem(),
            Self::Vault(VaultError::Missing { path }) => Problem::new(
                "wallet_missing",
                format!("There is no wallet at {}", path.display()),
                "Name another one, or restore it from its recovery words or its capsule.",
            ),
            Self::Vault(VaultError::Seal(SealError::Refused)) => Problem::new(
                "wallet_not_opened",
                "The passphrase does not open this wallet",
                "Check the keyboard's language and Caps Lock, and try again. If the passphrase is certainly right, the \
                 file was changed: restore it from a backup.",
            ),
            Self::Vault(error) => Problem::new(
                "wallet_unreadable",
                "The wallet's file was not opened",
                format!("{error}. The file is untouched."),
            ),
            Self::Already(_) => {
                Problem::new("wallet_locked_so", "The wallet is locked in that way already", "There is nothing to do.")
            }
            Self::NoPassphrase(why) => {
                Problem::new("no_passphrase", "The wallet is locked by a passphrase, and there is none", why.clone())
            }
        }
    }
}

/// An opened vault.
pub struct Opened {
    /// The file.
    pub vault: Vault,
    /// The secret.
    pub secret: WalletSecret,
    /// What opened it, for a change of its public part.
    pub held: Held,
}

/// What opened a vault.
pub enum Held {
    /// A passphrase.
    Passphrase(Passphrase),
    /// The keychain's key.
    Key {
        /// Its name there.
        id: KeyId,
        /// The key.
        key: WrappingKey,
    },
}

impl Held {
    /// As the vault takes it.
    pub fn lock(&self) -> Lock<'_> {
        match self {
            Self::Passphrase(passphrase) => Lock::Passphrase(passphrase),
            Self::Key { id, key } => Lock::WrappingKey { id: id.as_str(), key },
        }
    }
}

/// Opens a vault as its file says: with the keychain's key, or with the passphrase that `passphrase` asks for.
///
/// # Errors
/// [`LockError`]; [`KeychainError::Lost`] in it if the file names a key that the keychain does not have.
pub fn open_vault(
    path: &Path,
    keychain: &dyn Keychain,
    passphrase: &mut dyn FnMut() -> Result<Passphrase, String>,
) -> Result<Opened, LockError> {
    let vault = Vault::read(path)?;
    let (secret, held) = match vault.lock_kind() {
        LockKind::Passphrase => {
            let passphrase = passphrase().map_err(LockError::NoPassphrase)?;
            (vault.unlock(Lock::Passphrase(&passphrase))?, Held::Passphrase(passphrase))
        }
        LockKind::Keychain { id } => {
            let id = KeyId::new(id)?;
            let key = keychain.get(&id)?;
            (unlock_with(&vault, &id, &key)?, Held::Key { id, key })
        }
    };
    Ok(Opened { vault, secret, held })
}

/// A key that is one but not this vault's is a damaged item, and no wrong passphrase.
fn unlock_with(vault: &Vault, id: &KeyId, key: &WrappingKey) -> Result<WalletSecret, LockError> {
    vault.unlock(Lock::WrappingKey { id: id.as_str(), key }).map_err(|error| match error {
        VaultError::Seal(SealError::Refused) => {
            KeychainError::Corrupt { id: id.to_string(), why: "it does not open this wallet's file" }.into()
        }
        other => other.into(),
    })
}

/// Moves a vault from its passphrase into the keychain's care: probe, store a new key, read it back, re-wrap the file.
/// From then on the passphrase opens it no more.
///
/// # Errors
/// [`LockError`]; then the passphrase opens the vault as before, and the keychain holds nothing new.
pub fn protect(path: &Path, passphrase: &Passphrase, keychain: &dyn Keychain) -> Result<KeyId, LockError> {
    let mut vault = Vault::read(path)?;
    if matches!(vault.lock_kind(), LockKind::Keychain { .. }) {
        return Err(LockError::Already("the keychain"));
    }
    // A wrong passphrase is found before the keychain is touched.
    drop(vault.unlock(Lock::Passphrase(passphrase))?);
    let (id, key) = store_key(&vault.info().name, keychain)?;
    match vault.rewrap(Lock::Passphrase(passphrase), Lock::WrappingKey { id: id.as_str(), key: &key }) {
        Ok(()) => Ok(id),
        Err(error) => {
            forget_unless_used(path, &id, keychain);
            Err(error.into())
        }
    }
}

/// Stores a new wrapping key in a keychain that passes its probe, and reads it back. The vault that it is for comes
/// afterwards: a file never names a key that is not there.
///
/// # Errors
/// [`KeychainError`]; then the keychain holds nothing new.
pub fn store_key(name: &str, keychain: &dyn Keychain) -> Result<(KeyId, WrappingKey), KeychainError> {
    keychain.probe()?;
    let (id, key) = (KeyId::fresh(name)?, new_key()?);
    keychain.set(&id, &key)?;
    match keychain.get(&id) {
        Ok(read) if read.expose() == key.expose() => Ok((id, key)),
        other => {
            // The reason to report is the reading's.
            let _ = keychain.delete(&id);
            Err(other.err().unwrap_or(KeychainError::NotKept))
        }
    }
}

/// Takes a key back that no vault came to use. If the file cannot be read, or names the key in spite of the error, the
/// key stays: an item too many is harmless, a missing one costs the wallet.
pub fn forget_unless_used(path: &Path, id: &KeyId, keychain: &dyn Keychain) {
    let used = match Vault::read(path) {
        Ok(vault) => *vault.lock_kind() == LockKind::Keychain { id: id.to_string() },
        Err(VaultError::Missing { .. }) => false,
        Err(_) => true,
    };
    if !used {
        let _ = keychain.delete(id);
    }
}

/// What [`unprotect`] left behind.
#[derive(Debug)]
pub struct Unprotected {
    /// Why the keychain's item could not be removed. It opens nothing any more.
    pub left_behind: Option<KeychainError>,
}

/// Takes a vault back from the keychain: re-wrap the file with the passphrase, see that it opens, then remove the
/// keychain's item.
///
/// # Errors
/// [`LockError`]; then the keychain's key opens the vault as before.
pub fn unprotect(path: &Path, passphrase: &Passphrase, keychain: &dyn Keychain) -> Result<Unprotected, LockError> {
    let mut vault = Vault::read(path)?;
    let LockKind::Keychain { id } = vault.lock_kind() else {
        return Err(LockError::Already("a passphrase"));
    };
    let id = KeyId::new(id)?;
    let key = keychain.get(&id)?;
    unlock_with(&vault, &id, &key)?;
    vault.rewrap(Lock::WrappingKey { id: id.as_str(), key: &key }, Lock::Passphrase(passphrase))?;
    Vault::read(path)?.unlock(Lock::Passphrase(passphrase))?;
    Ok(Unprotected { left_behind: keychain.delete(&id).err() })
}

#[cfg(test)]
mod tests;
