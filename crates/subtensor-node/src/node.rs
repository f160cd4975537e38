//! A running node: chain, block maker, endpoints.
//!
//! In: a [`Config`]. Out: WebSocket addresses on loopback, and [`Shared`] with everything a scenario can do. It ends when
//! it is stopped or dropped.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jsonrpsee::server::{Methods, ServerHandle, stop_channel};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::NodeError;
use crate::chain::Chain;
use crate::config::Config;
use crate::gate::{self, Gate};
use crate::rpc;
use crate::shared::{Shared, now_ms};
use crate::view::{View, lock};

/// Most endpoints of a node.
const MAX_ENDPOINTS: u8 = 8;

/// A node. Dropping it ends it.
pub struct Node {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    tasks: JoinSet<()>,
    // Dropped with the node: ends the server's own tasks.
    stops: Vec<ServerHandle>,
    ended: CancellationToken,
    _guard: DropGuard,
}

impl Node {
    /// Opens the chain and serves it.
    ///
    /// # Errors
    /// [`NodeError`]: a genesis that no chain could have, a state file of another chain, no port.
    pub async fn start(config: Config) -> Result<Self, NodeError> {
        if config.endpoints == 0 || config.endpoints > MAX_ENDPOINTS {
            return Err(NodeError::Serve(format!("1 to {MAX_ENDPOINTS} endpoints")));
        }
        let (count, block_ms) = (config.endpoints, config.block_ms);
        let opened = tokio::task::spawn_blocking(move || Chain::open(config)).await;
        let chain = opened.map_err(|e| NodeError::State(e.to_string()))??;
        let chain = Arc::new(Mutex::new(chain));
        let ended = CancellationToken::new();
        let endpoints = (0..count).map(|_| (View::new(Arc::clone(&chain)), Arc::new(Gate::default()))).collect();
        let shared = Arc::new(Shared { chain, endpoints, paused: AtomicBool::new(false), ended: ended.clone() });
        let mut tasks = JoinSet::new();
        let (mut addresses, mut stops) = (Vec::new(), Vec::new());
        for (index, (_, gate)) in shared.endpoints.iter().enumerate() {
            let (listener, address) = gate::listen().await?;
            let methods: Methods = rpc::module(Arc::clone(&shared), index)?.into();
            let (stop, handle) = stop_channel();
            tasks.spawn(gate::run(listener, Arc::clone(gate), methods, stop, ended.clone()));
            addresses.push(address);
            stops.push(handle);
        }
        if block_ms > 0 {
            tasks.spawn(make_blocks(Arc::clone(&shared), Duration::from_millis(block_ms)));
        }
        Ok(Self { shared, addresses, tasks, stops, ended: ended.clone(), _guard: ended.drop_guard() })
    }

    /// WebSocket address of the first endpoint.
    pub fn url(&self) -> String {
        self.urls().into_iter().next().unwrap_or_default()
    }

    /// WebSocket addresses of all endpoints.
    pub fn urls(&self) -> Vec<String> {
        self.addresses.iter().map(|address| format!("ws://{address}")).collect()
    }

    /// Hash of block 0.
    pub fn genesis(&self) -> [u8; 32] {
        lock(&self.shared.chain).genesis()
    }

    /// Resolves when the node has ended by itself: its state file could not be written.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Ends the node and waits for it.
    pub async fn stop(mut self) {
        self.ended.cancel();
        for stop in self.stops.drain(..) {
            // Stopped already is as good.
            let _ = stop.stop();
        }
        while self.tasks.join_next().await.is_some() {}
    }
}

/// All that a scenario can do.
impl Deref for Node {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

async fn make_blocks(shared: Arc<Shared>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            () = shared.ended.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if shared.paused.load(Ordering::Relaxed) {
            continue;
        }
        let sealed = lock(&shared.chain).seal(now_ms());
        if let Err(error) = sealed {
            tracing::error!("no block could be made: {error}");
            shared.ended.cancel();
            return;
        }
    }
}
