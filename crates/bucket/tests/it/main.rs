//! Buckets on real sockets: an S3 server in this process, and others that only say they are one.
//!
//! In: loopback. Out: facts at the crate's public edge. No test needs a network or another program.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod hostile;
mod own;
mod publish;
mod reading;
mod server;
