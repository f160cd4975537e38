//! Every bound of the exchange, and the reason for each number.
//!
//! In: nothing. Out: constants and the limits a caller may tighten. No bound is written anywhere else.

use std::time::Duration;

/// Bytes per verified chunk (the last one may be shorter). A power of two times 1024, so that a chunk is a whole BLAKE3
/// subtree. 1 MiB: the manifest costs 32 bytes per chunk (64 kB for 2 GB), and a liar wastes at most 1 MiB of a
/// receiver's line before the hash shows it.
pub const CHUNK_BYTES: usize = 1 << 20;

/// Longest blob a manifest may describe: 256 GiB, above the largest blob in sight (the 72B model's bf16 checkpoint, 145 GB)
/// and low enough that its manifest is still sent in one piece.
pub const MAX_BLOB_BYTES: u64 = 1 << 38;

/// Longest manifest: header and 32 bytes for each chunk of [`MAX_BLOB_BYTES`] (8 MiB and 48 bytes).
pub const MAX_MANIFEST_BYTES: usize = 48 + 32 * (MAX_BLOB_BYTES / CHUNK_BYTES as u64) as usize;

/// Sub-folders a parent folder source looks through: four times the uids of a run (256), since a peer that re-registers
/// may leave its old folder behind.
pub const MAX_PARENT_FOLDERS: usize = 1024;

/// Manifests a folder source remembers, so that a blob of many chunks is not hashed again for each: a gather fetches
/// from 20 peers, few of them at the same moment.
pub const REMEMBERED_MANIFESTS: usize = 16;

/// Sources asked for the manifest at the same time: one silent source must not hold up the fetch, and a manifest of 2 GB
/// should not come in twenty times.
pub const MANIFESTS_IN_FLIGHT: usize = 4;

/// Sources are asked this often what they have while they have only a part: a chunk takes about as long on a fast line.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Nothing has come for this long: then somebody who has all of a blob is asked for others' shares, and a bucket for
/// anything (network recipe §6.4: with less, the end of a fetch brings chunks twice).
pub const IDLE_BEFORE_OTHERS: Duration = Duration::from_millis(1500);

/// Nothing has come for this long and nothing is on its way: whoever has only a part will not get the rest either.
pub const STALLED: Duration = Duration::from_secs(8);

/// Manifests of files that are remembered, so that a shard is hashed once: 64 shards of 128 MB are 8 GB of text.
pub const REMEMBERED_FILES: usize = 64;

/// What a library may hold of what was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LibraryLimits {
    /// Blobs up to this length stay in memory.
    pub in_memory_bytes: u64,
    /// All blobs in memory together; the oldest are forgotten.
    pub memory_bytes: u64,
    /// All files together; the oldest are removed.
    pub disk_bytes: u64,
}

impl Default for LibraryLimits {
    /// Payloads of models up to 300 million parameters stay in memory, twenty of them to a round; on disk there is room
    /// for a round of the largest run that fits a home line, and a checkpoint.
    fn default() -> Self {
        Self { in_memory_bytes: 8 << 20, memory_bytes: 256 << 20, disk_bytes: 64 << 30 }
    }
}

/// What a blob store may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// Bytes of all blobs together.
    pub max_bytes: u64,
    /// Bytes of one blob.
    pub max_blob_bytes: u64,
}

/// What a fetch may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Longest blob that is asked for at all: the caller knows what an honest one has.
    pub max_bytes: u64,
    /// Time for one chunk. 20 s for 1 MiB is 52 kB/s, the slowest line that can take part at all (network recipe §8).
    pub chunk_timeout: Duration,
    /// Time for one manifest; it is small, so this is mostly the time to open a connection (10 s, ibid.).
    pub manifest_timeout: Duration,
    /// Chunks asked of one source at the same time. Four reach the line's speed at 100 ms round trip, one does not
    /// (13.0 against 18.7 MB/s, ibid. §6).
    pub chunks_per_source: usize,
    /// Chunks in flight over all sources: bounds what a fetch holds beside the blob itself to 32 MiB.
    pub chunks_in_flight: usize,
    /// Time-outs and errors after which a source is not asked again in this fetch. A bad chunk ends it at once.
    pub failures_per_source: u32,
    /// Rest before a source that has just failed is asked again; doubles with each failure.
    pub rest_after_failure: Duration,
}

impl FetchLimits {
    /// The usual limits for blobs of at most `max_bytes`.
    pub fn up_to(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            chunk_timeout: Duration::from_secs(20),
            manifest_timeout: Duration::from_secs(10),
            chunks_per_source: 4,
            chunks_in_flight: 32,
            failures_per_source: 3,
            rest_after_failure: Duration::from_millis(250),
        }
    }
}
