//! The words every Covey crate shares: ids, units, public keys, chain records, verdicts, the run manifest and problems.
//!
//! In: nothing but bytes and numbers. Out: checked values. It opens no file or socket, reads no clock, and holds no secret.

mod bucket;
mod bytes;
mod extrinsic;
mod ids;
mod join_link;
mod key;
pub mod manifest;
mod peer_words;
mod problem;
mod record;
mod signer;
mod tensor;
mod verdict;

pub use bucket::{BUCKET_CHARS, BUCKET_KEYS_BYTES, BucketCommitment, BucketCommitmentError, BucketKeys};
pub use bytes::{Hash32, ParseHexError};
pub use extrinsic::{CommitData, Era, Extrinsic, ExtrinsicError, SubtensorCall, Weights};
pub use ids::{BlockNumber, ByteCount, Rao, Round, Uid};
pub use join_link::{JoinLink, LINK_PREFIX, LinkError, MAX_ADDRESS_CHARS, MAX_ADDRESSES, MAX_LINK_CHARS};
pub use key::{Coldkey, Hotkey, KeyError, Signature};
pub use manifest::{ManifestError, RunId, RunManifest, SignedManifest};
pub use peer_words::{Announcement, MAX_BINDING_LIFE_MS, PeerBinding};
pub use problem::{Problem, ProblemAction};
pub use record::{MAX_RECORD_BYTES, Record, RecordError};
pub use signer::{SignError, SignPayload, Signer};
pub use tensor::TensorSpec;
pub use verdict::{RejectReason, Verdict};
