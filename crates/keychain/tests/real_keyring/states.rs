//! Every state that a keychain can be in, told apart, and nothing secret in plain text on disk in any of them.

use std::path::PathBuf;

use wallet::{Lock, Vault, WalletInfo, WalletSecret};

use crate::desktop::Desktop;
use crate::program::{Program, Step, typed};
use crate::prompter::{Manner, Prompter};

const PASSPHRASE: &str = "four bears in a boat";
const SEED: [u8; 32] = *b"canary seed, never in plain text";

fn key(id: &str, byte: u8) -> [Step; 2] {
    [Step::Set { id: id.into(), byte }, Step::Get { id: id.into(), byte }]
}

fn code(answer: &Result<String, String>) -> &str {
    answer.as_ref().map_or_else(String::as_str, String::as_str)
}

/// A vault in the desktop's home, locked by [`PASSPHRASE`].
fn vault(desktop: &Desktop) -> PathBuf {
    let path = desktop.home().join("default.vault");
    let secret = WalletSecret::from_seed(&SEED);
    let info = WalletInfo::new("default", secret.hotkey(), 0).unwrap();
    Vault::create(&path, &info, &secret, Lock::Passphrase(&typed(PASSPHRASE))).unwrap();
    path
}

#[test]
fn an_unlocked_keychain_keeps_a_key_across_programs_and_restarts() {
    let mut desktop = Desktop::unlocked();
    let mut program = Program::start(&desktop);
    assert_eq!(program.ask(&Step::Probe), Ok("done".into()));
    let [set, get] = key("one", 0xA7);
    assert_eq!(program.ask(&set), Ok("done".into()));
    assert_eq!(Program::start(&desktop).ask(&get), Ok("same".into()));
    desktop.stop_keyring();
    desktop.start_keyring(Some("test-password"));
    // The same program finds the new service.
    assert_eq!(program.ask(&get).or_else(|_| program.ask(&get)), Ok("same".into()));
    assert_eq!(program.ask(&Step::Delete { id: "one".into() }), Ok("done".into()));
    assert_eq!(code(&program.ask(&get)), "keychain_item_lost");
    assert_eq!(code(&program.ask(&Step::Delete { id: "one".into() })), "keychain_item_lost");
    desktop.assert_nowhere(&[&[0xA7; 32]]);
}

#[test]
fn no_bus_no_service_and_no_collection_are_an_absent_keychain() {
    let without_collection = || {
        let mut desktop = Desktop::without_keyring();
        desktop.start_keyring(None);
        desktop
    };
    for (what, desktop) in [
        ("no bus", Desktop::without_bus()),
        ("no service", Desktop::without_keyring()),
        ("no collection", without_collection()),
    ] {
        let mut program = Program::start(&desktop);
        assert_eq!(code(&program.ask(&Step::Probe)), "keychain_absent", "{what}");
        assert_eq!(code(&program.ask(&key("one", 0xA7)[0])), "keychain_absent", "{what}");
        let vault = vault(&desktop);
        let before = std::fs::read(&vault).unwrap();
        let protect = Step::Protect { vault: vault.clone(), passphrase: PASSPHRASE.into() };
        assert_eq!(code(&program.ask(&protect)), "keychain_absent", "{what}");
        assert_eq!(std::fs::read(&vault).unwrap(), before, "{what}: the vault changed");
        desktop.assert_nowhere(&[&[0xA7; 32], &SEED, PASSPHRASE.as_bytes()]);
    }
}

#[test]
fn a_locked_keychain_is_locked_whether_or_not_it_holds_the_item() {
    let mut desktop = Desktop::unlocked();
    let [set, get] = key("one", 0xA7);
    assert_eq!(Program::start(&desktop).ask(&set), Ok("done".into()));
    desktop.stop_keyring();
    desktop.start_keyring(None);
    let mut program = Program::start(&desktop);
    assert_eq!(code(&program.ask(&get)), "keychain_locked");
    assert_eq!(code(&program.ask(&set)), "keychain_locked");
    // Not "lost": a locked keychain does not show what it holds.
    assert_eq!(code(&program.ask(&Step::Get { id: "absent".into(), byte: 0 })), "keychain_locked");
    assert_eq!(code(&program.ask(&Step::Probe)), "keychain_locked");
    // Unlocked again, nothing is lost.
    desktop.stop_keyring();
    desktop.start_keyring(Some("test-password"));
    assert_eq!(Program::start(&desktop).ask(&get), Ok("same".into()));
    desktop.assert_nowhere(&[&[0xA7; 32]]);
}

#[test]
fn a_question_that_a_person_dismisses_is_denied_and_one_nobody_answers_is_slow() {
    let mut desktop = Desktop::unlocked();
    let [set, get] = key("one", 0xA7);
    assert_eq!(Program::start(&desktop).ask(&set), Ok("done".into()));
    desktop.stop_keyring();
    desktop.start_keyring(None);
    {
        let prompter = Prompter::start(&desktop, Manner::SaysNo);
        assert_eq!(code(&Program::start_with_screen(&desktop).ask(&get)), "keychain_denied");
        assert!(prompter.was_asked(), "the keyring asked nobody");
    }
    let prompter = Prompter::start(&desktop, Manner::SaysNothing);
    let mut program = Program::start_with_screen(&desktop);
    program.ask(&Step::Limit(2)).unwrap();
    assert_eq!(code(&program.ask(&get)), "keychain_slow");
    assert!(prompter.was_asked(), "the keyring asked nobody");
    desktop.assert_nowhere(&[&[0xA7; 32]]);
}

#[test]
fn a_keychain_that_hangs_is_slow_and_works_again_once_it_answers() {
    let desktop = Desktop::unlocked();
    let mut program = Program::start(&desktop);
    program.ask(&Step::Limit(1)).unwrap();
    let [set, get] = key("one", 0xA7);
    assert_eq!(program.ask(&set), Ok("done".into()));
    desktop.freeze_keyring(true);
    let threads = threads(program.pid());
    for _ in 0..3 {
        assert_eq!(code(&program.ask(&get)), "keychain_slow");
    }
    assert_eq!(code(&program.ask(&key("two", 0xB8)[0])), "keychain_slow");
    assert_eq!(self::threads(program.pid()), threads, "hung calls pile up threads");
    desktop.freeze_keyring(false);
    let mut answer = program.ask(&get);
    while code(&answer) == "keychain_slow" {
        answer = program.ask(&get);
    }
    assert_eq!(answer, Ok("same".into()));
    assert_eq!(
        code(&program.ask(&key("two", 0xB8)[1])),
        "keychain_item_lost",
        "a write that was given up stays undone"
    );
    desktop.assert_nowhere(&[&[0xA7; 32], &[0xB8; 32]]);
}

#[test]
fn a_vault_moves_into_the_keychain_and_back_and_a_lost_item_is_no_lost_wallet() {
    let desktop = Desktop::unlocked();
    let vault = vault(&desktop);
    let mut program = Program::start(&desktop);
    let hotkey = WalletSecret::from_seed(&SEED).hotkey().ss58();
    let protect = || Step::Protect { vault: vault.clone(), passphrase: PASSPHRASE.into() };
    let unprotect = || Step::Unprotect { vault: vault.clone(), passphrase: PASSPHRASE.into() };
    let open = || Step::Open { vault: vault.clone(), passphrase: None };
    program.ask(&protect()).unwrap();
    assert_eq!(program.ask(&open()), Ok(hotkey.clone()));
    assert_eq!(code(&program.ask(&unprotect())), "None", "nothing is left behind");
    assert_eq!(program.ask(&Step::Open { vault: vault.clone(), passphrase: Some(PASSPHRASE.into()) }), Ok(hotkey));
    let id = program.ask(&protect()).unwrap();
    let before = std::fs::read(&vault).unwrap();
    program.ask(&Step::Spoil { id: id.clone() }).unwrap();
    assert_eq!(code(&program.ask(&open())), "keychain_item_corrupt");
    program.ask(&Step::Delete { id }).unwrap();
    assert_eq!(code(&program.ask(&open())), "keychain_item_lost");
    assert_eq!(code(&program.ask(&unprotect())), "keychain_item_lost");
    assert_eq!(std::fs::read(&vault).unwrap(), before, "the vault changed");
    desktop.assert_nowhere(&[&SEED, PASSPHRASE.as_bytes()]);
}

fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
}
