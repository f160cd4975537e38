//! Everything in Covey that reads bytes from outside, as functions of bytes that assert what they promise.
//!
//! In: any bytes. Out: nothing, or a panic that is a finding. A target asserts more than "no panic": what is accepted reads back
//! the same, and nothing allocates far more than it was given. The tests of this crate run each target on its seeds, on past
//! findings (`corpus/TARGET/`) and on seeded mutations of both; `cargo xtask fuzz` runs them under libFuzzer with coverage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic here is a finding")]

pub mod allocation;
mod chains;
mod files;
mod keys;
mod ledger;
mod mutate;
mod runs;

pub use mutate::Mutations;

/// One thing that reads hostile bytes.
pub struct Target {
    /// Its name on the command line and of its folder in `corpus`.
    pub name: &'static str,
    /// Asserts what it promises for these bytes.
    pub check: fn(&[u8]),
    /// Honest inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Most bytes of an input that are of interest.
    pub max_bytes: usize,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target("keyfile", keys::keyfile, keys::keyfile_seeds, 4096),
    target("vault", keys::vault, keys::vault_seeds, 2048),
    target("capsule", keys::capsule, keys::capsule_seeds, 2048),
    target("words", keys::words, keys::words_seeds, 512),
    target("ss58", keys::ss58, keys::ss58_seeds, 80),
    target("sign_payload", keys::sign_payload, keys::sign_payload_seeds, 1024),
    target("record", chains::record, chains::record_seeds, 160),
    target("ledger_block", chains::ledger_block, chains::ledger_block_seeds, 2048),
    target("ledger_guest", ledger::guest, ledger::guest_seeds, 4096),
    target("scale_events", chains::scale_events, chains::scale_events_seeds, 4096),
    target("commitment", chains::commitment, chains::commitment_seeds, 512),
    target("header", chains::header, chains::header_seeds, 2048),
    target("extrinsic", chains::extrinsic, chains::extrinsic_seeds, 1024),
    target("rpc", chains::rpc, chains::rpc_seeds, 2048),
    target("run_manifest", runs::run_manifest, runs::run_manifest_seeds, 8192),
    target("submission", runs::submission, runs::submission_seeds, 1024),
    target("blob_manifest", runs::blob_manifest, runs::blob_manifest_seeds, 1024),
    target("shard_manifest", runs::shard_manifest, runs::shard_manifest_seeds, 2048),
    target("ipc_lines", files::ipc_lines, files::ipc_lines_seeds, 4096),
    target("receipts", files::receipts, files::receipts_seeds, 4096),
    target("earnings_csv", files::earnings_csv, files::earnings_csv_seeds, 4096),
];

const fn target(name: &'static str, check: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>, max_bytes: usize) -> Target {
    Target { name, check, seeds, max_bytes }
}

#[cfg(test)]
mod tests;
