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

use ipc::{Command, CommandLine, Event, Hello, LineReader, handshake};
use signer::{KeySource, SignerProcess};
use tokio::sync::{mpsc, oneshot};
use types::{Hotkey, SignError, SignPayload, Signature, Signer};

use crate::events::{Events, Sink};

/// A signer answers in milliseconds; a person who must unlock something gets this long.
const SIGN_TIMEOUT: Duration = Duration::from_secs(60);
/// Commands waiting for the driver.
const COMMAND_QUEUE: usize = 64;

type Pending = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<Signature, String>>>>>;

/// Asks over a pair of pipes.
pub struct IpcSigner {
    hotkey: Hotkey,
    requests: Events,
    next: AtomicU64,
    pending: Pending,
}

impl IpcSigner {
    fn new(hotkey: Hotkey, requests: Events, pending: Pending) -> Self {
        Self { hotkey, requests, next: AtomicU64::new(0), pending }
    }
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
        let answer = tokio::time::timeout(SIGN_TIMEOUT, answer).await;
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

/// What every role answers alike: the greeting, and commands that only the app's engine takes.
///
/// # Errors
/// [`HostError::Protocol`] if the other side speaks other words.
pub async fn answer(events: &Events, line: &CommandLine) -> Result<(), HostError> {
    let refused = |code: &str, title: &str, hint: &str| Event::Refused {
        id: line.id,
        problem: types::Problem::new(code, title, hint),
    };
    let event = match &line.command {
        Command::Hello(theirs) => return Ok(handshake(&Hello::ours(crate::VERSION), theirs)?),
        Command::Pause { .. } | Command::Resume | Command::Stop { .. } | Command::Shutdown { .. } => {
            Event::Ack { id: line.id }
        }
        Command::Start(_) => {
            refused("already_started", "This process has its work from its command line", "Start another process")
        }
        Command::SetLimits(_) => {
            refused("no_limits", "Limits cannot be changed yet", "Stop and start with other arguments")
        }
        _ => refused("unknown_command", "This build does not know that command", "Update it"),
    };
    events.say(event).await;
    Ok(())
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
    Protocol(#[from] ipc::HandshakeError),
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
        let pending = Pending::default();
        let commands = read_commands(std::io::stdin(), Arc::clone(&pending))?;
        let signer = Arc::new(IpcSigner::new(hotkey, events.clone(), pending));
        Ok(Self { events, signer, commands, child: None })
    }

    /// Started by hand: a signer process holds the key of `source`, Ctrl-C stops.
    ///
    /// # Errors
    /// [`HostError`].
    pub async fn with_signer_process(source: &KeySource, sink: Sink, log: Option<&Path>) -> Result<Self, HostError> {
        let (events, _writer) = Events::open(sink, log)?;
        let program = std::env::current_exe()?;
        // It may wait for a person to unlock the wallet.
        let SignerProcess { child, requests, replies, hotkey } =
            tokio::task::block_in_place(|| signer::spawn(&program, source))?;
        let (requests, _writer) = Events::open(Sink::Json(Box::new(requests)), None)?;
        let pending = Pending::default();
        let commands = read_commands_from(replies, Arc::clone(&pending))?;
        let signer = Arc::new(IpcSigner::new(hotkey, requests, pending));
        Ok(Self { events, signer, commands, child: Some(child) })
    }
}

fn read_commands(from: impl Read + Send + 'static, pending: Pending) -> std::io::Result<mpsc::Receiver<CommandLine>> {
    read_commands_from(LineReader::new(from), pending)
}

/// One thread reads: signatures go to whoever waits for them, everything else to the driver.
fn read_commands_from(
    mut from: LineReader<impl Read + Send + 'static>,
    pending: Pending,
) -> std::io::Result<mpsc::Receiver<CommandLine>> {
    let (queue, commands) = mpsc::channel(COMMAND_QUEUE);
    std::thread::Builder::new().name("commands".into()).spawn(move || {
        loop {
            match from.read::<CommandLine>() {
                Ok(Some(CommandLine { command: Command::SignReply { id, result }, .. })) => {
                    if let Some(waiting) = lock(&pending).remove(&id) {
                        let _ = waiting.send(result);
                    }
                }
                Ok(Some(line)) => {
                    if queue.blocking_send(line).is_err() {
                        return;
                    }
                }
                Ok(None) | Err(ipc::ReadError::Io(_)) => break,
                Err(e) => tracing::warn!("a line on stdin was not a command: {e}"),
            }
        }
        // Nobody will answer any more: whoever waits for a signature hears so at once.
        lock(&pending).clear();
    })?;
    Ok(commands)
}
