//! What this process gives to others: what it published, files that lie elsewhere, and what it is fetching itself.
//!
//! In: stores, files with their ids, verified chunks of fetches under way. Out: chunks that were checked against their
//! blob's id when they came, or are checked when they go. Fetched blobs are kept within bounds, the oldest forgotten
//! first; a large one that was half fetched when the process died goes on where it was. It opens no socket and decides
//! neither who may have a chunk nor what is worth fetching.

mod partial;

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use types::Hash32;

use crate::folder::{manifest_of, open};
use crate::limits::{LibraryLimits, REMEMBERED_FILES};
use crate::store::file_name;
use crate::{BlobId, BlobStore, ChunkSource as _, FolderSource, Have, Manifest, SourceError};

pub(crate) use partial::{PART_SUFFIX, Partial};

/// Why there is no library.
#[derive(Debug, thiserror::Error)]
#[error("the folder of fetched blobs `{path}` cannot be used: {source}")]
pub struct LibraryError {
    /// The folder.
    pub path: PathBuf,
    /// The operating system's reason.
    pub source: io::Error,
}

/// Everything that can be given. Shared by whoever serves and whoever fetches.
#[derive(Debug)]
pub struct Library {
    dir: PathBuf,
    limits: LibraryLimits,
    shelves: Mutex<Shelves>,
}

#[derive(Debug, Default)]
struct Shelves {
    /// Own, published.
    stores: Vec<(Arc<BlobStore>, FolderSource)>,
    /// Files that lie elsewhere, and their manifests once somebody has asked.
    files: HashMap<BlobId, PathBuf>,
    manifests: VecDeque<Arc<Manifest>>,
    /// Fetched or being fetched, the oldest first.
    fetched: VecDeque<Arc<Partial>>,
}

impl Library {
    /// A library whose large fetched blobs lie in `dir`, which is made if need be. What an earlier process fetched or was
    /// fetching there is found again.
    ///
    /// # Errors
    /// [`LibraryError`] if the folder cannot be used.
    pub fn open(dir: impl Into<PathBuf>, limits: LibraryLimits) -> Result<Arc<Self>, LibraryError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(|source| LibraryError { path: dir.clone(), source })?;
        let library = Self { dir, limits, shelves: Mutex::default() };
        library.trim_disk(None);
        Ok(Arc::new(library))
    }

    /// Gives what the store holds, now and later.
    pub fn add_store(&self, store: Arc<BlobStore>) {
        let source = FolderSource::new(store.dir());
        self.shelves().stores.push((store, source));
    }

    /// Gives a file where it lies. It is hashed when somebody first asks; a file that is not the blob is not given.
    pub fn add_file(&self, id: BlobId, path: PathBuf) {
        self.shelves().files.insert(id, path);
    }

    /// Which chunks of the blob are here now. A cheap answer: a file that has rotted shows when it is read.
    pub async fn have(&self, id: &BlobId) -> Have {
        if self.is_here(id) {
            return Have::All;
        }
        self.partial(id).map_or(Have::Nothing, |partial| partial.have())
    }

    /// Whether all of the blob is here, by its name.
    fn is_here(&self, id: &BlobId) -> bool {
        let listed = {
            let shelves = self.shelves();
            shelves.stores.iter().any(|(store, _)| store.contains(&id.root)) || shelves.files.contains_key(id)
        };
        listed || is_file_of(&self.path_of(id), id) || self.partial(id).is_some_and(|partial| partial.is_whole())
    }

    /// All of the blob, if it is here and every chunk of it holds.
    pub async fn get(&self, id: &BlobId) -> Option<Vec<u8>> {
        if !self.is_here(id) {
            return None;
        }
        let mut blob = Vec::with_capacity(usize::try_from(id.bytes).ok()?);
        for index in 0..u32::try_from(id.chunk_count()).ok()? {
            blob.extend_from_slice(&self.chunk(id, index).await?);
        }
        Some(blob)
    }

    /// The blob's manifest, if anything of it is here.
    pub async fn manifest(&self, id: &BlobId) -> Option<Manifest> {
        if let Some(partial) = self.partial(id) {
            return Some(partial.manifest().clone());
        }
        // Anybody may ask for anything: what is not here costs no look at a folder.
        if !self.is_here(id) {
            return None;
        }
        for source in self.folders() {
            if let Ok(Some(manifest)) = source.manifest(id).await {
                return Some(manifest);
            }
        }
        let path = self.shelves().files.get(id).cloned()?;
        self.manifest_of_file(*id, path).await.map(|manifest| Manifest::clone(&manifest))
    }

    /// A chunk whose hash was checked.
    pub async fn chunk(&self, id: &BlobId, index: u32) -> Option<Vec<u8>> {
        if let Some(partial) = self.partial(id) {
            let read = tokio::task::spawn_blocking(move || partial.read(index)).await;
            if let Some(chunk) = read.ok().flatten() {
                return Some(chunk);
            }
        }
        if !self.is_here(id) {
            return None;
        }
        for source in self.folders() {
            match source.chunk(id, index).await {
                Ok(chunk) => return Some(chunk),
                Err(SourceError::NotFound) => {}
                Err(error) => tracing::warn!("{}: {error}", source.name()),
            }
        }
        let path = self.shelves().files.get(id).cloned()?;
        let manifest = self.manifest_of_file(*id, path.clone()).await?;
        let id = *id;
        let read = tokio::task::spawn_blocking(move || {
            let mut file = open(&path, id).ok()?;
            let chunk = partial::read_chunk(&mut file, &id, index).ok()?;
            manifest.verify(index, &chunk).is_ok().then_some(chunk)
        });
        read.await.ok().flatten()
    }

    /// Whether this process published the blob itself.
    pub fn is_own(&self, id: &BlobId) -> bool {
        self.shelves().stores.iter().any(|(store, _)| store.contains(&id.root))
    }

    /// Forgets what was fetched or half fetched but what `keep` wants; what is being fetched now stays, and so do files,
    /// which the limit on the disk bounds.
    pub fn retain(&self, mut keep: impl FnMut(&Hash32) -> bool) {
        self.shelves().fetched.retain(|partial| is_busy(partial) || keep(&partial.manifest().id().root));
    }

    /// Where chunks of a fetch go; the same for everybody who fetches the blob in this process. Large blobs lie on disk.
    pub(crate) fn begin(&self, manifest: &Arc<Manifest>) -> io::Result<Arc<Partial>> {
        let id = manifest.id();
        let mut shelves = self.shelves();
        if let Some(partial) = shelves.fetched.iter().find(|partial| partial.manifest().id() == id) {
            return Ok(Arc::clone(partial));
        }
        let partial = if id.bytes <= self.limits.in_memory_bytes {
            Partial::in_memory(Arc::clone(manifest))
        } else {
            drop(shelves);
            self.trim_disk(Some(&id));
            let partial = Partial::on_disk(Arc::clone(manifest), self.path_of(&id))?;
            shelves = self.shelves();
            partial
        };
        let partial = Arc::new(partial);
        shelves.fetched.push_back(Arc::clone(&partial));
        self.trim_memory(&mut shelves);
        Ok(partial)
    }

    /// Gives what somebody fetches into a file of its own, while it comes.
    pub(crate) fn share(&self, partial: &Arc<Partial>) {
        self.shelves().fetched.push_back(Arc::clone(partial));
    }

    /// A fetch ended without a single chunk: nobody should take this process for one that fetches the blob.
    pub(crate) fn drop_empty(&self, id: &BlobId) {
        self.shelves().fetched.retain(|partial| partial.manifest().id() != *id || partial.bytes() > 0);
    }

    /// No longer gives it; it may lie elsewhere now.
    pub(crate) fn unshare(&self, partial: &Arc<Partial>) {
        self.shelves().fetched.retain(|held| !Arc::ptr_eq(held, partial));
    }

    fn partial(&self, id: &BlobId) -> Option<Arc<Partial>> {
        self.shelves().fetched.iter().find(|partial| partial.manifest().id() == *id).map(Arc::clone)
    }

    fn folders(&self) -> Vec<FolderSource> {
        let mut folders: Vec<_> = self.shelves().stores.iter().map(|(_, source)| source.clone()).collect();
        folders.push(FolderSource::new(&self.dir));
        folders
    }

    async fn manifest_of_file(&self, id: BlobId, path: PathBuf) -> Option<Arc<Manifest>> {
        if let Some(single) = Manifest::single(id) {
            return Some(Arc::new(single));
        }
        if let Some(known) = self.shelves().manifests.iter().find(|manifest| manifest.id() == id) {
            return Some(Arc::clone(known));
        }
        let made =
            tokio::task::spawn_blocking(move || open(&path, id).and_then(|mut file| manifest_of(&mut file, &path, id)));
        match made.await.ok()? {
            Ok(manifest) => {
                let manifest = Arc::new(manifest);
                let mut shelves = self.shelves();
                if shelves.manifests.len() >= REMEMBERED_FILES {
                    shelves.manifests.pop_front();
                }
                shelves.manifests.push_back(Arc::clone(&manifest));
                Some(manifest)
            }
            Err(error) => {
                tracing::warn!("a file is not given: {error}");
                None
            }
        }
    }

    fn path_of(&self, id: &BlobId) -> PathBuf {
        self.dir.join(file_name(&id.root))
    }

    /// Forgets the oldest blobs in memory that nobody fetches until the rest is within the limit.
    fn trim_memory(&self, shelves: &mut Shelves) {
        let held = |shelves: &Shelves| shelves.fetched.iter().map(|partial| partial.memory()).sum::<u64>();
        while held(shelves) > self.limits.memory_bytes {
            let Some(oldest) = shelves.fetched.iter().position(|partial| partial.memory() > 0 && !is_busy(partial))
            else {
                return;
            };
            shelves.fetched.remove(oldest);
        }
    }

    /// Removes the files that were touched longest ago until there is room, `coming` included; a file that is being
    /// fetched stays.
    fn trim_disk(&self, coming: Option<&BlobId>) {
        let mut files = files_in(&self.dir);
        files.sort_by_key(|(_, _, touched)| *touched);
        let held = |partial: &Arc<Partial>| if is_busy(partial) { partial.path() } else { None };
        let busy: Vec<PathBuf> = self.shelves().fetched.iter().filter_map(held).collect();
        let mut used = files.iter().map(|(_, bytes, _)| bytes).sum::<u64>() + coming.map_or(0, |id| id.bytes);
        let coming = coming.map(|id| self.path_of(id));
        for (path, bytes, _) in files {
            if used <= self.limits.disk_bytes {
                return;
            }
            let resumed = coming.as_ref().is_some_and(|coming| path == *coming || path == part_of(coming));
            if !busy.contains(&path) && !resumed && fs::remove_file(&path).is_ok() {
                used = used.saturating_sub(bytes);
            }
        }
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        // Lists of things that are sound by themselves.
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether somebody fetches into it now: then the shelf is not the only one that holds it.
fn is_busy(partial: &Arc<Partial>) -> bool {
    Arc::strong_count(partial) > 1
}

/// The name of a blob's file while it comes.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PART_SUFFIX);
    name.into()
}

fn is_file_of(path: &Path, id: &BlobId) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == id.bytes)
}

/// Regular files with their lengths and when they were last touched.
fn files_in(dir: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let facts = |entry: fs::DirEntry| {
        let meta = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((entry.path(), meta.len(), meta.modified().ok()?))
    };
    entries.filter_map(facts).collect()
}

#[cfg(test)]
mod tests;
