//! A wallet at rest: one encrypted file, locked by a passphrase or by a key in the OS keychain.
//!
//! In: a secret and its public part. Out: a file whose header anybody may read and whose secret opens with the right lock
//! only. It never overwrites a wallet, bounds all work before it does any, and a file it refuses is left as it is.

use std::io;
use std::path::{Path, PathBuf};

use types::Hotkey;
use zeroize::Zeroizing;

use crate::info::InfoError;
use crate::sealed::{self, Kdf, SealError};
use crate::{Passphrase, WalletInfo, WalletSecret, WrappingKey, private_file};

mod format;

use format::Header;

/// Longest vault file; an honest one has about 400 bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// What locks or unlocks a vault.
#[derive(Clone, Copy)]
pub enum Lock<'a> {
    /// A typed passphrase.
    Passphrase(&'a Passphrase),
    /// A key that a keychain keeps under `id`.
    WrappingKey {
        /// Under which name the keychain keeps it; 1 to 256 bytes.
        id: &'a str,
        /// The key.
        key: &'a WrappingKey,
    },
}

/// What a vault is locked by; readable without unlocking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockKind {
    /// A typed passphrase.
    Passphrase,
    /// A key in the OS keychain.
    Keychain {
        /// Under which name.
        id: String,
    },
}

/// Why a vault was not made, read or unlocked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The system refused.
    #[error("wallet file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no wallet.
    #[error("there is no wallet at {}", path.display())]
    Missing {
        /// Where one was expected.
        path: PathBuf,
    },
    /// There is something already; a wallet is never overwritten.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// What stands there.
        path: PathBuf,
    },
    /// Another process changed the file since it was read.
    #[error("{} was changed by another program; open the wallet again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Not a vault file, or one that was cut.
    #[error("this is no wallet file: {0}")]
    Format(&'static str),
    /// Made by a later program.
    #[error("this wallet file has format {0}; this program knows format 1. Update it")]
    Version(u8),
    /// The public part is not in order.
    #[error(transparent)]
    Info(#[from] InfoError),
    /// The vault has another kind of lock.
    #[error("this wallet is locked by {}", match .0 {
        LockKind::Passphrase => "a passphrase".to_owned(),
        LockKind::Keychain { id } => format!("the keychain's key `{id}`"),
    })]
    OtherLock(LockKind),
    /// Secret and address do not belong together.
    #[error("the secret gives {found}, but the wallet says {expected}")]
    OtherKey {
        /// The address in the public part.
        expected: Hotkey,
        /// The one that the secret gives.
        found: Hotkey,
    },
    /// It does not open, or would ask for too much.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A vault file that was read but is still locked.
pub struct Vault {
    path: PathBuf,
    bytes: Vec<u8>,
    header: Header,
}

/// The key that the secret is encrypted with, and what the header says about it.
struct Wrapping {
    kind: LockKind,
    kdf: Kdf,
    salt: [u8; 16],
    key: Zeroizing<[u8; 32]>,
}

impl Wrapping {
    fn new(lock: Lock<'_>, kdf: Kdf) -> Result<Self, VaultError> {
        Ok(match lock {
            Lock::Passphrase(passphrase) => {
                let salt = sealed::random()?;
                Self { kind: LockKind::Passphrase, kdf, salt, key: kdf.derive(passphrase, &salt)? }
            }
            Lock::WrappingKey { id, key } => Self {
                kind: LockKind::Keychain { id: id.to_owned() },
                kdf: format::NO_WORK,
                salt: [0; 16],
                key: Zeroizing::new(*key.expose()),
            },
        })
    }

    /// The whole file.
    fn seal(&self, info: &WalletInfo, secret: &WalletSecret, nonce: [u8; 24]) -> Result<Vec<u8>, VaultError> {
        check_key(info, secret)?;
        let plain = secret.to_plain();
        let header = Header {
            lock: self.kind.clone(),
            kdf: self.kdf,
            salt: self.salt,
            nonce,
            info: info.clone(),
            sealed_bytes: plain.len() + sealed::TAG_BYTES,
        };
        let mut file = header.to_bytes()?;
        let sealed = sealed::encrypt(&self.key, &nonce, &file, plain)?;
        file.extend_from_slice(&sealed);
        Ok(file)
    }
}

impl Vault {
    /// Makes a vault file for `secret`; the public part must name its address.
    ///
    /// # Errors
    /// [`VaultError::Exists`] if anything stands at `path`. After any error nothing has changed.
    pub fn create(path: &Path, info: &WalletInfo, secret: &WalletSecret, lock: Lock<'_>) -> Result<Self, VaultError> {
        Self::create_with(path, info, secret, lock, Kdf::STANDARD)
    }

    fn create_with(
        path: &Path,
        info: &WalletInfo,
        secret: &WalletSecret,
        lock: Lock<'_>,
        kdf: Kdf,
    ) -> Result<Self, VaultError> {
        let bytes = Wrapping::new(lock, kdf)?.seal(info, secret, sealed::random()?)?;
        // A file that would not read back is not worth having.
        let header = Header::parse(&bytes)?;
        private_file::create(path, &bytes).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => VaultError::Exists { path: path.to_owned() },
            _ => io_error(path, e),
        })?;
        Ok(Self { path: path.to_owned(), bytes, header })
    }

    /// Reads a vault without unlocking it: cheap, and what it says is proven only by [`Self::unlock`].
    ///
    /// # Errors
    /// [`VaultError::Missing`] if there is none.
    pub fn read(path: &Path) -> Result<Self, VaultError> {
        let bytes = read_file(path)?;
        let header = Header::parse(&bytes)?;
        Ok(Self { path: path.to_owned(), bytes, header })
    }

    /// The public part and the lock of a vault file's bytes; touches no file.
    ///
    /// # Errors
    /// As [`Self::read`], less what files can do.
    pub fn parse(bytes: &[u8]) -> Result<(WalletInfo, LockKind), VaultError> {
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(VaultError::Format("too long"));
        }
        Header::parse(bytes).map(|header| (header.info, header.lock))
    }

    /// The public part.
    pub fn info(&self) -> &WalletInfo {
        &self.header.info
    }

    /// What it is locked by.
    pub fn lock_kind(&self) -> &LockKind {
        &self.header.lock
    }

    /// Whether it was made of recovery words, as far as the size of what is sealed tells: a derivation path of just the
    /// length that makes up the difference looks like a seed or an expanded key. Unlocking tells for certain.
    pub fn has_words(&self) -> bool {
        let plain = self.header.sealed_bytes.saturating_sub(sealed::TAG_BYTES);
        plain != crate::secret::SEED_PLAIN && plain != crate::secret::EXPANDED_PLAIN
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Unlocks the secret and checks that it gives the address of the public part. A passphrase takes a fraction of a
    /// second: not for an async thread.
    ///
    /// # Errors
    /// [`SealError::Refused`] for a wrong passphrase or key, or a changed file.
    pub fn unlock(&self, lock: Lock<'_>) -> Result<WalletSecret, VaultError> {
        self.open(&self.unwrap(lock)?)
    }

    /// Locks the same secret in another way.
    ///
    /// # Errors
    /// As [`Self::unlock`], and [`VaultError::Changed`] if the file is no longer what was read. After any error the file
    /// and `self` are as before.
    pub fn rewrap(&mut self, from: Lock<'_>, to: Lock<'_>) -> Result<(), VaultError> {
        self.rewrap_with(from, to, Kdf::STANDARD)
    }

    fn rewrap_with(&mut self, from: Lock<'_>, to: Lock<'_>, kdf: Kdf) -> Result<(), VaultError> {
        let secret = self.unlock(from)?;
        let bytes = Wrapping::new(to, kdf)?.seal(self.info(), &secret, sealed::random()?)?;
        self.put(bytes)
    }

    /// Changes the public part; the address must stay.
    ///
    /// # Errors
    /// As [`Self::rewrap`], and [`VaultError::OtherKey`].
    pub fn update_info(&mut self, lock: Lock<'_>, info: &WalletInfo) -> Result<(), VaultError> {
        let wrapping = self.unwrap(lock)?;
        let secret = self.open(&wrapping)?;
        // The same key with a new nonce: 24 random bytes never repeat.
        let bytes = wrapping.seal(info, &secret, sealed::random()?)?;
        self.put(bytes)
    }

    /// The key that this lock gives for this file.
    fn unwrap(&self, lock: Lock<'_>) -> Result<Wrapping, VaultError> {
        let Header { lock: kind, kdf, salt, .. } = &self.header;
        let key = match (lock, kind) {
            (Lock::Passphrase(passphrase), LockKind::Passphrase) => kdf.derive(passphrase, salt)?,
            (Lock::WrappingKey { id, key }, LockKind::Keychain { id: ours }) if id == ours => {
                Zeroizing::new(*key.expose())
            }
            _ => return Err(VaultError::OtherLock(kind.clone())),
        };
        Ok(Wrapping { kind: kind.clone(), kdf: *kdf, salt: *salt, key })
    }

    fn open(&self, wrapping: &Wrapping) -> Result<WalletSecret, VaultError> {
        let header_bytes = self.bytes.len() - self.header.sealed_bytes;
        let (header, sealed) = self.bytes.split_at(header_bytes);
        let plain = sealed::decrypt(&wrapping.key, &self.header.nonce, header, sealed)?;
        let secret = WalletSecret::from_plain(&plain).ok_or(VaultError::Format("its secret does not read"))?;
        check_key(self.info(), &secret)?;
        Ok(secret)
    }

    /// Replaces the file, unless somebody else did meanwhile.
    fn put(&mut self, bytes: Vec<u8>) -> Result<(), VaultError> {
        let header = Header::parse(&bytes)?;
        if read_file(&self.path)?.as_slice() != self.bytes {
            return Err(VaultError::Changed { path: self.path.clone() });
        }
        private_file::replace(&self.path, &bytes).map_err(|e| io_error(&self.path, e))?;
        (self.bytes, self.header) = (bytes, header);
        Ok(())
    }
}

fn check_key(info: &WalletInfo, secret: &WalletSecret) -> Result<(), VaultError> {
    let (expected, found) = (info.hotkey, secret.hotkey());
    if expected == found { Ok(()) } else { Err(VaultError::OtherKey { expected, found }) }
}

fn read_file(path: &Path) -> Result<Vec<u8>, VaultError> {
    private_file::read(path, MAX_FILE_BYTES).map(|bytes| bytes.to_vec()).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => VaultError::Missing { path: path.to_owned() },
        io::ErrorKind::FileTooLarge => VaultError::Format("too long"),
        _ => io_error(path, e),
    })
}

fn io_error(path: &Path, source: io::Error) -> VaultError {
    VaultError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
