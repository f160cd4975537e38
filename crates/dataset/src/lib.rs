//! Shards, tokenizers, deterministic assignment and digests.
