//! What a node does on a connection, put together: vetoes first, then who, what and where.
//!
//! In: options. Out: a libp2p swarm that listens to nobody yet. Every part is told its bounds here or takes them from
//! [`crate::limits`]; nothing of a payload ever goes through request-response or gossip.

use std::time::Duration;

use libp2p::connection_limits::ConnectionLimits;
use libp2p::gossipsub::{
    self, IdentTopic, MessageAuthenticity, PeerScoreParams, PeerScoreThresholds, TopicScoreParams,
};
use libp2p::identity::Keypair;
use libp2p::kad::store::MemoryStore;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{
    StreamProtocol, Swarm, SwarmBuilder, allow_block_list, autonat, connection_limits, dcutr, identify, kad, mdns,
    memory_connection_limits, noise, ping, relay, tcp, tls, upnp, yamux,
};
use rand::rngs::OsRng;
use types::RunId;

use crate::limits;
use crate::node::{NodeError, NodeKind, NodeOptions};
use crate::query::{Query, QueryReply};
use crate::streams::Streams;

/// What identify calls this program.
const AGENT: &str = concat!("covey/", env!("CARGO_PKG_VERSION"));
/// Version of what nodes say to each other; part of every protocol's name.
const IDENTIFY: &str = "/covey/id/1";

/// All parts. The first three can refuse a connection before any other hears of it.
#[derive(NetworkBehaviour)]
pub(crate) struct Parts {
    pub(crate) banned: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    pub(crate) identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(crate) gossip: gossipsub::Behaviour,
    pub(crate) kad: kad::Behaviour<MemoryStore>,
    pub(crate) queries: request_response::cbor::Behaviour<Query, QueryReply>,
    pub(crate) streams: Streams,
    relay_client: relay::client::Behaviour,
    relay: Toggle<relay::Behaviour>,
    dcutr: dcutr::Behaviour,
    probe: Toggle<autonat::v2::client::Behaviour>,
    witness: Toggle<autonat::v2::server::Behaviour>,
    upnp: Toggle<upnp::tokio::Behaviour>,
    mdns: Toggle<mdns::tokio::Behaviour>,
}

/// The run's gossip topic.
pub(crate) fn topic(run: RunId) -> IdentTopic {
    IdentTopic::new(format!("covey/{}/announce/1", run.0.short()))
}

/// Builds the swarm.
pub(crate) fn build(options: &NodeOptions) -> Result<Swarm<Parts>, NodeError> {
    let failed = |why: String| NodeError::Start(why);
    let pair = options.key.pair().clone();
    let tcp = tcp::Config::default().nodelay(true);
    let builder = SwarmBuilder::with_existing_identity(pair)
        .with_tokio()
        .with_tcp(tcp, (tls::Config::new, noise::Config::new), yamux::Config::default)
        .map_err(|e| failed(e.to_string()))?
        .with_quic_config(quic)
        .with_dns()
        .map_err(|e| failed(e.to_string()))?
        .with_relay_client((tls::Config::new, noise::Config::new), yamux::Config::default)
        .map_err(|e| failed(e.to_string()))?;
    let swarm = builder
        .with_behaviour(|key, relay| parts(key, relay, options))
        .map_err(|e| failed(e.to_string()))?
        .with_swarm_config(|config| config.with_idle_connection_timeout(limits::IDLE_CONNECTION))
        .build();
    Ok(swarm)
}

fn quic(config: libp2p::quic::Config) -> libp2p::quic::Config {
    let mut config = config;
    config.max_concurrent_stream_limit = limits::NEGOTIATING as u32;
    // Windows answers large probes with an error that ends the connection (subspace PR 2195).
    if cfg!(windows) { config.disable_path_mtu_discovery() } else { config }
}

type Built = Result<Parts, Box<dyn std::error::Error + Send + Sync>>;

fn parts(key: &Keypair, relay_client: relay::client::Behaviour, options: &NodeOptions) -> Built {
    let id = key.public().to_peer_id();
    let public = options.kind == NodeKind::Public;
    let run = options.run;
    let mut kad_config = kad::Config::new(StreamProtocol::try_from_owned(format!("/covey/{}/kad/1", run.0.short()))?);
    kad_config.set_query_timeout(Duration::from_secs(20));
    let mut kad = kad::Behaviour::with_config(id, MemoryStore::new(id), kad_config);
    kad.set_mode(Some(if public { kad::Mode::Server } else { kad::Mode::Client }));
    let codec = request_response::cbor::codec::Codec::<Query, QueryReply>::default()
        .set_request_size_maximum(limits::MAX_QUERY_BYTES)
        .set_response_size_maximum(limits::MAX_REPLY_BYTES);
    let query = StreamProtocol::try_from_owned(format!("/covey/{}/query/1", run.0.short()))?;
    let timing = request_response::Config::default().with_request_timeout(limits::QUERY_TIME);
    let (interval, patience) = limits::PING;
    let identify = identify::Config::new(IDENTIFY.to_owned(), key.public()).with_agent_version(AGENT.to_owned());
    Ok(Parts {
        banned: allow_block_list::Behaviour::default(),
        limits: connection_limits::Behaviour::new(connection_limits(options.kind)),
        memory: memory_connection_limits::Behaviour::with_max_percentage(limits::MEMORY_SHARE),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(interval).with_timeout(patience)),
        gossip: gossip(key, run)?,
        kad,
        queries: request_response::cbor::Behaviour::with_codec(codec, [(query, ProtocolSupport::Full)], timing),
        streams: Streams::default(),
        relay_client,
        relay: public.then(|| relay::Behaviour::new(id, relay_config())).into(),
        dcutr: dcutr::Behaviour::new(id),
        probe: (!public).then(|| autonat::v2::client::Behaviour::new(OsRng, Default::default())).into(),
        witness: public.then(|| autonat::v2::server::Behaviour::new(OsRng)).into(),
        upnp: (options.upnp && !public).then(upnp::tokio::Behaviour::default).into(),
        mdns: Toggle::from(match options.mdns {
            true => Some(mdns::tokio::Behaviour::new(mdns::Config::default(), id)?),
            false => None,
        }),
    })
}

fn connection_limits(kind: NodeKind) -> ConnectionLimits {
    let (all, dials) = match kind {
        NodeKind::Home => (limits::HOME_CONNECTIONS, limits::HOME_DIALS),
        NodeKind::Public => (limits::PUBLIC_CONNECTIONS, limits::PENDING_CONNECTIONS),
    };
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits::PENDING_CONNECTIONS))
        .with_max_pending_outgoing(Some(dials))
        .with_max_established(Some(all))
        // A flood from outside must leave room for those whom this node looks for.
        .with_max_established_incoming(Some(all * 3 / 4))
        .with_max_established_per_peer(Some(limits::CONNECTIONS_PER_PEER))
}

fn relay_config() -> relay::Config {
    let mut config = relay::Config::default();
    (config.max_circuit_bytes, config.max_circuit_duration) = limits::CIRCUIT;
    (config.max_circuits, config.max_reservations) = limits::CIRCUITS;
    config
}

fn gossip(key: &Keypair, run: RunId) -> Result<gossipsub::Behaviour, Box<dyn std::error::Error + Send + Sync>> {
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Strict)
        .validate_messages()
        .max_transmit_size(limits::MAX_GOSSIP_BYTES)
        .heartbeat_interval(Duration::from_millis(700))
        .flood_publish(true)
        .message_id_fn(|message| gossipsub::MessageId::from(blake3::hash(&message.data).as_bytes().to_vec()))
        .build()?;
    let mut score = PeerScoreParams {
        // Several peers of one home share an address; many of one address are a crowd.
        ip_colocation_factor_threshold: 5.0,
        ip_colocation_factor_weight: -10.0,
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_decay: 0.9,
        ..PeerScoreParams::default()
    };
    let announcements = TopicScoreParams {
        invalid_message_deliveries_weight: -100.0,
        invalid_message_deliveries_decay: 0.9,
        // A round is quiet for minutes: silence is no fault.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        ..TopicScoreParams::default()
    };
    let topic = topic(run);
    score.topics.insert(topic.hash(), announcements);
    let mut gossip = gossipsub::Behaviour::new(MessageAuthenticity::Signed(key.clone()), config)?;
    gossip.with_peer_score(score, PeerScoreThresholds::default())?;
    gossip.subscribe(&topic)?;
    Ok(gossip)
}
