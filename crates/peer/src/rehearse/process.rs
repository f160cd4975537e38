//! One child process of the swarm: started, heard, written to, killed. Never outlives whoever started it.
//!
//! In: a program line. Out: its events and its end, tagged with its name and a generation number, on one bounded queue. It
//! neither restarts anything nor understands what a child says.

use std::fs::File;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use ipc::{Command, CommandLine, EventLine, Hello, LineSplitter, decode_line, encode_line};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command as Program};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Commands waiting for a child that reads slowly.
const COMMAND_QUEUE: usize = 64;
/// One pipe buffer.
const READ_BYTES: usize = 64 * 1024;

/// What comes from a child.
#[derive(Debug)]
pub(crate) enum FromChild {
    /// It said something.
    Said(Box<EventLine>),
    /// It said something that is no event.
    Garbled(String),
    /// It ended.
    Exited(Option<ExitStatus>),
}

/// A message with its sender; `generation` tells a restarted process from the one before.
#[derive(Debug)]
pub(crate) struct Message {
    /// The process's name.
    pub(crate) name: String,
    /// Which start of it.
    pub(crate) generation: u32,
    /// What it is.
    pub(crate) what: FromChild,
}

/// How to start a process.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Its name.
    pub(crate) name: String,
    /// Arguments after the program.
    pub(crate) args: Vec<String>,
    /// Where its standard error goes.
    pub(crate) stderr: PathBuf,
    /// CPU threads it may use.
    pub(crate) threads: usize,
}

/// A running child.
pub(crate) struct Process {
    /// Which start of it this is.
    pub(crate) generation: u32,
    /// Its process id.
    pub(crate) pid: u32,
    commands: mpsc::Sender<CommandLine>,
    kill: CancellationToken,
    next_id: u64,
}

impl Process {
    /// Starts a child and the tasks that listen to it.
    pub(crate) fn start(
        line: &Line,
        generation: u32,
        to: &mpsc::Sender<Message>,
        tasks: &TaskTracker,
    ) -> std::io::Result<Self> {
        if let Some(dir) = line.stderr.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let stderr = File::options().create(true).append(true).open(&line.stderr)?;
        let mut child = Program::new(std::env::current_exe()?)
            .args(&line.args)
            .envs(engine::spawn_environment(line.threads))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()?;
        let gone = || std::io::Error::other("the child's pipes are missing");
        let stdin = child.stdin.take().ok_or_else(gone)?;
        let stdout = child.stdout.take().ok_or_else(gone)?;
        let pid = child.id().unwrap_or_default();
        let kill = CancellationToken::new();
        let (commands, inbox) = mpsc::channel(COMMAND_QUEUE);
        let name = line.name.clone();
        let tag = move |what| Message { name: name.clone(), generation, what };
        tasks.spawn(write_commands(stdin, inbox));
        tasks.spawn(listen(child, stdout, to.clone(), kill.clone(), tag));
        let mut process = Self { generation, pid, commands, kill, next_id: 0 };
        process.tell(Command::Hello(Hello::ours(crate::VERSION)));
        Ok(process)
    }

    /// Sends a command; one that finds the queue full is lost with the child that does not read.
    pub(crate) fn tell(&mut self, command: Command) {
        let id = self.next_id;
        self.next_id += 1;
        if self.commands.try_send(CommandLine { id, command }).is_err() {
            tracing::warn!("process {} does not read its commands", self.pid);
        }
    }

    /// SIGKILL (or its Windows twin).
    pub(crate) fn kill(&self) {
        self.kill.cancel();
    }
}

async fn write_commands(mut stdin: ChildStdin, mut inbox: mpsc::Receiver<CommandLine>) {
    while let Some(command) = inbox.recv().await {
        let Ok(line) = encode_line(&command) else { continue };
        if stdin.write_all(&line).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Reads until the pipe ends, then reaps the child; `Exited` is always the last message.
async fn listen(
    mut child: Child,
    mut stdout: ChildStdout,
    to: mpsc::Sender<Message>,
    kill: CancellationToken,
    tag: impl Fn(FromChild) -> Message,
) {
    let mut splitter = LineSplitter::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = tokio::select! {
            read = stdout.read(&mut buffer) => read.unwrap_or(0),
            () = kill.cancelled() => break,
        };
        if read == 0 {
            break;
        }
        let mut input = &buffer[..read];
        while let Some(line) = splitter.next_line(&mut input) {
            let what = match line.and_then(|line| decode_line::<EventLine>(&line)) {
                Ok(event) => FromChild::Said(Box::new(event)),
                Err(error) => FromChild::Garbled(error.to_string()),
            };
            if to.send(tag(what)).await.is_err() {
                break;
            }
        }
    }
    if kill.is_cancelled() {
        let _ = child.start_kill();
    }
    let status = tokio::select! {
        status = child.wait() => status.ok(),
        () = kill.cancelled() => {
            let _ = child.start_kill();
            child.wait().await.ok()
        }
    };
    let _ = to.send(tag(FromChild::Exited(status))).await;
}
