//! The section of a file that says which bucket is one's own, and where its key is.
//!
//! In: JSON of the user's (`{"place": {"endpoint": …, "bucket": …, "region": …}, "key_file": …}`). Out: an open
//! [`OwnBucket`]. The key itself stands in a file of its own, which only its owner may read.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::BucketError;
use crate::keys::{KeyFileError, WriteKey};
use crate::limits::MAX_SECTION_BYTES;
use crate::line::Pace;
use crate::own::OwnBucket;
use crate::place::BucketPlace;

/// One's own bucket, as a file names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketSection {
    /// Where it is.
    pub place: BucketPlace,
    /// File with two lines: the write key's id and its secret.
    pub key_file: PathBuf,
}

/// Why one's own bucket cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// The file that names it.
    #[error("`{path}` does not say which bucket: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's or the parser's reason.
        why: String,
    },
    /// The file with its key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The connection.
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

impl BucketSection {
    /// Reads a file that is this section and nothing else.
    ///
    /// # Errors
    /// [`SectionError::File`].
    pub fn read(path: &Path) -> Result<Self, SectionError> {
        let wrong = |why: String| SectionError::File { path: path.to_owned(), why };
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(|e| wrong(e.to_string()))?;
        file.take(MAX_SECTION_BYTES + 1).read_to_end(&mut bytes).map_err(|e| wrong(e.to_string()))?;
        if bytes.len() as u64 > MAX_SECTION_BYTES {
            return Err(wrong(format!("it has more than {MAX_SECTION_BYTES} bytes")));
        }
        serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))
    }
}

impl OwnBucket {
    /// Opens the bucket that a section names; nothing is asked yet. `notes` and `pace` as in [`Self::open`].
    ///
    /// # Errors
    /// [`SectionError`].
    pub fn open_from(
        section: &BucketSection,
        notes: PathBuf,
        pace: Option<Arc<dyn Pace>>,
    ) -> Result<Self, SectionError> {
        let key = WriteKey::read(&section.key_file)?;
        Ok(Self::open(section.place.clone(), &key, notes, pace)?)
    }
}
