//! The folder of wallets, and one wallet's file in it.
//!
//! In: `--dir` and `--wallet`. Out: paths. It makes the folder for its owner only, and only when something goes in.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{WalletArgs, refuse};
use crate::home::{wallet_folder, wallet_path};

/// Where one wallet is or would be.
pub(crate) struct Place {
    /// The wallet's name.
    pub(crate) name: String,
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The file.
    pub(crate) file: PathBuf,
}

pub(super) fn of(args: &WalletArgs) -> anyhow::Result<Place> {
    let folder =
        args.dir.clone().or_else(wallet_folder).ok_or_else(|| {
            refuse("no_home", "This user has no data folder", "Name a folder for wallets with --dir.")
        })?;
    let folder = std::path::absolute(&folder).with_context(|| folder.display().to_string())?;
    Ok(Place { name: args.wallet.clone(), file: wallet_path(&folder, &args.wallet), folder })
}

impl Place {
    /// Makes the folder, readable for its owner only.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        make_private(&self.folder).with_context(|| format!("the folder {} cannot be made", self.folder.display()))
    }

    /// Refuses early what the vault would refuse at the end, before a person has written words down for nothing.
    pub(crate) fn must_be_free(&self) -> anyhow::Result<()> {
        if self.file.exists() {
            return Err(refuse(
                "wallet_exists",
                format!("There is a wallet `{}` already, and it is not overwritten", self.name),
                "Give the new one another name with --wallet NAME.",
            ));
        }
        Ok(())
    }

    /// Names of all wallets in the folder, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let vaults = files.filter(|path| path.extension().is_some_and(|end| end == "vault"));
        let mut names: Vec<String> =
            vaults.filter_map(|path| path.file_stem().and_then(|name| name.to_str()).map(str::to_owned)).collect();
        names.sort();
        names
    }
}

/// Makes a folder for its owner only.
#[cfg(unix)]
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}
