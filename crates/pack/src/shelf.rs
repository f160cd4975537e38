//! The folder of packs: which are whole, which is in use, which was in use before.
//!
//! In: the folder. Out: paths of whole packs, and the variables by which a child finds them. A pack that is not whole is not
//! there: it lies under another name until its last byte is checked. Of each kind the newest and the one before are kept.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use update::place::{plain_name, plain_path};
use update::whole_file::{read_bounded, remove, sync_folder, write_whole};

use crate::limits::MAX_NOTE_BYTES;
use crate::manifest::{Kind, Pack, folder_name};

/// The last file of a pack.
const COMPLETE: &str = "COMPLETE";
/// Which packs are there, the newest first.
const IN_USE: &str = "in-use.json";
/// Where a pack's libraries lie within it.
const LIBRARIES: &str = "torch/lib";

/// The folder of packs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf(PathBuf);

/// Versions of torch whose packs are there, the newest first, per kind.
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
    /// BLAKE3 over the hashes of all files.
    content: String,
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

    /// The pack of a kind for this torch, if it is whole.
    pub fn whole(&self, kind: Kind, torch: &str) -> Option<PathBuf> {
        self.note(kind, torch).map(|_| self.pack_folder(kind, torch))
    }

    /// Whether the peer can start: the pack for the processor is there.
    pub fn has_engine(&self, torch: &str) -> bool {
        self.whole(Kind::Cpu, torch).is_some()
    }

    /// Variables for children that link to libtorch: where to look for libraries, with the pack before what `old` says, and
    /// where the CUDA half is. The packs need not be there yet: a child that starts when they are finds them.
    pub fn variables(&self, torch: &str, old: Option<OsString>) -> Vec<(&'static str, OsString)> {
        let before = old.unwrap_or_default();
        let own = self.pack_folder(Kind::Cpu, torch).join(LIBRARIES);
        let others = std::env::split_paths(&before).filter(|path| !path.as_os_str().is_empty() && *path != own);
        let mut variables = Vec::new();
        if let Ok(joined) = std::env::join_paths(std::iter::once(own.clone()).chain(others)) {
            variables.push((SEARCH_PATH, joined));
        }
        variables.push((CUDA_VARIABLE, self.pack_folder(Kind::Cuda, torch).join(LIBRARIES).join(CUDA_LIBRARY).into()));
        variables
    }

    fn pack_folder(&self, kind: Kind, torch: &str) -> PathBuf {
        self.0.join(folder_name(kind, torch))
    }

    /// Where a pack is put together.
    pub(crate) fn workshop(&self, pack: &Pack) -> PathBuf {
        self.0.join(format!("{}.part", pack.name()))
    }

    /// The last note of a pack, if every file of it is there and as long as it must be.
    fn note(&self, kind: Kind, torch: &str) -> Option<Complete> {
        let folder = self.pack_folder(kind, plain_name(torch).ok()?);
        let note = read_bounded(&folder.join(COMPLETE), MAX_NOTE_BYTES).ok().flatten()?;
        let complete: Complete = serde_json::from_slice(&note).ok()?;
        let right = |(path, bytes): &(String, u64)| {
            plain_path(path).is_ok_and(|path| fs::metadata(folder.join(path)).is_ok_and(|found| found.len() == *bytes))
        };
        complete.files.iter().all(right).then_some(complete)
    }

    /// Whether this very pack is there, and not another build of it.
    pub fn has(&self, pack: &Pack) -> bool {
        self.note(pack.kind, &pack.torch).is_some_and(|complete| complete.content == content(pack))
    }

    /// Puts a finished pack onto the shelf; what is older than the one before it goes.
    pub(crate) fn put(&self, pack: &Pack) -> io::Result<()> {
        let (from, to) = (self.workshop(pack), self.pack_folder(pack.kind, &pack.torch));
        let files = pack.members().map(|(_, member)| (member.to.clone(), member.bytes)).collect();
        let complete = Complete { content: content(pack), files };
        write_whole(&from.join(COMPLETE), &serde_json::to_vec(&complete).map_err(io::Error::other)?)?;
        // What lies there is not whole or another build, or it would not have been fetched. It is moved away by one rename, so
        // that it is never taken for whole while it goes.
        let old = self.0.join(format!("{}.old", pack.name()));
        remove(&old)?;
        if to.exists() {
            fs::rename(&to, &old)?;
        }
        fs::rename(&from, &to)?;
        sync_folder(&to)?;
        remove(&old)?;
        self.use_pack(pack)
    }

    /// Notes that a pack is the newest of its kind.
    pub(crate) fn use_pack(&self, pack: &Pack) -> io::Result<()> {
        let mut in_use = self.read();
        let versions = match pack.kind {
            Kind::Cpu => &mut in_use.cpu,
            Kind::Cuda => &mut in_use.cuda,
        };
        versions.retain(|torch| *torch != pack.torch);
        versions.insert(0, pack.torch.clone());
        let old = versions.split_off(versions.len().min(2));
        write_whole(&self.0.join(IN_USE), &serde_json::to_vec(&in_use).map_err(io::Error::other)?)?;
        for torch in old.iter().filter(|torch| plain_name(torch).is_ok()) {
            remove(&self.pack_folder(pack.kind, torch))?;
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

    fn read(&self) -> InUse {
        let bytes = read_bounded(&self.0.join(IN_USE), MAX_NOTE_BYTES).ok().flatten();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

/// What a pack is made of, in one hash.
fn content(pack: &Pack) -> String {
    let mut hasher = blake3::Hasher::new();
    for (_, member) in pack.members() {
        hasher.update(member.to.as_bytes()).update(member.blake3.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Where the system looks for libraries beside its own folders.
pub const SEARCH_PATH: &str = if cfg!(windows) {
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
