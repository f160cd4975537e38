//! What each peer got, gave and did wrong.
//!
//! In: events by peer. Out: a note for each of the last [`MAX_NOTES`] peers. It bans nobody.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;

use crate::limits::MAX_NOTES;

/// Of one peer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeerNote {
    /// Bytes of chunks and manifests sent to it.
    pub up: u64,
    /// Bytes of chunks received from it.
    pub down: u64,
    /// Its last fault, in words.
    pub fault: Option<String>,
}

/// Of all peers.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<HashMap<PeerId, PeerNote>>);

impl Notes {
    pub(crate) fn sent(&self, peer: PeerId, bytes: u64) {
        self.change(peer, |note| note.up = note.up.saturating_add(bytes));
    }

    pub(crate) fn received(&self, peer: PeerId, bytes: u64) {
        self.change(peer, |note| note.down = note.down.saturating_add(bytes));
    }

    pub(crate) fn fault(&self, peer: PeerId, why: String) {
        self.change(peer, |note| note.fault = Some(why));
    }

    pub(crate) fn of(&self, peer: &PeerId) -> PeerNote {
        self.all().get(peer).cloned().unwrap_or_default()
    }

    fn change(&self, peer: PeerId, change: impl FnOnce(&mut PeerNote)) {
        let mut all = self.all();
        if all.len() >= MAX_NOTES && !all.contains_key(&peer) {
            // Whoever exchanged least is missed least.
            let least = all.iter().min_by_key(|(_, note)| note.up.saturating_add(note.down)).map(|(peer, _)| *peer);
            least.map(|peer| all.remove(&peer));
        }
        change(all.entry(peer).or_default());
    }

    fn all(&self) -> MutexGuard<'_, HashMap<PeerId, PeerNote>> {
        // Each change is one step, so what a panicking holder left behind is consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
