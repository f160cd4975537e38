//! What nodes do for each other.

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use swarm::{OpenError, Path, Protocol, Query, QueryReply, RunOffer, Verdict};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::world::{Over, PATIENCE, alone, options, start, towards, until};

async fn all_streams_arrive(over: Over) {
    const STREAMS: usize = 32;
    let host = alone(over);
    let mut inbound = host.node.accept(Protocol::Chunks).await;
    let guest = towards(over, &host).await;
    let mut opening = JoinSet::new();
    for number in 0..STREAMS {
        let (node, peer) = (guest.node.clone(), host.node.peer_id());
        opening.spawn(async move {
            let mut stream = node.open(peer, Protocol::Chunks).await.unwrap();
            stream.write_all(&[number as u8]).await.unwrap();
            stream.flush().await.unwrap();
            let mut echo = [0];
            stream.read_exact(&mut echo).await.unwrap();
            usize::from(echo[0])
        });
    }
    let mut serving = JoinSet::new();
    for _ in 0..STREAMS {
        let mut inbound = timeout(PATIENCE, inbound.recv()).await.expect("a stream was lost").unwrap();
        assert_eq!(inbound.peer, guest.node.peer_id());
        assert!(!inbound.relayed);
        serving.spawn(async move {
            let mut byte = [0];
            inbound.stream.read_exact(&mut byte).await.unwrap();
            inbound.stream.write_all(&byte).await.unwrap();
            inbound.stream.flush().await.unwrap();
            // Until the other side is done.
            let _ = inbound.stream.read(&mut byte).await;
        });
    }
    let mut echoes = timeout(PATIENCE, opening.join_all()).await.unwrap();
    echoes.sort_unstable();
    assert_eq!(echoes, (0..STREAMS).collect::<Vec<_>>());
    let view = until(&guest, |view| !view.peers.is_empty()).await;
    assert_eq!((view.peers[0].path, view.peers[0].quic), (Path::Lan, over == Over::Quic));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_streams_opened_at_once_over_tcp_none_is_lost() {
    all_streams_arrive(Over::Tcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_streams_opened_at_once_over_quic_none_is_lost() {
    all_streams_arrive(Over::Quic).await;
}

#[tokio::test]
async fn a_question_is_answered_and_an_unanswered_one_refused() {
    let mut host = alone(Over::Tcp);
    let guest = towards(Over::Tcp, &host).await;
    let offer = RunOffer { manifest: vec![5; 200_000], dataset_bytes: 7, tokenizer_bytes: None };
    let peer = host.node.peer_id();
    until(&guest, |view| !view.peers.is_empty()).await;
    let asking = guest.node.query(peer, Query::Run);
    let answering = async {
        loop {
            let asked = host.parts.queries.recv().await.unwrap();
            if asked.query == Query::Run {
                assert_eq!(asked.from, guest.node.peer_id());
                asked.reply.send(QueryReply::Run(Some(Box::new(offer.clone())))).unwrap();
                break;
            }
        }
    };
    let (reply, ()) = timeout(PATIENCE, async { tokio::join!(asking, answering) }).await.unwrap();
    assert_eq!(reply.unwrap(), QueryReply::Run(Some(Box::new(offer))));
    let asking = guest.node.query(peer, Query::Binding);
    let dropping = async {
        while let Some(asked) = host.parts.queries.recv().await {
            if asked.query == Query::Binding {
                drop(asked);
                break;
            }
        }
    };
    let (reply, ()) = timeout(PATIENCE, async { tokio::join!(asking, dropping) }).await.unwrap();
    assert_eq!(reply.unwrap(), QueryReply::Refused);
}

#[tokio::test]
async fn what_is_accepted_goes_on_and_what_is_rejected_stays() {
    // A line of three: the last hears only through the middle.
    let first = alone(Over::Tcp);
    let mut middle = towards(Over::Tcp, &first).await;
    let mut last = towards(Over::Tcp, &middle).await;
    until(&middle, |view| view.peers.len() == 2).await;
    until(&first, |view| !view.peers.is_empty()).await;
    let judging = async {
        while let Some(heard) = middle.parts.gossip.recv().await {
            let verdict = if heard.data.starts_with(b"good") { Verdict::Accept } else { Verdict::Reject };
            heard.verdict.send(verdict).unwrap();
        }
    };
    let talking = async {
        for number in 0_u32.. {
            first.node.publish([b"bad ".as_slice(), &number.to_le_bytes()].concat()).await;
            first.node.publish([b"good".as_slice(), &number.to_le_bytes()].concat()).await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let listening = async {
        let mut heard = Vec::new();
        while heard.len() < 5 {
            heard.push(last.parts.gossip.recv().await.unwrap());
        }
        heard
    };
    let heard = timeout(PATIENCE, async {
        tokio::select! {
            () = judging => unreachable!(),
            () = talking => unreachable!(),
            heard = listening => heard,
        }
    });
    for heard in heard.await.expect("nothing came through") {
        // The last one is connected to the middle only, as long as nobody tells it of the first.
        let from_first = heard.from == first.node.peer_id();
        assert!(heard.data.starts_with(b"good") || from_first, "{:?}", heard.data);
    }
}

#[tokio::test]
async fn who_cannot_be_reached_is_an_error_and_not_a_wait() {
    let node = alone(Over::Tcp);
    let nobody = swarm::PeerId::random();
    let error = timeout(PATIENCE, node.node.open(nobody, Protocol::Ledger)).await.unwrap().unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn a_node_starts_while_nobody_can_be_reached_and_ends_when_told() {
    let nobody = format!("/ip4/127.0.0.1/tcp/1/p2p/{}", swarm::PeerId::random()).parse().unwrap();
    let node = start(options(Over::Tcp, vec![nobody]));
    until(&node, |view| view.cause == swarm::ReachCause::NobodyReached).await;
    node.stop.cancel();
    node.tasks.close();
    timeout(PATIENCE, node.tasks.wait()).await.expect("the node did not end");
    let error = node.node.open(swarm::PeerId::random(), Protocol::Chunks).await.unwrap_err();
    assert!(matches!(error, OpenError::Ended | OpenError::Failed(_)), "{error}");
}

#[tokio::test]
async fn peers_that_know_nobody_else_find_each_other_through_a_third() {
    let mut middle = alone(Over::Tcp);
    let a = towards(Over::Tcp, &middle).await;
    let b = towards(Over::Tcp, &middle).await;
    let view = middle.node.view();
    let telling = async {
        while let Some(asked) = middle.parts.queries.recv().await {
            let known = view.borrow().peers.clone();
            let known = known.into_iter().map(|peer| swarm::KnownPeer {
                peer: peer.peer,
                addresses: peer.addresses.iter().map(ToString::to_string).collect(),
                binding: None,
            });
            let _ = asked.reply.send(QueryReply::Peers(known.collect()));
        }
    };
    let id = b.node.peer_id();
    let meeting = async { until(&a, |view| view.peers.iter().any(|peer| peer.peer == id)).await };
    tokio::select! {
        () = telling => unreachable!(),
        view = meeting => assert!(view.peers.len() >= 2),
    }
}
