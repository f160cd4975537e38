//! The OS keychain as the keeper of a vault's wrapping key.
//!
//! In: a vault file, and 32-byte keys under ids that no two locks share. Out: the key again, or which of the ways in
//! which a keychain fails it was, in words. It never makes a wallet, and never takes "no such item" for "no wallet":
//! the vault file decides that. Calls block, up to a time limit; async code calls from a thread that may.

mod error;
mod id;
mod lock;
mod os;

use wallet::WrappingKey;

pub use error::KeychainError;
pub use id::KeyId;
pub use lock::{Held, LockError, Opened, Unprotected, forget_unless_used, open_vault, protect, store_key, unprotect};
pub use os::OsKeychain;

/// Under which our items stand in the system's keychain.
pub const SERVICE: &str = "org.covey.contributor";

/// Keeps wrapping keys.
pub trait Keychain: Send + Sync {
    /// The key stored under `id`.
    ///
    /// # Errors
    /// [`KeychainError`]; [`KeychainError::Lost`] if the keychain works and has no such item.
    fn get(&self, id: &KeyId) -> Result<WrappingKey, KeychainError>;

    /// Stores `key` under `id`.
    ///
    /// # Errors
    /// [`KeychainError`]; then nothing is stored, or will be.
    fn set(&self, id: &KeyId, key: &WrappingKey) -> Result<(), KeychainError>;

    /// Removes the item `id`.
    ///
    /// # Errors
    /// [`KeychainError`]; [`KeychainError::Lost`] if there is none.
    fn delete(&self, id: &KeyId) -> Result<(), KeychainError>;

    /// Writes a worthless key, reads it back, removes it and looks whether it is gone. Only a keychain that passes this
    /// may hold the key to a wallet: some open and then keep nothing.
    ///
    /// # Errors
    /// The first [`KeychainError`]; [`KeychainError::NotKept`] if something else was read back.
    fn probe(&self) -> Result<(), KeychainError> {
        let id = KeyId::fresh("probe")?;
        let canary = new_key()?;
        self.set(&id, &canary)?;
        let same = self.get(&id).map(|read| read.expose() == canary.expose());
        let deleted = self.delete(&id);
        match same {
            Ok(true) => deleted?,
            Ok(false) | Err(KeychainError::Lost { .. }) => return Err(KeychainError::NotKept),
            Err(error) => return Err(error),
        }
        match self.get(&id) {
            Err(KeychainError::Lost { .. }) => Ok(()),
            Ok(_) => Err(KeychainError::NotKept),
            Err(error) => Err(error),
        }
    }
}

fn new_key() -> Result<WrappingKey, KeychainError> {
    WrappingKey::generate().map_err(|error| KeychainError::Failed { why: error.to_string() })
}
