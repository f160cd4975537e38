//! A data set's files as blobs, for whoever gives or fetches them.
//!
//! In: an open data set. Out: each file's id and path: manifest, shards, tokenizer. Nothing is hashed here: a shard's hash
//! stands in the manifest, the manifest's in the run, the tokenizer's in the manifest.

use std::path::PathBuf;

use dataset::{Dataset, MANIFEST_FILE, TOKENIZER_FILE};
use exchange::BlobId;
use types::manifest::TokenizerKind;

/// Every file of the data set with its id; files that cannot be looked at are left out.
pub fn of(dataset: &Dataset) -> Vec<(BlobId, PathBuf)> {
    let length = |path: &PathBuf| std::fs::metadata(path).map(|meta| meta.len()).ok();
    let dir = dataset.dir();
    let manifest = dataset.manifest();
    let mut files = Vec::with_capacity(manifest.shards.len() + 2);
    let path = dir.join(MANIFEST_FILE);
    files.extend(length(&path).map(|bytes| (BlobId { root: dataset.hash(), bytes }, path.clone())));
    for shard in &manifest.shards {
        let bytes = shard.tokens * manifest.dtype.bytes();
        files.push((BlobId { root: shard.blake3, bytes }, dir.join(&shard.file)));
    }
    if let TokenizerKind::File { hash } = &manifest.tokenizer {
        let path = dir.join(TOKENIZER_FILE);
        files.extend(length(&path).map(|bytes| (BlobId { root: *hash, bytes }, path.clone())));
    }
    files
}
