//! Small files that are there whole or not at all.
//!
//! In: a path and bytes. Out: the file with exactly these bytes, or the one that was there before. Written beside it,
//! synced, renamed, and the folder synced, so that neither a kill nor a power cut leaves half of it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

/// Writes the file, making its folder if need be.
///
/// # Errors
/// The operating system's; the file is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = dir.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = File::create(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let moved = written.and_then(|()| fs::rename(&partial, path));
    if moved.is_err() {
        let _ = fs::remove_file(&partial);
    }
    moved?;
    // Folders cannot be synced on Windows, where the rename itself is journaled.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep").join("file.json");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(write_whole(&path.join("under a file"), b"three").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }
}
