//! What a library gives, what it keeps, and what a kill leaves of a fetch.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::limits::CHUNK_BYTES;
use crate::{ChunkSource, FetchError, FetchLimits, Fetcher, StoreLimits};

const LIMITS: StoreLimits = StoreLimits { max_bytes: 1 << 30, max_blob_bytes: 1 << 30 };

fn blob(chunks: usize, seed: u8) -> Vec<u8> {
    (0..chunks * CHUNK_BYTES - 100).map(|i| (i / 1000) as u8 ^ seed).collect()
}

fn small() -> LibraryLimits {
    LibraryLimits { in_memory_bytes: 0, memory_bytes: 0, disk_bytes: 1 << 30 }
}

fn far() -> Instant {
    Instant::now() + std::time::Duration::from_secs(60)
}

/// A store's folder that counts what it gives and breaks off after a while.
struct Counted {
    folder: FolderSource,
    given: AtomicU32,
    most: u32,
}

#[async_trait::async_trait]
impl ChunkSource for Counted {
    fn name(&self) -> String {
        "counted".into()
    }

    async fn manifest(&self, id: &BlobId) -> Result<Option<Manifest>, SourceError> {
        self.folder.manifest(id).await
    }

    async fn chunk(&self, id: &BlobId, index: u32) -> Result<Vec<u8>, SourceError> {
        if self.given.fetch_add(1, Ordering::Relaxed) >= self.most {
            // What a kill looks like from here: nothing ever comes.
            std::future::pending::<()>().await;
        }
        self.folder.chunk(id, index).await
    }
}

fn counted(dir: &Path, most: u32) -> Arc<Counted> {
    Arc::new(Counted { folder: FolderSource::new(dir), given: AtomicU32::new(0), most })
}

#[tokio::test]
async fn a_fetch_killed_at_any_chunk_goes_on_where_it_was() {
    const CHUNKS: u32 = 21;
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bytes = blob(CHUNKS as usize, 1);
    let id = BlobStore::open(from.path(), LIMITS).unwrap().put(&bytes).unwrap();
    let limits = FetchLimits { chunks_per_source: 1, ..FetchLimits::up_to(1 << 30) };
    let mut given = 0;
    for kill in 0..CHUNKS {
        let library = Library::open(to.path(), small()).unwrap();
        let source = counted(from.path(), 1);
        let fetcher = Fetcher::new(vec![source.clone()], limits);
        let stop = CancellationToken::new();
        let kill_it = |_, _| stop.cancel();
        let end = fetcher.fetch_through(&library, id, far(), &stop, &kill_it).await;
        given += source.given.load(Ordering::Relaxed).min(1);
        assert!(matches!(end, Err(FetchError::Cancelled)) || kill == CHUNKS - 1, "{kill}: {end:?}");
    }
    assert_eq!(given, CHUNKS, "one chunk each time and none twice");
    let library = Library::open(to.path(), small()).unwrap();
    let nobody = counted(from.path(), 0);
    let fetcher = Fetcher::new(vec![nobody.clone()], limits);
    let whole = fetcher.fetch_through(&library, id, far(), &CancellationToken::new(), &|_, _| {}).await.unwrap();
    assert!(whole == bytes);
    assert_eq!(nobody.given.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_rotted_on_disk_comes_again_and_nothing_else() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bytes = blob(6, 2);
    let id = BlobStore::open(from.path(), LIMITS).unwrap().put(&bytes).unwrap();
    let target = to.path().join("shard");
    let part = part_of(&target);
    let mut rotten = bytes.clone();
    rotten[2 * CHUNK_BYTES] ^= 1;
    fs::write(&part, rotten).unwrap();
    let library = Library::open(to.path().join("blobs"), small()).unwrap();
    let source = counted(from.path(), 1);
    let fetcher = Fetcher::new(vec![source.clone()], FetchLimits::up_to(1 << 30));
    fetcher.fetch_file(&library, id, &target, far(), &CancellationToken::new(), &|_, _| {}).await.unwrap();
    assert!(fs::read(&target).unwrap() == bytes);
    assert!(!part.exists());
    assert_eq!(source.given.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_blob_is_given_while_it_comes() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bytes = blob(5, 3);
    let id = BlobStore::open(from.path(), LIMITS).unwrap().put(&bytes).unwrap();
    let library = Library::open(to.path(), LibraryLimits::default()).unwrap();
    assert_eq!(library.have(&id).await, Have::Nothing);
    let fetcher = Fetcher::new(
        vec![counted(from.path(), 2)],
        FetchLimits { chunks_per_source: 1, ..FetchLimits::up_to(1 << 30) },
    );
    let stop = CancellationToken::new();
    let seen = AtomicU32::new(0);
    let two = |_, _| {
        if seen.fetch_add(1, Ordering::Relaxed) == 1 {
            stop.cancel();
        }
    };
    fetcher.fetch_through(&library, id, far(), &stop, &two).await.unwrap_err();
    let have = library.have(&id).await;
    let here: Vec<u32> = (0..5).filter(|chunk| have.has(*chunk)).collect();
    assert_eq!(here.len(), 2, "{have:?}");
    let chunk = library.chunk(&id, here[0]).await.unwrap();
    library.manifest(&id).await.unwrap().verify(here[0], &chunk).unwrap();
    let missing = (0..5).find(|chunk| !have.has(*chunk)).unwrap();
    assert_eq!(library.chunk(&id, missing).await, None);
}

#[tokio::test]
async fn a_file_is_given_where_it_lies_and_not_if_it_is_another() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = blob(3, 4);
    let (path, id) = (dir.path().join("shard.bin"), BlobId::of(&bytes));
    fs::write(&path, &bytes).unwrap();
    let library = Library::open(dir.path().join("blobs"), small()).unwrap();
    library.add_file(id, path.clone());
    assert!(library.chunk(&id, 2).await.unwrap() == bytes[2 * CHUNK_BYTES..]);
    let mut changed = bytes;
    changed[0] ^= 1;
    fs::write(&path, &changed).unwrap();
    assert_eq!(library.chunk(&id, 0).await, None, "the file is another one now");
    let other = BlobId { root: Hash32([9; 32]), bytes: id.bytes };
    library.add_file(other, path);
    assert_eq!(library.manifest(&other).await, None);
}

#[tokio::test]
async fn own_and_fetched_blobs_are_told_apart_and_memory_stays_bounded() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let others = BlobStore::open(from.path(), LIMITS).unwrap();
    let own = Arc::new(BlobStore::open(to.path().join("share"), LIMITS).unwrap());
    let mine = own.put(b"mine").unwrap();
    let limits = LibraryLimits { in_memory_bytes: 1 << 20, memory_bytes: 1000, disk_bytes: 0 };
    let library = Library::open(to.path().join("blobs"), limits).unwrap();
    library.add_store(own);
    assert!(library.is_own(&mine));
    // Whoever gathers a round gathers its own payload as well: that must not hide it from the others.
    let nobody = Fetcher::new(vec![Arc::new(FolderSource::new("nowhere"))], FetchLimits::up_to(1000));
    let stop = CancellationToken::new();
    assert_eq!(nobody.fetch_through(&library, mine, far(), &stop, &|_, _| {}).await.unwrap(), b"mine");
    let absent = BlobId::of(b"absent");
    nobody.fetch_through(&library, absent, far(), &stop, &|_, _| {}).await.unwrap_err();
    assert_eq!(library.have(&absent).await, Have::Nothing);
    assert_eq!(library.chunk(&mine, 0).await.unwrap(), b"mine");
    let fetcher = Fetcher::new(vec![Arc::new(FolderSource::new(from.path()))], FetchLimits::up_to(1000));
    let mut ids = Vec::new();
    for n in 0..5u8 {
        let id = others.put(&[n; 400]).unwrap();
        fetcher.fetch_through(&library, id, far(), &CancellationToken::new(), &|_, _| {}).await.unwrap();
        ids.push(id);
    }
    let mut held = Vec::new();
    for id in &ids {
        held.push(library.have(id).await);
    }
    assert_eq!(held, [Have::Nothing, Have::Nothing, Have::Nothing, Have::All, Have::All]);
    assert!(!library.is_own(&ids[4]));
    library.retain(|root| *root == ids[4].root);
    assert_eq!(library.have(&ids[3]).await, Have::Nothing);
    assert_eq!(library.have(&ids[4]).await, Have::All);
    assert_eq!(library.have(&mine).await, Have::All);
}

#[tokio::test]
async fn fetches_that_fail_half_way_leave_memory_bounded() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = BlobStore::open(from.path(), LIMITS).unwrap();
    let limits = LibraryLimits { in_memory_bytes: 8 << 20, memory_bytes: 8 << 20, disk_bytes: 0 };
    let library = Library::open(to.path(), limits).unwrap();
    let mut ids = Vec::new();
    for seed in 0..8 {
        let id = store.put(&blob(3, seed)).unwrap();
        let fetcher = Fetcher::new(vec![counted(from.path(), 1)], FetchLimits::up_to(1 << 30));
        let stop = CancellationToken::new();
        let cut = |_, _| stop.cancel();
        fetcher.fetch_through(&library, id, far(), &stop, &cut).await.unwrap_err();
        ids.push(id);
    }
    let mut held = 0;
    for id in &ids {
        held += u32::from(library.have(id).await != Have::Nothing);
    }
    assert!((1..=3).contains(&held), "{held} of 3 MB each, with room for 8");
    library.retain(|_| false);
    assert_eq!(library.have(&ids[7]).await, Have::Nothing);
}
