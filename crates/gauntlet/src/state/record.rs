//! One peer's record.
//!
//! In: what happened to the peer in a round. Out: whether it may be listed, and why not. Histories are short and bounded.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use types::manifest::GauntletParams;
use types::{Hash32, Hotkey, RejectReason, Round};

use super::facts::Exclusion;
use crate::openskill::{PlackettLuce, Rating};
use crate::slash::Slash;

/// Rounds, or evaluations, a history looks back (protocol.md §5.2).
pub(super) const HISTORY: usize = 8;
/// A peer that committed in this or the two rounds before is active (protocol.md §4.6).
const ACTIVE_ROUNDS: u64 = 2;

/// What is remembered of one peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerRecord {
    /// Whose record it is; another hotkey on the uid starts a new one.
    pub hotkey: Hotkey,
    /// OpenSkill rating.
    pub rating: Rating,
    /// Binary moving average, −1 to 1.
    pub bma: f64,
    /// Final score.
    pub score: f64,
    /// Evaluations since the record began.
    pub evaluations: u64,
    /// Rounds since the last evaluation; weight in the draw.
    pub waiting: u64,
    /// Round the record began.
    pub since: Round,
    /// Last round with a commitment.
    pub last_commit: Option<Round>,
    /// Last round with an evaluation.
    pub last_evaluated: Option<Round>,
    /// Rounds missed running, while in the gather list.
    pub consecutive_misses: u32,
    /// Negative evaluations running.
    pub consecutive_negatives: u32,
    /// Whether the last evaluation, or a check since, was passed: what the gather list asks for.
    pub good: bool,
    /// Last round on the naughty list, and what for.
    pub naughty: Option<(Round, RejectReason)>,
    /// Digest of the last update that decoded.
    pub last_body: Option<Hash32>,
    /// The last rounds in the gather list: whether each was missed.
    pub misses: VecDeque<bool>,
    /// The last evaluations: whether each was negative.
    pub negatives: VecDeque<bool>,
}

impl PeerRecord {
    /// A newcomer's record.
    pub(super) fn new(hotkey: Hotkey, model: &PlackettLuce, since: Round) -> Self {
        Self {
            hotkey,
            rating: model.rating(),
            bma: 0.0,
            score: 0.0,
            evaluations: 0,
            waiting: 1,
            since,
            last_commit: None,
            last_evaluated: None,
            consecutive_misses: 0,
            consecutive_negatives: 0,
            good: false,
            naughty: None,
            last_body: None,
            misses: VecDeque::new(),
            negatives: VecDeque::new(),
        }
    }

    /// Clears score, average, rating and histories; what was committed and the naughty list stay.
    pub(super) fn reset(&mut self, model: &PlackettLuce) {
        let fresh = Self::new(self.hotkey, model, self.since);
        let (last_commit, last_body, naughty) = (self.last_commit, self.last_body, self.naughty);
        *self = Self { last_commit, last_body, naughty, waiting: self.waiting, ..fresh };
    }

    /// Applies one row of the slashing table.
    pub(super) fn slash(&mut self, slash: Slash, params: &GauntletParams, model: &PlackettLuce) {
        if slash.resets() {
            self.reset(model);
        } else {
            (self.score, self.bma) = slash.apply(params, self.score, self.bma);
        }
    }

    /// Whether there is anything a slash could take.
    pub(super) fn has_history(&self) -> bool {
        self.evaluations > 0 || self.score != 0.0 || self.bma != 0.0
    }

    /// Why the peer is on the naughty list in `round`, if it is.
    pub(super) fn naughty_at(&self, round: Round) -> Option<(Round, RejectReason)> {
        self.naughty.filter(|(until, _)| round <= *until)
    }

    /// Whether the peer committed in `round` or the two before.
    pub(super) fn active_at(&self, round: Round) -> bool {
        self.last_commit.is_some_and(|last| last.0.saturating_add(ACTIVE_ROUNDS) >= round.0)
    }

    /// Rounds the peer has not been active, up to `round`.
    pub(super) fn inactive_rounds(&self, round: Round) -> u64 {
        let silent = match self.last_commit {
            Some(last) => round.0.saturating_sub(last.0),
            None => round.0.saturating_sub(self.since.0).saturating_add(1),
        };
        silent.saturating_sub(ACTIVE_ROUNDS)
    }

    /// Why the peer may not be in the gather list after `round`, whatever its score.
    pub fn exclusion(&self, params: &GauntletParams, round: Round) -> Option<Exclusion> {
        if let Some((until, reason)) = self.naughty_at(round.next()) {
            return Some(Exclusion::Naughty { until, reason });
        }
        let count = self.consecutive_negatives;
        (count >= params.exclude_after_negatives).then_some(Exclusion::Negatives { count })
    }

    /// Whether every number is one a state can hold.
    pub(super) fn is_sound(&self) -> bool {
        let finite = [self.rating.mu, self.rating.sigma, self.score].into_iter().all(f64::is_finite);
        let short = self.misses.len() <= HISTORY && self.negatives.len() <= HISTORY;
        finite && self.rating.sigma > 0.0 && (-1.0..=1.0).contains(&self.bma) && short
    }
}

/// Appends to a history and forgets the oldest.
pub(super) fn remember(history: &mut VecDeque<bool>, value: bool) {
    history.push_back(value);
    if history.len() > HISTORY {
        history.pop_front();
    }
}
