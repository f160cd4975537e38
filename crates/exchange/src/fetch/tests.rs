//! Fetching from folders and from sources that lie, lag, lack or die. Time is paused.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::CHUNK_BYTES;
use crate::{BlobStore, ChunkError, FolderSource, StoreLimits};

const MIB: usize = CHUNK_BYTES;
const LIMITS: StoreLimits = StoreLimits { max_bytes: 1 << 30, max_blob_bytes: 1 << 30 };

fn blob(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i * 31 + i / 977) as u8).collect()
}

/// What a made-up source does when asked for a chunk.
#[derive(Clone, Copy)]
enum Mood {
    Honest,
    FlipsABit,
    CutsShort,
    SendsTooMuch,
    NeverAnswers,
    Has(fn(u32) -> bool),
    FailsTwice,
    GivesAnotherManifest,
}

/// A made-up source that counts what it is asked.
struct Fake {
    blob: Vec<u8>,
    mood: Mood,
    asked: AtomicU32,
}

impl Fake {
    fn new(blob: &[u8], mood: Mood) -> Arc<Self> {
        Arc::new(Self { blob: blob.to_vec(), mood, asked: AtomicU32::new(0) })
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl ChunkSource for Fake {
    fn name(&self) -> String {
        "fake".into()
    }

    async fn manifest(&self, _id: &BlobId) -> Result<Option<Manifest>, SourceError> {
        Ok(Some(match self.mood {
            Mood::GivesAnotherManifest => Manifest::of(&vec![1; self.blob.len()]).unwrap(),
            _ => Manifest::of(&self.blob).unwrap(),
        }))
    }

    async fn chunk(&self, id: &BlobId, index: u32) -> Result<Vec<u8>, SourceError> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let start = index as usize * MIB;
        let mut chunk = self.blob[start..start + id.chunk_bytes(index)].to_vec();
        match self.mood {
            Mood::FlipsABit => chunk[0] ^= 1,
            Mood::CutsShort => chunk.truncate(chunk.len() - 1),
            Mood::SendsTooMuch => chunk.push(0),
            Mood::NeverAnswers => std::future::pending().await,
            Mood::Has(has) if !has(index) => return Err(SourceError::NotFound),
            Mood::FailsTwice if asked < 2 => return Err(SourceError::Unavailable("503".into())),
            _ => {}
        }
        Ok(chunk)
    }
}

fn fetcher(sources: &[&Arc<Fake>], max_bytes: u64) -> Fetcher {
    let sources = sources.iter().map(|s| Arc::clone(s) as Arc<dyn ChunkSource>).collect();
    Fetcher::new(sources, FetchLimits::up_to(max_bytes))
}

async fn fetch(fetcher: &Fetcher, id: BlobId) -> Result<Vec<u8>, FetchError> {
    fetcher.fetch(id, Instant::now() + Duration::from_secs(600), &CancellationToken::new()).await
}

fn only_failure(result: Result<Vec<u8>, FetchError>) -> SourceFailure {
    match result {
        Err(FetchError::Unavailable { mut sources, .. }) if sources.len() == 1 => sources.remove(0).failure.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_published_blob_is_fetched_whole_for_every_length() {
    let dir = TempDir::new().unwrap();
    let store = BlobStore::open(dir.path().join("peer-1"), LIMITS).unwrap();
    for source in [FolderSource::new(store.dir()), FolderSource::parent(dir.path())] {
        let fetcher = Fetcher::new(vec![Arc::new(source)], FetchLimits::up_to(1 << 30));
        for bytes in [0, 1, MIB, MIB + 1, 5 * MIB + 7] {
            let blob = blob(bytes);
            let id = store.put(&blob).unwrap();
            assert!(fetch(&fetcher, id).await.unwrap() == blob, "{bytes}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_forged_file_in_one_peers_folder_does_not_hide_the_good_one() {
    let dir = TempDir::new().unwrap();
    for bytes in [1000, 2 * MIB + 5] {
        let blob = blob(bytes);
        let owner = BlobStore::open(dir.path().join("z-owner"), LIMITS).unwrap();
        let id = owner.put(&blob).unwrap();
        for (peer, forged) in [("a-short", vec![0; bytes - 1]), ("b-zeros", vec![0; bytes]), ("c-empty", vec![])] {
            fs::create_dir_all(dir.path().join(peer)).unwrap();
            fs::write(dir.path().join(peer).join(id.root.to_string()), forged).unwrap();
        }
        fs::create_dir_all(dir.path().join("d-folder").join(id.root.to_string())).unwrap();
        let fetcher = Fetcher::new(vec![Arc::new(FolderSource::parent(dir.path()))], FetchLimits::up_to(1 << 30));
        assert!(fetch(&fetcher, id).await.unwrap() == blob);
        owner.remove(&id.root).unwrap();
        assert!(matches!(fetch(&fetcher, id).await, Err(FetchError::Unavailable { .. })));
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_symbolic_link_is_not_followed() {
    let dir = TempDir::new().unwrap();
    let secret = dir.path().join("secret");
    fs::write(&secret, b"secret").unwrap();
    let id = BlobId::of(b"secret");
    let published = dir.path().join("published");
    fs::create_dir(&published).unwrap();
    std::os::unix::fs::symlink(&secret, published.join(id.root.to_string())).unwrap();
    let fetcher = Fetcher::new(vec![Arc::new(FolderSource::new(&published))], FetchLimits::up_to(100));
    assert!(matches!(only_failure(fetch(&fetcher, id).await), SourceFailure::Failed(SourceError::Rotten(_))));
}

#[tokio::test(start_paused = true)]
async fn a_blob_nobody_has_is_reported_per_source() {
    let dir = TempDir::new().unwrap();
    let source: Arc<dyn ChunkSource> = Arc::new(FolderSource::new(dir.path().join("not-made-yet")));
    let fetcher = Fetcher::new(vec![source], FetchLimits::up_to(1 << 30));
    for bytes in [10, 3 * MIB] {
        let failure = only_failure(fetch(&fetcher, BlobId::of(&blob(bytes))).await);
        assert!(matches!(failure, SourceFailure::NotFound), "{bytes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_truncated_file_and_a_flipped_bit_are_named_as_such() {
    let dir = TempDir::new().unwrap();
    let store = BlobStore::open(dir.path(), LIMITS).unwrap();
    let good = blob(2 * MIB + 9);
    let id = store.put(&good).unwrap();
    let path = dir.path().join(id.root.to_string());
    let fetcher = Fetcher::new(vec![Arc::new(FolderSource::new(dir.path()))], FetchLimits::up_to(1 << 30));
    let mut flipped = good.clone();
    flipped[MIB + 3] ^= 0x10;
    for damaged in [&good[..2 * MIB], &flipped] {
        fs::write(&path, damaged).unwrap();
        let failure = only_failure(fetch(&fetcher, id).await);
        assert!(matches!(failure, SourceFailure::Failed(SourceError::Rotten(_))), "{failure}");
    }
    // Rot that sets in after the manifest is known hits one chunk.
    fs::write(&path, &good).unwrap();
    assert!(fetch(&fetcher, id).await.unwrap() == good);
    fs::write(&path, &flipped).unwrap();
    assert!(matches!(only_failure(fetch(&fetcher, id).await), SourceFailure::Failed(SourceError::Rotten(_))));
}

#[tokio::test(start_paused = true)]
async fn a_liar_is_asked_no_more_and_the_honest_source_gives_everything() {
    let blob = blob(12 * MIB + 3);
    for mood in [Mood::FlipsABit, Mood::CutsShort, Mood::SendsTooMuch] {
        let (liar, honest) = (Fake::new(&blob, mood), Fake::new(&blob, Mood::Honest));
        let fetched = fetch(&fetcher(&[&liar, &honest], 1 << 30), BlobId::of(&blob)).await.unwrap();
        assert!(fetched == blob);
        // Only what was in flight before its first chunk was seen.
        assert!(liar.asked() <= 4, "asked {} times", liar.asked());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_liar_is_named_with_its_lie() {
    let blob = blob(100);
    for (mood, lie) in [
        (Mood::FlipsABit, ChunkError::Hash),
        (Mood::CutsShort, ChunkError::Length { expected: 100, got: 99 }),
        (Mood::SendsTooMuch, ChunkError::Length { expected: 100, got: 101 }),
    ] {
        let failure = only_failure(fetch(&fetcher(&[&Fake::new(&blob, mood)], 1000), BlobId::of(&blob)).await);
        assert!(matches!(failure, SourceFailure::BadChunk { index: 0, why } if why == lie), "{failure}");
    }
    let blob = self::blob(MIB + 1);
    let source = Fake::new(&blob, Mood::GivesAnotherManifest);
    let failure = only_failure(fetch(&fetcher(&[&source], 1 << 30), BlobId::of(&blob)).await);
    assert!(matches!(failure, SourceFailure::WrongManifest));
    assert_eq!(source.asked(), 0, "no chunk is asked for without a manifest");
}

#[tokio::test(start_paused = true)]
async fn two_sources_with_half_each_give_the_whole() {
    let blob = blob(9 * MIB + 1);
    let even = Fake::new(&blob, Mood::Has(|chunk| chunk % 2 == 0));
    let low = Fake::new(&blob, Mood::Has(|chunk| chunk % 2 == 1));
    assert!(fetch(&fetcher(&[&even, &low], 1 << 30), BlobId::of(&blob)).await.unwrap() == blob);
    let missing = fetch(&fetcher(&[&even], 1 << 30), BlobId::of(&blob)).await;
    assert!(matches!(missing, Err(FetchError::Unavailable { missing: 5, chunks: 10, .. })), "{missing:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_source_costs_its_time_limit_and_not_the_blob() {
    let blob = blob(6 * MIB);
    let (silent, honest) = (Fake::new(&blob, Mood::NeverAnswers), Fake::new(&blob, Mood::Honest));
    let begun = Instant::now();
    assert!(fetch(&fetcher(&[&silent, &honest], 1 << 30), BlobId::of(&blob)).await.unwrap() == blob);
    assert!(begun.elapsed() < Duration::from_secs(21));
    assert!(silent.asked() <= 4);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_for_a_moment_is_asked_again() {
    let blob = blob(100);
    let source = Fake::new(&blob, Mood::FailsTwice);
    assert!(fetch(&fetcher(&[&source], 1000), BlobId::of(&blob)).await.unwrap() == blob);
    assert_eq!(source.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_wait_and_names_who_was_waited_for() {
    let blob = blob(100);
    let fetcher = fetcher(&[&Fake::new(&blob, Mood::NeverAnswers)], 1000);
    let deadline = Instant::now() + Duration::from_secs(5);
    match fetcher.fetch(BlobId::of(&blob), deadline, &CancellationToken::new()).await {
        Err(FetchError::Deadline { missing: 1, chunks: 1, sources }) => assert_eq!(sources[0].name, "fake"),
        other => panic!("{other:?}"),
    }
    assert_eq!(Instant::now(), deadline);
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_fetch_at_once() {
    let blob = blob(100);
    let fetcher = fetcher(&[&Fake::new(&blob, Mood::NeverAnswers)], 1000);
    let (cancel, begun) = (CancellationToken::new(), Instant::now());
    let (result, ()) =
        tokio::join!(fetcher.fetch(BlobId::of(&blob), begun + Duration::from_secs(60), &cancel), async {
            sleep(Duration::from_secs(1)).await;
            cancel.cancel();
        });
    assert!(matches!(result, Err(FetchError::Cancelled)));
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_id_above_the_cap_is_refused_before_anybody_is_asked() {
    let blob = blob(101);
    let source = Fake::new(&blob, Mood::Honest);
    let result = fetch(&fetcher(&[&source], 100), BlobId::of(&blob)).await;
    assert!(matches!(result, Err(FetchError::TooLarge { bytes: 101, max: 100 })));
    assert_eq!(source.asked(), 0);
    assert!(matches!(fetch(&fetcher(&[], 1000), BlobId::of(&blob)).await, Err(FetchError::NoSources)));
}

#[tokio::test(start_paused = true)]
async fn the_right_root_with_a_wrong_length_is_never_accepted() {
    let blob = blob(MIB + 50);
    let source = Fake::new(&blob, Mood::Honest);
    for bytes in [MIB as u64 + 49, 100] {
        let id = BlobId { bytes, ..BlobId::of(&blob) };
        assert!(matches!(fetch(&fetcher(&[&source], 1 << 30), id).await, Err(FetchError::Unavailable { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn single_chunk_blobs_are_spread_over_the_sources() {
    let mut first_asked = BTreeMap::new();
    for i in 0..40u8 {
        let blob = vec![i; 50];
        let sources = [Fake::new(&blob, Mood::Honest), Fake::new(&blob, Mood::Honest)];
        fetch(&fetcher(&[&sources[0], &sources[1]], 100), BlobId::of(&blob)).await.unwrap();
        *first_asked.entry(sources[0].asked()).or_insert(0) += 1;
    }
    assert!(first_asked[&0] >= 10 && first_asked[&1] >= 10, "{first_asked:?}");
}
