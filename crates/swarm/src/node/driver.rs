//! The node's task: takes commands, turns the swarm's events into what the handle shows.
//!
//! In: commands, network events, time. Out: streams, heard messages, questions, a view. Every queue out of here is bounded
//! and never waited for: whoever reads too slowly loses newcomers, not the node.

mod events;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::gossipsub::{MessageAcceptance, MessageId};
use libp2p::multiaddr::Protocol as Part;
use libp2p::request_response::{OutboundRequestId, ResponseChannel};
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, Swarm};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::bootstrap::Bootstrap;
use super::known::{Distance, Known};
use super::{Asked, Command, Heard, Inbound, NodeCounts, NodeError, NodeKind, NodeOptions, Verdict};
use crate::behaviour::{Parts, build, topic};
use crate::limits;
use crate::query::{Query, QueryError, QueryReply};
use crate::reach::{Seen, verdict};
use crate::streams::Protocol;
use crate::view::{NodeView, Path, PeerView};

/// Timers are looked at this often.
const TICK: Duration = Duration::from_millis(250);

/// A connection as it was made.
pub(super) struct Link {
    id: ConnectionId,
    /// Where it leads, if this node made it.
    dialled: Option<Multiaddr>,
    relayed: bool,
    quic: bool,
    distance: Distance,
    /// Made by punching a hole.
    punched: bool,
}

/// A connected peer.
#[derive(Default)]
pub(super) struct Peer {
    links: Vec<Link>,
    rtt: Option<Duration>,
    addresses: Vec<Multiaddr>,
    relays: bool,
    /// Addresses handed to Kademlia, which keeps all it gets.
    handed: usize,
}

/// Who waits for an answer.
pub(super) enum Waits {
    /// The handle.
    Handle(oneshot::Sender<Result<QueryReply, QueryError>>),
    /// The node itself, for more peers.
    Node,
}

type Decided = BoxFuture<'static, (MessageId, PeerId, MessageAcceptance)>;
type Answered = BoxFuture<'static, (ResponseChannel<QueryReply>, QueryReply)>;

pub(super) struct Driver {
    swarm: Swarm<Parts>,
    options: NodeOptions,
    commands: mpsc::Receiver<Command>,
    heard: mpsc::Sender<Heard>,
    asked: mpsc::Sender<Asked>,
    inbound: HashMap<Protocol, mpsc::Sender<Inbound>>,
    waiting: HashMap<OutboundRequestId, Waits>,
    deciding: FuturesUnordered<Decided>,
    answering: FuturesUnordered<Answered>,
    bootstrap: Bootstrap,
    known: Known,
    peers: HashMap<PeerId, Peer>,
    /// Relays at which a place is held or asked for.
    reserving: HashSet<PeerId>,
    bans: HashMap<PeerId, Instant>,
    seen: Seen,
    look_at: Instant,
    view: watch::Sender<NodeView>,
    counts: Arc<NodeCounts>,
}

impl Driver {
    pub(super) fn new(
        options: NodeOptions,
        commands: mpsc::Receiver<Command>,
        heard: mpsc::Sender<Heard>,
        asked: mpsc::Sender<Asked>,
        counts: Arc<NodeCounts>,
    ) -> Result<(Self, watch::Receiver<NodeView>), NodeError> {
        let mut swarm = build(&options)?;
        for address in listen_addresses(&options) {
            let quic = super::known::is_quic(&address);
            match swarm.listen_on(address.clone()) {
                Ok(_) => {}
                // A port that others call may not silently be another one.
                Err(error) if !options.listen.is_empty() => {
                    return Err(NodeError::Listen { address, why: error.to_string() });
                }
                Err(error) => tracing::info!("not listening at {address} (quic: {quic}): {error}"),
            }
        }
        for address in &options.external {
            swarm.add_external_address(address.clone());
        }
        let own = options.key.peer_id();
        let now = Instant::now();
        let bootstrap = Bootstrap::new(&options.bootstrap, own, now)?;
        let (reach, cause) = verdict(&Seen::default());
        let (listening, external, peers) = (Vec::new(), options.external.clone(), Vec::new());
        let (view, views) = watch::channel(NodeView { peer_id: own, listening, external, reach, cause, peers });
        // A stream may be wanted before the first dial: it then goes where the run's own nodes are said to be.
        for address in &options.bootstrap {
            if let Some(peer) = super::known::identity(address) {
                swarm.behaviour_mut().streams.learn(peer, address.clone());
            }
        }
        let driver = Self {
            swarm,
            commands,
            heard,
            asked,
            inbound: HashMap::new(),
            waiting: HashMap::new(),
            deciding: FuturesUnordered::new(),
            answering: FuturesUnordered::new(),
            bootstrap,
            known: Known::default(),
            peers: HashMap::new(),
            reserving: HashSet::new(),
            bans: HashMap::new(),
            seen: Seen { dialled_back: !options.external.is_empty(), ..Seen::default() },
            look_at: now + Duration::from_secs(1),
            view,
            counts,
            options,
        };
        Ok((driver, views))
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                event = self.swarm.select_next_some() => self.on_event(event),
                command = self.commands.recv() => match command {
                    Some(command) => self.on_command(command),
                    None => return,
                },
                Some((id, from, acceptance)) = self.deciding.next() => {
                    let gossip = &mut self.swarm.behaviour_mut().gossip;
                    gossip.report_message_validation_result(&id, &from, acceptance);
                }
                Some((channel, reply)) = self.answering.next() => {
                    // An asker that has gone is no loss.
                    let _ = self.swarm.behaviour_mut().queries.send_response(channel, reply);
                }
                _ = tick.tick() => self.on_tick(),
            }
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Open(peer, protocol, reply) => self.swarm.behaviour_mut().streams.open(peer, protocol, reply),
            Command::Accept(protocol, to) => drop(self.inbound.insert(protocol, to)),
            Command::Publish(data) => {
                let topic = topic(self.options.run);
                if let Err(error) = self.swarm.behaviour_mut().gossip.publish(topic, data) {
                    tracing::debug!("not gossiped: {error}");
                }
            }
            Command::Ask(peer, query, reply) => self.ask(peer, query, Waits::Handle(reply)),
            Command::Dial(address) => self.dial(&address),
            Command::Ban(peer, time, why) => {
                tracing::info!("no connection with {peer} for {} s: {why}", time.as_secs());
                self.swarm.behaviour_mut().banned.block_peer(peer);
                self.bans.insert(peer, Instant::now() + time);
            }
        }
    }

    fn ask(&mut self, peer: PeerId, query: Query, waits: Waits) {
        let addresses = self.known.of(&peer).to_vec();
        let id = self.swarm.behaviour_mut().queries.send_request_with_addresses(&peer, query, addresses);
        self.waiting.insert(id, waits);
    }

    fn dial(&mut self, address: &Multiaddr) {
        if let Some(peer) = super::known::identity(address) {
            self.swarm.behaviour_mut().streams.learn(peer, address.clone());
        }
        if let Err(error) = self.swarm.dial(address.clone()) {
            tracing::debug!("not dialled: {address}: {error}");
        }
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        let connected = |peer: &PeerId| self.peers.contains_key(peer);
        // Before the first address is there, a dial would leave from a port that nobody can call back.
        if self.swarm.listeners().next().is_some() {
            for address in self.bootstrap.due(now, connected) {
                self.dial(&address);
            }
        }
        let over: Vec<PeerId> = self.bans.iter().filter(|(_, until)| **until <= now).map(|(peer, _)| *peer).collect();
        for peer in over {
            self.bans.remove(&peer);
            self.swarm.behaviour_mut().banned.unblock_peer(peer);
        }
        if self.look_at <= now {
            let enough = self.peers.len() >= limits::WANTED_PEERS;
            self.look_at = now + if enough { limits::LOOK_AGAIN } else { limits::LOOK_FOR_PEERS };
            self.look_for_peers();
        }
        self.show();
    }

    /// Dials peers it has heard of and asks one it is connected to for more.
    fn look_for_peers(&mut self) {
        let missing = limits::WANTED_PEERS.saturating_sub(self.peers.len());
        let own = self.options.key.peer_id();
        let candidates: Vec<PeerId> = self
            .known
            .peers()
            .filter(|peer| *peer != own && !self.peers.contains_key(peer) && !self.bans.contains_key(peer))
            .take(missing.min(limits::HOME_DIALS as usize))
            .collect();
        for peer in candidates {
            let opts = DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(self.known.of(&peer).to_vec())
                .build();
            if let Err(error) = self.swarm.dial(opts) {
                tracing::debug!("not dialled: {peer}: {error}");
            }
        }
        // The run's own nodes first; then whoever is there, another one each time.
        let named = self.peers.keys().find(|peer| self.bootstrap.names(peer)).copied();
        let turn = self.look_at.elapsed().subsec_nanos() as usize;
        let any = self.peers.keys().nth(turn % self.peers.len().max(1)).copied();
        for peer in named.into_iter().chain(any.filter(|peer| Some(*peer) != named)) {
            self.ask(peer, Query::Peers, Waits::Node);
        }
        let _ = self.swarm.behaviour_mut().kad.bootstrap();
    }

    /// Asks a public node for a place, so that others can call in through it.
    fn reserve(&mut self, relay: PeerId) {
        let needless = self.options.kind == NodeKind::Public || self.seen.dialled_back;
        // By the way that has just worked: a relay also says at which addresses it listens that nobody else can reach.
        let address = self.peers.get(&relay).filter(|peer| peer.relays).and_then(|peer| {
            let dialled = peer.links.iter().filter(|link| !link.relayed).find_map(|link| link.dialled.as_ref());
            dialled.or_else(|| self.known.of(&relay).iter().find(|address| !super::known::is_relayed(address))).cloned()
        });
        let Some(address) = address.filter(|_| !needless) else { return };
        if !self.reserving.insert(relay) {
            return;
        }
        tracing::debug!("asking {relay} at {address} for a place");
        let circuit = address.with_p2p(relay).unwrap_or_else(|same| same).with(Part::P2pCircuit);
        if let Err(error) = self.swarm.listen_on(circuit) {
            tracing::debug!("no place at relay {relay}: {error}");
            self.reserving.remove(&relay);
        }
    }

    fn show(&mut self) {
        self.seen.connected = u32::try_from(self.peers.len()).unwrap_or(u32::MAX);
        let (reach, cause) = verdict(&self.seen);
        let peers = self.peers.iter().map(|(peer, state)| view_of(*peer, state)).collect();
        let view = NodeView {
            peer_id: self.options.key.peer_id(),
            listening: self.swarm.listeners().cloned().collect(),
            external: self.swarm.external_addresses().cloned().collect(),
            reach,
            cause,
            peers,
        };
        self.view.send_if_modified(|shown| {
            let changed = *shown != view;
            *shown = view;
            changed
        });
    }

    /// Hands a heard message on; one that finds no room is forgotten.
    fn hear(&mut self, id: MessageId, from: PeerId, data: Vec<u8>) {
        let (verdict, decided) = oneshot::channel();
        if self.heard.try_send(Heard { from, data, verdict }).is_err() {
            self.counts.gossip_dropped();
            let gossip = &mut self.swarm.behaviour_mut().gossip;
            gossip.report_message_validation_result(&id, &from, MessageAcceptance::Ignore);
            return;
        }
        // As many as fit into the queue wait for a verdict, and those that were taken out of it.
        if self.deciding.len() >= 2 * limits::GOSSIP_QUEUE {
            self.counts.gossip_dropped();
            return;
        }
        self.deciding.push(Box::pin(async move {
            let decided = tokio::time::timeout(limits::VERDICT_TIME, decided).await;
            let acceptance = match decided {
                Ok(Ok(Verdict::Accept)) => MessageAcceptance::Accept,
                Ok(Ok(Verdict::Reject)) => MessageAcceptance::Reject,
                _ => MessageAcceptance::Ignore,
            };
            (id, from, acceptance)
        }));
    }

    fn question(&mut self, from: PeerId, query: Query, channel: ResponseChannel<QueryReply>) {
        let (reply, answer) = oneshot::channel();
        let taken = self.asked.try_send(Asked { from, query, reply }).is_ok();
        self.answering.push(Box::pin(async move {
            let answer = if taken {
                tokio::time::timeout(limits::QUERY_TIME, answer).await
            } else {
                Ok(Ok(QueryReply::Refused))
            };
            (channel, answer.ok().and_then(Result::ok).unwrap_or(QueryReply::Refused))
        }));
    }

    /// Other peers as somebody told: kept if they can be, dialled when there is need.
    fn told_of_peers(&mut self, teller: PeerId, told: QueryReply) {
        let QueryReply::Peers(told) = told else { return };
        let distance = self.peers.get(&teller).map_or(Distance::Public, Peer::distance);
        for known in told.into_iter().take(limits::MAX_TOLD_PEERS) {
            let texts = known.addresses.iter().take(limits::MAX_KNOWN_ADDRESSES);
            let addresses: Vec<Multiaddr> = texts.filter_map(|text| text.parse().ok()).collect();
            self.learn(known.peer, &addresses, distance);
        }
        self.look_at = self.look_at.min(Instant::now() + TICK);
    }

    /// Takes addresses of a peer; returns those that are new and worth something.
    fn learn(&mut self, peer: PeerId, addresses: &[Multiaddr], teller: Distance) -> Vec<Multiaddr> {
        if peer == self.options.key.peer_id() {
            return Vec::new();
        }
        let new = self.known.learn(peer, addresses, teller);
        for address in &new {
            self.swarm.behaviour_mut().streams.learn(peer, address.clone());
        }
        new
    }
}

impl Peer {
    /// How far away it is: as near as its nearest connection.
    fn distance(&self) -> Distance {
        let direct = self.links.iter().filter(|link| !link.relayed);
        direct.map(|link| link.distance).min().unwrap_or(Distance::Public)
    }
}

fn view_of(peer: PeerId, state: &Peer) -> PeerView {
    let path = |link: &Link| match link {
        Link { relayed: true, .. } => Path::Relayed,
        Link { punched: true, .. } => Path::Punched,
        Link { distance: Distance::Public, .. } => Path::Direct,
        Link { .. } => Path::Lan,
    };
    let best = state.links.iter().min_by_key(|link| path(link));
    PeerView {
        peer,
        path: best.map_or(Path::Direct, path),
        quic: best.is_some_and(|link| link.quic),
        rtt: state.rtt,
        addresses: state.addresses.clone(),
        relays: state.relays,
    }
}

fn listen_addresses(options: &NodeOptions) -> Vec<Multiaddr> {
    let any = ["/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1", "/ip6/::/udp/0/quic-v1"];
    let chosen: Vec<Multiaddr> = match options.listen.is_empty() {
        true => any.iter().filter_map(|text| text.parse().ok()).collect(),
        false => options.listen.clone(),
    };
    chosen.into_iter().filter(|address| !(options.tcp_only && super::known::is_quic(address))).collect()
}
