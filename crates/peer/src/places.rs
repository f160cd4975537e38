//! Where a run's things are on this machine: the run folder, the shared payload folder, a peer's own state.
//!
//! In: a folder given by the user or the rehearsal. Out: checked paths and the signed manifest. It creates folders of its
//! own, never touches a file it did not write.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::{ManifestError, RunManifest, SignedManifest, manifest::RunId};

/// A run folder's two files are a page each.
const MAX_PLACES_BYTES: u64 = 64 * 1024;

/// Name of the signed manifest in a run folder.
pub const RUN_FILE: &str = "run.json";
/// Name of the file that says where things are.
pub const PLACES_FILE: &str = "places.json";

/// Why a run folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlacesError {
    /// A file of the run folder cannot be read or written.
    #[error("cannot access `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file is longer than it can honestly be.
    #[error("`{path}` has more than {max} bytes")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        max: u64,
    },
    /// The manifest does not hold.
    #[error("`{path}` is not a run this build can join: {source}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// `places.json` does not read.
    #[error("`{path}` does not read: {why}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        why: String,
    },
}

/// Where a run's chain, data and payloads are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// Local socket of the embedded ledger, where it runs on this machine; without it the ledger is asked over the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<PathBuf>,
    /// Addresses of Bittensor nodes, for a run that lives there; two of different operators cannot lie unnoticed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// Folder with one sub-folder of published payloads per peer.
    pub share: PathBuf,
    /// The data set.
    pub dataset: PathBuf,
    /// How the run's other peers are found, if they are not all on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkPlaces>,
}

/// How a run's peers find each other, and how this machine takes part.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkPlaces {
    /// Multiaddresses of nodes that know the run, each with its `/p2p/`.
    pub bootstrap: Vec<String>,
    /// Multiaddresses to listen at; empty: any free port, TCP and QUIC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<String>,
    /// Addresses at which others are known to reach this machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<String>,
    /// Whether this machine serves others as relay and witness: for machines with a public address.
    #[serde(default)]
    pub public: bool,
    /// No QUIC, for routers that cannot bear UDP.
    #[serde(default)]
    pub tcp_only: bool,
    /// Whether peers on the same network are looked for by multicast; some firewalls alarm at it.
    #[serde(default)]
    pub mdns: bool,
    /// Whether the router is asked for a port (UPnP).
    #[serde(default = "yes")]
    pub upnp: bool,
}

fn yes() -> bool {
    true
}

/// A run folder that has been read and checked.
#[derive(Debug, Clone)]
pub struct RunFolder {
    /// The folder.
    pub dir: PathBuf,
    /// The signed manifest.
    pub signed: SignedManifest,
    /// Where things are.
    pub places: Places,
}

impl RunFolder {
    /// Reads and checks both files.
    ///
    /// # Errors
    /// [`PlacesError`] naming the file and what is wrong with it.
    pub fn open(dir: &Path) -> Result<Self, PlacesError> {
        let path = dir.join(RUN_FILE);
        let bytes = read_bounded(&path, types::manifest::MAX_MANIFEST_BYTES as u64)?;
        let signed = SignedManifest::from_bytes(&bytes).map_err(|source| PlacesError::Manifest { path, source })?;
        let path = dir.join(PLACES_FILE);
        let bytes = read_bounded(&path, MAX_PLACES_BYTES)?;
        let places = serde_json::from_slice(&bytes).map_err(|e| PlacesError::Syntax { path, why: e.to_string() })?;
        Ok(Self { dir: dir.to_owned(), signed, places })
    }

    /// Writes both files into a folder that is made if need be.
    ///
    /// # Errors
    /// [`PlacesError::Io`].
    pub fn create(dir: &Path, signed: SignedManifest, places: Places) -> Result<Self, PlacesError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| PlacesError::Io { path, source }
        };
        fs::create_dir_all(dir).map_err(io(dir))?;
        let run = dir.join(RUN_FILE);
        let text =
            serde_json::to_vec(&signed).map_err(|e| PlacesError::Syntax { path: run.clone(), why: e.to_string() })?;
        fs::write(&run, text).map_err(io(&run))?;
        let path = dir.join(PLACES_FILE);
        let text = serde_json::to_vec_pretty(&places)
            .map_err(|e| PlacesError::Syntax { path: path.clone(), why: e.to_string() })?;
        fs::write(&path, text).map_err(io(&path))?;
        Ok(Self { dir: dir.to_owned(), signed, places })
    }

    /// The run's parameters.
    pub fn manifest(&self) -> &RunManifest {
        &self.signed.manifest
    }

    /// The run's identity.
    pub fn id(&self) -> RunId {
        self.signed.manifest.id()
    }

    /// The ledger's database.
    pub fn ledger_file(&self) -> PathBuf {
        self.dir.join("ledger.redb")
    }

    /// The ledger's socket on this machine.
    ///
    /// # Errors
    /// [`PlacesError::Syntax`] if the ledger is elsewhere.
    pub fn ledger_socket(&self) -> Result<&Path, PlacesError> {
        let elsewhere = || PlacesError::Syntax {
            path: self.dir.join(PLACES_FILE),
            why: "it names no `ledger` on this machine".to_owned(),
        };
        self.places.ledger.as_deref().ok_or_else(elsewhere)
    }

    /// A peer's own folder: checkpoint, outbox, event log.
    pub fn state_of(&self, name: &str) -> PathBuf {
        self.dir.join("peers").join(name)
    }

    /// Where a peer publishes.
    pub fn share_of(&self, name: &str) -> PathBuf {
        self.places.share.join(name)
    }
}

/// Reads a whole file of at most `max` bytes.
///
/// # Errors
/// [`PlacesError::Io`] or [`PlacesError::TooLong`].
pub fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, PlacesError> {
    let io = |source| PlacesError::Io { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > max {
        return Err(PlacesError::TooLong { path: path.to_owned(), max });
    }
    Ok(bytes)
}
