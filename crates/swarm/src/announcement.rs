//! "My payload of this round can be had", with its author's signature, as it travels by gossip.
//!
//! In: an announcement and a signature, or hostile bytes. Out: the same, checked. The genesis hash is in the signed bytes
//! and not on the wire: a replay from another chain has a signature that does not hold here.

use std::fmt;

use types::{Announcement, Hash32, Hotkey, KeyError, Round, SignPayload, Signature};

use crate::binding::field;

/// First byte of the wire form.
const VERSION: u8 = 1;
/// Bytes of the wire form: version, netuid, round, hotkey, root, bytes, codec, sent, signature.
pub const ANNOUNCEMENT_BYTES: usize = 1 + 2 + 8 + 32 + 32 + 8 + 1 + 8 + 64;

/// Why bytes are no announcement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnnouncementError {
    /// Another length than [`ANNOUNCEMENT_BYTES`].
    #[error("an announcement has {ANNOUNCEMENT_BYTES} bytes, got {0}")]
    Length(usize),
    /// Not an announcement of this version.
    #[error("an announcement of version {0}, not {VERSION}")]
    Version(u8),
}

/// An announcement and the hotkey's signature over [`SignPayload::Announcement`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignedAnnouncement {
    /// What is signed.
    pub announcement: Announcement,
    /// The hotkey's sr25519 signature.
    pub signature: Signature,
}

impl SignedAnnouncement {
    /// Checks the signature.
    ///
    /// # Errors
    /// [`KeyError`] if the hotkey did not sign this.
    pub fn verify(&self) -> Result<(), KeyError> {
        let message = SignPayload::Announcement(self.announcement).to_bytes();
        self.announcement.hotkey.verify(&message, &self.signature)
    }

    /// The wire form: `1 ++ netuid u16 ++ round u64 ++ hotkey[32] ++ root[32] ++ bytes u64 ++ codec u8 ++ sent u64 ++
    /// signature[64]`, integers little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let announcement = &self.announcement;
        let mut out = Vec::with_capacity(ANNOUNCEMENT_BYTES);
        out.push(VERSION);
        out.extend_from_slice(&announcement.netuid.to_le_bytes());
        out.extend_from_slice(&announcement.round.0.to_le_bytes());
        out.extend_from_slice(&announcement.hotkey.0);
        out.extend_from_slice(&announcement.root.0);
        out.extend_from_slice(&announcement.bytes.to_le_bytes());
        out.push(announcement.codec);
        out.extend_from_slice(&announcement.sent_ms.to_le_bytes());
        out.extend_from_slice(&self.signature.0);
        out
    }

    /// Reads the wire form as said on the chain of `genesis`; verifies nothing.
    ///
    /// # Errors
    /// [`AnnouncementError`].
    pub fn from_bytes(bytes: &[u8], genesis: Hash32) -> Result<Self, AnnouncementError> {
        let whole: &[u8; ANNOUNCEMENT_BYTES] = bytes.try_into().map_err(|_| AnnouncementError::Length(bytes.len()))?;
        if whole[0] != VERSION {
            return Err(AnnouncementError::Version(whole[0]));
        }
        let mut at = 1;
        let announcement = Announcement {
            genesis,
            netuid: u16::from_le_bytes(field(whole, &mut at)),
            round: Round(u64::from_le_bytes(field(whole, &mut at))),
            hotkey: Hotkey(field(whole, &mut at)),
            root: Hash32(field(whole, &mut at)),
            bytes: u64::from_le_bytes(field(whole, &mut at)),
            codec: u8::from_le_bytes(field(whole, &mut at)),
            sent_ms: u64::from_le_bytes(field(whole, &mut at)),
        };
        Ok(Self { announcement, signature: Signature(field(whole, &mut at)) })
    }
}

impl fmt::Debug for SignedAnnouncement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.announcement.fmt(f)
    }
}

#[cfg(test)]
mod tests;
