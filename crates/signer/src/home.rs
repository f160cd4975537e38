//! Where wallets are on this machine.
//!
//! In: the environment's folders (paths, nothing secret) and a wallet's name. Out: a path. It makes nothing.

use std::path::{Path, PathBuf};

/// The folder of this user's wallets; `None` where the system names no home.
pub fn wallet_folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = if cfg!(windows) {
        // Not the roaming profile: a wallet stays on its machine unless it is carried on purpose.
        named("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        named("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        named("XDG_DATA_HOME").or_else(|| named("HOME").map(|home| home.join(".local/share")))
    };
    data.map(|data| data.join("covey").join("wallets"))
}

/// A wallet's file in a folder of wallets.
pub fn wallet_path(folder: &Path, name: &str) -> PathBuf {
    // Not `with_extension`: a name may have a dot.
    folder.join(format!("{name}.vault"))
}
