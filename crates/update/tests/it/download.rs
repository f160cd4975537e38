//! A file is fetched chunk by chunk: what was fetched once is not fetched again, and nothing wrong is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::server::{Reply, Server};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use update::fetch::{Blob, Fetch, FetchError, From, Line};
use update::place::Source;

const CHUNK: u64 = 64 << 10;

/// Bytes that repeat nowhere.
fn bytes(count: usize) -> Arc<Vec<u8>> {
    let mut out = vec![0; count];
    blake3::Hasher::new().finalize_xof().fill(&mut out);
    Arc::new(out)
}

struct Case {
    dir: TempDir,
    file: Arc<Vec<u8>>,
    blob: Blob,
    traffic: AtomicU64,
    stop: CancellationToken,
}

impl Case {
    /// A blob in the middle of a file.
    fn new() -> Self {
        let file = bytes(1_000_000);
        let (at, count) = (123_457, 777_777);
        let chunks = Blob::chunks_of(&file[at..at + count], CHUNK);
        let blob = Blob { at: at as u64, bytes: count as u64, whole: file.len() as u64, chunk_bytes: CHUNK, chunks };
        let dir = tempfile::tempdir().unwrap();
        Self { dir, file, blob, traffic: AtomicU64::new(0), stop: CancellationToken::new() }
    }

    fn part(&self) -> PathBuf {
        self.dir.path().join("deep/file.part")
    }

    async fn fetch(&self, sources: &[From], quota: Option<u64>) -> Result<(), FetchError> {
        let line = Line::with_waits(Duration::from_millis(300), Duration::from_millis(10)).unwrap();
        let fetch = Fetch {
            line: &line,
            sources,
            progress: &|_| {},
            traffic: &|bytes| {
                self.traffic.fetch_add(bytes, Ordering::SeqCst);
            },
            stop: &self.stop,
            quota,
        };
        fetch.complete(&self.blob, &self.part()).await
    }

    fn is_whole(&self) {
        let (at, end) = (123_457, 123_457 + 777_777);
        assert!(std::fs::read(self.part()).unwrap() == self.file[at..end]);
    }

    fn came(&self) -> u64 {
        self.traffic.load(Ordering::SeqCst)
    }
}

fn web(server: &Server, path: &str) -> From {
    From::Web(Source::parse(&server.url(path)).unwrap())
}

#[tokio::test]
async fn only_the_wanted_range_is_fetched_and_once() {
    let case = Case::new();
    let file = Arc::clone(&case.file);
    let server = Server::start(move |_| Reply::File(Arc::clone(&file)));
    case.fetch(&[web(&server, "a")], None).await.unwrap();
    case.is_whole();
    assert_eq!(case.came(), case.blob.bytes);
    // All there: nobody is asked again.
    case.fetch(&[web(&server, "a")], None).await.unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_line_that_is_cut_again_and_again_costs_less_than_a_chunk_each_time() {
    let case = Case::new();
    let file = Arc::clone(&case.file);
    let server = Server::start(move |_| Reply::Cut(Arc::clone(&file), CHUNK + CHUNK / 2));
    case.fetch(&[web(&server, "a")], None).await.unwrap();
    case.is_whole();
    let cuts = server.seen().len() as u64;
    assert!(cuts > 8 && case.came() <= case.blob.bytes + cuts * CHUNK, "{cuts} {}", case.came());
}

#[tokio::test]
async fn a_bad_byte_costs_one_chunk_and_another_source_has_it_right() {
    let case = Case::new();
    let (bad, good) = (Arc::clone(&case.file), Arc::clone(&case.file));
    let server = Server::start(move |asked| match asked.path.as_str() {
        "bad" => Reply::Flipped(Arc::clone(&bad), 500_000),
        _ => Reply::File(Arc::clone(&good)),
    });
    case.fetch(&[web(&server, "bad"), web(&server, "good")], None).await.unwrap();
    case.is_whole();
    let resumed = server.seen()[1].0.range.unwrap().0;
    assert_eq!(resumed, 123_457 + (500_000 - 123_457) / CHUNK * CHUNK);
}

#[tokio::test]
async fn a_source_that_is_always_wrong_is_left_and_nothing_wrong_is_kept() {
    let case = Case::new();
    let bad = Arc::clone(&case.file);
    let server = Server::start(move |_| Reply::Flipped(Arc::clone(&bad), 123_457));
    let error = case.fetch(&[web(&server, "bad")], None).await.unwrap_err();
    assert!(matches!(error, FetchError::Corrupt { chunk: 0 }));
    assert_eq!(std::fs::metadata(case.part()).unwrap().len(), 0);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn wrong_ranges_are_refused_and_a_server_without_ranges_is_the_last_resort() {
    let case = Case::new();
    let (one, two) = (Arc::clone(&case.file), Arc::clone(&case.file));
    let server = Server::start(move |asked| match asked.path.as_str() {
        "shifted" => Reply::Shifted(Arc::clone(&one), 1),
        "whole" => Reply::Whole(Arc::clone(&two)),
        _ => Reply::Status(416),
    });
    let error = case.fetch(&[web(&server, "shifted"), web(&server, "none")], None).await.unwrap_err();
    assert!(matches!(error, FetchError::BadRange), "{error}");
    case.fetch(&[web(&server, "whole"), web(&server, "shifted")], None).await.unwrap();
    case.is_whole();
    // Read over, from the file's first byte; never more than the file.
    assert!(case.came() <= case.blob.whole);
}

#[tokio::test]
async fn silence_refusals_and_other_files_end_in_words() {
    let case = Case::new();
    let server = Server::start(move |asked| match asked.path.as_str() {
        "silent" => Reply::Silence,
        "other" => Reply::File(bytes(5000)),
        _ => Reply::Status(404),
    });
    let error = case.fetch(&[web(&server, "gone")], None).await.unwrap_err();
    assert!(matches!(error, FetchError::Refused(404)));
    assert_eq!(server.seen().len(), 1, "what is gone is not asked for again");
    let error = case.fetch(&[web(&server, "other")], None).await.unwrap_err();
    assert!(matches!(error, FetchError::WrongSize { got: 5000, .. } | FetchError::BadRange), "{error}");
    let error = case.fetch(&[web(&server, "silent")], None).await.unwrap_err();
    assert!(matches!(error, FetchError::Stalled), "{error}");
    let nobody = From::Web(Source::parse("http://127.0.0.1:1/a").unwrap());
    let error = case.fetch(std::slice::from_ref(&nobody), None).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable(_)), "{error}");
    case.stop.cancel();
    assert!(matches!(case.fetch(&[nobody], None).await, Err(FetchError::Stopped)));
}

#[tokio::test]
async fn a_full_disk_stops_with_the_reason_and_goes_on_when_there_is_room() {
    let case = Case::new();
    let file = Arc::clone(&case.file);
    let server = Server::start(move |_| Reply::File(Arc::clone(&file)));
    let error = case.fetch(&[web(&server, "a")], Some(3 * CHUNK)).await.unwrap_err();
    assert!(matches!(error, FetchError::Full));
    assert!(error.to_string().contains("disk is full"));
    assert_eq!(std::fs::metadata(case.part()).unwrap().len(), 3 * CHUNK);
    case.fetch(&[web(&server, "a")], None).await.unwrap();
    case.is_whole();
    assert_eq!(server.seen()[1].0.range.unwrap().0, case.blob.at + 3 * CHUNK);
}

#[tokio::test]
async fn what_a_power_cut_left_is_checked_before_it_is_used() {
    let case = Case::new();
    std::fs::create_dir_all(case.part().parent().unwrap()).unwrap();
    // Two good chunks, then what was never written.
    let mut left = case.file[123_457..123_457 + 2 * CHUNK as usize].to_vec();
    left.resize(5 * CHUNK as usize, 0);
    std::fs::write(case.part(), left).unwrap();
    let file = Arc::clone(&case.file);
    let server = Server::start(move |_| Reply::File(Arc::clone(&file)));
    case.fetch(&[web(&server, "a")], None).await.unwrap();
    case.is_whole();
    assert_eq!(case.came(), case.blob.bytes - 2 * CHUNK);
}

#[tokio::test]
async fn the_same_file_on_a_disk_needs_no_network() {
    let case = Case::new();
    let local = case.dir.path().join("local.whl");
    std::fs::write(&local, &case.file[..]).unwrap();
    case.fetch(&[From::Disk(local.clone())], None).await.unwrap();
    case.is_whole();
    std::fs::write(&local, b"short").unwrap();
    std::fs::remove_file(case.part()).unwrap();
    let error = case.fetch(&[From::Disk(local)], None).await.unwrap_err();
    assert!(matches!(error, FetchError::WrongSize { got: 5, .. }));
}

#[tokio::test]
async fn a_stop_in_the_middle_keeps_whole_chunks() {
    let case = Case::new();
    let (file, gate) = (Arc::clone(&case.file), Arc::new(AtomicU64::new(5 * CHUNK / 2)));
    let opened = Arc::clone(&gate);
    let server = Server::start(move |_| Reply::Gated(Arc::clone(&file), Arc::clone(&gate)));
    let sources = [web(&server, "a")];
    let stopped = async {
        while case.came() < 2 * CHUNK {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        case.stop.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        error = case.fetch(&sources, None) => assert!(matches!(error, Err(FetchError::Stopped | FetchError::Stalled))),
        () = stopped => {}
    }
    let kept = std::fs::metadata(case.part()).unwrap().len();
    assert!(kept > 0 && kept.is_multiple_of(CHUNK), "{kept}");
    opened.store(u64::MAX, Ordering::SeqCst);
    let again = Case { stop: CancellationToken::new(), ..case };
    again.fetch(&sources, None).await.unwrap();
    again.is_whole();
    assert!(again.came() <= again.blob.bytes + CHUNK);
}
