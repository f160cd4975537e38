//! Answers `covey ctl` and second starts of the program: one JSON line in, one out, on a socket of this user.
//!
//! In: connections. A process of another user is not answered; a line is bounded, a slow one is dropped. Out: requests
//! for the app, its replies. No TCP port is opened.

use anyhow::{Context as _, Result};
use app::{CtlReply, CtlRequest, FromShell};
use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, Name, ToFsName};
use ipc::{MAX_LINE_BYTES, decode_line, encode_line};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longest time a caller may take to say what it wants, and the app to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Callers that are answered at a time.
const CALLERS: usize = 8;

/// The socket's name: the path itself, or on Windows a pipe named after its hash.
pub(crate) fn socket_name(path: &Path) -> io::Result<Name<'static>> {
    #[cfg(windows)]
    let name = format!(r"\\.\pipe\covey-ctl-{}", types::Hash32::of(path.as_os_str().as_encoded_bytes()));
    #[cfg(not(windows))]
    let name = path.as_os_str().to_owned();
    name.to_fs_name::<GenericFilePath>()
}

/// Listens until `cancel`; the profile's lock is held, so a socket that lies there is left over and goes.
pub(crate) fn serve(
    path: &Path,
    to_app: mpsc::Sender<FromShell>,
    cancel: CancellationToken,
    tasks: &TaskTracker,
) -> Result<()> {
    std::fs::remove_file(path).ok();
    let listener = listen(path).with_context(|| format!("{} can't be listened on", path.display()))?;
    let path = path.to_owned();
    let inner = tasks.clone();
    tasks.spawn(async move {
        let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(CALLERS));
        loop {
            let stream = tokio::select! {
                () = cancel.cancelled() => break,
                stream = listener.accept() => stream,
            };
            let Ok(stream) = stream else { continue };
            let Ok(slot) = std::sync::Arc::clone(&slots).try_acquire_owned() else { continue };
            if !is_own(&stream) {
                tracing::warn!("a process of another user asked for the app and got no answer");
                continue;
            }
            let to_app = to_app.clone();
            inner.spawn(async move {
                let _slot = slot;
                if tokio::time::timeout(PATIENCE * 2, converse(stream, to_app)).await.is_err() {
                    tracing::debug!("a caller of `covey ctl` was too slow");
                }
            });
        }
        std::fs::remove_file(&path).ok();
    });
    Ok(())
}

fn listen(path: &Path) -> io::Result<Listener> {
    let options = ListenerOptions::new().name(socket_name(path)?);
    #[cfg(target_os = "linux")]
    let options = {
        use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
        options.mode(0o600)
    };
    options.create_tokio()
}

#[cfg(unix)]
fn is_own(stream: &Stream) -> bool {
    use interprocess::local_socket::traits::StreamCommon as _;
    let caller = stream.peer_creds().ok().and_then(|creds| creds.euid());
    // SAFETY: geteuid takes nothing and cannot fail.
    caller == Some(unsafe { libc::geteuid() })
}

// Windows: a pipe made without a security descriptor may be written by its owner and by administrators only.
#[cfg(not(unix))]
fn is_own(_stream: &Stream) -> bool {
    true
}

async fn converse(stream: Stream, to_app: mpsc::Sender<FromShell>) {
    let mut reader = BufReader::new((&stream).take(MAX_LINE_BYTES as u64));
    let mut line = Vec::new();
    if !matches!(tokio::time::timeout(PATIENCE, reader.read_until(b'\n', &mut line)).await, Ok(Ok(1..))) {
        return;
    }
    let reply = match decode_line::<CtlRequest>(&line) {
        Ok(request) => ask(request, &to_app).await,
        Err(error) => refused("ctl_request", format!("The request does not read: {error}")),
    };
    let Ok(bytes) = encode_line(&reply) else { return };
    let mut writer = &stream;
    if writer.write_all(&bytes).await.is_ok() {
        writer.flush().await.ok();
    }
}

async fn ask(request: CtlRequest, to_app: &mpsc::Sender<FromShell>) -> CtlReply {
    let (reply, answer) = oneshot::channel();
    if to_app.send(FromShell::Ctl { request, reply }).await.is_err() {
        return refused("app_ending", "Covey is ending".to_owned());
    }
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) => refused("app_ending", "Covey is ending".to_owned()),
        Err(_) => refused("app_slow", format!("Covey did not answer within {} s", PATIENCE.as_secs())),
    }
}

fn refused(code: &str, title: String) -> CtlReply {
    CtlReply::Refused { problem: types::Problem::new(code, title, "`covey ctl status` tells how it stands.") }
}
