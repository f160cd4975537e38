//! Starts the signer process for a peer or for the app.
//!
//! In: this program's path and where the key is. Out: a child that has introduced itself with its public key. Nothing
//! secret is in its arguments or environment, of which it gets a short list only; the app sends a passphrase over the
//! child's standard input.

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};

use ipc::{Command, CommandLine, Event, EventLine, Hello, LineReader, LineWriter, handshake};
use serde::{Deserialize, Serialize};
use types::{Hotkey, Problem, SignError, SignPayload, Signature};

use crate::source::FROM_STDIN;
use crate::{KeySource, VERSION};

/// What a signer may need of the environment: folders, language, the way to the keychain and to systemd's credentials,
/// and how much to log.
const ENVIRONMENT: [&str; 19] = [
    "PATH",
    "HOME",
    "LANG",
    "XDG_RUNTIME_DIR",
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "CREDENTIALS_DIRECTORY",
    "COVEY_LOG",
    // The program is the trainer's, and does not start without libtorch, wherever that lies.
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    // Windows cannot start a program or find a profile without these.
    "SystemRoot",
    "SystemDrive",
    "APPDATA",
    "LOCALAPPDATA",
    "USERPROFILE",
    "TEMP",
];

/// A signer process that is ready.
pub struct SignerProcess {
    /// The process; it ends when its standard input does.
    pub child: Child,
    /// Requests go here.
    pub requests: ChildStdin,
    /// Replies come from here.
    pub replies: LineReader<ChildStdout>,
    /// The key it signs with.
    pub hotkey: Hotkey,
}

/// Why there is no signer process.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The program could not be started.
    #[error("the signer process did not start: {0}")]
    Start(#[from] std::io::Error),
    /// It did not introduce itself.
    #[error("the signer process did not start: {0}")]
    Greeting(String),
    /// It said why it has no key.
    #[error("{0}")]
    Refused(Problem),
}

/// A signer process that was started and has not its key yet. The child ends with its pipes; whoever gives up on it kills
/// it, and then a call that waits on the pipes returns.
pub struct Launched {
    /// The process.
    pub child: Child,
    /// The way to it.
    pub pipes: SignerPipes,
}

/// The way to a signer process that the app started. All calls block.
pub struct SignerPipes {
    requests: ChildStdin,
    replies: LineReader<ChildStdout>,
    asked: u64,
}

/// Why a signer that the app started has no key: the line it says in place of hello.
#[derive(Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) problem: Problem,
}

/// The first line of a signer.
#[derive(Deserialize)]
#[serde(untagged)]
enum FirstWord {
    Refusal(Refusal),
    Line(CommandLine),
}

/// Starts `program signer …` for the app, which sends the passphrase over the pipe: see [`SignerPipes::unlock`].
///
/// # Errors
/// [`SpawnError::Start`].
pub fn launch(program: &Path, vault: &Path) -> Result<Launched, SpawnError> {
    let passphrase_file = Some(PathBuf::from(FROM_STDIN));
    let mut child = start(program, &KeySource::Vault { path: vault.to_owned(), passphrase_file })?;
    match pipes(&mut child) {
        Ok((requests, replies)) => Ok(Launched { child, pipes: SignerPipes { requests, replies, asked: 0 } }),
        Err(error) => {
            end(&mut child);
            Err(error)
        }
    }
}

impl SignerPipes {
    /// Sends the passphrase, or that there is none, and waits until the process has its key: as long as the keychain
    /// takes, and whoever it asks.
    ///
    /// # Errors
    /// [`SpawnError::Refused`] in the signer's words.
    pub fn unlock(&mut self, passphrase: Option<&str>) -> Result<Hotkey, SpawnError> {
        let passphrase = passphrase.unwrap_or_default();
        if passphrase.contains('\n') {
            return Err(SpawnError::Refused(Problem::new(
                "passphrase_unusable",
                "This is no passphrase",
                "A passphrase is one line.",
            )));
        }
        // Two writes from where the passphrase lies: no copy of it is made. A signer that has ended says more than a
        // broken pipe does.
        let sent = self.requests.write_all(passphrase.as_bytes()).and_then(|()| self.requests.write_all(b"\n"));
        let hotkey = first_word(&mut self.replies)?;
        sent?;
        hello(&self.requests)?;
        Ok(hotkey)
    }

    /// Has something signed.
    ///
    /// # Errors
    /// [`SignError::Refused`] in the signer's words; [`SignError::Unavailable`] if it is gone or speaks out of turn, and
    /// then it never works again.
    pub fn sign(&mut self, payload: &SignPayload) -> Result<Signature, SignError> {
        let gone = |why: String| SignError::Unavailable(why);
        self.asked += 1;
        let id = self.asked;
        let event = Event::SignRequest { id, payload: payload.clone() };
        let line = EventLine { seq: id, at_ms: 0, event };
        LineWriter::new(&self.requests).write(&line).map_err(|error| gone(error.to_string()))?;
        match self.replies.read::<CommandLine>() {
            Ok(Some(CommandLine { command: Command::SignReply { id: answered, result }, .. })) if answered == id => {
                result.map_err(|reason| SignError::Refused { operation: payload.operation().to_owned(), reason })
            }
            Ok(Some(_)) => Err(gone("it answered something else".into())),
            Ok(None) => Err(gone("it has ended".into())),
            Err(error) => Err(gone(error.to_string())),
        }
    }
}

/// Starts `program signer …` and waits until it has its key: as long as a person needs to unlock it. It blocks.
///
/// # Errors
/// [`SpawnError`]; the process says on standard error why it has no key.
pub fn spawn(program: &Path, source: &KeySource) -> Result<SignerProcess, SpawnError> {
    if source.is_for_the_app() {
        let why = "a passphrase comes over standard input only from the app; name a file";
        return Err(SpawnError::Greeting(why.to_owned()));
    }
    let mut child = start(program, source)?;
    let greeted = pipes(&mut child).and_then(|(requests, mut replies)| {
        // A signer that has ended already says more by its end than by a broken pipe.
        let greeted = hello(&requests);
        let hotkey = first_word(&mut replies)?;
        greeted?;
        Ok((requests, replies, hotkey))
    });
    match greeted {
        Ok((requests, replies, hotkey)) => Ok(SignerProcess { child, requests, replies, hotkey }),
        Err(error) => {
            end(&mut child);
            Err(error)
        }
    }
}

fn start(program: &Path, source: &KeySource) -> Result<Child, SpawnError> {
    let mut command = Process::new(program);
    command.arg("signer").args(source.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped()).env_clear();
    for name in ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if source.is_for_the_app() {
        without_a_console(&mut command);
    }
    Ok(command.spawn()?)
}

/// A program with a window has no console, and Windows would open one for each signer that it starts.
#[cfg(windows)]
fn without_a_console(command: &mut Process) {
    use std::os::windows::process::CommandExt as _;
    /// `CREATE_NO_WINDOW` of the Windows API.
    const NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(NO_WINDOW);
}

/// Other systems open none.
#[cfg(not(windows))]
fn without_a_console(_command: &mut Process) {}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn pipes(child: &mut Child) -> Result<(ChildStdin, LineReader<ChildStdout>), SpawnError> {
    let missing = || SpawnError::Greeting("its pipes are gone".into());
    let stdin = child.stdin.take().ok_or_else(missing)?;
    Ok((stdin, LineReader::new(child.stdout.take().ok_or_else(missing)?)))
}

fn hello(requests: &ChildStdin) -> Result<(), SpawnError> {
    let hello = EventLine { seq: 0, at_ms: 0, event: Event::Hello(Hello::ours(VERSION)) };
    LineWriter::new(requests).write(&hello).map_err(|error| SpawnError::Greeting(error.to_string()))
}

/// The signer says hello with its public key as its version text's second word.
fn first_word(replies: &mut LineReader<impl Read>) -> Result<Hotkey, SpawnError> {
    let refused = |why: String| SpawnError::Greeting(why);
    match replies.read::<FirstWord>() {
        Ok(Some(FirstWord::Line(CommandLine { command: Command::Hello(hello), .. }))) => {
            handshake(&Hello::ours(VERSION), &hello).map_err(|e| refused(e.to_string()))?;
            let key = hello.version.split_whitespace().nth(1).unwrap_or_default();
            key.parse().map_err(|e: types::KeyError| refused(e.to_string()))
        }
        Ok(Some(FirstWord::Refusal(refusal))) => Err(SpawnError::Refused(refusal.problem)),
        Ok(Some(FirstWord::Line(_))) => Err(refused("its first word was not hello".into())),
        Ok(None) => Err(refused("it ended; its message stands above".into())),
        Err(e) => Err(refused(e.to_string())),
    }
}
