//! Who may have a stream now: so many in all, so many for a peer.
//!
//! In: a peer. Out: a slot that frees itself, with the peer's turn at the line; or none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;

use crate::limits::{STREAMS_PER_PEER, STREAMS_SERVED};
use crate::pace::Turn;

/// All slots.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    peers: HashMap<PeerId, (usize, Turn)>,
}

impl Slots {
    /// A slot for `peer`, if there is one.
    pub(crate) fn take(&self, peer: PeerId) -> Option<Slot> {
        let mut taken = lock(&self.taken);
        let of_peer = taken.peers.get(&peer).map_or(0, |(streams, _)| *streams);
        if taken.all >= STREAMS_SERVED || of_peer >= STREAMS_PER_PEER {
            return None;
        }
        taken.all += 1;
        let (streams, turn) = taken.peers.entry(peer).or_default();
        *streams += 1;
        Some(Slot { turn: Arc::clone(turn), peer, taken: Arc::clone(&self.taken) })
    }

    /// Peers that have a stream now.
    pub(crate) fn peers(&self) -> Vec<PeerId> {
        lock(&self.taken).peers.keys().copied().collect()
    }
}

/// A taken slot; dropping it frees it.
#[derive(Debug)]
pub(crate) struct Slot {
    peer: PeerId,
    turn: Turn,
    taken: Arc<Mutex<Taken>>,
}

impl Slot {
    /// Whose it is.
    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    /// The peer's place in the queue for the line.
    pub(crate) fn turn(&self) -> &Turn {
        &self.turn
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all = taken.all.saturating_sub(1);
        if let Some((streams, _)) = taken.peers.get_mut(&self.peer) {
            *streams = streams.saturating_sub(1);
            if *streams == 0 {
                taken.peers.remove(&self.peer);
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    // Each change is one step, so what a panicking holder left behind is consistent.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}
