//! Servers that only say they are S3: elsewhere, endless, slow. Each answer is cut where an honest one ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bucket::{BucketError, BucketPlace, OwnBucket, PublicBucket, ReadKey};
use exchange::{BlobId, CHUNK_BYTES, ChunkSource, FetchError, FetchLimits, Fetcher, SourceError, SourceFailure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::server::{SECRET, blob, shelf, write_key};

const LENGTH: usize = 2 * CHUNK_BYTES;

/// A server that answers every request with these bytes, and then with these again and again, with rests between.
struct Liar {
    address: SocketAddr,
    /// Bytes it got rid of, and connections it had.
    sent: Arc<AtomicU64>,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Liar {
    async fn start(head: String, then: Option<Vec<u8>>, rest: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sent, connections) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, opened) = (Arc::clone(&sent), Arc::clone(&connections));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::SeqCst);
                open.spawn(lie(stream, head.clone(), then.clone(), rest, Arc::clone(&count)));
            }
        });
        Self { address, sent, connections, _tasks: tasks }
    }

    fn place(&self) -> BucketPlace {
        BucketPlace::at(&format!("http://{}", self.address), "runs", "auto", true).unwrap()
    }

    fn public(&self) -> PublicBucket {
        PublicBucket::new(self.place(), &ReadKey::new("READ", SECRET).unwrap()).unwrap()
    }
}

async fn lie(mut stream: TcpStream, head: String, then: Option<Vec<u8>>, rest: Duration, count: Arc<AtomicU64>) {
    let mut request = [0; 4096];
    if !stream.read(&mut request).await.is_ok_and(|n| n > 0) || stream.write_all(head.as_bytes()).await.is_err() {
        return;
    }
    let Some(then) = then else {
        let _ = stream.shutdown().await;
        return;
    };
    while stream.write_all(&then).await.is_ok() {
        count.fetch_add(then.len() as u64, Ordering::SeqCst);
        tokio::time::sleep(rest).await;
    }
}

fn partial(body: &str) -> String {
    let last = CHUNK_BYTES - 1;
    format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-{last}/{LENGTH}\r\nETag: \"x\"\r\n\
         Last-Modified: Wed, 25 Nov 2026 07:00:00 GMT\r\n{body}\r\n\r\n"
    )
}

fn id() -> BlobId {
    BlobId::of(&blob(LENGTH))
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Liar::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(), None, Duration::ZERO).await;
    let target = format!("http://{}/runs/x", elsewhere.address);
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let head = format!("HTTP/1.1 {status}\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
        let liar = Liar::start(head, None, Duration::ZERO).await;
        let refused = liar.public().verify_read_only().await.unwrap_err();
        assert!(matches!(refused, BucketError::Redirected(300..400)), "{refused:?}");
        let notes = tempfile::tempdir().unwrap();
        let own = OwnBucket::open(liar.place(), &write_key(), notes.path().to_owned(), None).unwrap();
        assert!(matches!(own.check().await, Err(BucketError::Redirected(_))));
        assert!(matches!(liar.public().source(shelf(1)).chunk(&id(), 0).await, Err(SourceError::Unavailable(_))));
    }
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_endless_chunk_is_cut_at_its_length() {
    let piece = [b"10000\r\n".as_slice(), &[7; 0x10000], b"\r\n"].concat();
    let liar = Liar::start(partial("Transfer-Encoding: chunked"), Some(piece), Duration::ZERO).await;
    let error = liar.public().source(shelf(1)).chunk(&id(), 0).await.unwrap_err();
    assert!(matches!(error, SourceError::TooLong(CHUNK_BYTES)), "{error:?}");
    // What it got rid of beyond the chunk lay in the sockets.
    assert!(liar.sent.load(Ordering::SeqCst) < 16 << 20);
}

#[tokio::test]
async fn an_endless_refusal_is_still_a_refusal() {
    let head = "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    let piece = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
    let liar = Liar::start(head, Some(piece), Duration::ZERO).await;
    let notes = tempfile::tempdir().unwrap();
    let own = OwnBucket::open(liar.place(), &write_key(), notes.path().to_owned(), None).unwrap();
    let error = own.check().await.unwrap_err();
    assert!(matches!(error, BucketError::NotPermitted { status: 403, .. }), "{error:?}");
}

#[tokio::test]
async fn a_whole_object_in_place_of_a_range_is_not_read() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\nETag: \"x\"\r\n\r\n".to_owned();
    let liar = Liar::start(head, Some(vec![7; 1 << 16]), Duration::ZERO).await;
    let error = liar.public().source(shelf(1)).chunk(&id(), 0).await.unwrap_err();
    assert!(matches!(error, SourceError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_range_of_something_else_and_a_cut_one_are_refused() {
    let other = partial(&format!("Content-Length: {CHUNK_BYTES}")).replace("bytes 0-", "bytes 1-");
    let cut = partial("Content-Length: 5") + "abcde";
    for head in
        [other, cut, "HTTP/1.1 206 Partial Content\r\nContent-Length: 0\r\n\r\n".to_owned(), "SSH-2.0\r\n".to_owned()]
    {
        let liar = Liar::start(head.clone(), None, Duration::ZERO).await;
        let error = liar.public().source(shelf(1)).chunk(&id(), 0).await.unwrap_err();
        assert!(matches!(error, SourceError::Unavailable(_)), "{head}: {error:?}");
    }
}

#[tokio::test]
async fn a_slow_drip_holds_a_fetch_up_no_longer_than_its_limit() {
    let head = partial(&format!("Content-Length: {CHUNK_BYTES}"));
    let liar = Liar::start(head, Some(vec![7]), Duration::from_millis(20)).await;
    let mut limits = FetchLimits::up_to(1 << 30);
    limits.chunk_timeout = Duration::from_millis(300);
    limits.rest_after_failure = Duration::ZERO;
    let one = BlobId::of(&blob(CHUNK_BYTES));
    let sources: Vec<Arc<dyn ChunkSource>> = vec![Arc::new(liar.public().source(shelf(1)))];
    let deadline = Instant::now() + Duration::from_secs(60);
    let error = Fetcher::new(sources, limits).fetch(one, deadline, &CancellationToken::new()).await.unwrap_err();
    let FetchError::Unavailable { sources, .. } = error else { panic!("{error:?}") };
    assert!(matches!(sources[0].failure, Some(SourceFailure::TimedOut)), "{sources:?}");
}
