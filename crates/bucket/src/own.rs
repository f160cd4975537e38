//! One's own bucket: is it usable, and what may go again.
//!
//! In: a place, the write key, a folder for notes. Out: a check in words that say what to do, publishing
//! ([`OwnBucket::publish`]), and room: objects of old rounds are removed, and only this run's.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use types::{Round, RunId};

use crate::error::BucketError;
use crate::keys::WriteKey;
use crate::limits::{CHECK_TIME, MAX_LISTED};
use crate::line::Pace;
use crate::names::{Age, age, prefix};
use crate::place::BucketPlace;
use crate::resume::Notes;
use crate::retry::again;
use crate::store::{Put, Store};

/// A bucket that this peer publishes to.
pub struct OwnBucket {
    pub(crate) store: Store,
    pub(crate) notes: Notes,
    pub(crate) place: BucketPlace,
}

/// What a check has shown beside that the bucket works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketCheck {
    /// Whether the server refuses to make an object twice. Without that, publishing looks first.
    pub create_only: bool,
    /// Seconds that the server's clock is ahead of this machine's, if it says the time. S3 bears 900.
    pub skew_seconds: Option<i64>,
}

impl OwnBucket {
    /// Opens a bucket; nothing is asked yet. `notes` is a folder of this peer's own, made when it is needed, in which
    /// unfinished uploads are noted; `pace` is the upload limit.
    ///
    /// # Errors
    /// [`BucketError::Tls`] if no connection can be set up at all.
    pub fn open(
        place: BucketPlace,
        key: &WriteKey,
        notes: PathBuf,
        pace: Option<Arc<dyn Pace>>,
    ) -> Result<Self, BucketError> {
        let store = Store::open(&place, key.id(), key.secret(), pace)?;
        Ok(Self { store, notes: Notes::new(notes), place })
    }

    /// Where it is.
    pub fn place(&self) -> &BucketPlace {
        &self.place
    }

    /// Writes, reads and removes a small object, within a minute.
    ///
    /// # Errors
    /// [`BucketError`]: [`BucketError::ReadOnlyKey`], [`BucketError::WrongKey`], [`BucketError::NoSuchBucket`],
    /// [`BucketError::Unreachable`], [`BucketError::ClockSkew`] and others.
    pub async fn check(&self) -> Result<BucketCheck, BucketError> {
        let name = probe_name();
        let deadline = Instant::now() + CHECK_TIME;
        let checked = timeout_at(deadline, self.probe(&name)).await;
        let checked = checked.unwrap_or(Err(BucketError::TimedOut));
        if checked.is_err() {
            // Whatever was made is removed, if it can be.
            let _ = timeout_at(Instant::now() + CHECK_TIME, self.store.delete(&name)).await;
        }
        checked
    }

    async fn probe(&self, name: &str) -> Result<BucketCheck, BucketError> {
        let bytes = name.as_bytes().to_vec();
        let length = bytes.len() as u64;
        match self.store.put_new(name, bytes.clone()).await {
            Ok(_) => {}
            // Known, and not allowed to write: may it read?
            Err(refused @ BucketError::NotPermitted { .. }) => {
                return Err(match self.store.get(name, 0..1, 1).await {
                    Err(BucketError::NotFound) => BucketError::ReadOnlyKey,
                    _ => refused,
                });
            }
            Err(error) => return Err(error),
        }
        if self.store.get(name, 0..length, length).await? != bytes {
            return Err(BucketError::Protocol("it gave back something else than was written".to_owned()));
        }
        let create_only = self.store.put_new(name, bytes).await? == Put::WasThere;
        self.store.delete(name).await?;
        match self.store.size(name).await {
            Err(BucketError::NotFound) => Ok(BucketCheck { create_only, skew_seconds: self.store.skew() }),
            Err(error) => Err(error),
            Ok(_) => Err(BucketError::Protocol("what was removed is still there".to_owned())),
        }
    }

    /// Removes what belongs to rounds before `payloads` and to checkpoints before `checkpoints`, and gives unfinished
    /// uploads of them up. Only names of this run are touched. How many objects were removed; at most 10,000 are looked at
    /// each time.
    ///
    /// # Errors
    /// [`BucketError`]; what was removed before stays removed.
    pub async fn retain(
        &self,
        run: &RunId,
        payloads: Round,
        checkpoints: Round,
        deadline: Instant,
    ) -> Result<u64, BucketError> {
        let is_old = |name: &str| match age(run, name) {
            Some(Age::Round(round)) => round < payloads,
            Some(Age::Checkpoint(round)) => round < checkpoints,
            None => false,
        };
        let here = self.place.to_string();
        for (root, note) in self.notes.all()? {
            if note.place == here && is_old(&note.name) {
                again(deadline, || self.store.abort(&note.name, &note.id)).await?;
                self.notes.forget(&root)?;
            }
        }
        let folder = prefix(run);
        let names = again(deadline, || self.store.list(&folder, MAX_LISTED)).await?;
        let mut removed = 0;
        for name in names.iter().filter(|name| is_old(name)) {
            again(deadline, || self.store.delete(name)).await?;
            removed += 1;
        }
        Ok(removed)
    }
}

/// A name that nothing else has.
pub(crate) fn probe_name() -> String {
    let mut random = [0; 8];
    // Without randomness two checks at the same moment could meet, and one would say so.
    let _ = getrandom::fill(&mut random);
    format!("covey-probe/{:016x}", u64::from_le_bytes(random))
}
