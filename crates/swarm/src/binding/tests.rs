//! Bindings: golden bytes, what is refused, and that no changed byte is ever taken.

use libp2p::identity::{Keypair, ed25519};
use proptest::prelude::*;
use types::Signer as _;
use wallet::LocalSigner;

use super::*;

const GENESIS: Hash32 = Hash32([0xaa; 32]);
const NOW: u64 = 1_700_000_000_000;

fn network_key(seed: u8) -> ed25519::Keypair {
    let mut secret = [seed; 32];
    ed25519::Keypair::from(ed25519::SecretKey::try_from_bytes(&mut secret).unwrap())
}

async fn bound(hotkey: u8, peer: u8, change: impl FnOnce(&mut PeerBinding)) -> SignedBinding {
    let (signer, key) = (LocalSigner::from_seed(&[hotkey; 32]), network_key(peer));
    let mut binding = PeerBinding {
        genesis: GENESIS,
        netuid: 3,
        hotkey: signer.hotkey(),
        peer_key: Hash32(key.public().to_bytes()),
        seq: 7,
        expires_ms: NOW + 1000,
    };
    change(&mut binding);
    let message = SignedBinding::message(&binding);
    let hotkey_signature = signer.sign(&SignPayload::PeerBinding(binding)).await.unwrap();
    let peer_signature = Signature(key.sign(&message).try_into().unwrap());
    SignedBinding { binding, hotkey_signature, peer_signature }
}

#[test]
fn golden_bytes_of_a_binding() {
    let binding = SignedBinding {
        binding: PeerBinding {
            genesis: GENESIS,
            netuid: 0x0203,
            hotkey: Hotkey([0x11; 32]),
            peer_key: Hash32([0x22; 32]),
            seq: 0x0405,
            expires_ms: 1_800_000_000_000,
        },
        hotkey_signature: Signature([0x44; 64]),
        peer_signature: Signature([0x55; 64]),
    };
    let golden = format!(
        "01{}0302{}{}0504000000000000{}{}{}",
        "aa".repeat(32),
        "11".repeat(32),
        "22".repeat(32),
        "00505c18a3010000",
        "44".repeat(64),
        "55".repeat(64)
    );
    assert_eq!(hex::encode(binding.to_bytes()), golden);
    assert_eq!(SignedBinding::from_bytes(&hex::decode(golden).unwrap()).unwrap(), binding);
    assert_eq!(BINDING_BYTES, 243);
}

#[tokio::test]
async fn a_binding_proves_the_peer_id_of_its_network_key() {
    let signed = bound(1, 2, |_| ()).await;
    let peer = PeerId::from_public_key(&Keypair::from(network_key(2)).public());
    assert_eq!(signed.verify(GENESIS, 3, NOW), Ok(peer));
}

#[tokio::test]
async fn a_swapped_key_another_chain_and_a_wrong_life_are_refused() {
    let signed = bound(1, 2, |_| ()).await;
    assert_eq!(signed.verify(Hash32([0; 32]), 3, NOW), Err(BindingError::OtherChain));
    assert_eq!(signed.verify(GENESIS, 4, NOW), Err(BindingError::OtherChain));
    assert_eq!(signed.verify(GENESIS, 3, NOW + 1000), Err(BindingError::Expired { expires_ms: NOW + 1000 }));

    let month = NOW + MAX_BINDING_LIFE_MS;
    assert!(bound(1, 2, |b| b.expires_ms = month).await.verify(GENESIS, 3, NOW).is_ok());
    let longer = bound(1, 2, |b| b.expires_ms = month + 1).await;
    assert_eq!(longer.verify(GENESIS, 3, NOW), Err(BindingError::TooLong { expires_ms: month + 1 }));

    // Another peer's key under the same hotkey's words, and the reverse.
    let other = bound(1, 5, |_| ()).await;
    let mut swapped = signed;
    swapped.binding.peer_key = other.binding.peer_key;
    assert_eq!(swapped.verify(GENESIS, 3, NOW), Err(BindingError::PeerSignature));
    swapped.peer_signature = other.peer_signature;
    assert_eq!(swapped.verify(GENESIS, 3, NOW), Err(BindingError::HotkeySignature));
    // A network key cannot claim a hotkey that did not agree.
    let mut stolen = signed;
    stolen.binding.hotkey = LocalSigner::from_seed(&[9; 32]).hotkey();
    assert!(stolen.verify(GENESIS, 3, NOW).is_err());
}

#[tokio::test]
async fn one_flipped_bit_in_any_byte_is_refused() {
    let whole = bound(1, 2, |_| ()).await.to_bytes();
    for i in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[i] ^= 1;
        let taken = SignedBinding::from_bytes(&bytes).and_then(|signed| signed.verify(GENESIS, 3, NOW));
        assert!(taken.is_err(), "byte {i}");
    }
}

#[tokio::test]
async fn a_binding_survives_its_trip_in_text_and_a_longer_list_is_refused() {
    let signed = bound(1, 2, |_| ()).await;
    let text = serde_json::to_string(&signed).unwrap();
    assert_eq!(serde_json::from_str::<SignedBinding>(&text).unwrap(), signed);
    let longer = text.replacen('[', "[1,", 1);
    assert!(serde_json::from_str::<SignedBinding>(&longer).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_exactly_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..BINDING_BYTES * 2)) {
        if let Ok(signed) = SignedBinding::from_bytes(&bytes) {
            prop_assert_eq!(signed.to_bytes(), bytes);
        }
    }

    #[test]
    fn every_form_of_the_right_length_and_version_reads_back(mut bytes in proptest::collection::vec(any::<u8>(), BINDING_BYTES)) {
        bytes[0] = 1;
        prop_assert_eq!(SignedBinding::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    }
}
