//! The server on real sockets: what goes out, to whom it does not, and what makes it hang up.

use exchange::CHUNK_BYTES;
use libp2p::PeerId;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

use super::*;
use crate::limits::{STREAMS_PER_PEER, STREAMS_SERVED};

/// One blob, of which chunk 1 may be missing.
struct OneBlob {
    bytes: Vec<u8>,
    lacks: Option<u32>,
    own: bool,
}

#[async_trait::async_trait]
impl Shelf for OneBlob {
    async fn have(&self, id: &BlobId) -> Have {
        match self.lacks {
            _ if *id != BlobId::of(&self.bytes) => Have::Nothing,
            None => Have::All,
            Some(lacks) => {
                let all = (0..id.chunk_count() as u32).filter(|i| *i != lacks);
                Have::Some(vec![all.map(|i| 1 << i).sum()])
            }
        }
    }

    async fn manifest(&self, id: &BlobId) -> Option<Manifest> {
        (*id == BlobId::of(&self.bytes)).then(|| Manifest::of(&self.bytes).unwrap())
    }

    async fn chunk(&self, id: &BlobId, index: u32) -> Option<Vec<u8>> {
        let there = *id == BlobId::of(&self.bytes) && self.lacks != Some(index);
        there.then(|| self.bytes.chunks(CHUNK_BYTES).nth(index as usize).unwrap().to_vec())
    }

    fn is_own(&self, _id: &BlobId) -> bool {
        self.own
    }
}

const WAY: Way = Way { relayed: false, paced: true };

fn blob() -> Vec<u8> {
    (0..2 * CHUNK_BYTES + 100).map(|i| (i / 1000) as u8).collect()
}

fn server(change: impl FnOnce(&mut OneBlob)) -> Arc<Server> {
    let mut shelf = OneBlob { bytes: blob(), lacks: None, own: false };
    change(&mut shelf);
    Arc::new(Server::new(Arc::new(shelf), Arc::new(Tap::new(None)), Arc::default()))
}

struct Client {
    stream: Compat<TcpStream>,
    served: JoinSet<Ended>,
}

impl Client {
    async fn of(server: &Arc<Server>, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (server, theirs) = (Arc::clone(server), theirs.unwrap().0.compat());
        let slot = Slots::default().take(PeerId::random()).unwrap();
        let mut served = JoinSet::new();
        served.spawn(async move { server.serve(theirs, &slot, &|| way).await });
        Self { stream: ours.unwrap().compat(), served }
    }

    async fn say(&mut self, want: Want, id: BlobId) {
        self.stream.write_all(&Request { want, id }.to_bytes()).await.unwrap();
    }

    async fn hear(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    async fn ended(&mut self) -> Ended {
        self.served.join_next().await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_with_exactly_their_bytes() {
    let (server, blob) = (server(|_| ()), blob());
    let id = BlobId::of(&blob);
    let mut client = Client::of(&server, WAY).await;
    for want in [Want::Manifest, Want::Chunks { first: 0, count: 3 }, Want::Have, Want::Echo] {
        client.say(want, id).await;
    }
    client.say(Want::Have, BlobId { bytes: id.bytes - 1, ..id }).await;
    let manifest = Manifest::of(&blob).unwrap().to_bytes();
    assert_eq!(client.hear(1 + manifest.len()).await, [&[0], manifest.as_slice()].concat());
    for chunk in blob.chunks(CHUNK_BYTES) {
        assert_eq!(client.hear(1 + chunk.len()).await, [&[0], chunk].concat());
    }
    assert_eq!(client.hear(3).await, [0, 0, 1], "all of it, an echo, no blob of another length");
    client.stream.close().await.unwrap();
    assert_eq!(client.ended().await, Ended::Closed);
    let counted = server.counters.snapshot();
    assert_eq!((counted.chunks_served, counted.bytes_served), (3, id.bytes + manifest.len() as u64));
}

#[tokio::test]
async fn a_peer_that_fetches_itself_serves_what_it_has() {
    let server = server(|shelf| shelf.lacks = Some(1));
    let mut client = Client::of(&server, WAY).await;
    let id = BlobId::of(&blob());
    client.say(Want::Have, id).await;
    assert_eq!(client.hear(2).await, [2, 0b101]);
    client.say(Want::Chunks { first: 1, count: 2 }, id).await;
    assert_eq!(client.hear(1).await, [1]);
    assert_eq!(client.hear(101).await[0], 0);
}

#[tokio::test]
async fn nonsense_idling_and_hanging_up_end_a_stream() {
    let mut client = Client::of(&server(|_| ()), WAY).await;
    client.stream.write_all(&[0xff; REQUEST_BYTES]).await.unwrap();
    assert_eq!(client.ended().await, Ended::BadRequest);

    let impatient = Server::new(
        Arc::new(OneBlob { bytes: blob(), lacks: None, own: false }),
        Arc::new(Tap::new(None)),
        Arc::default(),
    );
    let mut client = Client::of(&Arc::new(impatient.idle_after(Duration::from_millis(50))), WAY).await;
    client.stream.write_all(&[0; 10]).await.unwrap();
    assert_eq!(client.ended().await, Ended::Idle, "half a request is none");

    let Client { stream, mut served } = Client::of(&server(|_| ()), WAY).await;
    drop(stream);
    assert_eq!(served.join_next().await.unwrap().unwrap(), Ended::Closed);
}

#[tokio::test]
async fn a_used_up_volume_leaves_the_own_payload_and_the_own_house() {
    let id = BlobId::of(&blob());
    let want = Want::Chunks { first: 0, count: 1 };
    let first_byte = async |server: &Arc<Server>, way| {
        let mut client = Client::of(server, way).await;
        client.say(want, id).await;
        client.hear(1).await[0]
    };
    let others = server(|_| ());
    others.volume.set(Some(id.chunk_bytes(0) as u64));
    assert_eq!(first_byte(&others, WAY).await, 0);
    others.volume.set(Some(0));
    assert_eq!(first_byte(&others, WAY).await, Status::NoVolume as u8);
    assert_eq!(first_byte(&others, Way { paced: false, ..WAY }).await, 0);
    others.volume.set(None);
    assert_eq!(first_byte(&others, WAY).await, 0);
    let own = server(|shelf| shelf.own = true);
    own.volume.set(Some(0));
    assert_eq!(first_byte(&own, WAY).await, 0);
}

#[tokio::test]
async fn only_small_things_go_through_a_relay() {
    let relayed = Way { relayed: true, ..WAY };
    let mut client = Client::of(&server(|_| ()), relayed).await;
    let id = BlobId::of(&blob());
    client.say(Want::Chunks { first: 0, count: 1 }, id).await;
    client.say(Want::Manifest, id).await;
    client.say(Want::Have, id).await;
    assert_eq!(client.hear(3).await, [6, 6, 0]);
    let mut client = Client::of(&server(|shelf| shelf.bytes.truncate(1000)), relayed).await;
    client.say(Want::Chunks { first: 0, count: 1 }, BlobId::of(&blob()[..1000])).await;
    assert_eq!(client.hear(1001).await[0], 0);
}

#[tokio::test]
async fn a_line_too_slow_for_all_serves_one_and_says_so_to_the_others() {
    let shelf = Arc::new(OneBlob { bytes: blob(), lacks: None, own: false });
    let server = Arc::new(Server::new(shelf, Arc::new(Tap::new(Some(20_000))), Arc::default()));
    let id = BlobId::of(&blob());
    let mut first = Client::of(&server, WAY).await;
    first.say(Want::Chunks { first: 0, count: 1 }, id).await;
    assert_eq!(first.hear(2).await[0], 0);
    let mut second = Client::of(&server, WAY).await;
    second.say(Want::Chunks { first: 0, count: 1 }, id).await;
    assert_eq!(second.hear(1).await, [Status::Busy as u8]);
    // The first one leaves: its promise ends with it.
    drop(first);
    while server.promised.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
    second.say(Want::Chunks { first: 0, count: 1 }, id).await;
    assert_eq!(second.hear(2).await[0], 0);
}

#[test]
fn slots_are_bounded_for_all_and_for_one_and_come_back() {
    let slots = Slots::default();
    let greedy = PeerId::random();
    let mut held: Vec<Slot> = (0..STREAMS_PER_PEER).map(|_| slots.take(greedy).unwrap()).collect();
    assert!(slots.take(greedy).is_none());
    held.extend((STREAMS_PER_PEER..STREAMS_SERVED).map(|_| slots.take(PeerId::random()).unwrap()));
    assert!(slots.take(PeerId::random()).is_none());
    held.pop();
    assert!(slots.take(PeerId::random()).is_some());
    held.clear();
    assert!(slots.peers().is_empty());
}

#[tokio::test]
async fn a_stranger_gets_echoes_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let (server, mut ours) = (server(|_| {}), ours.unwrap().compat());
    let mut door = JoinSet::new();
    let theirs = theirs.unwrap().0.compat();
    door.spawn(async move { server.echo(theirs).await });
    let id = BlobId::of(&blob());
    for want in [Want::Echo, Want::Echo, Want::Chunks { first: 0, count: 1 }] {
        ours.write_all(&Request { want, id }.to_bytes()).await.unwrap();
    }
    let mut said = Vec::new();
    ours.read_to_end(&mut said).await.unwrap();
    assert_eq!(said, [Status::Here, Status::Here, Status::Stranger].map(|status| status as u8));
}
