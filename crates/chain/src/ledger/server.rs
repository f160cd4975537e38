//! The ledger's socket: a Unix socket, or a named pipe on Windows.
//!
//! In: hostile frames from processes of the same user. Out: replies. Connections, frame length, and the time a request
//! may take to arrive are bounded; another user's process is turned away. It opens no TCP port.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, Name, ToFsName};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::door::{Door, InProcess, LocalDoor};
use super::wire::{FrameError, Hello, Reply, Request, WIRE_VERSION, read_frame, write_frame};
use crate::ChainError;

/// Bounds of a server.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// Connections at once; each client uses one per call in flight.
    pub max_connections: usize,
    /// A connection without a request is closed after this.
    pub idle: Duration,
    /// Longest time from a request's first byte to its last, and for writing a reply.
    pub transfer: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { max_connections: 1024, idle: Duration::from_secs(120), transfer: Duration::from_secs(10) }
    }
}

/// A bound socket: clients may connect from now on, and are answered while [`Server::run`] runs.
pub struct Server {
    listener: Listener,
    /// Whose processes are answered; `None` on Windows, where the pipe's default access list says the same.
    owner: Option<u32>,
}

impl Server {
    /// Binds the socket at `path` (on Windows: the pipe named after it). A socket left behind by a killed ledger is
    /// replaced; one that answers is not. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`ChainError::Unavailable`] if somebody else serves there, [`ChainError::Invalid`] if the path cannot be a socket.
    pub fn bind(path: &Path) -> Result<Self, ChainError> {
        let listener = match listen(path) {
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && is_left_behind(path) => {
                std::fs::remove_file(path).and_then(|()| listen(path))
            }
            other => other,
        };
        let listener = listener.map_err(|e| match e.kind() {
            io::ErrorKind::AddrInUse => ChainError::unavailable("another ledger serves at this socket"),
            _ => ChainError::invalid(format!("the ledger's socket: {e}")),
        })?;
        Ok(Self { listener, owner: owner_of(path) })
    }

    /// Answers until `cancel`; then every connection is closed and its task waited for.
    pub async fn run(self, backend: &InProcess, options: ServeOptions, cancel: CancellationToken) {
        let places = Arc::new(Semaphore::new(options.max_connections));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok(stream) if self.is_own(&stream) => stream,
                Ok(_) => {
                    tracing::warn!("a process of another user was turned away from the ledger's socket");
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, "the ledger's socket did not accept");
                    // Out of descriptors, say: try again, but do not spin.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::warn!(max = options.max_connections, "the ledger has no room for another connection");
                continue;
            };
            let (door, cancel) = (backend.door().clone(), cancel.clone());
            connections.spawn(async move {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    ended = converse(stream, &door, options) => {
                        if let Err(error) = ended {
                            tracing::debug!(%error, "a connection to the ledger ended");
                        }
                    }
                }
                drop(place);
            });
        }
        while connections.join_next().await.is_some() {}
    }

    #[cfg(unix)]
    fn is_own(&self, stream: &Stream) -> bool {
        use interprocess::local_socket::traits::StreamCommon as _;
        let peer = stream.peer_creds().ok().and_then(|creds| creds.euid());
        peer.is_some() && peer == self.owner
    }

    #[cfg(not(unix))]
    fn is_own(&self, _stream: &Stream) -> bool {
        self.owner.is_none()
    }
}

/// One connection: greet, then answer request by request.
async fn converse(mut stream: Stream, door: &LocalDoor, options: ServeOptions) -> Result<(), FrameError> {
    let slow = |_| FrameError::Io(io::ErrorKind::TimedOut.into());
    let hello = Hello { covey_ledger: WIRE_VERSION, genesis: door.genesis_hash() };
    timeout(options.transfer, write_frame(&mut stream, &hello)).await.map_err(slow)??;
    loop {
        let request = match read_frame::<Request>(&mut stream, options.idle, options.transfer).await {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error @ FrameError::Syntax) => {
                // Say so before hanging up: an older or newer client deserves a reason.
                let reason = ChainError::invalid(error.to_string());
                timeout(options.transfer, write_frame(&mut stream, &Reply::Refused { reason }))
                    .await
                    .map_err(slow)??;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        let reply = door.call(request).await.unwrap_or_else(|reason| Reply::Refused { reason });
        timeout(options.transfer, write_frame(&mut stream, &reply)).await.map_err(slow)??;
    }
}

/// The socket's name: the path itself, or on Windows a pipe named after its hash.
pub(crate) fn socket_name(path: &Path) -> io::Result<Name<'static>> {
    #[cfg(windows)]
    let name = format!(r"\\.\pipe\covey-ledger-{}", types::Hash32::of(path.as_os_str().as_encoded_bytes()));
    #[cfg(not(windows))]
    let name = path.as_os_str().to_owned();
    name.to_fs_name::<GenericFilePath>()
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

/// Whether the socket file has no listener any more.
#[cfg(unix)]
fn is_left_behind(path: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(path).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(not(unix))]
fn is_left_behind(_path: &Path) -> bool {
    false
}

/// The user this process runs as: the owner of the socket it has just made.
#[cfg(unix)]
fn owner_of(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(path).ok().map(|meta| meta.uid())
}

#[cfg(not(unix))]
fn owner_of(_path: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests;
