//! Files and texts that hold keys, and what a signer is asked to sign.
//!
//! In: hostile files of the wallet, addresses, words, requests. Out: nothing that was not checked. No target derives a key from a
//! passphrase: that is slow on purpose, and what is read before it is what a hostile file can reach.

use types::{Coldkey, Hash32, Hotkey, Record, Round, RunId, SignPayload, Uid};
use wallet::{
    Capsule, CapsuleInfo, CapsuleParts, DerivationPath, KeyfileBytes, KeyfileKind, Lock, Passphrase, RecoveryWords,
    Vault, WalletInfo, WalletSecret, WrappingKey,
};

use crate::allocation::at_most;

/// A key file of btcli: 64 KiB at most, and its parts copied a few times.
const KEY_FILE_BYTES: usize = 1 << 20;

/// Alice, the well-known development key.
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

pub(crate) fn keyfile(data: &[u8]) {
    at_most(KEY_FILE_BYTES, || {
        let Ok(file) = KeyfileBytes::parse(data) else { return };
        let address = file.address();
        match (file.kind(), file.open(None)) {
            // A file need not state an address; one that does is opened for that address only.
            (KeyfileKind::Plain, Ok(secret)) => assert!(address.is_err() || address.ok() == Some(secret.hotkey())),
            (KeyfileKind::Plain, Err(_)) => {}
            (_, opened) => assert!(opened.is_err() && address.is_err()),
        }
    });
}

pub(crate) fn keyfile_seeds() -> Vec<Vec<u8>> {
    let public = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
    let seed = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
    let plain = format!(
        r#"{{"accountId":"{public}","publicKey":"{public}","secretPhrase":null,"secretSeed":"{seed}","ss58Address":"{ALICE}"}}"#
    );
    let only_public = format!(r#"{{"accountId":"{public}","publicKey":"{public}","ss58Address":"{ALICE}"}}"#);
    assert!(KeyfileBytes::parse(plain.as_bytes()).unwrap().open(None).is_ok());
    let nacl = [b"$NACL".as_slice(), &[7; 120]].concat();
    let ansible = "$ANSIBLE_VAULT;1.1;AES256\n".to_owned() + &"3".repeat(80) + "\n";
    vec![plain.into_bytes(), only_public.into_bytes(), nacl, ansible.into_bytes(), b"gAAAAA".to_vec()]
}

pub(crate) fn vault(data: &[u8]) {
    at_most(KEY_FILE_BYTES, || {
        if let Ok((info, _)) = Vault::parse(data) {
            assert_eq!(info.check(), Ok(()));
        }
    });
}

pub(crate) fn vault_seeds() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let secret = WalletSecret::from_seed(&[7; 32]);
    let mut info = WalletInfo::new("default", secret.hotkey(), 1_800_000_000_000).unwrap();
    info.payout = Some(Coldkey([3; 32]));
    let (key, passphrase) = (WrappingKey::from_bytes(&[9; 32]), Passphrase::new("passphrase".to_owned()).unwrap());
    let made = |name: &str, lock: Lock<'_>| {
        let path = folder.path().join(name);
        Vault::create(&path, &info, &secret, lock).unwrap();
        std::fs::read(path).unwrap()
    };
    vec![
        made("kept", Lock::WrappingKey { id: "covey/default", key: &key }),
        made("typed", Lock::Passphrase(&passphrase)),
    ]
}

pub(crate) fn capsule(data: &[u8]) {
    at_most(KEY_FILE_BYTES, || {
        if let Ok(info) = Capsule::inspect_bytes(data) {
            assert_eq!(info.wallet.check(), Ok(()));
        }
    });
}

pub(crate) fn capsule_seeds() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capsule");
    let secret = WalletSecret::from_seed(&[7; 32]);
    let wallet = WalletInfo::new("default", secret.hotkey(), 1_800_000_000_000).unwrap();
    let info = CapsuleInfo { wallet, made_at_ms: 1_800_000_000_000 };
    let mut parts = CapsuleParts::default();
    parts.insert(CapsuleParts::SETTINGS, b"{}".to_vec()).unwrap();
    Capsule::seal(&path, &info, &secret, &parts, &Passphrase::new("passphrase".to_owned()).unwrap()).unwrap();
    let file = std::fs::read(path).unwrap();
    Capsule::inspect_bytes(&file).unwrap();
    vec![file]
}

pub(crate) fn words(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(words) = RecoveryWords::parse(text) {
        let plain = words.reveal().collect::<Vec<_>>().join(" ");
        assert!(RecoveryWords::parse(&plain).is_ok_and(|again| again.reveal().eq(words.reveal())));
    }
    let _ = DerivationPath::parse(text);
}

pub(crate) fn words_seeds() -> Vec<Vec<u8>> {
    ["bottom drive obey lake curtain smoke basket hold race lonely fit walk", "//Alice/1//stash", "//hard/soft"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}

pub(crate) fn ss58(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // An address has one spelling.
    if let Ok(key) = text.parse::<Hotkey>() {
        assert_eq!(key.ss58(), text);
    }
}

pub(crate) fn ss58_seeds() -> Vec<Vec<u8>> {
    vec![ALICE.as_bytes().to_vec(), Hotkey([0; 32]).ss58().into_bytes(), Hotkey([0xff; 32]).ss58().into_bytes()]
}

pub(crate) fn sign_payload(data: &[u8]) {
    at_most(1 << 20, || {
        let Ok(payload) = serde_json::from_slice::<SignPayload>(data) else { return };
        let bytes = payload.to_bytes();
        assert!(!bytes.is_empty());
        // What was read is what is signed, however often it crosses a pipe.
        let again: SignPayload = serde_json::from_slice(&serde_json::to_vec(&payload).unwrap()).unwrap();
        assert_eq!(again.to_bytes(), bytes);
        assert_eq!(again, payload);
    });
}

pub(crate) fn sign_payload_seeds() -> Vec<Vec<u8>> {
    let (run, round, digest) = (RunId(Hash32([1; 32])), Round(7), Hash32([2; 32]));
    let record = Record::Attest { round, have: vec![Uid(0), Uid(9)] };
    let payloads = [
        SignPayload::Submission { run, round, digest },
        SignPayload::Publish { genesis: digest, nonce: 3, record },
        SignPayload::Register { genesis: digest, nonce: 0 },
        SignPayload::SetWeights { genesis: digest, nonce: 1, weights: vec![(Uid(1), 65_535)] },
        SignPayload::Block { genesis: digest, digest },
        SignPayload::Manifest { run },
        SignPayload::Extrinsic(crate::chains::transaction()),
    ];
    payloads.iter().map(|payload| serde_json::to_vec(payload).unwrap()).collect()
}
