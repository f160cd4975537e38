//! One app per profile: a lock that the system drops with the process, however it ends.
//!
//! In: the data folder. Out: the lock, or that somebody has it. It needs no session bus and leaves no stale file behind:
//! the file stays, the lock does not.

use anyhow::{Context as _, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// Held while this process is the app of its profile.
#[derive(Debug)]
pub(crate) struct ProfileLock {
    _file: File,
}

impl ProfileLock {
    /// Takes the lock; `None` if another process has it.
    pub(crate) fn take(data_dir: &Path) -> Result<Option<Self>> {
        std::fs::create_dir_all(data_dir).with_context(|| format!("{} can't be made", data_dir.display()))?;
        let path = data_dir.join("covey.lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = open.with_context(|| format!("{} can't be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} can't be locked", path.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_one_app_until_that_one_ends() {
        let dir = tempfile::tempdir().unwrap();
        let first = ProfileLock::take(dir.path()).unwrap();
        assert!(first.is_some());
        assert!(ProfileLock::take(dir.path()).unwrap().is_none());
        drop(first);
        assert!(ProfileLock::take(dir.path()).unwrap().is_some());
    }
}
