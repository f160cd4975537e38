//! Signatures without a key: the peer asks whoever started it, or a signer process of its own.
//!
//! In: typed payloads. Out: signatures, or why there are none. The key never enters this process; see `wallet` for who
//! holds it and `architecture.md` for why.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipc::{Command, CommandLine, Event, HandshakeError, Hello, LineReader, handshake};
use signer::{KeySource, SignerProcess};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use types::{Hotkey, Problem, SignError, SignPayload, Signature, Signer};

use crate::events::{Events, Sink};

/// A signer answers in milliseconds; a person who must unlock something gets this long.
const SIGN_TIMEOUT: Duration = Duration::from_secs(60);
/// Commands waiting for the driver.
const COMMAND_QUEUE: usize = 64;
/// Tokens of a sample at most: some seconds of one thread at the model sizes that fit a home machine.
const MAX_SAMPLE_TOKENS: u32 = 256;
/// Slower than a twentieth of full speed is a pause, and should be called one.
const MIN_WORK_SHARE: f64 = 0.05;

type Pending = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<Signature, String>>>>>;

/// Asks over a pair of pipes.
pub struct IpcSigner {
    hotkey: Hotkey,
    requests: Events,
    next: AtomicU64,
    pending: Pending,
    /// Nobody is there to answer any more.
    ended: CancellationToken,
}

impl IpcSigner {
    fn new(hotkey: Hotkey, requests: Events, replies: &Replies) -> Self {
        let Replies { pending, ended } = replies.clone();
        Self { hotkey, requests, next: AtomicU64::new(0), pending, ended }
    }
}

/// Who waits for a signature, and whether one can still come.
#[derive(Clone, Default)]
struct Replies {
    pending: Pending,
    ended: CancellationToken,
}

#[async_trait::async_trait]
impl Signer for IpcSigner {
    fn hotkey(&self) -> Hotkey {
        self.hotkey
    }

    async fn sign(&self, payload: &SignPayload) -> Result<Signature, SignError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        lock(&self.pending).insert(id, reply);
        self.requests.say(Event::SignRequest { id, payload: payload.clone() }).await;
        let answer = tokio::select! {
            answer = tokio::time::timeout(SIGN_TIMEOUT, answer) => answer,
            () = self.ended.cancelled() => {
                lock(&self.pending).remove(&id);
                return Err(SignError::Unavailable("it has ended".into()));
            }
        };
        lock(&self.pending).remove(&id);
        let operation = payload.operation().to_owned();
        match answer {
            Ok(Ok(Ok(signature))) => {
                // A signature that does not hold would only be refused later, by somebody else, with less to say.
                self.hotkey.verify(&payload.to_bytes(), &signature).map_err(|e| SignError::Refused {
                    operation,
                    reason: format!("it signed with another key: {e}"),
                })?;
                Ok(signature)
            }
            Ok(Ok(Err(reason))) => Err(SignError::Refused { operation, reason }),
            Ok(Err(_)) => Err(SignError::Unavailable("it has ended".into())),
            Err(_) => Err(SignError::Unavailable(format!("no answer within {} s", SIGN_TIMEOUT.as_secs()))),
        }
    }
}

fn lock(pending: &Pending) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Result<Signature, String>>>> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the outside world is to a peer: where events go, who signs, what is asked of it.
pub struct Host {
    /// For saying things.
    pub events: Events,
    /// For signatures.
    pub signer: Arc<dyn Signer>,
    /// Commands with their ids; closed when the other side has gone.
    pub commands: mpsc::Receiver<CommandLine>,
    /// The signer process, if this process started one; it ends with its pipe.
    pub child: Option<Child>,
}

/// What a role can do besides what all can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knows {
    /// To pause, to stop.
    Basics,
    /// To work slower, to sample the model, to say where it stands.
    Training,
}

/// What every role answers alike: the greeting, and commands that make no sense to it. Whether the command was taken.
///
/// # Errors
/// [`HostError::Protocol`] if the other side speaks other words.
pub async fn answer(events: &Events, line: &CommandLine, knows: Knows) -> Result<bool, HostError> {
    let reply = reply(line, knows)?;
    let taken = !matches!(reply, Some(Event::Refused { .. }));
    if let Some(event) = reply {
        events.say(event).await;
    }
    Ok(taken)
}

/// What is said at once to a command, if anything; it is taken unless that is a refusal.
///
/// # Errors
/// The other side speaks other words.
pub fn reply(line: &CommandLine, knows: Knows) -> Result<Option<Event>, HandshakeError> {
    Ok(match check(&line.command, knows) {
        Ok(None) => None,
        Ok(Some(theirs)) => {
            handshake(&Hello::ours(crate::VERSION), theirs)?;
            None
        }
        Err(Answer::Ack) => Some(Event::Ack { id: line.id }),
        Err(Answer::Refused(problem)) => Some(Event::Refused { id: line.id, problem }),
    })
}

/// What is said at once to a command.
enum Answer {
    Ack,
    Refused(Problem),
}

/// A greeting that is to be checked, nothing to say, or an answer.
fn check(command: &Command, knows: Knows) -> Result<Option<&Hello>, Answer> {
    let refused = |code: &str, title: &str, hint: &str| Err(Answer::Refused(Problem::new(code, title, hint)));
    match command {
        Command::Hello(theirs) => Ok(Some(theirs)),
        Command::Snapshot if knows == Knows::Training => Ok(None),
        Command::Pause { .. } | Command::Resume | Command::Stop { .. } | Command::Shutdown { .. } => Err(Answer::Ack),
        Command::Pace { work_share } if knows == Knows::Training => {
            if (MIN_WORK_SHARE..=1.0).contains(work_share) {
                return Err(Answer::Ack);
            }
            refused("bad_pace", "The share of the time to work lies between 0.05 and 1", "Pause to work less than that")
        }
        Command::Sample { prompt, tokens } if knows == Knows::Training => {
            if (1..=MAX_SAMPLE_TOKENS).contains(tokens) && prompt.chars().count() <= ipc::MAX_SAMPLE_CHARS {
                return Err(Answer::Ack);
            }
            refused(
                "bad_sample",
                "A sample has 1 to 256 tokens after a prompt of up to 4096 characters",
                "Ask for less",
            )
        }
        Command::Start(_) => {
            refused("already_started", "This process has its work from its command line", "Start another process")
        }
        Command::SetLimits(_) if knows == Knows::Training => Err(Answer::Ack),
        Command::SetLimits(_) => refused("no_limits", "This role has no limits", "Set them where it trains"),
        _ => refused("unknown_command", "This build does not know that command", "Update it"),
    }
}

/// Why there is nobody to sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// A pipe, a thread or the event log could not be had.
    #[error("cannot set up events and signer: {0}")]
    Io(#[from] std::io::Error),
    /// App and peer are of different versions.
    #[error(transparent)]
    Protocol(#[from] HandshakeError),
    /// The signer process has no key, or did not start.
    #[error(transparent)]
    Signer(#[from] signer::SpawnError),
}

impl Host {
    /// The process that started this one is app and signer: commands on stdin, events on stdout.
    ///
    /// # Errors
    /// [`HostError::Io`].
    pub async fn over_stdio(hotkey: Hotkey, log: Option<&Path>) -> Result<Self, HostError> {
        let (events, _writer) = Events::open(Sink::Json(Box::new(std::io::stdout())), log)?;
        events.say(Event::Hello(Hello::ours(crate::VERSION))).await;
        let replies = Replies::default();
        let commands = read_commands(LineReader::new(std::io::stdin()), replies.clone())?;
        let signer = Arc::new(IpcSigner::new(hotkey, events.clone(), &replies));
        Ok(Self { events, signer, commands, child: None })
    }

    /// A signer process of its own holds the key of `source`. Started by hand, Ctrl-C stops; started by the app, commands
    /// come over stdin and events go to stdout.
    ///
    /// # Errors
    /// [`HostError`].
    pub async fn with_signer_process(source: &KeySource, by: StartedBy, log: Option<&Path>) -> Result<Self, HostError> {
        let (sink, stdin) = match by {
            StartedBy::Hand(sink) => (sink, None),
            StartedBy::App => (Sink::Json(Box::new(std::io::stdout())), Some(std::io::stdin())),
        };
        let (events, _writer) = Events::open(sink, log)?;
        if stdin.is_some() {
            events.say(Event::Hello(Hello::ours(crate::VERSION))).await;
        }
        let program = std::env::current_exe()?;
        // It may wait for a person to unlock the wallet.
        let SignerProcess { child, requests, replies: from, hotkey } =
            tokio::task::block_in_place(|| signer::spawn(&program, source))?;
        let (requests, _writer) = Events::open(Sink::Json(Box::new(requests)), None)?;
        let replies = Replies::default();
        let of_signer = read_commands(from, replies.clone())?;
        let commands = match stdin {
            Some(stdin) => read_commands(LineReader::new(stdin), Replies::default())?,
            None => of_signer,
        };
        let signer = Arc::new(IpcSigner::new(hotkey, requests, &replies));
        Ok(Self { events, signer, commands, child: Some(child) })
    }
}

/// Who started a process that has a signer process of its own.
pub enum StartedBy {
    /// A person: events go here.
    Hand(Sink),
    /// The app: commands on stdin, events on stdout.
    App,
}

/// Commands of the app on this process's stdin; the queue closes when the app has gone.
///
/// # Errors
/// No thread can be had.
pub fn commands_on_stdin() -> std::io::Result<mpsc::Receiver<CommandLine>> {
    read_commands(LineReader::new(std::io::stdin()), Replies::default())
}

/// One thread reads: signatures go to whoever waits for them, everything else to the driver.
fn read_commands(
    mut from: LineReader<impl Read + Send + 'static>,
    replies: Replies,
) -> std::io::Result<mpsc::Receiver<CommandLine>> {
    let (queue, commands) = mpsc::channel(COMMAND_QUEUE);
    std::thread::Builder::new().name("commands".into()).spawn(move || {
        loop {
            match from.read::<CommandLine>() {
                Ok(Some(CommandLine { command: Command::SignReply { id, result }, .. })) => {
                    if let Some(waiting) = lock(&replies.pending).remove(&id) {
                        let _ = waiting.send(result);
                    }
                }
                Ok(Some(line)) => {
                    // A signer says nothing else, and nobody listens to it in a process that the app started.
                    let _ = queue.blocking_send(line);
                }
                Ok(None) | Err(ipc::ReadError::Io(_)) => break,
                Err(e) => tracing::warn!("a line on stdin was not a command: {e}"),
            }
        }
        // Nobody will answer any more: whoever waits for a signature hears so at once.
        replies.ended.cancel();
        lock(&replies.pending).clear();
    })?;
    Ok(commands)
}
