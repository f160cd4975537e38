//! The app drives a rehearsal over its pipes: pause, go on, slow down, ask, stop, vanish.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use ipc::{Command, CommandLine, Hello, StopWhen, encode_line};
use serde_json::Value;

use crate::program::{covey_peer, rehearse, text};

/// Long enough for a loaded machine; a test that hangs fails with what it was waiting for.
const PATIENCE: Duration = Duration::from_secs(240);
/// The rehearsal of all these tests.
const SMALL: [&str; 11] =
    ["--peers", "2", "--model", "nano", "--inner-steps", "6", "--batch", "4", "--sequence", "64", "--rounds"];

/// A rehearsal whose app is the test.
struct Driven {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    seen: Vec<Value>,
    next_id: u64,
    _cache: tempfile::TempDir,
}

impl Driven {
    fn start(rounds: &str) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let corpus = text(cache.path());
        let mut command = covey_peer(cache.path());
        command.args(["rehearse", "--app"]).args(SMALL).arg(rounds).arg("--corpus").arg(corpus);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("covey-peer starts");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = sync_channel(65_536);
        std::thread::Builder::new()
            .spawn(move || {
                for line in stdout.lines().map_while(Result::ok) {
                    if to.send(serde_json::from_str(&line).expect(&line)).is_err() {
                        return;
                    }
                }
            })
            .unwrap();
        let stdin = child.stdin.take();
        Self { child, stdin, lines, seen: Vec::new(), next_id: 1, _cache: cache }
    }

    fn greeted(rounds: &str) -> Self {
        let mut app = Self::start(rounds);
        app.tell(Command::Hello(Hello::ours(peer::VERSION)));
        app
    }

    /// Says a command; its id.
    fn tell(&mut self, command: Command) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.stdin.as_mut().unwrap().write_all(&encode_line(&CommandLine { id, command }).unwrap()).unwrap();
        id
    }

    /// Says a command that must be taken.
    fn ask(&mut self, command: Command) {
        let id = self.tell(command);
        self.wait_for("the acknowledgement", |line| is(line, "ack", "rehearsal") && line["id"] == id);
    }

    fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match self.lines.recv_timeout(Duration::from_secs(1)) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if fits(&line) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let last: Vec<_> = self.seen.iter().rev().take(20).collect();
        panic!("{what} never came; the last lines: {last:?}");
    }

    /// Reads to the end; the exit code.
    fn end(&mut self) -> Option<i32> {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push(line);
        }
        self.child.wait().unwrap().code()
    }

    /// Process ids of everything that was started.
    fn pids(&self) -> BTreeMap<String, u64> {
        let started = self.seen.iter().filter(|line| line["event"] == "peer_started");
        started.map(|line| (line["name"].as_str().unwrap().to_owned(), line["pid"].as_u64().unwrap())).collect()
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is(line: &Value, event: &str, who: &str) -> bool {
    line["event"] == event && line["who"] == who
}

fn steps(line: &Value, round: u64) -> bool {
    is(line, "inner_step_done", "peer-1") && line["round"] == round && line["step"].as_u64().unwrap() >= 3
}

/// Parameters after each outer step.
fn thetas(lines: &[Value]) -> BTreeMap<u64, String> {
    let applied = lines.iter().filter(|line| line["event"] == "outer_step_applied");
    applied.map(|line| (line["round"].as_u64().unwrap(), line["theta"].as_str().unwrap().to_owned())).collect()
}

/// Processor time that processes have used, in clock ticks; `None` where the system does not tell.
fn ticks(pids: &BTreeMap<String, u64>) -> Option<u64> {
    let of = |pid: &u64| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    };
    pids.values().map(of).sum()
}

#[test]
fn a_paused_swarm_stands_still_and_goes_on_as_if_nothing_had_been() {
    let undisturbed = rehearse(&["--peers", "2", "--rounds", "4"]);
    let mut app = Driven::greeted("4");
    app.wait_for("a step of round 1", |line| steps(line, 1));
    app.ask(Command::Pause { reason: "a game is running".into(), until_ms: Some(7) });
    let paused = app.wait_for("the pause of all", |line| is(line, "paused", "rehearsal"));
    assert_eq!((&paused["reason"], &paused["until"]), (&"a game is running".into(), &7.into()));
    for name in ["peer-1", "peer-2"] {
        assert!(app.seen.iter().any(|line| is(line, "paused", name)), "{name} said nothing");
    }
    // What ran when the pause came may end: a judgement, a save.
    std::thread::sleep(Duration::from_secs(3));
    let before = ticks(&app.pids());
    std::thread::sleep(Duration::from_secs(4));
    match (before, ticks(&app.pids())) {
        (Some(before), Some(after)) => assert!(after - before <= 20, "{} ticks of work in a pause", after - before),
        _ => println!("not run: this system does not tell processor time"),
    }
    let refused = app.tell(Command::Sample { prompt: String::new(), tokens: 8 });
    app.wait_for("no sample in a pause", |line| is(line, "refused", "rehearsal") && line["id"] == refused);
    app.ask(Command::Resume);
    app.wait_for("the resumption", |line| is(line, "resumed", "rehearsal"));
    assert_eq!(app.end(), Some(0));
    let summary = app.seen.last().unwrap();
    assert_eq!(summary["event"], "summary");
    assert_eq!(summary["eval_loss_last"], undisturbed.summary["eval_loss_last"]);
    assert_eq!(thetas(&app.seen), thetas(&undisturbed.events));
    let missed = app.seen.iter().filter(|line| line["verdict"] == "missed").count();
    assert_eq!(missed, 0, "a pause costs nobody a round");
}

#[test]
fn an_app_can_ask_slow_down_and_end_with_the_round() {
    let mut app = Driven::greeted("50");
    assert_eq!(app.wait_for("a greeting first", |_| true)["event"], "hello");
    // By then both count, so that there is an aggregate to have a share of.
    app.wait_for("a step of round 4", |line| steps(line, 4));
    let wrong = app.tell(Command::Pace { work_share: 0.0 });
    app.wait_for("a refusal", |line| is(line, "refused", "rehearsal") && line["id"] == wrong);
    app.ask(Command::Pace { work_share: 0.9 });
    app.ask(Command::Sample { prompt: "the fox ".into(), tokens: 8 });
    let fits = |line: &Value| is(line, "sample", "peer-1") && line["prompt"] == "the fox ";
    let sample = app.wait_for("the sample", fits);
    assert_eq!((&sample["when"], sample["text"].is_string()), (&"now".into(), true), "{sample}");
    let id = app.tell(Command::Snapshot);
    app.wait_for("the snapshot", |line| is(line, "snapshot", "rehearsal") && line["id"] == id);
    let snapshots: Vec<&Value> = app.seen.iter().filter(|line| line["event"] == "snapshot").collect();
    let of = |who: &str| snapshots.iter().find(|line| line["who"] == who).unwrap_or_else(|| panic!("none of {who}"));
    let holds = |who: &str, event: &str| of(who)["events"].as_array().unwrap().iter().any(|e| e["event"] == event);
    assert!(holds("rehearsal", "run_facts") && holds("peer-2", "peer_started") && holds("peer-1", "layers_moved"));
    app.ask(Command::Stop { when: StopWhen::EndOfRound });
    let stopping = app.wait_for("the price", |line| is(line, "stopping", "rehearsal"));
    assert!(stopping["price"].as_str().unwrap().contains("nothing is lost"), "{stopping}");
    assert_eq!(app.end(), Some(0));
    let summary = app.seen.last().unwrap();
    assert_eq!((&summary["event"], &summary["verdicts_per_peer_round_ok"]), (&"summary".into(), &true.into()));
    assert!(summary["rounds"].as_u64().unwrap() < 50, "{summary}");
    joined_and_moved(&app.seen);
}

/// What the window shows of a peer's own work was really said.
fn joined_and_moved(lines: &[Value]) {
    let own = |event: &str| lines.iter().filter(|line| is(line, event, "peer-1")).collect::<Vec<_>>();
    assert!(own("inner_step_done").iter().all(|line| line["grad_norm"].as_f64().unwrap() > 0.0));
    let joined: Vec<_> = own("sample").into_iter().filter(|line| line["when"] == "joined").collect();
    assert_eq!(joined.len(), 1, "{joined:?}");
    assert!(!lines.iter().any(|line| is(line, "sample", "peer-2")), "one of them is enough");
    let shares: Vec<f64> = own("layers_moved").iter().filter_map(|line| line["layers"][0]["share"].as_f64()).collect();
    assert!(!shares.is_empty() && shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
    let receipts: Vec<u64> = own("receipt").iter().map(|line| line["sequence"].as_u64().unwrap()).collect();
    assert!(receipts.is_sorted() && !receipts.is_empty(), "{receipts:?}");
}

#[test]
fn stop_now_ends_at_once_and_says_what_is_lost() {
    let mut app = Driven::greeted("50");
    app.wait_for("a step of round 1", |line| steps(line, 1));
    app.ask(Command::Stop { when: StopWhen::Now });
    let stopping = app.wait_for("the price", |line| is(line, "stopping", "rehearsal"));
    assert!(stopping["price"].as_str().unwrap().contains("is not finished"), "{stopping}");
    assert_eq!(app.end(), Some(0));
    assert_eq!(alive(&app.pids()), Vec::<String>::new());
}

#[test]
fn a_swarm_whose_app_is_gone_goes_too() {
    let mut app = Driven::greeted("50");
    app.wait_for("a step of round 1", |line| steps(line, 1));
    drop(app.stdin.take());
    assert_eq!(app.end(), Some(0));
    assert_eq!(alive(&app.pids()), Vec::<String>::new());
    // Also before there is a swarm.
    let mut app = Driven::start("50");
    drop(app.stdin.take());
    assert_eq!(app.end(), Some(0));
}

#[test]
fn an_app_of_another_version_gets_no_rehearsal() {
    let mut app = Driven::start("50");
    app.tell(Command::Hello(Hello { protocol: 999, version: "9.9.9".into() }));
    assert_eq!(app.end(), Some(40));
}

/// Names of those that still run.
fn alive(pids: &BTreeMap<String, u64>) -> Vec<String> {
    assert!(pids.len() >= 3, "{pids:?}");
    // SAFETY: signal 0 only asks whether the process is there.
    let runs = |pid: u64| unsafe { libc::kill(i32::try_from(pid).unwrap(), 0) } == 0;
    pids.iter().filter(|(_, pid)| runs(**pid)).map(|(name, _)| name.clone()).collect()
}

#[test]
fn a_line_that_loses_a_fifth_costs_nobody_a_round() {
    let args = ["--peers", "3", "--rounds", "5"];
    let clean = rehearse(&args);
    let lossy = rehearse(&[&args[..], &["--loss", "20"]].concat());
    lossy.assert_sound();
    assert_eq!(lossy.summary["accepted"], clean.summary["accepted"], "{}", lossy.summary);
    assert_eq!(lossy.summary["rejected"], clean.summary["rejected"], "{}", lossy.summary);
    assert_eq!(thetas(&lossy.events), thetas(&clean.events));
}
