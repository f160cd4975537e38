//! How a node runs: its genesis and what is not part of the chain.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::genesis::Genesis;

/// How a node runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The chain's first block.
    pub genesis: Genesis,
    /// Milliseconds between blocks; 0 for blocks only when asked.
    pub block_ms: u64,
    /// Milliseconds that a block's time advances; without it blocks have the time of the clock.
    pub step_ms: Option<u64>,
    /// Blocks by which finality is behind.
    pub finality_lag: u32,
    /// Addresses at which the chain is served, each with knobs of its own; 1 to 8.
    pub endpoints: u8,
    /// Blocks whose state is kept.
    pub state_blocks: u32,
    /// Where the chain is kept for the next start.
    pub state_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            genesis: Genesis::default(),
            block_ms: 0,
            step_ms: None,
            finality_lag: 2,
            endpoints: 1,
            state_blocks: 65_536,
            state_file: None,
        }
    }
}
