//! Several endpoints of which one is asked.
//!
//! In: addresses and questions. Out: the first good answer. An endpoint that fails rests, longer each time, and the next
//! one is asked; one that keeps another chain is never asked anything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;
use types::Hash32;

use crate::error::SubtensorError;
use crate::node::Node;

/// Most endpoints one client takes.
pub const MAX_ENDPOINTS: usize = 16;
/// First rest of an endpoint that failed; doubles each time.
const FIRST_REST: Duration = Duration::from_millis(250);
/// Longest rest.
const LONGEST_REST: Duration = Duration::from_secs(30);
/// Pause of a question that found no endpoint, before it looks again.
const PAUSE: Duration = Duration::from_millis(300);
/// How often a question looks for an endpoint, beyond once for each.
const EXTRA_ATTEMPTS: usize = 4;

/// How an endpoint does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointState {
    /// Its address.
    pub url: String,
    /// Whether questions go to it.
    pub in_use: bool,
    /// Whether it is connected.
    pub connected: bool,
    /// What it did wrong last.
    pub trouble: Option<String>,
}

struct Slot {
    url: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    node: Option<Arc<Node>>,
    failures: u32,
    rests_until: Option<Instant>,
    trouble: Option<SubtensorError>,
}

pub(crate) struct Pool {
    slots: Vec<Slot>,
    current: AtomicUsize,
    genesis: Hash32,
    patience: Duration,
}

impl Pool {
    /// Checks the addresses; connects to nothing yet.
    pub(crate) fn new(endpoints: &[String], genesis: Hash32, patience: Duration) -> Result<Self, SubtensorError> {
        let refused = |url: &str, why| SubtensorError::BadEndpoint { url: crate::error::tame(url), why };
        if endpoints.is_empty() || endpoints.len() > MAX_ENDPOINTS {
            return Err(refused("", "there must be 1 to 16 endpoints"));
        }
        for url in endpoints {
            let web_socket = url.starts_with("wss://") || url.starts_with("ws://");
            match subxt::rpcs::utils::url_is_secure(url) {
                Ok(true) if web_socket => {}
                Ok(false) if web_socket => return Err(refused(url, "beyond this machine it must be wss://")),
                _ => return Err(refused(url, "it must be a wss:// address")),
            }
        }
        let slots = endpoints.iter().map(|url| Slot { url: url.clone(), state: Mutex::default() }).collect();
        Ok(Self { slots, current: AtomicUsize::new(0), genesis, patience })
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The endpoint in use, connected; or the next one that answers.
    pub(crate) async fn node(&self) -> Result<(usize, Arc<Node>), SubtensorError> {
        let start = self.current.load(Ordering::Relaxed);
        let mut troubles = Vec::new();
        for step in 0..self.slots.len() {
            let index = (start + step) % self.slots.len();
            match self.open(index).await {
                Ok(node) => {
                    self.current.store(index, Ordering::Relaxed);
                    return Ok((index, node));
                }
                Err(trouble) => troubles.push(trouble),
            }
        }
        if let Some(wrong) = troubles.iter().find(|e| matches!(e, SubtensorError::WrongChain { .. })) {
            return Err(wrong.clone());
        }
        let why = troubles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Err(SubtensorError::Unavailable { why })
    }

    /// A connection to one of the endpoints, unless it rests.
    pub(crate) async fn open(&self, index: usize) -> Result<Arc<Node>, SubtensorError> {
        let slot = &self.slots[index];
        let mut state = slot.state.lock().await;
        if let Some(node) = &state.node {
            return Ok(Arc::clone(node));
        }
        let now = Instant::now();
        match &state.trouble {
            Some(wrong @ SubtensorError::WrongChain { .. }) => return Err(wrong.clone()),
            Some(trouble) if state.rests_until.is_some_and(|until| until > now) => return Err(trouble.clone()),
            _ => {}
        }
        // If this future is dropped while it connects, the endpoint rests as if it had failed.
        state.rest();
        match Node::connect(&slot.url, self.genesis, self.patience).await {
            Ok(node) => {
                let node = Arc::new(node);
                state.node = Some(Arc::clone(&node));
                Ok(node)
            }
            Err(trouble) => {
                state.trouble = Some(trouble.clone());
                Err(trouble)
            }
        }
    }

    /// Lets an endpoint rest; the next one is asked from now on.
    pub(crate) async fn fail(&self, index: usize, node: &Arc<Node>, trouble: &SubtensorError) {
        tracing::warn!(endpoint = node.url(), %trouble, "the next endpoint is asked");
        let mut state = self.slots[index].state.lock().await;
        if !state.node.as_ref().is_some_and(|held| Arc::ptr_eq(held, node)) {
            return;
        }
        state.node = None;
        state.trouble = Some(trouble.clone());
        state.rest();
        let next = (index + 1) % self.slots.len();
        let _ = self.current.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Notes that an endpoint does well.
    pub(crate) async fn succeed(&self, index: usize) {
        let mut state = self.slots[index].state.lock().await;
        state.failures = 0;
        state.trouble = None;
    }

    /// Asks until an endpoint answers, each at least once.
    pub(crate) async fn run<T, F, A>(&self, ask: F) -> Result<T, SubtensorError>
    where
        F: Fn(Arc<Node>) -> A,
        A: Future<Output = Result<T, SubtensorError>>,
    {
        let mut forgotten = 0;
        let mut trouble = SubtensorError::Unavailable { why: "not asked".to_owned() };
        for _ in 0..self.slots.len() + EXTRA_ATTEMPTS {
            let (index, node) = match self.node().await {
                Ok(found) => found,
                Err(wrong @ SubtensorError::WrongChain { .. }) => return Err(wrong),
                Err(error) => {
                    trouble = error;
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            match ask(Arc::clone(&node)).await {
                Err(error) if error.is_the_endpoints() => {
                    self.fail(index, &node, &error).await;
                    trouble = error;
                }
                // Another endpoint may be an archive.
                Err(error @ SubtensorError::Pruned { .. }) => {
                    forgotten += 1;
                    if forgotten >= self.slots.len() {
                        return Err(error);
                    }
                    self.current.store((index + 1) % self.slots.len(), Ordering::Relaxed);
                    trouble = error;
                }
                other => return other,
            }
        }
        Err(trouble)
    }

    pub(crate) async fn states(&self) -> Vec<EndpointState> {
        let current = self.current.load(Ordering::Relaxed);
        let mut out = Vec::with_capacity(self.slots.len());
        for (index, slot) in self.slots.iter().enumerate() {
            let state = slot.state.lock().await;
            out.push(EndpointState {
                url: slot.url.clone(),
                in_use: index == current,
                connected: state.node.is_some(),
                trouble: state.trouble.as_ref().map(ToString::to_string),
            });
        }
        out
    }
}

impl State {
    fn rest(&mut self) {
        let rest = FIRST_REST.saturating_mul(1 << self.failures.min(10)).min(LONGEST_REST);
        self.failures = self.failures.saturating_add(1);
        self.rests_until = Some(Instant::now() + rest);
    }
}
