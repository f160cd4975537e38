//! How a client reaches a ledger: the local socket, or whatever stream somebody else has to it.
//!
//! In: a way to the ledger. Out: fresh streams on which the ledger speaks first. It frames nothing and trusts nothing: who
//! is at the other end is checked by whoever made the connector, and which chain answers by the client.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::traits::tokio::Stream as _;
use tokio::io::{AsyncRead, AsyncWrite};

use super::server::socket_name;

/// Calls of one client under way at once on the local socket: a quarter of what the ledger takes from all together.
const LOCAL_CALLS: usize = 256;

/// A stream of bytes in both directions.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + ?Sized> Wire for T {}

/// Opens streams to one ledger.
#[async_trait]
pub trait Connector: Send + Sync {
    /// A fresh stream. Cancel-safe; the caller puts a deadline on it.
    ///
    /// # Errors
    /// Why there is none now. It is tried again, so an error that will not pass should be rare.
    async fn connect(&self) -> io::Result<Box<dyn Wire>>;

    /// Streams that may be open at once; calls beyond that wait. At least 1.
    fn streams(&self) -> usize {
        LOCAL_CALLS
    }
}

/// The socket of a ledger on this machine.
#[derive(Debug, Clone)]
pub struct LocalSocket(PathBuf);

impl LocalSocket {
    /// The one at `path`.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

#[async_trait]
impl Connector for LocalSocket {
    async fn connect(&self) -> io::Result<Box<dyn Wire>> {
        let stream = Stream::connect(socket_name(&self.0)?).await?;
        Ok(Box::new(stream))
    }
}
