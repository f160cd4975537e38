//! What a hotkey says to other peers outside the chain: whose network key speaks for it, and where its payload is.
//!
//! In: typed fields. Out: the exact bytes that are signed, behind the domain that [`crate::SignPayload`] puts before them.
//! The words themselves travel with their signatures in the network's own framing. No location stands in an announcement:
//! its author's network key is bound to the hotkey, and a bucket is on chain.

use serde::{Deserialize, Serialize};

use crate::{Hash32, Hotkey, Round};

/// Longest life of a binding, in milliseconds: 30 days (network recipe, section 8).
pub const MAX_BINDING_LIFE_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// A hotkey and the network key that speaks for it. The highest `seq` of a hotkey counts.
///
/// Signed: `covey/v1/peer-binding\0`, genesis (32), netuid (u16), hotkey (32), peer key (32), seq (u64), expires (u64);
/// integers little-endian; 136 bytes with the domain. The hotkey signs them as sr25519, the peer key as ed25519.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerBinding {
    /// Genesis hash of the chain or ledger: no replay on another one.
    pub genesis: Hash32,
    /// The subnet; 0 on the embedded ledger.
    pub netuid: u16,
    /// The key that earns.
    pub hotkey: Hotkey,
    /// The ed25519 public key of the network identity.
    pub peer_key: Hash32,
    /// Counts the hotkey's bindings up.
    pub seq: u64,
    /// Until when it holds, in milliseconds since the Unix epoch; at most [`MAX_BINDING_LIFE_MS`] ahead.
    pub expires_ms: u64,
}

impl PeerBinding {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.genesis.0);
        out.extend_from_slice(&self.netuid.to_le_bytes());
        out.extend_from_slice(&self.hotkey.0);
        out.extend_from_slice(&self.peer_key.0);
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.expires_ms.to_le_bytes());
    }
}

/// A round's payload, announced. A hotkey announces one root for a round; a second one is evidence against it.
///
/// Signed: `covey/v1/announcement\0`, genesis (32), netuid (u16), round (u64), hotkey (32), root (32), bytes (u64), codec
/// (u8), sent (u64); integers little-endian; 145 bytes with the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Genesis hash of the chain or ledger: no replay on another one.
    pub genesis: Hash32,
    /// The subnet; 0 on the embedded ledger.
    pub netuid: u16,
    /// The round.
    pub round: Round,
    /// Whose payload it is.
    pub hotkey: Hotkey,
    /// BLAKE3 of the payload, as committed on chain.
    pub root: Hash32,
    /// Its length in bytes.
    pub bytes: u64,
    /// How it is packed; 1 is the submission container.
    pub codec: u8,
    /// When it was said, by its sender's clock, in milliseconds since the Unix epoch. Proves nothing about lateness.
    pub sent_ms: u64,
}

impl Announcement {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.genesis.0);
        out.extend_from_slice(&self.netuid.to_le_bytes());
        out.extend_from_slice(&self.round.0.to_le_bytes());
        out.extend_from_slice(&self.hotkey.0);
        out.extend_from_slice(&self.root.0);
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.push(self.codec);
        out.extend_from_slice(&self.sent_ms.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SignPayload;

    fn binding() -> PeerBinding {
        PeerBinding {
            genesis: Hash32([0xaa; 32]),
            netuid: 3,
            hotkey: Hotkey([0x11; 32]),
            peer_key: Hash32([0x22; 32]),
            seq: 0x0102,
            expires_ms: 1_800_000_000_000,
        }
    }

    fn announcement() -> Announcement {
        Announcement {
            genesis: Hash32([0xaa; 32]),
            netuid: 3,
            round: Round(0x0304),
            hotkey: Hotkey([0x11; 32]),
            root: Hash32([0x33; 32]),
            bytes: 0x0506_0708,
            codec: 1,
            sent_ms: 1_700_000_000_000,
        }
    }

    #[test]
    fn golden_bytes_of_what_peers_sign_for_each_other() {
        let (a, h, p, r) = ("aa".repeat(32), "11".repeat(32), "22".repeat(32), "33".repeat(32));
        let bytes = SignPayload::PeerBinding(binding()).to_bytes();
        let domain = hex::encode("covey/v1/peer-binding\0");
        assert_eq!(hex::encode(&bytes), format!("{domain}{a}0300{h}{p}020100000000000000505c18a3010000"));
        assert_eq!(bytes.len(), 136);
        let bytes = SignPayload::Announcement(announcement()).to_bytes();
        let domain = hex::encode("covey/v1/announcement\0");
        let numbers = "0807060500000000010068e5cf8b010000";
        assert_eq!(hex::encode(&bytes), format!("{domain}{a}03000403000000000000{h}{r}{numbers}"));
        assert_eq!(bytes.len(), 145);
    }

    #[test]
    fn every_field_is_signed() {
        let binding = binding();
        let changed = [
            PeerBinding { genesis: Hash32([0; 32]), ..binding },
            PeerBinding { netuid: 4, ..binding },
            PeerBinding { hotkey: Hotkey([0; 32]), ..binding },
            PeerBinding { peer_key: Hash32([0; 32]), ..binding },
            PeerBinding { seq: 1, ..binding },
            PeerBinding { expires_ms: 1, ..binding },
        ];
        let whole = SignPayload::PeerBinding(binding).to_bytes();
        assert!(changed.iter().all(|other| SignPayload::PeerBinding(*other).to_bytes() != whole));
        let announced = announcement();
        let changed = [
            Announcement { genesis: Hash32([0; 32]), ..announced },
            Announcement { netuid: 4, ..announced },
            Announcement { round: Round(1), ..announced },
            Announcement { hotkey: Hotkey([0; 32]), ..announced },
            Announcement { root: Hash32([0; 32]), ..announced },
            Announcement { bytes: 1, ..announced },
            Announcement { codec: 2, ..announced },
            Announcement { sent_ms: 1, ..announced },
        ];
        let whole = SignPayload::Announcement(announced).to_bytes();
        assert!(changed.iter().all(|other| SignPayload::Announcement(*other).to_bytes() != whole));
    }

    #[test]
    fn they_survive_the_pipe_to_the_signer() {
        for payload in [SignPayload::PeerBinding(binding()), SignPayload::Announcement(announcement())] {
            let line = serde_json::to_string(&payload).unwrap();
            assert!(line.starts_with(&format!("{{\"kind\":\"{}\"", payload.operation().replace('-', "_"))), "{line}");
            assert_eq!(serde_json::from_str::<SignPayload>(&line).unwrap(), payload);
        }
    }
}
