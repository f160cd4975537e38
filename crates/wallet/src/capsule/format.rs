//! The capsule file's header. Frozen bytes: a change is a new version.
//!
//! ```text
//! CVCAPS | version 1 | argon2id memory KiB, passes, lanes: 3 × u32 | salt 16 | nonce 24 | made at, ms u64 |
//! public part: u32 length, JSON | sealed length u32 || sealed contents ‖ tag
//! ```
//! Integers are little-endian. All before `||` is the cipher's associated data.

use super::{CapsuleError, CapsuleInfo, MAX_OVERHEAD, MAX_PARTS_BYTES, Work};
use crate::WalletInfo;
use crate::bytes::Reader;
use crate::info::MAX_INFO_BYTES;
use crate::sealed::Kdf;

const MAGIC: &[u8; 6] = b"CVCAPS";
const VERSION: u8 = 1;

/// All that is readable without the passphrase.
pub(super) struct Header {
    pub(super) work: Work,
    pub(super) info: CapsuleInfo,
}

impl Header {
    pub(super) fn to_bytes(&self, sealed_bytes: usize) -> Result<Vec<u8>, CapsuleError> {
        let info = self.info.wallet.to_json()?;
        let mut out = Vec::with_capacity(128 + info.len() + sealed_bytes);
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&self.work.kdf.to_bytes());
        out.extend_from_slice(&self.work.salt);
        out.extend_from_slice(&self.work.nonce);
        out.extend_from_slice(&self.info.made_at_ms.to_le_bytes());
        out.extend_from_slice(&(info.len() as u32).to_le_bytes());
        out.extend_from_slice(&info);
        out.extend_from_slice(&(sealed_bytes as u32).to_le_bytes());
        Ok(out)
    }

    /// Reads a whole file's header and says how long it is; the file must end where the header says.
    pub(super) fn parse(file: &[u8]) -> Result<(Self, usize), CapsuleError> {
        if file.len() > MAX_PARTS_BYTES + MAX_OVERHEAD {
            return Err(CapsuleError::Format("it is too long"));
        }
        let mut reader = Reader::new(file);
        if reader.take(MAGIC.len()) != Some(MAGIC) {
            return Err(CapsuleError::Format("it does not begin like one"));
        }
        let cut = || CapsuleError::Format("it ends too early");
        match reader.u8().ok_or_else(cut)? {
            VERSION => {}
            other => return Err(CapsuleError::Version(other)),
        }
        let kdf = Kdf::read(&mut reader).ok_or_else(cut)?;
        let salt = reader.array().ok_or_else(cut)?;
        let nonce = reader.array().ok_or_else(cut)?;
        let made_at_ms = u64::from_le_bytes(reader.array().ok_or_else(cut)?);
        let info_bytes = reader.u32().ok_or_else(cut)? as usize;
        if info_bytes > MAX_INFO_BYTES {
            return Err(CapsuleError::Format("its public part is too long"));
        }
        let wallet = WalletInfo::from_json(reader.take(info_bytes).ok_or_else(cut)?)?;
        let sealed_bytes = reader.u32().ok_or_else(cut)? as usize;
        if reader.len() != sealed_bytes {
            return Err(CapsuleError::Format("it was cut, or something was added"));
        }
        kdf.check()?;
        let header = Self { work: Work { kdf, salt, nonce }, info: CapsuleInfo { wallet, made_at_ms } };
        Ok((header, file.len() - sealed_bytes))
    }
}
