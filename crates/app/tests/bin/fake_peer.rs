//! A peer that works, crashes, hangs and lies as the file `behaviour` beside it says. For the app's tests only.

use ipc::{Command, CommandLine, Event, EventLine, Hello, LineReader, LineWriter, PeerPhase, Role, Summary};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use types::{BlockNumber, Problem, Rao, Round, Uid, Verdict};

const STEP: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own.parent().map(Path::to_owned).unwrap_or_default();
    let behaviour = std::fs::read_to_string(folder.join("behaviour")).unwrap_or_default();
    if std::env::args().nth(1).as_deref() == Some("--version") {
        println!("covey-peer 1.0.0");
        return ExitCode::SUCCESS;
    }
    if std::env::args().nth(1).as_deref() == Some("runs") {
        return runs(&folder);
    }
    let _ = std::fs::write(
        folder.join(format!("pid-{}", std::process::id())),
        std::env::args().collect::<Vec<_>>().join(" "),
    );
    match behaviour.trim() {
        "loader" => {
            eprintln!(
                "covey-peer: error while loading shared libraries: libtorch_cpu.so: cannot open shared object file"
            );
            ExitCode::from(127)
        }
        "oom" => {
            eprintln!("memory allocation of 4096 bytes failed");
            std::process::abort();
        }
        "garbage" => garbage(),
        "old" => {
            say(0, Event::Hello(Hello { protocol: 0, version: "0.1.0".to_owned() }));
            std::thread::sleep(Duration::from_secs(600));
            ExitCode::SUCCESS
        }
        other => work(other, &folder),
    }
}

/// `runs add LINK --dir DIR --json` and `runs show DIR --json`, as the file `runs` beside it says.
fn runs(folder: &Path) -> ExitCode {
    const RUN: &[u8] = include_bytes!("../../fixtures/run.json");
    let args: Vec<String> = std::env::args().skip(2).collect();
    let behaviour = std::fs::read_to_string(folder.join("runs")).unwrap_or_default();
    let _ = std::fs::write(folder.join(format!("runs-{}", std::process::id())), args.join(" "));
    let [action, what, rest @ ..] = args.as_slice() else { return ExitCode::from(2) };
    if action == "show" {
        println!(
            "{}",
            serde_json::json!({ "fits": true, "device_bytes": 0, "host_bytes": 2_000_000_000u64, "disk_bytes": 7 })
        );
        return ExitCode::SUCCESS;
    }
    let dir = rest.iter().position(|arg| arg == "--dir").and_then(|at| rest.get(at + 1)).cloned().unwrap_or_default();
    let at = what.split("at=").nth(1).unwrap_or_default();
    match behaviour.trim() {
        "refuses" => {
            let problem = Problem::new("run_unknown", "Nobody there knows the run", "Ask anew.");
            println!("{}", serde_json::json!(problem));
            return ExitCode::from(2);
        }
        "hangs" => std::thread::sleep(Duration::from_secs(600)),
        "lies" => {}
        _ => {
            let _ = std::fs::create_dir_all(&dir);
            let places = format!(r#"{{"share":"s","dataset":"d","network":{{"bootstrap":["{at}"]}}}}"#);
            let _ = std::fs::write(Path::new(&dir).join("places.json"), places);
            let _ = std::fs::write(Path::new(&dir).join("run.json"), RUN);
        }
    }
    println!(
        "{}",
        serde_json::json!({ "dir": dir, "dataset_bytes": 40_000_000u64, "fits": true, "upload_bytes": 330_000 })
    );
    ExitCode::SUCCESS
}

fn garbage() -> ExitCode {
    let line = [b"{\"event\":\"nonsense\"} \xff\xfe ".as_slice(), &[b'x'; 4000], b"\n"].concat();
    let mut out = std::io::stdout().lock();
    while out.write_all(&line).is_ok() {}
    ExitCode::SUCCESS
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn say(seq: u64, event: Event) {
    let line = EventLine { seq, at_ms: now_ms(), event };
    let Ok(mut value) = serde_json::to_value(&line) else { return };
    value["who"] = serde_json::Value::from("peer-1");
    let _ = LineWriter::new(std::io::stdout()).write(&value);
}

fn commands() -> Receiver<Option<CommandLine>> {
    let (to, from) = sync_channel(64);
    let read = move || {
        let mut reader = LineReader::new(std::io::stdin());
        while let Ok(line) = reader.read::<CommandLine>() {
            let over = line.is_none();
            if to.send(line).is_err() || over {
                return;
            }
        }
    };
    let _ = std::thread::Builder::new().name("commands".into()).spawn(read);
    from
}

fn work(behaviour: &str, folder: &Path) -> ExitCode {
    say(0, Event::Hello(Hello::ours("1.0.0")));
    say(1, Event::PeerStarted { name: "peer-1".into(), uid: Some(Uid(1)), pid: std::process::id(), role: Role::Train });
    let commands = commands();
    let mut paused = false;
    for round in 0u64.. {
        say(2, Event::PhaseChanged { round: Round(round), phase: PeerPhase::Inner, deadline_block: BlockNumber(9) });
        if let Some(end) = misbehave(behaviour, folder, round) {
            return end;
        }
        for step in 1..=5 {
            if !paused {
                say(3, inner(round, step));
            }
            match obey(behaviour, &commands, &mut paused) {
                Some(end) => return end,
                None => continue,
            }
        }
        settle(round);
        if behaviour == "finish" && round == 1 {
            say(9, Event::Summary(Box::<Summary>::default()));
            return ExitCode::SUCCESS;
        }
    }
    ExitCode::SUCCESS
}

fn inner(round: u64, step: u32) -> Event {
    let loss = 5.0 - round as f64 * 0.1;
    Event::InnerStepDone {
        round: Round(round),
        step,
        of: 5,
        loss,
        tokens_per_sec: 900.0,
        lr: 1e-3,
        grad_norm: Some(1.0),
    }
}

fn settle(round: u64) {
    let (round, uid, verdict) = (Round(round), Uid(1), Verdict::Accepted);
    say(4, Event::VerdictReceived { round, uid, verdict, score: Some(0.9), loss_own: None, loss_random: None });
    let (emission, balance) = (Rao(5), Rao(5 * (round.0 + 1)));
    say(5, Event::ScoreUpdated { round, uid, score: 0.9, incentive: 1.0, emission, balance });
}

/// The fault that is asked for, in its first round.
fn misbehave(behaviour: &str, folder: &Path, round: u64) -> Option<ExitCode> {
    match behaviour {
        _ if round > 0 => None,
        "crash-once" => {
            let marker: PathBuf = folder.join("crashed");
            let first = std::fs::File::options().write(true).create_new(true).open(marker);
            match first {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => None,
                _ => {
                    eprintln!("thread 'main' panicked at src/main.rs:1:1");
                    Some(ExitCode::from(101))
                }
            }
        }
        "disk" => Some(ExitCode::from(31)),
        "vram" => Some(ExitCode::from(10)),
        "fatal" => {
            let problem = Problem::new("no_progress", "Nothing moves", "Start again");
            say(6, Event::Problem { problem, fatal: true });
            Some(ExitCode::from(1))
        }
        "hang" => {
            std::thread::sleep(Duration::from_secs(600));
            None
        }
        "child" => {
            let _ = std::process::Command::new("sleep").arg("600").spawn().map(|child| {
                let _ = std::fs::write(folder.join("grandchild"), child.id().to_string());
            });
            None
        }
        _ => None,
    }
}

/// Takes a command, or lets a step's time pass. The end of standard input is the end.
fn obey(behaviour: &str, commands: &Receiver<Option<CommandLine>>, paused: &mut bool) -> Option<ExitCode> {
    let line = match commands.recv_timeout(STEP) {
        Ok(Some(line)) => line,
        Err(RecvTimeoutError::Timeout) => return None,
        Ok(None) | Err(RecvTimeoutError::Disconnected) => return Some(ExitCode::SUCCESS),
    };
    if behaviour == "deaf" {
        return None;
    }
    match line.command {
        Command::Hello(_) => return None,
        Command::Pause { reason, until_ms } => {
            *paused = true;
            say(7, Event::Ack { id: line.id });
            say(7, Event::Paused { reason, since_ms: now_ms(), until: until_ms });
            return None;
        }
        Command::Resume => {
            *paused = false;
            say(7, Event::Resumed);
        }
        Command::Stop { .. } | Command::Shutdown { .. } => {
            say(8, Event::Ack { id: line.id });
            return Some(ExitCode::SUCCESS);
        }
        _ => {}
    }
    say(8, Event::Ack { id: line.id });
    None
}
