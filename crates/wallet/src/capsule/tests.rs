//! The capsule's promises: everything comes back, every damage is refused, nothing is overwritten.

use std::fs;

use super::*;
use crate::RecoveryWords;

const CHEAP: Kdf = Kdf { memory_kib: 8, passes: 1, lanes: 1 };
const WORDS: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

fn secret() -> WalletSecret {
    WalletSecret::from_words(RecoveryWords::parse(WORDS).unwrap(), "").unwrap()
}

fn info() -> CapsuleInfo {
    let wallet = WalletInfo::new("default", secret().hotkey(), 1_790_000_000_000).unwrap();
    CapsuleInfo { wallet, made_at_ms: 1_790_000_000_001 }
}

fn parts() -> CapsuleParts {
    let mut parts = CapsuleParts::default();
    parts.insert(CapsuleParts::PEER_IDENTITY, b"identity bytes".to_vec()).unwrap();
    parts.insert(CapsuleParts::RECEIPTS, b"{\"round\":1}\n".to_vec()).unwrap();
    parts.insert(CapsuleParts::SETTINGS, Vec::new()).unwrap();
    parts
}

fn cheap(passphrase: &Passphrase) -> Vec<u8> {
    seal(&info(), &secret(), &parts(), passphrase, Work::new(CHEAP).unwrap()).unwrap()
}

#[test]
fn everything_comes_back_on_another_machine_and_the_address_shows_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("move.capsule");
    let right = passphrase("correct horse");
    Capsule::seal(&path, &info(), &secret(), &parts(), &right).unwrap();
    assert_eq!(Capsule::inspect(&path).unwrap(), info());
    let opened = Capsule::open(&path, &right).unwrap();
    assert_eq!(opened.info(), &info());
    assert_eq!(opened.secret().hotkey(), info().wallet.hotkey);
    assert!(opened.secret().words().unwrap().reveal().eq(WORDS.split(' ')));
    let names: Vec<&str> = opened.parts().names().collect();
    assert_eq!(names, ["peer-identity", "receipts", "settings"]);
    for name in names {
        assert_eq!(opened.parts().get(name), parts().get(name), "{name}");
    }
    assert_eq!(opened.parts().get("other"), None);

    let before = fs::read(&path).unwrap();
    let wrong = Capsule::open(&path, &passphrase("wrong")).err().unwrap();
    assert!(matches!(wrong, CapsuleError::Seal(SealError::Refused)), "{wrong}");
    let again = Capsule::seal(&path, &info(), &secret(), &parts(), &right).unwrap_err();
    assert!(matches!(again, CapsuleError::Exists { .. }), "{again}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "opening and refusing leave nothing behind");
}

#[test]
fn every_flipped_byte_and_every_truncation_is_refused() {
    let right = passphrase("correct horse");
    let whole = cheap(&right);
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            assert!(open(&damaged, &right).is_err(), "byte {at}");
        }
        assert!(Capsule::inspect_bytes(&whole[..at]).is_err(), "cut to {at} bytes");
    }
    assert!(Capsule::inspect_bytes(&[whole.as_slice(), &[0]].concat()).is_err());
    assert!(open(&whole, &right).is_ok());
}

#[test]
fn nothing_of_the_contents_stands_in_the_file() {
    let file = cheap(&passphrase("correct horse"));
    let holds = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"default"), "the name is public");
    for hidden in [b"identity bytes".as_slice(), b"peer-identity", b"round", b"correct", &secret().to_plain()[2..18]] {
        assert!(!holds(hidden));
    }
}

#[test]
fn parts_are_bounded_in_name_number_and_size() {
    let mut parts = CapsuleParts::default();
    for bad in ["", "a b", "../x", "ä", &"x".repeat(MAX_PART_NAME + 1)] {
        assert!(matches!(parts.insert(bad, vec![]), Err(CapsuleError::Part)), "{bad}");
    }
    parts.insert("big", vec![0; MAX_PARTS_BYTES - 1]).unwrap();
    parts.insert("one", vec![0]).unwrap();
    assert!(matches!(parts.insert("two", vec![0]), Err(CapsuleError::TooLarge(_))));
    parts.insert("big", vec![0; MAX_PARTS_BYTES - 2]).unwrap();
    parts.insert("two", vec![0]).unwrap();
    let work = Work::new(CHEAP).unwrap();
    let file = seal(&info(), &secret(), &parts, &passphrase("p"), work).unwrap();
    assert_eq!(open(&file, &passphrase("p")).unwrap().parts().get("big").unwrap().len(), MAX_PARTS_BYTES - 2);
    let mut many = CapsuleParts::default();
    for i in 0..MAX_PARTS {
        many.insert(&format!("part-{i}"), vec![]).unwrap();
    }
    assert!(matches!(many.insert("more", vec![]), Err(CapsuleError::Part)));
    many.insert("part-0", vec![1]).unwrap();
}

#[test]
fn a_capsule_that_asks_for_too_much_work_is_refused_before_any() {
    let mut file = cheap(&passphrase("p"));
    file[7..11].copy_from_slice(&((1u32 << 20) + 1).to_le_bytes());
    let error = open(&file, &passphrase("p")).err().unwrap();
    assert!(matches!(error, CapsuleError::Seal(SealError::TooMuchWork { .. })), "{error}");
}

#[test]
fn another_wallets_secret_is_refused() {
    let mut other = info();
    other.wallet.hotkey = Hotkey([1; 32]);
    let error = seal(&other, &secret(), &parts(), &passphrase("p"), Work::new(CHEAP).unwrap()).unwrap_err();
    assert!(matches!(error, CapsuleError::OtherKey { .. }), "{error}");
}

/// The file of fixed salt and nonce, made in Python. A change of these bytes is a new version of the format.
#[test]
fn the_file_format_is_frozen() {
    let golden = hex::decode(include_str!("../../fixtures/capsule-v1.hex").trim()).unwrap();
    let work = Work {
        kdf: Kdf::STANDARD,
        salt: std::array::from_fn(|i| i as u8),
        nonce: std::array::from_fn(|i| 100 + i as u8),
    };
    let made = seal(&info(), &secret(), &parts(), &passphrase("correct horse"), work).unwrap();
    assert_eq!(hex::encode(made), hex::encode(&golden));
    let later = [b"CVCAPS\x02".as_slice(), &golden[7..]].concat();
    assert!(matches!(Capsule::inspect_bytes(&later), Err(CapsuleError::Version(2))));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_header_or_a_typed_error(rest in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Capsule::inspect_bytes(&rest);
            let _ = Capsule::inspect_bytes(&[b"CVCAPS\x01".as_slice(), &rest].concat());
        }

        #[test]
        fn any_plain_bytes_are_contents_or_none(rest in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = from_plain(&rest);
            let secret = secret().to_plain();
            let length = (secret.len() as u16).to_le_bytes();
            let _ = from_plain(&[length.as_slice(), &secret, &rest].concat());
        }
    }
}
