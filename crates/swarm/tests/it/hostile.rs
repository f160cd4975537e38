//! Peers that lie, flood and forge, over real connections: each is seen, none does harm.

use exchange::{BlobId, CHUNK_BYTES, Manifest};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use swarm::{
    AskError, BindingError, NodeKey, Protocol, QueryReply, REQUEST_BYTES, Request, SignedAnnouncement, Status, Stream,
    Want,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use types::{Announcement, Hash32, Round, SignPayload, Signer as _};

use crate::members::{GENESIS, Member, binding, membership, node};
use crate::world::{Over, PATIENCE, options};

/// What a liar does with requests.
#[derive(Clone, Copy)]
enum Lie {
    Chunks,
    Manifest,
    Nonsense,
}

/// A registered liar that claims to have `blob`.
struct Liar {
    node: swarm::Node,
    _stop: DropGuard,
}

impl Liar {
    /// Answers questions with `bound`, and requests with lies.
    async fn start(towards: &Member, seed: u8, blob: Vec<u8>, lie: Lie) -> Self {
        let stop = CancellationToken::new();
        let options = options(Over::Tcp, vec![towards.address().await]);
        let bound = binding(seed, &options.key, GENESIS).await;
        let (node, mut parts) = node(options, &stop);
        let mut streams = node.accept(Protocol::Chunks).await;
        let until = stop.clone();
        TaskTracker::new().spawn(until.run_until_cancelled_owned(async move {
            while let Some(asked) = parts.queries.recv().await {
                let _ = asked.reply.send(QueryReply::Binding(Some(bound)));
            }
        }));
        let until = stop.clone();
        TaskTracker::new().spawn(until.run_until_cancelled_owned(async move {
            while let Some(inbound) = streams.recv().await {
                TaskTracker::new().spawn(answer(inbound.stream, blob.clone(), lie));
            }
        }));
        Self { node, _stop: stop.drop_guard() }
    }
}

async fn answer(mut stream: Stream, blob: Vec<u8>, lie: Lie) {
    let mut bytes = [0; REQUEST_BYTES];
    while stream.read_exact(&mut bytes).await.is_ok() {
        let request = Request::from_bytes(&bytes).unwrap();
        let said = match (request.want, lie) {
            (_, Lie::Nonsense) => vec![0x77; 100],
            (Want::Manifest, Lie::Manifest) => {
                let other: Vec<u8> = blob.iter().map(|byte| byte ^ 1).collect();
                [&[0], Manifest::of(&other).unwrap().to_bytes().as_slice()].concat()
            }
            (Want::Manifest, Lie::Chunks) => [&[0], Manifest::of(&blob).unwrap().to_bytes().as_slice()].concat(),
            (Want::Chunks { first, .. }, _) => {
                let mut chunk = blob.chunks(CHUNK_BYTES).nth(first as usize).unwrap().to_vec();
                chunk[CHUNK_BYTES / 2] ^= 1;
                [&[0], chunk.as_slice()].concat()
            }
            _ => vec![0],
        };
        if stream.write_all(&said).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// A liar and an honest holder of the same blob; the reader must end with the blob, and without the liar.
async fn fetched_despite(lie: Lie) -> swarm::SwarmCounters {
    let chain = membership(&[1, 2, 3]);
    let reader = Member::start(Over::Tcp, 1, Vec::new(), chain.clone(), false).await;
    let honest = Member::start(Over::Tcp, 2, vec![reader.address().await], chain, false).await;
    let (id, blob) = honest.publish(8 * CHUNK_BYTES);
    let liar = Liar::start(&reader, 3, blob.clone(), lie).await;
    reader.knows(&[2, 3]).await;
    honest.knows(&[1]).await;
    let sources = reader.swarm.sources(&id, None);
    assert_eq!(sources.len(), 2);
    // Whoever is first gives the fetch its manifest: here both are asked.
    if let Lie::Manifest = lie {
        for source in sources {
            let manifest = source.manifest(&id).await;
            assert!(manifest.is_err() || manifest.is_ok_and(|manifest| manifest.unwrap().id() == id));
        }
    }
    assert!(reader.fetch(id).await.unwrap() == blob);
    let gone = || reader.swarm.status().peers.iter().all(|peer| peer.seen.peer != liar.node.peer_id());
    reader.until("the liar is sent away", gone).await;
    assert_eq!(reader.swarm.status().peers.len(), 1, "the honest one stays");
    reader.swarm.counters()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_is_banned_at_its_first_bad_chunk_and_the_fetch_ends_well() {
    let counted = fetched_despite(Lie::Chunks).await;
    assert!(counted.bad_chunks >= 1 && counted.bans >= 1, "{counted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_manifest_bans_its_source_and_the_fetch_ends_well() {
    let counted = fetched_despite(Lie::Manifest).await;
    assert!(counted.wrong_manifests >= 1 && counted.bans >= 1, "{counted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_speaks_nonsense_is_banned_and_the_fetch_ends_well() {
    let counted = fetched_despite(Lie::Nonsense).await;
    assert!(counted.bans >= 1, "{counted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_streams_gets_four() {
    let chain = membership(&[1, 2]);
    let victim = Member::start(Over::Tcp, 1, Vec::new(), chain.clone(), false).await;
    let flooder = Member::start(Over::Tcp, 2, vec![victim.address().await], chain, false).await;
    flooder.knows(&[1]).await;
    victim.knows(&[2]).await;
    let id = BlobId { root: Hash32::default(), bytes: 0 };
    let mut streams = Vec::new();
    for _ in 0..20 {
        let peer = victim.swarm.node().peer_id();
        let mut stream = flooder.swarm.node().open(peer, Protocol::Chunks).await.unwrap();
        // A stream that was cut may refuse the bytes.
        let _ = stream.write_all(&Request { want: Want::Echo, id }.to_bytes()).await;
        let _ = stream.flush().await;
        streams.push(stream);
    }
    let mut said = Vec::new();
    for stream in &mut streams {
        let mut byte = [0xff];
        let _ = tokio::time::timeout(PATIENCE, stream.read_exact(&mut byte)).await.unwrap();
        said.push(byte[0]);
    }
    let served = said.iter().filter(|byte| **byte == Status::Here as u8).count();
    assert_eq!(served, 4, "{said:?}");
    victim.until("all are counted", || victim.swarm.counters().streams_over_limit == 16).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_binding_and_one_of_another_chain_prove_nothing() {
    let chain = membership(&[1, 2]);
    let member = Member::start(Over::Tcp, 1, Vec::new(), chain, false).await;
    let real = NodeKey::ephemeral();
    let stolen = binding(2, &real, GENESIS).await;
    for elsewhere in [false, true] {
        let stop = CancellationToken::new();
        let options = options(Over::Tcp, vec![member.address().await]);
        let shown = if elsewhere { binding(2, &options.key, Hash32([0xbb; 32])).await } else { stolen };
        let (impostor, mut parts) = node(options, &stop);
        let until = stop.clone();
        TaskTracker::new().spawn(until.run_until_cancelled_owned(async move {
            while let Some(asked) = parts.queries.recv().await {
                let _ = asked.reply.send(QueryReply::Binding(Some(shown)));
            }
        }));
        let peer = impostor.peer_id();
        member.until("connected", || member.swarm.status().peers.iter().any(|seen| seen.seen.peer == peer)).await;
        let why = if elsewhere { BindingError::OtherChain } else { BindingError::OtherPeer(real.peer_id()) };
        assert_eq!(member.swarm.binding_of(peer).await, Err(AskError::Binding(why)));
        assert_eq!(member.swarm.who(stolen.binding.hotkey), None);
        assert!(member.swarm.status().peers.iter().all(|peer| peer.uid.is_none()));
        stop.cancel();
    }
}

async fn announcement(from: &Member, change: impl FnOnce(&mut Announcement)) -> SignedAnnouncement {
    let mut announcement = Announcement {
        genesis: GENESIS,
        netuid: 0,
        round: Round(5),
        hotkey: from.signer.hotkey(),
        root: Hash32([1; 32]),
        bytes: 1000,
        codec: swarm::CODEC_SUBMISSION,
        sent_ms: 1,
    };
    change(&mut announcement);
    let signature = from.signer.sign(&SignPayload::Announcement(announcement)).await.unwrap();
    SignedAnnouncement { announcement, signature }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_true_announcement_is_heard_and_forged_and_replayed_ones_are_not() {
    let chain = membership(&[1, 2]);
    let listener = Member::start(Over::Tcp, 1, Vec::new(), chain.clone(), false).await;
    let speaker = Member::start(Over::Tcp, 2, vec![listener.address().await], chain, false).await;
    let mut heard = listener.swarm.announcements();
    speaker.knows(&[1]).await;
    let replayed = announcement(&speaker, |a| a.round = Round(4)).await;
    let elsewhere = announcement(&speaker, |a| a.genesis = Hash32([0xbb; 32])).await;
    let honest = announcement(&speaker, |_| ()).await;
    // Again and again until it got there: a topic has no listeners before both sides have said so.
    let counted = || listener.swarm.counters();
    let say = async |signed: &SignedAnnouncement, got: &dyn Fn() -> bool| {
        let saying = async {
            while !got() {
                speaker.swarm.node().publish(signed.to_bytes()).await;
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, saying).await.expect("not heard");
    };
    say(&replayed, &|| counted().announcements_ignored == 1).await;
    say(&honest, &|| counted().announcements_accepted == 1).await;
    // Another root under the signature of another chain's announcement: no second root, but a lie of its forwarder.
    let forged = SignedAnnouncement {
        signature: elsewhere.signature,
        ..announcement(&speaker, |a| a.root = Hash32([2; 32])).await
    };
    say(&forged, &|| counted().announcements_rejected == 1).await;
    assert!(listener.swarm.equivocations().is_empty());
    assert_eq!(heard.try_recv().unwrap(), honest);
    assert!(heard.try_recv().is_err(), "and nothing else");
}
