//! Joining a run by its link: from an address in a chat to a run folder with data.
//!
//! In: a [`JoinLink`] or a run file, this machine's memory and disk. Out: a run folder whose manifest has the link's hash and
//! its founder's signature, and later the data set, every chunk verified. Nodes are asked and never believed: they may
//! refuse, lie or vanish, and only their hashes count. A run that asks for more than this machine has is refused with the
//! numbers before anything large is fetched. It signs nothing and registers nobody.

mod data;
mod fit;
mod offer;

use std::path::{Path, PathBuf};

use exchange::FetchError;
use types::{JoinLink, LinkError, ManifestError, Problem, RunId, SignedManifest};

pub use data::{ensure, ensure_told};
pub use fit::{Needs, admission, needs};
pub use offer::{MemberOptions, Offered, ask};

use crate::invitation::runs_dir;
use crate::places::{NetworkPlaces, PLACES_FILE, Places, PlacesError, RUN_FILE, RunFolder};

/// Why a run was not joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunFetchError {
    /// No node of the link gave the run's manifest.
    #[error("none of the {asked} nodes in the link gave the run: {}", why.join("; "))]
    Nobody {
        /// Nodes asked.
        asked: usize,
        /// What came of each.
        why: Vec<String>,
    },
    /// The machine is too small for the run.
    #[error("this machine cannot hold the run `{name}`: {reason}")]
    TooSmall {
        /// The run.
        name: String,
        /// What is short, with the numbers.
        reason: String,
    },
    /// What was given is no invitation.
    #[error(transparent)]
    Link(LinkError),
    /// A run file alone does not say where the run is.
    #[error(
        "a run file says which run it is, and not where it is: name a node that knows it with --at, or use its link"
    )]
    NoNodes,
    /// On a chain with value nobody trains with a key that was made on the way.
    #[error("this run lives on Bittensor: name the wallet that is registered in it with --vault")]
    NeedsKey,
    /// The run file does not hold.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The run folder.
    #[error(transparent)]
    Places(#[from] PlacesError),
    /// The folder that was named holds another run.
    #[error("`{dir}` holds another run ({found}); name another folder with --dir")]
    OtherRun {
        /// The folder.
        dir: PathBuf,
        /// The run in it.
        found: RunId,
    },
    /// No folder was given and the system names none.
    #[error("this system names no folder for data; name one with --dir")]
    NoFolder,
    /// The data set does not hold, or is not the one that the manifest was made for.
    #[error(transparent)]
    Data(#[from] dataset::OpenError),
    /// A part of the data set could not be had.
    #[error("{what}: {source}")]
    Fetch {
        /// Which part.
        what: String,
        /// What each source did.
        source: FetchError,
    },
    /// A file of the data set could not be written or read.
    #[error("cannot access `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The network could not be used at all.
    #[error("the network: {0}")]
    Network(String),
    /// The user stopped it.
    #[error("stopped")]
    Stopped,
}

impl RunFetchError {
    /// The code the process ends with.
    pub fn exit_code(&self) -> ipc::ExitCode {
        match self {
            Self::Nobody { .. } | Self::Network(_) => ipc::ExitCode::ExchangeUnreachable,
            Self::Manifest(_) | Self::OtherRun { .. } => ipc::ExitCode::WrongRun,
            Self::NoFolder | Self::Link(_) | Self::NoNodes | Self::NeedsKey => ipc::ExitCode::Usage,
            Self::Stopped => ipc::ExitCode::Stopped,
            Self::Fetch { .. } => ipc::ExitCode::ExchangeUnreachable,
            Self::Data(_) => ipc::ExitCode::DatasetCorrupt,
            Self::TooSmall { .. } | Self::Places(_) | Self::Io { .. } => {
                crate::outcome::code_of(self).unwrap_or(ipc::ExitCode::Failed)
            }
        }
    }

    /// What a person is told.
    pub fn problem(&self) -> Problem {
        let (code, hint) = match self {
            Self::Nobody { .. } => {
                ("run_not_found", "Check that you are online, and ask for a fresh link: the run's nodes may have moved")
            }
            Self::TooSmall { .. } => ("run_too_large", "Choose a run with a smaller model, or make room"),
            Self::Link(_) | Self::NoNodes => ("no_link", "Ask whoever runs it for the run's link"),
            Self::Manifest(_) => {
                ("run_invalid", "Ask for the run anew; a newer run may need a newer version of this program")
            }
            Self::NeedsKey => ("no_wallet", "Make or bring a wallet, and register its hotkey in the run's subnet"),
            Self::Data(_) | Self::Fetch { .. } => {
                ("no_data", "Nobody served the run's data; it goes on where it was when started again")
            }
            Self::OtherRun { .. } | Self::NoFolder => ("folder", "Name another folder"),
            Self::Places(_) | Self::Io { .. } => ("folder_unusable", "Check the folder and the free space on its disk"),
            Self::Network(_) => ("no_network", "Check that this program may use the network"),
            Self::Stopped => ("stopped", "Starting again is safe"),
        };
        Problem::new(code, self.to_string(), hint)
    }
}

/// The folder of a run on this machine: the one that was named, or one after its id in the user's data folder.
///
/// # Errors
/// [`RunFetchError::NoFolder`].
pub fn folder_of(run: RunId, dir: Option<&Path>) -> Result<PathBuf, RunFetchError> {
    let dir = match dir {
        Some(dir) => dir.to_owned(),
        None => runs_dir().ok_or(RunFetchError::NoFolder)?.join(run.to_string()),
    };
    std::path::absolute(&dir).map_err(|source| PlacesError::Io { path: dir, source }.into())
}

/// The run folder in `dir`, if it holds this run already.
///
/// # Errors
/// [`RunFetchError::OtherRun`], or a folder that does not read.
pub fn existing(dir: &Path, run: RunId) -> Result<Option<RunFolder>, RunFetchError> {
    if !dir.join(RUN_FILE).exists() {
        return Ok(None);
    }
    let folder = RunFolder::open(dir)?;
    if folder.id() != run {
        return Err(RunFetchError::OtherRun { dir: dir.to_owned(), found: folder.id() });
    }
    Ok(Some(folder))
}

/// Writes the folder of a run whose manifest has been checked: whole or not at all. Nothing is downloaded.
///
/// # Errors
/// [`RunFetchError::Places`].
pub fn write_folder(
    dir: &Path,
    signed: SignedManifest,
    link: &JoinLink,
    options: MemberOptions,
) -> Result<RunFolder, RunFetchError> {
    let network = NetworkPlaces {
        bootstrap: link.addresses.clone(),
        listen: Vec::new(),
        external: Vec::new(),
        public: false,
        tcp_only: options.tcp_only,
        mdns: false,
        upnp: true,
    };
    let places = Places {
        ledger: None,
        nodes: Vec::new(),
        share: dir.join("share"),
        dataset: dir.join("dataset"),
        network: Some(network),
    };
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| PlacesError::Io { path, source }
    };
    std::fs::create_dir_all(&places.share).map_err(io(&places.share))?;
    // The manifest last: a folder without it is no run.
    for (name, text) in [(PLACES_FILE, serde_json::to_vec_pretty(&places)), (RUN_FILE, serde_json::to_vec(&signed))] {
        let path = dir.join(name);
        let text = text.map_err(|e| PlacesError::Syntax { path: path.clone(), why: e.to_string() })?;
        crate::whole_file::write_whole(&path, &text).map_err(io(&path))?;
    }
    Ok(RunFolder { dir: dir.to_owned(), signed, places })
}

#[cfg(test)]
mod tests;
