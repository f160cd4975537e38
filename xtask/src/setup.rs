//! `cargo xtask setup`: everything a build needs that cargo does not fetch.
//!
//! Each step first looks whether it is done, so a second run changes nothing, and an interrupted one goes on. Two
//! set-ups at once wait for each other. It never deletes a folder that it did not make itself, and where it can't go
//! on it says in one sentence what is missing.

pub(crate) mod libtorch;
pub(crate) mod packages;
pub(crate) mod text;

use crate::command_line::{SetupOptions, TextChoice};
use crate::place::Place;
use crate::say;
use anyhow::{Context as _, Result};
use std::fs::File;
use std::path::PathBuf;

/// What set-up leaves behind.
#[derive(Debug)]
pub(crate) struct Ready {
    /// A text to train on; `None` where it can't be had and the rehearsal makes its own stories.
    pub(crate) corpus: Option<PathBuf>,
}

/// Makes the machine ready to build and rehearse.
pub(crate) fn setup(place: &Place, options: SetupOptions) -> Result<Ready> {
    println!("set-up");
    std::fs::create_dir_all(&place.cache).with_context(|| format!("{} can't be made", place.cache.display()))?;
    let _lock = lock(place)?;
    let libtorch = libtorch::state(place);
    packages::install_missing(&packages::missing(&libtorch), options.consent)?;
    libtorch::provide(place, libtorch)?;
    let corpus = match options.text {
        TextChoice::Fetch => text::provide(place),
        TextChoice::Skip => None,
    };
    Ok(Ready { corpus })
}

/// Held until set-up ends; the system frees it if we are killed.
fn lock(place: &Place) -> Result<File> {
    let path = place.cache.join("setup.lock");
    let file = File::create(&path).with_context(|| format!("{} can't be written", path.display()))?;
    if file.try_lock().is_err() {
        say::doing("another set-up is running; waiting for it");
        file.lock().with_context(|| format!("{} can't be locked", path.display()))?;
    }
    Ok(file)
}
