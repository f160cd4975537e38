//! A run of one's own over the network: founded, joined by its link and trained in, by real processes in folders of their own.
//!
//! In: three command lines, as README says them. Out: what they print. Nothing is shared between the founder's folders and
//! the others' but sockets.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{covey_peer, output, text};

/// Long enough for a loaded machine; a test that hangs fails with what it was waiting for.
const PATIENCE: Duration = Duration::from_secs(240);

/// A process whose JSON lines are read; ended when dropped.
struct Spoken {
    child: Child,
    lines: Receiver<Value>,
    seen: Vec<Value>,
}

impl Spoken {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = sync_channel(65_536);
        std::thread::Builder::new()
            .spawn(move || {
                for line in stdout.lines().map_while(Result::ok) {
                    let Ok(value) = serde_json::from_str(&line) else { continue };
                    if to.send(value).is_err() {
                        return;
                    }
                }
            })
            .unwrap();
        Self { child, lines, seen: Vec::new() }
    }

    /// Reads lines until one fits.
    fn wait_for<T>(&mut self, what: &str, fits: impl Fn(&Value) -> Option<T>) -> T {
        if let Some(found) = self.seen.iter().find_map(&fits) {
            return found;
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match self.lines.recv_timeout(Duration::from_secs(1)) {
                Ok(line) => {
                    let found = fits(&line);
                    self.seen.push(line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let last: Vec<_> = self.seen.iter().rev().take(12).collect();
        panic!("{what} never came; last lines: {last:#?}");
    }

    /// SIGTERM; the exit code.
    fn stop(mut self) -> Option<i32> {
        // SAFETY: the process is our child and has not been waited for, so its id is still its own.
        unsafe { libc::kill(self.child.id().cast_signed(), libc::SIGTERM) };
        self.child.wait().unwrap().code()
    }
}

impl Drop for Spoken {
    fn drop(&mut self) {
        // SAFETY: as above; an id that was waited for is not signalled.
        if matches!(self.child.try_wait(), Ok(None)) {
            // SAFETY: the child still runs and is ours.
            unsafe { libc::kill(self.child.id().cast_signed(), libc::SIGTERM) };
        }
        let _ = self.child.wait();
    }
}

fn event<'a>(line: &'a Value, name: &str) -> Option<&'a Value> {
    (line["event"] == name).then_some(line)
}

/// The parameters after a round's outer step.
fn theta(line: &Value, round: u64) -> Option<String> {
    let line = event(line, "outer_step_applied").filter(|line| line["round"] == round)?;
    line["theta"].as_str().map(str::to_owned)
}

fn found(cache: &Path, dir: &Path, more: &[&str]) -> Spoken {
    let corpus = text(cache);
    let mut command = covey_peer(cache);
    command.args(["found", "first light", "--json", "--model", "nano", "--inner-steps", "10", "--sequence", "64"]);
    command.args(["--phase-secs", "30", "--block-ms", "100", "--checkpoint-every", "2", "--threads", "1"]);
    command.args(["--device", "cpu", "--tcp-only"]).args(more).arg("--corpus").arg(corpus).arg("--dir").arg(dir);
    Spoken::start(&mut command)
}

fn link_of(founder: &mut Spoken) -> String {
    founder.wait_for("the link", |line| line["link"].as_str().map(str::to_owned))
}

fn join(home: &Path, link: &str) -> Spoken {
    let mut command = covey_peer(home);
    command.args(["join", link, "--json", "--threads", "1", "--device", "cpu", "--no-upnp"]);
    Spoken::start(command.env("XDG_DATA_HOME", home))
}

#[test]
fn three_commands_found_a_run_and_two_strangers_train_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let home = |name: &str| {
        let home = dir.path().join(name);
        std::fs::create_dir(&home).unwrap();
        home
    };
    let mut founder = found(&home("founder"), &dir.path().join("run"), &["--expected-peers", "2"]);
    let link = link_of(&mut founder);
    let (mut one, mut two) = (join(&home("one"), &link), join(&home("two"), &link));
    for peer in [&mut one, &mut two] {
        peer.wait_for("the data set", |line| event(line, "fetching").filter(|l| l["what"] == "dataset").map(drop));
        let accepted =
            |line: &Value| event(line, "verdict_received").filter(|line| line["verdict"] == "accepted").map(drop);
        peer.wait_for("an accepted submission", accepted);
    }
    let first = one.wait_for("round 3's outer step", |line| theta(line, 3));
    assert_eq!(two.wait_for("round 3's outer step", |line| theta(line, 3)), first);
    let validator = |line: &Value| (line["who"] == "validator-1").then(|| theta(line, 3)).flatten();
    assert_eq!(founder.wait_for("round 3's outer step", validator), first);
    // Somebody who comes late starts from a checkpoint that the seed serves, and takes the same steps.
    founder.wait_for("a checkpoint at the seed", |line| {
        let saved = event(line, "checkpoint_saved").filter(|line| line["who"] == "seed")?;
        (saved["round"].as_u64()? >= 4).then_some(())
    });
    let mut late = join(&home("late"), &link);
    let loaded = |line: &Value| event(line, "log")?["text"].as_str()?.contains("loaded").then_some(());
    late.wait_for("parameters from a checkpoint", loaded);
    let (round, mine) = late.wait_for("an outer step", |line| {
        let line = event(line, "outer_step_applied")?;
        Some((line["round"].as_u64()?, line["theta"].as_str()?.to_owned()))
    });
    assert!(round > 3, "it started at round 0");
    assert_eq!(one.wait_for("the same outer step", |line| theta(line, round)), mine);
    // A validator that is killed comes back, and the run goes on.
    let started =
        |line: &Value| event(line, "peer_started").filter(|line| line["name"] == "validator-1")?["pid"].as_i64();
    let pid = founder.wait_for("the validator's start", started);
    // SAFETY: the process is the founder's child and was alive a moment ago; its supervisor has not reaped it.
    unsafe { libc::kill(pid as i32, libc::SIGKILL) };
    founder.wait_for("the validator's second start", |line| started(line).filter(|again| *again != pid));
    for peer in [one, two, late] {
        assert_eq!(peer.stop(), Some(0));
    }
    assert_eq!(founder.stop(), Some(0));
}

#[test]
fn a_founder_that_starts_again_goes_on_with_the_same_run_and_link() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, run) = (dir.path().join("cache"), dir.path().join("run"));
    std::fs::create_dir(&cache).unwrap();
    let mut founder = found(&cache, &run, &[]);
    let link = link_of(&mut founder);
    assert_eq!(founder.stop(), Some(0));
    let manifest = std::fs::read(run.join("run.json")).unwrap();
    let mut again = found(&cache, &run, &[]);
    assert_eq!(link_of(&mut again), link);
    assert_eq!(std::fs::read(run.join("run.json")).unwrap(), manifest);
    let shown = output(covey_peer(&cache).args(["runs", "link", "--plain", "--run"]).arg(&run));
    assert_eq!(String::from_utf8_lossy(&shown.stdout).trim(), link);
    // What `add` writes is a run folder; what it says are the run's facts.
    let mut add = covey_peer(&cache);
    let added = output(add.args(["runs", "add", &link, "--json", "--tcp-only", "--dir"]).arg(dir.path().join("added")));
    let facts: Value = serde_json::from_slice(&added.stdout).expect("facts");
    assert_eq!((&facts["name"], &facts["fits"]), (&Value::from("first light"), &Value::from(true)));
    assert_eq!(std::fs::read(dir.path().join("added").join("run.json")).unwrap(), manifest);
    // A link with another id leads nowhere, and says so.
    let wrong = link.replacen(&link[13..17], "0000", 1);
    let refused = output(
        covey_peer(&cache)
            .args(["runs", "add", &wrong, "--json", "--tcp-only"])
            .arg("--dir")
            .arg(dir.path().join("no")),
    );
    assert!(!refused.status.success());
    let problem: Value = serde_json::from_slice(&refused.stdout).expect("a problem");
    assert_eq!(problem["code"], "run_not_found");
    assert!(!dir.path().join("no").join("run.json").exists());
    let other = output(covey_peer(&cache).args(["found", "another name", "--stories", "--dir"]).arg(&run));
    assert_eq!(other.status.code(), Some(22), "{}", String::from_utf8_lossy(&other.stderr));
}
