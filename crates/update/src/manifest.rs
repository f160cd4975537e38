//! What versions there are: the description that is signed as a whole.
//!
//! In: text whose signature holds. Out: an [`UpdateManifest`] within its bounds, and the one release that is for this
//! machine. A release names version, channel, platform, one archive and both programs in it, each by size and hash, so that
//! nothing of it can be swapped for something of another. Refused: anything out of bounds or named twice; versions that do
//! not read one way only; a release that lacks one of the programs.

use self_update::version::{bump_is_greater, cmp_versions};
use serde::{Deserialize, Serialize};

use crate::fetch::Blob;
use crate::limits::{
    CHUNK_BYTES, MAX_ARCHIVE_BYTES, MAX_NAME_CHARS, MAX_NOTES_CHARS, MAX_PROGRAM_BYTES, MAX_RELEASES, MAX_URLS,
};
use crate::place::{PlaceError, Source, plain_name};
use crate::trust::Head;

/// The programs of a release, without the system's ending. The app's own comes last: it is the one that mends the other.
pub const PROGRAMS: [&str; 2] = ["covey-peer", "covey"];

/// Which releases are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Those that have proved themselves.
    #[default]
    Stable,
    /// Those before that, too.
    Preview,
}

/// All versions that are offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateManifest {
    /// Number and dates.
    #[serde(flatten)]
    pub head: Head,
    /// At most one for each channel and platform.
    pub releases: Vec<Release>,
}

/// One version for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Who gets it.
    pub channel: Channel,
    /// Semantic version, without build data.
    pub version: String,
    /// [`platform`] of the machines it is for.
    pub platform: String,
    /// Share of machines that get it now, 0 to 100.
    pub percent: u8,
    /// What is new, in a few sentences; may be empty.
    #[serde(default)]
    pub notes: String,
    /// The archive with both programs.
    pub archive: Archive,
    /// The programs, one for each of [`PROGRAMS`].
    pub programs: Vec<Program>,
}

/// A file to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Its name; its ending (`.tar.gz` or `.zip`) says how it is packed.
    pub file: String,
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3 in hex of each [`CHUNK_BYTES`] of it, the last one shorter.
    pub chunks: Vec<String>,
    /// Where it lies.
    pub urls: Vec<Source>,
}

/// A program in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// One of [`PROGRAMS`].
    pub name: String,
    /// Its path within the archive.
    pub path: String,
    /// Bytes unpacked.
    pub bytes: u64,
    /// BLAKE3 in hex.
    pub blake3: String,
}

/// Why a description that is signed is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not what it should be.
    #[error("the description of versions does not read: {0}")]
    Form(String),
    /// Out of bounds.
    #[error("the description of versions is out of bounds: {0}")]
    Bounds(&'static str),
    /// Not one version.
    #[error("`{0}` is no version like 1.2.3 or 1.2.3-beta.4")]
    Version(String),
    /// An address or name.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Two for one channel and platform.
    #[error("there are two releases for {0}")]
    Twice(String),
    /// Both programs belong together.
    #[error("a release must have each of covey and covey-peer once")]
    Programs,
}

/// The platform of this program, as releases name it.
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

impl UpdateManifest {
    /// Reads a text whose signature holds.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_str(text).map_err(|error| ManifestError::Form(error.to_string()))?;
        if manifest.releases.len() > MAX_RELEASES {
            return Err(ManifestError::Bounds("too many releases"));
        }
        let mut seen = std::collections::BTreeSet::new();
        for release in &manifest.releases {
            release.check()?;
            let whose = format!("{:?} on {}", release.channel, release.platform);
            if !seen.insert(whose.clone()) {
                return Err(ManifestError::Twice(whose));
            }
        }
        Ok(manifest)
    }

    /// The newest release for this machine that is newer than `installed`. `share` is this machine's fixed place, 0 to 99, in
    /// releases that go out step by step.
    ///
    /// # Errors
    /// [`ManifestError::Version`] if `installed` is no version.
    pub fn newer(
        &self,
        channel: Channel,
        platform: &str,
        installed: &str,
        share: u8,
    ) -> Result<Option<&Release>, ManifestError> {
        strict(installed)?;
        let wanted = |release: &&Release| {
            release.platform == platform
                && (release.channel == Channel::Stable || channel == Channel::Preview)
                && share < release.percent
                && bump_is_greater(installed, &release.version).unwrap_or(false)
        };
        let newest = self.releases.iter().filter(wanted);
        Ok(newest.max_by(|a, b| cmp_versions(&a.version, &b.version).unwrap_or(std::cmp::Ordering::Equal)))
    }
}

impl Release {
    fn check(&self) -> Result<(), ManifestError> {
        strict(&self.version)?;
        plain_name(&self.platform)?;
        plain_name(&self.archive.file)?;
        if self.percent > 100 || self.notes.len() > MAX_NOTES_CHARS {
            return Err(ManifestError::Bounds("share or notes"));
        }
        if !(self.archive.file.ends_with(".tar.gz") || self.archive.file.ends_with(".zip")) {
            return Err(ManifestError::Bounds("an archive ends in .tar.gz or .zip"));
        }
        if !(1..=MAX_ARCHIVE_BYTES).contains(&self.archive.bytes) {
            return Err(ManifestError::Bounds("size of an archive"));
        }
        if !(1..=MAX_URLS).contains(&self.archive.urls.len()) {
            return Err(ManifestError::Bounds("addresses of an archive"));
        }
        self.archive.blob().check().map_err(ManifestError::Bounds)?;
        let mut names: Vec<&str> = self.programs.iter().map(|program| program.name.as_str()).collect();
        names.sort_unstable();
        let mut all = PROGRAMS;
        all.sort_unstable();
        if names != all {
            return Err(ManifestError::Programs);
        }
        for program in &self.programs {
            crate::place::plain_path(&program.path)?;
            if !(1..=MAX_PROGRAM_BYTES).contains(&program.bytes) || !is_digest(&program.blake3) {
                return Err(ManifestError::Bounds("size or hash of a program"));
            }
        }
        Ok(())
    }

    /// Bytes of both programs on the disk.
    pub fn program_bytes(&self) -> u64 {
        self.programs.iter().map(|program| program.bytes).sum()
    }

    /// One of the two programs.
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.name == name)
    }
}

impl Archive {
    /// As what is fetched.
    pub fn blob(&self) -> Blob {
        Blob { at: 0, bytes: self.bytes, whole: self.bytes, chunk_bytes: CHUNK_BYTES, chunks: self.chunks.clone() }
    }
}

/// BLAKE3 in lower-case hex.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A version that reads one way only: with build data, two different programs could bear the same one.
fn strict(version: &str) -> Result<(), ManifestError> {
    let wrong = || ManifestError::Version(version.chars().take(MAX_NAME_CHARS).collect());
    if version.len() > MAX_NAME_CHARS || version.contains('+') || cmp_versions(version, version).is_err() {
        return Err(wrong());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
