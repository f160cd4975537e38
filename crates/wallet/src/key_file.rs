//! A hotkey in a plain file, for rehearsals and test runs without a vault.
//!
//! In: a path. Out: a signer. The seed stands in the file unencrypted, so the file is made readable for its owner only
//! and one that others may read is refused; it never overwrites a file. A hotkey that earns belongs in the vault.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::{Hotkey, SignError, Signer};
use zeroize::Zeroizing;

use crate::local::new_seed;
use crate::{LocalSigner, private_file};

/// An honest file has about 260 bytes.
const MAX_FILE_BYTES: u64 = 2048;
const VERSION: u32 = 1;
const WARNING: &str =
    "plain secret, for rehearsals and test runs only; whoever reads this file can sign as this hotkey";

/// Why a key file was not made or not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The system refused.
    #[error("key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is a file already; a key is never overwritten.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others may read or write it.
    #[error("{} may be used by others (mode {mode:o}); allow it to its owner only (mode 600)", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a key file of this version.
    #[error("{} is no key file: {why}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong; never quotes the file.
        why: &'static str,
    },
    /// No randomness for a new key.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Makes and opens plain key files.
#[derive(Debug, Clone, Copy)]
pub struct KeyFile;

#[derive(Serialize)]
struct Written<'a> {
    covey_key_file: u32,
    warning: &'a str,
    hotkey: Hotkey,
    seed: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    covey_key_file: u32,
    #[serde(rename = "warning")]
    _warning: &'a str,
    hotkey: Hotkey,
    /// Borrowed from the wiped buffer, so that no copy stays behind.
    seed: &'a str,
}

impl KeyFile {
    /// Makes a new key and a file for it, readable for its owner only (on Windows it inherits the folder's access list).
    ///
    /// # Errors
    /// [`KeyFileError::Exists`] if something stands at `path`; then nothing is changed.
    pub fn create_new(path: &Path) -> Result<LocalSigner, KeyFileError> {
        let seed = new_seed()?;
        let signer = LocalSigner::from_seed(&seed);
        let mut seed_hex = Zeroizing::new([0u8; 64]);
        // 64 bytes hold 32 in hex: there is no failing case.
        let _ = hex::encode_to_slice(seed.as_slice(), seed_hex.as_mut_slice());
        let seed_hex = std::str::from_utf8(seed_hex.as_slice()).unwrap_or_default();
        let written = Written { covey_key_file: VERSION, warning: WARNING, hotkey: signer.hotkey(), seed: seed_hex };
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE_BYTES as usize));
        let io_error = |source: io::Error| KeyFileError::Io { path: path.to_owned(), source };
        serde_json::to_writer_pretty(&mut *text, &written).map_err(|e| io_error(e.into()))?;
        private_file::create(path, &text).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.to_owned() },
            _ => io_error(e),
        })?;
        Ok(signer)
    }

    /// Opens a key file.
    ///
    /// # Errors
    /// [`KeyFileError::Exposed`] on Unix if anybody but the owner may use the file, [`KeyFileError::Format`] for anything
    /// that is no key file.
    pub fn open(path: &Path) -> Result<LocalSigner, KeyFileError> {
        let io_error = |source: io::Error| KeyFileError::Io { path: path.to_owned(), source };
        let format = |why: &'static str| KeyFileError::Format { path: path.to_owned(), why };
        let text = private_file::read(path, MAX_FILE_BYTES).map_err(|e| match e.kind() {
            io::ErrorKind::InvalidInput => format("not a regular file"),
            io::ErrorKind::FileTooLarge => format("too long"),
            _ => io_error(e),
        })?;
        if let Some(mode) = private_file::exposed_mode(&std::fs::metadata(path).map_err(io_error)?) {
            return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
        }
        let stored: Stored<'_> = serde_json::from_slice(&text).map_err(|_| format("not its JSON"))?;
        if stored.covey_key_file != VERSION {
            return Err(format("made by another version"));
        }
        let mut seed = Zeroizing::new([0u8; 32]);
        hex::decode_to_slice(stored.seed, seed.as_mut_slice())
            .map_err(|_| format("the seed is not 32 bytes in hex"))?;
        let signer = LocalSigner::from_seed(&seed);
        if signer.hotkey() != stored.hotkey {
            return Err(format("seed and hotkey do not belong together"));
        }
        Ok(signer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hotkey.json");
        let made = KeyFile::create_new(&path).unwrap();
        assert_eq!(KeyFile::open(&path).unwrap().hotkey(), made.hotkey());
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(KeyFile::create_new(&path), Err(KeyFileError::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert!(String::from_utf8(before).unwrap().contains("rehearsals and test runs only"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hotkey.json");
        KeyFile::create_new(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(KeyFile::open(&path), Err(KeyFileError::Exposed { mode: m, .. }) if m == mode));
        }
    }

    #[test]
    fn what_is_no_key_file_is_refused_and_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let check = |name: &str, text: &[u8]| {
            let path = dir.path().join(name);
            private_file::create(&path, text).unwrap();
            let error = KeyFile::open(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Format { .. }), "{name}: {error}");
            assert!(!error.to_string().contains("5e5e"), "{error}");
        };
        check("empty", b"");
        check("long", &vec![b' '; 1 << 16]);
        check("other", b"{\"seed\":\"5e5e\"}");
        let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        let file = |version: u32, seed: &str| {
            format!("{{\"covey_key_file\":{version},\"warning\":\"\",\"hotkey\":\"{alice}\",\"seed\":\"{seed}\"}}")
        };
        check("short seed", file(1, "5e5e").as_bytes());
        check("another key's seed", file(1, &"5e".repeat(32)).as_bytes());
        check("later version", file(2, &"5e".repeat(32)).as_bytes());
    }
}
