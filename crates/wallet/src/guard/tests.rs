//! The guard's promises: operations, rates and daily caps, prices, one submission per round, also across restarts.

use std::time::Duration;

use types::{Announcement, CommitData, Era, Extrinsic};

use super::limits::{DAY, MINUTE};
use super::log::MAX_LINE_BYTES;
use super::rounds::ROUNDS_KEPT;
use super::*;
use crate::LocalSigner;

/// Noon of a day, in milliseconds since 1970.
const NOON: u64 = 20_000 * DAY_MS + DAY_MS / 2;
const DAY_MS: u64 = 86_400_000;

fn guard(log: Option<PathBuf>, per_minute: usize) -> GuardedSigner<LocalSigner> {
    try_guard(log, Limits { per_minute, per_day: usize::MAX }).unwrap()
}

fn try_guard(log: Option<PathBuf>, limits: Limits) -> Result<GuardedSigner<LocalSigner>, GuardError> {
    let policy = GuardPolicy::uniform(["submission", "register"], limits, log);
    GuardedSigner::new(LocalSigner::from_seed(&[3; 32]), policy)
}

impl<S: Signer> GuardedSigner<S> {
    fn admit_at_noon(&self, payload: &SignPayload, now: Instant) -> Result<(), SignError> {
        self.admit(payload, now, NOON)
    }
}

fn submission(round: u64, digest: u8) -> SignPayload {
    SignPayload::Submission { run: RunId(Hash32([1; 32])), round: Round(round), digest: Hash32([digest; 32]) }
}

const TEN: Limits = Limits { per_minute: 10, per_day: 10 };
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
    assert!(guard.admit_at_noon(&REGISTER, start).is_ok());
    assert!(guard.admit_at_noon(&REGISTER, start + MINUTE / 2).is_ok());
    assert!(guard.admit_at_noon(&REGISTER, start + MINUTE / 2).is_err());
    assert!(guard.admit_at_noon(&submission(1, 1), start + MINUTE / 2).is_ok());
    assert!(guard.admit_at_noon(&REGISTER, start + MINUTE).is_ok());
    assert!(guard.admit_at_noon(&REGISTER, start + MINUTE).is_err());
}

#[test]
fn never_two_different_submissions_for_one_round() {
    let guard = guard(None, 100);
    let now = Instant::now();
    assert!(guard.admit_at_noon(&submission(5, 1), now).is_ok());
    assert!(guard.admit_at_noon(&submission(5, 1), now).is_ok(), "asking again for the same is harmless");
    assert!(guard.admit_at_noon(&submission(5, 2), now).is_err());
    assert!(guard.admit_at_noon(&submission(6, 2), now).is_ok());
}

#[test]
fn forgotten_rounds_are_refused() {
    let guard = guard(None, 10_000);
    let now = Instant::now();
    for round in 10..10 + ROUNDS_KEPT as u64 + 1 {
        guard.admit_at_noon(&submission(round, 1), now).unwrap();
    }
    assert!(guard.admit_at_noon(&submission(10, 2), now).is_err(), "round 10 is forgotten");
    assert!(guard.admit_at_noon(&submission(11, 2), now).is_err(), "round 11 is remembered");
}

#[test]
fn a_restarted_signer_remembers_and_a_torn_line_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signer.log");
    let now = Instant::now();
    guard(Some(path.clone()), 10).admit_at_noon(&submission(5, 1), now).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut torn = whole.clone();
    torn.extend_from_slice(&whole[..whole.len() / 2]);
    std::fs::write(&path, &torn).unwrap();
    let again = guard(Some(path.clone()), 10);
    assert!(again.admit_at_noon(&submission(5, 2), now).is_err());
    again.admit_at_noon(&REGISTER, now).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with(std::str::from_utf8(&whole).unwrap()));
    assert!(matches!(try_guard(Some(path), TEN), Err(GuardError::InUse { .. })));
}

#[test]
fn a_damaged_log_is_not_guessed_at() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signer.log");
    guard(Some(path.clone()), 10).admit_at_noon(&submission(5, 1), Instant::now()).unwrap();
    let mut text = std::fs::read(&path).unwrap();
    text[3] ^= 1;
    std::fs::write(&path, &text).unwrap();
    assert!(matches!(try_guard(Some(path.clone()), TEN), Err(GuardError::Corrupt { line: 1, .. })));
    std::fs::write(&path, vec![b'x'; 4 * MAX_LINE_BYTES as usize]).unwrap();
    assert!(matches!(try_guard(Some(path), TEN), Err(GuardError::Corrupt { line: 1, .. })));
}

#[test]
fn a_daily_cap_holds_per_operation_until_midnight() {
    let guard = try_guard(None, Limits { per_minute: 100, per_day: 2 }).unwrap();
    let now = Instant::now();
    assert!(guard.admit(&REGISTER, now, NOON).is_ok());
    assert!(guard.admit(&REGISTER, now, NOON).is_ok());
    let midnight = NOON + DAY_MS / 2;
    let later = now + DAY / 2;
    let error = guard.admit(&REGISTER, later, midnight - 1).unwrap_err();
    assert!(error.to_string().contains("at most 2 a day"), "{error}");
    assert!(guard.admit(&submission(1, 1), later, midnight - 1).is_ok());
    assert!(guard.admit(&REGISTER, later, midnight).is_ok());
    let none = try_guard(None, Limits { per_minute: 100, per_day: 0 }).unwrap();
    assert!(none.admit(&REGISTER, now, NOON).is_err());
}

#[test]
fn a_daily_cap_survives_a_restart_and_a_clock_set_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signer.log");
    let limits = Limits { per_minute: 100, per_day: 3 };
    let now = Instant::now();
    let first = try_guard(Some(path.clone()), limits).unwrap();
    first.admit(&REGISTER, now, NOON).unwrap();
    first.admit(&REGISTER, now, NOON - 2 * DAY_MS).unwrap();
    drop(first);
    let second = try_guard(Some(path.clone()), limits).unwrap();
    second.admit(&REGISTER, now, NOON - 3 * DAY_MS).unwrap();
    for at_ms in [NOON, NOON - DAY_MS, 0] {
        assert!(second.admit(&REGISTER, now, at_ms).is_err(), "{at_ms}");
    }
    drop(second);
    let third = try_guard(Some(path), limits).unwrap();
    assert!(third.admit(&REGISTER, now, NOON - DAY_MS).is_err());
    assert!(third.admit(&REGISTER, now, NOON + DAY_MS).is_ok(), "a new day is a new cap");
}

#[test]
fn after_a_day_of_running_the_cap_ends_whatever_the_clock_says() {
    // The clock was far ahead once; without this nothing could be signed until it gets there.
    let guard = try_guard(None, Limits { per_minute: 100, per_day: 1 }).unwrap();
    let now = Instant::now();
    guard.admit(&REGISTER, now, NOON + 1000 * DAY_MS).unwrap();
    assert!(guard.admit(&REGISTER, now + Duration::from_secs(60 * 60), NOON).is_err());
    assert!(guard.admit(&REGISTER, now + DAY, NOON).is_ok());
    assert!(guard.admit(&REGISTER, now + DAY, NOON).is_err());
}

#[test]
fn another_hotkeys_lines_count_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signer.log");
    let limits = Limits { per_minute: 100, per_day: 1 };
    let policy = GuardPolicy::uniform(["register"], limits, Some(path.clone()));
    let other = GuardedSigner::new(LocalSigner::from_seed(&[4; 32]), policy).unwrap();
    other.admit_at_noon(&REGISTER, Instant::now()).unwrap();
    drop(other);
    assert!(try_guard(Some(path), limits).unwrap().admit_at_noon(&REGISTER, Instant::now()).is_ok());
}

#[test]
fn what_was_signed_for_a_round_can_be_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signer.log");
    let run = RunId(Hash32([1; 32]));
    let first = guard(Some(path.clone()), 10_000);
    assert_eq!(first.signed(run, Round(5)), RoundMemory::NotSigned);
    first.admit_at_noon(&submission(5, 7), Instant::now()).unwrap();
    drop(first);
    let again = guard(Some(path), 10_000);
    assert_eq!(again.signed(run, Round(5)), RoundMemory::Signed(Hash32([7; 32])));
    assert_eq!(again.signed(run, Round(4)), RoundMemory::NotSigned);
    assert_eq!(again.signed(RunId(Hash32([2; 32])), Round(5)), RoundMemory::NotSigned);
    let full = guard(None, 10_000);
    for round in 10..10 + ROUNDS_KEPT as u64 {
        full.admit_at_noon(&submission(round, 1), Instant::now()).unwrap();
    }
    assert_eq!(full.signed(run, Round(9)), RoundMemory::Forgotten);
}

fn extrinsic(call: SubtensorCall) -> SignPayload {
    let era = Era::mortal(64, 128, Hash32([0; 32])).unwrap();
    let genesis = Hash32([0; 32]);
    SignPayload::Extrinsic(Extrinsic { genesis, spec_version: 365, transaction_version: 1, nonce: 0, era, call })
}

#[test]
fn a_registration_costs_no_more_than_the_policy_allows() {
    let hotkey = Hotkey([1; 32]);
    let limited = |rao| extrinsic(SubtensorCall::RegisterLimit { netuid: 3, hotkey, limit_price: Rao(rao) });
    let unlimited = extrinsic(SubtensorCall::Register { netuid: 3, hotkey });
    let commit = extrinsic(SubtensorCall::Commit { netuid: 3, data: CommitData::new(vec![1]).unwrap() });
    let signer = |max_register| {
        let limits = Limits { per_minute: 100, per_day: 100 };
        let mut policy = GuardPolicy::uniform(["extrinsic-register", "extrinsic-commit"], limits, None);
        policy.max_register = max_register;
        GuardedSigner::new(LocalSigner::from_seed(&[3; 32]), policy).unwrap()
    };
    let now = Instant::now();
    let priced = signer(Some(Rao(500)));
    assert!(priced.admit_at_noon(&limited(500), now).is_ok());
    assert!(priced.admit_at_noon(&limited(501), now).is_err());
    assert!(priced.admit_at_noon(&unlimited, now).is_err());
    assert!(priced.admit_at_noon(&commit, now).is_ok());
    let unpriced = signer(None);
    assert!(unpriced.admit_at_noon(&limited(1), now).is_err());
    assert!(unpriced.admit_at_noon(&commit, now).is_ok());
}

/// A signer of what peers say to each other, and its hotkey.
fn speaker(log: Option<PathBuf>) -> (GuardedSigner<LocalSigner>, Hotkey) {
    let limits = Limits { per_minute: 10_000, per_day: 10_000 };
    let policy = GuardPolicy::uniform(["peer-binding", "announcement"], limits, log);
    let inner = LocalSigner::from_seed(&[3; 32]);
    let hotkey = inner.hotkey();
    (GuardedSigner::new(inner, policy).unwrap(), hotkey)
}

fn announcement(hotkey: Hotkey, round: u64, root: u8) -> Announcement {
    let (genesis, root) = (Hash32([1; 32]), Hash32([root; 32]));
    Announcement { genesis, netuid: 3, round: Round(round), hotkey, root, bytes: 9, codec: 1, sent_ms: NOON }
}

#[test]
fn a_round_is_announced_with_one_root_only_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signer.log");
    let (first, hotkey) = speaker(Some(path.clone()));
    let now = Instant::now();
    let said = |a: Announcement| SignPayload::Announcement(a);
    let one = announcement(hotkey, 5, 1);
    first.admit_at_noon(&said(one), now).unwrap();
    first.admit_at_noon(&said(Announcement { sent_ms: NOON + 1, ..one }), now).unwrap();
    assert!(first.admit_at_noon(&said(announcement(hotkey, 5, 2)), now).is_err());
    // Another subnet and another chain are other rounds.
    first.admit_at_noon(&said(Announcement { netuid: 4, ..announcement(hotkey, 5, 2) }), now).unwrap();
    first.admit_at_noon(&said(Announcement { genesis: Hash32([2; 32]), ..announcement(hotkey, 5, 2) }), now).unwrap();
    drop(first);
    let (again, _) = speaker(Some(path.clone()));
    let error = again.admit_at_noon(&said(announcement(hotkey, 5, 2)), now).unwrap_err().to_string();
    assert!(error.contains("another announcement was signed for round 5"), "{error}");
    again.admit_at_noon(&said(one), now).unwrap();
    let longest = std::fs::read_to_string(path).unwrap().lines().map(str::len).max().unwrap();
    assert!((longest as u64) < MAX_LINE_BYTES / 2, "{longest}");
}

#[test]
fn a_key_binds_and_announces_for_itself_alone_and_not_for_ever() {
    let (guard, hotkey) = speaker(None);
    let now = Instant::now();
    let (genesis, peer_key) = (Hash32([1; 32]), Hash32([9; 32]));
    let bind = |hotkey, expires_ms| {
        SignPayload::PeerBinding(PeerBinding { genesis, netuid: 3, hotkey, peer_key, seq: 1, expires_ms })
    };
    guard.admit_at_noon(&bind(hotkey, NOON + 1), now).unwrap();
    guard.admit_at_noon(&bind(hotkey, NOON + MAX_BINDING_LIFE_MS), now).unwrap();
    for expires_ms in [0, NOON, NOON + MAX_BINDING_LIFE_MS + 1, u64::MAX] {
        assert!(guard.admit_at_noon(&bind(hotkey, expires_ms), now).is_err(), "{expires_ms}");
    }
    let other = Hotkey([7; 32]);
    assert!(guard.admit_at_noon(&bind(other, NOON + 1), now).is_err());
    assert!(guard.admit_at_noon(&SignPayload::Announcement(announcement(other, 5, 1)), now).is_err());
}
