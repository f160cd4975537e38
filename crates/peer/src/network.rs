//! A role's way to the other peers of its run: the node, whose it is, and what it gives to others.
//!
//! In: a run folder with a network, a signer, the chain. Out: a [`Swarm`] that only members of the run get bulk from, and
//! `network` events. The chain says who is a member; this file only carries the word. It knows no round and no payload.

mod counters;
mod status;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chain::{ChainBackend, Head};
use clap::Args;
use exchange::{BlobId, BlobStore, Library, LibraryLimits};
use ipc::{Event, Limits, LogLevel};
use swarm::{
    LineLimits, Membership, Multiaddr, Node, NodeKey, NodeKind, NodeOptions, RunOffer, SignedAnnouncement,
    SignedBinding, Swarm, SwarmInput,
};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::manifest::RoundParams;
use types::{Announcement, Hash32, Hotkey, MAX_BINDING_LIFE_MS, PeerBinding, Round, SignPayload, Signer, Uid};

use crate::events::{Events, now_ms};
use crate::outcome::PeerError;
use crate::places::{NetworkPlaces, RunFolder};
use crate::settlement::validators_by_stake;

/// File of the network identity in a peer's own folder.
pub(crate) const KEY_FILE: &str = "network.key";
/// Folder of fetched blobs in a peer's own folder.
const CACHE_DIR: &str = "blobs";
/// Packing of a payload: the submission container.
const CODEC: u8 = 1;
/// Life of a binding; it is signed anew when half of it is over, so that a week off line does no harm.
const BINDING_LIFE_MS: u64 = MAX_BINDING_LIFE_MS / 2;
/// Registrations change rarely; who is new may wait this long.
const MEMBERS_EVERY: Duration = Duration::from_secs(3);
/// The network's state is said this often.
const SAY_EVERY: Duration = Duration::from_secs(2);
/// Between two tries to reach a chain that does not answer.
const CHAIN_PAUSE: Duration = Duration::from_secs(2);
/// Time for connections to say good-bye.
const CLOSE_TIME: Duration = Duration::from_secs(3);

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The run folder names an address that is none.
    #[error("`{0}` is no network address")]
    Address(String),
    /// The network identity cannot be had.
    #[error(transparent)]
    Key(#[from] swarm::KeyError),
    /// The node does not start.
    #[error(transparent)]
    Node(#[from] swarm::NodeError),
    /// The binding does not hold.
    #[error("the network identity could not be bound to the hotkey: {0}")]
    Binding(#[from] swarm::BindingError),
    /// The cache of fetched blobs cannot be used.
    #[error(transparent)]
    Library(#[from] exchange::LibraryError),
}

/// What a person may say about the network on the command line.
#[derive(Debug, Clone, Default, Args)]
pub struct NetworkArgs {
    /// Address to listen at, as a multiaddress (`/ip4/0.0.0.0/tcp/4001`). May be given several times.
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,
    /// Address at which others reach this machine, where it is known. May be given several times.
    #[arg(long, value_name = "ADDR")]
    pub external: Vec<String>,
    /// No QUIC: for routers that cannot bear UDP.
    #[arg(long)]
    pub tcp_only: bool,
    /// Look for peers on the same network by multicast; some firewalls alarm at it.
    #[arg(long)]
    pub mdns: bool,
    /// Do not ask the router for a port.
    #[arg(long)]
    pub no_upnp: bool,
    /// Upload limit in bytes per second.
    #[arg(long, value_name = "BYTES")]
    pub upload: Option<u64>,
    /// Download limit in bytes per second.
    #[arg(long, value_name = "BYTES")]
    pub download: Option<u64>,
}

impl NetworkArgs {
    /// The run folder's word, and what the command line adds to it.
    fn over(&self, places: &NetworkPlaces) -> NetworkPlaces {
        let mut out = places.clone();
        if !self.listen.is_empty() {
            out.listen.clone_from(&self.listen);
        }
        out.external.extend(self.external.iter().cloned());
        out.tcp_only |= self.tcp_only;
        out.mdns |= self.mdns;
        out.upnp &= !self.no_upnp;
        out
    }
}

/// What a node gives to those who ask, beside blobs.
#[derive(Debug, Clone, Default)]
pub struct Gives {
    /// The run's manifest and the lengths of its data files.
    pub offer: Option<RunOffer>,
    /// Whether blobs are given to everybody who knows the run (a seed), and not to members only.
    pub open: bool,
}

/// The way to the others; cheap to clone.
#[derive(Clone)]
pub struct PeerNetwork {
    inner: Arc<Inner>,
}

struct Inner {
    swarm: Swarm,
    library: Arc<Library>,
    membership: watch::Sender<Option<Membership>>,
    line: watch::Sender<LineLimits>,
    rounds: RoundParams,
    netuid: u16,
    events: Events,
    failed_fetches: AtomicU64,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl PeerNetwork {
    /// Starts the node of a process, if its run has a network. Waits for nobody: a line that is down now may come back.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn start(
        run: &RunFolder,
        name: &str,
        args: &NetworkArgs,
        gives: Gives,
        events: Events,
        stop: &CancellationToken,
    ) -> Result<Option<Self>, NetworkError> {
        let Some(places) = &run.places.network else { return Ok(None) };
        let places = args.over(places);
        let dir = run.state_of(name);
        let library = Library::open(dir.join(CACHE_DIR), LibraryLimits::default())?;
        // Ended by itself, so that farewells still go out after the role has stopped.
        let (tasks, stop) = (TaskTracker::new(), stop.child_token());
        let options = NodeOptions {
            key: NodeKey::load_or_create(&dir.join(KEY_FILE))?,
            run: run.id(),
            listen: addresses(&places.listen)?,
            bootstrap: addresses(&places.bootstrap)?,
            external: addresses(&places.external)?,
            kind: if places.public { NodeKind::Public } else { NodeKind::Home },
            tcp_only: places.tcp_only,
            mdns: places.mdns,
            upnp: places.upnp,
        };
        let (node, parts) = Node::start(options, &tasks, stop.clone())?;
        let (membership, members) = watch::channel(None);
        let first = LineLimits { up: args.upload, down: args.download, volume_left: None };
        let (line, limits) = watch::channel(first);
        let Gives { offer, open } = gives;
        let input = SwarmInput { library: Arc::clone(&library), membership: members, line: limits, offer, open };
        let swarm = Swarm::start(node, parts, input, &tasks, stop.clone());
        let netuid = run.manifest().chain.subtensor.as_ref().map_or(0, |chain| chain.netuid);
        let inner = Inner {
            swarm,
            library,
            membership,
            line,
            rounds: run.manifest().rounds,
            netuid,
            events,
            failed_fetches: AtomicU64::new(0),
            tasks,
            stop,
        };
        let network = Self { inner: Arc::new(inner) };
        network.inner.tasks.spawn({
            let network = network.clone();
            async move { network.say_status().await }
        });
        Ok(Some(network))
    }

    /// The swarm.
    pub fn swarm(&self) -> &Swarm {
        &self.inner.swarm
    }

    /// What this process gives and has fetched.
    pub fn library(&self) -> &Arc<Library> {
        &self.inner.library
    }

    /// New limits of the line, in force at once.
    pub fn set_limits(&self, limits: &Limits) {
        let bytes = |limit: Option<types::ByteCount>| limit.map(|bytes| bytes.0);
        self.inner.line.send_replace(LineLimits {
            up: bytes(limits.upload_bytes_per_sec),
            down: bytes(limits.download_bytes_per_sec),
            volume_left: bytes(limits.volume_left_bytes),
        });
    }

    /// From now on a member of the run: says whose node this is, gives what `store` holds, follows who else is a member.
    ///
    /// # Errors
    /// [`PeerError::Sign`] if the signer refuses the binding.
    pub async fn take_part(
        &self,
        chain: &Arc<dyn ChainBackend>,
        signer: &Arc<dyn Signer>,
        store: &Arc<BlobStore>,
    ) -> Result<(), PeerError> {
        self.inner.library.add_store(Arc::clone(store));
        let genesis = chain.network().genesis;
        let expires = self.bind(genesis, signer.as_ref()).await?;
        self.inner.tasks.spawn({
            let (network, chain, signer) = (self.clone(), Arc::clone(chain), Arc::clone(signer));
            async move { network.follow(chain.as_ref(), signer.as_ref(), expires).await }
        });
        Ok(())
    }

    /// Tells everybody that the round's payload can be had. Those who do not hear it look for themselves.
    pub async fn announce(&self, genesis: Hash32, round: Round, id: BlobId, signer: &dyn Signer) {
        let (netuid, hotkey) = (self.inner.netuid, signer.hotkey());
        let (BlobId { root, bytes }, sent_ms) = (id, now_ms());
        let announcement = Announcement { genesis, netuid, round, hotkey, root, bytes, codec: CODEC, sent_ms };
        match signer.sign(&SignPayload::Announcement(announcement)).await {
            Ok(signature) => self.inner.swarm.announce(SignedAnnouncement { announcement, signature }).await,
            Err(error) => self.inner.events.log(LogLevel::Warn, format!("announcement: {error}")).await,
        }
    }

    /// Signs and shows whose node this is; returns when it should be signed anew.
    async fn bind(&self, genesis: Hash32, signer: &dyn Signer) -> Result<u64, PeerError> {
        let now = now_ms();
        let (netuid, hotkey, expires_ms) = (self.inner.netuid, signer.hotkey(), now + BINDING_LIFE_MS);
        let key = self.inner.swarm.node().key();
        // A clock that was set back would make a binding that loses against the one before; it is renewed in time all the
        // same, and until then the older one holds.
        let binding = PeerBinding { genesis, netuid, hotkey, peer_key: key.public(), seq: now, expires_ms };
        let signature = signer.sign(&SignPayload::PeerBinding(binding)).await?;
        let signed = SignedBinding::new(binding, signature, key).map_err(NetworkError::from)?;
        self.inner.swarm.set_binding(signed);
        Ok(now + BINDING_LIFE_MS / 2)
    }

    /// Carries the chain's word on who is a member to the swarm.
    async fn follow(&self, chain: &dyn ChainBackend, signer: &dyn Signer, mut rebind_at: u64) {
        let genesis = chain.network().genesis;
        let mut asked: Option<Instant> = None;
        let mut after = types::BlockNumber(0);
        let mut known: Option<Head> = None;
        loop {
            let head = tokio::select! {
                () = self.inner.stop.cancelled() => return,
                head = chain.wait_head(after) => head,
                // A ledger that waits for the newcomer's word makes no block meanwhile.
                Some(head) = self.newcomer(known, asked) => Ok(head),
            };
            let told: Result<(), chain::ChainError> = match head {
                Ok(head) => {
                    after = head.number;
                    known = Some(head);
                    self.tell_members(chain, genesis, head, &mut asked).await
                }
                Err(error) => Err(error),
            };
            if told.is_err() {
                // Whoever follows heads for the round says that the chain is silent.
                tokio::time::sleep(CHAIN_PAUSE).await;
            }
            if now_ms() > rebind_at {
                match self.bind(genesis, signer).await {
                    Ok(at) => rebind_at = at,
                    Err(error) => tracing::warn!("the network identity could not be signed anew: {error}"),
                }
            }
        }
    }

    /// The head as it is known, once somebody who is no member yet asks for bulk and the list may be asked for again.
    async fn newcomer(&self, known: Option<Head>, asked: Option<Instant>) -> Option<Head> {
        let head = known?;
        self.inner.swarm.newcomer().await;
        if let Some(at) = asked {
            tokio::time::sleep_until(at + MEMBERS_EVERY).await;
        }
        Some(head)
    }

    async fn tell_members(
        &self,
        chain: &dyn ChainBackend,
        genesis: Hash32,
        head: Head,
        asked: &mut Option<Instant>,
    ) -> Result<(), chain::ChainError> {
        let round = self.inner.rounds.round_of(head.number);
        if asked.is_some_and(|at| at.elapsed() < MEMBERS_EVERY) {
            self.inner.membership.send_modify(|known| {
                if let Some(known) = known {
                    known.round = round;
                }
            });
            return Ok(());
        }
        let neurons = chain.neurons().await?;
        *asked = Some(Instant::now());
        let members: Vec<(Uid, Hotkey)> = neurons.iter().map(|neuron| (neuron.uid, neuron.hotkey)).collect();
        let validators = validators_by_stake(&neurons);
        let membership = Membership { genesis, netuid: self.inner.netuid, round, members, validators };
        self.inner.membership.send_replace(Some(membership));
        Ok(())
    }

    async fn say_status(&self) {
        let mut tick = tokio::time::interval(SAY_EVERY);
        loop {
            tokio::select! {
                () = self.inner.stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            self.inner.events.progress(Event::Network(Box::new(status::in_words(&self.inner.swarm.status()))));
        }
    }

    /// Ends the node and waits for it, a few seconds at most.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(CLOSE_TIME, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!("the network did not end in time");
        }
    }
}

fn addresses(texts: &[String]) -> Result<Vec<Multiaddr>, NetworkError> {
    texts.iter().map(|text| text.parse().map_err(|_| NetworkError::Address(text.clone()))).collect()
}
