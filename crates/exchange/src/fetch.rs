//! One blob from any mix of sources, verified chunk by chunk.
//!
//! In: an id from the chain, sources that may lie, a deadline. Out: exactly the id's bytes, or one typed reason per
//! source. Memory stays within the id's length (itself under the caller's cap) and 1 MiB per request in flight. It
//! returns when the blob is there, when no source is left that could give the rest, at the deadline, or when cancelled;
//! dropping the call ends every request.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::library::{Library, Partial};
use crate::limits::{FetchLimits, IDLE_BEFORE_OTHERS, LOOK_EVERY, MANIFESTS_IN_FLIGHT, MAX_BLOB_BYTES, STALLED};
use crate::schedule::{Ask, Facts, Schedule};
use crate::{BlobId, ChunkSource, Have, Manifest, SourceError, SourceFailure, SourceReport};

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
    /// The disk, where the blob goes there.
    #[error("the blob cannot be kept: {0}")]
    Disk(#[source] io::Error),
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
    own: Option<String>,
}

/// Told after each verified chunk: bytes of the blob that are here, and sources that give at the moment.
pub type Progress<'a> = &'a (dyn Fn(u64, u32) + Send + Sync);

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.sources.iter().map(|source| source.name()).collect();
        f.debug_struct("Fetcher").field("sources", &names).field("limits", &self.limits).finish()
    }
}

impl Fetcher {
    /// Among sources of equal cost none is asked before the others, but the single chunk of a small blob is asked of the
    /// first one first.
    pub fn new(sources: Vec<Arc<dyn ChunkSource>>, limits: FetchLimits) -> Self {
        Self { sources, limits, own: None }
    }

    /// The name under which others know this process as a source. With it, peers that fetch the same blob share the
    /// work: each takes another part from those who have all of it, and the rest from each other.
    #[must_use]
    pub fn known_as(mut self, name: String) -> Self {
        self.own = Some(name);
        self
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
        let begin = |manifest: &Arc<Manifest>| Ok(Arc::new(Partial::in_memory(Arc::clone(manifest))));
        let partial = self.bring(id, deadline, cancel, &begin, &|_, _| {}).await?;
        whole(partial).await
    }

    /// As [`Self::fetch`], but what `library` has already is not asked for, and what has come is given to others by `library` at once, and stays there for a while. A large
    /// blob is kept on disk: after a kill at any moment, at most the chunks in flight come again.
    ///
    /// # Errors
    /// [`FetchError`], with what each source did; what has come is kept.
    pub async fn fetch_through(
        &self,
        library: &Arc<Library>,
        id: BlobId,
        deadline: Instant,
        cancel: &CancellationToken,
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, FetchError> {
        if let Some(blob) = library.get(&id).await {
            return Ok(blob);
        }
        match self.bring(id, deadline, cancel, &|manifest| library.begin(manifest), progress).await {
            Ok(partial) => whole(partial).await,
            Err(error) => {
                library.drop_empty(&id);
                Err(error)
            }
        }
    }

    /// Into a file, which has its name once it is whole; until then it is a `.part` beside it, from which the next call
    /// goes on. What has come is given to others by `library` meanwhile.
    ///
    /// # Errors
    /// [`FetchError`], with what each source did; what has come is kept.
    pub async fn fetch_file(
        &self,
        library: &Arc<Library>,
        id: BlobId,
        to: &Path,
        deadline: Instant,
        cancel: &CancellationToken,
        progress: Progress<'_>,
    ) -> Result<(), FetchError> {
        let shared = Mutex::new(None);
        let begin = |manifest: &Arc<Manifest>| {
            let partial = Arc::new(Partial::on_disk(Arc::clone(manifest), to.to_owned())?);
            library.share(&partial);
            *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&partial));
            Ok(partial)
        };
        let brought = self.bring(id, deadline, cancel, &begin, progress).await;
        if let Some(partial) = shared.into_inner().unwrap_or_else(PoisonError::into_inner) {
            library.unshare(&partial);
        }
        brought.map(drop)
    }

    /// Everything up to the last chunk; where chunks go is the caller's business.
    async fn bring(
        &self,
        id: BlobId,
        deadline: Instant,
        cancel: &CancellationToken,
        begin: &(dyn Fn(&Arc<Manifest>) -> io::Result<Arc<Partial>> + Send + Sync),
        progress: Progress<'_>,
    ) -> Result<Arc<Partial>, FetchError> {
        let max = self.limits.max_bytes.min(MAX_BLOB_BYTES);
        if id.bytes > max {
            return Err(FetchError::TooLarge { bytes: id.bytes, max });
        }
        if self.sources.is_empty() {
            return Err(FetchError::NoSources);
        }
        let facts = self.sources.iter().map(|source| Facts { name: source.name(), class: source.class() }).collect();
        let mut schedule = Schedule::new(&id, facts, self.own.clone(), self.limits);
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(FetchError::Cancelled),
            outcome = timeout_at(deadline, self.run(id, &mut schedule, begin, progress)) => outcome,
        };
        let (missing, chunks) = (schedule.left() as u64, id.chunk_count());
        let sources = || {
            let failures = schedule.into_failures();
            self.sources.iter().zip(failures).map(|(s, failure)| SourceReport { name: s.name(), failure }).collect()
        };
        match outcome {
            Ok(Ok(Some(partial))) => Ok(partial),
            Ok(Ok(None)) => Err(FetchError::Unavailable { missing, chunks, sources: sources() }),
            Ok(Err(broken)) => Err(broken),
            Err(_) => Err(FetchError::Deadline { missing, chunks, sources: sources() }),
        }
    }

    /// Manifest first, then chunks; `None` when no source can go on.
    async fn run(
        &self,
        id: BlobId,
        schedule: &mut Schedule,
        begin: &(dyn Fn(&Arc<Manifest>) -> io::Result<Arc<Partial>> + Send + Sync),
        progress: Progress<'_>,
    ) -> Result<Option<Arc<Partial>>, FetchError> {
        let Some(manifest) = self.manifest(id, schedule).await? else { return Ok(None) };
        let manifest = Arc::new(manifest);
        let partial = begin(&manifest).map_err(FetchError::Disk)?;
        schedule.already(&partial.have());
        let (mut requests, mut haves) = (JoinSet::new(), JoinSet::new());
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut moved = Instant::now();
        // One silent source must not keep the others from being asked.
        let mut asking = vec![false; self.sources.len()];
        while schedule.left() > 0 {
            let idle = moved.elapsed() >= IDLE_BEFORE_OTHERS;
            while let Some(ask) = schedule.next(idle) {
                let source = Arc::clone(&self.sources[ask.source]);
                requests.spawn(request(source, Arc::clone(&manifest), ask, self.limits));
            }
            let waits = schedule.may_come() && moved.elapsed() < STALLED;
            if requests.is_empty() && !waits {
                return Ok(None);
            }
            tokio::select! {
                Some(done) = requests.join_next(), if !requests.is_empty() => {
                    let (ask, got) = done.map_err(|panic| FetchError::Broken(panic.to_string()))?;
                    match got {
                        Ok(chunk) => {
                            let into = Arc::clone(&partial);
                            blocking(move || into.write(ask.chunk, &chunk)).await?;
                            schedule.verified(ask);
                            moved = Instant::now();
                            progress(partial.bytes(), schedule.giving());
                        }
                        Err(failure) => {
                            tracing::debug!("{}: chunk {}: {failure}", self.sources[ask.source].name(), ask.chunk);
                            self.sources[ask.source].blame(&failure);
                            schedule.failed(ask, failure);
                        }
                    }
                }
                Some(said) = haves.join_next(), if !haves.is_empty() => {
                    let (source, have): (usize, Have) = said.map_err(|panic| FetchError::Broken(panic.to_string()))?;
                    asking[source] = false;
                    schedule.has(source, have);
                }
                _ = look.tick() => {
                    for index in schedule.to_ask() {
                        if std::mem::replace(&mut asking[index], true) {
                            continue;
                        }
                        let (source, limit) = (Arc::clone(&self.sources[index]), self.limits.manifest_timeout);
                        haves.spawn(async move {
                            // Who cannot say is asked for chunks all the same: those it has to prove.
                            let said = timeout(limit, source.have(&id)).await;
                            (index, said.ok().and_then(Result::ok).unwrap_or(Have::All))
                        });
                    }
                },
            }
        }
        let found = Arc::clone(&partial);
        blocking(move || found.settle()).await?;
        Ok(Some(partial))
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
                Some(Ok((index, Ok(Ok(Some(_)))))) => {
                    self.sources[index].blame(&SourceFailure::WrongManifest);
                    schedule.note(index, SourceFailure::WrongManifest);
                }
                Some(Ok((index, Ok(Ok(None) | Err(SourceError::NotFound))))) => schedule.has_nothing(index),
                Some(Ok((index, Ok(Err(error))))) => schedule.note(index, SourceFailure::Failed(error)),
                Some(Ok((index, Err(_)))) => schedule.note(index, SourceFailure::TimedOut),
            }
        }
    }
}

async fn whole(partial: Arc<Partial>) -> Result<Vec<u8>, FetchError> {
    let broken = || FetchError::Broken("a whole blob lost a chunk".to_owned());
    blocking(move || partial.whole()).await?.ok_or_else(broken)
}

/// Disk work off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, FetchError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| FetchError::Broken(e.to_string()))?.map_err(FetchError::Disk)
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
