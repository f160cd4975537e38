//! The network's state as the app hears it.
//!
//! In: what the swarm knows. Out: the words of [`ipc`], bounded. Nothing is added: what is unknown stays unknown.

use ipc::{MAX_NETWORK_PEERS, NetworkPeer, NetworkStatus, PeerPath};
use swarm::{Path, PeerStatus, SwarmStatus};
use types::ByteCount;

/// Addresses told at most: the screen has room for these.
const MAX_ADDRESSES: usize = 8;

/// In the app's words.
pub(super) fn in_words(status: &SwarmStatus) -> NetworkStatus {
    let node = &status.node;
    let listening = if node.external.is_empty() { &node.listening } else { &node.external };
    NetworkStatus {
        peer_id: node.peer_id.to_string(),
        reach: match node.reach {
            swarm::Reach::Unknown => ipc::Reach::Unknown,
            swarm::Reach::Direct => ipc::Reach::Direct,
            swarm::Reach::Punched => ipc::Reach::Punched,
            swarm::Reach::Relayed => ipc::Reach::Relayed,
            swarm::Reach::OutboundOnly => ipc::Reach::OutboundOnly,
        },
        why: match node.cause {
            swarm::ReachCause::Unknown => ipc::ReachCause::Unknown,
            swarm::ReachCause::PublicAddress => ipc::ReachCause::PublicAddress,
            swarm::ReachCause::PortMapped => ipc::ReachCause::PortMapped,
            swarm::ReachCause::Firewall => ipc::ReachCause::Firewall,
            swarm::ReachCause::SymmetricNat => ipc::ReachCause::SymmetricNat,
            swarm::ReachCause::UdpBlocked => ipc::ReachCause::UdpBlocked,
            swarm::ReachCause::NobodyReached => ipc::ReachCause::NobodyReached,
        },
        addresses: listening.iter().take(MAX_ADDRESSES).map(ToString::to_string).collect(),
        up_per_sec: ByteCount(status.up_per_sec),
        down_per_sec: ByteCount(status.down_per_sec),
        up_total: ByteCount(status.counters.bytes_served),
        down_total: ByteCount(status.counters.bytes_received),
        peers: status.peers.iter().take(MAX_NETWORK_PEERS).map(peer).collect(),
    }
}

fn peer(status: &PeerStatus) -> NetworkPeer {
    let PeerStatus { seen, uid, note } = status;
    NetworkPeer {
        peer_id: seen.peer.to_string(),
        uid: *uid,
        path: match seen.path {
            Path::Lan => PeerPath::Lan,
            Path::Direct => PeerPath::Direct,
            Path::Punched => PeerPath::Punched,
            Path::Relayed => PeerPath::Relayed,
        },
        quic: seen.quic,
        rtt_ms: seen.rtt.map(|rtt| rtt.as_secs_f64() * 1e3),
        up_total: ByteCount(note.up),
        down_total: ByteCount(note.down),
        fault: note.fault.clone(),
    }
}
