//! One build's packages, written into a folder.
//!
//! In: programs, repository, cargo's metadata. Out: three packages, the bill of materials, `SHA256SUMS`; each file is
//! written beside its place and renamed, the sums last.

use crate::layout::Source;
use crate::tree::Tree;
use crate::{
    PackError, Release, deb, depends, layout, licences, portable, redhat, sbom, update, windows, within_promise,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// What a build brings.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The repository.
    pub root: PathBuf,
    /// The folder with the built programs.
    pub programs: PathBuf,
    /// `cargo metadata` for the target, dependencies resolved.
    pub metadata: Value,
    /// Whether packages must keep to [`crate::MAX_SHELL_BYTES`]: builds for tests are larger.
    pub within_promise: bool,
}

/// One file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its name in the folder.
    pub name: String,
    /// Its size.
    pub bytes: usize,
    /// Hex SHA-256.
    pub sha256: String,
}

/// Writes everything for Linux on 64-bit x86 into `out`.
///
/// # Errors
/// A part that is missing, a program that is none, a package that is too large, a disk that is full. Files that were
/// complete stay.
pub fn linux(parts: &Parts, release: &Release, out: &Path) -> Result<Vec<Written>, PackError> {
    let (source, materials) = sources(parts, &sbom::ROOTS, release)?;
    let tree = layout::tree(&source)?;
    let needs = depends::of(programs(&tree))?;
    let packages = [
        (deb::file_name(release), deb::package(&source, &tree, &needs, release)?),
        (redhat::file_name(release), redhat::package(&tree, &needs, release)?),
        (portable::file_name(release), portable::package(&source, &tree, release)?),
        (update::linux_name(release), update::linux(programs(&tree), release)?),
        (format!("covey-{}-linux.cdx.json", release.version), materials),
    ];
    put_all(parts, packages.into(), out)
}

/// Writes Windows' setup into `out`.
///
/// # Errors
/// As [`linux`].
pub fn windows_setup(parts: &Parts, release: &Release, out: &Path) -> Result<Vec<Written>, PackError> {
    let roots: &[&str] =
        if windows::has_peer(&parts.programs) { &["covey", "peer", "signer"] } else { &["covey", "signer"] };
    let (source, materials) = sources(parts, roots, release)?;
    let programs = windows::programs(&parts.programs)?;
    let update = update::windows(programs.iter().map(|(name, bytes)| (*name, bytes.as_slice())))?;
    let packages = [
        (windows::file_name(release), windows::package(&source, &programs, &out.join("stage"), release)?),
        (update::windows_name(release), update),
        (format!("covey-{}-windows.cdx.json", release.version), materials),
    ];
    put_all(parts, packages.into(), out)
}

/// Where files come from, and the bill of materials.
fn sources(parts: &Parts, roots: &[&str], release: &Release) -> Result<(Source, Vec<u8>), PackError> {
    let components = sbom::components(&parts.metadata, roots)?;
    let lock = std::fs::read_to_string(parts.root.join("Cargo.lock")).map_err(PackError::io("Cargo.lock"))?;
    let source = Source {
        root: parts.root.clone(),
        programs: parts.programs.clone(),
        third_party: licences::text(&components)?,
    };
    Ok((source, sbom::document(&components, &lock, release)?.into_bytes()))
}

fn put_all(parts: &Parts, packages: Vec<(String, Vec<u8>)>, out: &Path) -> Result<Vec<Written>, PackError> {
    for (name, bytes) in packages.iter().filter(|_| parts.within_promise) {
        within_promise(name, bytes)?;
    }
    std::fs::create_dir_all(out).map_err(PackError::io(out.display().to_string()))?;
    let mut written = Vec::new();
    for (name, bytes) in packages {
        put(out, &name, &bytes)?;
        written.push(Written { bytes: bytes.len(), sha256: hex::encode(Sha256::digest(&bytes)), name });
    }
    let sums: String = written.iter().map(|file| format!("{}  {}\n", file.sha256, file.name)).collect();
    put(out, "SHA256SUMS", sums.as_bytes())?;
    Ok(written)
}

/// The programs of a tree, by name.
fn programs(tree: &Tree) -> impl Iterator<Item = (&str, &[u8])> {
    layout::PROGRAMS.into_iter().filter_map(|name| Some((name, tree.bytes(&format!("lib/covey/{name}"))?)))
}

fn put(out: &Path, name: &str, bytes: &[u8]) -> Result<(), PackError> {
    let partial = out.join(format!("{name}.part"));
    let put = std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, out.join(name)));
    put.map_err(PackError::io(out.join(name).display().to_string()))
}
