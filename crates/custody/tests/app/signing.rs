//! Unlock, sign, lock, with a signer process behind it.

use std::sync::Arc;

use custody::{Deed, DeskEvent};
use keychain::{KeyId, Keychain, KeychainError};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use types::{Announcement, Hash32, Hotkey, PeerBinding, Round, SignError, SignPayload};
use wallet::WrappingKey;

use crate::app::{ADDRESS, App, PASSPHRASE, import, lock, submission, unlock};

/// A system without a keychain: wallets have passphrases.
pub(crate) struct Nothing;

impl Keychain for Nothing {
    fn get(&self, _id: &KeyId) -> Result<WrappingKey, KeychainError> {
        Err(KeychainError::Absent { why: "a test".into() })
    }

    fn set(&self, _id: &KeyId, _key: &WrappingKey) -> Result<(), KeychainError> {
        Err(KeychainError::Absent { why: "a test".into() })
    }

    fn delete(&self, _id: &KeyId) -> Result<(), KeychainError> {
        Err(KeychainError::Absent { why: "a test".into() })
    }
}

fn hotkey() -> Hotkey {
    ADDRESS.parse().unwrap()
}

async fn with_wallet(folder: &std::path::Path) -> App {
    let mut app = App::start(folder, Arc::new(Nothing)).await;
    app.answer(import("default", Some(PASSPHRASE))).await;
    app
}

fn lives(pid: u32) -> bool {
    test_kill_process(Pid::from_raw(pid.cast_signed()).unwrap()).is_ok()
}

#[tokio::test]
async fn an_unlocked_wallet_signs_what_a_peer_needs_and_a_locked_one_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut app = with_wallet(dir.path()).await;
    let locked = app.signing.sign(hotkey(), submission(1, 1)).await;
    assert!(matches!(locked, Err(SignError::Unavailable(_))), "{locked:?}");
    let events = app.answer(unlock("default", Some(PASSPHRASE))).await;
    let place = Some(ADDRESS.to_owned());
    assert_eq!(events, [DeskEvent::Done { deed: Deed::Unlock, name: "default".into(), place }]);
    assert!(app.view.wallets[0].unlocked);
    let signature = app.signing.sign(hotkey(), submission(1, 1)).await.unwrap();
    hotkey().verify(&submission(1, 1).to_bytes(), &signature).unwrap();
    let two = app.signing.sign(hotkey(), submission(1, 2)).await;
    assert!(matches!(&two, Err(SignError::Refused { reason, .. }) if reason.contains("another submission")), "{two:?}");
    // A refusal is an answer: the signer goes on, also with what peers tell each other.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let binding = PeerBinding {
        genesis: Hash32([1; 32]),
        netuid: 0,
        hotkey: hotkey(),
        peer_key: Hash32([2; 32]),
        seq: 1,
        expires_ms: now + 86_400_000,
    };
    let payload = SignPayload::PeerBinding(binding);
    let signature = app.signing.sign(hotkey(), payload.clone()).await.unwrap();
    hotkey().verify(&payload.to_bytes(), &signature).unwrap();
    let announcement = Announcement {
        genesis: Hash32([1; 32]),
        netuid: 0,
        round: Round(1),
        hotkey: hotkey(),
        root: Hash32([3; 32]),
        bytes: 9,
        codec: 1,
        sent_ms: now,
    };
    app.signing.sign(hotkey(), SignPayload::Announcement(announcement)).await.unwrap();
    let other = SignPayload::Announcement(Announcement { root: Hash32([4; 32]), ..announcement });
    assert!(matches!(app.signing.sign(hotkey(), other).await, Err(SignError::Refused { .. })));
    let pid = app.signing.processes().await[0];
    app.answer(lock("default")).await;
    assert!(!lives(pid) && !app.view.wallets[0].unlocked);
    assert!(app.signing.sign(hotkey(), submission(2, 1)).await.is_err());
}

#[tokio::test]
async fn a_signer_says_in_words_why_it_has_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut app = with_wallet(dir.path()).await;
    assert_eq!(app.code(unlock("default", Some("wrong one"))).await, "wallet_not_opened");
    assert_eq!(app.code(unlock("default", None)).await, "no_passphrase");
    assert_eq!(app.code(unlock("default", Some("two\nlines"))).await, "passphrase_unusable");
    assert_eq!(app.code(unlock("absent", None)).await, "wallet_missing");
    assert_eq!(app.code(unlock("../default", None)).await, "wallet_name");
    assert!(app.signing.processes().await.is_empty());
    app.answer(unlock("default", Some(PASSPHRASE))).await;
    // The same vault under another app: two signers with one key would cost both their standing.
    let mut other = App::start(dir.path(), Arc::new(Nothing)).await;
    assert_eq!(other.code(unlock("default", Some(PASSPHRASE))).await, "wallet_in_use");
    app.answer(lock("default")).await;
    other.answer(unlock("default", Some(PASSPHRASE))).await;
    assert!(other.view.wallets[0].unlocked);
}

#[tokio::test]
async fn a_signer_that_was_killed_is_told_and_the_wallet_counts_as_locked() {
    let dir = tempfile::tempdir().unwrap();
    let mut app = with_wallet(dir.path()).await;
    app.answer(unlock("default", Some(PASSPHRASE))).await;
    let pid = app.signing.processes().await[0];
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    let answer = app.signing.sign(hotkey(), submission(1, 1)).await;
    assert!(matches!(answer, Err(SignError::Unavailable(_))), "{answer:?}");
    app.rest().await;
    assert!(!app.view.wallets[0].unlocked);
    // What it signed and what it did not is remembered by the next one.
    app.answer(unlock("default", Some(PASSPHRASE))).await;
    app.signing.sign(hotkey(), submission(1, 1)).await.unwrap();
}

#[tokio::test]
async fn no_signer_outlives_the_app_or_its_wallet() {
    let dir = tempfile::tempdir().unwrap();
    let mut app = with_wallet(dir.path()).await;
    app.answer(unlock("default", Some(PASSPHRASE))).await;
    let pid = app.signing.processes().await[0];
    let remove = |typed: &str| custody::DeskOrder::Remove { name: "default".into(), typed: typed.into() };
    assert_eq!(app.code(remove("another")).await, "not_confirmed");
    assert!(lives(pid), "it was not removed");
    app.answer(remove("default")).await;
    assert!(!lives(pid));
    app.answer(import("default", Some(PASSPHRASE))).await;
    app.answer(unlock("default", Some(PASSPHRASE))).await;
    let pid = app.signing.processes().await[0];
    app.end().await;
    assert!(!lives(pid));
}
