//! The loop over a stand-in for the peer: a shell script that speaks event lines.

use super::*;
use std::os::unix::fs::PermissionsExt as _;

/// A program that behaves as `script` says; `$0.log` notes what happened to it.
fn stand_in(dir: &Path, script: &str) -> std::path::PathBuf {
    let program = dir.join("covey-peer");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn run(program: &Path, args: &[String]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(supervise(program, args, &mut Terminal::new())).unwrap()
}

fn summary_line() -> String {
    let event = ipc::Event::Summary(Box::default());
    let line = serde_json::to_string(&EventLine { seq: 0, at_ms: 1, event }).unwrap();
    format!("echo '{line}'")
}

#[test]
fn a_finished_rehearsal_is_success_and_gets_its_arguments() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!("echo \"$@\" >\"$0.log\"\necho garbage\n{}", summary_line());
    let program = stand_in(dir.path(), &script);
    assert_eq!(run(&program, &["--rounds".to_owned(), "3".to_owned()]), ExitCode::SUCCESS);
    let log = std::fs::read_to_string(dir.path().join("covey-peer.log")).unwrap();
    assert_eq!(log.trim(), "rehearse --rounds 3 --json");
}

#[test]
fn an_end_without_a_summary_is_a_failure_and_codes_are_passed_on() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(&stand_in(dir.path(), "exit 0"), &[]), ExitCode::FAILURE);
    assert_eq!(run(&stand_in(dir.path(), "exit 31"), &[]), ExitCode::from(31));
    assert_eq!(run(&stand_in(dir.path(), "kill -9 $$"), &[]), ExitCode::FAILURE);
}

#[test]
fn the_peer_is_asked_to_end_before_it_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let script = "trap 'echo asked >\"$0.log\"; exit 7' TERM\necho ready\nwhile :; do sleep 0.05; done";
    let program = stand_in(dir.path(), script);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let code = runtime.block_on(async {
        let mut child = child::start(&program, &[]).unwrap();
        let mut ready = [0; 6];
        child.stdout.as_mut().unwrap().read_exact(&mut ready).await.unwrap();
        let mut state = Shown::new();
        let kill_at = on_end_asked(&mut child, &mut state, None);
        assert!(kill_at > Instant::now(), "there is time to save");
        child.wait().await.unwrap().code()
    });
    assert_eq!(code, Some(7));
    assert_eq!(std::fs::read_to_string(dir.path().join("covey-peer.log")).unwrap().trim(), "asked");
}

#[test]
fn asking_twice_kills_a_peer_that_does_not_listen() {
    let dir = tempfile::tempdir().unwrap();
    let program = stand_in(dir.path(), "trap '' TERM\necho ready\nwhile :; do sleep 0.05; done");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let signal = runtime.block_on(async {
        let mut child = child::start(&program, &[]).unwrap();
        let mut ready = [0; 6];
        child.stdout.as_mut().unwrap().read_exact(&mut ready).await.unwrap();
        let mut state = Shown::new();
        let kill_at = on_end_asked(&mut child, &mut state, None);
        on_end_asked(&mut child, &mut state, Some(kill_at));
        std::os::unix::process::ExitStatusExt::signal(&child.wait().await.unwrap())
    });
    assert_eq!(signal, Some(libc::SIGKILL));
}

#[test]
fn lines_are_heard_however_they_arrive_and_by_either_tag() {
    let line = |tag: &str| {
        format!(
            "{{\"{tag}\":\"peer-1\",\"seq\":0,\"at_ms\":1,\"event\":\"phase_changed\",\"round\":2,\"phase\":\"inner\",\"deadline_block\":9}}\n"
        )
    };
    for tag in ["who", "name"] {
        let (mut state, mut splitter) = (Shown::new(), LineSplitter::new());
        for byte in line(tag).bytes() {
            hear(&mut state, &mut splitter, &[byte]);
        }
        assert_eq!(state.snapshot(0).peers[0].name, "peer-1");
    }
}
