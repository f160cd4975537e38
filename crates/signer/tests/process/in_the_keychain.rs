//! A wallet in the real GNOME Keyring: made, signed with, lost and found, and nothing secret in plain text on disk.

use std::process::Stdio;

use crate::desktop::Desktop;
use crate::machine::{ADDRESS, PASSPHRASE, WORDS, run};
use crate::signing::{Signer, submission};

const PROGRAM: &str = env!("CARGO_BIN_EXE_covey-signer");

#[test]
fn a_wallet_in_the_keychain_signs_without_a_passphrase_and_says_when_it_is_locked() {
    let mut desktop = Desktop::unlocked();
    let wallet = |desktop: &Desktop, args: &[&str], stdin: &str| {
        run(desktop.command(PROGRAM).arg("wallet").args(args).arg("--json"), stdin)
    };
    let made = wallet(&desktop, &["import", "--yes"], &format!("{WORDS}\n")).fine();
    assert_eq!((made["locked_by"].as_str(), made["hotkey"].as_str()), (Some("keychain"), Some(ADDRESS)));
    let vault = desktop.home().join(".local/share/covey/wallets/default.vault");
    let signer = |desktop: &Desktop| {
        let mut command = desktop.command(PROGRAM);
        command.arg("signer").arg("--vault").arg(&vault);
        command
    };
    Signer::start(&mut signer(&desktop)).sign(&submission(1, 1)).unwrap();
    desktop.stop_keyring();
    desktop.start_keyring(None);
    let output = signer(&desktop).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("keychain is locked"), "{said}");
    assert_eq!(wallet(&desktop, &["protect", "passphrase"], &format!("{PASSPHRASE}\n")).problem(), "keychain_locked");
    desktop.stop_keyring();
    desktop.start_keyring(Some("test-password"));
    let back = wallet(&desktop, &["protect", "passphrase"], &format!("{PASSPHRASE}\n")).fine();
    assert_eq!(back["locked_by"], "passphrase");
    let words: Vec<&[u8]> = vec![WORDS.as_bytes(), PASSPHRASE.as_bytes(), b"caution juice atom"];
    desktop.assert_nowhere(&words);
}
