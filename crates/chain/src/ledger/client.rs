//! The way into another process's ledger, on this machine or over somebody's stream.
//!
//! In: requests. Out: replies, also across a restart of the ledger: a call is repeated with back-off for a bounded time.
//! Repeating is safe, since queries change nothing and a transaction is known by its counter. It trusts its connector for
//! who answers (and so for what the head is), and checks which run's ledger it is. Frames are bounded whoever sends them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use types::{Hash32, RunId};

use super::block::Block;
use super::connector::{Connector, LocalSocket, Wire};
use super::door::{Backend, Door};
use super::store::check_genesis;
use super::wire::{FrameError, Hello, MAX_POLL_MS, Reply, Request, WIRE_VERSION, read_frame, write_frame};
use crate::ChainError;

/// First and longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// A reply later than its request allows by this much is not waited for.
const REPLY: Duration = Duration::from_millis(MAX_POLL_MS + 15_000);
/// A ledger on this machine answers at once; one behind a relay needs a few round trips.
const CONNECT: Duration = Duration::from_secs(15);
/// Connections kept for the next call.
const MAX_IDLE: usize = 8;

/// A ledger behind a stream.
pub type LedgerClient = Backend<SocketDoor>;

/// Answers by asking the ledger over streams of a [`Connector`].
pub struct SocketDoor {
    connector: Arc<dyn Connector>,
    /// One permit for each stream that the connector may have open.
    streams: Semaphore,
    /// How long a call is repeated when the ledger does not answer.
    retry_for: Duration,
    /// The chain that must answer; unknown until the first answer.
    genesis: Option<Hash32>,
    idle: Mutex<Vec<Box<dyn Wire>>>,
}

impl LedgerClient {
    /// Connects to the ledger of `run` at `path`. Every call, this one included, is repeated for up to `retry_for` while
    /// the ledger does not answer.
    ///
    /// # Errors
    /// [`ChainError::WrongChain`] if another run's ledger answers, [`ChainError::Unavailable`] if none does.
    pub async fn connect(path: &Path, run: RunId, retry_for: Duration) -> Result<Self, ChainError> {
        Self::connect_over(Arc::new(LocalSocket::new(path)), run, retry_for).await
    }

    /// The same over somebody else's streams.
    ///
    /// # Errors
    /// As [`LedgerClient::connect`].
    pub async fn connect_over(
        connector: Arc<dyn Connector>,
        run: RunId,
        retry_for: Duration,
    ) -> Result<Self, ChainError> {
        let streams = Semaphore::new(connector.streams().max(1));
        let mut door = SocketDoor { connector, streams, retry_for, genesis: None, idle: Mutex::default() };
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
        let busy = |_| ChainError::unavailable("all connections to the ledger are busy");
        let place = timeout(REPLY, self.streams.acquire()).await.map_err(busy)?;
        let _place = place.map_err(|e| ChainError::unavailable(e.to_string()))?;
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
    async fn exchange(&self, mut stream: Box<dyn Wire>, request: &Request) -> Result<Reply, FrameError> {
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

    async fn connect(&self) -> Result<Box<dyn Wire>, ChainError> {
        let unavailable = |e: String| ChainError::unavailable(format!("the way to the ledger: {e}"));
        let stream = timeout(CONNECT, self.connector.connect()).await.map_err(|e| unavailable(e.to_string()))?;
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

    fn take_idle(&self) -> Option<Box<dyn Wire>> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Box<dyn Wire>>> {
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
