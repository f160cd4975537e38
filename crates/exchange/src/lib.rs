//! Content-addressed payloads: manifests, chunk sources, a verifying fetcher.
