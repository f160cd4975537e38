//! The worker that looks for the engine and fetches it.
//!
//! In: the peer's program, the shelf of packs, what the cards can do. Out: whether the peer starts, what would be fetched, how
//! far it is. It asks the peer's program first: an engine that came in another way (set-up, a package) is as good. It does
//! not decide when to fetch.

use crate::release::{PACKS, Release};
use pack::{Getter, Kind, Machine, Pack, PackError, PackManifest, Progress, Shelf, TORCH, fits};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::{ByteCount, Problem, ProblemAction};
use update::belief::BeliefError;
use update::fetch::{FetchError, Line};
use update::limits::MAX_SIGNED_BYTES;
use update::signed::Purpose;
use update::trust::TrustFile;
use update::whole_file::{read_bounded, write_whole};
use view_model::EngineOffer;

/// Folder of packs in the data folder.
pub(crate) const FOLDER: &str = "packs";
/// A program that links to half a gigabyte, on a disk that turns.
const VERSION_TIME: Duration = Duration::from_secs(60);
/// Words of the loader when libtorch is not there.
const LOADER_WORDS: [&str; 4] = ["libtorch", "libc10", "torch_cpu", "shared libraries"];
/// Windows' exit code when a library is missing.
const DLL_NOT_FOUND: i32 = -1_073_741_515;

/// What the worker says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EngineEvent {
    /// The peer starts; a card's half may still be had.
    Ready,
    /// It does not, for want of libtorch; or only the card's half is wanting.
    Missing {
        /// The peer starts all the same.
        starts: bool,
        /// What would be fetched, or why nothing is offered.
        offer: Result<EngineOffer, Problem>,
    },
    /// How far it is.
    Came {
        /// Bytes that are there.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The fetch has ended: whole, held (`None`), or with a reason.
    Ended(Result<(), Option<Problem>>),
}

/// What a fetch or a look needs.
#[derive(Clone)]
pub(crate) struct EngineWorker {
    pub(crate) release: Release,
    pub(crate) peer_program: PathBuf,
    pub(crate) data_dir: PathBuf,
    pub(crate) machine: Machine,
    /// A folder with local archives; then no server is asked.
    pub(crate) local: Option<PathBuf>,
}

/// Why there is no description, or no pack.
#[derive(Debug, thiserror::Error)]
enum EngineError {
    #[error(transparent)]
    Belief(#[from] BeliefError),
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error("there is no engine for this computer ({platform}, torch {TORCH}) among those that are offered")]
    NoPack { platform: String },
}

impl EngineWorker {
    /// Looks whether the peer starts, and if not, what would be fetched.
    pub(crate) async fn look(&self) -> EngineEvent {
        let starts = self.shelf().has_engine(TORCH);
        let card_waits = starts && self.machine.cuda.is_some() && self.shelf().whole(Kind::Cuda, TORCH).is_none();
        if !card_waits && (starts || !self.lacks_libtorch().await) {
            return EngineEvent::Ready;
        }
        let offer = match self.packs().await {
            // The card's half is for other cards than this one.
            Ok(packs) if packs.is_empty() => return EngineEvent::Ready,
            // Work goes on without it.
            Err(_) if starts => return EngineEvent::Ready,
            Ok(packs) => Ok(EngineOffer {
                download: ByteCount(packs.iter().map(Pack::packed_bytes).sum()),
                disk: ByteCount(packs.iter().map(Pack::disk_bytes).sum()),
                with_card: packs.iter().any(|pack| pack.kind == Kind::Cuda),
            }),
            Err(error) => Err(problem(&error)),
        };
        EngineEvent::Missing { offer, starts }
    }

    /// Fetches what is missing; says how far it is on `to` whenever there is room.
    pub(crate) async fn fetch(&self, to: &mpsc::Sender<crate::state::Event>, stop: &CancellationToken) -> EngineEvent {
        EngineEvent::Ended(match self.get(to, stop).await {
            Ok(()) => Ok(()),
            Err(EngineError::Pack(PackError::Fetch(FetchError::Stopped))) => Err(None),
            Err(error) => Err(Some(problem(&error))),
        })
    }

    async fn get(&self, to: &mpsc::Sender<crate::state::Event>, stop: &CancellationToken) -> Result<(), EngineError> {
        let line = Line::new().map_err(PackError::from)?;
        let packs = self.packs().await?;
        let total: u64 = packs.iter().map(Pack::packed_bytes).sum();
        let shelf = self.shelf();
        let mut before = 0;
        for pack in &packs {
            let progress = |progress: Progress| {
                // The next one says it as well.
                let _ =
                    to.try_send(crate::state::Event::Engine(EngineEvent::Came { done: before + progress.done, total }));
            };
            let getter = Getter {
                line: &line,
                shelf: &shelf,
                local: self.local.as_deref(),
                offline: self.local.is_some(),
                progress: &progress,
                stop,
                quota: None,
            };
            getter.get(pack).await?;
            before += pack.packed_bytes();
        }
        Ok(())
    }

    fn shelf(&self) -> Shelf {
        Shelf::at(self.data_dir.join(FOLDER))
    }

    /// The packs that this machine needs and has not: the processor's, and the card's where a card can use it.
    async fn packs(&self) -> Result<Vec<Pack>, EngineError> {
        let manifest = self.manifest().await?;
        let platform = update::manifest::platform();
        let cpu =
            manifest.pack(Kind::Cpu, &platform, TORCH).ok_or(EngineError::NoPack { platform: platform.clone() })?;
        let cuda = manifest.pack(Kind::Cuda, &platform, TORCH).filter(|pack| fits(&pack.needs, &self.machine).is_ok());
        // Without a card the card's half is no use, whatever it says that it needs.
        let cuda = cuda.filter(|_| self.machine.cuda.is_some());
        let shelf = self.shelf();
        Ok(std::iter::once(cpu).chain(cuda).filter(|pack| !shelf.has(pack)).cloned().collect())
    }

    /// The newest description: from a server, else the one kept or beside the programs or archives.
    async fn manifest(&self) -> Result<PackManifest, EngineError> {
        let trust = TrustFile::at(self.data_dir.join(FOLDER).join("trust.json"));
        let judge = self.release.judge(Purpose::Packs, &trust).map_err(BeliefError::from)?;
        let kept = self.data_dir.join(FOLDER).join(PACKS);
        let now_secs = crate::driver::now_ms() / 1000;
        let read = |text: &str| {
            let read = PackManifest::parse(text);
            read.map_err(|error| update::manifest::ManifestError::Form(error.to_string()))
        };
        let mut reason = BeliefError::Fetch(FetchError::NoSource);
        if self.local.is_none() {
            let line = Line::new().map_err(BeliefError::from)?;
            match judge.ask(&line, &self.release.sources(PACKS), now_secs, read).await {
                Ok((manifest, believed)) => {
                    // Kept, so that a download goes on without asking again.
                    let _ = write_whole(&kept, &believed.bytes);
                    return Ok(manifest);
                }
                Err(error) => reason = error,
            }
        }
        let folders = [self.local.as_deref(), self.release.beside.as_deref()];
        let files = folders.into_iter().flatten().map(|folder| folder.join(PACKS)).chain([kept]);
        for bytes in files.filter_map(|path| read_bounded(&path, MAX_SIGNED_BYTES as u64).ok().flatten()) {
            match judge.believe(bytes, now_secs).and_then(|believed| Ok(read(&believed.text)?)) {
                Ok(manifest) => return Ok(manifest),
                Err(error) if !reason.is_suspicious() => reason = error,
                Err(_) => {}
            }
        }
        Err(reason.into())
    }

    /// Whether the peer's program is there and does not start for want of libtorch.
    async fn lacks_libtorch(&self) -> bool {
        match self.version().await {
            Ok(output) if output.status.success() => false,
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                LOADER_WORDS.iter().any(|word| said.contains(word)) || output.status.code() == Some(DLL_NOT_FOUND)
            }
            // A program that is missing is another matter.
            Err(_) => false,
        }
    }

    async fn version(&self) -> io::Result<std::process::Output> {
        let mut command = tokio::process::Command::new(&self.peer_program);
        command.arg("--version").stdin(std::process::Stdio::null()).kill_on_drop(true);
        tokio::time::timeout(VERSION_TIME, command.output()).await.map_err(|_| io::ErrorKind::TimedOut)?
    }
}

/// A local folder that a person named.
pub(crate) fn local_folder(text: &str) -> Option<PathBuf> {
    let path = Path::new(text.trim());
    (path.is_absolute() && path.is_dir()).then(|| path.to_owned())
}

fn problem(error: &EngineError) -> Problem {
    let retry = ProblemAction::Retry;
    let told = |code: &str, hint: &str| Problem::new(code, sentence(error), hint);
    match error {
        EngineError::Pack(PackError::Room { need, .. }) => {
            let gigabytes = need.div_ceil(100_000_000) as f64 / 10.0;
            told("engine_no_room", &format!("Make {gigabytes:.1} GB free on the disk of the data folder."))
                .with_action(retry)
        }
        EngineError::Pack(PackError::Fetch(FetchError::Full)) => {
            told("engine_no_room", "Make room on the disk of the data folder; it goes on where it was.")
                .with_action(retry)
        }
        EngineError::Belief(BeliefError::Keys(_)) => told(
            "engine_no_key",
            "This program was built from source: run `cargo xtask setup`, or take a released version.",
        ),
        EngineError::Belief(error) if error.is_suspicious() => told(
            "engine_not_believed",
            "Nothing was taken. Try another network; if it stays so, tell the people you got Covey from.",
        ),
        EngineError::NoPack { .. } => {
            told("engine_none", "Update Covey first: older versions are not offered for ever.")
        }
        _ => told("engine_not_fetched", "What came is kept. Look at the network, then go on.").with_action(retry),
    }
}

/// An error as the beginning of a sentence.
fn sentence(error: &EngineError) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
