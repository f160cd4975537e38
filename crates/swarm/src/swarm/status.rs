//! The swarm at a moment, for people and for metrics.
//!
//! In: the shared state. Out: plain values.

use std::sync::PoisonError;

use types::Uid;

use super::inner::{Inner, now_ms};
use crate::counters::PeerNote;
use crate::{NodeView, PeerView, SwarmCounters};

/// The swarm at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct SwarmStatus {
    /// The node: addresses, how it is reached, its connections.
    pub node: NodeView,
    /// Connected peers, with what is known of each; in the node's order.
    pub peers: Vec<PeerStatus>,
    /// Bytes a second out, averaged over some seconds.
    pub up_per_sec: u64,
    /// Bytes a second in.
    pub down_per_sec: u64,
    /// Totals.
    pub counters: SwarmCounters,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerStatus {
    /// As the node sees it.
    pub seen: PeerView,
    /// Its slot, if it has proved whose it is.
    pub uid: Option<Uid>,
    /// What it got, gave and did wrong.
    pub note: PeerNote,
}

pub(super) fn of(inner: &Inner) -> SwarmStatus {
    let node = inner.node.view().borrow().clone();
    let rates = *inner.rates.lock().unwrap_or_else(PoisonError::into_inner);
    let now = now_ms();
    let book = inner.book();
    let peers = node.peers.iter().map(|seen| PeerStatus {
        uid: book.member(&seen.peer, now).map(|(uid, _)| uid),
        note: inner.notes.of(&seen.peer),
        seen: seen.clone(),
    });
    SwarmStatus {
        peers: peers.collect(),
        up_per_sec: rates.up as u64,
        down_per_sec: rates.down as u64,
        counters: inner.counters.snapshot(),
        node,
    }
}
