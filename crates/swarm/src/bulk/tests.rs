//! The protocol: golden requests, a link against honest and hostile ends on real sockets, and no length from the wire.

use std::sync::Arc;
use std::time::Duration;

use exchange::{CHUNK_BYTES, Have, Manifest};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use proptest::prelude::*;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

use super::*;
use crate::pace::Tap;

fn id() -> BlobId {
    BlobId { root: Hash32([0xab; 32]), bytes: 3 * CHUNK_BYTES as u64 + 5 }
}

#[test]
fn golden_requests() {
    let golden = |want, what: &str, rest: &str| {
        let request = Request { want, id: id() };
        let hex = format!("{what}{}0500300000000000{rest}", "ab".repeat(32));
        assert_eq!(hex::encode(request.to_bytes()), hex);
        let bytes = hex::decode(hex).unwrap().try_into().unwrap();
        assert_eq!(Request::from_bytes(&bytes), Ok(request));
    };
    golden(Want::Manifest, "00", "0000000000");
    golden(Want::Chunks { first: 2, count: 2 }, "01", "0200000002");
    golden(Want::Have, "02", "0000000000");
    golden(Want::Echo, "03", "0000000000");
}

#[test]
fn golden_statuses() {
    let words = ["Here", "NotHere", "Some", "Busy", "Stranger", "NoVolume", "Relayed"];
    for (byte, word) in words.iter().enumerate() {
        assert_eq!(format!("{:?}", Status::from_byte(byte as u8).unwrap()), *word);
    }
    assert!((7..=255).all(|byte| Status::from_byte(byte).is_none()));
}

#[test]
fn what_cannot_be_answered_is_no_request() {
    let read = |change: fn(&mut [u8; REQUEST_BYTES])| {
        let mut bytes = Request { want: Want::Chunks { first: 0, count: 1 }, id: id() }.to_bytes();
        change(&mut bytes);
        Request::from_bytes(&bytes)
    };
    assert!(read(|_| ()).is_ok());
    assert_eq!(read(|b| b[0] = 4), Err(NotARequest), "another word");
    assert_eq!(read(|b| b[45] = 0), Err(NotARequest), "no chunks");
    assert_eq!(read(|b| b[45] = 5), Err(NotARequest), "past the end");
    assert_eq!(read(|b| b[41..45].fill(0xff)), Err(NotARequest), "far past the end");
    assert_eq!(read(|b| b[40] = 1), Err(NotARequest), "longer than any blob");
    assert_eq!(read(|b| b[0] = 0), Err(NotARequest), "a manifest has no chunks");
    let mut long = Request { want: Want::Have, id: BlobId { bytes: 64 << 20, ..id() } };
    long.want = Want::Chunks { first: 0, count: 17 };
    assert_eq!(Request::from_bytes(&long.to_bytes()), Err(NotARequest), "too many");
}

proptest! {
    #[test]
    fn any_bytes_are_a_request_with_one_form_or_none(
        what in 0u8..5, root: [u8; 32], bytes in 0u64..1 << 40, first in 0u32..1 << 20, count in 0u8..20,
    ) {
        let mut wire = [0; REQUEST_BYTES];
        wire[0] = what;
        wire[1..33].copy_from_slice(&root);
        wire[33..41].copy_from_slice(&bytes.to_le_bytes());
        wire[41..45].copy_from_slice(&first.to_le_bytes());
        wire[45] = count;
        if let Ok(request) = Request::from_bytes(&wire) {
            prop_assert_eq!(request.to_bytes(), wire);
        }
    }
}

async fn sockets() -> (Compat<TcpStream>, Compat<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (ours.unwrap().compat(), theirs.unwrap().0.compat())
}

/// A link to the returned end, with little patience: 200 ms and then 1 MB/s.
async fn link() -> (Link, Compat<TcpStream>, JoinSet<Result<(), BulkError>>) {
    let (ours, theirs) = sockets().await;
    let times = LinkTimes { grace: Duration::from_millis(200), floor: 1_000_000 };
    let (link, run) = Link::new(ours, times, Arc::new(Tap::new(None)));
    let mut tasks = JoinSet::new();
    tasks.spawn(run);
    (link, theirs, tasks)
}

async fn request(stream: &mut Compat<TcpStream>) -> Request {
    let mut bytes = [0; REQUEST_BYTES];
    stream.read_exact(&mut bytes).await.unwrap();
    Request::from_bytes(&bytes).unwrap()
}

fn chunk(first: u32) -> Request {
    Request { want: Want::Chunks { first, count: 1 }, id: id() }
}

#[tokio::test]
async fn four_requests_are_under_way_before_the_first_answer() {
    let (link, mut peer, _tasks) = link().await;
    let asked = (0..4).map(|first| link.ask(chunk(first)));
    let answers = async {
        let mut all = Vec::new();
        for _ in 0..4 {
            all.push(request(&mut peer).await);
        }
        for request in all {
            let Want::Chunks { first, .. } = request.want else { panic!("{request:?}") };
            peer.write_all(&[0]).await.unwrap();
            peer.write_all(&vec![first as u8; request.id.chunk_bytes(first)]).await.unwrap();
        }
    };
    let (got, ()) = tokio::join!(futures::future::join_all(asked), answers);
    for (first, answer) in got.into_iter().enumerate() {
        let Ok(Answer::Chunk(bytes)) = answer else { panic!("{answer:?}") };
        assert_eq!(bytes, vec![first as u8; id().chunk_bytes(first as u32)]);
    }
}

#[tokio::test]
async fn every_answer_is_read_as_what_it_is_and_the_stream_goes_on() {
    let (link, mut peer, mut tasks) = link().await;
    let blob = vec![7; CHUNK_BYTES + 1];
    let (blob_id, manifest) = (BlobId::of(&blob), Manifest::of(&blob).unwrap());
    let answers = async {
        for bytes in
            [vec![0], [vec![0], manifest.to_bytes()].concat(), vec![2, 0b01], vec![0], vec![1], vec![3], vec![5]]
        {
            request(&mut peer).await;
            peer.write_all(&bytes).await.unwrap();
        }
    };
    let ask = |want| link.ask(Request { want, id: blob_id });
    let asking = async {
        assert_eq!(ask(Want::Echo).await, Ok(Answer::Echo));
        assert_eq!(ask(Want::Manifest).await, Ok(Answer::Manifest(manifest.clone())));
        assert_eq!(ask(Want::Have).await, Ok(Answer::Have(Have::Some(vec![1]))));
        assert_eq!(ask(Want::Have).await, Ok(Answer::Have(Have::All)));
        assert_eq!(ask(Want::Chunks { first: 0, count: 1 }).await, Ok(Answer::NotHere));
        assert!(matches!(ask(Want::Manifest).await, Ok(Answer::Refused(_))));
        assert!(matches!(ask(Want::Manifest).await, Ok(Answer::Refused(_))));
    };
    tokio::join!(answers, asking);
    drop(link);
    assert_eq!(tasks.join_next().await.unwrap().unwrap(), Ok(()), "it ends with its callers");
}

/// Asks for chunk 0 while the peer says `bytes` and then keeps still.
async fn answered_by(bytes: &[u8], then_close: bool) -> (Result<Answer, BulkError>, Result<Answer, BulkError>) {
    let (link, mut peer, mut tasks) = link().await;
    let answers = async {
        request(&mut peer).await;
        // The other end may be gone before all is said.
        let _ = peer.write_all(bytes).await;
        if then_close {
            let _ = peer.close().await;
        }
    };
    let (first, second, ()) = tokio::join!(link.ask(chunk(0)), link.ask(chunk(1)), answers);
    assert!(tasks.join_next().await.unwrap().unwrap().is_err(), "the stream ends");
    assert!(link.is_closed());
    (first, second)
}

#[tokio::test]
async fn a_wrong_answer_ends_the_stream_for_all_who_wait() {
    let (first, second) = answered_by(&[99], false).await;
    assert_eq!(first, Err(BulkError::Status(99)));
    assert_eq!(second, Err(BulkError::Closed));
    let (first, _) = answered_by(&[2], false).await;
    assert_eq!(first, Err(BulkError::Status(2)), "a chunk is there or not");
    let (first, _) = answered_by(&[4], true).await;
    assert!(matches!(first, Err(BulkError::Refused(_))));
    let (first, _) = answered_by(&[0, 1, 2, 3], true).await;
    assert_eq!(first, Err(BulkError::Closed));
}

#[tokio::test]
async fn silence_and_a_slow_drip_are_cut_off() {
    let (first, _) = answered_by(&[], false).await;
    assert_eq!(first, Err(BulkError::TooSlow { got: 0, of: 1 }));

    let (link, mut peer, mut tasks) = link().await;
    let drip = async {
        request(&mut peer).await;
        peer.write_all(&[0]).await.unwrap();
        // A byte at a time, for as long as somebody listens: always something, never enough.
        while peer.write_all(&[1]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let asking = async {
        let answer = link.ask(chunk(0)).await;
        assert!(matches!(answer, Err(BulkError::TooSlow { got: 1.., of: CHUNK_BYTES })), "{answer:?}");
        assert!(tasks.join_next().await.unwrap().unwrap().is_err());
    };
    tokio::select! {
        () = drip => {}
        () = asking => {}
    }
}

#[tokio::test]
async fn an_endless_body_is_read_no_further_than_the_answer() {
    let (link, mut peer, _tasks) = link().await;
    let endless = async {
        request(&mut peer).await;
        let body = vec![0; 1 << 16];
        while peer.write_all(&body).await.is_ok() {}
    };
    let asking = async {
        let Ok(Answer::Chunk(bytes)) = link.ask(chunk(0)).await else { panic!("the first chunk's worth is taken") };
        assert_eq!(bytes.len(), CHUNK_BYTES);
        // What follows is taken for the next answers; nobody holds more of it than they may have.
        for first in [1, 2, 3] {
            if let Ok(Answer::Chunk(bytes)) = link.ask(chunk(first)).await {
                assert_eq!(bytes.len(), id().chunk_bytes(first));
            }
        }
    };
    tokio::select! {
        () = endless => {}
        () = asking => {}
    }
}

#[tokio::test]
async fn a_wrong_manifest_is_refused_before_anybody_sees_it() {
    let (blob, other) = (vec![1; 2 * CHUNK_BYTES], vec![2; 2 * CHUNK_BYTES]);
    let mut damaged = Manifest::of(&blob).unwrap().to_bytes();
    *damaged.last_mut().unwrap() ^= 1;
    for bytes in [damaged, Manifest::of(&other).unwrap().to_bytes(), vec![0xff; 112]] {
        let (link, mut peer, _tasks) = link().await;
        let answers = async {
            request(&mut peer).await;
            peer.write_all(&[&[0], bytes.as_slice()].concat()).await.unwrap();
        };
        let asked = link.ask(Request { want: Want::Manifest, id: BlobId::of(&blob) });
        let (answer, ()) = tokio::join!(asked, answers);
        assert!(matches!(answer, Err(BulkError::WrongManifest(_))), "{answer:?}");
    }
}
