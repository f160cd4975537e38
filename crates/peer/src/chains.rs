//! The way to the chain that a run lives on.
//!
//! In: a run folder. Out: the embedded ledger's client or Bittensor's, behind one trait: whoever trains or validates
//! need not know which. It decides by the manifest alone, so nobody can be led to another chain by a file of this machine.

use std::sync::Arc;

use chain::ledger::LedgerClient;
use chain::{ChainBackend, ChainError};
use subtensor::{Subtensor, SubtensorBackend};

use crate::places::RunFolder;

/// A run's chain.
#[derive(Clone)]
pub struct RunChain {
    /// What every role works with.
    pub backend: Arc<dyn ChainBackend>,
    /// What only Bittensor has: prices, status, registration.
    pub bittensor: Option<Arc<Subtensor>>,
}

/// Connects to the run's chain.
///
/// # Errors
/// [`ChainError::WrongChain`] if another chain answers, [`ChainError::Unavailable`] if none does, [`ChainError::Invalid`] if
/// the run folder names no node of the chain that the manifest names.
pub async fn connect(run: &RunFolder) -> Result<RunChain, ChainError> {
    if run.manifest().chain.subtensor.is_none() {
        let ledger = LedgerClient::connect(&run.places.ledger, run.id(), crate::LEDGER_RETRY).await?;
        return Ok(RunChain { backend: Arc::new(ledger), bittensor: None });
    }
    if run.places.nodes.is_empty() {
        let why = format!("this run lives on Bittensor, and `{}` names no `nodes`", crate::places::PLACES_FILE);
        return Err(ChainError::Invalid { why });
    }
    let backend = SubtensorBackend::connect(&run.places.nodes, run.manifest()).await?;
    let bittensor = Some(Arc::clone(backend.client()));
    Ok(RunChain { backend: Arc::new(backend), bittensor })
}
