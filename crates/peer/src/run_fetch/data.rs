//! A run's data set from its seeds and members.
//!
//! In: a run folder whose manifest holds, a swarm that serves it. Out: the data set in the run folder, or the reason why
//! there is none. The set's manifest comes first and is held against the run's; what does not fit on the disk is refused
//! before a shard is asked for. A shard has its name once it is whole, and goes on where it was after a kill; the set's manifest
//! is written last, so that nothing half fetched ever passes for a data set.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dataset::{Dataset, DatasetManifest, MANIFEST_FILE, TOKENIZER_FILE};
use engine::Machine;
use exchange::{BlobId, FetchError, FetchLimits, Fetcher};
use ipc::{Command, Event, Fetched, LogLevel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::manifest::TokenizerKind;
use types::{ByteCount, Hash32, RunManifest};

use super::RunFetchError;
use super::fit::{needs, set_bytes};
use crate::events::{Events, now_ms};
use crate::network::PeerNetwork;
use crate::outcome::PeerError;
use crate::places::RunFolder;
use crate::signing::{Host, Knows};
use crate::whole_file::write_whole;

/// Longest manifest of a data set: as its reader takes.
const MAX_SET_MANIFEST_BYTES: u64 = 16 << 20;
/// Longest tokenizer file; the largest in use have some 20 MB.
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;
/// Slowest line that can take part at all (network recipe, section 8): the deadline of a blob is its length at this rate.
const SLOWEST_BYTES_PER_SEC: u64 = 52_000;
/// Time beside that for connections and questions.
const GRACE: Duration = Duration::from_secs(60);
/// How long it goes on without a verified byte before it gives up.
const PATIENCE: Duration = Duration::from_secs(600);
/// First and longest pause before sources are looked for again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// One fetch: everything that stays the same from blob to blob.
struct Job<'a> {
    manifest: &'a RunManifest,
    dir: &'a Path,
    network: &'a PeerNetwork,
    events: &'a Events,
    stop: &'a CancellationToken,
}

/// As [`ensure`], for a process that somebody tells what to do meanwhile.
///
/// # Errors
/// [`PeerError`]; [`RunFetchError::Stopped`] if that was asked for.
pub async fn ensure_told(
    run: &RunFolder,
    network: &PeerNetwork,
    host: &mut Host,
    stop: &CancellationToken,
) -> Result<(), PeerError> {
    let cancel = stop.child_token();
    let events = host.events.clone();
    let work = ensure(run, network, &events, &cancel);
    tokio::pin!(work);
    let mut listening = true;
    loop {
        tokio::select! {
            done = &mut work => return Ok(done?),
            line = host.commands.recv(), if listening => {
                if let Some(line) = &line {
                    crate::signing::answer(&events, line, Knows::Basics).await?;
                }
                let command = line.map(|line| line.command);
                if matches!(command, None | Some(Command::Stop { .. } | Command::Shutdown { .. })) {
                    listening = false;
                    cancel.cancel();
                }
            }
        }
    }
}

/// Makes sure that the run's data set is on this machine.
///
/// # Errors
/// [`RunFetchError`]: it does not fit, does not hold, or nobody gave it for ten minutes.
pub async fn ensure(
    run: &RunFolder,
    network: &PeerNetwork,
    events: &Events,
    stop: &CancellationToken,
) -> Result<(), RunFetchError> {
    let (manifest, dir) = (run.manifest(), run.places.dataset.as_path());
    if dir.join(MANIFEST_FILE).exists() {
        let set = Dataset::open(dir)?;
        return Ok(set.check(&manifest.data)?);
    }
    std::fs::create_dir_all(dir).map_err(io(dir))?;
    let job = Job { manifest, dir, network, events, stop };
    let text = job.set_manifest().await?;
    let set = DatasetManifest::from_bytes(&text)?;
    job.check(&set)?;
    job.tokenizer(&set).await?;
    job.shards(&set).await?;
    let path = dir.join(MANIFEST_FILE);
    write_whole(&path, &text).map_err(io(&path))?;
    let opened = Dataset::open(dir)?;
    Ok(opened.check(&manifest.data)?)
}

impl Job<'_> {
    /// The set's manifest: its hash stands in the run's, its length is whatever an honest node says.
    async fn set_manifest(&self) -> Result<Vec<u8>, RunFetchError> {
        let root = self.manifest.data.dataset;
        self.small("the data set's manifest", root, MAX_SET_MANIFEST_BYTES, |offer| Some(offer.dataset_bytes)).await
    }

    async fn tokenizer(&self, set: &DatasetManifest) -> Result<(), RunFetchError> {
        let TokenizerKind::File { hash } = set.tokenizer else { return Ok(()) };
        let path = self.dir.join(TOKENIZER_FILE);
        if std::fs::read(&path).is_ok_and(|bytes| Hash32::of(&bytes) == hash) {
            return Ok(());
        }
        let bytes = self.small("the tokenizer", hash, MAX_TOKENIZER_BYTES, |offer| offer.tokenizer_bytes).await?;
        write_whole(&path, &bytes).map_err(io(&path))
    }

    /// A small blob of which only the hash is known: every node's word on its length is tried.
    async fn small(
        &self,
        what: &str,
        root: Hash32,
        limit: u64,
        length: impl Fn(&swarm::RunOffer) -> Option<u64>,
    ) -> Result<Vec<u8>, RunFetchError> {
        let give_up = Instant::now() + PATIENCE;
        let mut pause = PAUSES.0;
        let mut last = FetchError::NoSources;
        while Instant::now() < give_up {
            let peers: Vec<_> =
                self.network.swarm().node().view().borrow().peers.iter().map(|peer| peer.peer).collect();
            let mut tried = Vec::new();
            for peer in peers {
                let Ok(offer) = self.network.swarm().offer_of(peer).await else { continue };
                let Some(bytes) = length(&offer).filter(|bytes| *bytes <= limit && !tried.contains(bytes)) else {
                    continue;
                };
                tried.push(bytes);
                let id = BlobId { root, bytes };
                let (library, deadline) = (self.network.library(), Instant::now() + slowest(bytes));
                match self.fetcher(id).fetch_through(library, id, deadline, self.stop, &|_, _| {}).await {
                    Ok(blob) => return Ok(blob),
                    Err(FetchError::Cancelled) => return Err(RunFetchError::Stopped),
                    Err(error) => last = error,
                }
            }
            self.rest(what, &mut pause).await?;
        }
        Err(RunFetchError::Fetch { what: what.to_owned(), source: last })
    }

    /// What can be told before a shard is asked for.
    fn check(&self, set: &DatasetManifest) -> Result<(), RunFetchError> {
        let data = &self.manifest.data;
        let differs = |field| dataset::OpenError::Field { field, why: "must be what the run's manifest says" };
        if set.sequence_tokens != data.sequence_tokens {
            return Err(differs("sequence_tokens").into());
        }
        if set.tokenizer != data.tokenizer {
            return Err(differs("tokenizer").into());
        }
        let there = set.shards.iter().map(|shard| self.dir.join(&shard.file).metadata().map_or(0, |meta| meta.len()));
        // Memory was looked at when the run was joined, where it is known on what it will be trained.
        let machine = Machine { vram_bytes: u64::MAX, ram_bytes: u64::MAX, ..crate::doctor::machine_at(self.dir) };
        needs(self.manifest, Some(set), there.sum(), machine).map(drop)
    }

    async fn shards(&self, set: &DatasetManifest) -> Result<(), RunFetchError> {
        let total = set_bytes(set);
        let mut done = 0;
        for shard in &set.shards {
            let id = BlobId { root: shard.blake3, bytes: shard.tokens.saturating_mul(set.dtype.bytes()) };
            let path = self.dir.join(&shard.file);
            self.say(done, total, 0);
            if !self.is_there(&path, id).await? {
                self.shard(&shard.file, id, &path, done, total).await?;
            }
            // Whoever comes next may have it from here.
            self.network.library().add_file(id, path);
            done += id.bytes;
        }
        self.say(done, total, 0);
        Ok(())
    }

    /// A shard that an earlier start fetched, or one that was copied here.
    async fn is_there(&self, path: &Path, id: BlobId) -> Result<bool, RunFetchError> {
        if path.metadata().map_or(0, |meta| meta.len()) != id.bytes {
            return Ok(false);
        }
        let from = path.to_owned();
        let hash = move || {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(std::fs::File::open(from)?)?;
            Ok(Hash32(*hasher.finalize().as_bytes()))
        };
        let hash = tokio::task::spawn_blocking(hash).await.unwrap_or_else(|e| Err(std::io::Error::other(e)));
        Ok(hash.map_err(io(path))? == id.root)
    }

    async fn shard(&self, name: &str, id: BlobId, to: &Path, before: u64, total: u64) -> Result<(), RunFetchError> {
        let give_up = Instant::now() + PATIENCE + slowest(id.bytes);
        let mut pause = PAUSES.0;
        let mut last = FetchError::NoSources;
        while Instant::now() < give_up {
            let progress = |done: u64, sources: u32| self.say(before + done, total, sources);
            let (library, deadline) = (self.network.library(), Instant::now() + slowest(id.bytes));
            match self.fetcher(id).fetch_file(library, id, to, deadline, self.stop, &progress).await {
                Ok(()) => return Ok(()),
                Err(FetchError::Cancelled) => return Err(RunFetchError::Stopped),
                Err(error) => {
                    self.events.log(LogLevel::Info, format!("shard {name}: {error}")).await;
                    last = error;
                }
            }
            self.rest(&format!("shard {name}"), &mut pause).await?;
        }
        Err(RunFetchError::Fetch { what: format!("shard {name}"), source: last })
    }

    /// Others who fetch the same share the work.
    fn fetcher(&self, id: BlobId) -> Fetcher {
        let swarm = self.network.swarm();
        let own = swarm.node().peer_id().to_string();
        Fetcher::new(swarm.sources(&id, None), FetchLimits::up_to(id.bytes)).known_as(own)
    }

    /// Sources come and go: waits a little, and says that it waits.
    async fn rest(&self, what: &str, pause: &mut Duration) -> Result<(), RunFetchError> {
        let for_whom = vec!["a node that serves the run's data".to_owned()];
        self.events.progress(Event::Waiting { for_whom, since_ms: now_ms(), what: what.to_owned() });
        tokio::select! {
            () = self.stop.cancelled() => return Err(RunFetchError::Stopped),
            () = tokio::time::sleep(*pause) => {}
        }
        *pause = (*pause * 2).min(PAUSES.1);
        Ok(())
    }

    fn say(&self, done: u64, total: u64, sources: u32) {
        let (done, total) = (ByteCount(done), ByteCount(total));
        self.events.progress(Event::Fetching { what: Fetched::Dataset, done, total, sources });
    }
}

fn slowest(bytes: u64) -> Duration {
    GRACE + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SEC)
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> RunFetchError + use<> {
    let path: PathBuf = path.to_owned();
    move |source| RunFetchError::Io { path, source }
}
