//! Asks every connected peer whose it is, and keeps the book in step with the chain.
//!
//! In: the list of members as it changes, connections as they come. Out: a book in which each connected member stands.
//! A peer that proved nothing is asked again later: it may register, or may not have had its binding yet.

use std::collections::HashMap;
use std::sync::Arc;

use libp2p::PeerId;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::inner::Inner;
use crate::Membership;
use crate::limits::{BINDING_RETRY, BINDINGS_ASKED, MAX_NOTES};

pub(super) async fn run(inner: Arc<Inner>, mut membership: watch::Receiver<Option<Membership>>) {
    let mut view = inner.node.view();
    let mut asked: HashMap<PeerId, Instant> = HashMap::new();
    let mut asking = JoinSet::new();
    let mut chain_says = true;
    loop {
        let newest = membership.borrow_and_update().clone();
        if let Some(newest) = newest {
            let first = inner.book().membership().is_none();
            inner.book().set_membership(newest);
            if first {
                // What was asked before the members were known is not in the book.
                asked.clear();
            }
        }
        let connected: Vec<PeerId> = view.borrow_and_update().peers.iter().map(|peer| peer.peer).collect();
        asked.retain(|peer, _| connected.contains(peer));
        let due = |asked: &HashMap<PeerId, Instant>, peer: &PeerId| {
            asked.get(peer).is_none_or(|at| at.elapsed() >= BINDING_RETRY) && asked.len() < MAX_NOTES
        };
        for peer in connected {
            if asking.len() < BINDINGS_ASKED && due(&asked, &peer) && !inner.is_member(&peer) {
                asked.insert(peer, Instant::now());
                let inner = Arc::clone(&inner);
                asking.spawn(async move {
                    if let Err(why) = inner.ask_binding(peer).await {
                        tracing::debug!("{peer} did not prove whose it is: {why}");
                    }
                });
            }
        }
        tokio::select! {
            changed = membership.changed(), if chain_says => chain_says = changed.is_ok(),
            changed = view.changed() => if changed.is_err() { return },
            Some(_) = asking.join_next() => {}
            () = sleep(BINDING_RETRY) => {}
        }
    }
}
