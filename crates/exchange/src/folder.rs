//! A folder of blobs as a chunk source: a store's own folder, or all folders below one.
//!
//! In: an id and an index. Out: bytes that were checked against the id, so that a damaged or forged file in one folder
//! never hides the good one in the next. Reads only; follows no symbolic link and opens nothing but regular files, since
//! the folders belong to others.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::{CHUNK_BYTES, MAX_PARENT_FOLDERS, REMEMBERED_MANIFESTS};
use crate::manifest::ManifestBuilder;
use crate::store::file_name;
use crate::{BlobId, ChunkSource, Manifest, SourceError};

/// Blobs in one folder, or in every folder below one.
#[derive(Debug, Clone)]
pub struct FolderSource {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    below: Below,
    remembered: Mutex<VecDeque<Arc<Manifest>>>,
}

#[derive(Debug, Clone, Copy)]
enum Below {
    ThisFolder,
    EverySubFolder,
}

impl FolderSource {
    /// The blobs in `dir`, a [`crate::BlobStore`]'s folder. It need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self::with(dir.into(), Below::ThisFolder)
    }

    /// The blobs in every folder right below `dir`: every peer's published folder. Folders may come and go; the first
    /// [`MAX_PARENT_FOLDERS`] by name are looked through.
    pub fn parent(dir: impl Into<PathBuf>) -> Self {
        Self::with(dir.into(), Below::EverySubFolder)
    }

    fn with(dir: PathBuf, below: Below) -> Self {
        Self { inner: Arc::new(Inner { dir, below, remembered: Mutex::default() }) }
    }

    /// Runs `read` where blocking is allowed. Dropping the call leaves a read that nobody waits for, and no more.
    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Inner) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || read(&inner)).await {
            Ok(result) => result,
            Err(_) => Err(SourceError::Unavailable("the process is shutting down".into())),
        }
    }
}

#[async_trait::async_trait]
impl ChunkSource for FolderSource {
    fn name(&self) -> String {
        match self.inner.below {
            Below::ThisFolder => format!("folder {}", self.inner.dir.display()),
            Below::EverySubFolder => format!("folders below {}", self.inner.dir.display()),
        }
    }

    async fn manifest(&self, id: &BlobId) -> Result<Option<Manifest>, SourceError> {
        let id = *id;
        match self.blocking(move |inner| inner.manifest(id)).await {
            Ok(manifest) => Ok(Some(Manifest::clone(&manifest))),
            Err(SourceError::NotFound) => Ok(None),
            Err(e) => Err(e),
        }
    }

    async fn chunk(&self, id: &BlobId, index: u32) -> Result<Vec<u8>, SourceError> {
        let id = *id;
        self.blocking(move |inner| {
            let manifest = inner.manifest(id)?;
            inner.first_good(id, |file, path| {
                let mut chunk = vec![0; id.chunk_bytes(index)];
                file.seek(SeekFrom::Start(u64::from(index) * CHUNK_BYTES as u64))?;
                file.read_exact(&mut chunk)?;
                manifest.verify(index, &chunk).map_err(|why| rotten(path, &why.to_string()))?;
                Ok(chunk)
            })
        })
        .await
    }
}

impl Inner {
    /// The manifest of `id`: trivial, remembered, or made from a file that really is the blob.
    fn manifest(&self, id: BlobId) -> Result<Arc<Manifest>, SourceError> {
        if let Some(single) = Manifest::single(id) {
            return Ok(Arc::new(single));
        }
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manifest) = remembered.iter().find(|m| m.id() == id) {
            return Ok(Arc::clone(manifest));
        }
        // Held while hashing, so that four requests for one blob do not hash it four times.
        let manifest = Arc::new(self.first_good(id, |file, path| manifest_of(file, path, id))?);
        if remembered.len() == REMEMBERED_MANIFESTS {
            remembered.pop_front();
        }
        remembered.push_back(Arc::clone(&manifest));
        Ok(manifest)
    }

    /// What `read` makes of the first file of this name that has the right length and that `read` finds good.
    /// [`SourceError::NotFound`] if there is none at all, else the last file's failure.
    fn first_good<T>(
        &self,
        id: BlobId,
        mut read: impl FnMut(&mut File, &Path) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        let mut failure = SourceError::NotFound;
        for folder in self.folders()? {
            let path = folder.join(file_name(&id.root));
            match open(&path, id).and_then(|mut file| read(&mut file, &path)) {
                Ok(good) => return Ok(good),
                Err(SourceError::NotFound) => {}
                Err(e) => {
                    tracing::warn!("skipping {}: {e}", path.display());
                    failure = e;
                }
            }
        }
        Err(failure)
    }

    fn folders(&self) -> Result<Vec<PathBuf>, SourceError> {
        if let Below::ThisFolder = self.below {
            return Ok(vec![self.dir.clone()]);
        }
        let entries = match fs::read_dir(&self.dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut folders = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        folders.sort_unstable();
        folders.truncate(MAX_PARENT_FOLDERS);
        Ok(folders)
    }
}

fn rotten(path: &Path, why: &str) -> SourceError {
    SourceError::Rotten(format!("{}: {why}", path.display()))
}

/// Opens a regular file of the blob's length. Looking before opening matters: opening a FIFO would wait for ever.
pub(crate) fn open(path: &Path, id: BlobId) -> Result<File, SourceError> {
    let not_found = |e: io::Error| if e.kind() == io::ErrorKind::NotFound { SourceError::NotFound } else { e.into() };
    let meta = fs::symlink_metadata(path).map_err(not_found)?;
    if !meta.is_file() {
        return Err(rotten(path, "not a regular file"));
    }
    if meta.len() != id.bytes {
        return Err(rotten(path, &format!("it has {} bytes, not {}", meta.len(), id.bytes)));
    }
    File::open(path).map_err(not_found)
}

pub(crate) fn manifest_of(file: &mut File, path: &Path, id: BlobId) -> Result<Manifest, SourceError> {
    let mut builder = ManifestBuilder::new(id.bytes).map_err(|e| rotten(path, &e.to_string()))?;
    let mut buffer = vec![0; CHUNK_BYTES];
    for index in 0..id.chunk_count() {
        // Within u32: the builder has checked the length.
        let chunk = &mut buffer[..id.chunk_bytes(index as u32)];
        file.read_exact(chunk)?;
        builder.push(chunk);
    }
    let manifest = builder.finish();
    if manifest.id() == id { Ok(manifest) } else { Err(rotten(path, "its bytes do not match its name")) }
}
