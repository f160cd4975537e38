//! A blob while it comes, and after: in memory or in a file, chunk by verified chunk.
//!
//! In: chunks that were verified against the manifest. Out: the same chunks. On disk nothing is synced before the end: a
//! chunk that a power cut took does not match its hash and is fetched again. The file gets its name when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::CHUNK_BYTES;
use crate::{BlobId, Have, Manifest};

/// What a file's name ends in while it is not whole.
pub(crate) const PART_SUFFIX: &str = ".part";

/// Chunks of one blob.
#[derive(Debug)]
pub(crate) struct Partial {
    manifest: Arc<Manifest>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    body: Body,
    have: Vec<bool>,
    missing: u32,
}

#[derive(Debug)]
enum Body {
    Memory(Vec<u8>),
    File { file: File, path: PathBuf },
}

impl Partial {
    /// Nothing yet, in memory.
    pub(crate) fn in_memory(manifest: Arc<Manifest>) -> Self {
        // Zeroed memory is mapped when it is first written, so a blob nobody serves costs nothing.
        let body = Body::Memory(vec![0; manifest.id().bytes as usize]);
        Self::with(manifest, body)
    }

    /// In a file beside `path`, which it is renamed to when it is whole. What an earlier process left there is checked and
    /// kept. Blocks on the disk.
    pub(crate) fn on_disk(manifest: Arc<Manifest>, path: PathBuf) -> io::Result<Self> {
        let part = super::part_of(&path);
        if path.is_file() && !part.exists() {
            // Whole, so it says; it gets its name back once every chunk has been checked.
            fs::rename(&path, &part)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&part)?;
        let resumed = file.metadata()?.len();
        file.set_len(manifest.id().bytes)?;
        let partial = Self::with(manifest, Body::File { file, path });
        partial.find(resumed);
        Ok(partial)
    }

    fn with(manifest: Arc<Manifest>, body: Body) -> Self {
        let chunks = manifest.chunk_count();
        let state = State { body, have: vec![false; chunks as usize], missing: chunks };
        Self { manifest, state: Mutex::new(state) }
    }

    /// Marks the chunks that a file already holds; `resumed` bytes of it are from before.
    fn find(&self, resumed: u64) {
        let id = self.manifest.id();
        let mut state = self.state();
        for index in 0..self.manifest.chunk_count() {
            if u64::from(index) * CHUNK_BYTES as u64 >= resumed {
                return;
            }
            let Body::File { file, .. } = &mut state.body else { return };
            if read_chunk(file, &id, index).is_ok_and(|chunk| self.manifest.verify(index, &chunk).is_ok()) {
                state.have[index as usize] = true;
                state.missing -= 1;
            }
        }
    }

    /// What the blob is made of.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether nothing is missing.
    pub(crate) fn is_whole(&self) -> bool {
        self.state().missing == 0
    }

    /// Bytes of memory it takes.
    pub(crate) fn memory(&self) -> u64 {
        match &self.state().body {
            Body::Memory(bytes) => bytes.len() as u64,
            Body::File { .. } => 0,
        }
    }

    /// The file it lies in now.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let state = self.state();
        match &state.body {
            Body::Memory(_) => None,
            Body::File { path, .. } if state.missing == 0 => Some(path.clone()),
            Body::File { path, .. } => Some(super::part_of(path)),
        }
    }

    /// Chunks that are here.
    pub(crate) fn have(&self) -> Have {
        let state = self.state();
        if state.missing == 0 {
            return Have::All;
        }
        if state.missing as usize == state.have.len() {
            return Have::Some(Vec::new());
        }
        let mut bits = vec![0u8; state.have.len().div_ceil(8)];
        for (index, _) in state.have.iter().enumerate().filter(|(_, have)| **have) {
            bits[index / 8] |= 1 << (index % 8);
        }
        Have::Some(bits)
    }

    /// Bytes that are here.
    pub(crate) fn bytes(&self) -> u64 {
        let (state, id) = (self.state(), self.manifest.id());
        let here = state.have.iter().enumerate().filter(|(_, have)| **have);
        here.map(|(index, _)| id.chunk_bytes(index as u32) as u64).sum()
    }

    /// A chunk, if it is here; checked again if it comes from a disk.
    pub(crate) fn read(&self, index: u32) -> Option<Vec<u8>> {
        let id = self.manifest.id();
        let mut state = self.state();
        if !state.have.get(index as usize).copied().unwrap_or(false) {
            return None;
        }
        match &mut state.body {
            Body::Memory(bytes) => {
                let start = index as usize * CHUNK_BYTES;
                bytes.get(start..start + id.chunk_bytes(index)).map(<[u8]>::to_vec)
            }
            Body::File { file, .. } => {
                let chunk = read_chunk(file, &id, index).ok()?;
                self.manifest.verify(index, &chunk).is_ok().then_some(chunk)
            }
        }
    }

    /// Takes a verified chunk; the last one makes the blob whole and gives a file its name.
    pub(crate) fn write(&self, index: u32, chunk: &[u8]) -> io::Result<()> {
        let start = u64::from(index) * CHUNK_BYTES as u64;
        let mut state = self.state();
        let Some(false) = state.have.get(index as usize).copied() else { return Ok(()) };
        match &mut state.body {
            Body::Memory(bytes) => {
                let start = start as usize;
                bytes[start..start + chunk.len()].copy_from_slice(chunk);
            }
            Body::File { file, .. } => {
                file.seek(SeekFrom::Start(start))?;
                file.write_all(chunk)?;
            }
        }
        state.have[index as usize] = true;
        state.missing -= 1;
        if state.missing == 0 {
            finish(&mut state.body)?;
        }
        Ok(())
    }

    /// All bytes, once nothing is missing.
    pub(crate) fn whole(&self) -> io::Result<Option<Vec<u8>>> {
        let mut state = self.state();
        if state.missing > 0 {
            return Ok(None);
        }
        match &mut state.body {
            Body::Memory(bytes) => Ok(Some(bytes.clone())),
            Body::File { file, .. } => {
                let mut bytes = Vec::with_capacity(self.manifest.id().bytes as usize);
                file.seek(SeekFrom::Start(0))?;
                file.take(self.manifest.id().bytes).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
        }
    }

    /// A file that was whole when it was found again still has its working name.
    pub(crate) fn settle(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.missing == 0 { finish(&mut state.body) } else { Ok(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic between write and mark costs one chunk, which is fetched again.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn finish(body: &mut Body) -> io::Result<()> {
    let Body::File { file, path } = body else { return Ok(()) };
    let part = super::part_of(path);
    if !part.exists() {
        return Ok(());
    }
    file.sync_all()?;
    fs::rename(&part, &*path)?;
    sync_folder(path);
    // Some systems tie a handle to the name it was opened by.
    *file = OpenOptions::new().read(true).open(&*path)?;
    Ok(())
}

/// The new name survives a power cut; where a folder cannot be synced, a lost name costs one download.
fn sync_folder(path: &Path) {
    #[cfg(unix)]
    if let Some(Err(error)) = path.parent().map(|dir| File::open(dir).and_then(|dir| dir.sync_all())) {
        tracing::debug!("folder of {} not synced: {error}", path.display());
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// One chunk's bytes out of a file of the blob's length.
pub(super) fn read_chunk(file: &mut File, id: &BlobId, index: u32) -> io::Result<Vec<u8>> {
    let mut chunk = vec![0; id.chunk_bytes(index)];
    file.seek(SeekFrom::Start(u64::from(index) * CHUNK_BYTES as u64))?;
    file.read_exact(&mut chunk)?;
    Ok(chunk)
}
