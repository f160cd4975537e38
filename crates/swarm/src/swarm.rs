//! Who is who in a run, and the exchange of chunks between those who are.
//!
//! In: a node, the chain's list of members, a library of verified blobs, the user's limits. Out: verified announcements,
//! sources of chunks, and chunks to others. It believes a signature and a hash, and nothing else: a peer gets bulk if its
//! network key is bound to a registered hotkey, and a proved liar is sent away.

mod gossip;
mod inner;
mod pacing;
mod questions;
mod serving;
mod status;
mod whois;

use std::cmp::Reverse;
use std::sync::Arc;

use exchange::{BlobId, ChunkSource, Library};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::Hotkey;

use self::inner::{Inner, now_ms};
use crate::binding::BindingError;
use crate::limits::OTHER_SOURCES;
use crate::query::{Query, QueryError, QueryReply, RunOffer};
use crate::server::Shelf;
use crate::source::PeerSource;
use crate::view::Path;
use crate::{Equivocation, Membership, Node, NodeParts, PeerId, SignedAnnouncement, SignedBinding, SwarmCounters};

pub use status::{PeerStatus, SwarmStatus};

/// The user's limits, in bytes and bytes a second; `None`: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineLimits {
    /// Most that goes out. Without it, as much as leaves the line usable.
    pub up: Option<u64>,
    /// Most that comes in.
    pub down: Option<u64>,
    /// What is left of the month's volume, as of now; beyond it only the own current payload goes out.
    pub volume_left: Option<u64>,
}

/// What a swarm is started with.
pub struct SwarmInput {
    /// What this process serves.
    pub library: Arc<Library>,
    /// Who takes part, by the chain; nobody is served before it is known, unless `open`.
    pub membership: watch::Receiver<Option<Membership>>,
    /// The user's limits, as they change.
    pub line: watch::Receiver<LineLimits>,
    /// What newcomers are told of the run.
    pub offer: Option<RunOffer>,
    /// A seed: serves anybody who knows the run.
    pub open: bool,
}

/// Why a peer did not say what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// No answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// It has no such thing.
    #[error("the peer has none")]
    Nothing,
    /// Its binding proves nothing.
    #[error(transparent)]
    Binding(#[from] BindingError),
}

/// A handle; cheap to clone. The swarm ends with its cancellation token.
#[derive(Clone)]
pub struct Swarm {
    inner: Arc<Inner>,
}

impl Swarm {
    /// Starts the swarm's tasks on `tasks`; `stop` ends them.
    pub fn start(
        node: Node,
        parts: NodeParts,
        input: SwarmInput,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let SwarmInput { library, membership, line, offer, open } = input;
        Self::start_with(node, parts, library, (membership, line), (offer, open), tasks, stop)
    }

    /// As [`Self::start`], over any shelf.
    pub(crate) fn start_with(
        node: Node,
        parts: NodeParts,
        shelf: Arc<dyn Shelf>,
        (membership, line): (watch::Receiver<Option<Membership>>, watch::Receiver<LineLimits>),
        (offer, open): (Option<RunOffer>, bool),
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let inner = Arc::new(Inner::new(node, shelf, offer, open, tasks.clone(), stop));
        let NodeParts { gossip, queries } = parts;
        inner.spawn(gossip::run(Arc::clone(&inner), gossip));
        inner.spawn(questions::run(Arc::clone(&inner), queries));
        inner.spawn(whois::run(Arc::clone(&inner), membership));
        inner.spawn(serving::run(Arc::clone(&inner)));
        inner.spawn(pacing::run(Arc::clone(&inner), line));
        Self { inner }
    }

    /// The node under it.
    pub fn node(&self) -> &Node {
        &self.inner.node
    }

    /// Returns when a peer that has proved whose it is was turned away because the list of members, as it is here, does
    /// not name it: it may have registered since. Cancel-safe.
    pub async fn newcomer(&self) {
        self.inner.newcomer.notified().await;
    }

    /// From now on this is what others are told when they ask whose node this is.
    pub fn set_binding(&self, binding: SignedBinding) {
        *self.inner.own() = Some(binding);
    }

    /// Tells everybody. Cancel-safe.
    pub async fn announce(&self, announcement: SignedAnnouncement) {
        let bytes = announcement.to_bytes();
        // So that an echo of it is no news, and a second root of ours is seen at home.
        self.inner.book().hear(&bytes);
        self.inner.node.publish(bytes).await;
    }

    /// Announcements of members from now on, verified, the first of each hotkey and round. A listener that is too slow
    /// misses the oldest.
    pub fn announcements(&self) -> broadcast::Receiver<SignedAnnouncement> {
        self.inner.announcements.subscribe()
    }

    /// Peers that may have the blob: its author first, then up to eight others, members before strangers and near ones
    /// before far ones. Each call makes new sources, for one fetch.
    pub fn sources(&self, _id: &BlobId, author: Option<Hotkey>) -> Vec<Arc<dyn ChunkSource>> {
        let (inner, now) = (&self.inner, now_ms());
        let own = inner.node.peer_id();
        let author = author.and_then(|hotkey| inner.book().peer_of(&hotkey, now)).filter(|peer| *peer != own);
        let view = inner.node.view();
        let view = view.borrow();
        let book = inner.book();
        let mut others: Vec<_> = view.peers.iter().filter(|peer| Some(peer.peer) != author).collect();
        others.sort_by_key(|peer| {
            let member = book.member(&peer.peer, now).is_some();
            (peer.path == Path::Relayed, Reverse(member), peer.rtt.is_none(), peer.rtt)
        });
        let peers = author.into_iter().chain(others.into_iter().take(OTHER_SOURCES).map(|peer| peer.peer));
        let world = || Arc::clone(inner) as Arc<dyn crate::source::World>;
        peers.map(|peer| Arc::new(PeerSource::new(peer, world())) as Arc<dyn ChunkSource>).collect()
    }

    /// The name under which others have this process as a source, for [`exchange::Fetcher::known_as`].
    pub fn source_name(&self) -> String {
        crate::source::name(&self.inner.node.peer_id())
    }

    /// The peer that speaks for a hotkey, if it is known.
    pub fn who(&self, hotkey: Hotkey) -> Option<PeerId> {
        self.inner.book().peer_of(&hotkey, now_ms())
    }

    /// What a peer says of the run; unverified, its hash is the run's id.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn offer_of(&self, peer: PeerId) -> Result<RunOffer, AskError> {
        match self.inner.node.query(peer, Query::Run).await? {
            QueryReply::Run(Some(offer)) => Ok(*offer),
            QueryReply::Run(None) | QueryReply::Refused => Err(AskError::Nothing),
            _ => Err(QueryError::Unexpected.into()),
        }
    }

    /// A peer's own binding, both signatures checked, also before the members are known.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn binding_of(&self, peer: PeerId) -> Result<SignedBinding, AskError> {
        self.inner.ask_binding(peer).await
    }

    /// Members that announced two roots for one round, with the proof.
    pub fn equivocations(&self) -> Vec<Equivocation> {
        self.inner.book().equivocations().to_vec()
    }

    /// The most that went out in a second, over the last ten minutes, in bytes a second.
    pub fn measured_uplink(&self) -> Option<u64> {
        self.inner.uplink().measured()
    }

    /// Totals since the start.
    pub fn counters(&self) -> SwarmCounters {
        self.inner.counters.snapshot()
    }

    /// The swarm at a moment.
    pub fn status(&self) -> SwarmStatus {
        status::of(&self.inner)
    }
}
