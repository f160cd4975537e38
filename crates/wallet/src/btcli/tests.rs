//! Wallet folders against files that bittensor-wallet 4.1.1 made (`tests/oracle/wallet_roundtrip.py`).

use types::{CommitData, Era, Extrinsic, Hash32, Rao, SignPayload, SubtensorCall};

use super::*;
use crate::RecoveryWords;

const WORDS: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
const ADDRESS: &str = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/btcli")
}

fn secret(path: &str) -> WalletSecret {
    WalletSecret::from_words(RecoveryWords::parse(WORDS).unwrap(), path).unwrap()
}

#[test]
fn a_wallet_folder_of_btcli_is_read() {
    let wallet = BtcliWallet::read(&fixtures()).unwrap();
    assert_eq!(wallet.coldkey().unwrap().ss58(), ADDRESS);
    assert_eq!(wallet.hotkeys(), ["ansible", "derived", "fifteen", "seed", "words"]);
    let open = |name: &str| wallet.hotkey(name).unwrap().open(None).unwrap();
    let words = open("words");
    assert_eq!(words.hotkey().ss58(), ADDRESS);
    assert!(words.words().unwrap().reveal().eq(WORDS.split(' ')));
    assert_eq!(open("derived").hotkey(), secret("//hotkey//0").hotkey(), "a private key alone");
    assert_eq!(open("fifteen").hotkey().ss58(), "5GnDb7fQ57nnGYSKiXYUFPPj7GX11TXv4Dghnh12fMHDgype", "by its seed");
    assert_eq!(open("seed").hotkey(), WalletSecret::from_seed(&[7; 32]).hotkey(), "its seed entry is unreadable");
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let wallet = BtcliWallet::read(&fixtures()).unwrap();
    for name in ["../coldkeypub.txt", "/etc/passwd", "", ".", "wordspub.txt", "none"] {
        assert!(matches!(wallet.hotkey(name), Err(BtcliError::NoHotkey(_))), "{name}");
    }
}

#[test]
fn what_is_no_wallet_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(BtcliWallet::read(dir.path()), Err(BtcliError::NoWallet { .. })));
    assert!(matches!(BtcliWallet::read(&dir.path().join("none")), Err(BtcliError::NoWallet { .. })));
    fs::write(dir.path().join(COLDKEY_PUBLIC), "{}").unwrap();
    assert!(matches!(BtcliWallet::read(dir.path()), Err(BtcliError::Keyfile(KeyfileError::Format(_)))));
    fs::create_dir(dir.path().join(HOTKEYS)).unwrap();
    for i in 0..=MAX_ENTRIES {
        fs::write(dir.path().join(HOTKEYS).join(format!("h{i}")), "").unwrap();
    }
    fs::remove_file(dir.path().join(COLDKEY_PUBLIC)).unwrap();
    assert!(matches!(BtcliWallet::read(dir.path()), Err(BtcliError::TooMany { .. })));
}

#[test]
fn an_export_reads_back_and_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let wallets = dir.path().join("wallets");
    let coldkey: Coldkey = ADDRESS.parse().unwrap();
    for (name, path) in [("plain", ""), ("derived", "//hotkey//0///pass word")] {
        let folder = export_btcli(&wallets, name, "default", &secret(path), Some(coldkey), None).unwrap();
        let wallet = BtcliWallet::read(&folder).unwrap();
        assert_eq!((wallet.coldkey(), wallet.hotkeys()), (Some(coldkey), ["default".to_owned()].as_slice()));
        let opened = wallet.hotkey("default").unwrap().open(None).unwrap();
        assert_eq!(opened.hotkey(), secret(path).hotkey());
        assert_eq!(opened.words().is_some(), path.is_empty(), "words without their path would be another key");
        let public = KeyfileBytes::read(&folder.join("hotkeys/defaultpub.txt")).unwrap();
        assert_eq!(public.address().unwrap(), secret(path).hotkey());
        let error = export_btcli(&wallets, name, "other", &secret(""), None, None).unwrap_err();
        assert!(matches!(error, BtcliError::Exists { .. }), "{error}");
        assert!(!folder.join("hotkeys/other").exists());
    }
    for (name, hotkey) in [("../x", "default"), ("x", "../y"), ("x", ""), (".x", "y")] {
        assert!(matches!(export_btcli(&wallets, name, hotkey, &secret(""), None, None), Err(BtcliError::Name(_))));
    }
    let mut left: Vec<_> = fs::read_dir(&wallets).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["derived", "plain"]);
    let lone = export_btcli(&wallets, "lone", "default", &secret(""), None, None).unwrap();
    assert_eq!(BtcliWallet::read(&lone).unwrap().coldkey(), None);
}

#[cfg(unix)]
#[test]
fn exported_secrets_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let folder = export_btcli(dir.path(), "w", "default", &secret(""), None, None).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.join("hotkeys/default")), 0o600);
    assert_eq!((mode(&folder), mode(&folder.join(HOTKEYS))), (0o700, 0o700));
}

fn extrinsic(call: SubtensorCall) -> SignPayload {
    let era = Era::mortal(64, 128, Hash32([0; 32])).unwrap();
    let genesis = Hash32([0; 32]);
    SignPayload::Extrinsic(Extrinsic { genesis, spec_version: 365, transaction_version: 1, nonce: 0, era, call })
}

#[test]
fn a_coldkey_on_this_pc_is_encrypted_and_signs_priced_registrations_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("coldkey");
    let passphrase = Passphrase::new("Correct-Horse-9!".to_owned()).unwrap();
    // Made by bittensor-wallet; opening it costs 512 MiB, so it is opened once.
    let nacl = hex::decode(include_str!("../../fixtures/btcli/coldkey.hex").trim()).unwrap();
    fs::write(&path, &nacl).unwrap();
    let coldkey = ColdkeyFile::at(&path, ADDRESS.parse().unwrap()).unwrap();
    let hotkey = Hotkey([1; 32]);
    let register = extrinsic(SubtensorCall::RegisterLimit { netuid: 3, hotkey, limit_price: Rao(500) });
    let signature = coldkey.sign(&passphrase, &register, Price::AtMost(Rao(500))).unwrap();
    assert!(Hotkey(coldkey.address().0).verify(&register.to_bytes(), &signature).is_ok());

    let refused = [
        (register, Rao(499)),
        (extrinsic(SubtensorCall::Register { netuid: 3, hotkey }), Rao(u64::MAX)),
        (extrinsic(SubtensorCall::Commit { netuid: 3, data: CommitData::new(vec![1]).unwrap() }), Rao(500)),
        (SignPayload::Register { genesis: Hash32([0; 32]), nonce: 0 }, Rao(500)),
    ];
    for (payload, max) in refused {
        let error = coldkey.sign(&passphrase, &payload, Price::AtMost(max)).unwrap_err();
        assert!(matches!(error, KeyfileError::NotForColdkey { .. }), "{error}");
    }
    // Whatever a registration costs: it is still nothing but a registration.
    let commit = extrinsic(SubtensorCall::Commit { netuid: 3, data: CommitData::new(vec![1]).unwrap() });
    let error = coldkey.sign(&passphrase, &commit, Price::Whatever).unwrap_err();
    assert!(matches!(error, KeyfileError::NotForColdkey { .. }), "{error}");
    let plain = fixtures().join("hotkeys/words");
    assert!(matches!(ColdkeyFile::at(&plain, coldkey.address()), Err(KeyfileError::Plain { .. })));
    assert_eq!(fs::read(&path).unwrap(), nacl);
}
