//! A pack comes whole, costs no byte twice, and is told apart from one that is not there yet.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::makers::{TORCH, is_whole, pack_of, wheel};
use crate::server::{Asked, Reply, Server};
use pack::{Getter, Kind, Pack, PackError, Shelf};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use update::fetch::{FetchError, Line};

const CHUNK: u64 = 4 << 20;

struct Case {
    dir: TempDir,
    server: Server,
    pack: Pack,
    shelf: Shelf,
    traffic: AtomicU64,
    stop: CancellationToken,
    /// Cancels itself after so many bytes.
    stop_after: u64,
}

impl Case {
    fn new(reply: impl Fn(&Asked, Arc<Vec<u8>>) -> Reply + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let wheel = wheel(dir.path());
        let bytes = Arc::new(std::fs::read(&wheel).unwrap());
        let server = Server::start(move |asked| reply(asked, Arc::clone(&bytes)));
        let pack = pack_of(&wheel, &[server.url("one"), server.url("two")]);
        let shelf = Shelf::at(dir.path().join("packs"));
        let (traffic, stop) = (AtomicU64::new(0), CancellationToken::new());
        Self { dir, server, pack, shelf, traffic, stop, stop_after: u64::MAX }
    }

    async fn get(&self, local: Option<PathBuf>, quota: Option<u64>) -> Result<(), PackError> {
        let line = Line::with_waits(Duration::from_secs(5), Duration::from_millis(5)).unwrap();
        let getter = Getter {
            line: &line,
            shelf: &self.shelf,
            local: local.as_deref(),
            offline: local.is_some(),
            progress: &|progress| {
                assert!(progress.done <= progress.total);
                self.traffic.store(progress.traffic, Ordering::SeqCst);
                if progress.done >= self.stop_after {
                    self.stop.cancel();
                }
            },
            stop: &self.stop,
            quota,
        };
        getter.get(&self.pack).await
    }

    fn is_there(&self) {
        is_whole(&self.shelf.whole(Kind::Cpu, TORCH).unwrap());
        let left = std::fs::read_dir(self.shelf.folder()).unwrap().count();
        assert_eq!(left, 2, "the pack and the note of what is in use, nothing else");
    }
}

#[tokio::test]
async fn only_wanted_bytes_are_fetched_and_the_peer_is_told_where_they_are() {
    let case = Case::new(|_, file| Reply::File(file));
    assert!(!case.shelf.has_engine(TORCH));
    case.get(None, None).await.unwrap();
    case.is_there();
    assert_eq!(case.server.sent(), case.pack.packed_bytes());
    assert!(case.server.sent() < case.pack.archives[0].bytes * 9 / 10);
    let (name, value) = case.shelf.variables(TORCH, Some(OsString::from("before"))).remove(0);
    let paths: Vec<_> = std::env::split_paths(&value).collect();
    assert!(["LD_LIBRARY_PATH", "PATH", "DYLD_LIBRARY_PATH"].contains(&name));
    assert_eq!(paths, [case.shelf.folder().join("cpu-2.13.0/torch/lib"), PathBuf::from("before")]);
    // There: nobody is asked again.
    let asked = case.server.seen().len();
    case.get(None, None).await.unwrap();
    assert_eq!(case.server.seen().len(), asked);
}

#[tokio::test]
async fn cut_lines_bad_bytes_and_wrong_ranges_cost_one_chunk_each() {
    let faults = 6;
    let case = Case::new(move |asked, file| match asked.number {
        0 | 1 => Reply::Cut(file, CHUNK + CHUNK / 2),
        2 => Reply::Flipped(file, asked.range.unwrap().0 + 5000),
        3 => Reply::Shifted(file, 1),
        4 => Reply::Status(503),
        5 => Reply::Whole(file),
        _ => Reply::File(file),
    });
    case.get(None, None).await.unwrap();
    case.is_there();
    let twice = case.traffic.load(Ordering::SeqCst) - case.pack.packed_bytes();
    assert!(twice <= faults * CHUNK, "{twice} bytes came twice");
}

#[tokio::test]
async fn a_pause_keeps_every_whole_chunk() {
    let mut case = Case::new(|_, file| Reply::File(file));
    case.stop_after = CHUNK;
    assert!(matches!(case.get(None, None).await, Err(PackError::Fetch(FetchError::Stopped))));
    assert!(!case.shelf.has_engine(TORCH));
    (case.stop, case.stop_after) = (CancellationToken::new(), u64::MAX);
    let first = case.traffic.load(Ordering::SeqCst);
    case.get(None, None).await.unwrap();
    case.is_there();
    let all = first + case.traffic.load(Ordering::SeqCst);
    assert!(all <= case.pack.packed_bytes() + CHUNK, "{all}");
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_is_lost() {
    let case = Case::new(|_, file| Reply::File(file));
    let error = case.get(None, Some(CHUNK)).await.unwrap_err();
    assert!(matches!(error, PackError::Fetch(FetchError::Full)), "{error}");
    assert!(error.to_string().contains("disk is full"));
    let first = case.traffic.load(Ordering::SeqCst);
    case.get(None, None).await.unwrap();
    case.is_there();
    assert!(first + case.traffic.load(Ordering::SeqCst) <= case.pack.packed_bytes() + 2 * CHUNK);
}

#[tokio::test]
async fn an_offline_install_takes_local_archives_and_asks_nobody() {
    let case = Case::new(|_, _| Reply::Status(500));
    let empty = case.dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(matches!(case.get(Some(empty), None).await, Err(PackError::Fetch(FetchError::NoSource))));
    case.get(Some(case.dir.path().to_owned()), None).await.unwrap();
    case.is_there();
    assert_eq!(case.server.seen().len(), 0);
}

#[tokio::test]
async fn a_description_that_is_wrong_about_a_file_puts_nothing_onto_the_shelf() {
    let mut case = Case::new(|_, file| Reply::File(file));
    case.pack.archives[0].members[1].blake3 = "00".repeat(32);
    assert!(matches!(case.get(None, None).await, Err(PackError::Member(path)) if path == "torch/lib/libc10.so"));
    // Longer than signed: written no further than one piece beyond.
    case.pack.archives[0].members[1].bytes = 1000;
    assert!(matches!(case.get(None, None).await, Err(PackError::Member(_))));
    assert!(!case.shelf.has_engine(TORCH));
}

#[tokio::test]
async fn a_pack_that_somebody_tidied_up_is_not_there_and_comes_again() {
    let case = Case::new(|_, file| Reply::File(file));
    case.get(None, None).await.unwrap();
    let pack = case.shelf.whole(Kind::Cpu, TORCH).unwrap();
    std::fs::write(pack.join("torch/lib/libc10.so"), b"short").unwrap();
    assert!(!case.shelf.has_engine(TORCH));
    assert!(!case.shelf.has_engine("2.14.0"));
    case.get(None, None).await.unwrap();
    case.is_there();
}

#[tokio::test]
async fn of_three_packs_the_newest_and_the_one_before_are_kept() {
    let mut case = Case::new(|_, file| Reply::File(file));
    let versions = ["2.13.0", "2.14.0", "2.15.0"];
    for torch in versions {
        case.pack.torch = torch.into();
        case.get(None, None).await.unwrap();
        assert_eq!(case.shelf.whole(Kind::Cpu, torch), Some(case.shelf.folder().join(format!("cpu-{torch}"))));
    }
    assert_eq!(versions.map(|torch| case.shelf.has_engine(torch)), [false, true, true]);
    assert!(!case.shelf.folder().join("cpu-2.13.0").exists());
}

#[tokio::test]
async fn another_build_of_a_pack_replaces_it() {
    let mut case = Case::new(|_, file| Reply::File(file));
    case.get(None, None).await.unwrap();
    case.pack.archives[0].members.pop();
    assert!(!case.shelf.has(&case.pack) && case.shelf.has_engine(TORCH));
    case.get(None, None).await.unwrap();
    assert!(case.shelf.has(&case.pack));
    assert!(!case.shelf.folder().join("cpu-2.13.0/torch.dist-info").exists());
}

#[tokio::test]
async fn a_mirror_that_is_down_costs_nothing_but_a_moment() {
    static USED: AtomicBool = AtomicBool::new(false);
    let case = Case::new(|asked, file| match asked.path.as_str() {
        "one" => Reply::Status(404),
        _ => {
            USED.store(true, Ordering::SeqCst);
            Reply::File(file)
        }
    });
    case.get(None, None).await.unwrap();
    case.is_there();
    assert!(USED.load(Ordering::SeqCst));
}
