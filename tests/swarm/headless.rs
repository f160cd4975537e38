//! Peers without the rehearsal around them: key files with signer processes, or a host on stdin and stdout; pause, stop, go on.

use std::borrow::BorrowMut;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use ipc::{CommandLine, Event, EventLine, Hello, LineReader, encode_line};
use peer::places::{Places, RunFolder};
use peer::rehearse::{Plan, PlanInput};
use types::{SignPayload, SignedManifest, Signer as _};
use wallet::LocalSigner;

use crate::program::{covey_peer, output, text};

/// Long enough for a loaded machine; a test that hangs fails with what it was waiting for.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn doctor_and_bench_say_what_this_machine_does() {
    let cache = tempfile::tempdir().unwrap();
    let doctor = output(covey_peer(cache.path()).args(["doctor", "--json"]));
    let text = String::from_utf8_lossy(&doctor.stdout);
    let names: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["processor", "memory", "gpu", "text", "models", "sockets"]);
    let bench = output(covey_peer(cache.path()).args(["bench", "--model", "nano", "--steps", "2"]));
    let text = String::from_utf8_lossy(&bench.stdout);
    assert!(bench.status.success(), "{}", String::from_utf8_lossy(&bench.stderr));
    assert!(text.contains("tokens/s") && text.contains("bytes per parameter"), "{text}");
    let plan = output(covey_peer(cache.path()).args(["bench", "--model", "covenant-72b", "--plan-only"]));
    assert!(String::from_utf8_lossy(&plan.stdout).contains("70599843840 parameters"));
}

/// A run folder of its own, founded by the test, with keys in files.
pub(crate) struct Run {
    dir: tempfile::TempDir,
    seeds: Vec<String>,
}

impl Run {
    pub(crate) fn found() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let corpus = text(dir.path());
        let set = dir.path().join("set");
        let mut build = covey_peer(dir.path());
        build.args(["data", "build", "--sequence", "64", "--out"]).arg(&set).arg(&corpus);
        assert!(output(&mut build).status.success());
        let mut seeds = Vec::new();
        let mut key = |name: &str| {
            let path = dir.path().join(name);
            let made = output(covey_peer(dir.path()).arg("key").arg(&path));
            let json = std::fs::read_to_string(&path).unwrap();
            let is_seed = |s: &&str| s.len() >= 64 && s.chars().all(|c| c.is_ascii_hexdigit());
            seeds.push(json.split('"').find(is_seed).expect("a seed").to_owned());
            String::from_utf8_lossy(&made.stdout).trim().parse::<types::Hotkey>().unwrap()
        };
        let (ledger, validator) = (key("ledger.key"), key("validator-1.key"));
        key("peer-1.key");
        let input = PlanInput {
            peers: 1,
            validators: 1,
            rounds: 100,
            model: "nano".into(),
            inner_steps: 20,
            batch: 4,
            sequence: 64,
            seed: 5,
            cheaters: Vec::new(),
            join_at: None,
            leave_at: None,
            kill_at: None,
            kill: "peer-1".into(),
            phase_secs: 20,
            alpha: 1.0,
            rule: types::manifest::AggregationRule::MeanOverAll,
            chain: peer::rehearse::ChainKind::Ledger,
            block_ms: 1000,
            disturb: Vec::new(),
            loss: 0,
            exchange: peer::rehearse::ExchangeKind::Folders,
        };
        let dataset = dataset::Dataset::open(&set).unwrap().hash();
        let manifest = Plan::check(input, None).unwrap().manifest(dataset, ledger, &[validator], None).unwrap();
        let founder = LocalSigner::generate().unwrap();
        let signature = sign(&founder, &SignPayload::Manifest { run: manifest.id() });
        let signed = SignedManifest { manifest, founder: founder.hotkey(), signature };
        let places = Places {
            ledger: Some(dir.path().join("l.sock")),
            nodes: Vec::new(),
            share: dir.path().join("share"),
            dataset: set,
            network: None,
        };
        std::fs::create_dir(&places.share).unwrap();
        RunFolder::create(&dir.path().join("run"), signed, places).unwrap();
        Self { dir, seeds }
    }

    pub(crate) fn cache(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// A role with its key file and a signer process of its own.
    pub(crate) fn start(&self, role: &str, name: &str) -> Running {
        let mut command = covey_peer(self.dir.path());
        command.arg(role).arg("--run").arg(self.run()).arg("--key").arg(self.dir.path().join(format!("{name}.key")));
        if role != "ledger" {
            command.args(["--name", name, "--threads", "1", "--json"]);
        }
        Running::start(command, None)
    }

    /// No file but the key files holds a seed: not the logs, not the events, not the state.
    fn assert_no_secret(&self) {
        let mut folders = vec![self.run(), self.dir.path().join("share")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    let bytes = std::fs::read(entry.path()).unwrap();
                    let found = self.seeds.iter().any(|seed| holds(&bytes, seed));
                    assert!(!found, "{} holds a seed", entry.path().display());
                }
            }
        }
    }
}

fn holds(bytes: &[u8], seed: &str) -> bool {
    let raw = hex::decode(seed).unwrap();
    bytes.windows(seed.len()).any(|w| w == seed.as_bytes()) || bytes.windows(raw.len()).any(|w| w == raw)
}

fn sign(signer: &LocalSigner, payload: &SignPayload) -> types::Signature {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(signer.sign(payload)).unwrap()
}

/// A process whose events are read; killed when dropped.
pub(crate) struct Running {
    child: Child,
    events: Receiver<Event>,
}

impl Running {
    /// With a signer, the test is the process's host: it answers requests for signatures.
    pub(crate) fn start(mut command: impl BorrowMut<Command>, signer: Option<LocalSigner>) -> Self {
        let command = command.borrow_mut();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut stdout = LineReader::new(child.stdout.take().unwrap());
        let replies = child.stdin.as_ref().filter(|_| signer.is_some()).map(dup);
        let (to, events) = sync_channel(65_536);
        std::thread::Builder::new()
            .spawn(move || {
                while let Ok(Some(EventLine { event, .. })) = stdout.read::<EventLine>() {
                    if let (Event::SignRequest { id, payload }, Some(signer), Some(replies)) =
                        (&event, &signer, &replies)
                    {
                        let result = Ok(sign(signer, payload));
                        tell(replies, ipc::Command::SignReply { id: *id, result });
                    } else if to.send(event).is_err() {
                        return;
                    }
                }
            })
            .unwrap();
        Self { child, events }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn tell(&self, command: ipc::Command) {
        tell(&dup(self.child.stdin.as_ref().unwrap()), command);
    }

    /// Reads events until one fits.
    pub(crate) fn wait_for(&self, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match self.events.recv_timeout(Duration::from_secs(1)) {
                Ok(event) if fits(&event) => return event,
                Ok(_) | Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        panic!("{what} never came");
    }

    /// SIGTERM; the exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        // SAFETY: the process is our child and has not been waited for, so its id is still its own.
        unsafe { libc::kill(self.child.id().cast_signed(), libc::SIGTERM) };
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn dup(stdin: &std::process::ChildStdin) -> std::fs::File {
    use std::os::fd::AsFd as _;
    std::fs::File::from(stdin.as_fd().try_clone_to_owned().unwrap())
}

fn tell(mut to: &std::fs::File, command: ipc::Command) {
    to.write_all(&encode_line(&CommandLine { id: 1, command }).unwrap()).unwrap();
}

fn outer_step(event: &Event, at_least: u64) -> bool {
    matches!(event, Event::OuterStepApplied { round, .. } if round.0 >= at_least)
}

#[test]
fn a_peer_with_a_key_file_stops_cleanly_and_goes_on_where_it_was() {
    let run = Run::found();
    let (_ledger, _validator) = (run.start("ledger", "ledger"), run.start("validate", "validator-1"));
    let peer = run.start("train", "peer-1");
    peer.wait_for("the outer step of round 1", |e| outer_step(e, 1));
    assert_eq!(peer.stop(), Some(0));
    let peer = run.start("train", "peer-1");
    let first = peer.wait_for("a phase after the restart", |e| matches!(e, Event::OuterStepApplied { .. }));
    assert!(outer_step(&first, 1), "it did not begin again at round 0: {first:?}");
    peer.wait_for("an accepted round", |e| {
        matches!(e, Event::VerdictReceived { verdict: types::Verdict::Accepted, .. })
    });
    assert_eq!(peer.stop(), Some(0));
    run.assert_no_secret();
}

#[test]
fn a_hotkey_that_works_elsewhere_is_noticed() {
    let run = Run::found();
    let (_ledger, _validator) = (run.start("ledger", "ledger"), run.start("validate", "validator-1"));
    let twin = run.dir.path().join("twin.key");
    std::fs::copy(run.dir.path().join("peer-1.key"), &twin).unwrap();
    let _first = run.start("train", "peer-1");
    // The same work, but signatures are randomised, so that no two containers have the same root.
    let second = run.start("train", "twin");
    second.wait_for(
        "the alarm",
        |e| matches!(e, Event::Problem { fatal: false, problem } if problem.code == "hotkey_elsewhere"),
    );
}

#[test]
fn an_app_of_another_version_is_told_so() {
    let run = Run::found();
    let _ledger = run.start("ledger", "ledger");
    let signer = LocalSigner::generate().unwrap();
    let mut command = covey_peer(run.dir.path());
    command.args(["train", "--ipc", "--threads", "1", "--name", "peer-1", "--hotkey", &signer.hotkey().ss58()]);
    command.arg("--run").arg(run.run());
    let mut peer = Running::start(command, Some(signer));
    peer.tell(ipc::Command::Hello(Hello { protocol: 999, version: "9.9.9".into() }));
    peer.wait_for(
        "the problem",
        |e| matches!(e, Event::Problem { fatal: true, problem } if problem.code == "protocol_mismatch"),
    );
    assert_eq!(peer.child.wait().unwrap().code(), Some(40));
}

#[test]
fn an_app_drives_a_peer_whose_key_it_never_sees() {
    let run = Run::found();
    let (_ledger, _validator) = (run.start("ledger", "ledger"), run.start("validate", "validator-1"));
    let start = || {
        let mut command = covey_peer(run.dir.path());
        command.args(["train", "--app", "--threads", "1", "--name", "peer-1", "--run"]).arg(run.run());
        Running::start(command.arg("--key").arg(run.dir.path().join("peer-1.key")), None)
    };
    let mut peer = start();
    peer.wait_for("a greeting", |e| matches!(e, Event::Hello(_)));
    peer.tell(ipc::Command::Hello(Hello::ours(peer::VERSION)));
    peer.wait_for("an inner step", |e| matches!(e, Event::InnerStepDone { round, .. } if round.0 == 1));
    peer.tell(ipc::Command::Pace { work_share: 0.9 });
    peer.wait_for("the pace taken", |e| matches!(e, Event::Ack { .. }));
    peer.tell(ipc::Command::Pause { reason: "a game runs".into(), until_ms: None });
    peer.wait_for("the pause", |e| matches!(e, Event::Paused { .. }));
    peer.tell(ipc::Command::Snapshot);
    let snapshot = peer.wait_for("the snapshot", |e| matches!(e, Event::Snapshot { .. }));
    let Event::Snapshot { events, .. } = snapshot else { unreachable!() };
    let holds = |fits: fn(&Event) -> bool| events.iter().any(fits);
    assert!(
        holds(|e| matches!(e, Event::Paused { .. })) && holds(|e| matches!(e, Event::PeerStarted { .. })),
        "{events:?}"
    );
    peer.tell(ipc::Command::Resume);
    peer.wait_for("another round", |e| outer_step(e, 2));
    peer.tell(ipc::Command::Stop { when: ipc::StopWhen::Now });
    peer.wait_for("the price of stopping", |e| matches!(e, Event::Stopping { .. }));
    assert_eq!(peer.child.wait().unwrap().code(), Some(0));
    // Started again, and then the app is gone.
    let mut peer = start();
    peer.wait_for("an inner step", |e| matches!(e, Event::InnerStepDone { .. }));
    drop(peer.child.stdin.take());
    assert_eq!(peer.child.wait().unwrap().code(), Some(0));
    run.assert_no_secret();
}

#[test]
fn a_pause_frees_the_device_and_a_resume_goes_on() {
    let run = Run::found();
    let (_ledger, _validator) = (run.start("ledger", "ledger"), run.start("validate", "validator-1"));
    let signer = LocalSigner::generate().unwrap();
    let mut command = covey_peer(run.dir.path());
    command.args(["train", "--ipc", "--threads", "1", "--name", "peer-1", "--hotkey", &signer.hotkey().ss58()]);
    command.arg("--run").arg(run.run());
    let peer = Running::start(command, Some(signer));
    peer.tell(ipc::Command::Hello(Hello::ours(peer::VERSION)));
    peer.wait_for("an inner step", |e| matches!(e, Event::InnerStepDone { round, .. } if round.0 == 1));
    peer.tell(ipc::Command::SetLimits(ipc::Limits::default()));
    peer.wait_for("the word that limits are in force", |e| matches!(e, Event::Ack { .. }));
    peer.tell(ipc::Command::Pause { reason: "a game runs".into(), until_ms: None });
    peer.wait_for("the pause", |e| matches!(e, Event::Paused { reason, .. } if reason == "a game runs"));
    peer.wait_for("the save that goes with it", |e| matches!(e, Event::CheckpointSaved { .. }));
    peer.tell(ipc::Command::Resume);
    peer.wait_for("the resumption", |e| matches!(e, Event::Resumed));
    peer.wait_for("another round", |e| outer_step(e, 2));
    peer.tell(ipc::Command::Stop { when: ipc::StopWhen::EndOfRound });
    let stopping = peer.wait_for("the price of stopping", |e| matches!(e, Event::Stopping { .. }));
    assert!(matches!(&stopping, Event::Stopping { price, .. } if price.contains("nothing is lost")), "{stopping:?}");
    let mut peer = peer;
    assert_eq!(peer.child.wait().unwrap().code(), Some(0));
}
