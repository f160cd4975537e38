//! Everything that is done with vault files, by whoever may block.
//!
//! In: names, secrets on their way to or from a file, the keychain. Out: facts, or a [`Problem`] and nothing changed. A
//! wallet is never overwritten, and no secret outlives the call but in a [`Backup`], which is wiped when dropped.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use keychain::{Keychain, LockError, Opened, open_vault};
use signer::keep::{self, NewLock};
use types::{Coldkey, Hotkey, Problem};
use view_model::{KeychainState, Secret, WalletRow};
use wallet::{Capsule, CapsuleError, CapsuleInfo, CapsuleParts, LockKind, RecoveryWords, Vault, WalletInfo};
use wallet::{WalletSecret, WordCount, export_btcli};

use crate::notes::Notes;

mod backup;
mod import;

pub(crate) use backup::Backup;

/// The hotkey's name in a folder for btcli.
const BTCLI_HOTKEY: &str = "default";

/// The wallets of one folder. All calls block; those that derive keys or ask the keychain take up to minutes.
#[derive(Clone)]
pub struct Vaults {
    folder: PathBuf,
    keychain: Arc<dyn Keychain>,
}

impl Vaults {
    /// Wallets of a folder, which need not be there yet.
    pub fn new(folder: PathBuf, keychain: Arc<dyn Keychain>) -> Self {
        Self { folder, keychain }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A wallet's file.
    ///
    /// # Errors
    /// A name that is none.
    pub fn file(&self, name: &str) -> Result<PathBuf, Problem> {
        // Names from outside never lead out of the folder.
        let info = WalletInfo::new(name, Hotkey([0; 32]), 0);
        info.map(|info| signer::wallet_path(&self.folder, &info.name)).map_err(|error| {
            Problem::new("wallet_name", "A wallet cannot have that name", format!("Choose another one: {error}."))
        })
    }

    /// The wallets, those in use first, and what is wrong with one that does not read.
    pub fn rows(&self, unlocked: &BTreeMap<String, Hotkey>) -> (Vec<WalletRow>, Option<Problem>) {
        let (notes, mut problem) = match Notes::read(&self.folder) {
            Ok(notes) => (notes, None),
            Err(problem) => (Notes::default(), Some(problem)),
        };
        let mut rows = Vec::new();
        for name in keep::wallet_names(&self.folder) {
            match Vault::read(&signer::wallet_path(&self.folder, &name)) {
                Ok(vault) => rows.push(row(&name, &vault, &notes, unlocked.contains_key(&name))),
                Err(error) => problem = Some(LockError::from(error).problem()),
            }
        }
        rows.sort_by_key(|row| !row.unlocked);
        (rows, problem)
    }

    /// Asks the keychain: writes, reads and deletes.
    pub fn probe(&self) -> KeychainState {
        match self.keychain.probe() {
            Ok(()) => KeychainState::Ready,
            Err(error) => KeychainState::Unusable(error.problem()),
        }
    }

    /// Makes a wallet and begins its backup.
    ///
    /// # Errors
    /// Nothing was made.
    pub(crate) fn create(
        &self,
        name: &str,
        words: u32,
        passphrase: Option<Secret>,
    ) -> Result<(WalletInfo, Box<Backup>), Problem> {
        let count = match words {
            12 => WordCount::Twelve,
            24 => WordCount::TwentyFour,
            _ => return Err(Problem::new("word_count", "There are 12 or 24 recovery words", "Choose one of the two.")),
        };
        self.file(name)?;
        keep::must_be_free(&self.folder, name)?;
        let lock = new_lock(passphrase)?;
        let words = RecoveryWords::generate(count).map_err(|error| failed(&error.to_string()))?;
        let secret = WalletSecret::from_words(words, "").map_err(|error| failed(&error.to_string()))?;
        let info = self.save(name, &secret, None, false, &lock)?;
        let passphrase = match lock {
            NewLock::Passphrase(passphrase) => Some(passphrase),
            NewLock::Keychain => None,
        };
        let mut passphrase = passphrase.map(Ok);
        let mut again = || passphrase.take().unwrap_or_else(|| Err("the keychain opens it".to_owned()));
        let opened = open_vault(&self.file(name)?, &*self.keychain, &mut again).map_err(|error| error.problem())?;
        Ok((info, Backup::begin(opened)?))
    }

    /// Saves a new wallet; takes up the payout address that waited for one.
    fn save(
        &self,
        name: &str,
        secret: &WalletSecret,
        payout: Option<Coldkey>,
        backed_up: bool,
        lock: &NewLock,
    ) -> Result<WalletInfo, Problem> {
        // A damaged file of addresses hinders no wallet, and is left as it is.
        let notes = Notes::read(&self.folder).ok();
        let mut info = WalletInfo::new(name, secret.hotkey(), now_ms()).map_err(|error| failed(&error.to_string()))?;
        info.payout = payout.or(notes.as_ref().and_then(|notes| notes.get(None)));
        info.backed_up = backed_up;
        keep::save_wallet(&self.folder, &info, secret, lock, &*self.keychain)?;
        // The wallet is safe; a note too many is only an address shown for nobody, and an old one of that name is wrong.
        if let Some(mut notes) = notes {
            let stale = notes.set(Some(name), None);
            if notes.set(None, None) || stale {
                let _ = notes.write(&self.folder);
            }
        }
        Ok(info)
    }

    /// Opens a wallet to show its words.
    pub(crate) fn begin_backup(&self, name: &str, passphrase: Option<Secret>) -> Result<Box<Backup>, Problem> {
        Backup::begin(self.open(name, passphrase)?)
    }

    /// Says where pay goes: in the vault if the keychain opens it, else in a note beside it.
    pub(crate) fn set_payout(&self, name: Option<&str>, address: &str) -> Result<Coldkey, Problem> {
        let coldkey: Coldkey = address.trim().parse().map_err(|error: types::KeyError| {
            Problem::new(
                "payout_address",
                "That is no address of Bittensor",
                format!("It is {error}. Copy it again from where it is shown; do not type it."),
            )
        })?;
        let mut notes = Notes::read(&self.folder)?;
        let Some(name) = name else {
            notes.set(None, Some(coldkey));
            notes.write(&self.folder)?;
            return Ok(coldkey);
        };
        let vault = self.read(name)?;
        if matches!(vault.lock_kind(), LockKind::Keychain { .. }) {
            let Opened { mut vault, secret, held } = self.open(name, None)?;
            drop(secret);
            let info = WalletInfo { payout: Some(coldkey), ..vault.info().clone() };
            vault.update_info(held.lock(), &info).map_err(|error| LockError::from(error).problem())?;
            if notes.set(Some(name), None) {
                notes.write(&self.folder)?;
            }
        } else {
            notes.set(Some(name), Some(coldkey));
            notes.write(&self.folder)?;
        }
        Ok(coldkey)
    }

    /// Writes a wallet that btcli opens; the folder made.
    pub(crate) fn export(
        &self,
        name: &str,
        passphrase: Option<Secret>,
        password: Secret,
        folder: &str,
    ) -> Result<PathBuf, Problem> {
        let password = keep::new_passphrase(password.into_text())?;
        let opened = self.open(name, passphrase)?;
        let payout = self.payout(opened.vault.info());
        export_btcli(Path::new(folder), name, BTCLI_HOTKEY, &opened.secret, payout, Some(&password))
            .map_err(|error| Problem::new("btcli_export", "The wallet was not exported", format!("{error}.")))
    }

    /// Writes a capsule.
    pub(crate) fn migrate(
        &self,
        name: &str,
        passphrase: Option<Secret>,
        capsule: Secret,
        path: &Path,
        parts: &[(String, PathBuf)],
    ) -> Result<(), Problem> {
        let refused = |why: String| Problem::new("capsule", "The file for the other computer was not written", why);
        let capsule = keep::new_passphrase(capsule.into_text())?;
        let mut carried = CapsuleParts::default();
        for (part, file) in parts {
            match keep::read_part(file) {
                Ok(bytes) => carried.insert(part, bytes).map_err(|error| refused(format!("{error}.")))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(refused(format!("{} cannot be included: {error}.", file.display()))),
            }
        }
        let opened = self.open(name, passphrase)?;
        let mut wallet = opened.vault.info().clone();
        wallet.payout = self.payout(&wallet);
        let info = CapsuleInfo { wallet, made_at_ms: now_ms() };
        Capsule::seal(path, &info, &opened.secret, &carried, &capsule).map_err(|error| match error {
            CapsuleError::Exists { .. } => Problem::new(
                "capsule_exists",
                "There is a file of that name already",
                "It is not overwritten: name another one.",
            ),
            other => refused(format!("{other}.")),
        })
    }

    /// Removes a wallet.
    pub(crate) fn remove(&self, name: &str, typed: &str) -> Result<(), Problem> {
        let left = keep::remove_wallet(&self.file(name)?, typed.trim(), false, &*self.keychain)?;
        if let Some(error) = left {
            tracing::warn!("an item that opens nothing any more stays in the keychain: {error}");
        }
        let mut notes = Notes::read(&self.folder)?;
        if notes.set(Some(name), None) { notes.write(&self.folder) } else { Ok(()) }
    }

    /// A note overrules the vault: it was written when the vault could not be.
    fn payout(&self, info: &WalletInfo) -> Option<Coldkey> {
        Notes::read(&self.folder).ok().and_then(|notes| notes.get(Some(&info.name))).or(info.payout)
    }

    fn read(&self, name: &str) -> Result<Vault, Problem> {
        Vault::read(&self.file(name)?).map_err(|error| LockError::from(error).problem())
    }

    fn open(&self, name: &str, passphrase: Option<Secret>) -> Result<Opened, Problem> {
        let file = self.file(name)?;
        let passphrase = passphrase.map(|text| keep::given_passphrase(text.into_text())).transpose()?;
        let mut passphrase = passphrase.map(Ok);
        let mut ask = || passphrase.take().unwrap_or_else(|| Err("Type its passphrase.".to_owned()));
        open_vault(&file, &*self.keychain, &mut ask).map_err(|error| error.problem())
    }
}

fn row(name: &str, vault: &Vault, notes: &Notes, unlocked: bool) -> WalletRow {
    let info = vault.info();
    WalletRow {
        name: name.to_owned(),
        hotkey: info.hotkey.ss58(),
        payout: notes.get(Some(name)).or(info.payout).map(|coldkey| coldkey.ss58()),
        backed_up: info.backed_up,
        has_words: vault.has_words(),
        keychain: matches!(vault.lock_kind(), LockKind::Keychain { .. }),
        unlocked,
    }
}

/// None typed: the keychain. It is asked when the wallet is saved.
fn new_lock(passphrase: Option<Secret>) -> Result<NewLock, Problem> {
    match passphrase {
        Some(text) => keep::new_passphrase(text.into_text()).map(NewLock::Passphrase),
        None => Ok(NewLock::Keychain),
    }
}

fn failed(why: &str) -> Problem {
    Problem::new("wallet_failed", "The wallet was not made", format!("{why}. Nothing was saved."))
}

/// Milliseconds since 1970, for the date in a wallet's facts.
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
pub(crate) mod tests;
