//! Addresses of peers that a node has heard of: bounded in peers, in addresses, and in what an address may look like.
//!
//! In: addresses from anybody (hostile). Out: those worth dialling. An address of somebody else's private network or of a
//! loopback is kept only from a peer that is itself that near.

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use crate::limits::{MAX_KNOWN_ADDRESSES, MAX_KNOWN_PEERS};

/// How far away somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Distance {
    Loopback,
    Private,
    Public,
}

/// Where an address leads, or the first hop of a relayed one. A name leads anywhere, but one for this machine or for its
/// network does not.
pub(crate) fn distance(address: &Multiaddr) -> Distance {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => distance_v4(ip),
        Some(Protocol::Ip6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => distance_v4(ip),
            None if ip.is_loopback() || ip.is_unspecified() => Distance::Loopback,
            None if ip.is_unique_local() || ip.is_unicast_link_local() => Distance::Private,
            None => Distance::Public,
        },
        Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) | Protocol::Dnsaddr(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            if name == "localhost" || name.ends_with(".localhost") {
                Distance::Loopback
            } else if !name.contains('.') || name.ends_with(".local") || name.ends_with(".internal") {
                Distance::Private
            } else {
                Distance::Public
            }
        }
        _ => Distance::Loopback,
    }
}

fn distance_v4(ip: Ipv4Addr) -> Distance {
    let [first, second, ..] = ip.octets();
    if ip.is_loopback() || ip.is_unspecified() || ip.is_broadcast() || ip.is_multicast() {
        Distance::Loopback
    } else if ip.is_private() || ip.is_link_local() || (first == 100 && (64..128).contains(&second)) {
        Distance::Private
    } else {
        Distance::Public
    }
}

/// Whether it goes through a relay.
pub(crate) fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

/// Whether it is QUIC.
pub(crate) fn is_quic(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::QuicV1)
}

/// The identity an address ends in.
pub(crate) fn identity(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// Peers and addresses, the oldest forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Known {
    peers: HashMap<PeerId, Vec<Multiaddr>>,
    order: VecDeque<PeerId>,
}

impl Known {
    /// Takes what `teller`, at that distance, says of a peer; returns the addresses kept that were not known.
    pub(crate) fn learn(&mut self, peer: PeerId, told: &[Multiaddr], teller: Distance) -> Vec<Multiaddr> {
        let near_enough = |address: &&Multiaddr| distance(address) >= teller;
        let fits = |address: &&Multiaddr| identity(address).is_none_or(|named| named == peer);
        let mut new = Vec::new();
        for address in told.iter().filter(near_enough).filter(fits).take(MAX_KNOWN_ADDRESSES) {
            let known = self.peers.entry(peer).or_default();
            if known.contains(address) {
                continue;
            }
            if known.len() >= MAX_KNOWN_ADDRESSES {
                // Addresses change; the newest are the likeliest.
                known.remove(0);
            }
            known.push(address.clone());
            new.push(address.clone());
        }
        if !new.is_empty() && !self.order.contains(&peer) {
            self.order.push_back(peer);
        }
        while self.order.len() > MAX_KNOWN_PEERS {
            if let Some(oldest) = self.order.pop_front() {
                self.peers.remove(&oldest);
            }
        }
        new
    }

    /// All peers known.
    pub(crate) fn peers(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.order.iter().copied()
    }

    /// Addresses of a peer.
    pub(crate) fn of(&self, peer: &PeerId) -> &[Multiaddr] {
        self.peers.get(peer).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_flood_of_peers_and_addresses_stays_bounded() {
        let mut known = Known::default();
        for _ in 0..5000 {
            known.learn(PeerId::random(), &[address("/ip4/198.51.100.1/tcp/1")], Distance::Public);
        }
        assert_eq!(known.peers().count(), MAX_KNOWN_PEERS);
        let peer = PeerId::random();
        for port in 0..200 {
            known.learn(peer, &[address(&format!("/ip4/198.51.100.1/tcp/{port}"))], Distance::Public);
        }
        assert_eq!(known.of(&peer).len(), MAX_KNOWN_ADDRESSES);
        assert_eq!(known.of(&peer).last(), Some(&address("/ip4/198.51.100.1/tcp/199")));
    }

    #[test]
    fn strangers_cannot_make_us_dial_our_own_network() {
        let (mut known, peer) = (Known::default(), PeerId::random());
        let told =
            [address("/ip4/127.0.0.1/tcp/22"), address("/ip4/192.168.1.1/tcp/80"), address("/ip4/198.51.100.1/tcp/1")];
        assert_eq!(known.learn(peer, &told, Distance::Public), told[2..]);
        assert_eq!(known.learn(peer, &told, Distance::Private), told[1..2]);
        let other = format!("/ip4/198.51.100.2/tcp/1/p2p/{}", PeerId::random());
        assert!(known.learn(peer, &[address(&other)], Distance::Public).is_empty(), "another's identity");
        let relay = PeerId::random();
        let disguised = [
            format!("/ip4/127.0.0.1/tcp/22/p2p/{relay}/p2p-circuit"),
            "/ip4/0.0.0.0/tcp/22".to_owned(),
            "/ip6/::ffff:127.0.0.1/tcp/22".to_owned(),
            "/ip6/::1/tcp/22".to_owned(),
            "/ip4/100.64.0.1/tcp/22".to_owned(),
            "/ip4/224.0.0.1/tcp/22".to_owned(),
            "/dns4/localhost/tcp/22".to_owned(),
            "/dns/router/tcp/80".to_owned(),
            "/dns6/printer.local/tcp/80".to_owned(),
            "/memory/1".to_owned(),
        ];
        for text in disguised {
            assert!(known.learn(peer, &[address(&text)], Distance::Public).is_empty(), "{text}");
        }
        let fine = format!("/ip4/198.51.100.3/tcp/1/p2p/{relay}/p2p-circuit");
        assert_eq!(known.learn(peer, &[address(&fine)], Distance::Public).len(), 1);
    }
}
