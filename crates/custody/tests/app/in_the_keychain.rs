//! A wallet of the app in the real GNOME Keyring: made, listed, signed with, locked, removed.
//!
//! The session's bus stands in the environment, so the app runs in this test's own executable, started again.

use std::sync::Arc;

use custody::DeskOrder;
use keychain::OsKeychain;
use view_model::KeychainState;

use crate::app::{ADDRESS, App, WORDS, import, lock, submission, unlock};
use crate::desktop::Desktop;

const ASKED: &str = "COVEY_TEST_KEYCHAIN_APP";

#[test]
fn a_wallet_is_made_listed_signs_and_locks_with_the_real_keyring() {
    let mut desktop = Desktop::unlocked();
    run(&desktop, "whole");
    desktop.assert_nowhere(&[WORDS.as_bytes(), b"caution juice atom"]);
    desktop.stop_keyring();
    desktop.start_keyring(None);
    run(&desktop, "locked");
}

fn run(desktop: &Desktop, part: &str) {
    let mut command = desktop.command(std::env::current_exe().unwrap());
    command.args(["--exact", "in_the_keychain::the_app_itself", "--nocapture"]).env(ASKED, part);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{part}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The app; a test like any other only in that it can be started so.
#[tokio::test]
async fn the_app_itself() {
    let Some(part) = std::env::var_os(ASKED) else { return };
    let folder = signer::wallet_folder().unwrap();
    let mut app = App::start(&folder, Arc::new(OsKeychain::new())).await;
    if part == "locked" {
        assert_eq!(app.view.wallets.len(), 1, "the list needs no keychain");
        assert_eq!(app.code(unlock("default", None)).await, "keychain_locked");
        assert_eq!(app.code(DeskOrder::ProbeKeychain).await, "keychain_locked");
        assert!(matches!(app.view.keychain, KeychainState::Unusable(_)));
        return;
    }
    app.answer(DeskOrder::ProbeKeychain).await;
    assert_eq!(app.view.keychain, KeychainState::Ready);
    let create = DeskOrder::Create { name: "new".into(), words: 24, passphrase: None };
    assert_eq!(app.answer(create).await.len(), 2);
    app.orders.send(DeskOrder::WipeWords).await.unwrap();
    app.answer(import("default", None)).await;
    let names: Vec<_> = app.view.wallets.iter().map(|row| (row.name.as_str(), row.keychain, row.backed_up)).collect();
    assert_eq!(names, [("default", true, true), ("new", true, false)]);
    app.answer(unlock("default", None)).await;
    let hotkey = ADDRESS.parse().unwrap();
    app.signing.sign(hotkey, submission(1, 1)).await.unwrap();
    app.answer(lock("default")).await;
    assert!(app.signing.sign(hotkey, submission(2, 1)).await.is_err());
    assert_eq!(app.code(DeskOrder::Remove { name: "new".into(), typed: "new".into() }).await, "no_backup");
    let path = folder.join("new.vault");
    let left = signer::keep::remove_wallet(&path, "new", true, &OsKeychain::new()).unwrap();
    assert!(left.is_none(), "the keyring's item went with it: {left:?}");
    app.end().await;
}
