//! The reference's bucket commitment: where a peer's objects lie, and the key that may read them.
//!
//! In: 128 bytes from the chain (hostile), or three parts. Out: the other one. Refused: any other length, and characters
//! that no Cloudflare identifier has. The "secret" of it is public by design: read-only, for this bucket (protocol.md
//! §6.1); it still stays out of `Debug`.

use std::fmt;

const ACCOUNT: usize = 32;
const KEY_ID: usize = 32;
const SECRET: usize = 64;
/// Length of the whole commitment.
pub const BUCKET_BYTES: usize = ACCOUNT + KEY_ID + SECRET;

/// A public, read-only way into a bucket.
#[derive(Clone, PartialEq, Eq)]
pub struct Bucket {
    account: String,
    key_id: String,
    secret: String,
}

/// Bytes that are no bucket commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BucketError {
    /// Any other length.
    #[error("a bucket commitment has {BUCKET_BYTES} characters (32 + 32 + 64), got {0}")]
    Length(usize),
    /// Something else than letters and digits.
    #[error("a bucket commitment has letters and digits only")]
    Characters,
}

impl Bucket {
    /// # Errors
    /// [`BucketError`] unless the parts have 32, 32 and 64 letters and digits.
    pub fn new(account: &str, key_id: &str, secret: &str) -> Result<Self, BucketError> {
        if (account.len(), key_id.len(), secret.len()) != (ACCOUNT, KEY_ID, SECRET) {
            return Err(BucketError::Length(account.len() + key_id.len() + secret.len()));
        }
        Self::parse(format!("{account}{key_id}{secret}").as_bytes())
    }

    /// Reads a commitment.
    ///
    /// # Errors
    /// [`BucketError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BucketError> {
        if bytes.len() != BUCKET_BYTES {
            return Err(BucketError::Length(bytes.len()));
        }
        if !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return Err(BucketError::Characters);
        }
        let part = |from: usize, to: usize| bytes[from..to].iter().map(|b| char::from(*b)).collect();
        Ok(Self {
            account: part(0, ACCOUNT),
            key_id: part(ACCOUNT, ACCOUNT + KEY_ID),
            secret: part(ACCOUNT + KEY_ID, BUCKET_BYTES),
        })
    }

    /// The commitment.
    pub fn to_bytes(&self) -> Vec<u8> {
        format!("{}{}{}", self.account, self.key_id, self.secret).into_bytes()
    }

    /// Account id, which is the bucket's name as well.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Id of the read key.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Secret of the read key.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("account", &self.account).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_parts_lie_one_behind_the_other() {
        let bucket = Bucket::new(&"a".repeat(32), &"b".repeat(32), &"c".repeat(64)).unwrap();
        let want = format!("{}{}{}", "a".repeat(32), "b".repeat(32), "c".repeat(64));
        assert_eq!(bucket.to_bytes(), want.as_bytes());
        assert!(!format!("{bucket:?}").contains("ccc"));
    }

    #[test]
    fn other_lengths_and_characters_are_refused() {
        assert_eq!(Bucket::parse(&[b'a'; 127]), Err(BucketError::Length(127)));
        assert_eq!(Bucket::parse(&[b'a'; 129]), Err(BucketError::Length(129)));
        let mut bytes = [b'a'; 128];
        for wrong in [b' ', b'/', 0, 0xff] {
            bytes[77] = wrong;
            assert_eq!(Bucket::parse(&bytes), Err(BucketError::Characters));
        }
        assert_eq!(Bucket::new(&"a".repeat(33), &"b".repeat(31), &"c".repeat(64)), Err(BucketError::Length(128)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 120..136)) {
            if let Ok(bucket) = Bucket::parse(&bytes) {
                prop_assert_eq!(bucket.to_bytes(), bytes);
            }
        }

        #[test]
        fn every_commitment_survives(text in "[0-9a-zA-Z]{128}") {
            prop_assert_eq!(Bucket::parse(text.as_bytes()).unwrap().to_bytes(), text.as_bytes());
        }
    }
}
