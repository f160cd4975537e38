//! The database behind the book, which does not trust its own file enough.
//!
//! In: work on a database. Out: its result, or a typed error where the database would have panicked: redb asserts its structure
//! instead of checking it, so a flipped byte in a page ends in a panic deep inside. After one, nothing is read or written
//! any more. Every value carries a checksum, so a flipped byte within a value is found as well.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use crate::error::{BookError, storage};

/// Bytes of a value's checksum.
const SEAL_BYTES: usize = 8;

#[derive(Debug)]
pub(super) struct Guarded {
    /// There until it is dropped.
    database: Option<Database>,
    broken: AtomicBool,
}

impl Guarded {
    /// Opens a database.
    pub(super) fn open(open: impl FnOnce() -> Result<Database, BookError>) -> Result<Self, BookError> {
        let database = catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| Err(damaged()))?;
        Ok(Self { database: Some(database), broken: AtomicBool::new(false) })
    }

    /// Reads.
    pub(super) fn read<T>(&self, work: impl FnOnce(&ReadTransaction) -> Result<T, BookError>) -> Result<T, BookError> {
        self.with(|database| work(&database.begin_read().map_err(storage)?))
    }

    /// Writes all of `work` in one transaction, or nothing.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, BookError>,
    ) -> Result<T, BookError> {
        self.with(|database| {
            let write = database.begin_write().map_err(storage)?;
            let out = work(&write)?;
            write.commit().map_err(storage)?;
            Ok(out)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, BookError>) -> Result<T, BookError> {
        let Some(database) = self.database.as_ref().filter(|_| !self.broken.load(Ordering::Relaxed)) else {
            return Err(damaged());
        };
        // What a panic leaves half done is within the database, and that is not used again.
        catch_unwind(AssertUnwindSafe(|| work(database))).unwrap_or_else(|_| {
            self.broken.store(true, Ordering::Relaxed);
            Err(damaged())
        })
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let Some(database) = self.database.take() else { return };
        if *self.broken.get_mut() {
            #[expect(clippy::disallowed_methods, reason = "closing a broken database would write to its file")]
            std::mem::forget(database);
        } else if catch_unwind(AssertUnwindSafe(|| drop(database))).is_err() {
            tracing::error!("the book's database could not be closed");
        }
    }
}

fn damaged() -> BookError {
    BookError::Corrupt("the structure of its database does not hold".into())
}

/// `value` of `key` with its checksum.
pub(super) fn sealed(key: &[u8], value: &[u8]) -> Vec<u8> {
    [value, &checksum(key, value)].concat()
}

/// The value in `bytes`.
pub(super) fn unsealed<'a>(key: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], &'static str> {
    let (value, seal) = bytes.split_last_chunk::<SEAL_BYTES>().ok_or("shorter than its checksum")?;
    if *seal == checksum(key, value) { Ok(value) } else { Err("its checksum does not hold") }
}

fn checksum(key: &[u8], value: &[u8]) -> [u8; SEAL_BYTES] {
    let mut hasher = blake3::Hasher::new_derive_key("covey 2026-11-24 earnings book value v1");
    hasher.update(&(key.len() as u64).to_le_bytes()).update(key).update(value);
    let mut out = [0; SEAL_BYTES];
    out.copy_from_slice(&hasher.finalize().as_bytes()[..SEAL_BYTES]);
    out
}
