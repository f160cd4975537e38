//! Starts the signer process for a peer.
//!
//! In: this program's path and where the key is. Out: a child that has introduced itself with its public key. Nothing
//! secret is in its arguments or environment, of which it gets a short list only.

use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};

use ipc::{Command, CommandLine, Event, EventLine, Hello, LineReader, LineWriter, handshake};
use types::Hotkey;

use crate::{KeySource, VERSION};

/// What a signer may need of the environment: folders, language, the way to the keychain and to systemd's credentials,
/// and how much to log.
const ENVIRONMENT: [&str; 17] = [
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
}

/// Starts `program signer …` and waits until it has its key: as long as a person needs to unlock it. It blocks.
///
/// # Errors
/// [`SpawnError`]; the process says on standard error why it has no key.
pub fn spawn(program: &Path, source: &KeySource) -> Result<SignerProcess, SpawnError> {
    let mut command = Process::new(program);
    command.arg("signer").args(source.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped()).env_clear();
    for name in ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let mut child = command.spawn()?;
    match greet(&mut child) {
        Ok((requests, replies, hotkey)) => Ok(SignerProcess { child, requests, replies, hotkey }),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

fn greet(child: &mut Child) -> Result<(ChildStdin, LineReader<ChildStdout>, Hotkey), SpawnError> {
    let missing = || SpawnError::Greeting("its pipes are gone".into());
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let mut replies = LineReader::new(child.stdout.take().ok_or_else(missing)?);
    let hello = EventLine { seq: 0, at_ms: 0, event: Event::Hello(Hello::ours(VERSION)) };
    // A signer that has ended already says more by its end than by a broken pipe.
    let greeted = LineWriter::new(&stdin).write(&hello);
    let hotkey = first_word(&mut replies)?;
    greeted.map_err(|error| SpawnError::Greeting(error.to_string()))?;
    Ok((stdin, replies, hotkey))
}

/// The signer says hello with its public key as its version text's second word.
fn first_word(replies: &mut LineReader<impl Read>) -> Result<Hotkey, SpawnError> {
    let refused = |why: String| SpawnError::Greeting(why);
    match replies.read::<CommandLine>() {
        Ok(Some(CommandLine { command: Command::Hello(hello), .. })) => {
            handshake(&Hello::ours(VERSION), &hello).map_err(|e| refused(e.to_string()))?;
            let key = hello.version.split_whitespace().nth(1).unwrap_or_default();
            key.parse().map_err(|e: types::KeyError| refused(e.to_string()))
        }
        Ok(Some(_)) => Err(refused("its first word was not hello".into())),
        Ok(None) => Err(refused("it ended; its message stands above".into())),
        Err(e) => Err(refused(e.to_string())),
    }
}
