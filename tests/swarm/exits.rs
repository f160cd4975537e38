//! How a peer ends when the machine fails it: each end tells its reason by its code, or by its last words.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ipc::ExitCode;

use crate::headless::Run;
use crate::program::{covey_peer, output};

/// Why a supervisor would say that it ended.
fn reason(out: &Output) -> Option<ExitCode> {
    ExitCode::of_end(out.status.code(), &String::from_utf8_lossy(&out.stderr))
}

fn said(out: &Output) -> String {
    format!("{:?}: {}{}", out.status, String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// `covey-peer` under the shell's limits.
fn limited(limits: &str, args: &[&str], cache: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limits}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_covey-peer")]).args(args);
    command.env("XDG_CACHE_HOME", cache);
    command
}

#[test]
fn a_full_disk_is_told_from_every_other_end() {
    let run = Run::found();
    let (_ledger, _validator) = (run.start("ledger", "ledger"), run.start("validate", "validator-1"));
    let (folder, key) = (run.run(), run.cache().join("peer-1.key"));
    let args = ["train", "--threads", "1", "--name", "peer-1", "--json", "--run", folder.to_str().unwrap(), "--key"];
    // No file may become longer than 64 kB, as on a disk with no room for a state; the signal that goes with it is ignored.
    let mut command =
        limited("trap '' XFSZ; ulimit -f 128", &[&args[..], &[key.to_str().unwrap()]].concat(), run.cache());
    let out = output(&mut command);
    assert_eq!(reason(&out), Some(ExitCode::DiskFull), "{}", said(&out));
    assert!(String::from_utf8_lossy(&out.stdout).contains("\"disk_full\""), "{}", said(&out));
}

#[test]
fn a_rehearsal_on_a_full_disk_says_so() {
    let cache = tempfile::tempdir().unwrap();
    let corpus = crate::program::text(cache.path());
    let args = ["rehearse", "--json", "--model", "nano", "--sequence", "64", "--corpus", corpus.to_str().unwrap()];
    let out = output(&mut limited("trap '' XFSZ; ulimit -f 128", &args, cache.path()));
    assert_eq!(reason(&out), Some(ExitCode::DiskFull), "{}", said(&out));
}

#[test]
fn memory_that_runs_out_is_told_by_the_last_words() {
    let cache = tempfile::tempdir().unwrap();
    // Room for the libraries, none for the model.
    let out = output(&mut limited("ulimit -v 1500000", &["bench", "--model", "150m", "--steps", "1"], cache.path()));
    assert_eq!(reason(&out), Some(ExitCode::OutOfMemory), "{}", said(&out));
}

/// A copy of the program in a folder of its own.
fn copy(dir: &Path) -> PathBuf {
    let path = dir.join("covey-peer");
    std::fs::copy(env!("CARGO_BIN_EXE_covey-peer"), &path).unwrap();
    path
}

#[test]
fn a_missing_libtorch_is_told_by_code() {
    let dir = tempfile::tempdir().unwrap();
    let program = copy(dir.path());
    let (here, elsewhere) = (b"libtorch_cpu.so\0", b"libtorch_cpX.so\0");
    let mut bytes = std::fs::read(&program).unwrap();
    let at: Vec<usize> = bytes.windows(here.len()).enumerate().filter(|(_, w)| w == here).map(|(at, _)| at).collect();
    assert!(!at.is_empty(), "the program names libtorch");
    at.iter().for_each(|at| bytes[*at..at + here.len()].copy_from_slice(elsewhere));
    std::fs::write(&program, bytes).unwrap();
    let out = output(Command::new(&program).arg("doctor"));
    assert_eq!(out.status.code(), Some(127), "{}", said(&out));
    assert_eq!(reason(&out), Some(ExitCode::LibraryMissing), "{}", said(&out));
}

#[test]
fn another_library_in_libtorchs_place_is_told_by_code() {
    let dir = tempfile::tempdir().unwrap();
    let program = copy(dir.path());
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let other = maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("/libm.so"));
    let Some(other) = other else { return println!("not run: no other library to put there") };
    let beside = dir.path().join("torch/lib");
    std::fs::create_dir_all(&beside).unwrap();
    std::fs::copy(other, beside.join("libtorch_cpu.so")).unwrap();
    let out = output(Command::new(&program).arg("doctor"));
    assert_eq!(reason(&out), Some(ExitCode::LibraryMissing), "{}", said(&out));
}

#[test]
fn a_kill_has_no_reason_of_its_own() {
    let cache = tempfile::tempdir().unwrap();
    let out = output(&mut limited("kill -9 $$", &["doctor"], cache.path()));
    assert_eq!((out.status.signal(), reason(&out)), (Some(9), None), "{}", said(&out));
}

#[test]
fn a_run_file_says_what_it_is_and_whether_it_fits() {
    let run = Run::found();
    let shown = |args: &[&str]| {
        let out = output(covey_peer(run.cache()).args(["runs", "show", "--json"]).args(args));
        assert!(out.status.success(), "{}", said(&out));
        serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap()
    };
    let file = run.run().join("run.json");
    let of_file = shown(&[file.to_str().unwrap()]);
    assert_eq!((&of_file["model"], &of_file["fits"]), (&"nano".into(), &true.into()), "{of_file}");
    assert_eq!(shown(&[run.run().to_str().unwrap()]), of_file, "a folder means its run file");
    let tight = shown(&[file.to_str().unwrap(), "--vram", "1000000"]);
    assert_eq!(tight["fits"], false, "{tight}");
    assert!(tight["reason"].as_str().unwrap().contains("GPU memory"), "{tight}");
}
