//! What packs there are: the description that is signed as a whole.
//!
//! In: text whose signature holds. Out: a [`PackManifest`] within its bounds. A file of a pack is named by where its packed
//! bytes lie in an archive, how they are packed, the hash of each chunk of them, and size and hash of the file itself: so no
//! directory of an archive is read on a user's machine, and only wanted bytes are fetched. Refused: a path that leaves the
//! pack, two files of one path, ranges beyond their archive, more bytes than their packing can hold (a bomb).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use update::fetch::Blob;
use update::limits::{CHUNK_BYTES, MAX_URLS};
use update::manifest::is_digest;
use update::place::{PlaceError, Source, plain_name, plain_path};
use update::trust::Head;

use crate::limits::{MAX_ARCHIVE_BYTES, MAX_ARCHIVES, MAX_FILE_BYTES, MAX_FILES, MAX_PACK_BYTES, MAX_PACKS, MAX_RATIO};

/// What a pack is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// libtorch for the processor: the peer does not start without it.
    Cpu,
    /// Its CUDA half, beside the first.
    Cuda,
}

/// All packs that are offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackManifest {
    /// Number and dates.
    #[serde(flatten)]
    pub head: Head,
    /// At most one for each kind, platform and torch.
    pub packs: Vec<Pack>,
}

/// One pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// What for.
    pub kind: Kind,
    /// `update::manifest::platform` of the machines it is for.
    pub platform: String,
    /// Version of torch: exactly the peer's.
    pub torch: String,
    /// What the machine must have.
    #[serde(default)]
    pub needs: Needs,
    /// Where its files come from.
    pub archives: Vec<PackArchive>,
}

/// What the machine must have, checked before the download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// CUDA version that the driver must speak, as major and minor.
    #[serde(default)]
    pub cuda: Option<(u32, u32)>,
    /// What a card must compute, as major and minor.
    #[serde(default)]
    pub compute: Option<(u32, u32)>,
}

/// An archive, such as a wheel of a package index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackArchive {
    /// Its name; a local file of this name may stand for it.
    pub file: String,
    /// Bytes.
    pub bytes: u64,
    /// Where it lies.
    pub urls: Vec<Source>,
    /// The files that are taken out of it.
    pub members: Vec<Member>,
}

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Not at all.
    Stored,
    /// Deflate.
    Deflate,
}

/// A file of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its path in the pack.
    pub to: String,
    /// Where its packed bytes begin in the archive.
    pub at: u64,
    /// How many there are.
    pub packed: u64,
    /// How they are packed.
    pub method: Method,
    /// Bytes of the file.
    pub bytes: u64,
    /// BLAKE3 of the file in hex.
    pub blake3: String,
    /// BLAKE3 of each `CHUNK_BYTES` of the packed bytes.
    pub chunks: Vec<String>,
}

/// Why a description that is signed is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackManifestError {
    /// Not what it should be.
    #[error("the description of packs does not read: {0}")]
    Form(String),
    /// Out of bounds.
    #[error("the description of packs is out of bounds: {0}")]
    Bounds(&'static str),
    /// An address, name or path.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Two of one.
    #[error("`{0}` is there twice")]
    Twice(String),
}

impl PackManifest {
    /// Reads a text whose signature holds.
    ///
    /// # Errors
    /// [`PackManifestError`].
    pub fn parse(text: &str) -> Result<Self, PackManifestError> {
        let manifest: Self = serde_json::from_str(text).map_err(|error| PackManifestError::Form(error.to_string()))?;
        if manifest.packs.len() > MAX_PACKS {
            return Err(PackManifestError::Bounds("too many packs"));
        }
        let mut seen = BTreeSet::new();
        for pack in &manifest.packs {
            pack.check()?;
            let whose = format!("{} on {}", pack.name(), pack.platform);
            if !seen.insert(whose.clone()) {
                return Err(PackManifestError::Twice(whose));
            }
        }
        Ok(manifest)
    }

    /// The pack for a machine.
    pub fn pack(&self, kind: Kind, platform: &str, torch: &str) -> Option<&Pack> {
        self.packs.iter().find(|pack| pack.kind == kind && pack.platform == platform && pack.torch == torch)
    }
}

impl Pack {
    fn check(&self) -> Result<(), PackManifestError> {
        for name in [&self.platform, &self.torch] {
            plain_name(name)?;
        }
        if !(1..=MAX_ARCHIVES).contains(&self.archives.len()) || self.members().count() > MAX_FILES {
            return Err(PackManifestError::Bounds("too many or no archives or files"));
        }
        let mut paths = BTreeSet::new();
        let mut total: u64 = 0;
        for archive in &self.archives {
            archive.check()?;
            for member in &archive.members {
                member.check(archive.bytes)?;
                total = total.saturating_add(member.bytes);
                // Some systems take upper and lower case for the same.
                if !paths.insert(member.to.to_ascii_lowercase()) {
                    return Err(PackManifestError::Twice(member.to.clone()));
                }
            }
        }
        // A file cannot be a folder, too.
        let in_the_way = |path: &String| {
            let prefix = format!("{path}/");
            paths.range(prefix.clone()..).next().is_some_and(|next| next.starts_with(&prefix))
        };
        if let Some(path) = paths.iter().find(|path| in_the_way(path)) {
            return Err(PackManifestError::Twice(path.clone()));
        }
        if total > MAX_PACK_BYTES { Err(PackManifestError::Bounds("size of a pack")) } else { Ok(()) }
    }

    /// Its folder: known before it is fetched, so that children can be told early where it will be.
    pub fn name(&self) -> String {
        folder_name(self.kind, &self.torch)
    }

    /// Its files, each with the archive that it comes from.
    pub fn members(&self) -> impl Iterator<Item = (&PackArchive, &Member)> {
        self.archives.iter().flat_map(|archive| archive.members.iter().map(move |member| (archive, member)))
    }

    /// Bytes that are fetched for it.
    pub fn packed_bytes(&self) -> u64 {
        self.members().map(|(_, member)| member.packed).sum()
    }

    /// Bytes that it takes on the disk.
    pub fn disk_bytes(&self) -> u64 {
        self.members().map(|(_, member)| member.bytes).sum()
    }
}

/// The folder of a pack.
pub(crate) fn folder_name(kind: Kind, torch: &str) -> String {
    match kind {
        Kind::Cpu => format!("cpu-{torch}"),
        Kind::Cuda => format!("cuda-{torch}"),
    }
}

impl PackArchive {
    fn check(&self) -> Result<(), PackManifestError> {
        plain_name(&self.file)?;
        if !(1..=MAX_ARCHIVE_BYTES).contains(&self.bytes) || self.urls.len() > MAX_URLS {
            return Err(PackManifestError::Bounds("size or addresses of an archive"));
        }
        Ok(())
    }
}

impl Member {
    fn check(&self, whole: u64) -> Result<(), PackManifestError> {
        plain_path(&self.to)?;
        if !(1..=MAX_FILE_BYTES).contains(&self.bytes) || !is_digest(&self.blake3) {
            return Err(PackManifestError::Bounds("size or hash of a file"));
        }
        let fits = match self.method {
            Method::Stored => self.bytes == self.packed,
            Method::Deflate => self.bytes <= self.packed.saturating_mul(MAX_RATIO),
        };
        if !fits {
            return Err(PackManifestError::Bounds("a file that its packed bytes cannot hold"));
        }
        self.blob(whole).check().map_err(PackManifestError::Bounds)
    }

    /// Its packed bytes, as what is fetched.
    pub fn blob(&self, whole: u64) -> Blob {
        Blob { at: self.at, bytes: self.packed, whole, chunk_bytes: CHUNK_BYTES, chunks: self.chunks.clone() }
    }
}

#[cfg(test)]
mod tests;
