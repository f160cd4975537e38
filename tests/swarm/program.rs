//! Starts `covey-peer` and reads what it says.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A finished rehearsal.
pub(crate) struct Rehearsal {
    /// Every line it printed.
    pub(crate) events: Vec<Value>,
    /// Its last line.
    pub(crate) summary: Value,
}

/// The program with a cache folder of its own, so that no test sees the user's.
pub(crate) fn covey_peer(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_covey-peer"));
    command.env("XDG_CACHE_HOME", cache).env("LOCALAPPDATA", cache).stdin(Stdio::null());
    command
}

/// Runs to the end.
pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("covey-peer starts")
}

/// A small rehearsal: `nano` model, short sequences, then whatever `args` say.
pub(crate) fn rehearse(args: &[&str]) -> Rehearsal {
    rehearse_watched(args, |_| {})
}

/// As [`rehearse`]; `watch` sees every line the moment it is printed.
pub(crate) fn rehearse_watched(args: &[&str], watch: impl FnMut(&Value)) -> Rehearsal {
    rehearse_in(tempfile::tempdir().unwrap().path(), args, watch)
}

/// The same in a folder that stays; its run folder is `run`.
pub(crate) fn rehearse_in(cache: &Path, args: &[&str], mut watch: impl FnMut(&Value)) -> Rehearsal {
    let corpus = text(cache);
    let small = ["rehearse", "--json", "--model", "nano", "--inner-steps", "6", "--batch", "4", "--sequence", "64"];
    let mut command = covey_peer(cache);
    command.args(small).arg("--corpus").arg(&corpus).arg("--dir").arg(cache.join("run")).args(args);
    let errors = cache.join("rehearsal.stderr");
    command.stdout(Stdio::piped()).stderr(File::create(&errors).unwrap());
    let mut child = command.spawn().expect("covey-peer starts");
    let mut events = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap) {
        let event: Value = serde_json::from_str(&line).expect(&line);
        watch(&event);
        events.push(event);
    }
    let status = child.wait().unwrap();
    let stderr = std::fs::read_to_string(&errors).unwrap_or_default();
    assert!(status.success(), "{args:?} ended with {status}: {stderr}\n{}", logs(&cache.join("run")));
    let summary = events.last().cloned().unwrap_or_default();
    assert_eq!(summary["event"], "summary", "the last line is the summary: {summary}");
    Rehearsal { events, summary }
}

/// Some 300 kB of English-like text with structure to learn.
pub(crate) fn text(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("corpus.txt");
    let mut body = String::new();
    let (who, did, what) = (
        ["the miller", "a sailor", "my aunt", "the fox"],
        ["found", "lost", "sold", "hid"],
        ["a key", "the bread", "two coins", "an old map"],
    );
    for i in 0usize..9000 {
        let (a, b, c) = (i * 7 % 4, i * 5 % 3 + i % 2, i * 11 % 4);
        body.push_str(&format!("{} {} {} on day {}.\n", who[a], did[b % 4], what[c], i % 28));
    }
    std::fs::write(&path, body).unwrap();
    path
}

/// What the processes of a failed rehearsal wrote to their standard error.
fn logs(run: &Path) -> String {
    let mut out = String::new();
    for entry in std::fs::read_dir(run.join("peers")).into_iter().flatten().flatten() {
        let log = std::fs::read_to_string(entry.path().join("stderr.log")).unwrap_or_default();
        if !log.is_empty() {
            out.push_str(&format!("--- {}\n{log}", entry.file_name().to_string_lossy()));
        }
    }
    out
}

impl Rehearsal {
    /// A number of the summary.
    pub(crate) fn number(&self, field: &str) -> f64 {
        self.summary[field].as_f64().unwrap_or_else(|| panic!("`{field}` is no number: {}", self.summary))
    }

    /// What must hold after every rehearsal, whatever happened in it.
    pub(crate) fn assert_sound(&self) {
        let s = &self.summary;
        assert_eq!(s["theta_hash_equal"], true, "parameters differ: {s}");
        assert_eq!(s["verdicts_per_peer_round_ok"], true, "a peer has no verdict, or two: {s}");
        let peers: u64 = s["credits_by_peer"].as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum();
        let parts = ["credits_validators", "credits_owner", "credits_burned"].map(|f| s[f].as_u64().unwrap());
        assert_eq!(peers + parts.iter().sum::<u64>(), s["emitted"].as_u64().unwrap(), "credits do not add up: {s}");
        assert!(s["emitted"].as_u64().unwrap() > 0, "nothing was paid: {s}");
        assert!(self.number("eval_loss_last") < self.number("eval_loss_first"), "the loss did not fall: {s}");
    }

    /// Credits of a peer in rao.
    pub(crate) fn credits(&self, name: &str) -> u64 {
        self.summary["credits_by_peer"][name].as_u64().unwrap_or_else(|| panic!("no peer `{name}`: {}", self.summary))
    }

    /// Verdicts a validator gave in words, by round, for a uid.
    pub(crate) fn verdicts(&self, name: &str) -> Vec<(u64, String)> {
        let uid =
            self.events.iter().find(|e| e["event"] == "peer_started" && e["name"] == name).map(|e| e["uid"].clone());
        let words = |e: &Value| match e["reason"].as_str() {
            Some(reason) => reason.to_owned(),
            None => e["verdict"].as_str().unwrap_or_default().to_owned(),
        };
        self.events
            .iter()
            .filter(|e| {
                e["event"] == "verdict_received" && e["who"] == "validator-1" && Some(&e["uid"]) == uid.as_ref()
            })
            .map(|e| (e["round"].as_u64().unwrap_or_default(), words(e)))
            .collect()
    }
}
