//! Blobs on disk, one file each, named by their root.
//!
//! In: bytes. Out: the same bytes, verified, or a typed error. A blob is there whole or not at all, whenever the process
//! or the machine dies: written to a temporary file, synced, renamed, and the folder synced. What was torn or has rotted
//! is reported and never returned. A store has one owning process (a lock says so); others read through
//! [`crate::FolderSource`]. It knows nothing of rounds: its user says what to keep.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use types::Hash32;

use crate::BlobId;
use crate::limits::{MAX_BLOB_BYTES, StoreLimits};

/// Files being written; swept when the store is opened.
const TEMP_PREFIX: &str = ".tmp-";
const LOCK_NAME: &str = ".lock";

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process (or another handle in this one) has the store open.
    #[error("the blob store {0} is open in another process")]
    InUse(PathBuf),
    /// No blob of this root.
    #[error("no blob {0} in the store")]
    NotFound(Hash32),
    /// The blob is longer than the store takes.
    #[error("a blob of {bytes} bytes is longer than {max}")]
    TooLarge {
        /// The blob's length.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// The store is full by its own limit.
    #[error("the store holds {used} of {max} bytes, {needed} more do not fit")]
    Quota {
        /// The blob's length.
        needed: u64,
        /// Bytes held.
        used: u64,
        /// The limit.
        max: u64,
    },
    /// The disk is full.
    #[error("the disk is full: {path}")]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
    },
    /// The file is torn or has rotted: its bytes are not the blob's.
    #[error("the blob file {path} is damaged: {why}")]
    Rotten {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The disk.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// A folder of blobs. All methods block on the disk; `&self` is enough for all of them.
#[derive(Debug)]
pub struct BlobStore {
    dir: PathBuf,
    limits: StoreLimits,
    held: Mutex<Held>,
    /// Numbers the temporary files of this process.
    writes: AtomicU64,
    /// Locked until the store is dropped or the process dies.
    _lock: File,
}

/// What is in the store.
#[derive(Debug, Default)]
struct Held {
    sizes: BTreeMap<Hash32, u64>,
    /// Sum of `sizes` and of what is being written.
    used: u64,
}

impl BlobStore {
    /// Opens the store in `dir`, makes the folder if need be, and sweeps what a killed process left half written.
    /// Other files in the folder are left alone.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if the store is open elsewhere, or the disk's reason.
    pub fn open(dir: impl Into<PathBuf>, limits: StoreLimits) -> Result<Self, StoreError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(io_error("make the folder", &dir))?;
        let lock = lock(&dir)?;
        let mut held = Held::default();
        for entry in fs::read_dir(&dir).map_err(io_error("list", &dir))? {
            let entry = entry.map_err(io_error("list", &dir))?;
            let (path, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str() else { continue };
            if name.starts_with(TEMP_PREFIX) {
                fs::remove_file(&path).map_err(io_error("remove", &path))?;
            } else if let Some(root) = root_named(name) {
                let meta = fs::symlink_metadata(&path).map_err(io_error("look at", &path))?;
                if meta.is_file() {
                    held.sizes.insert(root, meta.len());
                    held.used = held.used.saturating_add(meta.len());
                }
            }
        }
        Ok(Self { dir, limits, held: Mutex::new(held), writes: AtomicU64::new(0), _lock: lock })
    }

    /// Stores a blob. A blob that is there already is left as it is; if its file was damaged, it is written anew.
    /// When this returns, the blob survives a power cut.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Quota`], [`StoreError::DiskFull`] or the disk's reason; the store is then
    /// as it was.
    pub fn put(&self, blob: &[u8]) -> Result<BlobId, StoreError> {
        let id = BlobId::of(blob);
        let max = self.limits.max_blob_bytes.min(MAX_BLOB_BYTES);
        if id.bytes > max {
            return Err(StoreError::TooLarge { bytes: id.bytes, max });
        }
        match self.get(&id.root) {
            Ok(_) => return Ok(id),
            Err(StoreError::NotFound(_)) => {}
            Err(damage) => {
                tracing::warn!("{damage}; writing it anew");
                self.remove(&id.root)?;
            }
        }
        self.reserve(id.bytes)?;
        let written = self.write(&id.root, blob);
        let mut held = self.held();
        let already = written.is_ok() && held.sizes.insert(id.root, id.bytes).is_some();
        if written.is_err() || already {
            held.used = held.used.saturating_sub(id.bytes);
        }
        written.map(|()| id)
    }

    /// The blob of this root, verified.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Rotten`] for a damaged file, which stays until it is put or removed.
    pub fn get(&self, root: &Hash32) -> Result<Vec<u8>, StoreError> {
        let size = *self.held().sizes.get(root).ok_or(StoreError::NotFound(*root))?;
        let path = self.path(root);
        let file = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.forget(root);
                return Err(StoreError::NotFound(*root));
            }
            other => other.map_err(io_error("open", &path))?,
        };
        let rotten = |why: String| StoreError::Rotten { path: path.clone(), why };
        let now = file.metadata().map_err(io_error("look at", &path))?.len();
        if now != size {
            return Err(rotten(format!("it has {now} bytes and had {size}")));
        }
        if size > self.limits.max_blob_bytes {
            return Err(StoreError::TooLarge { bytes: size, max: self.limits.max_blob_bytes });
        }
        let mut blob = Vec::with_capacity(size as usize);
        // One byte beyond, so that a file that grows while it is read is seen.
        file.take(size + 1).read_to_end(&mut blob).map_err(io_error("read", &path))?;
        if Hash32::of(&blob) == *root { Ok(blob) } else { Err(rotten("its bytes do not match its name".into())) }
    }

    /// Whether a blob of this root is held; says nothing about rot.
    pub fn contains(&self, root: &Hash32) -> bool {
        self.held().sizes.contains_key(root)
    }

    /// Removes a blob; `false` if it was not there.
    ///
    /// # Errors
    /// The disk's reason.
    pub fn remove(&self, root: &Hash32) -> Result<bool, StoreError> {
        if !self.contains(root) {
            return Ok(false);
        }
        let path = self.path(root);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io_error("remove", &path)(e)),
            _ => Ok(self.forget(root)),
        }
    }

    /// Removes every blob whose root `keep` does not want, and says how many.
    ///
    /// # Errors
    /// The disk's reason; blobs before it are removed.
    pub fn retain(&self, mut keep: impl FnMut(&Hash32) -> bool) -> Result<usize, StoreError> {
        let mut removed = 0;
        for root in self.roots() {
            if !keep(&root) && self.remove(&root)? {
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Roots of all blobs held, ascending.
    pub fn roots(&self) -> Vec<Hash32> {
        self.held().sizes.keys().copied().collect()
    }

    /// Bytes of all blobs held, and of those being written.
    pub fn used_bytes(&self) -> u64 {
        self.held().used
    }

    /// The store's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Each change is one step, so what a panicking holder left behind is consistent.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, root: &Hash32) -> PathBuf {
        self.dir.join(file_name(root))
    }

    fn reserve(&self, needed: u64) -> Result<(), StoreError> {
        let mut held = self.held();
        let (used, max) = (held.used, self.limits.max_bytes);
        match used.checked_add(needed) {
            Some(sum) if sum <= max => held.used = sum,
            _ => return Err(StoreError::Quota { needed, used, max }),
        }
        Ok(())
    }

    fn forget(&self, root: &Hash32) -> bool {
        let mut held = self.held();
        let Some(size) = held.sizes.remove(root) else { return false };
        held.used = held.used.saturating_sub(size);
        true
    }

    /// Temporary file, sync, rename, sync of the folder.
    fn write(&self, root: &Hash32, blob: &[u8]) -> Result<(), StoreError> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let temp = self.dir.join(format!("{TEMP_PREFIX}{}-{number}", std::process::id()));
        let path = self.path(root);
        let written = write_synced(&temp, blob)
            .and_then(|()| put_in_place(&temp, &path).map_err(io_error("rename to", &path)))
            .and_then(|()| sync_dir(&self.dir).map_err(io_error("sync", &self.dir)));
        if written.is_err() {
            // Best effort: what stays behind is swept at the next open.
            let _ = fs::remove_file(&temp);
        }
        written
    }
}

/// The file name of a blob: its root in hex.
pub(crate) fn file_name(root: &Hash32) -> String {
    root.to_string()
}

/// The root a file name speaks of. Upper-case hex is not ours, and would be a second name for the same blob.
fn root_named(name: &str) -> Option<Hash32> {
    name.parse().ok().filter(|root| file_name(root) == name)
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull { path },
        _ => StoreError::Io { doing, path, source },
    }
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join(LOCK_NAME);
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(io_error("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(dir.to_owned())),
        // A file system without locks: the store works, it only cannot notice a second owner.
        Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(e)) => Err(io_error("lock", &path)(e)),
    }
}

fn write_synced(path: &Path, blob: &[u8]) -> Result<(), StoreError> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(io_error("make", path))?;
    file.write_all(blob).map_err(io_error("write", path))?;
    file.sync_all().map_err(io_error("sync", path))
}

/// Renames; whoever was first with the same blob is as good.
fn put_in_place(temp: &Path, path: &Path) -> io::Result<()> {
    match fs::rename(temp, path) {
        // Windows refuses to replace a file that somebody is renaming or has open. Its name is its contents' hash, and it
        // got that name when it was whole.
        Err(why) if cfg!(windows) && why.kind() == io::ErrorKind::PermissionDenied && path.is_file() => {
            fs::remove_file(temp)
        }
        done => done,
    }
}

/// Makes a rename in this folder last through a power cut.
#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// NTFS journals renames; a folder cannot be synced there.
#[cfg(not(unix))]
fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
