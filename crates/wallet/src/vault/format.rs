//! The vault file's header. Frozen bytes: a change is a new version.
//!
//! ```text
//! CVVAULT | version 1 | lock kind u8 | argon2id memory KiB, passes, lanes: 3 × u32 | salt 16 | nonce 24 |
//! keychain id: u16 length, text | public part: u32 length, JSON | sealed length u16 || sealed secret ‖ tag
//! ```
//! Integers are little-endian. All before `||` is the cipher's associated data. With a keychain the argon2id fields and
//! the salt are zero; with a passphrase the keychain id is empty.

use super::{LockKind, VaultError};
use crate::WalletInfo;
use crate::bytes::Reader;
use crate::info::MAX_INFO_BYTES;
use crate::sealed::Kdf;

const MAGIC: &[u8; 7] = b"CVVAULT";
const VERSION: u8 = 1;
const LOCK_PASSPHRASE: u8 = 1;
const LOCK_KEYCHAIN: u8 = 2;
/// Longest name under which a keychain keeps the key, in bytes.
const MAX_ID_BYTES: usize = 256;
/// The argon2id fields of a vault that needs none.
pub(super) const NO_WORK: Kdf = Kdf { memory_kib: 0, passes: 0, lanes: 0 };

/// All that is readable without unlocking.
pub(super) struct Header {
    pub(super) lock: LockKind,
    pub(super) kdf: Kdf,
    pub(super) salt: [u8; 16],
    pub(super) nonce: [u8; 24],
    pub(super) info: WalletInfo,
    /// Length of the encrypted secret with its tag; it fills the rest of the file.
    pub(super) sealed_bytes: usize,
}

impl Header {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, VaultError> {
        let (kind, id) = match &self.lock {
            LockKind::Passphrase => (LOCK_PASSPHRASE, ""),
            LockKind::Keychain { id } if is_id(id) => (LOCK_KEYCHAIN, id.as_str()),
            LockKind::Keychain { .. } => return Err(VaultError::Format("the keychain's name for the key is unusable")),
        };
        let info = self.info.to_json()?;
        let mut out = Vec::with_capacity(128 + id.len() + info.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[VERSION, kind]);
        out.extend_from_slice(&self.kdf.to_bytes());
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&(id.len() as u16).to_le_bytes());
        out.extend_from_slice(id.as_bytes());
        out.extend_from_slice(&(info.len() as u32).to_le_bytes());
        out.extend_from_slice(&info);
        out.extend_from_slice(&(self.sealed_bytes as u16).to_le_bytes());
        Ok(out)
    }

    /// Reads a whole file's header; the file must end where the header says.
    pub(super) fn parse(file: &[u8]) -> Result<Self, VaultError> {
        let mut reader = Reader::new(file);
        if reader.take(MAGIC.len()) != Some(MAGIC) {
            return Err(VaultError::Format("it does not begin like one"));
        }
        let cut = || VaultError::Format("it ends too early");
        match reader.u8().ok_or_else(cut)? {
            VERSION => {}
            other => return Err(VaultError::Version(other)),
        }
        let kind = reader.u8().ok_or_else(cut)?;
        let kdf = Kdf::read(&mut reader).ok_or_else(cut)?;
        let salt = reader.array().ok_or_else(cut)?;
        let nonce = reader.array().ok_or_else(cut)?;
        let id_bytes = reader.u16().ok_or_else(cut)?;
        let id = reader.take(usize::from(id_bytes)).ok_or_else(cut)?;
        let info_bytes = reader.u32().ok_or_else(cut)? as usize;
        if info_bytes > MAX_INFO_BYTES {
            return Err(VaultError::Format("its public part is too long"));
        }
        let info = WalletInfo::from_json(reader.take(info_bytes).ok_or_else(cut)?)?;
        let sealed_bytes = usize::from(reader.u16().ok_or_else(cut)?);
        if reader.len() != sealed_bytes {
            return Err(VaultError::Format("it was cut, or something was added"));
        }
        let lock = lock(kind, kdf, salt, id)?;
        Ok(Self { lock, kdf, salt, nonce, info, sealed_bytes })
    }
}

fn lock(kind: u8, kdf: Kdf, salt: [u8; 16], id: &[u8]) -> Result<LockKind, VaultError> {
    match kind {
        LOCK_PASSPHRASE if id.is_empty() => {
            kdf.check()?;
            Ok(LockKind::Passphrase)
        }
        LOCK_KEYCHAIN if kdf == NO_WORK && salt == [0; 16] => match std::str::from_utf8(id) {
            Ok(id) if is_id(id) => Ok(LockKind::Keychain { id: id.to_owned() }),
            _ => Err(VaultError::Format("the keychain's name for the key is unusable")),
        },
        _ => Err(VaultError::Format("its lock makes no sense")),
    }
}

/// Shown to the user and handed to the keychain: printable, and not without end.
fn is_id(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len()) && !id.chars().any(char::is_control)
}
