//! Somebody's bucket, read with the key that is public.
//!
//! In: a commitment from a chain (hostile), or a place and a read key. Out: chunk sources, and whether the key can really
//! only read. A commitment names no machine but Cloudflare's, so that it leads nobody elsewhere.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use types::BucketCommitment;

use crate::error::BucketError;
use crate::keys::ReadKey;
use crate::limits::CHECK_TIME;
use crate::names::Shelf;
use crate::own::probe_name;
use crate::place::{BucketPlace, PlaceError};
use crate::source::BucketSource;
use crate::store::Store;

/// A bucket that anybody may read.
#[derive(Clone)]
pub struct PublicBucket {
    store: Arc<Store>,
    place: BucketPlace,
}

impl PublicBucket {
    /// Opens a bucket; nothing is asked yet.
    ///
    /// # Errors
    /// [`BucketError::Tls`] if no connection can be set up at all.
    pub fn new(place: BucketPlace, key: &ReadKey) -> Result<Self, BucketError> {
        let store = Arc::new(Store::open(&place, key.id(), key.secret(), None)?);
        Ok(Self { store, place })
    }

    /// Where a commitment's bucket is: on Cloudflare R2, under the account's own name (protocol.md §6.1).
    ///
    /// # Errors
    /// [`PlaceError::Account`] for an account id with capital letters, which Cloudflare has none of.
    pub fn place_of(commitment: &BucketCommitment) -> Result<BucketPlace, PlaceError> {
        BucketPlace::r2(commitment.account(), commitment.account())
    }

    /// Opens a commitment's bucket.
    ///
    /// # Errors
    /// [`BucketError::Protocol`] if the commitment names no possible bucket, else as [`Self::new`].
    pub fn committed(commitment: &BucketCommitment) -> Result<Self, BucketError> {
        let place = Self::place_of(commitment).map_err(|e| BucketError::Protocol(e.to_string()))?;
        Self::new(place, &ReadKey::from(commitment))
    }

    /// Where it is.
    pub fn place(&self) -> &BucketPlace {
        &self.place
    }

    /// A shelf of it as a source of chunks.
    pub fn source(&self, shelf: Shelf) -> BucketSource {
        BucketSource::new(Arc::clone(&self.store), self.place.clone(), shelf)
    }

    /// Makes sure that the key is good for reading and for nothing else, within a minute. Nothing is written, even where
    /// the key could: the write that is asked for has a condition that cannot hold.
    ///
    /// # Errors
    /// [`BucketError::WritableKey`]; [`BucketError::WrongKey`], [`BucketError::ExpiredKey`] and others for a key that does
    /// not read either.
    pub async fn verify_read_only(&self) -> Result<(), BucketError> {
        let verified = timeout_at(Instant::now() + CHECK_TIME, self.probe(&probe_name())).await;
        verified.unwrap_or(Err(BucketError::TimedOut))
    }

    async fn probe(&self, name: &str) -> Result<(), BucketError> {
        match self.store.get(name, 0..1, 1).await {
            // What nobody has written is not there; a key that may not list is told no more than that it may not.
            Err(BucketError::NotFound | BucketError::NotPermitted { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(BucketError::Protocol("it has what nobody has written".to_owned())),
        }
        match self.store.put_impossible(name).await {
            Err(BucketError::NotPermitted { .. }) => Ok(()),
            // The key is good; the condition is not.
            Err(BucketError::Refused { status: 304 | 409 | 412, .. } | BucketError::NotFound) => {
                Err(BucketError::WritableKey)
            }
            // A server that does not know conditions has made the object.
            Ok(()) => {
                self.store.delete(name).await?;
                Err(BucketError::WritableKey)
            }
            Err(error) => Err(error),
        }
    }
}
