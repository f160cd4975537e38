//! What is handed in about a round, and what comes out.
//!
//! In/out only: plain data without rules.

use serde::{Deserialize, Serialize};
use types::{Hash32, Hotkey, RejectReason, Round, Uid, Verdict};

use crate::filter::CommitOrder;
use crate::loss_score::{Improvement, LossSample};
use crate::openskill::Rating;
use crate::slash::Slash;

/// Everything a validator knows of a finished round.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoundFacts {
    /// The round.
    pub round: Round,
    /// Whether no outer step was taken in it.
    pub null_round: bool,
    /// Hashes of the parameters the last rounds started from, newest last; a handful suffices. Those after this round
    /// do not count; without any, nobody is called desynced.
    pub thetas: Vec<(Round, Hash32)>,
    /// One entry per registered uid; of several with one uid the first counts.
    pub peers: Vec<PeerFacts>,
    /// Index overlap of every pair of decoded payloads.
    pub overlaps: Vec<(Uid, Uid, f64)>,
}

/// What a validator knows of one peer's round.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerFacts {
    /// The peer's slot.
    pub uid: Uid,
    /// Who holds it.
    pub hotkey: Hotkey,
    /// Its commitment, if it came before the deadline.
    pub commit: Option<CommitFacts>,
    /// Whether the payload was fetched, matches its commitment and decodes. Ignored without a commitment.
    pub payload: Result<(), RejectReason>,
    /// What [`crate::filter_set`] said. Ignored where there is no sound payload.
    pub filter: Result<(), RejectReason>,
    /// Digest of the decoded update.
    pub body_digest: Option<Hash32>,
    /// Index overlap with the peer's own last update, where both are at hand.
    pub own_overlap: Option<f64>,
    /// Whether the peer was in the gather list of the round.
    pub listed: bool,
    /// Whether it was drawn for evaluation.
    pub selected: bool,
    /// Its losses, if it was evaluated.
    pub loss: Option<LossSample>,
}

/// A commitment on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitFacts {
    /// Where it stands on chain.
    pub order: CommitOrder,
    /// Hash of the parameters the peer started from.
    pub theta: Hash32,
}

impl PeerFacts {
    /// A registered peer that did nothing in the round.
    pub fn silent(uid: Uid, hotkey: Hotkey) -> Self {
        Self {
            uid,
            hotkey,
            commit: None,
            payload: Ok(()),
            filter: Ok(()),
            body_digest: None,
            own_overlap: None,
            listed: false,
            selected: false,
            loss: None,
        }
    }
}

/// A validator's judgement of a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundJudgement {
    /// The round.
    pub round: Round,
    /// One entry per registered uid, ascending.
    pub peers: Vec<PeerJudgement>,
    /// Uids whose payloads are aggregated from the next round on; ascending.
    pub gather: Vec<Uid>,
    /// What weights are made of; ascending by uid.
    pub scores: Vec<(Uid, f64)>,
}

/// A validator's judgement of one peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerJudgement {
    /// The peer's slot.
    pub uid: Uid,
    /// Who held it.
    pub hotkey: Hotkey,
    /// The one verdict.
    pub verdict: Verdict,
    /// Relative improvements, if it was evaluated and its losses were numbers.
    pub improvement: Option<Improvement>,
    /// Final score after this round.
    pub score: f64,
    /// Rating after this round.
    pub rating: Rating,
    /// Binary moving average after this round.
    pub bma: f64,
    /// Steps behind by the committed hash; `None` without a commitment.
    pub steps_behind: Option<f64>,
    /// Sync factor of the final score; `None` without a commitment.
    pub sync: Option<f64>,
    /// Every row of the slashing table that applied.
    pub slashes: Vec<Slash>,
    /// Why the peer is kept out of the gather list, if it is.
    pub excluded: Option<Exclusion>,
}

impl RoundJudgement {
    /// A uid's entry.
    pub fn peer(&self, uid: Uid) -> Option<&PeerJudgement> {
        self.peers.binary_search_by_key(&uid, |peer| peer.uid).ok().map(|at| &self.peers[at])
    }
}

/// Why a peer is kept out of the gather list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "excluded", rename_all = "snake_case")]
pub enum Exclusion {
    /// On the naughty list.
    Naughty {
        /// Last round of it.
        until: Round,
        /// What for.
        reason: RejectReason,
    },
    /// Too many negative evaluations running; until a positive one.
    Negatives {
        /// How many.
        count: u32,
    },
}
