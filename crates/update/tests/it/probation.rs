//! A new version proves itself by two starts and two rounds, or goes by itself.

use crate::release::{in_place, installed, staged};
use update::health::{Start, Verdict};
use update::stage::Home;

fn updated(dir: &tempfile::TempDir) -> Home {
    let home = installed(dir.path(), "1.0.0");
    staged(&home, "2.0.0");
    home.swap("1.0.0", &mut |_| {}).unwrap();
    home
}

fn start(home: &Home) -> Start {
    home.begin_start(&mut |_| {}).unwrap()
}

#[test]
fn a_build_that_crashes_twice_goes_back_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let home = updated(&dir);
    let probation = Start::Probation { from: "1.0.0".into(), to: "2.0.0".into() };
    // Each of these starts ends before the app says that it is up.
    assert_eq!((start(&home), start(&home)), (probation.clone(), probation));
    let back = Start::WentBack { failed: "2.0.0".into(), to: "1.0.0".into() };
    assert_eq!(start(&home), back);
    assert_eq!(in_place(&home), ["1.0.0", "1.0.0"]);
    // The old program, which is started then, tells it once.
    assert_eq!((start(&home), start(&home)), (back, Start::Plain));
    assert_eq!(home.failed().unwrap().as_deref(), Some("2.0.0"));
}

#[test]
fn a_crash_and_then_a_good_start_is_no_reason_to_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let home = updated(&dir);
    for _ in 0..3 {
        start(&home);
        start(&home);
        home.start_was_good().unwrap();
    }
    assert_eq!(in_place(&home), ["2.0.0", "2.0.0"]);
}

#[test]
fn two_starts_and_two_rounds_prove_a_version() {
    let dir = tempfile::tempdir().unwrap();
    let home = updated(&dir);
    start(&home);
    assert_eq!(home.start_was_good().unwrap(), Verdict::GoOn);
    assert_eq!(home.round(true).unwrap(), Verdict::GoOn);
    assert_eq!(home.round(true).unwrap(), Verdict::GoOn);
    start(&home);
    assert_eq!(home.start_was_good().unwrap(), Verdict::Proved);
    assert_eq!(home.journal().unwrap(), None);
    assert_eq!(home.previous().unwrap().as_deref(), Some("1.0.0"), "kept as N-1");
    for _ in 0..5 {
        assert_eq!(start(&home), Start::Plain);
    }
}

#[test]
fn two_failed_rounds_in_a_row_send_a_version_back() {
    let dir = tempfile::tempdir().unwrap();
    let home = updated(&dir);
    start(&home);
    home.start_was_good().unwrap();
    assert_eq!(home.round(false).unwrap(), Verdict::GoOn);
    assert_eq!(home.round(true).unwrap(), Verdict::GoOn);
    assert_eq!(home.round(false).unwrap(), Verdict::GoOn);
    assert_eq!(home.round(false).unwrap(), Verdict::GoBack);
    home.roll_back(&mut |_| {}).unwrap();
    assert_eq!(in_place(&home), ["1.0.0", "1.0.0"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_staged_build_that_does_not_start_here_is_never_put_in() {
    use update::stage::{StageError, smoke};
    let dir = tempfile::tempdir().unwrap();
    let home = installed(dir.path(), "1.0.0");
    staged(&home, "2.0.0");
    smoke(&home.staged_program("covey"), "2.0.0", None).await.unwrap();
    let refused = |version: &'static str, program: std::path::PathBuf| async move {
        matches!(smoke(&program, version, None).await, Err(StageError::Smoke { .. }))
    };
    // An old build under a new number.
    assert!(refused("9.0.0", home.staged_program("covey")).await);
    // A library of this system is missing.
    let broken = dir.path().join("broken");
    std::fs::write(&broken, "#!/bin/sh\necho 2.0.0\nexit 127\n").unwrap();
    std::fs::set_permissions(&broken, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(refused("2.0.0", broken).await);
    assert!(refused("2.0.0", dir.path().join("none")).await);
}
