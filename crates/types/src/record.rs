//! What peers and validators put on chain: at most 128 bytes each, so that the same bytes fit a Bittensor commitment.
//!
//! In: typed records or hostile bytes. Out: the other one. Layout: one version-and-kind byte, then fixed little-endian
//! fields; every length is exact, a longer or shorter record is refused.

use serde::{Deserialize, Serialize};

use crate::{BUCKET_KEYS_BYTES, BucketKeys, Hash32, Round, Uid};

/// Room of one commitment field on Bittensor (protocol.md §6.1).
pub const MAX_RECORD_BYTES: usize = 128;
/// A run's uids are 0..=255, as on Bittensor.
const BITMAP_BYTES: usize = 32;

/// A record on chain. The chain adds who wrote it and in which block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A peer binds itself to one payload before anybody can read it.
    Commit {
        /// Round the payload belongs to.
        round: Round,
        /// BLAKE3 of the whole submission container.
        root: Hash32,
        /// Its length in bytes.
        bytes: u64,
        /// Hash of the parameters the peer started the round from.
        theta: Hash32,
    },
    /// A peer or validator says which committed payloads it holds and found well-formed.
    Attest {
        /// Round of the payloads.
        round: Round,
        /// Uids whose payload was fetched, matches its root and decodes; ascending, at most 255.
        have: Vec<Uid>,
    },
    /// A validator's report on a finished round; the body travels through the exchange.
    Report {
        /// Round that was judged.
        round: Round,
        /// BLAKE3 of the report's body.
        root: Hash32,
        /// Its length in bytes.
        bytes: u64,
        /// Uids whose payloads are aggregated from now on; ascending, at most 255.
        gather: Vec<Uid>,
    },
    /// Somebody serves a checkpoint: the parameters at the start of `round`.
    Checkpoint {
        /// Round that starts from these parameters.
        round: Round,
        /// BLAKE3 of the checkpoint file.
        root: Hash32,
        /// Its length in bytes.
        bytes: u64,
        /// Hash of the parameters themselves.
        theta: Hash32,
    },
    /// A peer says where its payloads lie as well, from `round` on, or that they do so no longer.
    Bucket {
        /// Round in which this is said.
        round: Round,
        /// Read-only credentials, public by design.
        bucket: Option<BucketKeys>,
    },
}

/// Bytes that are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Unknown kind or version.
    #[error("unknown record kind {0:#04x}")]
    Kind(u8),
    /// Too short, or bytes left over.
    #[error("a record of this kind has {expected} bytes, got {got}")]
    Length {
        /// Bytes wanted.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
}

const COMMIT: u8 = 0x11;
const ATTEST: u8 = 0x12;
const REPORT: u8 = 0x13;
const CHECKPOINT: u8 = 0x14;
const BUCKET: u8 = 0x15;

impl Record {
    /// The round the record speaks of.
    pub fn round(&self) -> Round {
        match self {
            Self::Commit { round, .. }
            | Self::Attest { round, .. }
            | Self::Report { round, .. }
            | Self::Checkpoint { round, .. }
            | Self::Bucket { round, .. } => *round,
        }
    }

    /// The record's bytes on chain.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MAX_RECORD_BYTES);
        match self {
            Self::Commit { round, root, bytes, theta } => {
                out.push(COMMIT);
                put_blob(&mut out, *round, root, *bytes);
                out.extend_from_slice(&theta.0);
            }
            Self::Attest { round, have } => {
                out.push(ATTEST);
                out.extend_from_slice(&round.0.to_le_bytes());
                out.extend_from_slice(&bitmap(have));
            }
            Self::Report { round, root, bytes, gather } => {
                out.push(REPORT);
                put_blob(&mut out, *round, root, *bytes);
                out.extend_from_slice(&bitmap(gather));
            }
            Self::Checkpoint { round, root, bytes, theta } => {
                out.push(CHECKPOINT);
                put_blob(&mut out, *round, root, *bytes);
                out.extend_from_slice(&theta.0);
            }
            Self::Bucket { round, bucket } => {
                out.push(BUCKET);
                out.extend_from_slice(&round.0.to_le_bytes());
                out.extend(bucket.iter().flat_map(|keys| keys.to_bytes()));
            }
        }
        out
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// [`RecordError`] for an unknown kind or any length but the exact one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let kind = *bytes.first().ok_or(RecordError::Length { expected: 1, got: 0 })?;
        let expected = match kind {
            COMMIT | REPORT | CHECKPOINT => 1 + 8 + 32 + 8 + 32,
            ATTEST => 1 + 8 + BITMAP_BYTES,
            BUCKET if bytes.len() == 1 + 8 => 1 + 8,
            BUCKET => 1 + 8 + BUCKET_KEYS_BYTES,
            other => return Err(RecordError::Kind(other)),
        };
        if bytes.len() != expected {
            return Err(RecordError::Length { expected, got: bytes.len() });
        }
        let round = Round(u64_at(bytes, 1));
        if kind == ATTEST {
            return Ok(Self::Attest { round, have: uids(&bytes[9..]) });
        }
        if kind == BUCKET {
            let keys = bytes[9..].first_chunk().copied();
            return Ok(Self::Bucket { round, bucket: keys.map(BucketKeys::from_bytes) });
        }
        let (root, length) = (hash_at(bytes, 9), u64_at(bytes, 41));
        Ok(match kind {
            COMMIT => Self::Commit { round, root, bytes: length, theta: hash_at(bytes, 49) },
            REPORT => Self::Report { round, root, bytes: length, gather: uids(&bytes[49..]) },
            _ => Self::Checkpoint { round, root, bytes: length, theta: hash_at(bytes, 49) },
        })
    }
}

fn put_blob(out: &mut Vec<u8>, round: Round, root: &Hash32, bytes: u64) {
    out.extend_from_slice(&round.0.to_le_bytes());
    out.extend_from_slice(&root.0);
    out.extend_from_slice(&bytes.to_le_bytes());
}

/// One bit per uid; uids above 255 have no slot and are left out.
fn bitmap(uids: &[Uid]) -> [u8; BITMAP_BYTES] {
    let mut bits = [0u8; BITMAP_BYTES];
    for uid in uids {
        if let Some(byte) = bits.get_mut(usize::from(uid.0 / 8)) {
            *byte |= 1 << (uid.0 % 8);
        }
    }
    bits
}

fn uids(bits: &[u8]) -> Vec<Uid> {
    (0..8 * BITMAP_BYTES as u16).filter(|uid| bits[usize::from(uid / 8)] >> (uid % 8) & 1 == 1).map(Uid).collect()
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut le = [0u8; 8];
    le.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(le)
}

fn hash_at(bytes: &[u8], at: usize) -> Hash32 {
    let mut hash = [0u8; 32];
    hash.copy_from_slice(&bytes[at..at + 32]);
    Hash32(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn golden_bytes() {
        let commit = Record::Commit { round: Round(7), root: Hash32([1; 32]), bytes: 500, theta: Hash32([2; 32]) };
        let mut want = vec![0x11, 7, 0, 0, 0, 0, 0, 0, 0];
        want.extend([1; 32]);
        want.extend([0xf4, 1, 0, 0, 0, 0, 0, 0]);
        want.extend([2; 32]);
        assert_eq!(commit.to_bytes(), want);
        let attest = Record::Attest { round: Round(258), have: vec![Uid(0), Uid(9), Uid(255)] };
        let mut want = vec![0x12, 2, 1, 0, 0, 0, 0, 0, 0, 1, 2];
        want.extend([0; 29]);
        want.push(0x80);
        assert_eq!(attest.to_bytes(), want);
        let bucket = Record::Bucket { round: Round(3), bucket: Some(BucketKeys::from_bytes([0xab; 64])) };
        let mut want = vec![0x15, 3, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Record::Bucket { round: Round(3), bucket: None }.to_bytes(), want);
        want.extend([0xab; 64]);
        assert_eq!(bucket.to_bytes(), want);
    }

    #[test]
    fn a_bucket_survives_bytes_and_json_and_stays_out_of_debug() {
        for bucket in [None, Some(BucketKeys::from_bytes([0xab; 64]))] {
            let record = Record::Bucket { round: Round(3), bucket };
            assert_eq!(Record::from_bytes(&record.to_bytes()).unwrap(), record);
            let json = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
            assert!(!format!("{record:?}").contains(&"ab".repeat(17)));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..140)) {
            if let Ok(record) = Record::from_bytes(&bytes) {
                prop_assert_eq!(record.to_bytes(), bytes);
            }
        }

        #[test]
        fn every_attestation_survives(round: u64, set in proptest::collection::btree_set(0u16..256, 0..256)) {
            let record = Record::Attest { round: Round(round), have: set.into_iter().map(Uid).collect() };
            let bytes = record.to_bytes();
            prop_assert!(bytes.len() <= MAX_RECORD_BYTES);
            prop_assert_eq!(Record::from_bytes(&bytes).unwrap(), record);
        }
    }
}
