//! Where things lie: the checkout, the build folder and the user's cache.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// The folders that tasks read and write.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The checkout: the folder with the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's build folder: `$CARGO_TARGET_DIR`, else `target/` in the checkout.
    pub(crate) target: PathBuf,
    /// `$XDG_CACHE_HOME/covey`, else `~/.cache/covey`: shared by all checkouts of one user.
    pub(crate) cache: PathBuf,
}

impl Place {
    /// Reads the environment that cargo gives to `cargo run`.
    pub(crate) fn find() -> Result<Self> {
        let manifest_dir =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = manifest_dir.parent().context("xtask lies at the top of a file system")?.to_owned();
        let target = match absolute_var("CARGO_TARGET_DIR")? {
            Some(dir) => dir,
            None => root.join("target"),
        };
        let cache = match absolute_var("XDG_CACHE_HOME")? {
            Some(dir) => dir,
            None => absolute_var("HOME")?
                .context("neither XDG_CACHE_HOME nor HOME is set, so there is no place to keep downloads")?
                .join(".cache"),
        };
        Ok(Self { root, target, cache: cache.join("covey") })
    }

    /// A program built with `--release`.
    pub(crate) fn release_program(&self, name: &str) -> PathBuf {
        self.target.join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The link through which the build finds libtorch.
    pub(crate) fn libtorch_link(&self) -> PathBuf {
        self.root.join("third_party").join("libtorch")
    }
}

fn absolute_var(name: &str) -> Result<Option<PathBuf>> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    Ok(Some(std::path::absolute(&value).with_context(|| format!("{name} is set to something that is no path"))?))
}

/// The nearest folder of `path` that exists: where free space is asked for before `path` is made.
pub(crate) fn existing_ancestor(path: &Path) -> &Path {
    path.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("/"))
}
