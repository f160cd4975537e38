//! Nodes for tests: started on loopback, stopped when the test ends.

use std::time::Duration;

use swarm::{Multiaddr, Node, NodeKey, NodeKind, NodeOptions, NodeParts, NodeView};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{Hash32, RunId};

/// Longest wait for anything on loopback.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running node.
pub(crate) struct Running {
    pub(crate) node: Node,
    pub(crate) parts: NodeParts,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Which transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Tcp,
    Quic,
}

pub(crate) fn options(over: Over, bootstrap: Vec<Multiaddr>) -> NodeOptions {
    let listen = match over {
        Over::Tcp => "/ip4/127.0.0.1/tcp/0",
        Over::Quic => "/ip4/127.0.0.1/udp/0/quic-v1",
    };
    NodeOptions {
        key: NodeKey::ephemeral(),
        run: RunId(Hash32([7; 32])),
        listen: vec![listen.parse().unwrap()],
        bootstrap,
        external: Vec::new(),
        kind: NodeKind::Home,
        tcp_only: over == Over::Tcp,
        mdns: false,
        upnp: false,
    }
}

pub(crate) fn start(options: NodeOptions) -> Running {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let (node, parts) = Node::start(options, &tasks, stop.clone()).unwrap();
    Running { node, parts, stop, tasks }
}

/// A node that looks for nobody.
pub(crate) fn alone(over: Over) -> Running {
    start(options(over, Vec::new()))
}

/// A node that looks for another.
pub(crate) async fn towards(over: Over, other: &Running) -> Running {
    let address = address_of(other).await;
    start(options(over, vec![address]))
}

/// Where a node can be reached, its identity included.
pub(crate) async fn address_of(running: &Running) -> Multiaddr {
    let mut view = running.node.view();
    let seen = tokio::time::timeout(PATIENCE, view.wait_for(|view| !view.listening.is_empty())).await;
    let address = seen.unwrap().unwrap().listening[0].clone();
    address.with_p2p(running.node.peer_id()).unwrap()
}

/// Waits until the node's view is as wanted.
pub(crate) async fn until(running: &Running, wanted: impl FnMut(&NodeView) -> bool) -> NodeView {
    let mut view = running.node.view();
    tokio::time::timeout(PATIENCE, view.wait_for(wanted)).await.expect("the view did not get there").unwrap().clone()
}
