//! "This hotkey speaks through that network key", with both keys' signatures.
//!
//! In: a binding and two signatures, or hostile bytes. Out: the peer id it proves, or the reason it proves nothing.
//! It reads no clock: its user says what time it is. Whether the hotkey is registered is the book's business.

use std::fmt;

use libp2p::PeerId;
use libp2p::identity::{PublicKey, ed25519};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use types::{Hash32, Hotkey, MAX_BINDING_LIFE_MS, PeerBinding, SignPayload, Signature};

use crate::NodeKey;

/// First byte of the wire form.
const VERSION: u8 = 1;
/// Bytes of the wire form: version, genesis, netuid, hotkey, peer key, seq, expires, two signatures.
pub const BINDING_BYTES: usize = 1 + 32 + 2 + 32 + 32 + 8 + 8 + 64 + 64;

/// Why a binding proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindingError {
    /// Another length than [`BINDING_BYTES`].
    #[error("a binding has {BINDING_BYTES} bytes, got {0}")]
    Length(usize),
    /// Not a binding of this version.
    #[error("a binding of version {0}, not {VERSION}")]
    Version(u8),
    /// Made for another run.
    #[error("the binding is for another chain or subnet")]
    OtherChain,
    /// Its time is over.
    #[error("the binding expired at {expires_ms} ms")]
    Expired {
        /// When, in milliseconds since the Unix epoch.
        expires_ms: u64,
    },
    /// It would hold longer than any honest one.
    #[error("the binding holds until {expires_ms} ms, more than 30 days ahead")]
    TooLong {
        /// Until when, in milliseconds since the Unix epoch.
        expires_ms: u64,
    },
    /// The hotkey did not sign it.
    #[error("the hotkey's signature does not hold")]
    HotkeySignature,
    /// The network key did not sign it, or is none.
    #[error("the network key's signature does not hold")]
    PeerSignature,
    /// Somebody shows another peer's binding.
    #[error("the binding is of peer {0}, not of the one that shows it")]
    OtherPeer(PeerId),
    /// The hotkey has said something newer.
    #[error("the hotkey has a binding of sequence {known}, this one is {got}")]
    Stale {
        /// The one that counts.
        known: u64,
        /// The one shown.
        got: u64,
    },
    /// The hotkey said two things of the same sequence; the first stands.
    #[error("the hotkey bound two network keys with sequence {0}")]
    Fork(u64),
}

/// A binding and both signatures over [`SignPayload::PeerBinding`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignedBinding {
    /// What is signed.
    pub binding: PeerBinding,
    /// The hotkey's sr25519 signature.
    pub hotkey_signature: Signature,
    /// The network key's ed25519 signature.
    pub peer_signature: Signature,
}

impl SignedBinding {
    /// A binding that the hotkey has signed, signed by the network key too.
    ///
    /// # Errors
    /// [`BindingError::PeerSignature`] if the binding names another network key.
    pub fn new(binding: PeerBinding, hotkey_signature: Signature, key: &NodeKey) -> Result<Self, BindingError> {
        let signature = <[u8; 64]>::try_from(key.sign(&Self::message(&binding)));
        match signature {
            Ok(signature) if key.public() == binding.peer_key => {
                Ok(Self { binding, hotkey_signature, peer_signature: Signature(signature) })
            }
            _ => Err(BindingError::PeerSignature),
        }
    }

    /// The bytes that both keys sign.
    pub fn message(binding: &PeerBinding) -> Vec<u8> {
        SignPayload::PeerBinding(*binding).to_bytes()
    }

    /// Checks everything that needs no memory of other bindings, the cheap things first.
    ///
    /// # Errors
    /// [`BindingError`]; `now_ms` is milliseconds since the Unix epoch.
    pub fn verify(&self, genesis: Hash32, netuid: u16, now_ms: u64) -> Result<PeerId, BindingError> {
        let binding = &self.binding;
        if binding.genesis != genesis || binding.netuid != netuid {
            return Err(BindingError::OtherChain);
        }
        self.verify_signatures(now_ms)
    }

    /// As [`Self::verify`], for one who does not know the chain yet and asks only whose network key this is.
    ///
    /// # Errors
    /// [`BindingError`].
    pub fn verify_signatures(&self, now_ms: u64) -> Result<PeerId, BindingError> {
        let (binding, expires_ms) = (&self.binding, self.binding.expires_ms);
        if expires_ms <= now_ms {
            return Err(BindingError::Expired { expires_ms });
        }
        if expires_ms - now_ms > MAX_BINDING_LIFE_MS {
            return Err(BindingError::TooLong { expires_ms });
        }
        let message = Self::message(binding);
        let peer_key =
            ed25519::PublicKey::try_from_bytes(&binding.peer_key.0).map_err(|_| BindingError::PeerSignature)?;
        if !peer_key.verify(&message, &self.peer_signature.0) {
            return Err(BindingError::PeerSignature);
        }
        binding.hotkey.verify(&message, &self.hotkey_signature).map_err(|_| BindingError::HotkeySignature)?;
        Ok(PublicKey::from(peer_key).to_peer_id())
    }

    /// The wire form: `1 ++ genesis[32] ++ netuid u16 ++ hotkey[32] ++ peer key[32] ++ seq u64 ++ expires u64 ++ hotkey's
    /// signature[64] ++ peer key's signature[64]`, integers little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(BINDING_BYTES);
        out.push(VERSION);
        out.extend_from_slice(&self.binding.genesis.0);
        out.extend_from_slice(&self.binding.netuid.to_le_bytes());
        out.extend_from_slice(&self.binding.hotkey.0);
        out.extend_from_slice(&self.binding.peer_key.0);
        out.extend_from_slice(&self.binding.seq.to_le_bytes());
        out.extend_from_slice(&self.binding.expires_ms.to_le_bytes());
        out.extend_from_slice(&self.hotkey_signature.0);
        out.extend_from_slice(&self.peer_signature.0);
        out
    }

    /// Reads the wire form; verifies nothing.
    ///
    /// # Errors
    /// [`BindingError::Length`] or [`BindingError::Version`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BindingError> {
        let whole: &[u8; BINDING_BYTES] = bytes.try_into().map_err(|_| BindingError::Length(bytes.len()))?;
        if whole[0] != VERSION {
            return Err(BindingError::Version(whole[0]));
        }
        let mut at = 1;
        let binding = PeerBinding {
            genesis: Hash32(field(whole, &mut at)),
            netuid: u16::from_le_bytes(field(whole, &mut at)),
            hotkey: Hotkey(field(whole, &mut at)),
            peer_key: Hash32(field(whole, &mut at)),
            seq: u64::from_le_bytes(field(whole, &mut at)),
            expires_ms: u64::from_le_bytes(field(whole, &mut at)),
        };
        let hotkey_signature = Signature(field(whole, &mut at));
        Ok(Self { binding, hotkey_signature, peer_signature: Signature(field(whole, &mut at)) })
    }
}

/// The next `N` bytes of a form whose length was checked.
pub(crate) fn field<const N: usize>(bytes: &[u8], at: &mut usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[*at..*at + N]);
    *at += N;
    out
}

impl fmt::Debug for SignedBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.binding.fmt(f)
    }
}

impl Serialize for SignedBinding {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&self.to_bytes())
    }
}

impl<'de> Deserialize<'de> for SignedBinding {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_bytes(WireForm)
    }
}

struct WireForm;

impl<'de> de::Visitor<'de> for WireForm {
    type Value = SignedBinding;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a binding of {BINDING_BYTES} bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<SignedBinding, E> {
        SignedBinding::from_bytes(bytes).map_err(E::custom)
    }

    /// Formats without byte strings write numbers.
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<SignedBinding, A::Error> {
        let mut bytes = Vec::with_capacity(BINDING_BYTES);
        while let Some(byte) = seq.next_element()? {
            if bytes.len() == BINDING_BYTES {
                return Err(de::Error::custom(BindingError::Length(BINDING_BYTES + 1)));
            }
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests;
