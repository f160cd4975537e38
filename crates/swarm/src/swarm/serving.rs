//! Takes in streams of others: members are served, strangers get echoes and are told who they are, floods are cut.
//!
//! In: streams that the node hands on. Out: one task for each that is served, as many as there are slots.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use libp2p::PeerId;
use tokio::sync::Semaphore;

use super::inner::Inner;
use crate::Protocol;
use crate::bulk::Status;
use crate::limits::{REFUSALS_IN_FLIGHT, SAME_HOUSE};
use crate::node::Inbound;
use crate::server::Way;
use crate::view::Path;

pub(super) async fn run(inner: Arc<Inner>) {
    let mut streams = inner.node.accept(Protocol::Chunks).await;
    let refusals = Arc::new(Semaphore::new(REFUSALS_IN_FLIGHT));
    while let Some(inbound) = streams.recv().await {
        let (inner, refusals) = (Arc::clone(&inner), Arc::clone(&refusals));
        let slot = inner.slots.take(inbound.peer);
        let tasks = Arc::clone(&inner);
        tasks.spawn(async move {
            let Inbound { peer, relayed, stream } = inbound;
            let refused = match &slot {
                None => Some(Status::Busy),
                Some(_) if is_served(&inner, peer).await => None,
                Some(_) => Some(Status::Stranger),
            };
            if let (Some(slot), None) = (&slot, refused) {
                let way = || way(&inner, &peer, relayed);
                let ended = inner.server.serve(stream, slot, &way).await;
                tracing::trace!("a stream of {peer} ended: {ended:?}");
                return;
            }
            match refused {
                Some(Status::Stranger) => inner.counters.streams_of_strangers.one(),
                _ => inner.counters.streams_over_limit.one(),
            }
            // The slot is free for others while the stranger hears why.
            drop(slot);
            // In a flood nobody is told anything: dropping a stream resets it.
            if let (Some(status), Ok(_permit)) = (refused, refusals.try_acquire()) {
                match status {
                    Status::Stranger => inner.server.echo(stream).await,
                    _ => inner.server.refuse(stream, status).await,
                }
            }
        });
    }
}

/// Whether a peer gets bulk. One that is not in the book yet is asked: it may have just connected.
async fn is_served(inner: &Inner, peer: PeerId) -> bool {
    if inner.open || inner.is_member(&peer) {
        return true;
    }
    let known = inner.book().membership().is_some();
    if !known || inner.ask_binding(peer).await.is_err() {
        return false;
    }
    let member = inner.is_member(&peer);
    if !member {
        inner.newcomer.notify_one();
    }
    member
}

/// How a peer's bytes travel at this moment.
fn way(inner: &Inner, peer: &PeerId, came_relayed: bool) -> Way {
    let seen = inner.seen(peer);
    let same_house =
        seen.as_ref().is_some_and(|seen| seen.path == Path::Lan && seen.rtt.is_some_and(|rtt| rtt < SAME_HOUSE));
    Way { relayed: came_relayed, paced: !same_house || inner.limited.load(Ordering::Relaxed) }
}
