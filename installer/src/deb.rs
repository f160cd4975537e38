//! Debian's package: an `ar` of a format number, a control archive and a data archive.
//!
//! In: the files below `usr/`, dependencies, the maintainer's scripts. Out: the bytes of a `.deb`. Removal leaves every
//! user's data alone; `apt purge` asks whether to delete it, as each user and never a key (`linux/debian/postrm`).
//! Source: deb(5), deb-control(5), debian-policy § 5 and 6.

use crate::depends::{DEBIAN_RECOMMENDS, Dependencies};
use crate::layout::Source;
use crate::tree::{Entry, Tree};
use crate::{PackError, Release, pack};
use md5::{Digest as _, Md5};
use std::fmt::Write as _;

/// The mark in `postrm` at which `clear-data.sh` is put: when a package is purged, its files are gone already.
const CLEAR_DATA: &str = "@CLEAR_DATA@\n";

/// `covey_1.2.3_amd64.deb`
#[must_use]
pub fn file_name(release: &Release) -> String {
    format!("covey_{}_amd64.deb", release.sortable_version())
}

/// The whole package. `tree` is what lies below `usr/`.
///
/// # Errors
/// A part that is missing.
pub fn package(source: &Source, tree: &Tree, needs: &Dependencies, release: &Release) -> Result<Vec<u8>, PackError> {
    let tree = tree.clone().below("usr");
    let mut control = Tree::default();
    control.file("control", control_file(&tree, needs, release))?;
    control.file("md5sums", md5sums(&tree))?;
    control.program("postinst", source.text("installer/linux/debian/postinst")?)?;
    control.file("templates", source.text("installer/linux/debian/templates")?)?;
    control.program("postrm", postrm(source)?)?;
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.zst", pack::zstd(&pack::tar(&control, "./", release.time)?)?),
        ("data.tar.zst", pack::zstd(&pack::tar(&tree, "./", release.time)?)?),
    ];
    Ok(ar(&members, release.time))
}

/// deb-control(5). Installed-Size is in KiB.
fn control_file(tree: &Tree, needs: &Dependencies, release: &Release) -> String {
    format!(
        "Package: covey\nVersion: {}\nArchitecture: amd64\nMaintainer: The Covey authors <covey@localhost>\n\
         Installed-Size: {}\nDepends: {}\nRecommends: {DEBIAN_RECOMMENDS}\nSection: science\nPriority: optional\n\
         Description: train large language models together, over the internet\n \
         Covey lends this computer to open pre-training runs: a tray icon and a window,\n \
         a training peer, and a signer that keeps the key to itself.\n .\n \
         The engine (libtorch) is not part of this package: the app fetches what fits\n \
         this computer when it is first needed.\n",
        release.sortable_version(),
        tree.size().div_ceil(1024),
        needs.debian.join(", "),
    )
}

/// What `dpkg --verify` compares.
fn md5sums(tree: &Tree) -> String {
    let mut lines = String::new();
    for (path, entry) in tree.entries() {
        if let Entry::File { bytes, .. } = entry {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{}  {path}", hex::encode(Md5::digest(bytes)));
        }
    }
    lines
}

fn postrm(source: &Source) -> Result<String, PackError> {
    let template = source.text("installer/linux/debian/postrm")?;
    if !template.contains(CLEAR_DATA) {
        return Err(PackError::Template { file: "installer/linux/debian/postrm", mark: "@CLEAR_DATA@" });
    }
    Ok(template.replace(CLEAR_DATA, &source.text("installer/linux/clear-data.sh")?))
}

/// The common `ar` format: 60-byte headers, members padded to even lengths.
fn ar(members: &[(&str, Vec<u8>)], time: u32) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        out.extend(format!("{name:<16}{time:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, "100644", bytes.len()).into_bytes());
        out.extend(bytes);
        if bytes.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}
