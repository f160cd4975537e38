//! What a finished rehearsal or run came to: the last line of `--json`.
//!
//! In: totals the peer counted. Out: one flat JSON object. Nothing here is an estimate; what was not measured is `null`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{Hash32, Rao};

use crate::number::or_nan;

/// Totals of a rehearsal or run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Rounds finished.
    pub rounds: u64,
    /// Peers that trained, honest or not.
    pub peers: u32,
    /// Model preset.
    pub model: String,
    /// Parameters of the model.
    pub model_params: u64,
    /// Where the text came from, in words.
    pub text: String,
    /// BLAKE3 of the data set's manifest file.
    pub dataset: Hash32,
    /// Seed of parameters, keys and assignment.
    pub seed: u64,
    /// Held-out loss before the first outer step, nats per token.
    #[serde(deserialize_with = "or_nan")]
    pub eval_loss_first: f64,
    /// Held-out loss after the last outer step, nats per token.
    #[serde(deserialize_with = "or_nan")]
    pub eval_loss_last: f64,
    /// Submissions that were part of an aggregate.
    pub accepted: u64,
    /// Submissions refused, by [`types::RejectReason`] in snake case.
    pub rejected: BTreeMap<String, u64>,
    /// Mean size of a submission on the wire, header and signature included, per model parameter.
    #[serde(deserialize_with = "or_nan")]
    pub wire_bytes_per_param: f64,
    /// Share of the wall time that went into inner steps, 0 to 1.
    #[serde(deserialize_with = "or_nan")]
    pub utilisation: f64,
    /// Whether every synced peer had the same parameter hash after every outer step.
    pub theta_hash_equal: bool,
    /// Whether every registered peer got exactly one verdict in every round.
    pub verdicts_per_peer_round_ok: bool,
    /// Final balance of each peer, by name, in rao.
    pub credits_by_peer: BTreeMap<String, Rao>,
    /// Paid to validators, in rao.
    pub credits_validators: Rao,
    /// Paid to the run's owner, in rao.
    pub credits_owner: Rao,
    /// Emitted to nobody, in rao.
    pub credits_burned: Rao,
    /// Everything the ledger emitted, in rao: the exact sum of the credits above.
    pub emitted: Rao,
    /// Whether every honest peer's own book shows what the chain paid it, to the rao.
    #[serde(default)]
    pub books_match: bool,
    /// The kind of cheater that took part, if any.
    pub cheater: Option<String>,
    /// Cheaters' mean credits as a fraction of an honest peer's mean credits; 0 without cheaters.
    #[serde(deserialize_with = "or_nan")]
    pub cheaters_paid: f64,
    /// Seconds from the start to the first accepted submission.
    pub first_accepted_s: Option<f64>,
    /// Processes that were started again.
    pub restarts: u64,
    /// Wall time in seconds.
    #[serde(deserialize_with = "or_nan")]
    pub wall_s: f64,
}
