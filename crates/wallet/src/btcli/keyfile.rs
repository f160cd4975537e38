//! One key file of btcli: plain, or encrypted in one of the ways that btcli had over the years.
//!
//! In: hostile bytes of at most 64 KiB and perhaps a passphrase. Out: a secret. The oldest kind, Fernet, is refused with
//! advice. Opening or making an encrypted file costs 512 MiB and seconds, btcli's own choice: not for an async thread.

use std::io;
use std::path::{Path, PathBuf};

use argon2::Algorithm;
use crypto_secretbox::aead::AeadInPlace;
use crypto_secretbox::{KeyInit, XSalsa20Poly1305};
use types::{Hotkey, KeyError};
use zeroize::Zeroizing;

use super::json;
use crate::sealed::{self, Kdf, SealError};
use crate::{Passphrase, WalletSecret, private_file};

/// Longest key file; an encrypted one of the older kind has about 4 KB.
const MAX_FILE_BYTES: usize = 64 * 1024;
const NACL: &[u8] = b"$NACL";
const ANSIBLE: &[u8] = b"$ANSIBLE_VAULT;1.1;AES256";
const FERNET: &[u8] = b"gAAAAA";
const NACL_NONCE: usize = 24;
const NACL_TAG: usize = 16;
/// btcli's fixed salt and libsodium's "sensitive" work (btwallet, `keyfile.rs`).
const NACL_SALT: &[u8; 16] = b"\x13q\x83\xdf\xf1Z\t\xbc\x9c\x90\xb5Q\x879\xe9\xb1";
const NACL_WORK: Kdf = Kdf { memory_kib: 512 * 1024, passes: 8, lanes: 1 };

/// Why a key file of btcli was not read or made. Nothing of its contents is repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyfileError {
    /// The system refused.
    #[error("key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is something already; a key is never overwritten.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// What stands there.
        path: PathBuf,
    },
    /// Not a key file.
    #[error("this is no key file of btcli: {0}")]
    Format(&'static str),
    /// The oldest kind of encryption.
    #[error(
        "this key file has btcli's oldest encryption (Fernet), which no program still opens reliably; run `btcli wallet \
         update` with the btcli that made it, or import the recovery words"
    )]
    Fernet,
    /// It is encrypted and no passphrase was given.
    #[error("this key file is encrypted: its passphrase is needed")]
    NeedsPassphrase,
    /// It is not encrypted, and should be.
    #[error("{} is not encrypted; a coldkey is kept on this PC only encrypted", path.display())]
    Plain {
        /// The file.
        path: PathBuf,
    },
    /// Only an address, no secret.
    #[error("this file holds only the address {0}, no secret")]
    PublicOnly(Hotkey),
    /// ed25519 or ecdsa.
    #[error("this key is of kind {0}; only sr25519 (kind 1) signs on Bittensor")]
    CryptoType(u64),
    /// The address in it does not read.
    #[error("the file's address does not read: {0}")]
    Address(KeyError),
    /// Secret and address do not belong together.
    #[error("the file says {expected}, but its key is {found}")]
    OtherKey {
        /// The address stated.
        expected: Hotkey,
        /// The one found.
        found: Hotkey,
    },
    /// What a coldkey on this PC does not sign.
    #[error("the coldkey signs registrations and nothing else: not a {operation}: {reason}")]
    NotForColdkey {
        /// What it was asked to sign.
        operation: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// It does not open, or the machine cannot.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// How a key file is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyfileKind {
    /// Not at all; btcli's default for hotkeys.
    Plain,
    /// `$NACL`: argon2i and XSalsa20-Poly1305, btcli's present way.
    Nacl,
    /// `$ANSIBLE_VAULT;1.1;AES256`, its earlier way.
    Ansible,
}

/// The bytes of a key file, of a known kind and bounded. They may be a plain secret: wiped, and never shown.
pub struct KeyfileBytes {
    kind: KeyfileKind,
    bytes: Zeroizing<Vec<u8>>,
}

impl KeyfileBytes {
    /// Takes the bytes of a key file; touches no file and decrypts nothing.
    ///
    /// # Errors
    /// [`KeyfileError::Fernet`], or [`KeyfileError::Format`] for what is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyfileError> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(KeyfileError::Format("it is too long"));
        }
        let kind = if bytes.starts_with(NACL) {
            if bytes.len() < NACL.len() + NACL_NONCE + NACL_TAG {
                return Err(KeyfileError::Format("it ends too early"));
            }
            KeyfileKind::Nacl
        } else if bytes.starts_with(ANSIBLE) {
            KeyfileKind::Ansible
        } else if bytes.starts_with(FERNET) {
            return Err(KeyfileError::Fernet);
        } else if bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{') {
            KeyfileKind::Plain
        } else {
            return Err(KeyfileError::Format("it begins like none"));
        };
        Ok(Self { kind, bytes: Zeroizing::new(bytes.to_vec()) })
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// As [`Self::parse`], and [`KeyfileError::Io`].
    pub fn read(path: &Path) -> Result<Self, KeyfileError> {
        let bytes = private_file::read(path, MAX_FILE_BYTES as u64).map_err(|source| match source.kind() {
            io::ErrorKind::FileTooLarge => KeyfileError::Format("it is too long"),
            _ => KeyfileError::Io { path: path.to_owned(), source },
        })?;
        Self::parse(&bytes)
    }

    /// How it is encrypted.
    pub fn kind(&self) -> KeyfileKind {
        self.kind
    }

    /// The secret in it, checked against the address that the file states.
    ///
    /// # Errors
    /// [`KeyfileError::NeedsPassphrase`], [`SealError::Refused`] for a wrong one or a changed file.
    pub fn open(&self, passphrase: Option<&Passphrase>) -> Result<WalletSecret, KeyfileError> {
        match (self.kind, passphrase) {
            (KeyfileKind::Plain, _) => json::secret(&self.bytes),
            (_, None) => Err(KeyfileError::NeedsPassphrase),
            (KeyfileKind::Nacl, Some(passphrase)) => json::secret(&open_nacl(&self.bytes, &*nacl_key(passphrase)?)?),
            (KeyfileKind::Ansible, Some(passphrase)) => {
                let plain = ansible_vault::decrypt_vault(self.bytes.as_slice(), passphrase.as_str())
                    .map_err(|_| SealError::Refused)?;
                json::secret(&Zeroizing::new(plain))
            }
        }
    }

    /// The address of a plain or public key file.
    ///
    /// # Errors
    /// [`KeyfileError::NeedsPassphrase`] if it is encrypted.
    pub fn address(&self) -> Result<Hotkey, KeyfileError> {
        match self.kind {
            KeyfileKind::Plain => json::public(&self.bytes),
            KeyfileKind::Nacl | KeyfileKind::Ansible => Err(KeyfileError::NeedsPassphrase),
        }
    }

    /// A key file for `secret`, encrypted if there is a passphrase.
    pub(super) fn write(secret: &WalletSecret, passphrase: Option<&Passphrase>) -> Result<Self, KeyfileError> {
        let plain = json::write(secret);
        match passphrase {
            None => Ok(Self { kind: KeyfileKind::Plain, bytes: plain }),
            Some(passphrase) => {
                let bytes = seal_nacl(plain, &*nacl_key(passphrase)?, sealed::random()?)?;
                Ok(Self { kind: KeyfileKind::Nacl, bytes })
            }
        }
    }

    /// Makes the file; it never overwrites one.
    pub(super) fn save(&self, path: &Path) -> Result<(), KeyfileError> {
        save(path, &self.bytes)
    }
}

pub(super) fn save(path: &Path, bytes: &[u8]) -> Result<(), KeyfileError> {
    private_file::create(path, bytes).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyfileError::Exists { path: path.to_owned() },
        _ => KeyfileError::Io { path: path.to_owned(), source },
    })
}

fn nacl_key(passphrase: &Passphrase) -> Result<Zeroizing<[u8; 32]>, SealError> {
    NACL_WORK.derive_by(Algorithm::Argon2i, passphrase, NACL_SALT)
}

/// `$NACL`, nonce, tag and ciphertext; `file` is at least as long as nonce and tag ask.
fn open_nacl(file: &[u8], key: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (nonce, sealed) = file[NACL.len()..].split_at(NACL_NONCE);
    let mut plain = Zeroizing::new(sealed.to_vec());
    XSalsa20Poly1305::new(key.into())
        .decrypt_in_place(nonce.into(), b"", &mut *plain)
        .map_err(|_| SealError::Refused)?;
    Ok(plain)
}

fn seal_nacl(
    mut plain: Zeroizing<Vec<u8>>,
    key: &[u8; 32],
    nonce: [u8; NACL_NONCE],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    // Room for the tag, so that the plain bytes do not move.
    let mut sealed = Zeroizing::new(Vec::with_capacity(plain.len() + NACL_TAG));
    sealed.append(&mut plain);
    XSalsa20Poly1305::new(key.into())
        .encrypt_in_place(&nonce.into(), b"", &mut *sealed)
        .map_err(|_| SealError::Refused)?;
    Ok(Zeroizing::new([NACL, &nonce, sealed.as_slice()].concat()))
}

#[cfg(test)]
mod tests;
