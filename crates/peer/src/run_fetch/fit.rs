//! Whether this machine holds a run, and who may take part in it.
//!
//! In: a manifest, what the data set takes, what the machine has. Out: numbers and sentences. It asks nobody.

use dataset::DatasetManifest;
use engine::{Machine, memory_plan};
use types::RunManifest;

use super::RunFetchError;

/// Payloads of others and own ones kept at once: two rounds of twenty, as a round aggregates at most.
const PAYLOADS_KEPT: u64 = 40;

/// What a run takes on this machine, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// On the card; 0 on the processor.
    pub device: u64,
    /// In main memory.
    pub host: u64,
    /// On disk for state, payloads and checkpoints.
    pub state: u64,
    /// On disk for the data set; 0 while it is not known.
    pub data: u64,
}

/// What the run takes, or that this machine has not enough of it. `data` is the data set's manifest once that is known;
/// what of it is on the disk already counts in `there`.
///
/// # Errors
/// [`RunFetchError::TooSmall`] with the numbers.
pub fn needs(
    manifest: &RunManifest,
    data: Option<&DatasetManifest>,
    there: u64,
    machine: Machine,
) -> Result<Needs, RunFetchError> {
    let too_small = |reason: String| RunFetchError::TooSmall { name: manifest.name.clone(), reason };
    let sequence = manifest.data.sequence_tokens as usize;
    let plan = memory_plan(&manifest.model, &manifest.inner, sequence, machine);
    if !plan.fits {
        return Err(too_small(plan.reason));
    }
    let payload = sparseloco::Layout::new(&manifest.model.tensors(), &manifest.sparseloco)
        .map(|layout| layout.max_submission_bytes() as u64)
        .map_err(|e| too_small(e.to_string()))?;
    let state = plan.disk_bytes.saturating_add(payload.saturating_mul(PAYLOADS_KEPT));
    let data = data.map_or(0, set_bytes);
    let wanted = state.saturating_add(data.saturating_sub(there));
    if wanted > machine.disk_bytes {
        let gb = |bytes: u64| bytes as f64 / 1e9;
        return Err(too_small(format!(
            "it takes {:.2} GB on disk ({:.2} GB of them data), and {:.2} GB are free",
            gb(wanted),
            gb(data.saturating_sub(there)),
            gb(machine.disk_bytes)
        )));
    }
    Ok(Needs { device: plan.device_bytes, host: plan.host_bytes, state, data })
}

/// Bytes of all shards of a set.
pub(super) fn set_bytes(set: &DatasetManifest) -> u64 {
    set.total_tokens.saturating_mul(set.dtype.bytes())
}

/// Who can admit a peer to the run, in one sentence, for before anything is downloaded.
pub fn admission(manifest: &RunManifest) -> String {
    match manifest.chain.subtensor {
        None => {
            "Anybody may join: a key registers itself on the run's ledger, and what that pays is worth nothing.".into()
        }
        Some(subtensor) => format!(
            "Peers are admitted by Bittensor's subnet {}: register your hotkey there first (`covey-peer chain register`), at \
             the price that its owner and the market set.",
            subtensor.netuid
        ),
    }
}
