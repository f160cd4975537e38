//! Secrets in files that a service or a test names: a passphrase, recovery words, a seed.
//!
//! In: a path. Out: its first line, wiped on drop. It refuses files that others may use, long ones and anything that is
//! no regular file, and never quotes what it read.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Longest secret: 24 words, a path and a passphrase fit several times.
pub(crate) const MAX_BYTES: usize = 4096;

/// Why a file with a secret was not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read or write it.
    #[error("{} may be used by others (mode {mode:o}); allow it to its owner only (chmod 600)", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to another user", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Not a short text.
    #[error("{}: {why}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong; never quotes the file.
        why: &'static str,
    },
}

/// Who gave us a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// A person named it.
    Person,
    /// systemd put it there: it may belong to root and be readable for a group, which is how its access list shows.
    System,
}

/// The text of a file without its last line break.
///
/// # Errors
/// [`SecretFileError`].
pub(crate) fn read(path: &Path, from: From) -> Result<Zeroizing<String>, SecretFileError> {
    let io_error = |source: io::Error| SecretFileError::Io { path: path.to_owned(), source };
    let format = |why: &'static str| SecretFileError::Format { path: path.to_owned(), why };
    let file = open(path).map_err(io_error)?;
    let meta = file.metadata().map_err(io_error)?;
    if !meta.is_file() {
        return Err(format("not a regular file"));
    }
    check_private(path, &meta, from)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() > MAX_BYTES {
        return Err(format("too long"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| format("not UTF-8 text"))?;
    let text = trim_line_end(text);
    if text.is_empty() {
        return Err(format("empty"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// Writes a secret into a new file that only its owner may read.
///
/// # Errors
/// [`SecretFileError::Io`]; if anything stands at `path`, it is left as it is.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), SecretFileError> {
    let io_error = |source: io::Error| SecretFileError::Io { path: path.to_owned(), source };
    let mut file = create_private(path).map_err(io_error)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all());
    written.map_err(|source| {
        // Ours and half written: leave nothing that looks like a backup.
        let _ = std::fs::remove_file(path);
        io_error(source)
    })
}

/// A line break at the end is an editor's, not the secret's; spaces belong to it.
pub(crate) fn trim_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // Opening a pipe must not wait for a writer; it is refused a moment later.
    OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn check_private(path: &Path, meta: &Metadata, from: From) -> Result<(), SecretFileError> {
    use std::os::unix::fs::MetadataExt as _;
    let (mode, owner) = (meta.mode() & 0o777, meta.uid());
    let others = if from == From::System && owner == 0 { 0o037 } else { 0o077 };
    if mode & others != 0 {
        return Err(SecretFileError::Exposed { path: path.to_owned(), mode });
    }
    // Anybody else could change it under us.
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(SecretFileError::Foreign { path: path.to_owned() });
    }
    Ok(())
}

/// Windows has no mode bits; the folder's access list decides.
#[cfg(not(unix))]
fn check_private(_path: &Path, _meta: &Metadata, _from: From) -> Result<(), SecretFileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        write_new(&path, "").unwrap();
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn a_line_break_at_the_end_is_no_part_of_the_secret_and_spaces_are() {
        for text in ["a b ", "a b \n", "a b \r\n"] {
            let (_dir, path) = file(text.as_bytes());
            assert_eq!(*read(&path, From::Person).unwrap(), "a b ");
        }
    }

    #[test]
    fn what_is_no_short_text_is_refused() {
        let long = vec![b'a'; MAX_BYTES + 1];
        for bad in [b"".as_slice(), b"\n", &[0xff, 0xfe], &long] {
            let (_dir, path) = file(bad);
            assert!(matches!(read(&path, From::Person), Err(SecretFileError::Format { .. })), "{} bytes", bad.len());
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path(), From::Person).is_err());
        assert!(matches!(read(&dir.path().join("absent"), From::Person), Err(SecretFileError::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_use_is_refused_without_being_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, path) = file(b"secret");
        for mode in [0o640, 0o604, 0o660, 0o700 | 0o001] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(read(&path, From::Person), Err(SecretFileError::Exposed { mode: m, .. }) if m == mode));
        }
    }

    #[test]
    fn a_secret_is_never_written_over_a_file() {
        let (_dir, path) = file(b"mine");
        assert!(write_new(&path, "new").is_err());
        assert_eq!(*read(&path, From::Person).unwrap(), "mine");
    }
}
