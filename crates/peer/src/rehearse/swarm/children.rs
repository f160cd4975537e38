//! A place in the swarm: a process that may come and go, its key, and when it is started again.
//!
//! In: starts, exits, requests for signatures. Out: a running child or a time at which to try again. Back-off doubles from
//! one second, as the app's supervisor does; after five crashes in a row the rehearsal gives up.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ipc::{Command, ExitCode};
use types::{Hotkey, SignPayload, Signer as _};
use wallet::{GuardPolicy, GuardedSigner, Limits, LocalSigner};

use super::super::plan::MEETING_POINT;
use super::super::process::{Line, Process};
use super::{RehearseError, Swarm, restarts};
use crate::train::OUTBOX;

/// Pause before the first restart.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Crashes in a row after which a rehearsal is pointless.
const MAX_CRASHES: u32 = 5;
/// A process that ran this long has recovered.
const RECOVERED: Duration = Duration::from_secs(60);
/// The ledger signs every block.
const SIGNATURES_PER_MINUTE: usize = 6000;
/// Whose model is shown: all stand at the same parameters.
const SAMPLED: &str = "peer-1";
/// The end of a log that tells why a process ended.
const LAST_WORDS: u64 = 4096;
/// Twenty blocks a second all day, and as much again.
const SIGNATURES_PER_DAY: usize = 4_000_000;

/// One place.
pub(super) struct Slot {
    line: Line,
    signer: GuardedSigner<LocalSigner>,
    process: Option<Process>,
    generation: u32,
    started: Instant,
    crashes: u32,
    due: Option<Instant>,
    /// Told to go: its end is no crash.
    leaving: bool,
    /// What earlier processes of this place wrote to their standard error, in bytes.
    silent_before: u64,
}

impl Slot {
    fn new(line: Line, signer: GuardedSigner<LocalSigner>) -> Self {
        let started = Instant::now();
        Self {
            line,
            signer,
            process: None,
            generation: 0,
            started,
            crashes: 0,
            due: None,
            leaving: false,
            silent_before: 0,
        }
    }

    /// Which start is running.
    pub(super) fn generation(&self) -> Option<u32> {
        self.process.as_ref().map(|p| p.generation)
    }

    /// Whether a process runs.
    pub(super) fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// Whether it is time to start again.
    pub(super) fn is_due(&self) -> bool {
        self.due.is_some_and(|due| due <= Instant::now())
    }

    /// Whether its absence is no failure.
    pub(super) fn may_go(&self) -> bool {
        self.leaving
    }

    /// Where its standard error is.
    pub(super) fn log(&self) -> PathBuf {
        self.line.stderr.clone()
    }

    /// Says something to the process, if one runs.
    pub(super) fn tell(&mut self, command: Command) {
        if let Some(process) = &mut self.process {
            process.tell(command);
        }
    }

    /// Why the process that has just ended did so, by its code and its last words.
    pub(super) fn reason(&self, code: Option<i32>) -> Option<ExitCode> {
        let words = last_words(&self.line.stderr, self.silent_before).unwrap_or_default();
        ExitCode::of_end(code, &words)
    }

    /// SIGKILL.
    pub(super) fn kill(&self) {
        if let Some(process) = &self.process {
            process.kill();
        }
    }

    /// Leaves after the running round and does not come back.
    pub(super) fn leave(&mut self) {
        self.tell_to_stop(Command::Stop { when: ipc::StopWhen::EndOfRound });
    }

    /// Ends and does not come back.
    pub(super) fn tell_to_stop(&mut self, command: Command) {
        self.leaving = true;
        self.due = None;
        if let Some(process) = &mut self.process {
            process.tell(command);
        }
    }

    /// The process ended; returns whether it will be started again.
    pub(super) fn ended(&mut self, reason: Option<ExitCode>) -> bool {
        self.process = None;
        if self.started.elapsed() > RECOVERED {
            self.crashes = 0;
        }
        self.crashes += 1;
        let again = !self.leaving && restarts(reason) && self.crashes <= MAX_CRASHES;
        if again {
            self.due = Some(Instant::now() + FIRST_BACKOFF * 2u32.saturating_pow(self.crashes - 1));
        }
        again
    }

    /// Answers a request for a signature.
    pub(super) async fn sign(&mut self, id: u64, payload: &SignPayload) {
        let result = self.signer.sign(payload).await.map_err(|e| e.to_string());
        if let Some(process) = &mut self.process {
            process.tell(Command::SignReply { id, result });
        }
    }
}

impl Swarm<'_> {
    /// Starts a process, for the first time or again.
    pub(super) async fn start(&mut self, name: &str) -> Result<(), RehearseError> {
        let failed = |source| RehearseError::Start { name: name.to_owned(), source };
        if !self.slots.contains_key(name) {
            let signer = self.prepared.signer(name);
            let line = self.line(name, signer.hotkey());
            let dir = self.plan.state_of(&self.prepared.run.dir, name);
            std::fs::create_dir_all(&dir).map_err(failed)?;
            let limits = Limits { per_minute: SIGNATURES_PER_MINUTE, per_day: SIGNATURES_PER_DAY };
            // The sequencer signs a block at a time and nothing twice; its audit trail is the chain itself.
            let log = (name != "ledger").then(|| dir.join("signatures.jsonl"));
            let policy = GuardPolicy::uniform(operations(name), limits, log);
            let signer = GuardedSigner::new(signer, policy).map_err(|e| failed(std::io::Error::other(e)))?;
            self.slots.insert(name.to_owned(), Slot::new(line, signer));
        }
        let Some(slot) = self.slots.get_mut(name) else { return Ok(()) };
        slot.due = None;
        slot.generation += 1;
        slot.started = Instant::now();
        slot.silent_before = std::fs::metadata(&slot.line.stderr).map_or(0, |file| file.len());
        let process = Process::start(&slot.line, slot.generation, &self.to, &self.tasks).map_err(failed)?;
        tracing::info!("started `{name}`, process {}", process.pid);
        slot.process = Some(process);
        self.brief(name);
        Ok(())
    }

    fn line(&self, name: &str, hotkey: Hotkey) -> Line {
        let run = self.prepared.run.dir.display().to_string();
        let role = match name.split('-').next() {
            Some("ledger") => "ledger",
            Some("validator") => "validate",
            _ => "train",
        };
        let threads = 1;
        let mut args: Vec<String> =
            [role, "--run", &run, "--ipc", "--hotkey", &hotkey.ss58()].map(str::to_owned).into();
        if role == "ledger" {
            args.extend(["--expected-peers".into(), self.plan.first_peers().to_string()]);
        } else {
            // On the processor even where there is a card: half a dozen processes would fight over it.
            let rest = ["--name", name, "--device", "cpu", "--threads", &threads.to_string()].map(str::to_owned);
            args.extend(rest);
        }
        if name == MEETING_POINT
            && let Some(address) = self.prepared.run.places.network.as_ref().and_then(|n| n.bootstrap.first())
        {
            let listen = address.split_once("/p2p/").map_or(address.as_str(), |(listen, _)| listen);
            args.extend(["--listen".into(), listen.to_owned()]);
        }
        if role != "ledger" && self.plan.input.loss > 0 {
            args.extend(["--loss".into(), self.plan.input.loss.to_string()]);
        }
        if role == "train" && name != SAMPLED {
            args.extend(["--sample-every".into(), "0".into()]);
        }
        if let Some((_, kind)) = self.plan.cheaters().into_iter().find(|(cheater, _)| cheater == name) {
            args.extend(["--cheat".into(), kind.word().into()]);
            let victim = self.plan.state_of(&self.prepared.run.dir, "peer-1");
            args.extend(["--victim".into(), victim.display().to_string()]);
            debug_assert!(!victim.ends_with(OUTBOX));
        }
        let stderr = self.plan.state_of(&self.prepared.run.dir, name).join("stderr.log");
        Line { name: name.to_owned(), args, stderr, threads }
    }
}

/// The end of what a process wrote to its standard error.
fn last_words(log: &Path, silent_before: u64) -> std::io::Result<String> {
    let mut file = std::fs::File::open(log)?;
    let from = file.metadata()?.len().saturating_sub(LAST_WORDS).max(silent_before);
    file.seek(SeekFrom::Start(from))?;
    let mut words = Vec::new();
    file.take(LAST_WORDS).read_to_end(&mut words)?;
    Ok(String::from_utf8_lossy(&words).into_owned())
}

/// What a process may have signed.
fn operations(name: &str) -> Vec<&'static str> {
    match name.split('-').next() {
        Some("ledger") => vec!["block"],
        Some("validator") => {
            vec!["register", "publish", "set-weights", "peer-binding", "extrinsic-commit", "extrinsic-set-weights"]
        }
        _ => vec!["register", "publish", "submission", "peer-binding", "announcement", "extrinsic-commit"],
    }
}
