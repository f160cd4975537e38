//! The processes of a founded run, watched.
//!
//! In: a run folder and what this machine does for it. Out: the run's ledger, validators and seed as processes that are
//! started again when they crash, the link once the seed knows its addresses, and at the end nobody left running. A child
//! lives as long as its standard input is open, so that none outlives this process. What cannot be helped by starting
//! again ends the run on this machine, unless it is a validator and another one is left.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use ipc::{Command, Event, EventLine, ExitClass, ExitCode, StopWhen};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{JoinLink, Problem};

use super::args::FoundArgs;
use super::prepare::{Founded, LEDGER, SEED};
use crate::command::PrecisionArg;
use crate::invitation::{LINK_FILE, picture};
use crate::rehearse::Show;
use crate::rehearse::process::{FromChild, Line, Message, Process};

/// Messages of all children that wait to be looked at.
const MESSAGE_QUEUE: usize = 1024;
/// How often restarts are looked at.
const TICK: Duration = Duration::from_millis(200);
/// First and longest pause before a crashed process is started again.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// A process that ran for so long has no history of crashes any more.
const STEADY: Duration = Duration::from_secs(300);
/// Time in which children save and end.
const STOP_GRACE: Duration = Duration::from_secs(20);
/// Time in which a killed process is gone.
const REAP_TIME: Duration = Duration::from_secs(10);
/// Longest link file.
const MAX_LINK_BYTES: u64 = 16 * 1024;

/// Why a founded run does not go on here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuperviseError {
    /// A process could not be started.
    #[error("`{name}` could not be started: {source}")]
    Start {
        /// Its name.
        name: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A process that the run needs ended for a reason that another start does not help.
    #[error("`{name}` ended with {exit}{}; its log: {log}", said(.problem.as_deref()))]
    Child {
        /// Its name.
        name: String,
        /// Exit code or signal in words.
        exit: String,
        /// Its standard error.
        log: PathBuf,
        /// What it said was wrong.
        problem: Option<Box<Problem>>,
        /// Why it ended, if that can be told.
        reason: Option<ExitCode>,
    },
}

fn said(problem: Option<&Problem>) -> String {
    problem.map_or_else(String::new, |problem| format!(" ({problem})"))
}

/// An event line with its speaker.
#[derive(Serialize)]
struct Tagged<'a> {
    who: &'a str,
    #[serde(flatten)]
    line: &'a EventLine,
}

/// The run's link, as a line of its own kind.
#[derive(Serialize)]
struct Linked<'a> {
    who: &'a str,
    link: String,
}

struct Child {
    line: Line,
    process: Option<Process>,
    generation: u32,
    started: Instant,
    /// Crashes since it last ran steadily.
    crashes: u32,
    /// When it is started again.
    due: Option<Instant>,
    problem: Option<Problem>,
    /// It will not be started again.
    lost: bool,
}

/// The processes of a run.
pub struct Children {
    children: BTreeMap<String, Child>,
    link_file: PathBuf,
    link: Option<JoinLink>,
    show: Show,
    to: mpsc::Sender<Message>,
    from: mpsc::Receiver<Message>,
    tasks: TaskTracker,
}

impl Children {
    /// Nothing is started yet.
    pub fn new(founded: &Founded, args: &FoundArgs, show: Show) -> Self {
        let (to, from) = mpsc::channel(MESSAGE_QUEUE);
        let lines = lines(founded, args);
        let child = |line: Line| Child {
            line,
            process: None,
            generation: 0,
            started: Instant::now(),
            crashes: 0,
            due: Some(Instant::now()),
            problem: None,
            lost: false,
        };
        let children = lines.into_iter().map(|line| (line.name.clone(), child(line))).collect();
        let link_file = founded.run.dir.join(LINK_FILE);
        Self { children, link_file, link: None, show, to, from, tasks: TaskTracker::new() }
    }

    /// Runs them until `stop`.
    ///
    /// # Errors
    /// [`SuperviseError`]; nothing is left running.
    pub async fn run(mut self, stop: &CancellationToken) -> Result<(), SuperviseError> {
        // An earlier start's link may name another address.
        let _ = std::fs::remove_file(&self.link_file);
        let ended = self.watch(stop).await;
        self.end_all().await;
        ended
    }

    async fn watch(&mut self, stop: &CancellationToken) -> Result<(), SuperviseError> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(message) = self.from.recv() => self.take(message)?,
                _ = tick.tick() => {
                    self.start_due()?;
                    self.look_for_link();
                }
            }
        }
    }

    fn start_due(&mut self) -> Result<(), SuperviseError> {
        for (name, child) in &mut self.children {
            if child.due.is_some_and(|due| due <= Instant::now()) {
                child.due = None;
                child.generation += 1;
                child.started = Instant::now();
                child.problem = None;
                let process = Process::start(&child.line, child.generation, &self.to, &self.tasks);
                let start = |source| SuperviseError::Start { name: name.clone(), source };
                child.process = Some(process.map_err(start)?);
            }
        }
        Ok(())
    }

    fn take(&mut self, message: Message) -> Result<(), SuperviseError> {
        let Message { name, generation, what } = message;
        let Some(child) = self.children.get_mut(&name).filter(|child| child.generation == generation) else {
            return Ok(());
        };
        match what {
            FromChild::Said(line) => {
                if let Event::Problem { problem, .. } = &line.event {
                    child.problem = Some(problem.clone());
                }
                self.tell(&name, &line);
                Ok(())
            }
            FromChild::Garbled(error) => {
                tracing::warn!("`{name}` said something that is no event: {error}");
                Ok(())
            }
            FromChild::Exited(status) => self.on_exit(&name, status),
        }
    }

    fn on_exit(&mut self, name: &str, status: Option<std::process::ExitStatus>) -> Result<(), SuperviseError> {
        let Some(child) = self.children.get_mut(name) else { return Ok(()) };
        child.process = None;
        let reason = status.and_then(|status| status.code()).and_then(ExitCode::from_code);
        let exit = status.map_or_else(|| "an unknown status".into(), |status| status.to_string());
        // Nobody asked it to stop, so even a good end is none.
        let class = match reason.map(ExitCode::class) {
            None | Some(ExitClass::Done | ExitClass::Restart) => ExitClass::Restart,
            Some(other) => other,
        };
        if child.started.elapsed() > STEADY {
            child.crashes = 0;
        }
        if class == ExitClass::Restart {
            let pause = BACK_OFF.0.saturating_mul(1 << child.crashes.min(16)).min(BACK_OFF.1);
            child.crashes += 1;
            child.due = Some(Instant::now() + pause);
            self.note(name, &format!("ended with {exit}; it is started again in {} s", pause.as_secs()));
            return Ok(());
        }
        child.lost = true;
        let (log, problem) = (child.line.stderr.clone(), child.problem.clone().map(Box::new));
        let validator = |name: &str| name != LEDGER && name != SEED;
        if validator(name) && self.children.iter().any(|(name, child)| validator(name) && !child.lost) {
            let words = said(problem.as_deref());
            self.note(name, &format!("ended with {exit}{words} and is not started again; the run goes on without it"));
            return Ok(());
        }
        Err(SuperviseError::Child { name: name.to_owned(), exit, log, problem, reason })
    }

    /// The seed writes its link once it knows its addresses, and again when it knows better ones.
    fn look_for_link(&mut self) {
        let Ok(text) = crate::places::read_bounded(&self.link_file, MAX_LINK_BYTES) else { return };
        let Some(link) = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse::<JoinLink>().ok()) else {
            return;
        };
        if self.link.as_ref() == Some(&link) {
            return;
        }
        match self.show {
            Show::Json => print(&Linked { who: "found", link: link.to_string() }),
            Show::View => {
                let mut out = std::io::stdout().lock();
                let picture = picture(&link).unwrap_or_default();
                let how = "Others join with:  covey-peer join LINK";
                let _ = writeln!(out, "\n{picture}\n{link}\n\n{how}\nCtrl-C ends the run on this machine.");
            }
        }
        self.link = Some(link);
    }

    fn tell(&self, name: &str, line: &EventLine) {
        match self.show {
            Show::Json => print(&Tagged { who: name, line }),
            Show::View => {
                if let Some(sentence) = crate::events::sentence(&line.event) {
                    eprintln!("{name}: {sentence}");
                }
            }
        }
    }

    fn note(&self, name: &str, words: &str) {
        let event = Event::Log { level: ipc::LogLevel::Warn, text: format!("{name} {words}") };
        match self.show {
            Show::Json => {
                let line = EventLine { seq: 0, at_ms: crate::events::now_ms(), event };
                print(&Tagged { who: "found", line: &line });
            }
            Show::View => eprintln!("{name} {words}"),
        }
    }

    /// Validators save and end first, the ledger last: it takes their last words.
    async fn end_all(&mut self) {
        let names: Vec<String> = self.children.keys().filter(|name| *name != LEDGER).cloned().collect();
        self.end(&names).await;
        self.end(&[LEDGER.to_owned()]).await;
        // With a process goes the queue to it, for which a task of its waits.
        self.children.clear();
        self.tasks.close();
        self.from.close();
        while self.from.recv().await.is_some() {}
        if tokio::time::timeout(REAP_TIME, self.tasks.wait()).await.is_err() {
            tracing::warn!("not every process could be waited for");
        }
    }

    async fn end(&mut self, names: &[String]) {
        for name in names {
            if let Some(child) = self.children.get_mut(name) {
                child.due = None;
                if let Some(process) = &mut child.process {
                    process.tell(Command::Stop { when: StopWhen::Now });
                }
            }
        }
        let deadline = Instant::now() + STOP_GRACE;
        let running = |children: &BTreeMap<String, Child>| {
            names.iter().any(|name| children.get(name).is_some_and(|child| child.process.is_some()))
        };
        while running(&self.children) {
            match tokio::time::timeout_at(deadline, self.from.recv()).await {
                Ok(Some(Message { name, generation, what: FromChild::Exited(_) })) => {
                    if let Some(child) = self.children.get_mut(&name).filter(|child| child.generation == generation) {
                        child.process = None;
                    }
                }
                // What they still say while ending no longer matters.
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(_) => {
                    let late = names.iter().filter_map(|name| self.children.get(name));
                    late.filter_map(|child| child.process.as_ref()).for_each(Process::kill);
                    return;
                }
            }
        }
    }
}

fn print(what: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(what) {
        // A reader that has gone does not stop the run.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

/// The command line of each process.
fn lines(founded: &Founded, args: &FoundArgs) -> Vec<Line> {
    let (run, settings) = (&founded.run, &founded.settings);
    let dir = run.dir.display().to_string();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if args.threads == 0 { cores.saturating_sub(1).max(1) } else { args.threads };
    let line = |name: &str, role: &str, key: &str, threads: usize, more: Vec<String>| {
        let key = founded.key_file(key).display().to_string();
        let mut args = [role, "--run", &dir, "--key", &key, "--app"].map(String::from).to_vec();
        args.extend(more);
        Line { name: name.to_owned(), args, stderr: run.state_of(name).join("stderr.log"), threads }
    };
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let mut seed = words(&["--link-file", &run.dir.join(LINK_FILE).display().to_string()]);
    for (option, addresses) in [("--listen", &settings.listen), ("--external", &settings.external)] {
        seed.extend(addresses.iter().flat_map(|address| [option.to_owned(), address.clone()]));
    }
    let peers = settings.expected_peers.to_string();
    let mut lines = vec![
        line(LEDGER, "ledger", LEDGER, 1, words(&["--expected-peers", &peers])),
        // Its network key speaks for the sequencer: that is how a newcomer knows whose word the ledger's is.
        line(SEED, "seed", SEED, 1, seed),
    ];
    let precision = if args.precision == PrecisionArg::F32 { "f32" } else { "bf16" };
    for name in (1..=settings.validators).map(|n| format!("validator-{n}")) {
        let (device, threads_word) = (args.device.as_str(), threads.to_string());
        let more = words(&["--name", &name, "--threads", &threads_word, "--device", device, "--precision", precision]);
        lines.push(line(&name, "validate", &name, threads, more));
    }
    lines
}
