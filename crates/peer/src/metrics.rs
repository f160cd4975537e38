//! Figures for Prometheus, on request: `--metrics ADDR`.
//!
//! In: every event this process says, and the network's counters at the moment of a question. Out: one page of text over
//! HTTP, at an address that was asked for; without `--metrics` no port is opened. The page holds totals and gauges by
//! process, slot and word, from bounded sets: no key, no network identity, no address, no text that others wrote.

mod address;
mod figures;
mod page;
mod server;
mod totals;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipc::{Event, NetworkStatus};

pub use address::{AddressError, MetricsAddress, MetricsArgs};
pub use figures::Figures;
pub use server::{MetricsError, serve};
use totals::Totals;

/// Processes of one page: a rehearsal's swarm.
const MAX_PROCESSES: usize = 64;

/// What the network counted since this process began. Asked for when somebody reads the page.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetworkCounters {
    /// The network at this moment: reach, rates, bytes, peers with their paths. Identities and addresses stay off the page.
    pub status: Option<NetworkStatus>,
    /// Chunks that went out.
    pub chunks_served: u64,
    /// Chunks that were asked for and not given: strangers, limits, a busy line.
    pub chunks_refused: u64,
    /// Chunks that came in, good or bad.
    pub chunks_received: u64,
    /// Chunks that were not what they were said to be.
    pub bad_chunks: u64,
    /// Fetches that ended without their blob.
    pub fetch_failures: u64,
    /// Streams that were reset because their queue was full or nobody accepts them.
    pub streams_refused: u64,
    /// Gossip that went on.
    pub gossip_accepted: u64,
    /// Gossip that stayed here.
    pub gossip_ignored: u64,
    /// Gossip that cost its forwarder.
    pub gossip_rejected: u64,
    /// Peers banned for a lie.
    pub bans: u64,
}

/// Asks the network for its counters.
pub type NetworkGauge = Arc<dyn Fn() -> NetworkCounters + Send + Sync>;

/// Figures of the processes that this one speaks for; cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    processes: Mutex<BTreeMap<String, Totals>>,
    network: Mutex<Option<(String, NetworkGauge)>>,
}

impl Metrics {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The network of `process` is asked here from now on.
    pub fn ask_network(&self, process: &str, gauge: NetworkGauge) {
        *lock(&self.inner.network) = Some((process.to_owned(), gauge));
    }

    /// Takes in what a process said; an inner step counts `tokens`. A sixty-fifth process is not counted.
    pub fn take(&self, process: &str, tokens: u64, event: &Event) {
        let mut processes = lock(&self.inner.processes);
        if let Some(totals) = processes.get_mut(process) {
            totals.take(tokens, event);
        } else if processes.len() < MAX_PROCESSES {
            processes.entry(process.to_owned()).or_default().take(tokens, event);
        }
    }

    /// The page, as it is now.
    pub fn page(&self) -> String {
        // Outside the lock: the network has locks of its own.
        let gauge = lock(&self.inner.network).clone();
        let network = gauge.map(|(process, gauge)| (process, gauge()));
        page::write(&lock(&self.inner.processes), network.as_ref())
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one step, so what a panicking holder left behind is consistent.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
