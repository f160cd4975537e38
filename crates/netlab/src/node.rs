//! A small node for experiments: exchange and swarm as in the peer, and nothing else.
//!
//! In: its number among so many, whom it knows, what it holds, what it fetches. Out: JSON lines: `listening` with its peer
//! id, `view` whenever its connections or its own reach change, `ready` when it knows as many members as it must, `fetched`
//! with seconds once it was let go and has everything; then it serves until it is killed. The members' keys follow from
//! their numbers: they are worth nothing, and everybody in the lab knows them.

mod bulk;
mod member;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use swarm::{Multiaddr, Node, NodeKey, NodeKind, NodeOptions, NodeView, Path, Swarm};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use bulk::Blob;

/// The view is looked at this often, so that a reader is not flooded.
const TICK: Duration = Duration::from_millis(200);

/// Arguments of `node`.
#[derive(Debug, Clone, Args)]
pub struct NodeArgs {
    /// Folder for its key and blobs
    #[arg(long)]
    dir: PathBuf,
    /// Which member it is, from 0
    #[arg(long, default_value_t = 0)]
    number: u16,
    /// Members of the made-up run
    #[arg(long, default_value_t = 1)]
    members: u16,
    /// Address to listen at
    #[arg(long)]
    listen: Vec<Multiaddr>,
    /// Address at which others reach it
    #[arg(long)]
    external: Vec<Multiaddr>,
    /// Address of somebody else
    #[arg(long)]
    bootstrap: Vec<Multiaddr>,
    /// It relays for others and tells them how they are reached
    #[arg(long)]
    public: bool,
    /// No QUIC
    #[arg(long)]
    tcp_only: bool,
    /// A blob that it has, SEED:BYTES
    #[arg(long, value_name = "BLOB")]
    hold: Vec<Blob>,
    /// A blob that it fetches, SEED:BYTES
    #[arg(long, value_name = "BLOB")]
    get: Vec<Blob>,
    /// Members it must be connected to before it is ready to fetch
    #[arg(long, default_value_t = 0)]
    knows: usize,
    /// It fetches once this file is there
    #[arg(long, value_name = "FILE")]
    go: Option<PathBuf>,
    /// Bytes a second that it may send; none: as the peer does by itself
    #[arg(long, value_name = "BYTES")]
    up: Option<u64>,
}

/// Runs until it is killed.
///
/// # Errors
/// A key that cannot be had, an address that cannot be listened at, a blob that does not come.
pub async fn run(args: NodeArgs) -> anyhow::Result<()> {
    let key = NodeKey::load_or_create(&args.dir.join("network.key"))?;
    let library = bulk::library(&args.dir, &args.hold)?;
    let options = NodeOptions {
        key: key.clone(),
        run: member::RUN,
        listen: args.listen.clone(),
        bootstrap: args.bootstrap.clone(),
        external: args.external.clone(),
        kind: if args.public { NodeKind::Public } else { NodeKind::Home },
        tcp_only: args.tcp_only,
        mdns: false,
        upnp: false,
    };
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let (node, parts) = Node::start(options, &tasks, stop.clone())?;
    // The senders live as long as the node does.
    let (input, _held) = member::input(&args, library.clone());
    let swarm = Swarm::start(node, parts, input, &tasks, stop.clone());
    swarm.set_binding(member::binding(&key, args.number).await?);
    say(&json!({"event": "listening", "peer": swarm.node().peer_id().to_string()}));
    let fetching = async {
        if let Some(go) = &args.go {
            say(&bulk::fetch_all(&swarm, &library, &args, go, &stop).await?);
        }
        // It goes on serving.
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        ended = fetching => ended,
        () = show(&swarm) => Ok(()),
    }
}

/// Prints the view as it changes.
async fn show(swarm: &Swarm) {
    let (mut tick, mut shown) = (tokio::time::interval(TICK), Value::Null);
    let view = swarm.node().view();
    loop {
        tick.tick().await;
        let now = words(&view.borrow());
        if now != shown {
            say(&now);
            shown = now;
        }
    }
}

fn words(view: &NodeView) -> Value {
    let path = |path| match path {
        Path::Lan => "lan",
        Path::Direct => "direct",
        Path::Punched => "punched",
        Path::Relayed => "relayed",
    };
    let peers: Vec<Value> = view
        .peers
        .iter()
        .map(|peer| json!({"peer": peer.peer.to_string(), "path": path(peer.path), "quic": peer.quic}))
        .collect();
    let (reach, cause) = (format!("{:?}", view.reach), format!("{:?}", view.cause));
    json!({"event": "view", "reach": reach, "cause": cause, "peers": peers})
}

fn say(value: &Value) {
    println!("{value}");
}
