//! Room on the disk that something is to be written to.
//!
//! In: a folder, which need not be there yet. Out: bytes that this user may still write; `None` where the system does not
//! say, which is then in nobody's way.

use std::path::Path;

/// Room for this user on the disk of a folder, or of the first folder above it that exists.
pub fn free(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    folder.ancestors().find(|folder| folder.exists()).and_then(free_at)
}

#[cfg(target_os = "linux")]
fn free_at(folder: &Path) -> Option<u64> {
    // Only this file system is asked: another one may hang.
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(not(target_os = "linux"))]
fn free_at(folder: &Path) -> Option<u64> {
    let disks = sysinfo::Disks::new_with_refreshed_list();
    let holding = disks.list().iter().filter(|disk| folder.starts_with(disk.mount_point()));
    let disk = holding.max_by_key(|disk| disk.mount_point().as_os_str().len())?;
    Some(disk.available_space())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_the_one_above() {
        let dir = tempfile::tempdir().unwrap();
        assert!(super::free(&dir.path().join("not/there/yet")).is_some());
    }
}
