//! The folder of packs: which are whole, which is in use, which was in use before.
//!
//! In: the folder. Out: paths of whole packs, and the variables by which a child finds them. A pack that is not whole is not
//! there: it lies under another name until its last byte is checked. Of each kind the newest and the one before are kept.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use update::place::plain_name;
use update::whole_file::{read_bounded, remove, write_whole};

use crate::limits::MAX_NOTE_BYTES;
use crate::manifest::{Kind, Pack};

/// The last file of a pack.
const COMPLETE: &str = "COMPLETE";
/// Which packs are in use.
const IN_USE: &str = "in-use.json";
/// Where a pack's libraries lie within it.
const LIBRARIES: &str = "torch/lib";

/// The folder of packs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf(PathBuf);

/// Names of packs in use and before, per kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct InUse {
    #[serde(default)]
    cpu: Vec<String>,
    #[serde(default)]
    cuda: Vec<String>,
}

/// What a whole pack says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Complete {
    torch: String,
    /// Path and bytes of each file: a pack that somebody tidied up is told from a whole one without reading a gigabyte.
    files: Vec<(String, u64)>,
}

impl Shelf {
    /// The shelf in a folder, which need not be there.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The pack of a kind that is in use, if it is whole and for this torch.
    pub fn in_use(&self, kind: Kind, torch: &str) -> Option<PathBuf> {
        let names = self.names(kind);
        names.iter().filter_map(|name| self.whole(name, torch)).next()
    }

    /// Whether the peer can start: the pack for the processor is there.
    pub fn has_engine(&self, torch: &str) -> bool {
        self.in_use(Kind::Cpu, torch).is_some()
    }

    /// Variables for a child that links to libtorch: its search path with the pack before what `old` says, and where the CUDA
    /// half is.
    pub fn variables(&self, torch: &str, old: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, OsString)> {
        let mut variables = Vec::new();
        if let Some(pack) = self.in_use(Kind::Cpu, torch) {
            let before = old(SEARCH_PATH).unwrap_or_default();
            let paths = std::iter::once(pack.join(LIBRARIES)).chain(std::env::split_paths(&before));
            if let Ok(joined) = std::env::join_paths(paths.filter(|path| !path.as_os_str().is_empty())) {
                variables.push((SEARCH_PATH, joined));
            }
        }
        if let Some(pack) = self.in_use(Kind::Cuda, torch) {
            variables.push((CUDA_VARIABLE, pack.join(LIBRARIES).join(CUDA_LIBRARY).into()));
        }
        variables
    }

    /// Where a pack is put together.
    pub(crate) fn workshop(&self, pack: &Pack) -> PathBuf {
        self.0.join(format!("{}.part", pack.name))
    }

    /// The pack of this name, if every file of it is there and as long as it must be.
    fn whole(&self, name: &str, torch: &str) -> Option<PathBuf> {
        let folder = self.0.join(plain_name(name).ok()?);
        let note = read_bounded(&folder.join(COMPLETE), MAX_NOTE_BYTES * 8).ok().flatten()?;
        let complete: Complete = serde_json::from_slice(&note).ok()?;
        let right =
            |(path, bytes): &(String, u64)| fs::metadata(folder.join(path)).is_ok_and(|found| found.len() == *bytes);
        (complete.torch == torch && complete.files.iter().all(right)).then_some(folder)
    }

    /// Whether this very pack is there.
    pub fn has(&self, pack: &Pack) -> bool {
        self.whole(&pack.name, &pack.torch).is_some()
    }

    /// Puts a finished pack onto the shelf, in use from now on; what is older than the one before it goes.
    pub(crate) fn put(&self, pack: &Pack) -> io::Result<()> {
        let (from, to) = (self.workshop(pack), self.0.join(&pack.name));
        let files = pack.members().map(|(_, member)| (member.to.clone(), member.bytes)).collect();
        let complete = Complete { torch: pack.torch.clone(), files };
        write_whole(&from.join(COMPLETE), &serde_json::to_vec(&complete).map_err(io::Error::other)?)?;
        // What lies there is not whole, or it would not have been fetched.
        remove(&to)?;
        fs::rename(&from, &to)?;
        update::whole_file::sync_folder(&to)?;
        self.use_pack(pack)
    }

    /// Takes a pack that is there into use.
    pub(crate) fn use_pack(&self, pack: &Pack) -> io::Result<()> {
        let mut in_use = self.read();
        let names = match pack.kind {
            Kind::Cpu => &mut in_use.cpu,
            Kind::Cuda => &mut in_use.cuda,
        };
        names.retain(|name| *name != pack.name);
        names.insert(0, pack.name.clone());
        let old = names.split_off(names.len().min(2));
        write_whole(&self.0.join(IN_USE), &serde_json::to_vec(&in_use).map_err(io::Error::other)?)?;
        for name in old.iter().filter(|name| plain_name(name).is_ok()) {
            remove(&self.0.join(name))?;
        }
        Ok(())
    }

    /// Forgets a pack that was begun.
    ///
    /// # Errors
    /// The operating system's.
    pub fn forget_begun(&self, pack: &Pack) -> io::Result<()> {
        remove(&self.workshop(pack))
    }

    fn names(&self, kind: Kind) -> Vec<String> {
        let in_use = self.read();
        match kind {
            Kind::Cpu => in_use.cpu,
            Kind::Cuda => in_use.cuda,
        }
    }

    fn read(&self) -> InUse {
        let bytes = read_bounded(&self.0.join(IN_USE), MAX_NOTE_BYTES).ok().flatten();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

/// Where the system looks for libraries beside its own folders.
const SEARCH_PATH: &str = if cfg!(windows) {
    "PATH"
} else if cfg!(target_os = "macos") {
    "DYLD_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};
/// By which the peer is told where the CUDA half is.
const CUDA_VARIABLE: &str = "COVEY_TORCH_CUDA";
/// The CUDA half.
const CUDA_LIBRARY: &str = if cfg!(windows) { "torch_cuda.dll" } else { "libtorch_cuda.so" };
