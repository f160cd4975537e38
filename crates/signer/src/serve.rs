//! The signer process: opens its key, then answers requests line by line until its standard input ends.
//!
//! In: where the key is; `SignRequest` lines. Out: `SignReply` lines. It is the only process that holds the key, it signs
//! only what its policy allows, and it outlives Ctrl-C so that the peer can finish its round.

use std::path::Path;

use ipc::{Command, CommandLine, Event, EventLine, Hello, LineReader, LineWriter};
use keychain::OsKeychain;
use tokio::runtime::Builder;
use types::{Problem, Signer as _};
use wallet::{GuardError, GuardedSigner, LocalSigner};

use crate::spawn::Refusal;
use crate::{KeySource, SourceError, VERSION, harden, policy};

/// Why the signer process ended in anything but the end of its input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// There is no key.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The guard could not be set up.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// No runtime, or a broken pipe.
    #[error("the signer process failed: {0}")]
    Io(#[from] std::io::Error),
    /// A reply could not be sent.
    #[error(transparent)]
    Write(#[from] ipc::WriteError),
}

/// Role `signer`: blocks until standard input ends.
///
/// # Errors
/// [`ServeError`].
pub fn serve(source: &KeySource) -> Result<(), ServeError> {
    harden::process();
    let key = source.open(&OsKeychain::new()).inspect_err(|error| refuse(source, error.problem()))?;
    let policy = policy::of(source, log_of(source.path()));
    // On the heap, where it stays: the pages that are locked are the ones it is in.
    let guarded = GuardedSigner::new(key, policy).inspect_err(|error| refuse(source, in_words(error)))?;
    let signer = Box::new(guarded);
    harden::lock_in_memory(&*signer);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(answer(&signer))
}

/// Tells the app why there is no key; everybody else reads it on standard error.
fn refuse(source: &KeySource, problem: Problem) {
    if source.is_for_the_app() {
        // If nobody reads it, the process ends all the same.
        let _ = LineWriter::new(std::io::stdout()).write(&Refusal { problem });
    }
}

fn in_words(error: &GuardError) -> Problem {
    match error {
        GuardError::InUse { .. } => Problem::new(
            "wallet_in_use",
            "Another program signs with this wallet already",
            "Stop the other Covey or `covey-peer` on this computer first: two signers with one key cost both their \
             standing.",
        ),
        other => Problem::new("signer_log", "The record of what was signed cannot be used", other.to_string()),
    }
}

async fn answer(signer: &GuardedSigner<LocalSigner>) -> Result<(), ServeError> {
    let _ignored = outlive_signals()?;
    let mut requests = LineReader::new(std::io::stdin());
    let mut replies = LineWriter::new(std::io::stdout());
    let hello = Command::Hello(Hello::ours(format!("{VERSION} {}", signer.hotkey())));
    replies.write(&CommandLine { id: 0, command: hello })?;
    loop {
        match requests.read::<EventLine>() {
            Ok(Some(EventLine { event: Event::SignRequest { id, payload }, .. })) => {
                let result = signer.sign(&payload).await.map_err(|e| e.to_string());
                replies.write(&CommandLine { id, command: Command::SignReply { id, result } })?;
            }
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(ipc::ReadError::Io(error)) => return Err(error.into()),
            Err(error) => tracing::warn!("a line on stdin was not an event: {error}"),
        }
    }
}

/// Audit trail and memory of what was signed, beside the key: `NAME.signatures.jsonl`.
fn log_of(key: &Path) -> std::path::PathBuf {
    key.with_extension("signatures.jsonl")
}

/// A terminal's Ctrl-C and systemd's SIGTERM reach every process at once. The peer still needs signatures to finish, and
/// this process ends with the peer's pipe in any case, so from here on both signals do nothing.
#[cfg(unix)]
fn outlive_signals() -> std::io::Result<[tokio::signal::unix::Signal; 2]> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?])
}

#[cfg(windows)]
fn outlive_signals() -> std::io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}
