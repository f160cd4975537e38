//! Nodes on real sockets: what they do for each other, and what they do not let others do to them.
//!
//! In: loopback. Out: facts at the crate's public edge. No test needs a network or another program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod chunks;
mod hostile;
mod hostile_nodes;
mod members;
mod nodes;
mod world;
