//! The two keys of a bucket: the one that writes, which nobody else may see, and the one that reads, which everybody may.
//!
//! In: a private file of two lines, or a chain's commitment. Out: a [`WriteKey`] that is wiped when it is dropped and has
//! no text form, and a [`ReadKey`]. Refused: a write key that others on this machine could read.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use types::BucketCommitment;
use zeroize::Zeroizing;

use crate::limits::{MAX_KEY_CHARS, MAX_KEY_FILE_BYTES};

/// Why a key file is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The system's reason.
    #[error("cannot read the bucket's key file `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Others on this machine could read it.
    #[error("the bucket's key file `{path}` can be read by others (mode {mode:03o}): chmod 600 it")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It does not read; what stands in it is not repeated.
    #[error("the bucket's key file `{path}` must have two lines: the access key's id and its secret")]
    Syntax {
        /// The file.
        path: PathBuf,
    },
}

/// The key that writes to one's own bucket. Its parts are wiped when it is dropped; the S3 client that it is handed to
/// keeps a copy for as long as the bucket is open.
pub struct WriteKey {
    id: Zeroizing<String>,
    secret: Zeroizing<String>,
}

impl WriteKey {
    /// Reads a file of two lines that only its owner may read: the access key's id and its secret.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let io = |source| KeyFileError::Io { path: path.to_owned(), source };
        let meta = fs::metadata(path).map_err(io)?;
        // Asked before opening: opening a pipe would wait for its other end.
        if !meta.is_file() || meta.len() > MAX_KEY_FILE_BYTES {
            return Err(KeyFileError::Syntax { path: path.to_owned() });
        }
        if let Some(mode) = exposed_mode(&meta) {
            return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
        }
        // Large enough from the start: a buffer that grows leaves copies behind that nobody wipes.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE_BYTES as usize + 1));
        File::open(path).map_err(io)?.take(MAX_KEY_FILE_BYTES).read_to_end(&mut bytes).map_err(io)?;
        let syntax = || KeyFileError::Syntax { path: path.to_owned() };
        let text = std::str::from_utf8(&bytes).map_err(|_| syntax())?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        match (lines.next(), lines.next(), lines.next()) {
            (Some(id), Some(secret), None) => Self::new(id, secret).ok_or_else(syntax),
            _ => Err(syntax()),
        }
    }

    /// From its two parts; `None` unless each has 1 to 256 visible ASCII characters.
    pub fn new(id: &str, secret: &str) -> Option<Self> {
        let fine = is_key_part(id) && is_key_part(secret);
        fine.then(|| Self { id: Zeroizing::new(id.to_owned()), secret: Zeroizing::new(secret.to_owned()) })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

/// The key that may read a bucket: public by design, and still nothing for a log.
#[derive(Clone, PartialEq, Eq)]
pub struct ReadKey {
    id: String,
    secret: String,
}

impl ReadKey {
    /// From its two parts; `None` unless each has 1 to 256 visible ASCII characters.
    pub fn new(id: &str, secret: &str) -> Option<Self> {
        (is_key_part(id) && is_key_part(secret)).then(|| Self { id: id.to_owned(), secret: secret.to_owned() })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

impl From<&BucketCommitment> for ReadKey {
    fn from(commitment: &BucketCommitment) -> Self {
        Self { id: commitment.key_id().to_owned(), secret: commitment.secret().to_owned() }
    }
}

/// It becomes part of a header.
fn is_key_part(text: &str) -> bool {
    (1..=MAX_KEY_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The permission bits of a file that others than its owner may use; `None` if it is private.
#[cfg(unix)]
fn exposed_mode(meta: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = meta.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// On Windows the folder carries the access list.
#[cfg(not(unix))]
fn exposed_mode(_meta: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bucket.key");
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        (dir, path)
    }

    #[test]
    fn a_key_file_has_two_lines_and_its_errors_repeat_neither() {
        let (_dir, path) = file("AKIATEST\r\n  s3cret/+key \n\n");
        let key = WriteKey::read(&path).unwrap();
        assert_eq!((key.id(), key.secret()), ("AKIATEST", "s3cret/+key"));
        for wrong in ["", "AKIATEST", "AKIATEST\ns3cret\nmore", "AKIATEST\ns3 cret", "AKIATEST\ns3cret\u{e9}"] {
            let (_dir, path) = file(wrong);
            let error = WriteKey::read(&path).err().unwrap();
            assert!(matches!(error, KeyFileError::Syntax { .. }), "{wrong:?}");
            let said = format!("{error} {error:?}");
            assert!(!said.contains("s3cret") && !said.contains("s3 cret"), "{error}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, path) = file("AKIATEST\ns3cret");
        for mode in [0o640, 0o604, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(WriteKey::read(&path), Err(KeyFileError::Exposed { mode: got, .. }) if got == mode));
        }
    }
}
