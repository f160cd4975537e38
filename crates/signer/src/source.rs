//! Where the key is that a signer process signs with.
//!
//! In: a path to a key file or a vault, and who knows its passphrase. Out: the key and the name of its log. It refuses a
//! vault that nobody can open, in the words of whoever could not.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use keychain::{Keychain, LockError, Opened, open_vault};
use types::Problem;
use wallet::{KeyFile, KeyFileError, LocalSigner, Passphrase, SealError, Vault, VaultError, WalletInfo};

use crate::passphrase;
use crate::secret_file::From;

/// In place of a passphrase's file: the app sends it over standard input, and is told in a line why there is no key.
pub(crate) const FROM_STDIN: &str = "-";
/// How often a person may mistype before the process gives up; argon2 makes each try slow.
pub(crate) const TRIES: usize = 3;

/// A signer's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A plain key file, for rehearsals and test runs.
    KeyFile(PathBuf),
    /// A wallet.
    Vault {
        /// Its file.
        path: PathBuf,
        /// A file with its passphrase, readable for its owner only; `-`: the first line of standard input, which is
        /// empty if the keychain opens the vault.
        passphrase_file: Option<PathBuf>,
    },
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The vault, its keychain or its passphrase.
    #[error("{}", .0.problem())]
    Vault(#[from] LockError),
}

impl SourceError {
    /// What a person is told.
    pub(crate) fn problem(&self) -> Problem {
        match self {
            Self::KeyFile(error) => Problem::new("key_file", "The key file was not opened", error.to_string()),
            Self::Vault(error) => error.problem(),
        }
    }
}

impl KeySource {
    /// The arguments of `covey-peer signer` that name this source: paths, never a secret.
    pub fn arguments(&self) -> Vec<OsString> {
        match self {
            Self::KeyFile(path) => vec!["--key".into(), path.into()],
            Self::Vault { path, passphrase_file } => {
                let mut arguments = vec!["--vault".into(), path.into()];
                if let Some(file) = passphrase_file {
                    arguments.extend(["--passphrase-file".into(), file.into()]);
                }
                arguments
            }
        }
    }

    /// Whether the app is on the other side of standard input and output.
    pub(crate) fn is_for_the_app(&self) -> bool {
        matches!(self, Self::Vault { passphrase_file: Some(file), .. } if file.as_os_str() == FROM_STDIN)
    }

    /// The file whose key this is.
    pub fn path(&self) -> &Path {
        match self {
            Self::KeyFile(path) | Self::Vault { path, .. } => path,
        }
    }

    /// Opens it; may ask at the terminal or on the screen.
    pub(crate) fn open(&self, keychain: &dyn Keychain) -> Result<LocalSigner, SourceError> {
        match self {
            Self::KeyFile(path) => Ok(KeyFile::open(path)?),
            Self::Vault { path, .. } if self.is_for_the_app() => {
                // Read before anything else: a broken pipe is no locked keychain.
                let mut sent = Some(passphrase::from_stdin());
                let mut passphrase = || match sent.take() {
                    Some(Ok(Some(passphrase))) => Ok(passphrase),
                    Some(Err(why)) => Err(why),
                    Some(Ok(None)) | None => Err("Type its passphrase to unlock it.".to_owned()),
                };
                let opened = open_vault(path, keychain, &mut passphrase)?;
                Ok(opened.secret.signer())
            }
            Self::Vault { path, passphrase_file } => {
                let opened =
                    open_wallet(path, passphrase_file.as_deref(), keychain, TRIES, &mut passphrase::from_terminal)?;
                Ok(opened.secret.signer())
            }
        }
    }
}

/// Opens a vault by whatever knows how: a named file, systemd's credential, the keychain, or a person, who has some tries.
pub(crate) fn open_wallet(
    path: &Path,
    passphrase_file: Option<&Path>,
    keychain: &dyn Keychain,
    tries: usize,
    ask: &mut dyn FnMut(&WalletInfo) -> Result<Passphrase, String>,
) -> Result<Opened, LockError> {
    let info = Vault::read(path)?.info().clone();
    if let Some(file) = passphrase_file {
        return open_vault(path, keychain, &mut || passphrase::from_file(file, From::Person));
    }
    if let Some(file) = passphrase::credential_file() {
        return open_vault(path, keychain, &mut || passphrase::from_file(&file, From::System));
    }
    for left in (1..tries).rev() {
        match open_vault(path, keychain, &mut || ask(&info)) {
            Err(LockError::Vault(VaultError::Seal(SealError::Refused))) => {
                eprintln!("That passphrase does not open the wallet. Try again; {left} left.");
            }
            result => return result,
        }
    }
    open_vault(path, keychain, &mut || ask(&info))
}

/// Arguments that name a key.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    /// A wallet's file.
    #[arg(long, value_name = "FILE", required_unless_present = "key")]
    pub vault: Option<PathBuf>,
    /// A plain key file, for rehearsals and test runs.
    #[arg(long, value_name = "FILE", conflicts_with = "vault")]
    pub key: Option<PathBuf>,
    /// File with the wallet's passphrase (mode 600), instead of asking for it; `-`: the first line of standard input.
    #[arg(long, value_name = "FILE", requires = "vault")]
    pub passphrase_file: Option<PathBuf>,
}

impl SourceArgs {
    /// What they name; the parser has seen to it that it is one of the two.
    pub fn source(&self) -> KeySource {
        match (&self.vault, &self.key) {
            (Some(path), _) => KeySource::Vault { path: path.clone(), passphrase_file: self.passphrase_file.clone() },
            (None, key) => KeySource::KeyFile(key.clone().unwrap_or_default()),
        }
    }
}
