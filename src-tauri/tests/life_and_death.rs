//! The real program with a stand-in for the peer beside it: command line, Ctrl-C, and kill -9.
#![cfg(test)]
#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait for something that takes milliseconds; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A fork in one test while another copies a program would keep that program open for writing, and then it cannot start.
static ALONE: Mutex<()> = Mutex::new(());

/// A folder for one test at a time.
struct Installed {
    dir: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Installed {
    fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A folder with `covey` and, if `script` is given, a `covey-peer` that behaves so.
fn installed(script: Option<&str>) -> Installed {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_covey"), dir.path().join("covey")).unwrap();
    if let Some(script) = script {
        let peer = dir.path().join("covey-peer");
        std::fs::write(&peer, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&peer, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    Installed { dir, _alone: alone }
}

fn covey(dir: &Path) -> Command {
    let mut command = Command::new(dir.join("covey"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "still waiting until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Starts `covey` over a peer that runs for a minute, and waits until that peer runs; returns its process id.
fn running(dir: &Path) -> (Child, String) {
    let child = covey(dir).spawn().unwrap();
    let pid_file = dir.join("pid");
    eventually("the peer runs", || std::fs::read_to_string(&pid_file).is_ok_and(|pid| pid.ends_with('\n')));
    (child, std::fs::read_to_string(pid_file).unwrap().trim().to_owned())
}

const LONG_RUNNING: &str = "trap 'exit 0' TERM\necho $$ >\"${0%/*}/pid\"\nfor i in $(seq 1200); do sleep 0.05; done";

fn is_alive(pid: &str) -> bool {
    // A zombie has ended; only its parent has not looked yet.
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

fn sentence(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "one sentence: {text}");
    text
}

#[test]
fn the_peer_does_not_outlive_an_app_that_was_killed() {
    let dir = installed(Some(LONG_RUNNING));
    let (mut app, peer) = running(dir.path());
    app.kill().unwrap(); // SIGKILL: no handler runs
    app.wait().unwrap();
    eventually("the peer has ended", || !is_alive(&peer));
}

#[test]
fn a_polite_end_of_the_app_ends_the_peer_first() {
    let dir = installed(Some(LONG_RUNNING));
    let (mut app, peer) = running(dir.path());
    assert!(Command::new("sh").args(["-c", &format!("kill {}", app.id())]).status().unwrap().success());
    let status = app.wait().unwrap();
    assert!(!is_alive(&peer));
    assert_eq!(status.code(), Some(1), "it ended before it was finished");
}

#[test]
fn a_missing_peer_program_is_one_sentence() {
    let dir = installed(None);
    let output = covey(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(sentence(&output).contains("install both programs together"));
}

#[test]
fn nonsense_on_the_command_line_is_refused_with_code_two() {
    let dir = installed(Some("exit 0"));
    for words in [&["frobnicate"][..], &["--frob"], &["--version", "x"], &["\u{1b}[2J"]] {
        let output = covey(dir.path()).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(!sentence(&output).contains('\u{1b}'));
    }
}

#[test]
fn help_and_version_start_nothing() {
    let dir = installed(None);
    for words in ["--help", "--version"] {
        let output = covey(dir.path()).arg(words).output().unwrap();
        assert!(output.status.success() && output.stdout.starts_with(b"covey "));
    }
}
