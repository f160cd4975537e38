//! The way to the chain that a run lives on.
//!
//! In: a run folder. Out: the embedded ledger's client or Bittensor's, behind one trait: whoever trains or validates
//! need not know which. It decides by the manifest alone, so nobody can be led to another chain by a file of this machine.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chain::ledger::LedgerClient;
use chain::{ChainBackend, ChainError, ChainRecord, EpochReward, Head, NetworkInfo, Neuron, Receipt, Registration};
use subtensor::{Subtensor, SubtensorBackend};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::{BlockNumber, Record, Signer, Uid};

use crate::events::{Events, Sink};
use crate::network::{Gives, NetworkArgs, PeerNetwork};
use crate::places::RunFolder;

/// Folder of the network identity of commands that only look.
const VISITOR: &str = "visitor";
/// How long a call is repeated while no node answers.
const PATIENCE: Duration = Duration::from_secs(120);
/// First and longest pause between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(6);

/// A run's chain.
#[derive(Clone)]
pub struct RunChain {
    /// What every role works with.
    pub backend: Arc<dyn ChainBackend>,
    /// What only Bittensor has: prices, status, registration.
    pub bittensor: Option<Arc<Subtensor>>,
}

/// Connects to the run's chain; to a ledger that is elsewhere over `network`.
///
/// # Errors
/// [`ChainError::WrongChain`] if another chain answers, [`ChainError::Unavailable`] if none does, [`ChainError::Invalid`] if
/// the run folder names no node of the chain that the manifest names.
pub async fn connect(run: &RunFolder, network: Option<&PeerNetwork>) -> Result<RunChain, ChainError> {
    if run.manifest().chain.subtensor.is_none() {
        if let (None, Some(network)) = (&run.places.ledger, network) {
            let ledger = crate::remote_ledger::connect(run, network.swarm()).await?;
            return Ok(RunChain { backend: Arc::new(ledger), bittensor: None });
        }
        let socket = run.ledger_socket().map_err(|e| ChainError::Invalid { why: e.to_string() })?;
        let ledger = LedgerClient::connect(socket, run.id(), crate::LEDGER_RETRY).await?;
        return Ok(RunChain { backend: Arc::new(ledger), bittensor: None });
    }
    if run.places.nodes.is_empty() {
        let why = format!("this run lives on Bittensor, and `{}` names no `nodes`", crate::places::PLACES_FILE);
        return Err(ChainError::Invalid { why });
    }
    let backend = SubtensorBackend::connect(&run.places.nodes, run.manifest()).await?;
    let bittensor = Some(Arc::clone(backend.client()));
    Ok(RunChain { backend: Arc::new(Patient(backend)), bittensor })
}

/// As [`connect`], for a command that only looks: its network, where one is needed, ends with this process.
///
/// # Errors
/// As [`connect`]; [`ChainError::Unavailable`] if no network can be had.
pub async fn visit(run: &RunFolder) -> Result<RunChain, ChainError> {
    if run.places.ledger.is_some() || run.manifest().chain.subtensor.is_some() {
        return connect(run, None).await;
    }
    let failed = |why: String| ChainError::Unavailable { why };
    let (events, _thread) = Events::open(Sink::Silent, None).map_err(|e| failed(e.to_string()))?;
    let stop = CancellationToken::new();
    let network = PeerNetwork::start(run, VISITOR, &NetworkArgs::default(), Gives::default(), events, &stop);
    connect(run, network.map_err(|e| failed(e.to_string()))?.as_ref()).await
}

/// Repeats what failed only because no node answered. An outage of a minute costs a round at most; ending the process
/// for it would cost the inner steps as well.
struct Patient<B>(B);

impl<B> Patient<B> {
    async fn ask<'a, T, A>(&'a self, ask: impl Fn(&'a B) -> A) -> Result<T, ChainError>
    where
        A: Future<Output = Result<T, ChainError>>,
    {
        let give_up = Instant::now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        loop {
            match ask(&self.0).await {
                // The signer's silence is the caller's business: it may be waiting for a person.
                Err(error @ ChainError::Unavailable { .. }) if Instant::now() + pause < give_up => {
                    tracing::debug!("asking again in {pause:?}: {error}");
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                }
                other => return other,
            }
        }
    }
}

#[async_trait]
impl<B: ChainBackend> ChainBackend for Patient<B> {
    fn network(&self) -> NetworkInfo {
        self.0.network()
    }

    async fn head(&self) -> Result<Head, ChainError> {
        self.ask(B::head).await
    }

    async fn wait_head(&self, after: BlockNumber) -> Result<Head, ChainError> {
        // Who follows heads shows that it waits, and since when.
        self.0.wait_head(after).await
    }

    async fn register(&self, signer: &dyn Signer) -> Result<Registration, ChainError> {
        self.ask(|chain| chain.register(signer)).await
    }

    async fn neurons(&self) -> Result<Vec<Neuron>, ChainError> {
        self.ask(B::neurons).await
    }

    async fn publish(&self, record: &Record, signer: &dyn Signer) -> Result<Receipt, ChainError> {
        self.ask(|chain| chain.publish(record, signer)).await
    }

    async fn records(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<ChainRecord>, ChainError> {
        self.ask(|chain| chain.records(from, to)).await
    }

    async fn set_weights(&self, weights: &[(Uid, u16)], signer: &dyn Signer) -> Result<Receipt, ChainError> {
        self.ask(|chain| chain.set_weights(weights, signer)).await
    }

    async fn epochs(&self, from: BlockNumber, to: BlockNumber) -> Result<Vec<EpochReward>, ChainError> {
        self.ask(|chain| chain.epochs(from, to)).await
    }
}

#[cfg(test)]
mod tests;
