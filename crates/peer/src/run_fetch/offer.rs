//! The run's manifest from whoever the link names.
//!
//! In: a link. Out: the signed manifest whose hash the link names, and who gave it. All nodes are asked at once, each with a
//! deadline; the first that proves itself is taken. What a node says of sizes is a hint and checked when it counts.

use std::time::Duration;

use swarm::{Multiaddr, Node, NodeKey, NodeKind, NodeOptions, PeerId, Query, QueryReply};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{JoinLink, SignedManifest};

use super::RunFetchError;

/// Time for a node to be reached and to answer; behind a relay a connection alone takes seconds.
const ANSWER: Duration = Duration::from_secs(30);
/// First and longest pause between two questions to a node that is not connected yet.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// How this machine takes part while it asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberOptions {
    /// No QUIC.
    pub tcp_only: bool,
}

/// A manifest that holds.
#[derive(Debug, Clone)]
pub struct Offered {
    /// The manifest, its hash and signature checked.
    pub signed: SignedManifest,
    /// Who gave it.
    pub by: PeerId,
    /// Bytes of the data set's manifest, as that node says.
    pub dataset_bytes: u64,
    /// Bytes of the tokenizer's file, as that node says.
    pub tokenizer_bytes: Option<u64>,
}

/// Asks the nodes of a link for their run, under a network identity made for the occasion.
///
/// # Errors
/// [`RunFetchError::Nobody`] with what came of each node, [`RunFetchError::Network`], [`RunFetchError::Stopped`].
pub async fn ask(link: &JoinLink, options: MemberOptions, stop: &CancellationToken) -> Result<Offered, RunFetchError> {
    let mut peers = Vec::new();
    let mut why = Vec::new();
    for text in &link.addresses {
        match text.parse::<Multiaddr>().ok().and_then(|address| Some((swarm::peer_of(&address)?, address))) {
            Some(known) => peers.push(known),
            None => why.push(format!("`{text}` is no address")),
        }
    }
    let tracker = TaskTracker::new();
    let cancel = stop.child_token();
    let key = NodeKey::ephemeral();
    let node = NodeOptions {
        key,
        run: link.run,
        listen: Vec::new(),
        bootstrap: peers.iter().map(|(_, address)| address.clone()).collect(),
        external: Vec::new(),
        kind: NodeKind::Home,
        tcp_only: options.tcp_only,
        mdns: false,
        upnp: false,
    };
    let started = Node::start(node, &tracker, cancel.clone());
    let (node, _parts) = started.map_err(|e| RunFetchError::Network(e.to_string()))?;
    let found = tokio::select! {
        found = first(&node, link, &peers, &mut why) => found,
        () = stop.cancelled() => None,
    };
    cancel.cancel();
    tracker.close();
    tracker.wait().await;
    match found {
        Some(offered) => Ok(offered),
        None if stop.is_cancelled() => Err(RunFetchError::Stopped),
        None => Err(RunFetchError::Nobody { asked: peers.len(), why }),
    }
}

/// The first answer that holds.
async fn first(
    node: &Node,
    link: &JoinLink,
    addresses: &[(PeerId, Multiaddr)],
    why: &mut Vec<String>,
) -> Option<Offered> {
    let mut peers: Vec<PeerId> = addresses.iter().map(|(peer, _)| *peer).collect();
    peers.sort_unstable();
    peers.dedup();
    let mut asking = JoinSet::new();
    for peer in peers {
        let (node, link) = (node.clone(), link.clone());
        asking.spawn(async move { (peer, question(&node, &link, peer).await) });
    }
    while let Some(answered) = asking.join_next().await {
        match answered {
            Ok((_, Ok(offered))) => return Some(offered),
            Ok((peer, Err(reason))) => why.push(format!("{peer}: {reason}")),
            Err(error) => why.push(error.to_string()),
        }
    }
    None
}

/// Asks one node, again while it cannot be reached, until its time is over.
async fn question(node: &Node, link: &JoinLink, peer: PeerId) -> Result<Offered, String> {
    let mut last = "no answer".to_owned();
    let asking = async {
        let (mut pause, mut deaf) = (PAUSES.0, false);
        loop {
            match node.query(peer, Query::Run).await {
                Ok(QueryReply::Run(Some(offer))) => {
                    let signed = SignedManifest::from_bytes(&offer.manifest).map_err(|e| e.to_string())?;
                    let id = signed.manifest.id();
                    if id != link.run {
                        return Err(format!("it gave another run ({id})"));
                    }
                    let (dataset_bytes, tokenizer_bytes) = (offer.dataset_bytes, offer.tokenizer_bytes);
                    return Ok(Offered { signed, by: peer, dataset_bytes, tokenizer_bytes });
                }
                Ok(QueryReply::Run(None)) => return Err("it does not know the run's manifest".to_owned()),
                Ok(_) => return Err("it answered something else than was asked".to_owned()),
                Err(error) => {
                    // Connected, and yet no answer: it does not speak this run's protocols.
                    let connected = node.view().borrow().peers.iter().any(|seen| seen.peer == peer);
                    if connected && std::mem::replace(&mut deaf, true) {
                        return Err(format!("it does not take part in this run ({error})"));
                    }
                    last = error.to_string();
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    };
    match timeout(ANSWER, asking).await {
        Ok(answer) => answer,
        Err(_) => Err(last),
    }
}
