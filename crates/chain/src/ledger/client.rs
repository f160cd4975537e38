//! The way into another process's ledger.
//!
//! In: requests. Out: replies, also across a restart of the ledger: a call is repeated with back-off for a bounded time.
//! Repeating is safe, since queries change nothing and a transaction is known by its counter. It trusts the local socket
//! for what the head is, and checks which run's ledger answers.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::traits::tokio::Stream as _;
use tokio::time::{Instant, timeout};
use types::{Hash32, RunId};

use super::block::Block;
use super::door::{Backend, Door};
use super::server::socket_name;
use super::store::check_genesis;
use super::wire::{FrameError, Hello, MAX_POLL_MS, Reply, Request, WIRE_VERSION, read_frame, write_frame};
use crate::ChainError;

/// First and longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// A reply later than its request allows by this much is not waited for.
const REPLY: Duration = Duration::from_millis(MAX_POLL_MS + 15_000);
const CONNECT: Duration = Duration::from_secs(5);
/// Connections kept for the next call.
const MAX_IDLE: usize = 8;

/// A ledger behind a socket.
pub type LedgerClient = Backend<SocketDoor>;

/// Answers by asking the ledger's socket.
pub struct SocketDoor {
    path: PathBuf,
    /// How long a call is repeated when the ledger does not answer.
    retry_for: Duration,
    /// The chain that must answer; unknown until the first answer.
    genesis: Option<Hash32>,
    idle: Mutex<Vec<Stream>>,
}

impl LedgerClient {
    /// Connects to the ledger of `run` at `path`. Every call, this one included, is repeated for up to `retry_for` while
    /// the ledger does not answer.
    ///
    /// # Errors
    /// [`ChainError::WrongChain`] if another run's ledger answers, [`ChainError::Unavailable`] if none does.
    pub async fn connect(path: &Path, run: RunId, retry_for: Duration) -> Result<Self, ChainError> {
        let mut door = SocketDoor { path: path.to_owned(), retry_for, genesis: None, idle: Mutex::default() };
        let Reply::Genesis { block } = door.call(Request::Genesis).await? else {
            return Err(ChainError::unavailable("the ledger did not say which chain it keeps"));
        };
        let bytes = hex::decode(block).map_err(|_| ChainError::corrupt(0, "not hex"))?;
        let block = Block::from_bytes(&bytes).map_err(|e| ChainError::corrupt(0, e.to_string()))?;
        let genesis = check_genesis(&block)?;
        if genesis.run != run {
            return Err(ChainError::WrongChain { expected: run.0, found: genesis.run.0 });
        }
        let hash = block.hash();
        door.genesis = Some(hash);
        Ok(Self::with_door(door, genesis, hash))
    }
}

#[async_trait]
impl Door for SocketDoor {
    async fn call(&self, request: Request) -> Result<Reply, ChainError> {
        let give_up = Instant::now() + self.retry_for;
        let mut pause = PAUSES.0;
        loop {
            let error = match self.attempt(&request).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            if !error.is_retryable() || Instant::now() + pause > give_up {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

impl SocketDoor {
    async fn attempt(&self, request: &Request) -> Result<Reply, ChainError> {
        // A kept connection may have died with its ledger; that is no reason to wait.
        while let Some(kept) = self.take_idle() {
            if let Ok(reply) = self.exchange(kept, request).await {
                return answer(reply);
            }
        }
        let fresh = self.connect().await?;
        let reply = self.exchange(fresh, request).await.map_err(|e| ChainError::unavailable(e.to_string()))?;
        answer(reply)
    }

    /// One request and its reply. The connection is kept only if both went through, so a cancelled call leaves none
    /// behind on which a late reply could be taken for the next one's.
    async fn exchange(&self, mut stream: Stream, request: &Request) -> Result<Reply, FrameError> {
        let slow = |_| FrameError::Io(std::io::ErrorKind::TimedOut.into());
        timeout(CONNECT, write_frame(&mut stream, request)).await.map_err(slow)??;
        let reply = read_frame::<Reply>(&mut stream, REPLY, CONNECT).await?;
        let reply = reply.ok_or_else(|| FrameError::Io(std::io::ErrorKind::UnexpectedEof.into()))?;
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push(stream);
        }
        Ok(reply)
    }

    async fn connect(&self) -> Result<Stream, ChainError> {
        let unavailable = |e: String| ChainError::unavailable(format!("the ledger's socket: {e}"));
        let name = socket_name(&self.path).map_err(|e| ChainError::invalid(e.to_string()))?;
        let stream = timeout(CONNECT, Stream::connect(name)).await.map_err(|e| unavailable(e.to_string()))?;
        let mut stream = stream.map_err(|e| unavailable(e.to_string()))?;
        let hello = read_frame::<Hello>(&mut stream, CONNECT, CONNECT).await.map_err(|e| unavailable(e.to_string()))?;
        let hello = hello.ok_or_else(|| unavailable("closed at once; the ledger may be full".to_owned()))?;
        if hello.covey_ledger != WIRE_VERSION {
            return Err(ChainError::invalid(format!("the ledger speaks version {}", hello.covey_ledger)));
        }
        match self.genesis {
            Some(expected) if expected != hello.genesis => {
                Err(ChainError::WrongChain { expected, found: hello.genesis })
            }
            _ => Ok(stream),
        }
    }

    fn take_idle(&self) -> Option<Stream> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Stream>> {
        // A list of connections is sound whatever happened while it was locked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(reply: Reply) -> Result<Reply, ChainError> {
    match reply {
        Reply::Refused { reason } => Err(reason),
        reply => Ok(reply),
    }
}
