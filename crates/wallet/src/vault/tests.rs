//! The vault's promises: opens with its lock only, every damage refused, nothing overwritten, nothing lost.

use std::fs;

use types::Coldkey;

use super::*;
use crate::RecoveryWords;

/// Work that costs nothing, so that every byte can be tried.
const CHEAP: Kdf = Kdf { memory_kib: 8, passes: 1, lanes: 1 };
const WORDS: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

fn secret() -> WalletSecret {
    WalletSecret::from_words(RecoveryWords::parse(WORDS).unwrap(), "//hotkey//0").unwrap()
}

fn info() -> WalletInfo {
    let mut info = WalletInfo::new("default", secret().hotkey(), 1_790_000_000_000).unwrap();
    info.payout = Some(Coldkey([9; 32]));
    info
}

fn folder_names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

struct Place {
    dir: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("default.vault");
        Self { dir, path }
    }

    fn cheap(&self, lock: Lock<'_>) -> Vault {
        Vault::create_with(&self.path, &info(), &secret(), lock, CHEAP).unwrap()
    }
}

fn is_refused(error: &VaultError) -> bool {
    matches!(error, VaultError::Seal(SealError::Refused))
}

#[test]
fn a_vault_opens_with_its_passphrase_at_the_real_cost() {
    let place = Place::new();
    let right = passphrase("correct horse");
    Vault::create(&place.path, &info(), &secret(), Lock::Passphrase(&right)).unwrap();
    let before = fs::read(&place.path).unwrap();
    let vault = Vault::read(&place.path).unwrap();
    assert_eq!((vault.info(), vault.lock_kind()), (&info(), &LockKind::Passphrase));
    assert_eq!(vault.header.kdf, Kdf { memory_kib: 65_536, passes: 3, lanes: 1 });
    let opened = vault.unlock(Lock::Passphrase(&right)).unwrap();
    assert_eq!(opened.hotkey(), secret().hotkey());
    assert!(opened.words().unwrap().reveal().eq(WORDS.split(' ')));
    let wrong = passphrase("Correct horse");
    assert!(is_refused(&vault.unlock(Lock::Passphrase(&wrong)).err().unwrap()));
    assert_eq!(fs::read(&place.path).unwrap(), before, "a wrong password leaves the file untouched");
}

#[test]
fn nothing_secret_stands_in_the_file() {
    let place = Place::new();
    place.cheap(Lock::Passphrase(&passphrase("correct horse")));
    let file = fs::read(&place.path).unwrap();
    let holds = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"default"), "the name is public");
    for secret_part in [b"bottom".as_slice(), b"correct horse", b"//hotkey", &secret().to_plain()[2..18]] {
        assert!(!holds(secret_part));
    }
    assert!(!holds(&secret().signer().expanded()[..32]));
}

#[test]
fn a_keychain_vault_opens_with_its_key_and_name_only() {
    let place = Place::new();
    let key = WrappingKey::generate().unwrap();
    let vault = place.cheap(Lock::WrappingKey { id: "vault-key/default", key: &key });
    assert_eq!(vault.lock_kind(), &LockKind::Keychain { id: "vault-key/default".into() });
    assert!(vault.unlock(Lock::WrappingKey { id: "vault-key/default", key: &key }).is_ok());
    let other = WrappingKey::generate().unwrap();
    let wrong = vault.unlock(Lock::WrappingKey { id: "vault-key/default", key: &other }).err().unwrap();
    assert!(is_refused(&wrong));
    for lock in [Lock::WrappingKey { id: "vault-key/x", key: &key }, Lock::Passphrase(&passphrase("p"))] {
        let error = vault.unlock(lock).err().unwrap();
        assert!(matches!(error, VaultError::OtherLock(LockKind::Keychain { .. })), "{error}");
    }
    for id in ["", "a\nb", &"x".repeat(257)] {
        let lock = Lock::WrappingKey { id, key: &key };
        let path = place.dir.path().join("other");
        assert!(matches!(Vault::create(&path, &info(), &secret(), lock), Err(VaultError::Format(_))));
    }
    assert_eq!(folder_names(place.dir.path()), ["default.vault"]);
}

/// Tries a damaged file and checks that it is refused and stays as it is.
fn check_refused(path: &Path, damaged: &[u8], lock: Lock<'_>) {
    fs::write(path, damaged).unwrap();
    let unlocked = Vault::read(path).and_then(|vault| vault.unlock(lock));
    assert!(unlocked.is_err());
    assert_eq!(fs::read(path).unwrap(), damaged);
}

#[test]
fn every_flipped_byte_and_every_truncation_is_refused() {
    let right = passphrase("correct horse");
    let key = WrappingKey::from_bytes(&[5; 32]);
    for lock in [Lock::Passphrase(&right), Lock::WrappingKey { id: "vault-key/default", key: &key }] {
        let place = Place::new();
        place.cheap(lock);
        let whole = fs::read(&place.path).unwrap();
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= flip;
                check_refused(&place.path, &damaged, lock);
            }
            assert!(Vault::parse(&whole[..at]).is_err(), "cut to {at} bytes");
        }
        check_refused(&place.path, &[whole.as_slice(), &[0]].concat(), lock);
        check_refused(&place.path, &vec![0; MAX_FILE_BYTES as usize + 1], lock);
        fs::write(&place.path, &whole).unwrap();
        assert!(Vault::read(&place.path).unwrap().unlock(lock).is_ok());
    }
}

#[test]
fn a_file_that_asks_for_too_much_work_is_refused_before_any() {
    let place = Place::new();
    let vault = place.cheap(Lock::Passphrase(&passphrase("p")));
    for (at, bytes) in [(9, (1u32 << 20) + 1), (13, 17), (17, 5)] {
        let mut file = vault.bytes.clone();
        file[at..at + 4].copy_from_slice(&bytes.to_le_bytes());
        let error = Vault::parse(&file).unwrap_err();
        assert!(matches!(error, VaultError::Seal(SealError::TooMuchWork { .. })), "{error}");
    }
}

#[test]
fn a_wallet_is_never_overwritten() {
    let place = Place::new();
    fs::write(&place.path, b"something").unwrap();
    let lock = passphrase("p");
    let error = Vault::create_with(&place.path, &info(), &secret(), Lock::Passphrase(&lock), CHEAP).err().unwrap();
    assert!(matches!(error, VaultError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&place.path).unwrap(), b"something");
    assert_eq!(folder_names(place.dir.path()), ["default.vault"]);
    let missing = Vault::read(&place.dir.path().join("none")).err().unwrap();
    assert!(matches!(missing, VaultError::Missing { .. }));
}

#[test]
fn rewrapping_moves_between_keychain_and_passphrase_and_the_old_lock_is_gone() {
    let place = Place::new();
    let (old, new) = (passphrase("old"), passphrase("new"));
    let key = WrappingKey::from_bytes(&[5; 32]);
    let keychain = Lock::WrappingKey { id: "vault-key/default", key: &key };
    let mut vault = place.cheap(Lock::Passphrase(&old));
    vault.rewrap_with(Lock::Passphrase(&old), keychain, CHEAP).unwrap();
    assert!(matches!(Vault::read(&place.path).unwrap().lock_kind(), LockKind::Keychain { .. }));
    assert!(vault.unlock(Lock::Passphrase(&old)).is_err());
    vault.rewrap(keychain, Lock::Passphrase(&new)).unwrap();
    let again = Vault::read(&place.path).unwrap();
    assert_eq!(again.header.kdf, Kdf::STANDARD);
    assert_eq!(again.unlock(Lock::Passphrase(&new)).unwrap().hotkey(), secret().hotkey());
    assert!(again.unlock(Lock::Passphrase(&old)).is_err());
    assert_eq!(folder_names(place.dir.path()), ["default.vault"]);
}

#[test]
fn a_rewrap_that_fails_leaves_file_and_vault_as_they_were() {
    let place = Place::new();
    let right = passphrase("right");
    let key = WrappingKey::from_bytes(&[5; 32]);
    let mut vault = place.cheap(Lock::Passphrase(&right));
    let before = fs::read(&place.path).unwrap();
    let wrong = passphrase("wrong");
    assert!(vault.rewrap_with(Lock::Passphrase(&wrong), Lock::Passphrase(&right), CHEAP).is_err());
    let bad_name = Lock::WrappingKey { id: "", key: &key };
    assert!(vault.rewrap_with(Lock::Passphrase(&right), bad_name, CHEAP).is_err());
    assert_eq!(fs::read(&place.path).unwrap(), before);
    assert!(vault.unlock(Lock::Passphrase(&right)).is_ok());
    assert_eq!(folder_names(place.dir.path()), ["default.vault"]);
}

#[test]
fn a_file_that_another_program_changed_is_not_replaced() {
    let place = Place::new();
    let (mine, theirs) = (passphrase("mine"), passphrase("theirs"));
    let mut vault = place.cheap(Lock::Passphrase(&mine));
    let mut other = Vault::read(&place.path).unwrap();
    other.rewrap_with(Lock::Passphrase(&mine), Lock::Passphrase(&theirs), CHEAP).unwrap();
    let error = vault.rewrap_with(Lock::Passphrase(&mine), Lock::Passphrase(&mine), CHEAP).unwrap_err();
    assert!(matches!(error, VaultError::Changed { .. }), "{error}");
    assert!(Vault::read(&place.path).unwrap().unlock(Lock::Passphrase(&theirs)).is_ok());
    fs::remove_file(&place.path).unwrap();
    let error = vault.rewrap_with(Lock::Passphrase(&mine), Lock::Passphrase(&mine), CHEAP).unwrap_err();
    assert!(matches!(error, VaultError::Missing { .. }), "a removed wallet does not come back: {error}");
}

#[test]
fn the_public_part_changes_with_the_lock_only_and_the_address_never() {
    let place = Place::new();
    let right = passphrase("right");
    let mut vault = place.cheap(Lock::Passphrase(&right));
    let before = fs::read(&place.path).unwrap();
    let mut changed = info();
    changed.backed_up = true;
    assert!(vault.update_info(Lock::Passphrase(&passphrase("wrong")), &changed).is_err());
    let mut other_key = changed.clone();
    other_key.hotkey = Hotkey([1; 32]);
    let error = vault.update_info(Lock::Passphrase(&right), &other_key).unwrap_err();
    assert!(matches!(error, VaultError::OtherKey { .. }), "{error}");
    assert_eq!(fs::read(&place.path).unwrap(), before);
    vault.update_info(Lock::Passphrase(&right), &changed).unwrap();
    let again = Vault::read(&place.path).unwrap();
    assert_eq!(again.info(), &changed);
    assert!(again.unlock(Lock::Passphrase(&right)).is_ok());
    assert_ne!(again.header.nonce, Header::parse(&before).unwrap().nonce, "no nonce is used twice");
}

#[test]
fn a_secret_that_does_not_give_the_stated_address_is_refused() {
    // Such a file cannot be made here; this one is built by hand, with the right key and intact.
    let place = Place::new();
    let right = passphrase("right");
    let wrapping = Wrapping::new(Lock::Passphrase(&right), CHEAP).unwrap();
    let plain = WalletSecret::from_seed(&[1; 32]).to_plain();
    let header = Header {
        lock: LockKind::Passphrase,
        kdf: CHEAP,
        salt: wrapping.salt,
        nonce: [1; 24],
        info: info(),
        sealed_bytes: plain.len() + sealed::TAG_BYTES,
    };
    let mut file = header.to_bytes().unwrap();
    let sealed = sealed::encrypt(&wrapping.key, &[1; 24], &file, plain).unwrap();
    file.extend_from_slice(&sealed);
    fs::write(&place.path, &file).unwrap();
    let error = Vault::read(&place.path).unwrap().unlock(Lock::Passphrase(&right)).err().unwrap();
    assert!(matches!(error, VaultError::OtherKey { .. }), "{error}");
    assert!(matches!(
        wrapping.seal(&info(), &WalletSecret::from_seed(&[1; 32]), [0; 24]),
        Err(VaultError::OtherKey { .. })
    ));
}

#[cfg(unix)]
#[test]
fn a_vault_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let right = passphrase("right");
    let mut vault = place.cheap(Lock::Passphrase(&right));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.path), 0o600);
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o644)).unwrap();
    vault.rewrap_with(Lock::Passphrase(&right), Lock::Passphrase(&right), CHEAP).unwrap();
    assert_eq!(mode(&place.path), 0o600);
}

/// The file of fixed salt, nonce and secret. A change of these bytes is a new version of the format.
#[test]
fn the_file_format_is_frozen() {
    let golden = |text: &str| hex::decode(text.split_whitespace().collect::<String>()).unwrap();
    let by_passphrase = golden(include_str!("../../fixtures/vault-v1-passphrase.hex"));
    let salt = std::array::from_fn(|i| i as u8);
    let nonce = std::array::from_fn(|i| 100 + i as u8);
    let right = passphrase("correct horse");
    let key = Kdf::STANDARD.derive(&right, &salt).unwrap();
    let wrapping = Wrapping { kind: LockKind::Passphrase, kdf: Kdf::STANDARD, salt, key };
    let made = wrapping.seal(&info(), &secret(), nonce).unwrap();
    assert_eq!(hex::encode(&made), hex::encode(&by_passphrase));

    let by_keychain = golden(include_str!("../../fixtures/vault-v1-keychain.hex"));
    let key = WrappingKey::from_bytes(&[5; 32]);
    let wrapping = Wrapping::new(Lock::WrappingKey { id: "vault-key/default", key: &key }, CHEAP).unwrap();
    let made = wrapping.seal(&info(), &secret(), nonce).unwrap();
    assert_eq!(hex::encode(&made), hex::encode(&by_keychain));

    let later = [b"CVVAULT\x02".as_slice(), &by_keychain[8..]].concat();
    assert!(matches!(Vault::parse(&later), Err(VaultError::Version(2))));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_header_or_a_typed_error(rest in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Vault::parse(&rest);
            let _ = Vault::parse(&[b"CVVAULT\x01\x01".as_slice(), &rest].concat());
        }

        #[test]
        fn lies_about_lengths_are_refused(at in 60usize..330, with in any::<[u8; 4]>()) {
            let whole = hex::decode(include_str!("../../fixtures/vault-v1-keychain.hex").trim()).unwrap();
            let at = at.min(whole.len() - 4);
            let mut file = whole.clone();
            file[at..at + 4].copy_from_slice(&with);
            // What still reads has another nonce, name or public part, which the cipher refuses.
            if file != whole && let Ok((info, lock)) = Vault::parse(&file) {
                let by_keychain = matches!(lock, LockKind::Keychain { .. });
                prop_assert!(info.check().is_ok() && by_keychain);
            }
        }
    }
}
