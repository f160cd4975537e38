//! Wallets on the disk: how a new one gets there, how one leaves, and what a passphrase must be. The command line and the
//! app do it with the same code.
//!
//! In: a secret, a lock, the keychain. Out: a saved vault that was opened again before anybody relies on it, or nothing
//! changed and a [`Problem`]. A wallet is never overwritten.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use keychain::{KeyId, Keychain, KeychainError, LockError, forget_unless_used, open_vault, store_key};
use types::Problem;
use wallet::{Lock, LockKind, Passphrase, Vault, VaultError, WalletInfo, WalletSecret};
use zeroize::Zeroizing;

use crate::home::wallet_path;
use crate::passphrase;

/// Shorter passphrases are guessed, however slow each guess is.
pub const MIN_PASSPHRASE_CHARS: usize = 8;
/// A capsule holds less than this; what is longer is refused before it is read whole.
const MAX_PART_BYTES: u64 = 64 << 20;
/// Wallets listed of a folder; nobody has more.
const MAX_WALLETS: usize = 256;

/// The lock of a new vault.
pub enum NewLock {
    /// Typed.
    Passphrase(Passphrase),
    /// The keychain. It gets the key when the vault is saved.
    Keychain,
}

/// A passphrase for a new file: long enough, and not somebody's recovery words.
///
/// # Errors
/// A problem in words; the text is wiped.
pub fn new_passphrase(text: Zeroizing<String>) -> Result<Passphrase, Problem> {
    if text.chars().count() < MIN_PASSPHRASE_CHARS {
        return Err(Problem::new(
            "passphrase_short",
            format!("A passphrase has at least {MIN_PASSPHRASE_CHARS} characters"),
            "Four or five words that do not belong together are easy to keep in mind. Nothing was saved.",
        ));
    }
    given_passphrase(text)
}

/// A passphrase that opens something: any length, and not somebody's recovery words.
///
/// # Errors
/// A problem in words; the text is wiped.
pub fn given_passphrase(text: Zeroizing<String>) -> Result<Passphrase, Problem> {
    if passphrase::looks_like_words(&text) {
        return Err(passphrase::words_where_they_do_not_belong());
    }
    Passphrase::new(text).map_err(|error| {
        Problem::new("passphrase_unusable", "This is no passphrase", format!("It cannot be used: {error}."))
    })
}

/// Refuses early what the vault would refuse at the end, before a person has written words down for nothing.
///
/// # Errors
/// `wallet_exists`.
pub fn must_be_free(folder: &Path, name: &str) -> Result<(), Problem> {
    if wallet_path(folder, name).exists() { Err(exists(name)) } else { Ok(()) }
}

fn exists(name: &str) -> Problem {
    Problem::new(
        "wallet_exists",
        format!("There is a wallet `{name}` already, and it is not overwritten"),
        "Give the new one another name.",
    )
}

/// Names of all wallets in a folder, in order.
pub fn wallet_names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let vaults = files.filter(|path| path.extension().is_some_and(|end| end == "vault"));
    let mut names: Vec<String> = vaults
        .filter_map(|path| path.file_stem().and_then(|name| name.to_str()).map(str::to_owned))
        .take(MAX_WALLETS)
        .collect();
    names.sort();
    names
}

/// Saves a wallet into `folder`, which is made if it is not there, and opens it again as any later program will; if that
/// fails, nothing is left behind. Takes a fraction of a second, or as long as the keychain does: not for an async thread.
///
/// # Errors
/// A problem in words: `wallet_exists`, `wallet_folder`, the keychain's.
pub fn save_wallet(
    folder: &Path,
    info: &WalletInfo,
    secret: &WalletSecret,
    lock: &NewLock,
    keychain: &dyn Keychain,
) -> Result<PathBuf, Problem> {
    let file = wallet_path(folder, &info.name);
    make_private(folder).map_err(|error| folder_problem(folder, &error))?;
    match lock {
        NewLock::Passphrase(passphrase) => {
            let lock = Lock::Passphrase(passphrase);
            Vault::create(&file, info, secret, lock).map_err(|error| not_made(folder, info, error))?;
            let read_back = Vault::read(&file).and_then(|vault| vault.unlock(lock));
            keep_if_same(&file, secret, read_back.map_err(|error| LockError::from(error).problem()))?;
        }
        NewLock::Keychain => {
            let (id, key) = store_key(&info.name, keychain).map_err(|error| error.problem())?;
            let saved = Vault::create(&file, info, secret, Lock::WrappingKey { id: id.as_str(), key: &key });
            let result = saved.map_err(|error| not_made(folder, info, error)).and_then(|_| {
                let mut nobody = || Err("the vault should be locked by the keychain".to_owned());
                let opened = open_vault(&file, keychain, &mut nobody);
                keep_if_same(&file, secret, opened.map(|opened| opened.secret).map_err(|error| error.problem()))
            });
            if let Err(problem) = result {
                forget_unless_used(&file, &id, keychain);
                return Err(problem);
            }
        }
    }
    Ok(file)
}

fn not_made(folder: &Path, info: &WalletInfo, error: VaultError) -> Problem {
    match error {
        VaultError::Exists { .. } => exists(&info.name),
        VaultError::Io { source, .. } => folder_problem(folder, &source),
        other => LockError::from(other).problem(),
    }
}

/// The folder of wallets cannot be used.
pub fn folder_problem(folder: &Path, error: &io::Error) -> Problem {
    Problem::new(
        "wallet_folder",
        format!("The folder {} cannot be written", folder.display()),
        format!("The system says: {error}. Give yourself the right to write there, or make room on the disk."),
    )
}

/// Removes the vault that was just made if it does not open: it never will, and nothing has been paid to it yet.
fn keep_if_same(file: &Path, secret: &WalletSecret, read_back: Result<WalletSecret, Problem>) -> Result<(), Problem> {
    let other = || Problem::new("not_kept", "The wallet did not read back", "Nothing was saved. Check the disk.");
    let same = read_back.and_then(|read| if read.hotkey() == secret.hotkey() { Ok(()) } else { Err(other()) });
    if same.is_err() {
        let _ = std::fs::remove_file(file);
    }
    same
}

/// Removes a wallet: its file, then its item in the keychain. Without a proven backup only if `unproven` says so.
///
/// # Errors
/// `no_backup`, `not_confirmed` if `typed` is not the wallet's name, or why the file is still there. `Ok` holds why the
/// keychain's item could not be removed, if so; it opens nothing any more.
pub fn remove_wallet(
    file: &Path,
    typed: &str,
    unproven: bool,
    keychain: &dyn Keychain,
) -> Result<Option<KeychainError>, Problem> {
    let vault = Vault::read(file).map_err(|error| LockError::from(error).problem())?;
    let (info, kind) = (vault.info(), vault.lock_kind());
    if !info.backed_up && !unproven {
        return Err(Problem::new(
            "no_backup",
            format!("The recovery words of `{}` were never asked back", info.name),
            "Back it up first. If the wallet is truly worth nothing, `covey-peer wallet remove --even-without-backup` \
             removes it.",
        ));
    }
    if typed != info.name {
        return Err(Problem::new("not_confirmed", "The wallet was not removed", "What was typed is not its name."));
    }
    // The file first: a key without a file is harmless, a file without its key would be a lost wallet.
    std::fs::remove_file(file).map_err(|error| {
        Problem::new("wallet_not_removed", format!("{} cannot be removed", file.display()), error.to_string())
    })?;
    let LockKind::Keychain { id } = kind else { return Ok(None) };
    Ok(match KeyId::new(id).and_then(|id| keychain.delete(&id)) {
        Ok(()) | Err(KeychainError::Lost { .. }) => None,
        Err(error) => Some(error),
    })
}

/// A file that goes into a capsule: regular and bounded.
///
/// # Errors
/// What the system said, or why it is too much.
pub fn read_part(file: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let refused = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why);
    // Asked before opening: opening a pipe would wait for its other end.
    if !std::fs::metadata(file)?.is_file() {
        return Err(refused("it is no regular file"));
    }
    let file = File::open(file)?;
    let length = file.metadata()?.len();
    if length > MAX_PART_BYTES {
        return Err(refused("it is longer than 64 MiB"));
    }
    // Large enough from the start: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length as usize + 1));
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes a folder for its owner only.
#[cfg(unix)]
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}
