//! S3-compatible buckets: a peer's own to publish to, others' to read from.
//!
//! In: where a bucket is ([`BucketPlace`]), a key, blobs with their manifests, chunks asked for by a
//! [`Fetcher`](exchange::Fetcher). Out: objects that are written once and found by everybody who knows run, round and
//! root; bytes that prove nothing until the fetcher has hashed them; one typed reason for each refusal. A bucket is the
//! seed of last resort: the swarm is asked first, and a peer without one is a full member.
//!
//! Servers are not trusted: no redirect is followed, no answer is read further than an honest one goes, every wait ends.
//! The write key is read from a private file and leaves this process only as a signature.

mod error;
mod keys;
pub mod limits;
mod line;
mod names;
mod own;
mod place;
mod public;
mod publish;
mod resume;
mod retry;
mod section;
mod source;
mod store;

pub use error::BucketError;
pub use keys::{KeyFileError, ReadKey, WriteKey};
pub use line::Pace;
pub use names::Shelf;
pub use own::{BucketCheck, OwnBucket};
pub use place::{BucketPlace, PlaceError};
pub use public::PublicBucket;
pub use publish::{Content, Published};
pub use section::{BucketSection, SectionError};
pub use source::BucketSource;
