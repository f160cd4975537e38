//! Where the app's things are: its data folder, its socket, the programs beside it.
//!
//! In: the environment's folders. Out: paths. It makes nothing and reads nothing.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// Overrides the data folder: a second profile, or a test.
pub(crate) const DATA_DIR: &str = "COVEY_DATA_DIR";
/// The peer's program name.
const PEER: &str = "covey-peer";

/// Settings, session, logs: one folder of this user.
pub(crate) fn data_dir() -> Result<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(own) = named(DATA_DIR) {
        return Ok(own);
    }
    let base = if cfg!(windows) {
        named("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        named("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        named("XDG_DATA_HOME").or_else(|| named("HOME").map(|home| home.join(".local/share")))
    };
    Ok(base.context("this system names no home folder; set COVEY_DATA_DIR")?.join("covey"))
}

/// The socket on which the running app answers `covey ctl`.
pub(crate) fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("ctl.sock")
}

/// The folder of wallets: the one that `covey-peer wallet` uses, unless this is a profile of its own.
pub(crate) fn wallets(data_dir: &Path) -> PathBuf {
    data_dir.join("wallets")
}

/// Folder of engines in the data folder.
const PACKS: &str = "packs";

/// Puts the engine's folder into the environment of this process and its children, whether it is there yet or not: a
/// trainer that starts after it has come finds it. Must be called before there is a second thread.
pub(crate) fn name_the_engine() {
    let Ok(data_dir) = data_dir() else { return };
    let shelf = pack::Shelf::at(data_dir.join(PACKS));
    for (name, value) in shelf.variables(pack::TORCH, std::env::var_os(pack::SEARCH_PATH)) {
        // A CUDA half that somebody named is theirs.
        if name == pack::SEARCH_PATH || std::env::var_os(name).is_none() {
            // SAFETY: called first in `main`, when this thread is the only one.
            unsafe { std::env::set_var(name, value) };
        }
    }
}

/// The peer program in this program's own folder, and nowhere else: never one that happens to be on the path.
pub(crate) fn peer_beside() -> Result<PathBuf> {
    let own = own_program()?;
    Ok(own.with_file_name(format!("{PEER}{}", std::env::consts::EXE_SUFFIX)))
}

/// [`peer_beside`], if it is there.
pub(crate) fn peer() -> Result<PathBuf> {
    let program = peer_beside()?;
    if !program.is_file() {
        bail!("{} is missing; install both programs together, or build with `cargo xtask run`", program.display());
    }
    Ok(program)
}

/// This program.
pub(crate) fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("this program can't tell where it lies")
}

/// Whether there is a desktop to show a window on.
pub(crate) fn has_display() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
