//! Single key files: every kind that btcli wrote, every damage, every lie.

use super::*;

const PLAIN: &[u8] = include_bytes!("../../../fixtures/btcli/hotkeys/words");
const ANSIBLE_FILE: &[u8] = include_bytes!("../../../fixtures/btcli/hotkeys/ansible");
const ADDRESS: &str = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

fn open(bytes: &[u8]) -> Result<WalletSecret, KeyfileError> {
    KeyfileBytes::parse(bytes)?.open(None)
}

fn refused(result: &Result<WalletSecret, KeyfileError>) -> bool {
    matches!(result, Err(KeyfileError::Seal(SealError::Refused)))
}

#[test]
fn an_ansible_vault_of_an_older_btcli_opens() {
    let file = KeyfileBytes::parse(ANSIBLE_FILE).unwrap();
    assert_eq!(file.kind(), KeyfileKind::Ansible);
    assert_eq!(file.open(Some(&passphrase("Correct-Horse-9!"))).unwrap().hotkey().ss58(), ADDRESS);
    assert!(refused(&file.open(Some(&passphrase("correct-Horse-9!")))));
    assert!(matches!(file.open(None), Err(KeyfileError::NeedsPassphrase)));
    assert!(matches!(file.address(), Err(KeyfileError::NeedsPassphrase)));
}

#[test]
fn a_damaged_ansible_vault_is_refused() {
    let right = passphrase("Correct-Horse-9!");
    let open = |bytes: &[u8]| KeyfileBytes::parse(bytes).and_then(|file| file.open(Some(&right)));
    // Each try costs ten thousand hashes: every seventh place, and the places where a line or field ends.
    for at in (0..ANSIBLE_FILE.len()).step_by(7) {
        assert!(open(&ANSIBLE_FILE[..at]).is_err(), "cut to {at} bytes");
        let mut damaged = ANSIBLE_FILE.to_vec();
        // One digit for another, so that it stays hex; line ends carry nothing.
        damaged[at] = match damaged[at] {
            b'\n' => b'x',
            b'0' => b'1',
            _ => b'0',
        };
        if damaged != ANSIBLE_FILE {
            assert!(open(&damaged).is_err(), "byte {at}");
        }
    }
}

#[test]
fn a_nacl_file_opens_again_and_every_damage_is_refused() {
    // The cipher alone: deriving btcli's key costs 512 MiB a try and is tested once, with its coldkey fixture.
    let key = [3; 32];
    let plain = Zeroizing::new(PLAIN.to_vec());
    let file = seal_nacl(plain, &key, [9; 24]).unwrap();
    assert!(file.starts_with(b"$NACL"));
    assert_eq!(open_nacl(&file, &key).unwrap().as_slice(), PLAIN);
    assert!(open_nacl(&file, &[4; 32]).is_err());
    for at in 0..file.len() {
        let mut damaged = file.to_vec();
        damaged[at] ^= 0x40;
        match KeyfileBytes::parse(&damaged) {
            Ok(parsed) if parsed.kind() == KeyfileKind::Nacl => {
                assert!(open_nacl(&parsed.bytes, &key).is_err(), "byte {at}");
            }
            Ok(parsed) => assert!(parsed.open(None).is_err(), "byte {at}"),
            Err(_) => {}
        }
        match KeyfileBytes::parse(&file[..at]) {
            Ok(cut) => assert!(open_nacl(&cut.bytes, &key).is_err(), "cut to {at} bytes"),
            Err(error) => assert!(matches!(error, KeyfileError::Format(_)), "{error}"),
        }
    }
}

#[test]
fn a_file_encrypted_here_opens_with_its_passphrase_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hotkey");
    let secret = WalletSecret::from_seed(&[7; 32]);
    KeyfileBytes::write(&secret, Some(&passphrase("Rust-Wrote-This-1"))).unwrap().save(&path).unwrap();
    let before = std::fs::read(&path).unwrap();
    let file = KeyfileBytes::read(&path).unwrap();
    assert_eq!(file.kind(), KeyfileKind::Nacl);
    assert!(!before.windows(5).any(|window| window == b"5Esn" || window == b"07070"));
    assert!(refused(&file.open(Some(&passphrase("Rust-wrote-this-1")))));
    assert_eq!(file.open(Some(&passphrase("Rust-Wrote-This-1"))).unwrap().hotkey(), secret.hotkey());
    assert!(matches!(file.save(&path), Err(KeyfileError::Exists { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn the_oldest_encryption_is_refused_with_advice() {
    let error = KeyfileBytes::parse(b"gAAAAABh4vjKq0TGj0...").err().unwrap();
    assert!(matches!(error, KeyfileError::Fernet) && error.to_string().contains("btcli wallet update"), "{error}");
}

#[test]
fn what_is_no_key_file_is_refused() {
    for bytes in [b"".as_slice(), b"[]", b"{", b"{}", b"\xff\xfe", b"$NACL", b"5GrwvaEF", b"{\"secretPhrase\":1}"] {
        assert!(matches!(open(bytes), Err(KeyfileError::Format(_))), "{bytes:?}");
    }
    assert!(matches!(KeyfileBytes::parse(&vec![b'{'; MAX_FILE_BYTES + 1]), Err(KeyfileError::Format(_))));
    let other_kind = br#"{"cryptoType":0,"secretSeed":"0x00"}"#;
    assert!(matches!(open(other_kind), Err(KeyfileError::CryptoType(0))));
    let twice = format!("{{\"ss58Address\":\"{ALICE}\",\"ss58Address\":\"{ALICE}\"}}");
    assert!(matches!(open(twice.as_bytes()), Err(KeyfileError::Format(_))));
}

#[test]
fn an_address_without_a_secret_is_told_apart() {
    let public = include_bytes!("../../../fixtures/btcli/coldkeypub.txt");
    assert!(matches!(open(public), Err(KeyfileError::PublicOnly(key)) if key.ss58() == ADDRESS));
    assert_eq!(KeyfileBytes::parse(public).unwrap().address().unwrap().ss58(), ADDRESS);
}

#[test]
fn a_secret_that_is_not_the_stated_addresss_is_refused() {
    let text = std::str::from_utf8(PLAIN).unwrap();
    let swapped = text.replace(ADDRESS, ALICE);
    assert!(matches!(open(swapped.as_bytes()), Err(KeyfileError::OtherKey { .. })), "address against public key");
    let seed = "5e".repeat(32);
    let lie = format!("{{\"secretSeed\":\"0x{seed}\",\"ss58Address\":\"{ALICE}\"}}");
    let error = open(lie.as_bytes()).err().unwrap();
    assert!(matches!(error, KeyfileError::OtherKey { .. }), "{error}");
    let mistyped = format!("{{\"secretSeed\":\"0x{seed}\",\"ss58Address\":\"{}\"}}", ALICE.replace("5Gr", "5Gt"));
    assert!(matches!(open(mistyped.as_bytes()), Err(KeyfileError::Address(KeyError::Checksum(_)))));
}

#[test]
fn the_entries_are_read_in_btclis_order() {
    let seven = WalletSecret::from_seed(&[7; 32]);
    let eight = WalletSecret::from_seed(&[8; 32]);
    let private = hex::encode(*eight.signer().expanded());
    let seed = "07".repeat(32);
    let file = format!("{{\"privateKey\":\"0x{private}\",\"secretSeed\":\"{seed}\"}}");
    assert_eq!(open(file.as_bytes()).unwrap().hotkey(), seven.hotkey(), "seed before private key");
    let phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
    let file = format!("{{\"secretSeed\":\"0x{seed}\",\"secretPhrase\":\"{phrase}\"}}");
    assert_eq!(open(file.as_bytes()).unwrap().hotkey().ss58(), ADDRESS, "words before seed");
    let file = format!("{{\"secretSeed\":\"0x{}\",\"privateKey\":\"0x{private}\"}}", &seed[2..]);
    assert_eq!(open(file.as_bytes()).unwrap().hotkey(), eight.hotkey(), "an unreadable seed is passed over");
}

#[test]
fn no_error_repeats_a_secret() {
    let seed = "5e".repeat(31);
    for file in [
        format!("{{\"secretSeed\":\"0x{seed}\"}}"),
        format!("{{\"secretSeed\":{seed}}}"),
        format!("{{\"ss58Address\":\"{seed}\"}}"),
        format!("{{\"publicKey\":\"{seed}\"}}"),
        format!("{{\"privateKey\":\"{seed}{seed}{seed}\"}}"),
    ] {
        let error = open(file.as_bytes()).err().unwrap();
        assert!(!error.to_string().contains("5e5e") && !format!("{error:?}").contains("5e5e"), "{error:?}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_key_file_or_a_typed_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = open(&bytes);
            let _ = open(&[b"$NACL".as_slice(), &bytes].concat());
        }

        #[test]
        fn a_changed_plain_file_is_refused_or_the_same_key(at in 0usize..558, with in any::<u8>()) {
            let mut file = PLAIN.to_vec();
            let at = at.min(file.len() - 1);
            file[at] = with;
            // Public entries guard the secret ones; what is no entry any more is passed over.
            if let Ok(secret) = open(&file) {
                prop_assert_eq!(secret.hotkey().ss58(), ADDRESS);
            }
        }

        #[test]
        fn an_ansible_vault_of_any_text_is_refused(lines in "[0-9a-f\n ]{0,200}") {
            let file = format!("$ANSIBLE_VAULT;1.1;AES256\n{lines}");
            let parsed = KeyfileBytes::parse(file.as_bytes()).unwrap();
            prop_assert!(parsed.open(Some(&passphrase("p"))).is_err());
        }
    }
}
