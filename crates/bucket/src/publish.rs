//! Publishing a blob: once, whole, and found by everybody who knows its name.
//!
//! In: a blob in memory or in a file, its manifest, a shelf, a deadline. Out: the object, and its manifest beside it if it
//! has several chunks, checked by size. What is sent is checked against the manifest first, so that a file that rots or
//! changes is not published. Long blobs go in parts, of which a kill or a lost connection costs the ones on their way;
//! dropping the call costs the same. An object that is there already stays as it is.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use exchange::{BlobId, CHUNK_BYTES, Manifest};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;

use crate::error::BucketError;
use crate::limits::{MAX_PARTS, PART_BYTES, PARTS_IN_FLIGHT};
use crate::names::Shelf;
use crate::own::OwnBucket;
use crate::resume::Note;
use crate::retry::again;
use crate::store::Put;

/// Where a blob's bytes are.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// In a file.
    File(PathBuf),
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The object's name.
    pub name: String,
    /// Bytes that went up for it now: none if it was there already, fewer than it has if an upload was resumed.
    pub sent: u64,
}

/// Told after each part: bytes of the blob that are in the bucket.
type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

impl OwnBucket {
    /// Publishes a blob. Cancel-safe: the next call goes on where a dropped one was.
    ///
    /// # Errors
    /// [`BucketError`]: [`BucketError::Deadline`] with the last reason, [`BucketError::Rotten`] if the content is not the
    /// manifest's, [`BucketError::WrongSize`] if something else lies under the name, and the refusals.
    pub async fn publish(
        &self,
        shelf: &Shelf,
        manifest: &Manifest,
        content: &Content,
        deadline: Instant,
        progress: Progress<'_>,
    ) -> Result<Published, BucketError> {
        let id = manifest.id();
        if manifest.chunk_count() > 1 {
            let name = shelf.manifest_name(&id.root);
            let bytes = manifest.to_bytes();
            again(deadline, || self.store.put_new(&name, bytes.clone())).await?;
            self.verify(&name, bytes.len() as u64, deadline).await?;
        }
        let name = shelf.name(&id.root);
        let sent = if id.bytes <= PART_BYTES {
            let bytes = piece(content, manifest, 0, id.bytes).await?;
            match again(deadline, || self.store.put_new(&name, bytes.clone())).await? {
                Put::Made => id.bytes,
                Put::WasThere => 0,
            }
        } else {
            self.publish_parts(&name, manifest, content, deadline, progress).await?
        };
        self.verify(&name, id.bytes, deadline).await?;
        progress(id.bytes);
        Ok(Published { name, sent })
    }

    async fn verify(&self, name: &str, bytes: u64, deadline: Instant) -> Result<(), BucketError> {
        match again(deadline, || self.store.size(name)).await? {
            got if got == bytes => Ok(()),
            got => Err(BucketError::WrongSize { expected: bytes, got }),
        }
    }

    async fn publish_parts(
        &self,
        name: &str,
        manifest: &Manifest,
        content: &Content,
        deadline: Instant,
        progress: Progress<'_>,
    ) -> Result<u64, BucketError> {
        let id = manifest.id();
        match again(deadline, || self.store.size(name)).await {
            Ok(_) => {
                self.notes.forget(&id.root)?;
                return Ok(0);
            }
            Err(BucketError::NotFound) => {}
            Err(error) => return Err(error),
        }
        let mut sent = 0;
        // A second time, if the server has forgotten the upload that the note is about.
        for noted in [self.noted(name, id), None] {
            let resumed = noted.is_some();
            let note = match noted {
                Some(note) => note,
                None => self.begin(name, id, deadline).await?,
            };
            match self.send_parts(&note, manifest, content, deadline, progress, &mut sent).await {
                Err(BucketError::NotFound | BucketError::Refused { status: 400, .. }) if resumed => {
                    self.notes.forget(&id.root)?;
                }
                Ok(()) => {
                    self.notes.forget(&id.root)?;
                    return Ok(sent);
                }
                Err(error) => return Err(error),
            }
        }
        Err(BucketError::NotFound)
    }

    /// The note about an upload of exactly this.
    fn noted(&self, name: &str, id: BlobId) -> Option<Note> {
        let note = self.notes.read(&id.root)?;
        let same = note.place == self.place.to_string() && note.name == name && note.bytes == id.bytes;
        (same && note.part_bytes == part_bytes(id.bytes)).then_some(note)
    }

    async fn begin(&self, name: &str, id: BlobId, deadline: Instant) -> Result<Note, BucketError> {
        let upload = again(deadline, || self.store.begin(name)).await?;
        let part_bytes = part_bytes(id.bytes);
        let parts = id.bytes.div_ceil(part_bytes) as usize;
        let (place, name) = (self.place.to_string(), name.to_owned());
        let note = Note { place, name, bytes: id.bytes, part_bytes, id: upload, marks: vec![None; parts] };
        self.notes.write(&id.root, &note)?;
        Ok(note)
    }

    /// Sends what is missing and puts everything together.
    async fn send_parts(
        &self,
        note: &Note,
        manifest: &Manifest,
        content: &Content,
        deadline: Instant,
        progress: Progress<'_>,
        sent: &mut u64,
    ) -> Result<(), BucketError> {
        let length = |index: usize| note.part_bytes.min(note.bytes - index as u64 * note.part_bytes);
        let missing: Vec<usize> = (0..note.marks.len()).filter(|index| note.marks[*index].is_none()).collect();
        let so_far = note.bytes - missing.iter().map(|index| length(*index)).sum::<u64>();
        progress(so_far);
        // The note, and bytes that are there and that were sent now.
        let state = Mutex::new((note.clone(), so_far, 0));
        let state = &state;
        let parts = missing.into_iter().map(|index| async move {
            let bytes = piece(content, manifest, index as u64 * note.part_bytes, length(index)).await?;
            let mark = again(deadline, || self.store.part(&note.name, &note.id, index, bytes.clone())).await?;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.0.marks[index] = Some(mark);
            state.1 += length(index);
            state.2 += length(index);
            // A few kilobytes, once per part: cheaper than another thread.
            self.notes.write(&manifest.id().root, &state.0)?;
            progress(state.1);
            Ok::<(), BucketError>(())
        });
        let done: Result<Vec<()>, BucketError> =
            stream::iter(parts).buffer_unordered(PARTS_IN_FLIGHT).try_collect().await;
        let (note, _, now) = state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *sent += now;
        done?;
        let marks: Vec<String> = note.marks.into_iter().flatten().collect();
        again(deadline, || self.complete(&note.name, &note.id, marks.clone())).await
    }

    /// An answer that got lost does not show whether the parts were put together: then the object is looked for.
    async fn complete(&self, name: &str, id: &str, marks: Vec<String>) -> Result<(), BucketError> {
        match self.store.complete(name, id, marks).await {
            Ok(()) => Ok(()),
            Err(error) => match self.store.size(name).await {
                Ok(_) => Ok(()),
                Err(_) => Err(error),
            },
        }
    }
}

/// Length of all parts but the last: whole chunks, all alike, at most 10,000.
fn part_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(MAX_PARTS).max(PART_BYTES).next_multiple_of(CHUNK_BYTES as u64)
}

/// Some chunks of the content, checked.
async fn piece(content: &Content, manifest: &Manifest, from: u64, length: u64) -> Result<Vec<u8>, BucketError> {
    let bytes = match content {
        Content::Bytes(bytes) if bytes.len() as u64 == manifest.id().bytes => {
            // Within a blob that is in memory.
            bytes[from as usize..(from + length) as usize].to_vec()
        }
        Content::Bytes(bytes) => return Err(BucketError::Rotten(format!("it has {} bytes", bytes.len()))),
        Content::File(path) => {
            let (path, whole) = (path.clone(), manifest.id().bytes);
            let read = move || {
                let mut file = File::open(path)?;
                let has = file.metadata()?.len();
                if has != whole {
                    return Err(BucketError::Rotten(format!("the file has {has} bytes, not {whole}")));
                }
                let mut bytes = vec![0; length as usize];
                file.seek(SeekFrom::Start(from))?;
                file.read_exact(&mut bytes)?;
                Ok(bytes)
            };
            let read = tokio::task::spawn_blocking(read).await;
            read.map_err(|_| BucketError::Disk(std::io::Error::other("reading was interrupted")))??
        }
    };
    let first = from / CHUNK_BYTES as u64;
    if bytes.is_empty() {
        manifest.verify(0, &bytes).map_err(|why| BucketError::Rotten(why.to_string()))?;
    }
    for (index, chunk) in (first..).zip(bytes.chunks(CHUNK_BYTES)) {
        // A manifest has at most 2^18 chunks.
        manifest.verify(index as u32, chunk).map_err(|why| BucketError::Rotten(why.to_string()))?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_chunks_alike_and_not_too_many() {
        for bytes in [PART_BYTES + 1, 100 << 20, 79 << 30, 145_000_000_000, 1 << 38] {
            let part = part_bytes(bytes);
            assert!(part >= PART_BYTES && part.is_multiple_of(CHUNK_BYTES as u64), "{bytes}");
            assert!(bytes.div_ceil(part) <= MAX_PARTS, "{bytes}");
        }
        assert_eq!(part_bytes(100 << 20), PART_BYTES);
    }
}
