//! Strangers at the node's door: garbage, floods, lies about peers, and the messages that killed gossipsub before.
//!
//! Each leaves the node answering others; none of them is let to cost more than a bounded queue or table.

use std::time::Duration;

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::{StreamProtocol, Swarm, SwarmBuilder, noise, tcp, tls, yamux};
use libp2p_stream::Control;
use swarm::{KnownPeer, PeerId, Protocol, Query, QueryReply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::world::{Over, PATIENCE, Running, address_of, alone, towards, until};

/// Whoever comes to a node after an attack: reached, asked and answered like anybody before.
async fn still_answers(host: &mut Running) {
    let guest = towards(Over::Tcp, host).await;
    let id = host.node.peer_id();
    until(&guest, |view| view.peers.iter().any(|peer| peer.peer == id)).await;
    let asking = async {
        // The node's own questions may fill the queue for a moment.
        loop {
            if let Ok(QueryReply::Binding(None)) = guest.node.query(id, Query::Binding).await {
                return;
            }
        }
    };
    let answering = async {
        while let Some(asked) = host.parts.queries.recv().await {
            let _ = asked.reply.send(QueryReply::Binding(None));
        }
    };
    tokio::select! {
        done = timeout(PATIENCE, asking) => done.expect("the node no longer answers"),
        () = answering => panic!("the node has ended"),
    }
}

/// A stranger with raw streams of any name.
fn stranger() -> (Swarm<libp2p_stream::Behaviour>, Control) {
    let swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), (tls::Config::new, noise::Config::new), yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
        .build();
    let control = swarm.behaviour().new_control();
    (swarm, control)
}

/// Sends `frames` over a raw stream of that protocol and keeps the connection for a while.
async fn attack(host: &Running, protocol: StreamProtocol, frames: Vec<Vec<u8>>) {
    let (mut swarm, mut control) = stranger();
    swarm.dial(address_of(host).await).unwrap();
    let id = host.node.peer_id();
    let sending = async {
        let mut stream = loop {
            match control.open_stream(id, protocol.clone()).await {
                Ok(stream) => break stream,
                // Not connected yet.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        for frame in frames {
            if stream.write_all(&frame).await.is_err() {
                break;
            }
        }
        let _ = stream.flush().await;
        // Time for two heartbeats, in which back-offs are looked at.
        let _ = timeout(Duration::from_millis(1600), stream.read_to_end(&mut Vec::new())).await;
    };
    let driving = async {
        loop {
            swarm.next().await;
        }
    };
    tokio::select! {
        done = timeout(PATIENCE, sending) => done.expect("the stranger never got through"),
        () = driving => unreachable!(),
    }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

/// A protobuf field with a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [vec![number << 3 | 2], varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// A gossipsub frame with one PRUNE of that back-off in seconds.
fn prune(topic: &str, backoff: u64) -> Vec<u8> {
    let prune = [field(1, topic.as_bytes()), vec![3 << 3], varint(backoff)].concat();
    let rpc = field(3, &field(4, &prune));
    [varint(rpc.len() as u64), rpc].concat()
}

fn subscription(topic: &str) -> Vec<u8> {
    let subscription = [vec![1 << 3, 1], field(2, topic.as_bytes())].concat();
    let rpc = field(1, &subscription);
    [varint(rpc.len() as u64), rpc].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_two_messages_that_killed_gossipsub_kill_nothing() {
    let mut host = alone(Over::Tcp);
    let topic = "covey/07070707/announce/1";
    // CVE-2026-33040: a back-off that overflows the clock at once. CVE-2026-34219: one that does so with what is added later.
    let backoffs = [u64::MAX, u64::MAX / 2, i64::MAX as u64, i64::MAX as u64 - 1, u64::MAX / 1000, 1 << 62, 0];
    let frames: Vec<Vec<u8>> = std::iter::once(subscription(topic))
        .chain(backoffs.iter().flat_map(|backoff| [prune(topic, *backoff), prune("another topic", *backoff)]))
        .collect();
    for version in ["/meshsub/1.1.0", "/meshsub/1.2.0"] {
        attack(&host, StreamProtocol::new(version), frames.clone()).await;
    }
    still_answers(&mut host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_that_are_too_long_or_none_go_unanswered() {
    let mut host = alone(Over::Tcp);
    let name = StreamProtocol::new("/covey/07070707/query/1");
    attack(&host, name.clone(), vec![vec![0xff; 4 << 20]]).await;
    attack(&host, name.clone(), vec![b"\x67Nothing".to_vec()]).await;
    attack(&host, name, vec![vec![0x9b; 9]]).await;
    still_answers(&mut host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_and_a_crowd_of_silent_callers_keep_nobody_out() {
    let mut host = alone(Over::Tcp);
    let address = address_of(&host).await;
    let port = address.iter().find_map(|part| match part {
        libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    let mut crowd = Vec::new();
    for number in 0..300_u32 {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port.unwrap())).await else { continue };
        if number % 3 == 0 {
            let _ = stream.write_all(&[number as u8; 4096]).await;
        }
        crowd.push(stream);
    }
    assert!(crowd.len() > 200);
    // What finds no room is closed, so the crowd cannot grow without bound.
    let mut closed = 0;
    for stream in &mut crowd {
        let mut byte = [0; 256];
        if let Ok(Ok(0) | Err(_)) = timeout(Duration::from_millis(20), stream.read(&mut byte)).await {
            closed += 1;
        }
    }
    assert!(closed > 100, "{closed} of {} were turned away", crowd.len());
    drop(crowd);
    still_answers(&mut host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lying_bootstrap_fills_a_bounded_table_and_nothing_else() {
    let mut liar = alone(Over::Tcp);
    let mut host = towards(Over::Tcp, &liar).await;
    let mut told = 0;
    let lying = async {
        while let Some(asked) = liar.parts.queries.recv().await {
            // As many as an answer holds.
            let peers = (0..1500).map(|number: u32| KnownPeer {
                peer: PeerId::random(),
                addresses: (0..3).map(|n| format!("/ip4/127.0.0.1/tcp/{}", 1 + (number * 3 + n) % 60_000)).collect(),
                binding: None,
            });
            let _ = asked.reply.send(QueryReply::Peers(peers.collect()));
            told += 1;
            if told == 3 {
                return;
            }
        }
    };
    timeout(PATIENCE, lying).await.expect("the node asked for no peers");
    let view = until(&host, |view| !view.peers.is_empty()).await;
    assert_eq!(view.peers.len(), 1, "nobody else exists");
    drop(liar);
    still_answers(&mut host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gossip_flood_is_forgotten_while_nobody_listens() {
    let mut host = alone(Over::Tcp);
    let loud = towards(Over::Tcp, &host).await;
    until(&host, |view| !view.peers.is_empty()).await;
    let flooding = async {
        for number in 0_u32.. {
            loud.node.publish([vec![7; 2000], number.to_le_bytes().to_vec()].concat()).await;
            if host.node.counts().read().1 > 50 {
                return;
            }
            if number % 64 == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    timeout(PATIENCE, flooding).await.expect("nothing was ever dropped");
    still_answers(&mut host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_banned_is_gone_and_comes_back_when_the_ban_is_over() {
    let host = alone(Over::Tcp);
    let guest = towards(Over::Tcp, &host).await;
    until(&host, |view| !view.peers.is_empty()).await;
    host.node.ban(guest.node.peer_id(), Duration::from_secs(2), "a test".into()).await;
    until(&host, |view| view.peers.is_empty()).await;
    until(&host, |view| !view.peers.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_nobody_accepts_are_reset_and_counted() {
    let host = alone(Over::Tcp);
    let guest = towards(Over::Tcp, &host).await;
    let mut stream = guest.node.open(host.node.peer_id(), Protocol::Ledger).await.unwrap();
    let read = timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("neither an answer nor an end");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert_eq!(host.node.counts().read().0, 1);
}
