//! The folder of wallets, and one wallet's file in it.
//!
//! In: `--dir` and `--wallet`. Out: paths. It makes the folder for its owner only, and only when something goes in.

use std::path::PathBuf;

use anyhow::Context as _;

use super::{WalletArgs, refuse};
use crate::home::{wallet_folder, wallet_path};
use crate::keep;

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
    /// Refuses early what the vault would refuse at the end, before a person has written words down for nothing.
    pub(crate) fn must_be_free(&self) -> anyhow::Result<()> {
        Ok(keep::must_be_free(&self.folder, &self.name)?)
    }

    /// Names of all wallets in the folder, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        keep::wallet_names(&self.folder)
    }
}
