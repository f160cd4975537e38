//! What a node knows of itself and its connections at a moment.
//!
//! In: the driver's state. Out: plain values behind a watch channel. It decides nothing.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};

use crate::reach::{Reach, ReachCause};

/// The node at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeView {
    /// The own identity.
    pub peer_id: PeerId,
    /// Addresses it listens at, on this machine's networks.
    pub listening: Vec<Multiaddr>,
    /// Addresses at which others reach it, relayed ones included.
    pub external: Vec<Multiaddr>,
    /// Whether others can reach it.
    pub reach: Reach,
    /// Why.
    pub cause: ReachCause,
    /// Connected peers.
    pub peers: Vec<PeerView>,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerView {
    /// Its identity.
    pub peer: PeerId,
    /// The best way to it.
    pub path: Path,
    /// Whether that is QUIC.
    pub quic: bool,
    /// Last round-trip time.
    pub rtt: Option<Duration>,
    /// Addresses it says it listens at, bounded.
    pub addresses: Vec<Multiaddr>,
    /// Whether it relays for others.
    pub relays: bool,
}

/// How a peer is connected, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// On the same network.
    Lan,
    /// Straight.
    Direct,
    /// Straight, after punching a hole.
    Punched,
    /// Through a relay.
    Relayed,
}
