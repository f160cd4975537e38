//! The words about the network: who is connected and how, what is being fetched, where a round's time went.
//!
//! In and out: plain values inside [`crate::Event`]. Bounded by whoever says them; nothing here is a decision.

use serde::{Deserialize, Serialize};
use types::{ByteCount, Uid};

/// Peers a [`NetworkStatus`] names at most: the connections of a home line, and room.
pub const MAX_NETWORK_PEERS: usize = 64;

/// The network at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkStatus {
    /// The own network identity, as libp2p prints it.
    pub peer_id: String,
    /// Whether others can reach this machine, by their own word.
    pub reach: Reach,
    /// Why, so far as it is known.
    pub why: ReachCause,
    /// Addresses at which others reach it, at most eight.
    pub addresses: Vec<String>,
    /// Bytes per second now.
    pub up_per_sec: ByteCount,
    /// Bytes per second now.
    pub down_per_sec: ByteCount,
    /// Bytes sent since this process began.
    pub up_total: ByteCount,
    /// Bytes received since this process began.
    pub down_total: ByteCount,
    /// Connected peers, at most [`MAX_NETWORK_PEERS`].
    pub peers: Vec<NetworkPeer>,
}

/// Whether others can reach this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Nobody has looked yet.
    Unknown,
    /// Straight.
    Direct,
    /// After punching a hole through the router.
    Punched,
    /// Only through a relay.
    Relayed,
    /// Not at all: it calls out and nobody calls in. Still a full member.
    OutboundOnly,
}

/// Why a machine is reached as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReachCause {
    /// Not known.
    Unknown,
    /// It has a public address and nothing stands before it.
    PublicAddress,
    /// The router opened a port when asked (UPnP).
    PortMapped,
    /// A router or firewall drops what comes in unasked.
    Firewall,
    /// The router gives every connection another port, so no hole can be punched.
    SymmetricNat,
    /// UDP does not get through; TCP does.
    UdpBlocked,
    /// No node of the run could be reached at all.
    NobodyReached,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkPeer {
    /// Its network identity.
    pub peer_id: String,
    /// Its slot, if it has proved whose it is.
    pub uid: Option<Uid>,
    /// `direct`, `punched`, `relayed` or `lan`.
    pub path: PeerPath,
    /// Whether the connection is QUIC.
    pub quic: bool,
    /// Round-trip time in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Bytes sent to it.
    pub up_total: ByteCount,
    /// Bytes received from it.
    pub down_total: ByteCount,
    /// Its last fault, in words.
    pub fault: Option<String>,
}

/// How a peer is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerPath {
    /// On the same network.
    Lan,
    /// Straight.
    Direct,
    /// Straight, after punching a hole.
    Punched,
    /// Through a relay.
    Relayed,
}

/// What is fetched before or between rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fetched {
    /// The run's manifest.
    Run,
    /// Shards of the data set.
    Dataset,
    /// Parameters to start from.
    Checkpoint,
}

/// A round's parts in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RoundParts {
    /// Inner steps.
    pub compute: u64,
    /// Pseudo-gradient and compression.
    pub compress: u64,
    /// From sealed to committed on chain.
    pub commit: u64,
    /// From revealed to the last byte that somebody asked for, or to the bucket's receipt.
    pub upload: u64,
    /// Fetching and checking the others' payloads.
    pub gather: u64,
    /// The outer step.
    pub outer: u64,
    /// Nothing to do: waiting for blocks and for others.
    pub idle: u64,
}
