//! The guard's promises: operations, rate, one submission per round, also across restarts.

use super::*;
use crate::LocalSigner;

fn guard(log: Option<PathBuf>, per_minute: usize) -> GuardedSigner<LocalSigner> {
    try_guard(log, per_minute).unwrap()
}

fn try_guard(log: Option<PathBuf>, per_minute: usize) -> Result<GuardedSigner<LocalSigner>, GuardError> {
    let policy = GuardPolicy { operations: vec!["submission", "register"], per_minute, log };
    GuardedSigner::new(LocalSigner::from_seed(&[3; 32]), policy)
}

fn submission(round: u64, digest: u8) -> SignPayload {
    SignPayload::Submission { run: RunId(Hash32([1; 32])), round: Round(round), digest: Hash32([digest; 32]) }
}

const REGISTER: SignPayload = SignPayload::Register { genesis: Hash32([0; 32]), nonce: 0 };

#[tokio::test]
async fn only_named_operations_are_signed() {
    let guard = guard(None, 10);
    assert!(guard.sign(&REGISTER).await.is_ok());
    let manifest = SignPayload::Manifest { run: RunId(Hash32([1; 32])) };
    assert!(
        matches!(guard.sign(&manifest).await, Err(SignError::Refused { operation, .. }) if operation == "manifest")
    );
}

#[test]
fn the_rate_holds_per_operation_and_frees_up_after_a_minute() {
    let guard = guard(None, 2);
    let start = Instant::now();
    assert!(guard.admit(&REGISTER, start).is_ok());
    assert!(guard.admit(&REGISTER, start + MINUTE / 2).is_ok());
    assert!(guard.admit(&REGISTER, start + MINUTE / 2).is_err());
    assert!(guard.admit(&submission(1, 1), start + MINUTE / 2).is_ok());
    assert!(guard.admit(&REGISTER, start + MINUTE).is_ok());
    assert!(guard.admit(&REGISTER, start + MINUTE).is_err());
}

#[test]
fn never_two_different_submissions_for_one_round() {
    let guard = guard(None, 100);
    let now = Instant::now();
    assert!(guard.admit(&submission(5, 1), now).is_ok());
    assert!(guard.admit(&submission(5, 1), now).is_ok(), "asking again for the same is harmless");
    assert!(guard.admit(&submission(5, 2), now).is_err());
    assert!(guard.admit(&submission(6, 2), now).is_ok());
}

#[test]
fn forgotten_rounds_are_refused() {
    let guard = guard(None, 10_000);
    let now = Instant::now();
    for round in 10..10 + ROUNDS_KEPT as u64 + 1 {
        guard.admit(&submission(round, 1), now).unwrap();
    }
    assert!(guard.admit(&submission(10, 2), now).is_err(), "round 10 is forgotten");
    assert!(guard.admit(&submission(11, 2), now).is_err(), "round 11 is remembered");
}

#[test]
fn a_restarted_signer_remembers_and_a_torn_line_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signer.log");
    let now = Instant::now();
    guard(Some(path.clone()), 10).admit(&submission(5, 1), now).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut torn = whole.clone();
    torn.extend_from_slice(&whole[..whole.len() / 2]);
    std::fs::write(&path, &torn).unwrap();
    let again = guard(Some(path.clone()), 10);
    assert!(again.admit(&submission(5, 2), now).is_err());
    again.admit(&REGISTER, now).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with(std::str::from_utf8(&whole).unwrap()));
    assert!(matches!(try_guard(Some(path), 10), Err(GuardError::InUse { .. })));
}

#[test]
fn a_damaged_log_is_not_guessed_at() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signer.log");
    guard(Some(path.clone()), 10).admit(&submission(5, 1), Instant::now()).unwrap();
    let mut text = std::fs::read(&path).unwrap();
    text[3] ^= 1;
    std::fs::write(&path, &text).unwrap();
    assert!(matches!(try_guard(Some(path.clone()), 10), Err(GuardError::Corrupt { line: 1, .. })));
    std::fs::write(&path, vec![b'x'; 4 * MAX_LINE_BYTES as usize]).unwrap();
    assert!(matches!(try_guard(Some(path), 10), Err(GuardError::Corrupt { line: 1, .. })));
}
