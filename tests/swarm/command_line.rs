//! Bad input to every command line and file: one clear sentence, an exit code, nothing written.

use std::path::Path;

use crate::program::{covey_peer, output, text};

/// Runs with `args`; expects this exit code, these words on standard error, no panic, and an untouched cache.
fn refused(args: &[&str], code: i32, words: &str) {
    let cache = tempfile::tempdir().unwrap();
    let out = output(covey_peer(cache.path()).args(args));
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(stderr.contains(words), "{args:?}: expected `{words}` in: {stderr}");
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    let left: Vec<_> = std::fs::read_dir(cache.path()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(left.iter().all(|name| name == "covey"), "{args:?} left {left:?}");
    let run = cache.path().join("covey").read_dir().into_iter().flatten().flatten();
    assert_eq!(run.filter(|e| e.file_name().to_string_lossy().starts_with("rehearsal")).count(), 0, "{args:?}");
}

#[test]
fn rehearsals_that_make_no_sense_are_refused() {
    refused(&["rehearse", "--peers", "0"], 2, "`--peers` must lie in 1..=64");
    refused(&["rehearse", "--rounds", "0"], 2, "`--rounds`");
    refused(&["rehearse", "--peers", "many"], 2, "invalid value");
    refused(&["rehearse", "--model", "gpt"], 2, "no model `gpt`; there are: nano, tiny");
    refused(&["rehearse", "--model", "covenant-72b"], 2, "more than the");
    refused(&["rehearse", "--cheater", "saint"], 2, "no cheater kind `saint`");
    refused(&["rehearse", "--join-at", "99"], 2, "`--join-at` must lie in");
    refused(&["rehearse", "--kill", "peer-9", "--kill-at", "1"], 2, "no such process");
    refused(&["rehearse", "--corpus", "no/such/file"], 2, "there is no no/such/file");
    refused(&["rehearse", "--alpha", "nan"], 2, "sparseloco.outer");
    refused(&["rehearse", "--frobnicate"], 2, "unexpected argument");
    refused(&["levitate"], 2, "unrecognized subcommand");
}

#[test]
fn roles_without_a_run_or_a_signer_are_refused() {
    refused(&["train", "--run", "nowhere", "--key", "none"], 22, "run.json");
    refused(&["train", "--run", "nowhere"], 2, "required");
    refused(&["train", "--run", "x", "--key", "k", "--name", "../up"], 2, "a name has 1 to 64 letters");
    refused(&["train", "--run", "x", "--key", "k", "--device", "tpu"], 2, "no device");
    refused(&["ledger", "--run", "nowhere", "--key", "none"], 22, "run.json");
    refused(&["validate", "--run", "nowhere", "--key", "none"], 22, "run.json");
    refused(&["signer", "--key", "none"], 1, "none");
    refused(&["export", "--run", "nowhere", "--out", "x"], 1, "run.json");
    refused(&["data", "build", "no/such", "--out", "x"], 1, "no/such");
    refused(&["data", "verify", "nowhere"], 1, "nowhere");
    refused(&["bench", "--model", "gpt"], 1, "no model");
}

/// A run folder whose `run.json` is `bytes`.
fn with_run_file(bytes: &[u8], check: impl FnOnce(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("run.json"), bytes).unwrap();
    std::fs::write(dir.path().join("places.json"), b"{}").unwrap();
    check(dir.path());
}

#[test]
fn hostile_manifests_are_refused_with_the_reason() {
    let huge = vec![b' '; 300 * 1024];
    let nested = "[".repeat(10_000);
    for (bytes, words) in [
        (&b""[..], "does not read"),
        (&b"{}"[..], "missing field"),
        (&b"\xff\xfe"[..], "does not read"),
        (&huge[..], "more than 262144 bytes"),
        (nested.as_bytes(), "does not read"),
    ] {
        with_run_file(bytes, |dir| {
            refused(&["train", "--run", dir.to_str().unwrap(), "--key", "none"], 22, words);
        });
    }
}

#[test]
fn an_existing_run_is_never_overwritten() {
    let cache = tempfile::tempdir().unwrap();
    let corpus = text(cache.path());
    let dir = cache.path().join("run");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("run.json"), b"precious").unwrap();
    let out = output(covey_peer(cache.path()).args(["rehearse", "--dir"]).arg(&dir).arg("--corpus").arg(corpus));
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(std::fs::read(dir.join("run.json")).unwrap(), b"precious");
}

#[test]
fn a_key_file_is_never_overwritten_nor_shown() {
    let cache = tempfile::tempdir().unwrap();
    let key = cache.path().join("hotkey.json");
    let made = output(covey_peer(cache.path()).arg("key").arg(&key));
    assert!(made.status.success());
    let secret = std::fs::read_to_string(&key).unwrap();
    let shown = String::from_utf8_lossy(&made.stdout).into_owned() + &String::from_utf8_lossy(&made.stderr);
    let seed = secret.split('"').find(|s| s.len() >= 64 && s.chars().all(|c| c.is_ascii_hexdigit())).unwrap();
    assert!(!shown.contains(seed));
    let again = output(covey_peer(cache.path()).arg("key").arg(&key));
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&key).unwrap(), secret);
}

#[test]
fn data_sets_are_built_once_and_rot_is_found() {
    let cache = tempfile::tempdir().unwrap();
    let (corpus, set) = (text(cache.path()), cache.path().join("set"));
    let build = || {
        let mut command = covey_peer(cache.path());
        command.args(["data", "build", "--sequence", "64", "--out"]).arg(&set).arg(&corpus);
        String::from_utf8_lossy(&output(&mut command).stdout).into_owned()
    };
    assert!(build().starts_with("built"));
    assert!(build().starts_with("already there"));
    let verify = || output(covey_peer(cache.path()).args(["data", "verify"]).arg(&set));
    assert!(verify().status.success());
    let shard = std::fs::read_dir(&set)
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .find(|p| p.extension().is_some_and(|e| e == "bin"));
    let shard = shard.expect("a shard");
    let mut bytes = std::fs::read(&shard).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let found = verify();
    assert_eq!(found.status.code(), Some(1));
    let name = shard.file_name().unwrap().to_string_lossy().into_owned();
    assert!(String::from_utf8_lossy(&found.stderr).contains(&name));
}
