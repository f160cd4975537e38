//! Members fetch from each other over real connections: from the author, from each other, and not as strangers.

use exchange::{CostClass, FetchError};
use swarm::AskError;
use tokio::task::JoinSet;
use types::{Signer as _, Uid};

use crate::members::{Member, membership};
use crate::world::Over;

async fn author_and_reader(over: Over) {
    let chain = membership(&[1, 2]);
    let author = Member::start(over, 1, Vec::new(), chain.clone(), false).await;
    let reader = Member::start(over, 2, vec![author.address().await], chain, false).await;
    let (id, blob) = author.publish(5 * exchange::CHUNK_BYTES + 17);
    reader.knows(&[1]).await;
    author.knows(&[2]).await;
    let sources = reader.swarm.sources(&id, Some(author.signer.hotkey()));
    assert_eq!(sources.len(), 1);
    assert_eq!(sources[0].class(), CostClass::Lan);
    assert_eq!(reader.fetch(id).await.unwrap(), blob);
    let status = reader.swarm.status();
    assert_eq!(status.peers[0].uid, Some(Uid(1)));
    assert_eq!(status.peers[0].note.down, id.bytes);
    let served = author.swarm.counters();
    assert_eq!((served.chunks_served, served.streams_of_strangers), (6, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_fetches_from_the_author_over_tcp() {
    author_and_reader(Over::Tcp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_fetches_from_the_author_over_quic() {
    author_and_reader(Over::Quic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_nothing_from_a_member_and_everything_from_a_seed() {
    // Hotkey 3 is registered nowhere.
    let chain = membership(&[1, 2]);
    let member = Member::start(Over::Tcp, 1, Vec::new(), chain.clone(), false).await;
    let seed = Member::start(Over::Tcp, 2, Vec::new(), chain.clone(), true).await;
    let (kept, _) = member.publish(1000);
    let (given, blob) = seed.publish(2 * exchange::CHUNK_BYTES);
    let stranger = Member::start(Over::Tcp, 3, vec![member.address().await, seed.address().await], chain, false).await;
    stranger.knows(&[1, 2]).await;
    let refused = stranger.fetch(kept).await.unwrap_err();
    assert!(matches!(refused, FetchError::Unavailable { .. }), "{refused}");
    assert!(refused.to_string().contains("members of the run only"), "{refused}");
    assert_eq!(stranger.fetch(given).await.unwrap(), blob);
    assert!(member.swarm.counters().streams_of_strangers > 0);
    assert_eq!(member.swarm.counters().chunks_served, 0);
    // Who has nothing to say about the run says so.
    let nothing = stranger.swarm.offer_of(member.swarm.node().peer_id()).await;
    assert_eq!(nothing, Err(AskError::Nothing));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_while_connected_is_served_from_then_on() {
    let author = Member::start(Over::Tcp, 1, Vec::new(), membership(&[1]), false).await;
    let late = Member::start(Over::Tcp, 2, vec![author.address().await], membership(&[1, 2]), false).await;
    let (id, blob) = author.publish(1000);
    late.knows(&[1]).await;
    assert!(late.fetch(id).await.is_err());
    author.chain.send_replace(Some(membership(&[1, 2])));
    assert_eq!(late.fetch(id).await.unwrap(), blob);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_seed_sends_a_payload_about_once_to_four_who_fetch_it() {
    let chain = membership(&[1, 2, 3, 4, 5]);
    let seed = Member::start(Over::Tcp, 1, Vec::new(), chain.clone(), false).await;
    let address = seed.address().await;
    // A line on which chunks take longer than it takes to hear of each other, as lines do.
    seed.line.send_replace(swarm::LineLimits { up: Some(12_000_000), ..swarm::LineLimits::default() });
    let (id, blob) = seed.publish(64 * exchange::CHUNK_BYTES);
    let mut readers = Vec::new();
    for hotkey in 2..=5 {
        readers.push(Member::start(Over::Tcp, hotkey, vec![address.clone()], chain.clone(), false).await);
    }
    for reader in &readers {
        let others: Vec<u8> = (1..=5).filter(|seed| *seed != reader.seed).collect();
        reader.knows(&others).await;
    }
    let mut fetches = JoinSet::new();
    for reader in readers {
        fetches.spawn(async move {
            let blob = reader.fetch(id).await.unwrap();
            (blob, reader)
        });
    }
    let mut done = Vec::new();
    while let Some(fetched) = fetches.join_next().await {
        let (got, reader) = fetched.unwrap();
        assert!(got == blob);
        done.push(reader);
    }
    let sent = seed.swarm.counters().bytes_served as f64 / id.bytes as f64;
    println!("the seed sent {sent:.3} times the payload");
    assert!(sent <= 1.15, "{sent}");
}
