//! The network's counters, for the page of figures.
//!
//! In: what node, swarm and fetches counted. Out: plain numbers of this moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{PeerNetwork, status};
use crate::metrics::{NetworkCounters, NetworkGauge};

impl PeerNetwork {
    /// A fetch over the network ended without its blob.
    pub(crate) fn fetch_failed(&self) {
        self.inner.failed_fetches.fetch_add(1, Ordering::Relaxed);
    }

    /// For somebody who must not keep the network alive.
    pub fn gauge(&self) -> NetworkGauge {
        let inner = Arc::downgrade(&self.inner);
        Arc::new(move || inner.upgrade().map(|inner| Self { inner }.counters()).unwrap_or_default())
    }

    /// What was counted since this process began.
    pub fn counters(&self) -> NetworkCounters {
        let swarm = self.inner.swarm.status();
        let counted = swarm.counters;
        let (streams_reset, gossip_dropped) = self.inner.swarm.node().counts().read();
        NetworkCounters {
            status: Some(status::in_words(&swarm)),
            chunks_served: counted.chunks_served,
            chunks_refused: counted.chunks_busy,
            chunks_received: counted.chunks_received,
            bad_chunks: counted.bad_chunks,
            fetch_failures: self.inner.failed_fetches.load(Ordering::Relaxed),
            streams_refused: streams_reset + counted.streams_of_strangers + counted.streams_over_limit,
            gossip_accepted: counted.announcements_accepted,
            gossip_ignored: counted.announcements_ignored.saturating_add(gossip_dropped),
            gossip_rejected: counted.announcements_rejected,
            bans: counted.bans,
        }
    }
}
