//! How much of a foreign folder is read before it is trusted.
//!
//! In: nothing. Out: bounds, each with its reason.

/// A `config.json` is a page; quantisation tables and label lists make some longer.
pub(super) const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// A 405 B model's index has 120 kB; 128 bytes for each tensor of the deepest model that a manifest takes is 1.2 MB.
pub(super) const MAX_INDEX_BYTES: u64 = 16 << 20;
/// A header of 9 tensors for each of 1024 layers, 128 bytes each, has 1.2 MB.
pub(super) const MAX_HEADER_BYTES: u64 = 16 << 20;
/// The largest published checkpoints have some 200 shards.
pub(super) const MAX_FILES: usize = 4096;
/// Bytes converted at a time: what a disk reads ahead, and small beside any model.
pub(super) const STAGING_BYTES: usize = 4 << 20;
