//! What was believed last, kept on disk, so that nobody can offer something older as new.
//!
//! In: the head of a description, whose signature holds already, and the time. Out: yes, with what is to be kept, or why
//! not. Refused: an older one (rollback, replay), another one of the same number (two truths), one that has run out
//! (freeze), one from the future or with a number that cannot be honest yet (fast-forward). A clock set back does not bring
//! an old one to life: time never falls behind the newest description believed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::limits::{FIRST_SECS, MAX_AHEAD_SECS, MAX_LIFE_SECS, MAX_TRUST_BYTES, SECS_PER_SEQUENCE};
use crate::whole_file::{read_bounded, write_whole};

/// The format of descriptions that this program reads.
pub const FORMAT: u32 = 1;

/// The first fields of every description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`].
    pub format: u32,
    /// Number of the description, never used twice, growing.
    pub sequence: u64,
    /// When it was made, seconds since 1970.
    pub issued: u64,
    /// When it runs out, seconds since 1970.
    pub expires: u64,
}

/// The newest description that was believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// Its number.
    pub sequence: u64,
    /// When it was made.
    pub issued: u64,
    /// BLAKE3 of its text, in hex.
    pub digest: String,
}

/// Why a signed description is not taken all the same.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Made for a later program.
    #[error(
        "this description has format {0}, and this program reads {FORMAT}: get the new version from where you got this one"
    )]
    Format(u32),
    /// Older than what was seen.
    #[error("this description (number {got}) is older than one seen before (number {seen}): somebody offers the past")]
    Older {
        /// Its number.
        got: u64,
        /// The newest seen.
        seen: u64,
    },
    /// Two descriptions with one number.
    #[error("two different descriptions have number {0}: one of them is not meant for everybody")]
    Two(u64),
    /// A higher number with an earlier date.
    #[error("description {sequence} was made before one with a lower number")]
    Order {
        /// Its number.
        sequence: u64,
    },
    /// It has run out.
    #[error("this description ran out {ago_secs} s ago: no newer one gets through, or this computer's clock is wrong")]
    Expired {
        /// For how long.
        ago_secs: u64,
    },
    /// Made in the future.
    #[error("this description was made {ahead_secs} s in the future: is this computer's clock right?")]
    Future {
        /// How far.
        ahead_secs: u64,
    },
    /// Lives too long or not at all.
    #[error("this description's dates make no sense")]
    Dates,
    /// Such a number needs more time than there was.
    #[error("number {0} is higher than any description can have by now")]
    Ahead(u64),
    /// The file of what was seen does not read: nothing can be told old from new.
    #[error("{path} does not read, so old cannot be told from new: {why}")]
    Lost {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It cannot be written.
    #[error("cannot keep what was seen: {0}")]
    Disk(#[from] std::io::Error),
}

/// The file in which one kind of description is remembered.
#[derive(Debug, Clone)]
pub struct TrustFile(PathBuf);

impl TrustFile {
    /// The file at `path`; it need not be there.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// What was believed last; `None` before the first time.
    ///
    /// # Errors
    /// [`TrustError::Lost`]: a file that does not read is not the same as none.
    pub fn read(&self) -> Result<Option<Trusted>, TrustError> {
        let lost = |why: String| TrustError::Lost { path: self.0.clone(), why };
        let bytes = read_bounded(&self.0, MAX_TRUST_BYTES).map_err(|error| lost(error.to_string()))?;
        bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(|error| lost(error.to_string()))).transpose()
    }

    /// Checks a description whose signature holds, and remembers it.
    ///
    /// # Errors
    /// [`TrustError`]; what is remembered is then as before.
    pub fn accept(&self, head: &Head, text: &str, now_secs: u64) -> Result<(), TrustError> {
        let seen = self.read()?;
        let new = check(seen.as_ref(), head, text, now_secs)?;
        if seen.as_ref() != Some(&new) {
            let bytes = serde_json::to_vec(&new).map_err(std::io::Error::other)?;
            write_whole(&self.0, &bytes)?;
        }
        Ok(())
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// The rules, without a disk.
///
/// # Errors
/// [`TrustError`].
pub fn check(seen: Option<&Trusted>, head: &Head, text: &str, now_secs: u64) -> Result<Trusted, TrustError> {
    if head.format != FORMAT {
        return Err(TrustError::Format(head.format));
    }
    let Head { sequence, issued, expires, .. } = *head;
    if issued < FIRST_SECS || expires <= issued || expires - issued > MAX_LIFE_SECS {
        return Err(TrustError::Dates);
    }
    if issued > now_secs.saturating_add(MAX_AHEAD_SECS) {
        return Err(TrustError::Future { ahead_secs: issued - now_secs });
    }
    if sequence > (issued - FIRST_SECS) / SECS_PER_SEQUENCE {
        return Err(TrustError::Ahead(sequence));
    }
    let new = Trusted { sequence, issued, digest: blake3::hash(text.as_bytes()).to_hex().to_string() };
    if let Some(seen) = seen {
        if sequence < seen.sequence {
            return Err(TrustError::Older { got: sequence, seen: seen.sequence });
        }
        if sequence == seen.sequence && new.digest != seen.digest {
            return Err(TrustError::Two(sequence));
        }
        if issued < seen.issued {
            return Err(TrustError::Order { sequence });
        }
    }
    let now = seen.map_or(now_secs, |seen| now_secs.max(seen.issued));
    if now >= expires {
        return Err(TrustError::Expired { ago_secs: now - expires });
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const NOW: u64 = FIRST_SECS + 300 * DAY;

    fn head(sequence: u64, issued: u64, days: u64) -> Head {
        Head { format: FORMAT, sequence, issued, expires: issued + days * DAY }
    }

    #[test]
    fn numbers_grow_and_one_number_has_one_text() {
        let seen = check(None, &head(5, NOW, 30), "five", NOW).unwrap();
        let again = |head: Head, text: &str| check(Some(&seen), &head, text, NOW);
        assert_eq!(again(head(5, NOW, 30), "five").unwrap(), seen);
        assert!(matches!(again(head(5, NOW, 30), "other"), Err(TrustError::Two(5))));
        assert!(matches!(again(head(4, NOW, 30), "four"), Err(TrustError::Older { got: 4, seen: 5 })));
        assert!(matches!(again(head(6, NOW - 1, 30), "six"), Err(TrustError::Order { sequence: 6 })));
        assert!(again(head(6, NOW, 30), "six").is_ok());
    }

    #[test]
    fn a_clock_set_back_brings_nothing_old_to_life() {
        let old = head(5, NOW, 10);
        assert!(check(None, &old, "five", NOW + 9 * DAY).is_ok());
        assert!(matches!(check(None, &old, "five", NOW + 10 * DAY), Err(TrustError::Expired { ago_secs: 0 })));
        // A newer one was seen, then the clock is set back to when the old one was good.
        let seen = check(None, &head(5, NOW + 20 * DAY, 10), "five", NOW + 20 * DAY).unwrap();
        let replayed = head(5, NOW + 20 * DAY, 10);
        assert!(check(Some(&seen), &replayed, "five", NOW).is_err(), "made in the future");
        assert!(check(Some(&seen), &head(6, NOW, 10), "six", NOW).is_err());
    }

    #[test]
    fn nobody_can_use_all_numbers_up() {
        assert!(matches!(check(None, &head(u64::MAX, NOW, 30), "x", NOW), Err(TrustError::Ahead(_))));
        let highest = (NOW - FIRST_SECS) / SECS_PER_SEQUENCE;
        let seen = check(None, &head(highest, NOW, 30), "x", NOW).unwrap();
        // A minute later there is room for an honest one.
        assert!(check(Some(&seen), &head(highest + 1, NOW + 60, 30), "y", NOW + 60).is_ok());
        assert!(matches!(check(None, &head(1, NOW + 2 * DAY, 30), "x", NOW), Err(TrustError::Future { .. })));
        assert!(matches!(check(None, &head(1, NOW, 500), "x", NOW), Err(TrustError::Dates)));
        assert!(matches!(check(None, &head(1, 0, 30), "x", NOW), Err(TrustError::Dates)));
    }

    #[test]
    fn a_file_that_does_not_read_is_not_a_first_time() {
        let dir = tempfile::tempdir().unwrap();
        let file = TrustFile::at(dir.path().join("trust.json"));
        file.accept(&head(5, NOW, 30), "five", NOW).unwrap();
        let before = std::fs::read(file.path()).unwrap();
        assert!(file.accept(&head(4, NOW, 30), "four", NOW).is_err());
        assert_eq!(std::fs::read(file.path()).unwrap(), before);
        std::fs::write(file.path(), b"{").unwrap();
        assert!(matches!(file.accept(&head(6, NOW, 30), "six", NOW), Err(TrustError::Lost { .. })));
    }
}
