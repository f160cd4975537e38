//! S3-compatible buckets: a peer's own to publish to, others' to read from.
