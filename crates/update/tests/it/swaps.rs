//! A process is killed at every step of a swap and of its way back: the old or the new pair always starts.
//!
//! The step is an injected point in a child process, which ends itself there with SIGKILL (elsewhere: abort).

use std::path::Path;
use std::process::Command;

use crate::release::{in_place, installed, staged};
use update::health::{Start, Verdict};
use update::stage::Home;
use update::swap::{Phase, Recovered, Step};

const ROLE: &str = "COVEY_TEST_SWAP_ROLE";
const FOLDER: &str = "COVEY_TEST_SWAP_FOLDER";
const AT: &str = "COVEY_TEST_SWAP_AT";

fn die() -> ! {
    #[cfg(unix)]
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    std::process::abort()
}

/// Not a test by itself: what the killed child does.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let home = Home::at(std::env::var(FOLDER).unwrap());
    let mut left: usize = std::env::var(AT).unwrap().parse().unwrap();
    let mut step = |_: Step| {
        if left == 0 {
            die();
        }
        left -= 1;
    };
    match role.as_str() {
        "swap" => drop(home.swap("1.0.0", &mut step).unwrap()),
        "back" => drop(home.roll_back(&mut step).unwrap()),
        "recover" => drop(home.recover(&mut step).unwrap()),
        other => panic!("{other}"),
    }
}

/// Runs it in a child that dies at step `at`; whether it got to the end.
fn run(role: &str, folder: &Path, at: usize) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["swaps::child", "--exact", "--nocapture"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .env(AT, at.to_string())
        .output()
        .unwrap();
    let done = output.status.success();
    // Ended by the signal, not by a failed assertion.
    assert!(done || output.status.code().is_none_or(|code| code != 101), "{}", String::from_utf8_lossy(&output.stdout));
    done
}

/// Both programs are there at any moment; after the app's first act they are one pair.
fn starts(home: &Home, why: &str) -> String {
    let before = in_place(home);
    assert_eq!(before.len(), 2, "{why}");
    home.recover(&mut |_| {}).unwrap();
    let after = in_place(home);
    assert_eq!(after[0], after[1], "{why}: {before:?}");
    // Nothing is under way but, perhaps, the probation of the new pair.
    match home.journal().unwrap() {
        None => assert_eq!(after[0], "1.0.0", "{why}"),
        Some(journal) => assert!(journal.phase == Phase::Probation && after[0] == "2.0.0", "{why}"),
    }
    after[0].clone()
}

#[test]
fn a_kill_at_every_step_of_a_swap_leaves_the_old_or_the_new_pair() {
    let (mut old, mut new) = (0, 0);
    for at in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let home = installed(dir.path(), "1.0.0");
        staged(&home, "2.0.0");
        let done = run("swap", dir.path(), at);
        match starts(&home, &format!("killed at step {at}")).as_str() {
            "1.0.0" => old += 1,
            _ => new += 1,
        }
        // Whatever was left, the next update goes through.
        if home.journal().unwrap().is_none() {
            staged(&home, "2.0.0");
            home.swap("1.0.0", &mut |_| {}).unwrap();
            assert_eq!(in_place(&home), ["2.0.0", "2.0.0"]);
        }
        if done {
            break;
        }
    }
    assert!(old >= 5 && new >= 2, "kills before ({old}) and after ({new}) the new pair is in");
}

#[test]
fn a_kill_at_every_step_back_or_of_mending_leaves_one_pair() {
    for role in ["back", "recover"] {
        for at in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let home = installed(dir.path(), "1.0.0");
            staged(&home, "2.0.0");
            // For mending: a swap that died between the two programs.
            let torn = if role == "recover" { between_the_programs() } else { usize::MAX };
            run("swap", dir.path(), torn);
            if role == "recover" {
                assert_eq!(in_place(&home), ["2.0.0", "1.0.0"]);
            }
            let done = run(role, dir.path(), at);
            let pair = starts(&home, &format!("{role} killed at step {at}"));
            if done {
                assert_eq!(pair, "1.0.0");
                break;
            }
        }
    }
}

/// The step after which the peer is new and the app old.
fn between_the_programs() -> usize {
    let dir = tempfile::tempdir().unwrap();
    let home = installed(dir.path(), "1.0.0");
    staged(&home, "2.0.0");
    let mut steps = Vec::new();
    home.swap("1.0.0", &mut |step| steps.push(step)).unwrap();
    steps.iter().position(|step| *step == Step::Replaced).unwrap()
}

#[test]
fn the_pair_before_is_kept_and_can_be_gone_back_to() {
    let dir = tempfile::tempdir().unwrap();
    let home = installed(dir.path(), "1.0.0");
    staged(&home, "2.0.0");
    home.swap("1.0.0", &mut |_| {}).unwrap();
    assert_eq!(home.previous().unwrap().as_deref(), Some("1.0.0"));
    assert_eq!(home.recover(&mut |_| {}).unwrap(), Recovered::Nothing);
    home.roll_back(&mut |_| {}).unwrap();
    assert_eq!(in_place(&home), ["1.0.0", "1.0.0"]);
    assert_eq!(home.failed().unwrap().as_deref(), Some("2.0.0"));
}

#[test]
fn a_second_update_during_probation_goes_back_to_what_had_proved_itself() {
    let dir = tempfile::tempdir().unwrap();
    let home = installed(dir.path(), "1.0.0");
    for (from, to) in [("1.0.0", "2.0.0"), ("2.0.0", "3.0.0")] {
        staged(&home, to);
        home.swap(from, &mut |_| {}).unwrap();
        assert_eq!(in_place(&home), [to, to]);
    }
    for _ in 0..2 {
        assert!(matches!(home.begin_start(&mut |_| {}).unwrap(), Start::Probation { .. }));
    }
    let back = Start::WentBack { failed: "3.0.0".into(), to: "1.0.0".into() };
    assert_eq!(home.begin_start(&mut |_| {}).unwrap(), back);
    assert_eq!(in_place(&home), ["1.0.0", "1.0.0"]);
}

#[test]
fn a_damaged_staged_program_is_not_put_in() {
    let dir = tempfile::tempdir().unwrap();
    let home = installed(dir.path(), "1.0.0");
    staged(&home, "2.0.0");
    std::fs::write(home.staged_program("covey"), b"rotten").unwrap();
    assert!(matches!(home.swap("1.0.0", &mut |_| {}), Err(update::swap::SwapError::NotStaged)));
    assert_eq!(in_place(&home), ["1.0.0", "1.0.0"]);
    assert_eq!(home.round(true).unwrap(), Verdict::GoOn);
}
