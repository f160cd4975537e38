//! Data, block clock and chain parameters.
//!
//! In: numbers and hashes. Out: validated parameters and the arithmetic from blocks to rounds and phases.

use serde::{Deserialize, Serialize};

use super::{ManifestError, ModelParams, check, check_range};
use crate::{BlockNumber, Hash32, Hotkey, Rao, Round};

/// What is trained on (protocol.md §7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataParams {
    /// BLAKE3 of the data set's manifest file.
    pub dataset: Hash32,
    /// How text becomes tokens.
    pub tokenizer: TokenizerKind,
    /// Tokens per sequence.
    pub sequence_tokens: u32,
    /// Sequences assigned to a peer per round; it may train on fewer (reference: 30 * 1024).
    pub pool_sequences: u32,
}

/// Known tokenizers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TokenizerKind {
    /// One token per byte, 256 of them; byte 0 ends a document.
    Bytes,
    /// A `tokenizer.json`, named by its BLAKE3.
    File {
        /// BLAKE3 of the file.
        hash: Hash32,
    },
}

/// How a round is cut into blocks: `[0, commit_by)` compute and commit, `[commit_by, attest_by)` gather and attest,
/// `[attest_by, blocks)` outer step and settling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundParams {
    /// Blocks per round (reference: 115).
    pub blocks: u64,
    /// First block offset at which a commitment is late.
    pub commit_by: u64,
    /// First block offset at which an attestation is late.
    pub attest_by: u64,
    /// Rounds at the start in which submissions are judged but no outer step is taken (reference: 2).
    pub null_rounds: u64,
    /// Rounds between checkpoints (reference: 10).
    pub checkpoint_every: u64,
}

/// Chain parameters: of the embedded ledger, unless `subtensor` says that the run lives on Bittensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainParams {
    /// Who signs blocks.
    pub sequencer: Hotkey,
    /// Validators with their stake.
    pub validators: Vec<(Hotkey, Rao)>,
    /// Minted per block.
    pub rao_per_block: Rao,
    /// Blocks between pay-outs.
    pub tempo: u64,
    /// Owner's share, parts of 65,535 (reference: 11,796).
    pub owner_cut: u16,
    /// Yuma's κ, parts of 65,535 (reference: 32,767).
    pub kappa: u16,
    /// Weight of the newest bond, parts of 65,535 (reference: 0.1).
    pub bond_alpha: u16,
    /// How blocks are timed.
    pub clock: Clock,
    /// The Bittensor subnet the run lives on. Its economy is then the chain's; of the fields above `clock` counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtensor: Option<SubtensorParams>,
}

/// A Bittensor subnet, and where the run begins on its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubtensorParams {
    /// Hash of the chain's first block: which network it is.
    pub genesis: Hash32,
    /// The subnet.
    pub netuid: u16,
    /// Chain block that is block 0 of the run.
    pub start_block: BlockNumber,
}

/// When the sequencer makes a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Clock {
    /// Every so many milliseconds, whatever the peers do (Bittensor: 12,000).
    Interval {
        /// Time between blocks.
        block_ms: u64,
    },
    /// A phase ends as soon as every active peer has done its part, or after `phase_ms` at the latest.
    /// For rehearsals: a slow machine misses no deadline, a fast one does not wait.
    Paced {
        /// Time between blocks inside a phase.
        block_ms: u64,
        /// Longest time a phase may take.
        phase_ms: u64,
    },
}

/// Part of a round, by block offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Commitments are taken.
    Compute,
    /// Payloads are public, attestations are taken.
    Gather,
    /// The set of the round is fixed.
    Settle,
}

impl RoundParams {
    /// The round a block belongs to. Block 0 (genesis) belongs to round 0.
    pub fn round_of(&self, block: BlockNumber) -> Round {
        Round(block.0 / self.blocks)
    }

    /// The phase a block belongs to.
    pub fn phase_of(&self, block: BlockNumber) -> Phase {
        match block.0 % self.blocks {
            offset if offset < self.commit_by => Phase::Compute,
            offset if offset < self.attest_by => Phase::Gather,
            _ => Phase::Settle,
        }
    }

    /// First block of a round.
    pub fn start(&self, round: Round) -> BlockNumber {
        BlockNumber(round.0.saturating_mul(self.blocks))
    }

    /// First block in which a commitment of this round is late.
    pub fn commit_deadline(&self, round: Round) -> BlockNumber {
        BlockNumber(self.start(round).0.saturating_add(self.commit_by))
    }

    /// First block in which an attestation of this round is late; from here on the round's set is fixed.
    pub fn attest_deadline(&self, round: Round) -> BlockNumber {
        BlockNumber(self.start(round).0.saturating_add(self.attest_by))
    }

    pub(super) fn validate(&self) -> Result<(), ManifestError> {
        check("rounds.blocks", (3..=1_000_000).contains(&self.blocks), "must lie in 3..=1000000")?;
        check("rounds.commit_by", self.commit_by >= 1, "must be at least 1")?;
        check(
            "rounds.attest_by",
            self.commit_by < self.attest_by && self.attest_by < self.blocks,
            "must lie between `commit_by` and `blocks`, both exclusive",
        )?;
        check("rounds.checkpoint_every", self.checkpoint_every >= 1, "must be at least 1")
    }
}

impl DataParams {
    pub(super) fn validate(&self, model: &ModelParams) -> Result<(), ManifestError> {
        check("data.sequence_tokens", (2..=1 << 20).contains(&self.sequence_tokens), "must lie in 2..=1048576")?;
        check("data.pool_sequences", (1..=1 << 24).contains(&self.pool_sequences), "must lie in 1..=16777216")?;
        let bytes_fit = self.tokenizer != TokenizerKind::Bytes || model.vocab >= 256;
        check("model.vocab", bytes_fit, "must be at least 256 for the byte tokenizer")
    }
}

impl ChainParams {
    pub(super) fn validate(&self) -> Result<(), ManifestError> {
        check("chain.validators", (1..=64).contains(&self.validators.len()), "must name 1 to 64 validators")?;
        let mut keys: Vec<_> = self.validators.iter().map(|v| v.0).collect();
        keys.sort_unstable();
        keys.dedup();
        check("chain.validators", keys.len() == self.validators.len(), "must not name a hotkey twice")?;
        check("chain.validators", self.validators.iter().all(|v| v.1.0 > 0), "stake must be above 0")?;
        check("chain.tempo", (1..=1_000_000).contains(&self.tempo), "must lie in 1..=1000000")?;
        check_range("chain.rao_per_block", self.rao_per_block.0 as f64, 0.0, 1e12)?;
        let (block_ms, phase_ms) = match self.clock {
            Clock::Interval { block_ms } => (block_ms, block_ms),
            Clock::Paced { block_ms, phase_ms } => (block_ms, phase_ms),
        };
        check("chain.clock.block_ms", (1..=3_600_000).contains(&block_ms), "must lie in 1..=3600000")?;
        check("chain.clock.phase_ms", (block_ms..=86_400_000).contains(&phase_ms), "must be at least `block_ms`")?;
        let Some(subtensor) = &self.subtensor else { return Ok(()) };
        let timed = matches!(self.clock, Clock::Interval { .. });
        check("chain.clock", timed, "must be an interval: Bittensor waits for nobody")?;
        // 0 is the root network; storage indices above 4095 are a subnet's further mechanisms.
        check("chain.subtensor.netuid", (1..4096).contains(&subtensor.netuid), "must lie in 1..=4095")?;
        let start = subtensor.start_block.0;
        check("chain.subtensor.start_block", start <= u64::from(u32::MAX), "must be a block number of 32 bits")
    }
}
