//! The node: one task that owns the libp2p swarm, and a handle for everybody else.
//!
//! In: commands over one bounded channel. Out: streams, answers, heard announcements and a view of the connections. It
//! starts at once whether or not anybody can be reached, and keeps looking. What is heard or asked is handed on with the
//! peer it came from; whether to believe it is decided by [`crate::Swarm`].

mod bootstrap;
mod driver;
mod known;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::RunId;

use self::driver::Driver;
use crate::limits;
use crate::query::{Query, QueryError, QueryReply};
use crate::streams::{OpenError, Protocol};
use crate::{NodeKey, NodeView, Stream};

/// The identity that an address ends in.
pub fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    known::identity(address)
}

/// What a node is in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A member at home: calls out, is called if the line allows.
    Home,
    /// A node with a public address: relays small things for others and tells them how they are reached.
    Public,
}

/// What a node is started with.
#[derive(Clone)]
pub struct NodeOptions {
    /// Its identity.
    pub key: NodeKey,
    /// The run: names the protocols, so that runs do not mix.
    pub run: RunId,
    /// Addresses to listen at; empty: any free port on every interface.
    pub listen: Vec<Multiaddr>,
    /// Nodes to reach first, each with `/p2p/`.
    pub bootstrap: Vec<Multiaddr>,
    /// Addresses at which this node is known to be reached.
    pub external: Vec<Multiaddr>,
    /// What it is.
    pub kind: NodeKind,
    /// No QUIC.
    pub tcp_only: bool,
    /// Look for peers on the same network by multicast.
    pub mdns: bool,
    /// Ask the router for a port.
    pub upnp: bool,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A part of it cannot be set up.
    #[error("the network cannot be set up: {0}")]
    Start(String),
    /// An address cannot be listened at.
    #[error("cannot listen at {address}: {why}")]
    Listen {
        /// The address.
        address: Multiaddr,
        /// The reason.
        why: String,
    },
    /// A node to reach first has no identity in its address.
    #[error("`{0}` does not end in /p2p/ and a peer's identity")]
    NoIdentity(Multiaddr),
}

/// What becomes of a heard message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// True and new: passed on.
    Accept,
    /// Not for us: not passed on, nobody's fault.
    Ignore,
    /// No honest node could have passed it on: costs the one who did.
    Reject,
}

/// A message heard by gossip.
#[derive(Debug)]
pub struct Heard {
    /// Who passed it on.
    pub from: PeerId,
    /// Its bytes, at most [`limits::MAX_GOSSIP_BYTES`].
    pub data: Vec<u8>,
    /// What becomes of it; dropped, or too late, means [`Verdict::Ignore`].
    pub verdict: oneshot::Sender<Verdict>,
}

/// A question from a peer.
#[derive(Debug)]
pub struct Asked {
    /// Who asks.
    pub from: PeerId,
    /// What.
    pub query: Query,
    /// The answer; dropped means [`QueryReply::Refused`].
    pub reply: oneshot::Sender<QueryReply>,
}

/// A stream that a peer has opened.
#[derive(Debug)]
pub struct Inbound {
    /// Who.
    pub peer: PeerId,
    /// Whether it comes through a relay.
    pub relayed: bool,
    /// The stream.
    pub stream: Stream,
}

/// The parts of a node that only one owner may hold.
#[derive(Debug)]
pub struct NodeParts {
    /// Messages heard.
    pub gossip: mpsc::Receiver<Heard>,
    /// Questions asked.
    pub queries: mpsc::Receiver<Asked>,
}

/// What found no room, since the node began.
#[derive(Debug, Default)]
pub struct NodeCounts {
    streams_refused: AtomicU64,
    gossip_dropped: AtomicU64,
}

impl NodeCounts {
    fn stream_refused(&self) {
        self.streams_refused.fetch_add(1, Ordering::Relaxed);
    }

    fn gossip_dropped(&self) {
        self.gossip_dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Streams that were reset because their queue was full or nobody accepts them, and messages that were forgotten.
    pub fn read(&self) -> (u64, u64) {
        (self.streams_refused.load(Ordering::Relaxed), self.gossip_dropped.load(Ordering::Relaxed))
    }
}

/// What a handle asks of the task.
pub(crate) enum Command {
    Open(PeerId, Protocol, oneshot::Sender<Result<Stream, OpenError>>),
    Accept(Protocol, mpsc::Sender<Inbound>),
    Publish(Vec<u8>),
    Ask(PeerId, Query, oneshot::Sender<Result<QueryReply, QueryError>>),
    Dial(Multiaddr),
    Ban(PeerId, Duration, String),
}

/// A handle to a node; cheap to clone. The node ends with its cancellation token.
#[derive(Clone)]
pub struct Node {
    commands: mpsc::Sender<Command>,
    view: watch::Receiver<NodeView>,
    key: NodeKey,
    counts: Arc<NodeCounts>,
}

impl Node {
    /// Starts the node's task on `tasks`.
    ///
    /// # Errors
    /// [`NodeError`] if something local is wrong; that nobody can be reached is no error.
    pub fn start(
        options: NodeOptions,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<(Self, NodeParts), NodeError> {
        let (commands, inbox) = mpsc::channel(limits::COMMAND_QUEUE);
        let (heard, gossip) = mpsc::channel(limits::GOSSIP_QUEUE);
        let (asked, queries) = mpsc::channel(limits::QUERY_QUEUE);
        let key = options.key.clone();
        let counts = Arc::new(NodeCounts::default());
        let (driver, view) = Driver::new(options, inbox, heard, asked, Arc::clone(&counts))?;
        tasks.spawn(driver.run(stop));
        Ok((Self { commands, view, key, counts }, NodeParts { gossip, queries }))
    }

    /// The own identity.
    pub fn peer_id(&self) -> PeerId {
        self.key.peer_id()
    }

    /// The own key.
    pub fn key(&self) -> &NodeKey {
        &self.key
    }

    /// What found no room.
    pub fn counts(&self) -> &NodeCounts {
        &self.counts
    }

    /// The connections and how this node is reached, as they change.
    pub fn view(&self) -> watch::Receiver<NodeView> {
        self.view.clone()
    }

    /// Opens a stream: over a direct connection if there is one, else a relayed one, else a new one. Cancel-safe.
    ///
    /// # Errors
    /// [`OpenError`], within [`limits::OPEN_TIME`].
    pub async fn open(&self, peer: PeerId, protocol: Protocol) -> Result<Stream, OpenError> {
        let (reply, answer) = oneshot::channel();
        let opened = async {
            self.commands.send(Command::Open(peer, protocol, reply)).await.map_err(|_| OpenError::Ended)?;
            answer.await.map_err(|_| OpenError::Failed("the connection has ended".to_owned()))?
        };
        tokio::time::timeout(limits::OPEN_TIME, opened).await.map_err(|_| OpenError::TimedOut)?
    }

    /// Streams that others open. A second call takes over; what does not fit into the queue is reset and counted.
    pub async fn accept(&self, protocol: Protocol) -> mpsc::Receiver<Inbound> {
        let (to, inbound) = mpsc::channel(limits::INBOUND_QUEUE);
        // A node that has ended closes the queue by dropping this.
        let _ = self.commands.send(Command::Accept(protocol, to)).await;
        inbound
    }

    /// Tells everybody in the run; at most [`limits::MAX_GOSSIP_BYTES`], longer is not sent.
    pub async fn publish(&self, data: Vec<u8>) {
        let _ = self.commands.send(Command::Publish(data)).await;
    }

    /// Asks a peer something small.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn query(&self, peer: PeerId, query: Query) -> Result<QueryReply, QueryError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Ask(peer, query, reply)).await.map_err(|_| QueryError::Ended)?;
        // The node itself gives up earlier; this is for a dial that hangs.
        let answer = tokio::time::timeout(2 * limits::QUERY_TIME, answer).await.map_err(|_| QueryError::TimedOut)?;
        answer.map_err(|_| QueryError::Ended)?
    }

    /// Tries to reach an address; how it went shows in the view.
    pub async fn dial(&self, address: Multiaddr) {
        let _ = self.commands.send(Command::Dial(address)).await;
    }

    /// Ends all connections of a peer and takes none for a while.
    pub async fn ban(&self, peer: PeerId, time: Duration, why: String) {
        let _ = self.commands.send(Command::Ban(peer, time, why)).await;
    }
}
