//! The worker that looks for a new version, fetches it and makes it ready.
//!
//! In: how the programs came here, which versions are wanted. Out: what is offered, how far it is, that it is staged. It puts
//! nothing in: that is the shell's last act, when the peer has ended. It does not decide when to look or to fetch.

use crate::driver::now_ms;
use crate::release::{Release, UPDATES};
use crate::state::Event;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::{ByteCount, Problem, ProblemAction};
use update::belief::BeliefError;
use update::fetch::{Fetch, FetchError, From, Line};
use update::health::Verdict;
use update::install::Install;
use update::manifest::{Channel, PROGRAMS, platform};
use update::signed::Purpose;
use update::stage::{Home, StageError, check_room, smoke};
use update::swap::SwapError;
use update::trust::TrustFile;
use update::whole_file::{read_bounded, write_whole};
use view_model::UpdateOffer;

/// Folder of what was believed, in the data folder.
const FOLDER: &str = "updates";

/// What the worker says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum UpdateEvent {
    /// There is none that is newer.
    Newest,
    /// There is one.
    Offered(UpdateOffer),
    /// One is staged.
    Staged(String),
    /// Nobody could be asked, or nobody was believed.
    Failed(Problem),
    /// How far it is.
    Came {
        /// Bytes that are there.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The fetch was held.
    Held,
    /// What a start or a round did to a version on probation.
    Health(Verdict),
}

/// What happened to a version that may be on probation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    /// The app is up and stayed.
    Started,
    /// A round was finished, or failed.
    Round {
        /// Finished.
        good: bool,
    },
}

/// What a look needs.
#[derive(Clone)]
pub(crate) struct UpdateWorker {
    pub(crate) release: Release,
    pub(crate) data_dir: PathBuf,
    /// Of the programs in place.
    pub(crate) version: String,
    pub(crate) channel: Channel,
    /// The user asks for it: a version that failed is offered again.
    pub(crate) pressed: bool,
    /// For the new peer's first word: where libtorch is.
    pub(crate) library: (&'static str, PathBuf),
}

/// Why there is no new version.
#[derive(Debug, thiserror::Error)]
enum UpdateError {
    #[error(transparent)]
    Belief(#[from] BeliefError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error(transparent)]
    Swap(#[from] SwapError),
    #[error("cannot read or write beside the programs: {0}")]
    Disk(#[from] std::io::Error),
    #[error("a package manager owns these programs")]
    NotOurs,
}

impl UpdateWorker {
    /// Looks for a newer version.
    pub(crate) async fn look(&self) -> UpdateEvent {
        self.found().await.unwrap_or_else(|error| UpdateEvent::Failed(problem(&error)))
    }

    async fn found(&self) -> Result<UpdateEvent, UpdateError> {
        let Some(release) = self.newer().await? else { return Ok(UpdateEvent::Newest) };
        let home = self.home();
        if let Some(home) = &home {
            if home.staged()?.is_some_and(|pair| pair.version == release.version) {
                return Ok(UpdateEvent::Staged(release.version));
            }
            if !self.pressed && home.failed()?.as_ref() == Some(&release.version) {
                return Ok(UpdateEvent::Newest);
            }
        }
        let bytes = |name: &&str| std::fs::metadata(home.as_ref()?.program(name)).ok().map(|found| found.len());
        let now: u64 = PROGRAMS.iter().filter_map(bytes).sum();
        let grows = i128::from(release.program_bytes()) - i128::from(now);
        Ok(UpdateEvent::Offered(UpdateOffer {
            version: release.version.clone(),
            download: ByteCount(release.archive.bytes),
            grows: i64::try_from(grows).unwrap_or(i64::MAX),
            notes: release.notes.clone(),
        }))
    }

    /// Fetches and stages the newest version, and starts its programs once.
    pub(crate) async fn fetch(&self, to: &mpsc::Sender<Event>, stop: &CancellationToken) -> UpdateEvent {
        match self.get(to, stop).await {
            Ok(version) => UpdateEvent::Staged(version),
            Err(UpdateError::Fetch(FetchError::Stopped)) => UpdateEvent::Held,
            Err(error) => UpdateEvent::Failed(problem(&error)),
        }
    }

    async fn get(&self, to: &mpsc::Sender<Event>, stop: &CancellationToken) -> Result<String, UpdateError> {
        let home = self.home().ok_or(UpdateError::NotOurs)?;
        let release = self.newer().await?.ok_or(SwapError::NotStaged)?;
        check_room(&release, update::room::free(home.folder()))?;
        let line = Line::new()?;
        let sources: Vec<From> = release.archive.urls.iter().cloned().map(From::Web).collect();
        let total = release.archive.bytes;
        let fetch = Fetch {
            line: &line,
            sources: &sources,
            // The next one says it as well.
            progress: &|done| drop(to.try_send(Event::Update(UpdateEvent::Came { done, total }))),
            traffic: &|_| {},
            stop,
            quota: None,
        };
        fetch.complete(&release.archive.blob(), &home.archive(&release)).await?;
        let (at, staging) = (home.clone(), release.clone());
        let staged = tokio::task::spawn_blocking(move || at.stage(&staging)).await;
        let pair = staged.map_err(|_| std::io::Error::other("the worker ended"))??;
        for name in PROGRAMS {
            let (key, value) = (self.library.0, self.library.1.as_path());
            let tried = smoke(&home.staged_program(name), &pair.version, Some((key, value))).await;
            if let Err(error) = tried {
                home.clear_staged()?;
                return Err(error.into());
            }
        }
        Ok(pair.version)
    }

    /// What a start or a round does to a version on probation.
    pub(crate) fn happened(home: &Home, what: Happened) -> Option<UpdateEvent> {
        let verdict = match what {
            Happened::Started => home.start_was_good(),
            Happened::Round { good } => home.round(good),
        };
        verdict.inspect_err(|error| tracing::warn!("the update's record: {error}")).ok().map(UpdateEvent::Health)
    }

    async fn newer(&self) -> Result<Option<update::manifest::Release>, UpdateError> {
        let folder = self.data_dir.join(FOLDER);
        let trust = TrustFile::at(folder.join("trust.json"));
        let judge = self.release.judge(Purpose::Updates, &trust).map_err(BeliefError::from)?;
        let line = Line::new()?;
        let manifest = judge.versions(&line, &self.release.sources(UPDATES), now_ms() / 1000).await?;
        let share = update::policy::share(&machine(&folder)?, &self.version);
        let newer = manifest.newer(self.channel, &platform(), &self.version, share).map_err(BeliefError::from)?;
        Ok(newer.cloned())
    }

    fn home(&self) -> Option<Home> {
        home(&self.release.install)
    }
}

/// The programs' folder, if they may replace themselves.
pub(crate) fn home(install: &Install) -> Option<Home> {
    match install {
        Install::Own(folder) => Some(Home::at(folder)),
        _ => None,
    }
}

/// Random bytes of this installation, for its place in releases that go out step by step. They leave it never.
fn machine(folder: &Path) -> std::io::Result<Vec<u8>> {
    let path = folder.join("place");
    if let Some(bytes) = read_bounded(&path, 64)?.filter(|bytes| bytes.len() == 16) {
        return Ok(bytes);
    }
    let mut bytes = vec![0; 16];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    write_whole(&path, &bytes)?;
    Ok(bytes)
}

fn problem(error: &UpdateError) -> Problem {
    let told = |code: &str, hint: &str| Problem::new(code, error.to_string(), hint).with_action(ProblemAction::Retry);
    match error {
        UpdateError::Belief(BeliefError::Keys(_)) => {
            let hint = "Take the new version from where you took this one.";
            Problem::new("update_no_key", "This program was built from source and does not update itself", hint)
        }
        UpdateError::Belief(error) if error.is_suspicious() => told(
            "update_not_believed",
            "Nothing was taken, and this version goes on. Try another network; if it stays so, tell the people you got Covey from.",
        ),
        UpdateError::Stage(StageError::Smoke { .. }) => {
            told("update_does_not_start", "This version goes on. Tell the people you got Covey from.")
        }
        UpdateError::Stage(StageError::Disk { .. }) | UpdateError::Fetch(FetchError::Full) => {
            told("update_no_room", "Make room on the disk that Covey lies on.")
        }
        _ => told("update_not_fetched", "This version goes on; it is tried again later."),
    }
}
