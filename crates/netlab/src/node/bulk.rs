//! Blobs that follow from seeds: held, fetched, timed.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use exchange::{BlobId, FetchLimits, Fetcher, Library, LibraryLimits};
use serde_json::{Value, json};
use swarm::Swarm;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{NodeArgs, say};

/// How often it looks whether it may go.
const TICK: Duration = Duration::from_millis(20);
/// Blobs fetched at the same time, as a gather does.
const AT_ONCE: usize = 4;
/// Ends a fetch that hangs; the experiment gives up before.
const DEADLINE: Duration = Duration::from_secs(900);
/// Longest blob: a checkpoint of the smallest useful models.
const MAX_BYTES: u64 = 4 << 30;
/// A process's time in `/proc` is in ticks of a hundredth of a second on every Linux that is supported.
#[cfg(target_os = "linux")]
const TICKS_PER_SEC: f64 = 100.0;

/// Bytes that follow from a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    seed: u64,
    bytes: usize,
}

impl FromStr for Blob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (seed, bytes) = text.split_once(':').ok_or("a blob is SEED:BYTES")?;
        let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
        let bytes = number(bytes)?;
        if bytes > MAX_BYTES {
            return Err(format!("a blob has at most {MAX_BYTES} bytes"));
        }
        let bytes = usize::try_from(bytes).map_err(|error| error.to_string())?;
        Ok(Self { seed: number(seed)?, bytes })
    }
}

impl Blob {
    /// The bytes: random to any compressor, the same everywhere.
    fn make(self) -> Vec<u8> {
        let mut bytes = vec![0; self.bytes];
        blake3::Hasher::new().update(&self.seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
        bytes
    }
}

/// A library with these blobs in files.
pub(super) fn library(dir: &Path, blobs: &[Blob]) -> anyhow::Result<Arc<Library>> {
    std::fs::create_dir_all(dir).with_context(|| format!("{} can't be made", dir.display()))?;
    let limits = LibraryLimits { in_memory_bytes: 64 << 20, memory_bytes: 1 << 30, ..LibraryLimits::default() };
    let library = Library::open(dir.join("fetched"), limits)?;
    for blob in blobs {
        let (bytes, path) = (blob.make(), dir.join(format!("held-{}", blob.seed)));
        std::fs::write(&path, &bytes).with_context(|| format!("{} can't be written", path.display()))?;
        library.add_file(BlobId::of(&bytes), path);
    }
    Ok(library)
}

/// Waits until the node is ready and may go, fetches all it should, and says how long that took.
pub(super) async fn fetch_all(
    swarm: &Swarm,
    library: &Arc<Library>,
    args: &NodeArgs,
    go: &Path,
    stop: &CancellationToken,
) -> anyhow::Result<Value> {
    let wanted: Vec<Blob> = args.get.clone();
    // Off the runtime: hashing gigabytes takes seconds.
    let ids: Vec<BlobId> =
        tokio::task::spawn_blocking(move || wanted.iter().map(|blob| BlobId::of(&blob.make())).collect()).await?;
    let known = || swarm.status().peers.iter().filter(|peer| peer.uid.is_some()).count();
    while known() < args.knows {
        tokio::time::sleep(TICK).await;
    }
    say(&json!({"event": "ready"}));
    while !go.exists() {
        tokio::time::sleep(TICK).await;
    }
    let (begun, processor) = (Instant::now(), processor_secs());
    let (mut ids, mut fetching) = (ids.into_iter(), JoinSet::new());
    loop {
        while fetching.len() < AT_ONCE
            && let Some(id) = ids.next()
        {
            let own = format!("peer {}", swarm.node().peer_id());
            let fetcher = Fetcher::new(swarm.sources(&id, None), FetchLimits::up_to(MAX_BYTES)).known_as(own);
            let (library, stop) = (Arc::clone(library), stop.clone());
            let deadline = tokio::time::Instant::now() + DEADLINE;
            fetching.spawn(async move {
                fetcher.fetch_through(&library, id, deadline, &stop, &|_, _| {}).await.map(|bytes| bytes.len())
            });
        }
        let Some(done) = fetching.join_next().await else { break };
        done??;
    }
    let took = begun.elapsed().as_secs_f64();
    Ok(json!({"event": "fetched", "secs": took, "processor_secs": processor_secs() - processor}))
}

/// Processor time of this process, user and system.
#[cfg(target_os = "linux")]
fn processor_secs() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    // The 14th and 15th of all, the first of which are before the bracket.
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_SEC
}

#[cfg(not(target_os = "linux"))]
fn processor_secs() -> f64 {
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_follows_from_its_seed() {
        let blob: Blob = "7:100".parse().unwrap();
        assert_eq!((blob.make().len(), blob.make()), (100, blob.make()));
        assert_ne!(blob.make(), Blob { seed: 8, ..blob }.make());
        assert_eq!(blob.make()[..50], Blob { bytes: 50, ..blob }.make());
        for text in ["", "7", "a:1", "7:-1", "1:99999999999999"] {
            assert!(text.parse::<Blob>().is_err(), "{text}");
        }
    }
}
