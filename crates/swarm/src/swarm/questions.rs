//! Answers other peers' small questions, all from memory.
//!
//! In: questions from anybody, members or not. Out: answers of bounded length. Bulk is not among them.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::inner::Inner;
use crate::limits::{MAX_KNOWN_ADDRESSES, MAX_TOLD_PEERS};
use crate::node::Asked;
use crate::query::{KnownPeer, Query, QueryReply};

pub(super) async fn run(inner: Arc<Inner>, mut queries: mpsc::Receiver<Asked>) {
    while let Some(Asked { from, query, reply }) = queries.recv().await {
        inner.counters.questions_answered.one();
        let answer = match query {
            Query::Binding => QueryReply::Binding(*inner.own()),
            Query::Run => QueryReply::Run(inner.offer.clone().map(Box::new)),
            Query::Peers => {
                let view = inner.node.view();
                let view = view.borrow();
                let book = inner.book();
                let others = view.peers.iter().filter(|peer| peer.peer != from && !peer.addresses.is_empty());
                let known = others.take(MAX_TOLD_PEERS).map(|peer| KnownPeer {
                    peer: peer.peer,
                    addresses: peer.addresses.iter().take(MAX_KNOWN_ADDRESSES).map(ToString::to_string).collect(),
                    binding: book.binding_of(&peer.peer),
                });
                QueryReply::Peers(known.collect())
            }
        };
        // An asker that has gone is no loss.
        let _ = reply.send(answer);
    }
}
