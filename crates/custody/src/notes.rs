//! Payout addresses that cannot stand in a vault: of a wallet whose passphrase was not typed, and of nobody's wallet yet.
//!
//! In: addresses, public. Out: a small file beside the vaults, replaced whole. A file that does not read is left as it is
//! and said.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::{Coldkey, Problem};

const FILE: &str = "payouts.json";
const VERSION: u32 = 1;
/// Some hundred wallets.
const MAX_BYTES: u64 = 64 * 1024;

/// Addresses by wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notes {
    version: u32,
    /// By wallet's name.
    wallets: BTreeMap<String, Coldkey>,
    /// For the next wallet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Coldkey>,
}

impl Default for Notes {
    fn default() -> Self {
        Self { version: VERSION, wallets: BTreeMap::new(), next: None }
    }
}

impl Notes {
    /// The address noted for a wallet, or for the next one.
    pub(crate) fn get(&self, name: Option<&str>) -> Option<Coldkey> {
        match name {
            Some(name) => self.wallets.get(name).copied(),
            None => self.next,
        }
    }

    /// Notes an address, or forgets it; whether that changed anything.
    pub(crate) fn set(&mut self, name: Option<&str>, address: Option<Coldkey>) -> bool {
        let before = match (name, address) {
            (Some(name), Some(address)) => self.wallets.insert(name.to_owned(), address),
            (Some(name), None) => self.wallets.remove(name),
            (None, address) => std::mem::replace(&mut self.next, address),
        };
        before != address
    }

    /// Reads the folder's file; none is no address.
    pub(crate) fn read(folder: &Path) -> Result<Self, Problem> {
        let path = folder.join(FILE);
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            // Where there is no folder of wallets there is no file in it; who writes one says what is in the way.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Err(error) => return Err(unreadable(&path, &error.to_string())),
        };
        let notes: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(&path, &error.to_string()))?;
        if notes.version != VERSION {
            return Err(unreadable(&path, &format!("it has version {}; this program knows {VERSION}", notes.version)));
        }
        Ok(notes)
    }

    /// Replaces the folder's file; the old or the new one stands there whenever the machine stops.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Problem> {
        let written = || {
            let (path, passing) = (folder.join(FILE), folder.join(format!(".{FILE}.{}.tmp", std::process::id())));
            fs::create_dir_all(folder)?;
            let done = (|| {
                let mut file = File::create(&passing)?;
                file.write_all(&serde_json::to_vec_pretty(self)?)?;
                file.sync_all()?;
                fs::rename(&passing, &path)
            })();
            if done.is_err() {
                let _ = fs::remove_file(&passing);
            }
            done
        };
        written().map_err(|error: io::Error| signer::keep::folder_problem(folder, &error))
    }
}

fn read(path: &PathBuf) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

fn unreadable(path: &Path, why: &str) -> Problem {
    Problem::new(
        "payouts_unreadable",
        "The file with payout addresses does not read",
        format!("{}: {why}. Mend it or move it away; no key is in it.", path.display()),
    )
}
