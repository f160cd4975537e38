//! Files that only their owner may read, written whole or not at all.
//!
//! In: a path and contents. Out: a finished file, or nothing changed. A new file never takes the place of another; a
//! replaced one is the old or the new, whenever the machine stops. It reads regular files up to a given size only.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Makes a file, readable for its owner only (on Windows it inherits the folder's access list).
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if anything stands at `path`; then, and after any other error, nothing has changed.
pub(crate) fn create(path: &Path, contents: &[u8]) -> io::Result<()> {
    create_with(path, |file| file.write_all(contents))
}

/// Replaces a file that is there.
///
/// # Errors
/// What the system said; then the old file stands as before.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(contents))
}

/// Reads a regular file of at most `max_bytes`.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] above `max_bytes`, [`io::ErrorKind::InvalidInput`] for a folder, pipe or device.
pub(crate) fn read(path: &Path, max_bytes: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Asked before opening: opening a pipe would wait for its other end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > max_bytes {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    // Large enough from the start: a buffer that grows leaves copies behind that nobody wipes.
    let mut contents = Zeroizing::new(Vec::with_capacity(length as usize + 1));
    file.take(length).read_to_end(&mut contents)?;
    Ok(contents)
}

/// The permission bits of a file that others than its owner may use; `None` if it is private.
#[cfg(unix)]
pub(crate) fn exposed_mode(meta: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = meta.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// On Windows the folder carries the access list.
#[cfg(not(unix))]
pub(crate) fn exposed_mode(_meta: &Metadata) -> Option<u32> {
    None
}

/// Makes a folder that is not there yet, for its owner only.
///
/// # Errors
/// What the system said, [`io::ErrorKind::AlreadyExists`] among it.
#[cfg(unix)]
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Makes a folder that is not there yet; it inherits the access list of the one around it.
///
/// # Errors
/// What the system said, [`io::ErrorKind::AlreadyExists`] among it.
#[cfg(not(unix))]
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Puts a folder's entries on disk.
pub(crate) fn sync_folder(folder: &Path) {
    // Not every file system can, and Windows has no such call; the file's own contents are on disk already.
    #[cfg(unix)]
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    #[cfg(not(unix))]
    let _ = folder;
}

/// A name beside the final one that nobody else uses.
///
/// # Errors
/// The system gives no randomness.
pub(crate) fn temporary_name(folder: &Path) -> io::Result<PathBuf> {
    let mut random = [0u8; 8];
    getrandom::fill(&mut random).map_err(|e| io::Error::other(e.to_string()))?;
    Ok(folder.join(format!(".covey-{}.tmp", hex::encode(random))))
}

fn create_with(path: &Path, write: impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path);
    let temporary = Temporary::write(folder, &write)?;
    match fs::hard_link(&temporary.path, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // FAT and some network folders know no second name for a file.
        Err(_) => create_in_place(path, &write)?,
    }
    drop(temporary);
    sync_folder(folder);
    Ok(())
}

fn create_in_place(path: &Path, write: &impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = open_new(path)?;
    let written = write(&mut file).and_then(|()| file.sync_all());
    if written.is_err() {
        // Ours and half-written (disk full): leave nothing that looks finished.
        let _ = fs::remove_file(path);
    }
    written
}

fn replace_with(path: &Path, write: impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    // The file itself, should `path` be a link to it.
    let path = fs::canonicalize(path)?;
    let folder = folder_of(&path);
    let temporary = Temporary::write(folder, &write)?;
    fs::rename(&temporary.path, &path)?;
    sync_folder(folder);
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn open_new(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn open_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// A finished file under a passing name; gone when dropped, unless it was renamed.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn write(folder: &Path, write: &impl Fn(&mut File) -> io::Result<()>) -> io::Result<Self> {
        let path = temporary_name(folder)?;
        let mut file = open_new(&path)?;
        let temporary = Self { path };
        write(&mut file)?;
        file.sync_all()?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn half(file: &mut File) -> io::Result<()> {
        file.write_all(b"half")?;
        Err(io::ErrorKind::StorageFull.into())
    }

    #[test]
    fn a_new_file_takes_nobodys_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        create(&path, b"first").unwrap();
        assert_eq!(create(&path, b"second").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[test]
    fn a_failed_write_leaves_what_was_there_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        assert!(create_with(&path, half).is_err());
        assert!(create_in_place(&path, &half).is_err());
        assert!(names(dir.path()).is_empty());
        create(&path, b"whole").unwrap();
        assert!(replace_with(&path, half).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(dir.path()), ["a"]);
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(replace(&dir.path().join("b"), b"new").is_err(), "replacing makes no file");
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_their_owner_and_a_link_is_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("a"), dir.path().join("link"));
        create(&path, b"first").unwrap();
        symlink(&path, &link).unwrap();
        assert_eq!(create(&link, b"x").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        replace(&link, b"second").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn only_regular_files_within_the_bound_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        create(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap().as_slice(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(dir.path(), 4).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
