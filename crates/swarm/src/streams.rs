//! Streams of bytes between peers, one behaviour for all of Covey's own protocols.
//!
//! In: "open this protocol with that peer". Out: a stream, over a direct connection where there is one, or why there is
//! none; and streams that others open. Nothing is dropped silently: what finds no room is counted by whoever dispatches it
//! and reset. It neither reads nor writes, and knows no protocol beyond its name.

mod handler;

use std::collections::{HashMap, VecDeque};
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished, DialFailure};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, Stream, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use tokio::sync::oneshot;

use self::handler::{Asked, Handler};
use crate::limits::{MAX_KNOWN_ADDRESSES, MAX_KNOWN_PEERS, MAX_PENDING_OPENS};

/// Covey's protocols on raw streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Chunks of blobs.
    Chunks,
    /// The embedded ledger's own words.
    Ledger,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Chunks, Self::Ledger];

    pub(crate) fn name(self) -> StreamProtocol {
        StreamProtocol::new(match self {
            Self::Chunks => "/covey/chunks/1",
            Self::Ledger => "/covey/ledger/1",
        })
    }
}

/// Why a stream was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No way to the peer is known, or none worked.
    #[error("the peer cannot be reached: {0}")]
    Unreachable(String),
    /// It does not speak the protocol.
    #[error("the peer does not speak {0:?}")]
    Unsupported(Protocol),
    /// The connection broke, or the peer refused.
    #[error("the stream was not opened: {0}")]
    Failed(String),
    /// Too many streams wait to be opened.
    #[error("too many streams are being opened")]
    Busy,
    /// It took too long.
    #[error("the peer did not answer in time")]
    TimedOut,
    /// This node has ended.
    #[error("the node has ended")]
    Ended,
}

/// Where an answer goes.
pub(crate) type Reply = oneshot::Sender<Result<Stream, OpenError>>;

/// A stream that a peer has opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) peer: PeerId,
    pub(crate) protocol: Protocol,
    pub(crate) relayed: bool,
    pub(crate) stream: Stream,
}

struct Link {
    id: ConnectionId,
    relayed: bool,
}

/// The behaviour.
#[derive(Default)]
pub(crate) struct Streams {
    links: HashMap<PeerId, Vec<Link>>,
    /// Where peers may be, as the node has learnt.
    known: HashMap<PeerId, Vec<Multiaddr>>,
    /// Waiting for a connection.
    pending: HashMap<PeerId, Vec<(Protocol, Reply)>>,
    events: VecDeque<ToSwarm<Opened, Asked>>,
}

impl Streams {
    /// Opens a stream; dials if there is no connection.
    pub(crate) fn open(&mut self, peer: PeerId, protocol: Protocol, reply: Reply) {
        if let Some(id) = self.best(&peer) {
            return self.ask(peer, id, protocol, reply);
        }
        if self.pending.values().map(Vec::len).sum::<usize>() >= MAX_PENDING_OPENS {
            let _ = reply.send(Err(OpenError::Busy));
            return;
        }
        self.pending.entry(peer).or_default().push((protocol, reply));
        let opts = DialOpts::peer_id(peer).condition(PeerCondition::DisconnectedAndNotDialing).build();
        self.events.push_back(ToSwarm::Dial { opts });
    }

    /// An address at which a peer may be dialled when a stream is wanted. The newest are kept.
    pub(crate) fn learn(&mut self, peer: PeerId, address: Multiaddr) {
        if self.known.len() >= 2 * MAX_KNOWN_PEERS && !self.known.contains_key(&peer) {
            self.known.retain(|known, _| self.links.contains_key(known));
        }
        let addresses = self.known.entry(peer).or_default();
        if addresses.len() >= MAX_KNOWN_ADDRESSES {
            addresses.remove(0);
        }
        addresses.push(address);
    }

    /// Connections of a peer that go through a relay.
    pub(crate) fn relayed_links(&self, peer: &PeerId) -> Vec<ConnectionId> {
        let links = self.links.get(peer).map(Vec::as_slice).unwrap_or_default();
        links.iter().filter(|link| link.relayed).map(|link| link.id).collect()
    }

    /// The newest direct connection, else the newest of any kind.
    fn best(&self, peer: &PeerId) -> Option<ConnectionId> {
        let links = self.links.get(peer)?;
        links.iter().rev().find(|link| !link.relayed).or_else(|| links.last()).map(|link| link.id)
    }

    fn ask(&mut self, peer: PeerId, id: ConnectionId, protocol: Protocol, reply: Reply) {
        let event = Asked { protocol, reply };
        self.events.push_back(ToSwarm::NotifyHandler { peer_id: peer, handler: NotifyHandler::One(id), event });
    }

    fn established(&mut self, event: ConnectionEstablished<'_>) {
        let relayed = event.endpoint.is_relayed();
        let (peer, id) = (event.peer_id, event.connection_id);
        self.links.entry(peer).or_default().push(Link { id, relayed });
        for (protocol, reply) in self.pending.remove(&peer).unwrap_or_default() {
            self.ask(peer, id, protocol, reply);
        }
    }

    fn closed(&mut self, event: &ConnectionClosed<'_>) {
        if let Some(links) = self.links.get_mut(&event.peer_id) {
            links.retain(|link| link.id != event.connection_id);
            if links.is_empty() {
                self.links.remove(&event.peer_id);
            }
        }
    }

    fn dial_failed(&mut self, event: &DialFailure<'_>) {
        let Some(peer) = event.peer_id else { return };
        // A dial that was not begun because another one is under way is no failure of that other one.
        let under_way = matches!(event.error, libp2p::swarm::DialError::DialPeerConditionFalse(_));
        if under_way {
            return;
        }
        let why = event.error.to_string();
        for (_, reply) in self.pending.remove(&peer).unwrap_or_default() {
            let _ = reply.send(Err(OpenError::Unreachable(why.clone())));
        }
    }
}

impl NetworkBehaviour for Streams {
    type ConnectionHandler = Handler;
    type ToSwarm = Opened;

    fn handle_established_inbound_connection(
        &mut self,
        _id: ConnectionId,
        _peer: PeerId,
        _local: &Multiaddr,
        _remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _id: ConnectionId,
        _peer: PeerId,
        _addr: &Multiaddr,
        _role: Endpoint,
        _port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_pending_outbound_connection(
        &mut self,
        _id: ConnectionId,
        peer: Option<PeerId>,
        _addresses: &[Multiaddr],
        _role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        Ok(peer.and_then(|peer| self.known.get(&peer).cloned()).unwrap_or_default())
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(event) => self.established(event),
            FromSwarm::ConnectionClosed(event) => self.closed(&event),
            FromSwarm::DialFailure(event) => self.dial_failed(&event),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        (protocol, stream): THandlerOutEvent<Self>,
    ) {
        let links = self.links.get(&peer).map(Vec::as_slice).unwrap_or_default();
        let relayed = links.iter().any(|link| link.id == connection && link.relayed);
        self.events.push_back(ToSwarm::GenerateEvent(Opened { peer, protocol, relayed, stream }));
    }

    fn poll(&mut self, _cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.events.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}
