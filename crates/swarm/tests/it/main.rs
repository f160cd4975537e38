//! Nodes on real sockets: what they do for each other, and what they do not let others do to them.
//!
//! In: loopback. Out: facts at the crate's public edge. No test needs a network or another program.

mod nodes;
mod world;
