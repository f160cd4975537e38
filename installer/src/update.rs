//! The archive that a running Covey fetches to replace itself: the programs, nothing else. `covey-release release` states its
//! sizes and hashes, and whoever holds the key signs them; unsigned, no Covey takes it.
//!
//! In: programs by name. Out: a `.tar.gz` for Linux, a `.zip` for Windows, the forms that updates read.

use crate::tree::Tree;
use crate::{PackError, Release, pack};
use flate2::{Compression, GzBuilder};
use std::io::{Cursor, Write as _};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// `covey-1.2.3-linux-x86_64-update.tar.gz`
#[must_use]
pub fn linux_name(release: &Release) -> String {
    format!("covey-{}-linux-x86_64-update.tar.gz", release.version)
}

/// `covey-1.2.3-windows-x86_64-update.zip`
#[must_use]
pub fn windows_name(release: &Release) -> String {
    format!("covey-{}-windows-x86_64-update.zip", release.version)
}

/// The archive for Linux.
///
/// # Errors
/// [`PackError`], if a name is no file's.
pub fn linux<'a>(
    programs: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    release: &Release,
) -> Result<Vec<u8>, PackError> {
    let mut tree = Tree::default();
    for (name, bytes) in programs {
        tree.program(name, bytes)?;
    }
    // No name and no time in gzip's own header.
    let mut gz = GzBuilder::new().write(Vec::new(), Compression::best());
    let tar = pack::tar(&tree, "", release.time)?;
    gz.write_all(&tar).and_then(|()| gz.finish()).map_err(PackError::io("the update's archive"))
}

/// The archive for Windows.
///
/// # Errors
/// [`PackError`], if a name is no file's.
pub fn windows<'a>(programs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Vec<u8>, PackError> {
    let fault = |why: zip::result::ZipError| PackError::io("the update's archive")(why.into());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // The format's first day: times of a zip have no zone, and nobody reads these.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    for (name, bytes) in programs {
        zip.start_file(name, options).map_err(fault)?;
        zip.write_all(bytes).map_err(PackError::io("the update's archive"))?;
    }
    Ok(zip.finish().map_err(fault)?.into_inner())
}
