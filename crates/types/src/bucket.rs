//! A bucket's read-only credentials, as they stand on a chain: the reference's 128 characters, and the same in 64 bytes.
//!
//! In: bytes from a chain (hostile), or three parts. Out: the other one. Refused: any other length, and characters that no
//! Cloudflare identifier has. The "secret" of it is public by design: read-only, for this bucket (protocol.md §6.1); it
//! still stays out of `Debug`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const ACCOUNT: usize = 32;
const KEY_ID: usize = 32;
const SECRET: usize = 64;
/// Characters of the whole commitment.
pub const BUCKET_CHARS: usize = ACCOUNT + KEY_ID + SECRET;
/// The same where all of them are hex digits, as Cloudflare makes them.
pub const BUCKET_KEYS_BYTES: usize = BUCKET_CHARS / 2;

/// A public, read-only way into a bucket.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketCommitment {
    account: String,
    key_id: String,
    secret: String,
}

/// Why something is no bucket commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BucketCommitmentError {
    /// Any other length.
    #[error("a bucket commitment has {BUCKET_CHARS} characters (32 + 32 + 64), got {0}")]
    Length(usize),
    /// Something else than letters and digits.
    #[error("a bucket commitment has letters and digits only")]
    Characters,
    /// It does not fit a record.
    #[error("a bucket commitment fits a record only if it is all lower-case hex digits")]
    NotHex,
}

impl BucketCommitment {
    /// # Errors
    /// [`BucketCommitmentError`] unless the parts have 32, 32 and 64 letters and digits.
    pub fn new(account: &str, key_id: &str, secret: &str) -> Result<Self, BucketCommitmentError> {
        if (account.len(), key_id.len(), secret.len()) != (ACCOUNT, KEY_ID, SECRET) {
            return Err(BucketCommitmentError::Length(account.len() + key_id.len() + secret.len()));
        }
        Self::parse(format!("{account}{key_id}{secret}").as_bytes())
    }

    /// Reads a commitment.
    ///
    /// # Errors
    /// [`BucketCommitmentError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BucketCommitmentError> {
        if bytes.len() != BUCKET_CHARS {
            return Err(BucketCommitmentError::Length(bytes.len()));
        }
        if !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return Err(BucketCommitmentError::Characters);
        }
        let part = |from: usize, to: usize| bytes[from..to].iter().map(|b| char::from(*b)).collect();
        Ok(Self {
            account: part(0, ACCOUNT),
            key_id: part(ACCOUNT, ACCOUNT + KEY_ID),
            secret: part(ACCOUNT + KEY_ID, BUCKET_CHARS),
        })
    }

    /// The commitment.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.text().into_bytes()
    }

    fn text(&self) -> String {
        format!("{}{}{}", self.account, self.key_id, self.secret)
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

impl fmt::Debug for BucketCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketCommitment").field("account", &self.account).finish_non_exhaustive()
    }
}

/// A commitment of hex digits in half the bytes, so that a [`crate::Record`] holds it. Serialised as the commitment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BucketKeys([u8; BUCKET_KEYS_BYTES]);

impl BucketKeys {
    pub(crate) fn from_bytes(bytes: [u8; BUCKET_KEYS_BYTES]) -> Self {
        Self(bytes)
    }

    pub(crate) fn to_bytes(self) -> [u8; BUCKET_KEYS_BYTES] {
        self.0
    }

    /// The commitment that it stands for.
    pub fn commitment(&self) -> BucketCommitment {
        let text = hex::encode(self.0);
        BucketCommitment {
            account: text[..ACCOUNT].to_owned(),
            key_id: text[ACCOUNT..ACCOUNT + KEY_ID].to_owned(),
            secret: text[ACCOUNT + KEY_ID..].to_owned(),
        }
    }
}

impl TryFrom<&BucketCommitment> for BucketKeys {
    type Error = BucketCommitmentError;

    fn try_from(commitment: &BucketCommitment) -> Result<Self, Self::Error> {
        let text = commitment.text();
        let mut bytes = [0; BUCKET_KEYS_BYTES];
        // Upper case would come back as lower case, which is another key.
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        match hex::decode_to_slice(&text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(BucketCommitmentError::NotHex),
        }
    }
}

impl fmt::Debug for BucketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketKeys").field("account", &hex::encode(&self.0[..ACCOUNT / 2])).finish_non_exhaustive()
    }
}

impl Serialize for BucketKeys {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for BucketKeys {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let commitment = BucketCommitment::parse(text.as_bytes()).map_err(de::Error::custom)?;
        Self::try_from(&commitment).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_parts_lie_one_behind_the_other() {
        let bucket = BucketCommitment::new(&"a".repeat(32), &"b".repeat(32), &"c".repeat(64)).unwrap();
        let want = format!("{}{}{}", "a".repeat(32), "b".repeat(32), "c".repeat(64));
        assert_eq!(bucket.to_bytes(), want.as_bytes());
        assert!(!format!("{bucket:?}").contains("ccc"));
        let keys = BucketKeys::try_from(&bucket).unwrap();
        assert_eq!(keys.to_bytes(), [[0xaa; 16].as_slice(), &[0xbb; 16], &[0xcc; 32]].concat().as_slice());
        assert!(!format!("{keys:?}").contains("ccc"));
    }

    #[test]
    fn other_lengths_and_characters_are_refused() {
        let refused = |bytes: &[u8]| BucketCommitment::parse(bytes).unwrap_err();
        assert_eq!(refused(&[b'a'; 127]), BucketCommitmentError::Length(127));
        assert_eq!(refused(&[b'a'; 129]), BucketCommitmentError::Length(129));
        let mut bytes = [b'a'; 128];
        for wrong in [b' ', b'/', 0, 0xff] {
            bytes[77] = wrong;
            assert_eq!(refused(&bytes), BucketCommitmentError::Characters);
        }
        let shifted = BucketCommitment::new(&"a".repeat(33), &"b".repeat(31), &"c".repeat(64));
        assert_eq!(shifted, Err(BucketCommitmentError::Length(128)));
    }

    #[test]
    fn what_is_not_lower_case_hex_fits_no_record() {
        for digit in ["g", "A"] {
            let bucket = BucketCommitment::new(&"a".repeat(32), &"b".repeat(32), &digit.repeat(64)).unwrap();
            assert_eq!(BucketKeys::try_from(&bucket), Err(BucketCommitmentError::NotHex));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 120..136)) {
            if let Ok(bucket) = BucketCommitment::parse(&bytes) {
                prop_assert_eq!(bucket.to_bytes(), bytes);
            }
        }

        #[test]
        fn every_commitment_survives(text in "[0-9a-zA-Z]{128}") {
            prop_assert_eq!(BucketCommitment::parse(text.as_bytes()).unwrap().to_bytes(), text.as_bytes());
        }

        #[test]
        fn every_hex_commitment_survives_as_keys_and_as_json(text in "[0-9a-f]{128}") {
            let keys = BucketKeys::try_from(&BucketCommitment::parse(text.as_bytes()).unwrap()).unwrap();
            prop_assert_eq!(keys.commitment().to_bytes(), text.as_bytes());
            let json = serde_json::to_string(&keys).unwrap();
            prop_assert_eq!(serde_json::from_str::<BucketKeys>(&json).unwrap(), keys);
        }
    }
}
