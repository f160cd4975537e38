//! A shelf of a bucket as a chunk source.
//!
//! In: a blob's id, a chunk's index. Out: exactly the bytes of that range, whatever they are: the fetcher hashes them. An
//! object of another size is something else, and said to be so without being read. It tries nothing twice: the fetcher
//! does, and has other sources.

use std::sync::Arc;

use exchange::{BlobId, CHUNK_BYTES, ChunkSource, CostClass, Have, Manifest, SourceError};

use crate::error::BucketError;
use crate::names::Shelf;
use crate::place::BucketPlace;
use crate::store::Store;

/// One shelf of a public bucket.
#[derive(Clone)]
pub struct BucketSource {
    store: Arc<Store>,
    place: BucketPlace,
    shelf: Shelf,
}

impl BucketSource {
    pub(crate) fn new(store: Arc<Store>, place: BucketPlace, shelf: Shelf) -> Self {
        Self { store, place, shelf }
    }
}

#[async_trait::async_trait]
impl ChunkSource for BucketSource {
    fn name(&self) -> String {
        format!("bucket {}", self.place)
    }

    fn class(&self) -> CostClass {
        CostClass::Bucket
    }

    async fn have(&self, id: &BlobId) -> Result<Have, SourceError> {
        match self.store.size(&self.shelf.name(&id.root)).await {
            Ok(got) if got == id.bytes => Ok(Have::All),
            Ok(got) => Err(BucketError::WrongSize { expected: id.bytes, got }.into()),
            Err(BucketError::NotFound) => Ok(Have::Nothing),
            Err(error) => Err(error.into()),
        }
    }

    async fn manifest(&self, id: &BlobId) -> Result<Option<Manifest>, SourceError> {
        if let Some(single) = Manifest::single(*id) {
            return Ok(Some(single));
        }
        let rotten = |e: exchange::ManifestError| SourceError::Rotten(e.to_string());
        let length = Manifest::encoded_bytes(id).map_err(rotten)? as u64;
        match self.store.get(&self.shelf.manifest_name(&id.root), 0..length, length).await {
            Ok(bytes) => Ok(Some(Manifest::from_bytes(&bytes).map_err(rotten)?)),
            Err(BucketError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn chunk(&self, id: &BlobId, index: u32) -> Result<Vec<u8>, SourceError> {
        let name = self.shelf.name(&id.root);
        let length = id.chunk_bytes(index) as u64;
        if length == 0 {
            // There is no empty range to ask for; the empty blob is there or not.
            return match self.store.size(&name).await? {
                0 => Ok(Vec::new()),
                got => Err(BucketError::WrongSize { expected: 0, got }.into()),
            };
        }
        let start = u64::from(index) * CHUNK_BYTES as u64;
        Ok(self.store.get(&name, start..start + length, id.bytes).await?)
    }
}

impl From<BucketError> for SourceError {
    fn from(error: BucketError) -> Self {
        match error {
            BucketError::NotFound => Self::NotFound,
            BucketError::WrongSize { .. } => Self::Rotten(error.to_string()),
            BucketError::TooLong(max) => Self::TooLong(max),
            error => Self::Unavailable(error.to_string()),
        }
    }
}
