//! Content-addressed payloads: manifests, chunk sources, a verifying fetcher.
//!
//! A blob's name is the plain BLAKE3 hash of its bytes together with their number ([`BlobId`]), as committed on chain.
//! In: bytes to publish, or an id and any mix of [`ChunkSource`]s. Out: exactly the bytes of that id, or a typed reason
//! per source; never other bytes, never more of them. Folders, peers and buckets are sources behind one trait. It does not know what the bytes mean, who may read them, or when they are late.

mod fetch;
mod folder;
mod library;
pub mod limits;
mod manifest;
mod schedule;
mod source;
mod store;

pub use fetch::{FetchError, Fetcher, Progress};
pub use folder::FolderSource;
pub use library::{Library, LibraryError};
pub use limits::{CHUNK_BYTES, FetchLimits, LibraryLimits, StoreLimits};
pub use manifest::{BlobId, ChunkError, Manifest, ManifestError};
pub use source::{ChunkSource, CostClass, Have, SourceError, SourceFailure, SourceReport};
pub use store::{BlobStore, StoreError};
