//! The archive for every other Linux, and for people without root: the same layout below one folder, which may lie
//! anywhere, and `integrate.sh`, which makes menu entry, links and icons known to one user's desktop and takes them
//! back.
//!
//! In: the files below `usr/`. Out: the bytes of a `.tar.zst`.

use crate::layout::Source;
use crate::tree::Tree;
use crate::{PackError, Release, pack};

/// The folder in the archive, and the archive's name without its end.
#[must_use]
pub fn folder(release: &Release) -> String {
    format!("covey-{}-x86_64-linux", release.version)
}

/// `covey-1.2.3-x86_64-linux.tar.zst`
#[must_use]
pub fn file_name(release: &Release) -> String {
    format!("{}.tar.zst", folder(release))
}

/// The whole archive.
///
/// # Errors
/// A part that is missing.
pub fn package(source: &Source, tree: &Tree, release: &Release) -> Result<Vec<u8>, PackError> {
    let mut tree = tree.clone();
    tree.program("integrate.sh", source.text("installer/linux/integrate.sh")?)?;
    tree.link("covey", "lib/covey/covey")?;
    tree.file("LICENSE", source.text("LICENSE")?)?;
    tree.file("READ-ME-FIRST.txt", source.text("installer/linux/READ-ME-FIRST.txt")?)?;
    pack::zstd(&pack::tar(&tree.below(&folder(release)), "", release.time)?)
}
