//! Room on a disk and in memory.

use std::path::Path;

use sysinfo::{MemoryRefreshKind, System};
use types::ByteCount;

/// Memory of the computer and what programs can still get of it; `None` where the system does not say.
pub(crate) fn memory(system: &mut System) -> Option<(ByteCount, ByteCount)> {
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let (total, free) = (system.total_memory(), system.available_memory());
    (total > 0 && free <= total).then_some((ByteCount(total), ByteCount(free)))
}

/// Room for this user on the disk of a folder, or of the first folder above it that exists.
pub(crate) fn disk_free(folder: &Path) -> Option<ByteCount> {
    folder.is_absolute().then_some(())?;
    folder.ancestors().find(|folder| folder.exists()).and_then(free_at)
}

#[cfg(target_os = "linux")]
fn free_at(folder: &Path) -> Option<ByteCount> {
    // Only this file system is asked: another one may hang.
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(ByteCount(stat.f_bavail.saturating_mul(stat.f_frsize)))
}

#[cfg(not(target_os = "linux"))]
fn free_at(folder: &Path) -> Option<ByteCount> {
    let disks = sysinfo::Disks::new_with_refreshed_list();
    let holding = disks.list().iter().filter(|disk| folder.starts_with(disk.mount_point()));
    let disk = holding.max_by_key(|disk| disk.mount_point().as_os_str().len())?;
    Some(ByteCount(disk.available_space()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        assert!(disk_free(&folder.path().join("not/there/yet")).is_some());
        assert_eq!(disk_free(Path::new("relative")), None);
        assert_eq!(disk_free(Path::new("")), None);
    }

    #[test]
    fn memory_that_is_free_is_not_more_than_there_is() {
        let (total, free) = memory(&mut System::new()).unwrap();
        assert!(free <= total && total > ByteCount(0));
    }
}
