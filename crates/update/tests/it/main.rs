//! Updates from the outside: a hostile server, a process that is killed at every step, a build that does not live.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod attacks;
mod download;
mod probation;
mod release;
mod server;
mod swaps;
