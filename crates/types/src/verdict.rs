//! The one verdict each peer gets for each round, and why.
//!
//! In: what validator and chain know. Out: a closed set of outcomes that the ledger, the terminal and the app name alike.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a submission was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The container does not decode: truncated, wrong shape, non-finite values, bad index.
    Format,
    /// The signature is missing or not the peer's.
    Signature,
    /// Signed for another run, round or peer.
    WrongHeader,
    /// Computed from other parameters than the run's.
    Desynced,
    /// Its norm is far above the median of the round.
    NormOutlier,
    /// The same update as an earlier committer's.
    Copied,
    /// The same update as the peer's own earlier one.
    Stale,
    /// Applying it does not lower the loss, or far less than the others'.
    NoImprovement,
    /// It improves random data more than the data assigned to the peer.
    NotOwnData,
    /// Committed, but the payload could not be fetched in time.
    Unavailable,
    /// The payload is not the one that was committed.
    WrongRoot,
}

impl RejectReason {
    /// The reason in a sentence part: "rejected: …".
    pub fn words(self) -> &'static str {
        match self {
            Self::Format => "the payload does not decode",
            Self::Signature => "the signature does not hold",
            Self::WrongHeader => "signed for another run, round or peer",
            Self::Desynced => "computed from other parameters than the run's",
            Self::NormOutlier => "its norm is far above the round's median",
            Self::Copied => "the same update as an earlier committer's",
            Self::Stale => "the same update as this peer's own earlier one",
            Self::NoImprovement => "it does not lower the loss as the others' do",
            Self::NotOwnData => "it helps random data more than the assigned data",
            Self::Unavailable => "committed, but not to be fetched in time",
            Self::WrongRoot => "not the payload that was committed",
        }
    }
}

/// What became of a peer's round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "reason", rename_all = "snake_case")]
pub enum Verdict {
    /// Checked, evaluated and part of the aggregate.
    Accepted,
    /// Checked and found good, but not yet in the gather list (a newcomer's first rounds).
    OnProbation,
    /// Refused, and why.
    Rejected(RejectReason),
    /// Nothing was committed before the deadline.
    Missed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::OnProbation => f.write_str("on probation: good, and counted from the next round on"),
            Self::Rejected(reason) => write!(f, "rejected: {}", reason.words()),
            Self::Missed => f.write_str("missed: nothing was committed before the deadline"),
        }
    }
}
