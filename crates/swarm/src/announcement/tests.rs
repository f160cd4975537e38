//! Announcements: golden bytes and a decoder that takes nothing else.

use proptest::prelude::*;
use types::Signer as _;
use wallet::LocalSigner;

use super::*;

const GENESIS: Hash32 = Hash32([0xaa; 32]);

fn announcement(hotkey: Hotkey) -> Announcement {
    Announcement {
        genesis: GENESIS,
        netuid: 0x0203,
        round: Round(0x0405),
        hotkey,
        root: Hash32([0x33; 32]),
        bytes: 0x0607_0809,
        codec: 1,
        sent_ms: 1_700_000_000_000,
    }
}

#[test]
fn golden_bytes_of_an_announcement() {
    let signed =
        SignedAnnouncement { announcement: announcement(Hotkey([0x11; 32])), signature: Signature([0x44; 64]) };
    let golden = format!(
        "0103020504000000000000{}{}0908070600000000010068e5cf8b010000{}",
        "11".repeat(32),
        "33".repeat(32),
        "44".repeat(64)
    );
    assert_eq!(hex::encode(signed.to_bytes()), golden);
    assert_eq!(SignedAnnouncement::from_bytes(&hex::decode(golden).unwrap(), GENESIS).unwrap(), signed);
    assert_eq!(ANNOUNCEMENT_BYTES, 156);
}

#[tokio::test]
async fn one_flipped_bit_in_any_byte_and_another_genesis_are_refused() {
    let signer = LocalSigner::from_seed(&[1; 32]);
    let announcement = announcement(signer.hotkey());
    let signature = signer.sign(&SignPayload::Announcement(announcement)).await.unwrap();
    let signed = SignedAnnouncement { announcement, signature };
    assert_eq!(signed.verify(), Ok(()));
    let whole = signed.to_bytes();
    for i in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[i] ^= 1;
        let taken = SignedAnnouncement::from_bytes(&bytes, GENESIS).is_ok_and(|read| read.verify().is_ok());
        assert!(!taken, "byte {i}");
    }
    let replayed = SignedAnnouncement::from_bytes(&whole, Hash32([0xab; 32])).unwrap();
    assert_eq!(replayed.verify(), Err(KeyError::BadSignature));
}

proptest! {
    #[test]
    fn any_bytes_are_read_exactly_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(signed) = SignedAnnouncement::from_bytes(&bytes, GENESIS) {
            prop_assert_eq!(signed.to_bytes(), bytes);
        }
    }

    #[test]
    fn every_form_of_the_right_length_and_version_reads_back(
        mut bytes in proptest::collection::vec(any::<u8>(), ANNOUNCEMENT_BYTES),
    ) {
        bytes[0] = 1;
        prop_assert_eq!(SignedAnnouncement::from_bytes(&bytes, GENESIS).unwrap().to_bytes(), bytes);
    }
}
