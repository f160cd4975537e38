//! Members of a run for tests: a node, a bound hotkey, a library with a store, and the chain's word on who is registered.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use exchange::{BlobId, BlobStore, FetchError, FetchLimits, Fetcher, Library, LibraryLimits, StoreLimits};
use swarm::{
    LineLimits, Membership, Multiaddr, Node, NodeKey, NodeOptions, NodeParts, SignedBinding, Swarm, SwarmInput,
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{Hash32, PeerBinding, Round, SignPayload, Signer as _, Uid};
use wallet::LocalSigner;

use crate::world::{Over, PATIENCE, options};

pub(crate) const GENESIS: Hash32 = Hash32([0xaa; 32]);

/// The chain's word: these seeds' hotkeys are registered, in round 5.
pub(crate) fn membership(seeds: &[u8]) -> Membership {
    let hotkey = |seed: &u8| LocalSigner::from_seed(&[*seed; 32]).hotkey();
    Membership {
        genesis: GENESIS,
        netuid: 0,
        round: Round(5),
        members: seeds.iter().map(|seed| (Uid(u16::from(*seed)), hotkey(seed))).collect(),
        validators: Vec::new(),
    }
}

/// A binding of the seed's hotkey to a network key, good for a minute.
pub(crate) async fn binding(seed: u8, key: &NodeKey, genesis: Hash32) -> SignedBinding {
    let signer = LocalSigner::from_seed(&[seed; 32]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let binding = PeerBinding {
        genesis,
        netuid: 0,
        hotkey: signer.hotkey(),
        peer_key: key.public(),
        seq: 1,
        expires_ms: now + 60_000,
    };
    let signature = signer.sign(&SignPayload::PeerBinding(binding)).await.unwrap();
    SignedBinding::new(binding, signature, key).unwrap()
}

/// A running member.
pub(crate) struct Member {
    pub(crate) seed: u8,
    pub(crate) signer: LocalSigner,
    pub(crate) swarm: Swarm,
    pub(crate) library: Arc<Library>,
    pub(crate) chain: watch::Sender<Option<Membership>>,
    pub(crate) line: watch::Sender<LineLimits>,
    store: Arc<BlobStore>,
    _dir: TempDir,
    stop: CancellationToken,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Starts a node whose parts the test may hold.
pub(crate) fn node(options: NodeOptions, stop: &CancellationToken) -> (Node, NodeParts) {
    Node::start(options, &TaskTracker::new(), stop.clone()).unwrap()
}

impl Member {
    /// A member that looks for `bootstrap`; `open`: it serves anybody.
    pub(crate) async fn start(over: Over, seed: u8, bootstrap: Vec<Multiaddr>, chain: Membership, open: bool) -> Self {
        let options = options(over, bootstrap);
        let (stop, dir) = (CancellationToken::new(), tempfile::tempdir().unwrap());
        let bound = binding(seed, &options.key, GENESIS).await;
        let tasks = TaskTracker::new();
        let (node, parts) = Node::start(options, &tasks, stop.clone()).unwrap();
        let library = Library::open(dir.path().join("fetched"), LibraryLimits::default()).unwrap();
        let limits = StoreLimits { max_bytes: 1 << 30, max_blob_bytes: 1 << 30 };
        let store = Arc::new(BlobStore::open(dir.path().join("own"), limits).unwrap());
        library.add_store(Arc::clone(&store));
        let (chain, membership) = watch::channel(Some(chain));
        let (line, limits) = watch::channel(LineLimits::default());
        let input = SwarmInput { library: Arc::clone(&library), membership, line: limits, offer: None, open };
        let swarm = Swarm::start(node, parts, input, &tasks, stop.clone());
        swarm.set_binding(bound);
        let signer = LocalSigner::from_seed(&[seed; 32]);
        Self { seed, signer, swarm, library, chain, line, store, _dir: dir, stop }
    }

    /// Publishes a blob of so many bytes.
    pub(crate) fn publish(&self, bytes: usize) -> (BlobId, Vec<u8>) {
        let mut blob = vec![0; bytes];
        blake3::Hasher::new().update(&[self.seed]).finalize_xof().fill(&mut blob);
        (self.store.put(&blob).unwrap(), blob)
    }

    pub(crate) async fn address(&self) -> Multiaddr {
        let mut view = self.swarm.node().view();
        let seen = tokio::time::timeout(PATIENCE, view.wait_for(|view| !view.listening.is_empty())).await;
        let address = seen.unwrap().unwrap().listening[0].clone();
        address.with_p2p(self.swarm.node().peer_id()).unwrap()
    }

    /// Waits until the seeds' hotkeys are known to speak through some peer.
    pub(crate) async fn knows(&self, seeds: &[u8]) {
        let all = || {
            let mut hotkeys = seeds.iter().map(|seed| LocalSigner::from_seed(&[*seed; 32]).hotkey());
            hotkeys.all(|hotkey| self.swarm.who(hotkey).is_some())
        };
        self.until("the members are known", all).await;
    }

    /// Waits until `holds`.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(waited.await.is_ok(), "not in time: {what}; {:?}", self.swarm.status());
    }

    /// Fetches a blob from whoever the swarm names.
    pub(crate) async fn fetch(&self, id: BlobId) -> Result<Vec<u8>, FetchError> {
        let limits = FetchLimits::up_to(1 << 30);
        let fetcher = Fetcher::new(self.swarm.sources(&id, None), limits).known_as(self.swarm.source_name());
        let deadline = Instant::now() + 2 * PATIENCE;
        fetcher.fetch_through(&self.library, id, deadline, &CancellationToken::new(), &|_, _| {}).await
    }
}
