//! Describes a release: what its maintainer does once per version and platform.
//!
//! In: the archive with both programs. Out: a [`Release`] with all sizes and hashes, as it is signed. Refused: an archive that
//! a user's machine would refuse.

use std::fs;
use std::io;
use std::path::Path;

use self_update::{ArchiveKind, Compression, Extract};

use crate::fetch::Blob;
use crate::limits::{CHUNK_BYTES, MAX_ARCHIVE_BYTES};
use crate::manifest::{Archive, Channel, PROGRAMS, Program, Release};
use crate::place::Source;
use crate::stage::{StageError, known};
use crate::whole_file::{read_bounded, remove};

/// What the maintainer says about a release.
#[derive(Debug, Clone)]
pub struct About {
    /// Who gets it.
    pub channel: Channel,
    /// Its version.
    pub version: String,
    /// The platform it is for.
    pub platform: String,
    /// Share of machines that get it now.
    pub percent: u8,
    /// What is new.
    pub notes: String,
    /// The folder in the archive that both programs lie in; empty for the top.
    pub folder: String,
    /// Where the archive will lie.
    pub urls: Vec<Source>,
}

/// Describes the release in `archive`; programs of Windows end in `.exe`. `scratch` is a folder to unpack into, made and removed.
///
/// # Errors
/// [`StageError`].
pub fn describe(archive: &Path, about: About, scratch: &Path) -> Result<Release, StageError> {
    let bytes = read_bounded(archive, MAX_ARCHIVE_BYTES)?.ok_or(io::ErrorKind::NotFound).map_err(io::Error::from)?;
    let file = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let programs = PROGRAMS.iter().map(|name| program(archive, name, &about, scratch)).collect::<Result<Vec<_>, _>>();
    remove(scratch)?;
    let chunks = Blob::chunks_of(&bytes, CHUNK_BYTES);
    Ok(Release {
        channel: about.channel,
        version: about.version,
        platform: about.platform,
        percent: about.percent,
        notes: about.notes,
        archive: Archive { file, bytes: bytes.len() as u64, chunks, urls: about.urls },
        programs: programs?,
    })
}

fn program(archive: &Path, name: &str, about: &About, scratch: &Path) -> Result<Program, StageError> {
    let ending = if about.platform.starts_with("windows") { ".exe" } else { "" };
    let path = format!("{}/{name}{ending}", about.folder).trim_start_matches('/').to_owned();
    fs::create_dir_all(scratch)?;
    let unpacked = Extract::from_source(archive).archive(kind(archive)).extract_file(scratch, &path);
    unpacked.map_err(|error| StageError::Unpack(error.to_string()))?;
    let known = known(name, &scratch.join(&path))?;
    Ok(Program { name: name.to_owned(), path, bytes: known.bytes, blake3: known.blake3 })
}

/// How an archive is packed, by its name.
pub(crate) fn kind(archive: &Path) -> ArchiveKind {
    match archive.extension() {
        Some(ending) if ending == "zip" => ArchiveKind::Zip,
        _ => ArchiveKind::Tar(Some(Compression::Gz)),
    }
}
