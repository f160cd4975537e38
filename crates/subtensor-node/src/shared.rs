//! What endpoints, block maker and owner of a node share, and all that a scenario can do to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::chain::{Action, Chain};
use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::rpc::hex;
use crate::view::{View, lock};

/// Most blocks made by one request.
const MAX_SEALED: u64 = 10_000;
/// Most actions that wait for a block.
const MAX_ACTIONS: usize = 1024;

/// The chain and its endpoints.
pub struct Shared {
    pub(crate) chain: Arc<Mutex<Chain>>,
    pub(crate) endpoints: Vec<(View, Arc<Gate>)>,
    pub(crate) paused: AtomicBool,
    pub(crate) ended: CancellationToken,
}

impl Shared {
    /// The endpoint's look at the chain.
    ///
    /// # Errors
    /// [`Refusal::Params`] if there is none with this number.
    pub fn view(&self, endpoint: usize) -> Result<&View, Refusal> {
        self.endpoints.get(endpoint).map(|(view, _)| view).ok_or_else(|| Refusal::Params("no such endpoint".into()))
    }

    pub(crate) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// Makes `count` blocks; the last one's hash.
    ///
    /// # Errors
    /// [`Refusal::Knob`] for none or too many, [`Refusal::Storage`] if the state file cannot be written.
    pub fn seal(&self, count: u64) -> Result<[u8; 32], Refusal> {
        if count == 0 || count > MAX_SEALED {
            return Err(Refusal::Knob(format!("1 to {MAX_SEALED} blocks at once")));
        }
        let mut chain = lock(&self.chain);
        let mut hash = [0; 32];
        for _ in 0..count {
            hash = chain.seal(now_ms()).map_err(|e| Refusal::Storage(e.to_string()))?;
        }
        Ok(hash)
    }

    /// Stops or goes on making blocks by the clock.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    /// Replaces the newest `depth` blocks by `depth + 1` others. With `lose`, their extrinsics do not wait again.
    ///
    /// # Errors
    /// [`Refusal::Knob`] if some of them are final.
    pub fn reorg(&self, depth: u32, lose: bool) -> Result<(), Refusal> {
        lock(&self.chain).reorg(depth, lose, now_ms())
    }

    /// Does something in the next block.
    ///
    /// # Errors
    /// [`Refusal::Knob`] if too much waits for it.
    pub fn act(&self, action: Action) -> Result<(), Refusal> {
        let mut chain = lock(&self.chain);
        if chain.actions() >= MAX_ACTIONS {
            return Err(Refusal::Knob("too many actions wait for a block".into()));
        }
        chain.act(action);
        Ok(())
    }

    /// Cuts all connections of an endpoint, and every new one for `refuse_ms` milliseconds.
    ///
    /// # Errors
    /// [`Refusal::Params`] if there is none with this number.
    pub fn drop_connections(&self, endpoint: usize, refuse_ms: u64) -> Result<(), Refusal> {
        let gate = self.endpoints.get(endpoint).map(|(_, gate)| gate);
        gate.ok_or_else(|| Refusal::Params("no such endpoint".into()))?.cut(Duration::from_millis(refuse_ms));
        Ok(())
    }

    /// Heads and what waits.
    pub fn status(&self) -> Value {
        let chain = lock(&self.chain);
        json!({
            "genesis": hex(chain.genesis()),
            "best": chain.best(),
            "bestHash": chain.block(chain.best()).map(|block| hex(block.hash)),
            "finalized": chain.finalized(),
            "pending": chain.waiting().count(),
            "specVersion": chain.runtime().map(|runtime| runtime.spec_version()),
            "endpoints": self.endpoints.len(),
            "paused": self.paused.load(Ordering::Relaxed),
        })
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
