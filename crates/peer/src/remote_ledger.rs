//! The way to a run's ledger over the network.
//!
//! In: a swarm, and nodes that may have the ledger. Out: streams to those whose network key is bound to the manifest's
//! sequencer, and to nobody else: a node that merely knows the run, or says that it is the ledger, is never asked. The
//! sequencer's word on which chain it keeps must be the same in its binding and in its ledger.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chain::ChainError;
use chain::ledger::{Connector, GuestLimits, LedgerClient, Wire};
use swarm::{Multiaddr, Node, PeerId, Protocol, Swarm};
use tokio_util::compat::FuturesAsyncReadCompatExt as _;
use types::{Hash32, Hotkey};

use crate::events::now_ms;
use crate::places::RunFolder;

/// How long a call is repeated while no node gives the ledger: a home line comes back within minutes, and a call that
/// gives up costs a round.
const RETRY: Duration = Duration::from_secs(90);

/// A node that proved to speak for the sequencer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Proved {
    peer: PeerId,
    genesis: Hash32,
    expires_ms: u64,
}

/// Opens streams to the run's ledger.
pub struct RemoteLedger {
    swarm: Swarm,
    sequencer: Hotkey,
    /// From the run folder: the nodes of the invitation.
    named: Vec<PeerId>,
    proved: Mutex<Vec<Proved>>,
}

/// Connects to the ledger of `run` through whoever of its nodes speaks for the sequencer.
///
/// # Errors
/// [`ChainError::Unavailable`] if no such node answers, [`ChainError::WrongChain`] if its ledger is another than it signed.
pub async fn connect(run: &RunFolder, swarm: &Swarm) -> Result<LedgerClient, ChainError> {
    let named = run.places.network.iter().flat_map(|network| &network.bootstrap);
    let named = named.filter_map(|text| swarm::peer_of(&text.parse::<Multiaddr>().ok()?)).collect();
    let sequencer = run.manifest().chain.sequencer;
    let ledger = Arc::new(RemoteLedger { swarm: swarm.clone(), sequencer, named, proved: Mutex::default() });
    let client = LedgerClient::connect_over(Arc::clone(&ledger) as Arc<dyn Connector>, run.id(), RETRY).await?;
    let found = client.genesis_hash();
    match ledger.proved().first().map(|proved| proved.genesis) {
        Some(expected) if expected != found => Err(ChainError::WrongChain { expected, found }),
        _ => Ok(client),
    }
}

impl RemoteLedger {
    fn node(&self) -> &Node {
        self.swarm.node()
    }

    fn proved(&self) -> Vec<Proved> {
        let mut proved = self.proved.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now_ms();
        proved.retain(|node| node.expires_ms > now);
        proved.clone()
    }

    fn forget(&self, peer: PeerId) {
        self.proved.lock().unwrap_or_else(PoisonError::into_inner).retain(|node| node.peer != peer);
    }

    /// Asks everybody who may have the ledger for the binding of its network key, those of the invitation first.
    async fn look(&self) {
        let mut candidates = self.named.clone();
        candidates.extend(self.swarm.who(self.sequencer));
        candidates.extend(self.node().view().borrow().peers.iter().map(|peer| peer.peer));
        let mut seen = Vec::new();
        for peer in candidates {
            if seen.contains(&peer) {
                continue;
            }
            seen.push(peer);
            let Ok(signed) = self.swarm.binding_of(peer).await else { continue };
            let binding = signed.binding;
            if binding.hotkey != self.sequencer {
                continue;
            }
            let node = Proved { peer, genesis: binding.genesis, expires_ms: binding.expires_ms };
            let mut proved = self.proved.lock().unwrap_or_else(PoisonError::into_inner);
            proved.retain(|other| other.peer != peer);
            // All must keep the same chain; the first one's word stands.
            if proved.first().is_none_or(|first| first.genesis == node.genesis) {
                proved.push(node);
            }
        }
    }

    async fn open(&self) -> Option<Box<dyn Wire>> {
        for Proved { peer, .. } in self.proved() {
            match self.node().open(peer, Protocol::Ledger).await {
                Ok(stream) => return Some(Box::new(stream.compat())),
                Err(error) => {
                    tracing::debug!("the ledger at {peer}: {error}");
                    self.forget(peer);
                }
            }
        }
        None
    }
}

#[async_trait]
impl Connector for RemoteLedger {
    async fn connect(&self) -> io::Result<Box<dyn Wire>> {
        if let Some(stream) = self.open().await {
            return Ok(stream);
        }
        self.look().await;
        let nobody =
            || io::Error::new(io::ErrorKind::NotConnected, "no node that speaks for the run's sequencer answers");
        self.open().await.ok_or_else(nobody)
    }

    fn streams(&self) -> usize {
        GuestLimits::default().connections_per_guest
    }
}
