//! What the driver makes of the swarm's events.
//!
//! In: events of libp2p. Out: changes of the driver's state, and streams, messages and questions handed on. An event that
//! tells nothing is let go.

use libp2p::core::ConnectedPoint;
use libp2p::request_response::{Event as QueryEvent, Message, OutboundFailure};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{PeerId, autonat, dcutr, gossipsub, identify, mdns, ping, relay, upnp};
use tokio::time::Instant;

use super::super::Inbound;
use super::super::known::{Distance, distance, is_quic, is_relayed};
use super::{Driver, Link, TICK, Waits};
use crate::behaviour::PartsEvent;
use crate::limits;
use crate::query::QueryError;
use crate::streams::Opened;

/// The name under which a node offers to relay.
const RELAYS: &str = "/libp2p/circuit/relay/0.2.0/hop";

impl Driver {
    pub(super) fn on_event(&mut self, event: SwarmEvent<PartsEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, concurrent_dial_errors, .. } => {
                self.connected(peer_id, connection_id, &endpoint);
                // Reached over TCP at a moment when QUIC failed.
                let failed = concurrent_dial_errors.unwrap_or_default();
                if !is_quic(endpoint.get_remote_address()) && failed.iter().any(|(address, _)| is_quic(address)) {
                    self.seen.quic_failed = self.seen.quic_failed.saturating_add(1);
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => self.disconnected(peer_id, connection_id),
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                tracing::debug!("not reached: {peer_id:?}: {error}");
                if peer_id.is_some_and(|peer| self.bootstrap.names(&peer)) {
                    self.seen.failed_dials = self.seen.failed_dials.saturating_add(1);
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => tracing::info!("listening at {address}"),
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::debug!("no longer listening at {addresses:?}: {reason:?}");
                // A relay that let us go may take us again.
                if addresses.iter().any(is_relayed) || addresses.is_empty() {
                    self.reserving.clear();
                    self.seen.reserved = false;
                }
            }
            _ => {}
        }
    }

    fn on_behaviour(&mut self, event: PartsEvent) {
        match event {
            PartsEvent::Streams(opened) => self.inbound(opened),
            PartsEvent::Gossip(gossipsub::Event::Message { propagation_source, message_id, message }) => {
                self.hear(message_id, propagation_source, message.data);
            }
            PartsEvent::Queries(event) => self.on_query(event),
            PartsEvent::Identify(identify::Event::Received { peer_id, info, .. }) => self.identified(peer_id, info),
            PartsEvent::Ping(ping::Event { peer, result: Ok(rtt), .. }) => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.rtt = Some(rtt);
                }
            }
            PartsEvent::Dcutr(dcutr::Event { remote_peer_id, result }) => match result {
                Ok(connection) => self.punched(remote_peer_id, connection),
                Err(error) => {
                    tracing::debug!("no hole to {remote_peer_id}: {error}");
                    self.seen.not_punched = self.seen.not_punched.saturating_add(1);
                }
            },
            PartsEvent::Probe(autonat::v2::client::Event { tested_addr, result, .. }) => {
                // A relayed address tells of the relay, one of a home network of that home.
                if is_relayed(&tested_addr) || distance(&tested_addr) != Distance::Public {
                    return;
                }
                match result {
                    Ok(()) => self.seen.dialled_back = true,
                    Err(error) => {
                        tracing::debug!("not dialled back at {tested_addr}: {error}");
                        self.seen.not_dialled_back = true;
                    }
                }
            }
            PartsEvent::RelayClient(relay::client::Event::ReservationReqAccepted { relay_peer_id, .. }) => {
                tracing::info!("others can call in through {relay_peer_id}");
                self.seen.reserved = true;
            }
            PartsEvent::Upnp(upnp::Event::NewExternalAddr { .. }) => self.seen.mapped = true,
            PartsEvent::Upnp(upnp::Event::ExpiredExternalAddr { .. }) => self.seen.mapped = false,
            PartsEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, address) in found.into_iter().take(limits::MAX_TOLD_PEERS) {
                    self.learn(peer, &[address], Distance::Private);
                }
                self.look_at = self.look_at.min(Instant::now() + TICK);
            }
            _ => {}
        }
    }

    fn inbound(&mut self, opened: Opened) {
        let Opened { peer, protocol, relayed, stream } = opened;
        let place = self.inbound.get(&protocol).and_then(|to| to.try_reserve().ok());
        if let Some(place) = place {
            place.send(Inbound { peer, relayed, stream });
        } else {
            // Dropping it resets it: the other side hears at once.
            self.counts.stream_refused();
            tracing::debug!("no room for a stream {protocol:?} of {peer}");
        }
    }

    fn on_query(&mut self, event: QueryEvent<crate::query::Query, crate::query::QueryReply>) {
        match event {
            QueryEvent::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                self.question(peer, request, channel);
            }
            QueryEvent::Message { peer, message: Message::Response { request_id, response }, .. } => {
                match self.waiting.remove(&request_id) {
                    Some(Waits::Handle(reply)) => drop(reply.send(Ok(response))),
                    Some(Waits::Node) => self.told_of_peers(peer, response),
                    None => {}
                }
            }
            QueryEvent::OutboundFailure { request_id, error, .. } => {
                if let Some(Waits::Handle(reply)) = self.waiting.remove(&request_id) {
                    let error = match error {
                        OutboundFailure::Timeout => QueryError::TimedOut,
                        other => QueryError::Failed(other.to_string()),
                    };
                    drop(reply.send(Err(error)));
                }
            }
            QueryEvent::InboundFailure { peer, error, .. } => tracing::debug!("a question of {peer}: {error}"),
            QueryEvent::ResponseSent { .. } => {}
        }
    }

    fn connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let address = endpoint.get_remote_address();
        let (relayed, quic) = (endpoint.is_relayed(), is_quic(address));
        let dialled = endpoint.is_dialer().then(|| address.clone());
        let link = Link { id, dialled, relayed, quic, distance: distance(address), punched: false };
        self.peers.entry(peer).or_default().links.push(link);
        if quic && !relayed {
            self.seen.quic = self.seen.quic.saturating_add(1);
        }
        self.seen.failed_dials = 0;
        if endpoint.is_dialer() && !relayed {
            let address = address.clone();
            self.learn(peer, std::slice::from_ref(&address), distance(&address));
        }
        // Who has just come may know others.
        self.look_at = self.look_at.min(Instant::now() + 2 * TICK);
    }

    fn disconnected(&mut self, peer: PeerId, id: ConnectionId) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.links.retain(|link| link.id != id);
            if state.links.is_empty() {
                self.peers.remove(&peer);
                self.reserving.remove(&peer);
            }
        }
    }

    fn identified(&mut self, peer: PeerId, info: identify::Info) {
        let observed = &info.observed_addr;
        // A relayed one is the relay's.
        if distance(observed) == Distance::Public && !is_relayed(observed) {
            let host = observed.iter().next();
            self.seen.translated = !self.swarm.listeners().any(|own| own.iter().next() == host);
        }
        let Some(state) = self.peers.get_mut(&peer) else { return };
        state.relays = info.protocols.iter().any(|protocol| protocol.as_ref() == RELAYS);
        state.addresses = info.listen_addrs.into_iter().take(limits::MAX_KNOWN_ADDRESSES).collect();
        let (addresses, teller) = (state.addresses.clone(), state.distance());
        for address in self.learn(peer, &addresses, teller) {
            let Some(state) = self.peers.get_mut(&peer).filter(|state| state.handed < limits::MAX_KNOWN_ADDRESSES)
            else {
                break;
            };
            state.handed += 1;
            self.swarm.behaviour_mut().kad.add_address(&peer, address);
        }
        self.reserve(peer);
    }

    /// A direct connection stands: the relayed one would only draw streams to itself.
    fn punched(&mut self, peer: PeerId, connection: ConnectionId) {
        self.seen.punched = self.seen.punched.saturating_add(1);
        if let Some(link) =
            self.peers.get_mut(&peer).and_then(|state| state.links.iter_mut().find(|link| link.id == connection))
        {
            link.punched = true;
        }
        for relayed in self.swarm.behaviour().streams.relayed_links(&peer) {
            self.swarm.close_connection(relayed);
        }
    }
}
