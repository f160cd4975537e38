//! The peer process: started, heard, told, ended, and never outliving the app.
//!
//! In: what to start, commands, kills. Out: what each process says, on one bounded queue, its end always last. It decides
//! nothing: when to start, stop and kill is the state's. Reading is bounded whatever a process writes; a process that says
//! nothing but nonsense is ended.

mod child;
mod once;
mod spawner;

pub(crate) use once::{Answer, ask};
pub(crate) use spawner::Spawner;

use crate::crash::End;
use crate::state::Event;
use child::Group;
use ipc::{Command, CommandLine, Event as Said, EventLine, Hello, LineSplitter, decode_line, encode_line, handshake};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitStatus;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Commands that wait for a process that reads slowly.
const COMMAND_QUEUE: usize = 64;
/// One pipe buffer.
const READ_BYTES: usize = 64 * 1024;
/// Lines that are no word before a process is given up.
const MAX_GARBLED: u32 = 2_000;
/// Such lines that are told.
const TOLD_GARBLED: u32 = 5;
/// Bytes of standard error that are kept.
const STDERR_TAIL: usize = 32 * 1024;
/// Characters of one line of standard error that are told.
const STDERR_LINE: usize = 500;
/// Lines of standard error that are told of one process.
const TOLD_STDERR: u32 = 1_000;

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) generation: u64,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) folder: PathBuf,
}

/// A process that was started, or is being started.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) generation: u64,
    commands: mpsc::Sender<CommandLine>,
    kill: CancellationToken,
}

impl Running {
    /// Starts a process and the tasks that listen to it.
    pub(crate) fn start(
        plan: Plan,
        version: &str,
        spawner: &Spawner,
        to: mpsc::Sender<Event>,
        tasks: &TaskTracker,
    ) -> Self {
        let (commands, inbox) = mpsc::channel(COMMAND_QUEUE);
        let kill = CancellationToken::new();
        let generation = plan.generation;
        let hello = Hello::ours(version);
        let task = live(plan, hello, spawner.clone(), inbox, kill.clone(), to);
        tasks.spawn(task);
        Self { generation, commands, kill }
    }

    /// Sends a command; one that finds the queue full is lost with a process that does not read.
    pub(crate) fn tell(&self, line: CommandLine) {
        if self.commands.try_send(line).is_err() {
            tracing::warn!("the peer does not read its commands");
        }
    }

    /// Where commands go, for a worker that answers later.
    pub(crate) fn commands(&self) -> mpsc::Sender<CommandLine> {
        self.commands.clone()
    }

    /// Ends it at once, and its children.
    pub(crate) fn kill(&self) {
        self.kill.cancel();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill.cancel();
    }
}

async fn live(
    plan: Plan,
    hello: Hello,
    spawner: Spawner,
    inbox: mpsc::Receiver<CommandLine>,
    kill: CancellationToken,
    to: mpsc::Sender<Event>,
) {
    let generation = plan.generation;
    let end = match spawner.spawn(plan).await {
        Ok(child) => listen(child, generation, &hello, inbox, &kill, &to).await,
        Err(error) => End { not_started: Some(error.to_string()), ..End::default() },
    };
    let _ = to.send(Event::Ended { generation, end }).await;
}

/// Hears a process to its end.
async fn listen(
    mut child: Child,
    generation: u64,
    hello: &Hello,
    inbox: mpsc::Receiver<CommandLine>,
    kill: &CancellationToken,
    to: &mpsc::Sender<Event>,
) -> End {
    let group = Group::of(&child);
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return End { not_started: Some("its pipes are missing".to_owned()), ..End::default() };
    };
    if let Some(pid) = child.id() {
        let _ = to.send(Event::Spawned { generation, pid }).await;
    }
    let mut talk = Talk { generation, to, hello, greeted: false, garbled: 0, splitter: LineSplitter::new() };
    let mut tail = Tail { generation, to, kept: VecDeque::new(), line: Vec::new(), told: 0 };
    let mut end = End::default();
    let written = async {
        write_commands(stdin, hello.clone(), inbox).await;
        // A process that does not listen may still speak.
        std::future::pending::<()>().await;
    };
    let words = async {
        match talk.hear(stdout).await {
            Verdict::Over => {}
            Verdict::Babbled => end.babbled = true,
            Verdict::OtherVersion(why) => end.other_version = Some(why),
        }
        if end.babbled || end.other_version.is_some() {
            kill.cancel();
        }
    };
    let heard = async {
        tokio::select! {
            ((), ()) = async { tokio::join!(words, tail.hear(stderr)) } => {}
            () = written => {}
            () = kill.cancelled() => {}
        }
    };
    let status = reap(&mut child, heard, &group, kill).await;
    // Whatever it started goes with it: nothing of ours holds the card any more.
    group.kill();
    end.stderr = tail.text();
    if let Some(status) = status {
        end.code = status.code();
        end.signal = signal_of(status);
    }
    end
}

/// Waits for the process while it is heard. Its last lines are read before its end is told; a grandchild that holds the pipes
/// open keeps nobody waiting for long.
async fn reap(
    child: &mut Child,
    heard: impl Future<Output = ()>,
    group: &Group,
    kill: &CancellationToken,
) -> Option<ExitStatus> {
    let mut heard = std::pin::pin!(heard);
    let mut done = false;
    let status = loop {
        tokio::select! {
            () = &mut heard, if !done => done = true,
            status = child.wait() => break status.ok(),
            () = kill.cancelled() => {
                group.kill();
                let _ = child.start_kill();
                break child.wait().await.ok();
            }
        }
    };
    if !done && !kill.is_cancelled() {
        group.kill();
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), heard).await;
    }
    status
}

async fn write_commands(mut stdin: ChildStdin, hello: Hello, mut inbox: mpsc::Receiver<CommandLine>) {
    let mut next = Some(CommandLine { id: 0, command: Command::Hello(hello) });
    while let Some(command) = next {
        if let Ok(line) = encode_line(&command)
            && (stdin.write_all(&line).await.is_err() || stdin.flush().await.is_err())
        {
            return;
        }
        next = inbox.recv().await;
    }
}

/// What became of a process's words.
enum Verdict {
    Over,
    Babbled,
    OtherVersion(String),
}

struct Talk<'a> {
    generation: u64,
    to: &'a mpsc::Sender<Event>,
    hello: &'a Hello,
    greeted: bool,
    garbled: u32,
    splitter: LineSplitter,
}

impl Talk<'_> {
    async fn hear(&mut self, mut from: impl AsyncRead + Unpin) -> Verdict {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = from.read(&mut buffer).await.unwrap_or(0);
            if count == 0 {
                return Verdict::Over;
            }
            let mut input = &buffer[..count];
            while let Some(line) = self.splitter.next_line(&mut input) {
                let parsed = line.map_err(|error| error.to_string()).and_then(|line| parse(&line));
                let verdict = match parsed {
                    Ok((speaker, event)) => self.said(speaker, event).await,
                    Err(why) => self.garbled(&why).await,
                };
                if let Some(verdict) = verdict {
                    return verdict;
                }
            }
        }
    }

    async fn said(&mut self, speaker: String, line: EventLine) -> Option<Verdict> {
        let generation = self.generation;
        if let Said::Hello(theirs) = &line.event {
            // A swarm's processes greet the rehearsal; only the first greeting is for us.
            if !self.greeted {
                if let Err(error) = handshake(self.hello, theirs) {
                    return Some(Verdict::OtherVersion(error.to_string()));
                }
                self.greeted = true;
                let _ = self.to.send(Event::Hello { generation }).await;
            }
            return None;
        }
        if !self.greeted {
            // Words before the greeting are nobody's: they may mean anything.
            return self.garbled("a word before the greeting").await;
        }
        let _ = self.to.send(Event::Said { generation, speaker, line: Box::new(line) }).await;
        None
    }

    async fn garbled(&mut self, why: &str) -> Option<Verdict> {
        self.garbled += 1;
        if self.garbled <= TOLD_GARBLED {
            let text = format!("the peer said something that is no word: {why}");
            let _ = self.to.send(Event::Noise { generation: self.generation, text }).await;
        }
        (self.garbled > MAX_GARBLED).then_some(Verdict::Babbled)
    }
}

/// A line as its speaker and what it said.
fn parse(line: &[u8]) -> Result<(String, EventLine), String> {
    let value: serde_json::Value = decode_line(line).map_err(|error| error.to_string())?;
    let speaker = ["who", "name"].iter().find_map(|key| value[*key].as_str()).unwrap_or("peer").to_owned();
    // A word of a newer peer of the same protocol reads as nothing; only what is no event at all is nonsense.
    match serde_json::from_value::<EventLine>(value) {
        Ok(event) => Ok((speaker, event)),
        Err(error) => Err(error.to_string().chars().take(200).collect()),
    }
}

/// The end of standard error, and its lines for the log.
struct Tail<'a> {
    generation: u64,
    to: &'a mpsc::Sender<Event>,
    kept: VecDeque<u8>,
    line: Vec<u8>,
    told: u32,
}

impl Tail<'_> {
    async fn hear(&mut self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = from.read(&mut buffer).await.unwrap_or(0);
            if count == 0 {
                break;
            }
            let bytes = &buffer[..count];
            self.kept.extend(bytes);
            let over = self.kept.len().saturating_sub(STDERR_TAIL);
            self.kept.drain(..over);
            for byte in bytes {
                match byte {
                    b'\n' => self.tell().await,
                    // A progress bar redraws its line with carriage returns: only its last state is a line.
                    b'\r' => self.line.clear(),
                    byte if self.line.len() < STDERR_LINE => self.line.push(*byte),
                    _ => {}
                }
            }
        }
        self.tell().await;
    }

    async fn tell(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        if !text.is_empty() && self.told < TOLD_STDERR {
            self.told += 1;
            let _ = self.to.send(Event::Noise { generation: self.generation, text }).await;
        }
    }

    fn text(&self) -> String {
        let bytes: Vec<u8> = self.kept.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(unix)]
fn signal_of(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal_of(_: ExitStatus) -> Option<i32> {
    None
}
