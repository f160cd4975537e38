//! What block 0 fixes for ever.
//!
//! In: a run's id and its chain and round parameters. Out: canonical bytes in the genesis block. Whoever holds the
//! manifest can check that a ledger was made for it.

use serde::{Deserialize, Serialize};
use types::manifest::{ChainParams, RoundParams};
use types::{RunId, RunManifest};

use super::codec::DecodeError;

/// An honest one has a few kilobytes: at most 64 validators of 100 bytes each.
pub(crate) const MAX_GENESIS_BYTES: usize = 64 * 1024;

/// The ledger's fixed parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// The run.
    pub run: RunId,
    /// The run's name.
    pub name: String,
    /// Sequencer, validators, pay and clock.
    pub chain: ChainParams,
    /// How blocks become rounds and phases.
    pub rounds: RoundParams,
}

impl Genesis {
    /// The genesis of a run's ledger.
    pub fn of(manifest: &RunManifest) -> Self {
        Self { run: manifest.id(), name: manifest.name.clone(), chain: manifest.chain.clone(), rounds: manifest.rounds }
    }

    /// Compact JSON in field order.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Plain structs of numbers and strings: serialisation has no failing case.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads and checks the parts that the rules divide or index by.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let genesis: Self = serde_json::from_slice(bytes).map_err(|_| DecodeError::Field { what: "genesis" })?;
        genesis.check()?;
        Ok(genesis)
    }

    /// `RunManifest::validate` is the full check; this one keeps the ledger sound by itself.
    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        let rounds = &self.rounds;
        let rounds_hold =
            0 < rounds.commit_by && rounds.commit_by < rounds.attest_by && rounds.attest_by < rounds.blocks;
        let chain = &self.chain;
        let mut keys: Vec<_> = chain.validators.iter().map(|v| v.0).collect();
        keys.sort_unstable();
        keys.dedup();
        let validators_hold = (1..=64).contains(&keys.len())
            && keys.len() == chain.validators.len()
            && chain.validators.iter().all(|v| v.1.0 > 0);
        let pay_holds = chain.tempo > 0 && chain.rao_per_block.0.checked_mul(chain.tempo).is_some();
        if !rounds_hold {
            Err(DecodeError::Field { what: "genesis: rounds" })
        } else if !validators_hold {
            Err(DecodeError::Field { what: "genesis: validators" })
        } else if !pay_holds {
            Err(DecodeError::Field { what: "genesis: pay" })
        } else {
            Ok(())
        }
    }
}
