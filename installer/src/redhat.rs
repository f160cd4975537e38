//! Fedora's package, by the `rpm` crate (kept by Fedora's own people; no rpmbuild is needed).
//!
//! In: the files below `usr/`, dependencies. Out: the bytes of an unsigned `.rpm`. Removal leaves every user's data
//! alone: rpm can ask nothing. `clear-data`, run by each user before, deletes it.

use crate::depends::Dependencies;
use crate::tree::{Entry, Tree};
use crate::{PackError, Release};
use rpm::{BuildConfig, CompressionWithLevel, Dependency, FileOptions, PackageBuilder};

/// Readers of Fedora 31 and RHEL 9 on know zstd; 19 as in the other packages.
const COMPRESSION: CompressionWithLevel = CompressionWithLevel::Zstd(19);

/// `covey-1.2.3-1.x86_64.rpm`
#[must_use]
pub fn file_name(release: &Release) -> String {
    format!("covey-{}-1.x86_64.rpm", release.sortable_version())
}

/// The whole package. `tree` is what lies below `usr/`.
///
/// # Errors
/// [`PackError::Rpm`].
pub fn package(tree: &Tree, needs: &Dependencies, release: &Release) -> Result<Vec<u8>, PackError> {
    let summary = "Train large language models together, over the internet";
    let mut builder = PackageBuilder::new("covey", &release.sortable_version(), "Apache-2.0", "x86_64", summary);
    builder
        .using_config(BuildConfig::v4().compression(COMPRESSION).source_date(release.time))
        .release("1")
        .build_host("reproducible")
        .description(
            "Covey lends this computer to open pre-training runs: a tray icon and a window, a training peer, and a \
             signer that keeps the key to itself. The engine (libtorch) is fetched by the app when it is first needed.",
        );
    for library in &needs.fedora {
        builder.requires(Dependency::any(library));
    }
    for (path, entry) in tree.entries() {
        let path = format!("/usr/{path}");
        match entry {
            Entry::File { bytes, executable } => {
                let mode = if *executable { 0o755 } else { 0o644 };
                builder.with_file_contents(bytes.clone(), FileOptions::new(path).permissions(mode))?;
            }
            Entry::Link(target) => {
                builder.with_symlink(FileOptions::symlink(path, target))?;
            }
        }
    }
    for folder in ["/usr/lib/covey", "/usr/share/doc/covey"] {
        builder.with_dir_entry(FileOptions::dir(folder))?;
    }
    let mut bytes = Vec::new();
    builder.build()?.write(&mut bytes)?;
    Ok(bytes)
}
