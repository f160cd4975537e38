//! Windows' setup: compiled where `makensis` is, installed and removed where Wine is.

use crate::stage::{self, picture};
use packager::{PackError, Parts, windows};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As much of a program as the packager looks at.
fn program() -> Vec<u8> {
    let mut bytes = vec![0; 0x80];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 0x40;
    bytes[0x40..0x46].copy_from_slice(b"PE\0\0\x64\x86");
    bytes
}

fn parts(folder: &Path) -> Parts {
    for name in ["covey.exe", "covey-signer.exe"] {
        std::fs::write(folder.join(name), program()).unwrap();
    }
    let metadata = stage::metadata(folder);
    Parts { root: stage::root(), programs: folder.to_owned(), metadata, within_promise: true }
}

fn is_there(program: &str, argument: &str) -> bool {
    let there = Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success());
    if !there {
        println!("not run: {program} is not installed");
    }
    there
}

fn setup(folder: &Path) -> PathBuf {
    let out = folder.join("out");
    packager::windows_setup(&parts(folder), &stage::release(), &out).unwrap();
    out.join("covey-1.2.3-x64-setup.exe")
}

#[test]
fn what_windows_would_not_start_is_refused() {
    assert!(windows::is_program(&program()));
    let mut arm = program();
    arm[0x44..0x46].copy_from_slice(b"\x64\xaa");
    let mut far = program();
    far[0x3c..0x40].copy_from_slice(&[0xff; 4]);
    for bad in [&b""[..], b"MZ", b"\x7fELF", &program()[..0x45], &arm, &far] {
        assert!(!windows::is_program(bad));
    }
    let dir = tempfile::tempdir().unwrap();
    let parts = parts(dir.path());
    std::fs::write(dir.path().join("covey.exe"), b"#!/bin/sh\n").unwrap();
    let refused = packager::windows_setup(&parts, &stage::release(), &dir.path().join("out"));
    assert!(matches!(refused, Err(PackError::WindowsProgram(name)) if name == "covey.exe"));
    assert!(!dir.path().join("out/stage").exists(), "what was put together is removed");
}

#[test]
fn an_update_is_the_programs_at_the_top_of_a_zip() {
    let dir = tempfile::tempdir().unwrap();
    parts(dir.path());
    let programs = windows::programs(dir.path()).unwrap();
    let parts = || programs.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
    let zip = packager::update::windows(parts()).unwrap();
    assert!(zip == packager::update::windows(parts()).unwrap(), "the same bytes twice");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    assert_eq!(archive.len(), 2);
    let mut bytes = Vec::new();
    archive.by_name("covey.exe").unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, program());
}

#[test]
fn a_setup_is_the_same_bytes_twice() {
    if !is_there("makensis", "-VERSION") {
        return;
    }
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (std::fs::read(setup(one.path())).unwrap(), std::fs::read(setup(two.path())).unwrap());
    assert!(windows::is_program(&first), "its own stub has 64 bits");
    assert!(first == second, "names, times and folders must not depend on the run");
}

/// Runs a program of Windows in `prefix`.
fn wine(prefix: &Path, words: &[&str]) -> bool {
    let mut command = Command::new("wine");
    command.args(words).env("WINEPREFIX", prefix).env("WINEDEBUG", "-all").env_remove("DISPLAY");
    command.output().is_ok_and(|output| output.status.success())
}

/// An uninstaller copies itself, starts the copy and ends: the copy's work is seen by what it leaves.
fn until_gone(path: &Path) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while path.exists() && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(!path.exists(), "{} is still there", path.display());
}

#[test]
fn wine_installs_and_removes_covey_and_keeps_keys() {
    if !is_there("makensis", "-VERSION") || !is_there("wine", "--version") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let setup = setup(dir.path());
    let prefix = dir.path().join("prefix");
    assert!(wine(&prefix, &["wineboot", "-i"]));
    let users = prefix.join("drive_c/users");
    let user = std::fs::read_dir(users).unwrap().map(|entry| entry.unwrap().path());
    let local = user.filter(|path| !path.ends_with("Public")).map(|path| path.join("AppData/Local")).next().unwrap();
    assert!(wine(&prefix, &[setup.to_str().unwrap(), "/S"]));
    let home = local.join("Programs/Covey");
    assert!(home.join("covey.exe").is_file() && home.join("uninstall.exe").is_file());
    let command = r"HKCU\Software\Classes\covey\shell\open\command";
    assert!(wine(&prefix, &["reg", "query", command]));
    assert!(wine(&prefix, &["reg", "query", r"HKCU\Software\Classes\.covey-run"]));

    let data = local.join("covey");
    let kept = ["wallets/mine.vault", "runs/a/keys/peer.key", "old.capsule"];
    let gone = ["settings.json", "runs/a/run.json", "rehearsals/1/keys/peer-1.key", "logs of old/covey.log"];
    for path in kept.iter().chain(&gone).map(|path| data.join(path)) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    std::fs::write(home.join("notes.txt"), "somebody's own").unwrap();
    let before = picture(&data);
    assert!(wine(&prefix, &[home.join("uninstall.exe").to_str().unwrap(), "/S"]));
    until_gone(&home.join("uninstall.exe"));
    assert_eq!(picture(&home).len(), 1, "what somebody put there stays");
    assert!(!wine(&prefix, &["reg", "query", command]), "the link's entry is gone");
    assert_eq!(picture(&data), before, "silently, data stays");

    assert!(wine(&prefix, &[setup.to_str().unwrap(), "/S"]));
    assert!(wine(&prefix, &[home.join("uninstall.exe").to_str().unwrap(), "/S", "/DELETEDATA"]));
    until_gone(&data.join("settings.json"));
    until_gone(&home.join("uninstall.exe"));
    let after = picture(&data);
    let files: Vec<&str> =
        after.iter().filter(|(_, bytes)| *bytes != b"a folder").map(|(path, _)| path.as_str()).collect();
    assert_eq!(files, ["old.capsule", "runs/a/keys/peer.key", "wallets/mine.vault"]);
    wine(&prefix, &["wineboot", "-k"]);
}
