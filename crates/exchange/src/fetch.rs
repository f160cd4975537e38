//! One blob from any mix of sources, verified chunk by chunk.
//!
//! In: an id from the chain, sources that may lie, a deadline. Out: exactly the id's bytes, or one typed reason per
//! source. Memory stays within the id's length (itself under the caller's cap) and 1 MiB per request in flight. It
//! returns when the blob is there, when no source is left that could give the rest, at the deadline, or when cancelled;
//! dropping the call ends every request.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::limits::{CHUNK_BYTES, FetchLimits, MANIFESTS_IN_FLIGHT, MAX_BLOB_BYTES};
use crate::schedule::{Ask, Schedule};
use crate::{BlobId, ChunkSource, Manifest, SourceError, SourceFailure, SourceReport};

/// Why a blob was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Longer than the caller takes; nobody was asked.
    #[error("a blob of {bytes} bytes is longer than {max}: not asked for")]
    TooLarge {
        /// The id's length.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// There is nobody to ask.
    #[error("no sources to fetch from")]
    NoSources,
    /// No source can give the rest.
    #[error("no source has the remaining {missing} of {chunks} chunks ({})", list(.sources))]
    Unavailable {
        /// Chunks that are missing.
        missing: u64,
        /// Chunks of the blob.
        chunks: u64,
        /// What each source did.
        sources: Vec<SourceReport>,
    },
    /// The deadline came first.
    #[error("the deadline passed with {missing} of {chunks} chunks missing ({})", list(.sources))]
    Deadline {
        /// Chunks that are missing.
        missing: u64,
        /// Chunks of the blob.
        chunks: u64,
        /// What each source did.
        sources: Vec<SourceReport>,
    },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A source's code panicked: a fault of this program.
    #[error("a source broke down: {0}")]
    Broken(String),
}

fn list(sources: &[SourceReport]) -> String {
    sources.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Fetches blobs from a fixed list of sources.
#[derive(Clone)]
pub struct Fetcher {
    sources: Vec<Arc<dyn ChunkSource>>,
    limits: FetchLimits,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.sources.iter().map(|source| source.name()).collect();
        f.debug_struct("Fetcher").field("sources", &names).field("limits", &self.limits).finish()
    }
}

impl Fetcher {
    /// Sources are equal: none is asked before the others.
    pub fn new(sources: Vec<Arc<dyn ChunkSource>>, limits: FetchLimits) -> Self {
        Self { sources, limits }
    }

    /// The blob's bytes. Cancel-safe: dropping the call ends all its requests and leaves nothing behind.
    ///
    /// # Errors
    /// [`FetchError`], with what each source did.
    pub async fn fetch(
        &self,
        id: BlobId,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<Vec<u8>, FetchError> {
        let max = self.limits.max_bytes.min(MAX_BLOB_BYTES);
        if id.bytes > max {
            return Err(FetchError::TooLarge { bytes: id.bytes, max });
        }
        if self.sources.is_empty() {
            return Err(FetchError::NoSources);
        }
        let mut schedule = Schedule::new(&id, self.sources.len(), self.limits);
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(FetchError::Cancelled),
            outcome = timeout_at(deadline, self.run(id, &mut schedule)) => outcome,
        };
        let (missing, chunks) = (schedule.left() as u64, id.chunk_count());
        let sources = || {
            let failures = schedule.into_failures();
            self.sources.iter().zip(failures).map(|(s, failure)| SourceReport { name: s.name(), failure }).collect()
        };
        match outcome {
            Ok(Ok(Some(blob))) => Ok(blob),
            Ok(Ok(None)) => Err(FetchError::Unavailable { missing, chunks, sources: sources() }),
            Ok(Err(broken)) => Err(broken),
            Err(_) => Err(FetchError::Deadline { missing, chunks, sources: sources() }),
        }
    }

    /// Manifest first, then chunks; `None` when no source can go on.
    async fn run(&self, id: BlobId, schedule: &mut Schedule) -> Result<Option<Vec<u8>>, FetchError> {
        let Some(manifest) = self.manifest(id, schedule).await? else { return Ok(None) };
        let manifest = Arc::new(manifest);
        // Zeroed memory is mapped when it is first written, so a blob nobody serves costs nothing.
        let mut blob = vec![0u8; id.bytes as usize];
        let mut requests = JoinSet::new();
        loop {
            while let Some(ask) = schedule.next() {
                let source = Arc::clone(&self.sources[ask.source]);
                requests.spawn(request(source, Arc::clone(&manifest), ask, self.limits));
            }
            match requests.join_next().await {
                None => return Ok((schedule.left() == 0).then_some(blob)),
                Some(Err(panic)) => return Err(FetchError::Broken(panic.to_string())),
                Some(Ok((ask, Ok(chunk)))) => {
                    let start = ask.chunk as usize * CHUNK_BYTES;
                    blob[start..start + chunk.len()].copy_from_slice(&chunk);
                    schedule.verified(ask);
                }
                Some(Ok((ask, Err(failure)))) => {
                    tracing::debug!("{}: chunk {}: {failure}", self.sources[ask.source].name(), ask.chunk);
                    schedule.failed(ask, failure);
                }
            }
        }
    }

    /// The first manifest that is the id's. A blob of one chunk needs none.
    async fn manifest(&self, id: BlobId, schedule: &mut Schedule) -> Result<Option<Manifest>, FetchError> {
        if let Some(single) = Manifest::single(id) {
            return Ok(Some(single));
        }
        let mut order = schedule.order();
        let mut asked = JoinSet::new();
        loop {
            while asked.len() < MANIFESTS_IN_FLIGHT
                && let Some(index) = order.next()
            {
                let (source, limit) = (Arc::clone(&self.sources[index]), self.limits.manifest_timeout);
                asked.spawn(async move { (index, timeout(limit, source.manifest(&id)).await) });
            }
            match asked.join_next().await {
                None => return Ok(None),
                Some(Err(panic)) => return Err(FetchError::Broken(panic.to_string())),
                Some(Ok((_, Ok(Ok(Some(manifest)))))) if manifest.id() == id => return Ok(Some(manifest)),
                Some(Ok((index, Ok(Ok(Some(_)))))) => schedule.note(index, SourceFailure::WrongManifest),
                Some(Ok((index, Ok(Ok(None) | Err(SourceError::NotFound))))) => schedule.has_nothing(index),
                Some(Ok((index, Ok(Err(error))))) => schedule.note(index, SourceFailure::Failed(error)),
                Some(Ok((index, Err(_)))) => schedule.note(index, SourceFailure::TimedOut),
            }
        }
    }
}

/// One chunk of one source, verified.
async fn request(
    source: Arc<dyn ChunkSource>,
    manifest: Arc<Manifest>,
    ask: Ask,
    limits: FetchLimits,
) -> (Ask, Result<Vec<u8>, SourceFailure>) {
    // Even a sleep of no length waits for the timer's next tick.
    if !ask.rest.is_zero() {
        sleep(ask.rest).await;
    }
    let id = manifest.id();
    let got = match timeout(limits.chunk_timeout, source.chunk(&id, ask.chunk)).await {
        Err(_) => Err(SourceFailure::TimedOut),
        Ok(Err(SourceError::NotFound)) => Err(SourceFailure::NotFound),
        Ok(Err(error)) => Err(SourceFailure::Failed(error)),
        Ok(Ok(chunk)) => match manifest.verify(ask.chunk, &chunk) {
            Ok(()) => Ok(chunk),
            Err(why) => Err(SourceFailure::BadChunk { index: ask.chunk, why }),
        },
    };
    (ask, got)
}

#[cfg(test)]
mod tests;
