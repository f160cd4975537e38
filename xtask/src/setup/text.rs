//! A text to train on: Debian's `dict-gcide`, 40 MB of English, fetched by package name and unpacked in the cache.
//!
//! Needs no root (nothing is installed). Where it can't be had the rehearsal writes its own stories, so nothing here
//! fails set-up: it says what happened and goes on. The text stays compressed as Debian ships it; the data tools read
//! it so.

use super::packages;
use crate::place::Place;
use crate::{machine, say};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Debian's package of the GNU Collaborative International Dictionary of English.
const PACKAGE: &str = "dict-gcide";
/// The text inside the package.
const MEMBER: &str = "usr/share/dictd/gcide.dict.dz";
/// SHA-256 of that file in version 0.48.5+nmu2 (Debian 12). Figures in docs/ were measured on this text.
const KNOWN_SHA256: &str = "3e6b2cdcbc1b3664c2f1466e3c8e44012e815c4c67fa83fa61f39777cd6e8517";
/// Package, unpacked folder and text side by side.
const NEED_BYTES: u64 = 60_000_000;

/// Where the text lies once fetched.
pub(crate) fn path(place: &Place) -> PathBuf {
    place.cache.join("text").join("gcide.dict.dz")
}

/// The text, fetched now or earlier; `None`, with a note, where it can't be had.
pub(crate) fn provide(place: &Place) -> Option<PathBuf> {
    let text = path(place);
    if text.is_file() {
        say::already("text", "English dictionary (Debian's dict-gcide, 40 MB)");
        return Some(text);
    }
    let since = Instant::now();
    match fetch(place, &text) {
        Ok(()) => {
            say::made("text", "English dictionary (Debian's dict-gcide, 40 MB)", since);
            Some(text)
        }
        Err(error) => {
            say::note(&format!("no text was fetched ({error:#}); the rehearsal will train on stories it makes itself"));
            None
        }
    }
}

fn fetch(place: &Place, text: &Path) -> Result<()> {
    if !machine::runs("apt-get", &["--version"]) || !machine::runs("dpkg-deb", &["--version"]) {
        bail!("this machine has no apt-get");
    }
    if machine::free_bytes(&place.cache).is_some_and(|free| free < NEED_BYTES) {
        bail!("less than {} of free disk", say::bytes(NEED_BYTES));
    }
    say::doing("downloading the text dict-gcide (15 MB)");
    let work = place.cache.join("text.tmp");
    if work.exists() {
        fs::remove_dir_all(&work).context("an old download can't be removed")?;
    }
    fs::create_dir_all(&work).context("the cache can't be written")?;
    download(&work)?;
    let package = fs::read_dir(&work)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get fetched no package")?;
    let unpacked = work.join("unpacked");
    let status = Command::new("dpkg-deb").arg("-x").args([&package, &unpacked]).stdin(Stdio::null()).status()?;
    if !status.success() {
        bail!("the package can't be unpacked");
    }
    let found = unpacked.join(MEMBER);
    let hash = machine::sha256(&found)?;
    if hash != KNOWN_SHA256 {
        say::note(&format!("this dict-gcide holds another text than the documented figures were measured on ({hash})"));
    }
    fs::create_dir_all(text.parent().unwrap_or(&place.cache)).context("the cache can't be written")?;
    fs::write(text.with_extension("dz.sha256"), format!("{hash}  gcide.dict.dz\n"))?;
    fs::rename(&found, text).context("the text can't be put in place")?;
    fs::remove_dir_all(&work).ok();
    Ok(())
}

/// `apt-get download`, after refreshing the package lists if the first try finds nothing and we may.
fn download(work: &Path) -> Result<()> {
    let try_once = || {
        let mut command = Command::new("apt-get");
        // apt drops root's rights to a user who can't enter the cache; saying so is noise here.
        command.args(["-q=2", "-o", "APT::Sandbox::User=root", "download", PACKAGE]);
        command.current_dir(work).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if try_once() || (machine::is_root() && packages::apt(true, &["update", "-q=2"]).is_ok() && try_once()) {
        return Ok(());
    }
    bail!("apt-get can't download {PACKAGE}: no network, or its package lists are old (`apt-get update` as root)")
}
