//! The real probe, as a process, against a stand-in for NVIDIA's libraries and a made-up `sys` and `proc`.
//!
//! The stand-in is C, so that it is loaded as the real ones are; a C compiler is on every machine that builds Covey. Only
//! Linux describes its bus in files, so these run there.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod faults;
mod power;
mod stand_in;
mod watching;
