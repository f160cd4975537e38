//! What the swarm's tasks and handles share.
//!
//! In: calls of either. Out: the book, the taps, the totals. Locks are held for moments and never across a wait.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use libp2p::PeerId;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::AskError;
use crate::bulk::Duplex;
use crate::counters::{Counters, Notes};
use crate::limits::{ANNOUNCEMENTS_WAITING, LIAR_BAN, UPLINK_FIRST_RATE};
use crate::pace::{Tap, Uplink};
use crate::query::{Query, QueryError, QueryReply, RunOffer};
use crate::server::{Server, Shelf, Slots};
use crate::source::World;
use crate::view::{Path, PeerView};
use crate::{Book, Node, Protocol, SignedAnnouncement, SignedBinding};

/// State of a swarm.
pub(super) struct Inner {
    pub(super) node: Node,
    pub(super) offer: Option<RunOffer>,
    pub(super) open: bool,
    pub(super) server: Server,
    pub(super) slots: Slots,
    pub(super) down: Arc<Tap>,
    /// The user has set a limit up: then it counts for everybody.
    pub(super) limited: AtomicBool,
    pub(super) counters: Arc<Counters>,
    pub(super) notes: Arc<Notes>,
    pub(super) announcements: broadcast::Sender<SignedAnnouncement>,
    pub(super) rates: Mutex<super::pacing::Rates>,
    /// Somebody has proved whose it is, and is no member by our list.
    pub(super) newcomer: Notify,
    book: Mutex<Book>,
    own: Mutex<Option<SignedBinding>>,
    uplink: Mutex<Uplink>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Inner {
    pub(super) fn new(
        node: Node,
        shelf: Arc<dyn Shelf>,
        offer: Option<RunOffer>,
        open: bool,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let counters = Arc::<Counters>::default();
        let server = Server::new(shelf, Arc::new(Tap::new(Some(UPLINK_FIRST_RATE))), Arc::clone(&counters));
        Self {
            node,
            offer,
            open,
            notes: Arc::clone(&server.notes),
            server,
            slots: Slots::default(),
            down: Arc::new(Tap::new(None)),
            limited: AtomicBool::new(false),
            counters,
            announcements: broadcast::Sender::new(ANNOUNCEMENTS_WAITING),
            rates: Mutex::default(),
            newcomer: Notify::new(),
            book: Mutex::default(),
            own: Mutex::default(),
            uplink: Mutex::default(),
            tasks,
            stop,
        }
    }

    /// Runs a task until it ends or the swarm does.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let _ = stop.run_until_cancelled(task).await;
        });
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    pub(super) fn own(&self) -> MutexGuard<'_, Option<SignedBinding>> {
        lock(&self.own)
    }

    pub(super) fn uplink(&self) -> MutexGuard<'_, Uplink> {
        lock(&self.uplink)
    }

    /// Whether a peer speaks for a registered hotkey.
    pub(super) fn is_member(&self, peer: &PeerId) -> bool {
        self.book().member(peer, now_ms()).is_some()
    }

    /// Asks a peer whose it is; what it proves goes into the book.
    pub(super) async fn ask_binding(&self, peer: PeerId) -> Result<SignedBinding, AskError> {
        let signed = match self.node.query(peer, Query::Binding).await? {
            QueryReply::Binding(Some(signed)) => signed,
            QueryReply::Binding(None) | QueryReply::Refused => return Err(AskError::Nothing),
            _ => return Err(QueryError::Unexpected.into()),
        };
        let checked = self.check_binding(&signed, peer);
        match &checked {
            Ok(()) => self.counters.bindings_accepted.one(),
            Err(why) => {
                self.counters.bindings_refused.one();
                self.notes.fault(peer, why.to_string());
            }
        }
        checked?;
        Ok(signed)
    }

    fn check_binding(&self, signed: &SignedBinding, shown_by: PeerId) -> Result<(), crate::BindingError> {
        let now = now_ms();
        // Before the chain is known nothing goes into the book; the signatures hold or not anyway.
        let peer = signed.verify_signatures(now)?;
        if peer != shown_by {
            return Err(crate::BindingError::OtherPeer(peer));
        }
        self.book().bind(*signed, Some(shown_by), now)?;
        Ok(())
    }

    /// A connected peer as the node sees it.
    pub(super) fn seen(&self, peer: &PeerId) -> Option<PeerView> {
        self.node.view().borrow().peers.iter().find(|seen| seen.peer == *peer).cloned()
    }
}

impl World for Inner {
    fn open(&self, peer: PeerId) -> BoxFuture<'_, Result<Box<dyn Duplex>, String>> {
        Box::pin(async move {
            let stream = self.node.open(peer, Protocol::Chunks).await.map_err(|e| e.to_string())?;
            Ok(Box::new(stream) as Box<dyn Duplex>)
        })
    }

    fn path(&self, peer: &PeerId) -> Option<(Path, Option<Duration>)> {
        self.seen(peer).map(|seen| (seen.path, seen.rtt))
    }

    fn liar(&self, peer: PeerId, why: String) {
        self.counters.bans.one();
        self.notes.fault(peer, why.clone());
        tracing::warn!("peer {peer} lies: {why}");
        let node = self.node.clone();
        self.spawn(async move { node.ban(peer, LIAR_BAN, why).await });
    }

    fn fault(&self, peer: PeerId, why: String) {
        tracing::debug!("peer {peer}: {why}");
        self.notes.fault(peer, why);
    }

    fn down(&self) -> Arc<Tap> {
        Arc::clone(&self.down)
    }

    fn received(&self, peer: PeerId, bytes: u64) {
        self.counters.chunks_received.one();
        self.counters.bytes_received.add(bytes);
        self.notes.received(peer, bytes);
    }

    fn counters(&self) -> &Counters {
        &self.counters
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        Inner::spawn(self, task);
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one step, so what a panicking holder left behind is consistent.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds since the Unix epoch by this machine's clock.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
