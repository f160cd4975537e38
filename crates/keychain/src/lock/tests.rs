//! Moving a vault between passphrase and keychain while the keychain fails at each single step: at every moment one of
//! the two opens the file, and nothing is left over.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use types::Hotkey;
use wallet::WalletInfo;

use super::*;

/// A keychain in memory whose n-th call goes wrong.
#[derive(Default)]
struct Scripted {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    items: HashMap<String, [u8; 32]>,
    calls: usize,
    fails_at: Option<(usize, Fault)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Error,
    /// Takes a key and keeps another; gives another than it has.
    Lies,
    /// Takes a key and keeps nothing; finds nothing; deletes nothing.
    Forgets,
}

impl Scripted {
    fn failing(call: usize, fault: Fault) -> Self {
        let keychain = Self::default();
        keychain.fail_at(call, fault);
        keychain
    }

    fn fail_at(&self, call: usize, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        (state.calls, state.fails_at) = (0, Some((call, fault)));
    }

    fn sound(&self) {
        self.state.lock().unwrap().fails_at = None;
    }

    fn items(&self) -> usize {
        self.state.lock().unwrap().items.len()
    }

    fn calls(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    fn spoil(&self) {
        self.state.lock().unwrap().items.values_mut().for_each(|key| key[0] ^= 1);
    }
}

impl State {
    fn fault(&mut self) -> Result<Option<Fault>, KeychainError> {
        self.calls += 1;
        match self.fails_at {
            Some((call, Fault::Error)) if call == self.calls => Err(KeychainError::Locked),
            Some((call, fault)) if call == self.calls => Ok(Some(fault)),
            _ => Ok(None),
        }
    }
}

impl Keychain for Scripted {
    fn get(&self, id: &KeyId) -> Result<WrappingKey, KeychainError> {
        let mut state = self.state.lock().unwrap();
        let fault = state.fault()?;
        let lost = || KeychainError::Lost { id: id.to_string() };
        let mut key = *state.items.get(id.as_str()).ok_or_else(lost)?;
        match fault {
            Some(Fault::Forgets) => return Err(lost()),
            Some(_) => key[0] ^= 1,
            None => {}
        }
        Ok(WrappingKey::from_bytes(&key))
    }

    fn set(&self, id: &KeyId, key: &WrappingKey) -> Result<(), KeychainError> {
        let mut state = self.state.lock().unwrap();
        let fault = state.fault()?;
        let mut key = *key.expose();
        if fault == Some(Fault::Lies) {
            key[0] ^= 1;
        }
        if fault != Some(Fault::Forgets) {
            state.items.insert(id.to_string(), key);
        }
        Ok(())
    }

    fn delete(&self, id: &KeyId) -> Result<(), KeychainError> {
        let mut state = self.state.lock().unwrap();
        if state.fault()?.is_some() {
            return Ok(());
        }
        state.items.remove(id.as_str()).map(drop).ok_or_else(|| KeychainError::Lost { id: id.to_string() })
    }
}

struct Wallet {
    _dir: tempfile::TempDir,
    path: PathBuf,
    hotkey: Hotkey,
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

/// Made once: a passphrase is slow on purpose.
static VAULT: LazyLock<(Vec<u8>, Hotkey)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("default.vault");
    let secret = WalletSecret::from_seed(&[9; 32]);
    let info = WalletInfo::new("default", secret.hotkey(), 0).unwrap();
    Vault::create(&path, &info, &secret, Lock::Passphrase(&passphrase("old"))).unwrap();
    (std::fs::read(&path).unwrap(), secret.hotkey())
});

impl Wallet {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("default.vault");
        std::fs::write(&path, &VAULT.0).unwrap();
        Self { _dir: dir, path, hotkey: VAULT.1 }
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap()
    }

    fn open(&self, keychain: &Scripted, typed: Option<&str>) -> Result<Hotkey, LockError> {
        let mut ask = || typed.map(passphrase).ok_or_else(|| "nobody there".to_owned());
        open_vault(&self.path, keychain, &mut ask).map(|opened| opened.secret.hotkey())
    }

    fn in_keychain(&self) -> bool {
        matches!(Vault::read(&self.path).unwrap().lock_kind(), LockKind::Keychain { .. })
    }
}

#[test]
fn a_vault_moves_into_the_keychain_and_back() {
    let (wallet, keychain) = (Wallet::new(), Scripted::default());
    protect(&wallet.path, &passphrase("old"), &keychain).unwrap();
    assert_eq!(wallet.open(&keychain, None).unwrap(), wallet.hotkey);
    assert_eq!(keychain.items(), 1, "the probe's canary is gone");
    assert!(matches!(protect(&wallet.path, &passphrase("old"), &keychain), Err(LockError::Already(_))));
    assert!(unprotect(&wallet.path, &passphrase("new"), &keychain).unwrap().left_behind.is_none());
    assert_eq!(wallet.open(&keychain, Some("new")).unwrap(), wallet.hotkey);
    assert!(wallet.open(&keychain, Some("old")).is_err());
    assert_eq!(keychain.items(), 0);
    assert!(matches!(unprotect(&wallet.path, &passphrase("x"), &keychain), Err(LockError::Already(_))));
}

#[test]
fn a_wrong_passphrase_never_touches_the_keychain() {
    let (wallet, keychain) = (Wallet::new(), Scripted::default());
    let before = wallet.bytes();
    let error = protect(&wallet.path, &passphrase("wrong"), &keychain).unwrap_err();
    assert_eq!(error.problem().code, "wallet_not_opened");
    assert_eq!((wallet.bytes(), keychain.calls()), (before, 0));
}

#[test]
fn whichever_step_of_protecting_fails_the_passphrase_still_opens_and_no_key_is_left() {
    let steps = {
        let (wallet, keychain) = (Wallet::new(), Scripted::default());
        protect(&wallet.path, &passphrase("old"), &keychain).unwrap();
        keychain.calls()
    };
    assert_eq!(steps, 6, "probe: set, get, delete, get; then set, get");
    for fault in [Fault::Error, Fault::Lies, Fault::Forgets] {
        for step in 1..=steps {
            let (wallet, keychain) = (Wallet::new(), Scripted::failing(step, fault));
            let before = wallet.bytes();
            let result = protect(&wallet.path, &passphrase("old"), &keychain);
            // The probe's last look finds nothing; one that is told so wrongly has been told the truth.
            if step == 4 && fault != Fault::Error {
                assert!(result.is_ok());
                continue;
            }
            assert!(matches!(result, Err(LockError::Keychain(_))), "{fault:?} at {step}");
            assert_eq!(wallet.bytes(), before, "{fault:?} at {step}: the vault changed");
            keychain.sound();
            assert_eq!(wallet.open(&keychain, Some("old")).unwrap(), wallet.hotkey);
            // A canary that could not be deleted opens nothing.
            assert!(keychain.items() <= usize::from(step == 3), "{fault:?} at {step}: a key was left behind");
        }
    }
}

/// Another program writes to the vault while the key is stored.
struct Meddled<'a> {
    keychain: &'a Scripted,
    wallet: &'a Wallet,
    meddle: fn(&Wallet),
}

impl Keychain for Meddled<'_> {
    fn get(&self, id: &KeyId) -> Result<WrappingKey, KeychainError> {
        self.keychain.get(id)
    }

    fn set(&self, id: &KeyId, key: &WrappingKey) -> Result<(), KeychainError> {
        (self.meddle)(self.wallet);
        self.keychain.set(id, key)
    }

    fn delete(&self, id: &KeyId) -> Result<(), KeychainError> {
        self.keychain.delete(id)
    }
}

#[test]
fn a_vault_that_another_program_changed_meanwhile_is_left_as_that_program_wrote_it() {
    let (wallet, keychain) = (Wallet::new(), Scripted::default());
    let meddle = |wallet: &Wallet| {
        let mut vault = Vault::read(&wallet.path).unwrap();
        let mut info = vault.info().clone();
        info.backed_up = true;
        vault.update_info(Lock::Passphrase(&passphrase("old")), &info).unwrap();
    };
    let meddled = Meddled { keychain: &keychain, wallet: &wallet, meddle };
    assert!(matches!(protect(&wallet.path, &passphrase("old"), &meddled), Err(LockError::Vault(_))));
    assert!(Vault::read(&wallet.path).unwrap().info().backed_up);
    assert_eq!(wallet.open(&keychain, Some("old")).unwrap(), wallet.hotkey);
    assert_eq!(keychain.items(), 0, "the file names no key, so none is left behind");
}

#[test]
fn a_key_stays_where_it_cannot_be_known_whether_the_file_needs_it() {
    let (wallet, keychain) = (Wallet::new(), Scripted::default());
    let sound = wallet.bytes();
    let meddle = |wallet: &Wallet| std::fs::write(&wallet.path, b"cut").unwrap();
    let meddled = Meddled { keychain: &keychain, wallet: &wallet, meddle };
    assert!(matches!(protect(&wallet.path, &passphrase("old"), &meddled), Err(LockError::Vault(_))));
    assert_eq!(keychain.items(), 1);
    std::fs::write(&wallet.path, &sound).unwrap();
    assert_eq!(wallet.open(&keychain, Some("old")).unwrap(), wallet.hotkey);
}

#[test]
fn whichever_step_of_unprotecting_fails_one_of_the_two_opens() {
    for fault in [Fault::Error, Fault::Lies, Fault::Forgets] {
        for step in 1..=2 {
            let (wallet, keychain) = (Wallet::new(), Scripted::default());
            protect(&wallet.path, &passphrase("old"), &keychain).unwrap();
            let before = wallet.bytes();
            keychain.fail_at(step, fault);
            let result = unprotect(&wallet.path, &passphrase("new"), &keychain);
            keychain.sound();
            if step == 1 {
                assert!(matches!(result, Err(LockError::Keychain(_))), "{fault:?}");
                assert_eq!(wallet.bytes(), before);
                assert_eq!(wallet.open(&keychain, None).unwrap(), wallet.hotkey);
            } else {
                // Deleting comes last: the passphrase opens, and the item opens nothing any more.
                assert_eq!(result.unwrap().left_behind.is_some(), fault == Fault::Error);
                assert!(!wallet.in_keychain());
                assert_eq!(wallet.open(&keychain, Some("new")).unwrap(), wallet.hotkey);
            }
        }
    }
}

#[test]
fn a_missing_or_wrong_item_is_said_to_be_that_and_the_vault_stays() {
    let (wallet, keychain) = (Wallet::new(), Scripted::default());
    protect(&wallet.path, &passphrase("old"), &keychain).unwrap();
    let before = wallet.bytes();
    keychain.spoil();
    assert_eq!(wallet.open(&keychain, Some("old")).unwrap_err().problem().code, "keychain_item_corrupt");
    let empty = Scripted::default();
    assert_eq!(wallet.open(&empty, Some("old")).unwrap_err().problem().code, "keychain_item_lost");
    assert_eq!(wallet.bytes(), before);
    std::fs::remove_file(&wallet.path).unwrap();
    assert_eq!(wallet.open(&empty, None).unwrap_err().problem().code, "wallet_missing");
}

#[test]
fn a_stored_key_is_the_one_that_was_given_and_no_two_share_a_name() {
    let keychain = Scripted::default();
    let (one, key) = store_key("default", &keychain).unwrap();
    let (two, _) = store_key("default", &keychain).unwrap();
    assert_ne!(one, two);
    assert_eq!(keychain.get(&one).unwrap().expose(), key.expose());
}

#[test]
fn a_passphrase_that_nobody_types_is_asked_for_in_words() {
    let wallet = Wallet::new();
    let error = wallet.open(&Scripted::default(), None).unwrap_err();
    assert_eq!((error.problem().code.as_str(), error.to_string().as_str()), ("no_passphrase", "nobody there"));
}
