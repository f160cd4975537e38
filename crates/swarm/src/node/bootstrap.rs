//! The nodes that a run names: tried until they are reached, with growing pauses, for ever.
//!
//! In: time, and how dials went. Out: which address to dial now. Jitter comes from the caller's identity, so that a
//! restarted seed is not called by everybody in the same second.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::NodeError;
use super::known::identity;
use crate::limits::BOOTSTRAP_PAUSES;

/// One of them.
struct Target {
    peer: PeerId,
    address: Multiaddr,
    pause: Duration,
    next: Instant,
}

/// All of them.
pub(super) struct Bootstrap {
    targets: Vec<Target>,
    /// From 0 to 255: how long this node's pauses are within their bounds.
    jitter: u8,
}

impl Bootstrap {
    pub(super) fn new(addresses: &[Multiaddr], own: PeerId, now: Instant) -> Result<Self, NodeError> {
        let mut targets = Vec::new();
        for address in addresses {
            let peer = identity(address).ok_or_else(|| NodeError::NoIdentity(address.clone()))?;
            if peer != own {
                targets.push(Target { peer, address: address.clone(), pause: BOOTSTRAP_PAUSES.0, next: now });
            }
        }
        let jitter = own.to_bytes().last().copied().unwrap_or_default();
        Ok(Self { targets, jitter })
    }

    /// Whether this is one of the run's own nodes.
    pub(super) fn names(&self, peer: &PeerId) -> bool {
        self.targets.iter().any(|target| target.peer == *peer)
    }

    /// Addresses to dial now, of peers that are not connected. Each is due again after its pause.
    pub(super) fn due(&mut self, now: Instant, connected: impl Fn(&PeerId) -> bool) -> Vec<Multiaddr> {
        let mut due = Vec::new();
        for target in &mut self.targets {
            if connected(&target.peer) {
                target.pause = BOOTSTRAP_PAUSES.0;
                target.next = now;
            } else if target.next <= now {
                due.push(target.address.clone());
                let jitter = target.pause.mul_f64(f64::from(self.jitter) / 1024.0);
                target.next = now + target.pause + jitter;
                target.pause = (2 * target.pause).min(BOOTSTRAP_PAUSES.1);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_is_down_is_tried_less_and_less_often_and_never_given_up() {
        let address: Multiaddr = format!("/ip4/198.51.100.1/tcp/1/p2p/{}", PeerId::random()).parse().unwrap();
        let start = Instant::now();
        let mut bootstrap = Bootstrap::new(&[address], PeerId::random(), start).unwrap();
        let mut tries = Vec::new();
        for second in 0..3600 {
            if !bootstrap.due(start + Duration::from_secs(second), |_| false).is_empty() {
                tries.push(second);
            }
        }
        assert_eq!(tries[0], 0);
        assert!((45..75).contains(&tries.len()), "{tries:?}");
        assert!(*tries.last().unwrap() > 3500, "{tries:?}");
        let pauses: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1] + 1), "{pauses:?}");
    }
}
