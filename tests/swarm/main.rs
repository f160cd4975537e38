//! Whole-system tests over the real `covey-peer`: real processes, real libtorch, real ledger, real files, kill -9.
//!
//! They belong to package `peer`, which builds the program they start. Models are tiny: what is tested is that the swarm
//! holds together, not that it learns much. Each test has a folder of its own and leaves nothing running.

#[cfg(test)]
#[cfg(unix)]
mod app;
#[cfg(test)]
mod bittensor;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod canary;
#[cfg(test)]
mod cheaters;
#[cfg(test)]
mod command_line;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod exits;
#[cfg(test)]
mod headless;
#[cfg(test)]
#[cfg(unix)]
mod internet;
#[cfg(test)]
mod kills;
#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "../../crates/signer/tests/canary/needles.rs"]
mod needles;
#[cfg(test)]
mod program;
#[cfg(test)]
mod rehearsal;
