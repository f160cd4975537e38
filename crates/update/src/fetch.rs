//! A file, or a piece of one, fetched chunk by chunk from any of its sources.
//!
//! In: a [`Blob`] (where it lies in its file, and the hash of each chunk), sources, a file to append to. Out: the file with
//! exactly those bytes. Each chunk is hashed before it is written: a kill, a lost connection or a bad byte costs one chunk,
//! and what was fetched once is not fetched again. Refused: other bytes, more bytes, other ranges than asked for. It knows
//! no clock but for silence, and decides nothing about when a download may run.

mod error;
mod line;
mod meter;

pub use error::FetchError;
pub use line::Line;
pub use meter::{Meter, Pace};

use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use crate::limits::{LONGEST_BACKOFF, MAX_STRIKES, MAX_TRIES};
use crate::place::Source;
use line::Answer;

/// A range of a file, and the hashes of its chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// Where it begins in its file.
    pub at: u64,
    /// How long it is.
    pub bytes: u64,
    /// How long the whole file is.
    pub whole: u64,
    /// Length of a chunk; the last one may be shorter.
    pub chunk_bytes: u64,
    /// BLAKE3 of each chunk in lower-case hex.
    pub chunks: Vec<String>,
}

impl Blob {
    /// Whether the numbers fit each other.
    ///
    /// # Errors
    /// What is wrong, in a few words.
    pub fn check(&self) -> Result<(), &'static str> {
        let end = self.at.checked_add(self.bytes).filter(|end| *end <= self.whole);
        if end.is_none() || self.bytes == 0 {
            return Err("a range beyond its file");
        }
        if self.chunk_bytes == 0 || self.chunk_bytes > crate::limits::CHUNK_BYTES {
            return Err("size of a chunk");
        }
        if self.chunks.len() as u64 != self.bytes.div_ceil(self.chunk_bytes) {
            return Err("number of chunks");
        }
        if self.chunks.iter().all(|chunk| crate::manifest::is_digest(chunk)) { Ok(()) } else { Err("hash of a chunk") }
    }

    /// Hashes of the chunks of some bytes.
    pub fn chunks_of(bytes: &[u8], chunk_bytes: u64) -> Vec<String> {
        let size = usize::try_from(chunk_bytes).unwrap_or(usize::MAX).max(1);
        bytes.chunks(size).map(|chunk| blake3::hash(chunk).to_hex().to_string()).collect()
    }

    fn chunk_len(&self, index: u64) -> usize {
        let from = index * self.chunk_bytes;
        usize::try_from(self.chunk_bytes.min(self.bytes.saturating_sub(from))).unwrap_or(0)
    }

    fn is_chunk(&self, index: u64, bytes: &[u8]) -> bool {
        let hash = usize::try_from(index).ok().and_then(|index| self.chunks.get(index));
        hash.is_some_and(|hash| *hash == blake3::hash(bytes).to_hex().as_str())
    }
}

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// A server.
    Web(Source),
    /// The same file on this machine's disk.
    Disk(PathBuf),
}

/// What a download needs beside the blob.
pub struct Fetch<'a> {
    /// The client.
    pub line: &'a Line,
    /// Tried in this order.
    pub sources: &'a [From],
    /// Told after each chunk how many bytes of the blob are there.
    pub progress: &'a (dyn Fn(u64) + Send + Sync),
    /// Told each time how many bytes came over a line.
    pub traffic: &'a (dyn Fn(u64) + Send + Sync),
    /// Ends the download; what it has stays.
    pub stop: &'a CancellationToken,
    /// Bytes that may be written, if the disk is not the user's to fill.
    pub quota: Option<u64>,
}

/// One source and what became of it.
struct Tried<'a> {
    from: &'a From,
    strikes: u32,
    no_ranges: bool,
}

impl Fetch<'_> {
    /// Completes the file `part`, which may have a beginning of the blob already.
    ///
    /// # Errors
    /// [`FetchError`]: the last reason, when no source is left or nothing came several times in a row. What is there stays.
    pub async fn complete(&self, blob: &Blob, part: &Path) -> Result<(), FetchError> {
        blob.check().map_err(|why| FetchError::Blob(why.to_owned()))?;
        let (mut file, mut have) = opened(part, blob).await?;
        (self.progress)(have);
        let mut sources: Vec<_> =
            self.sources.iter().map(|from| Tried { from, strikes: 0, no_ranges: false }).collect();
        let (mut tries, mut skip, mut last) = (0, false, FetchError::NoSource);
        let mut turn = 0;
        while have < blob.bytes {
            let usable = |tried: &Tried<'_>| tried.strikes < MAX_STRIKES && (skip || !tried.no_ranges);
            if !sources.iter().any(usable) {
                // Only servers that send whole files are left: better the same bytes again than none.
                if !skip && sources.iter().any(|tried| tried.no_ranges && tried.strikes < MAX_STRIKES) {
                    skip = true;
                    continue;
                }
                return Err(last);
            }
            while !usable(&sources[turn % sources.len()]) {
                turn += 1;
            }
            let index = turn % sources.len();
            let before = have;
            let got = self.from(sources[index].from, blob, &mut file, &mut have, skip).await;
            let Err(error) = got else { continue };
            if have > before {
                tries = 0;
            }
            // A source that did wrong is asked again at once, and soon no more; only for one that is down it helps to wait.
            let mut wait = Duration::ZERO;
            match &error {
                FetchError::Stopped | FetchError::Disk(_) | FetchError::Full => return Err(error),
                FetchError::NoRanges => sources[index].no_ranges = true,
                error if error.is_lasting() => sources[index].strikes = MAX_STRIKES,
                error if error.is_wrong() => sources[index].strikes += 1,
                _ => {
                    tries += 1;
                    // Each of them at once first.
                    let others = sources.iter().filter(|tried| tried.strikes < MAX_STRIKES).count();
                    let first_turn = usize::try_from(tries).is_ok_and(|tries| tries < others);
                    wait = if first_turn { Duration::ZERO } else { self.backoff(tries) };
                }
            }
            turn += 1;
            if tries >= MAX_TRIES {
                return Err(error);
            }
            tracing::info!("a download goes on after {} ms: {error}", wait.as_millis());
            last = error;
            self.unless_stopped(async {
                tokio::time::sleep(wait).await;
                Ok(())
            })
            .await?;
        }
        file.sync_all().await.map_err(FetchError::disk)?;
        Ok(())
    }

    fn backoff(&self, tries: u32) -> Duration {
        self.line.backoff.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST_BACKOFF)
    }

    /// Takes what one source gives, until all is there or it fails.
    async fn from(
        &self,
        from: &From,
        blob: &Blob,
        file: &mut File,
        have: &mut u64,
        skip: bool,
    ) -> Result<(), FetchError> {
        let start = blob.at + *have;
        let mut answer = match from {
            From::Web(source) => {
                self.unless_stopped(self.line.open(source, start..blob.at + blob.bytes, blob.whole)).await?
            }
            From::Disk(path) => Answer::disk(path, start, blob.whole).await?,
        };
        let mut over = answer.begins_before(start);
        if over > 0 && !skip {
            return Err(FetchError::NoRanges);
        }
        let mut chunk = Vec::new();
        while *have < blob.bytes {
            let index = *have / blob.chunk_bytes;
            let size = blob.chunk_len(index);
            while chunk.len() < size {
                let piece = self.unless_stopped(answer.next()).await?.ok_or(FetchError::Short)?;
                (self.traffic)(piece.len() as u64);
                let skipped = usize::try_from(over).unwrap_or(usize::MAX).min(piece.len());
                over -= skipped as u64;
                chunk.extend_from_slice(&piece[skipped..]);
            }
            let rest = chunk.split_off(size);
            if !blob.is_chunk(index, &chunk) {
                return Err(FetchError::Corrupt { chunk: index });
            }
            if self.quota.is_some_and(|quota| *have + size as u64 > quota) {
                return Err(FetchError::Full);
            }
            let written = async {
                file.write_all(&chunk).await?;
                file.flush().await
            };
            written.await.map_err(FetchError::disk)?;
            *have += size as u64;
            (self.progress)(*have);
            chunk = rest;
        }
        Ok(())
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = Result<T, FetchError>>) -> Result<T, FetchError> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(FetchError::Stopped),
            done = work => done,
        }
    }
}

/// The file, cut behind its last good chunk, and how much that is. What a power cut left is found here.
async fn opened(part: &Path, blob: &Blob) -> Result<(File, u64), FetchError> {
    if let Some(folder) = part.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(FetchError::disk)?;
    }
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(part).await.map_err(FetchError::disk)?;
    let good = async {
        let (mut have, mut chunk) = (0, Vec::new());
        while have < blob.bytes {
            let index = have / blob.chunk_bytes;
            chunk.resize(blob.chunk_len(index), 0);
            match file.read_exact(&mut chunk).await {
                Ok(_) if blob.is_chunk(index, &chunk) => have += chunk.len() as u64,
                Ok(_) => break,
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
        }
        file.set_len(have).await?;
        file.seek(SeekFrom::Start(have)).await?;
        Ok(have)
    };
    let have = good.await.map_err(FetchError::disk)?;
    Ok((file, have))
}
