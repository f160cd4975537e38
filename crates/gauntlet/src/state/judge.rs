//! Judging one round.
//!
//! In: the state before, and the round's facts. Out: the state after, and the judgement. Peers are visited in the order of
//! their uids and every number is computed in a fixed order, so that the same facts give the same state.
//!
//! Covey's departures from the reference code: a refused peer leaves the gather list and earns nothing until it is found
//! good again; ties in the rating follow the paper ([`TieRule::Paper`]), because the reference raises everybody who
//! misses a round together; one miss is slashed once; a slash never raises a negative number; and a round in which no
//! payload at all could be fetched is taken as the validator's own fault.

use std::collections::BTreeMap;

use types::manifest::GauntletParams;
use types::{Hash32, RejectReason, Round, Uid, Verdict};

use super::State;
use super::facts::{PeerFacts, PeerJudgement, RoundFacts, RoundJudgement};
use super::record::{HISTORY, PeerRecord, remember};
use crate::loss_score::Improvement;
use crate::openskill::{PlackettLuce, TieRule};
use crate::overlap::{OverlapLevel, blame, is_resent};
use crate::score::{bma, final_score};
use crate::slash::Slash;
use crate::sync::{steps_behind, sync_score};

/// Rank of a missing or refused submission (protocol.md §5.2).
const RANKED_LAST: f64 = -99.0;
/// Below this share of the gather list, missing costs everything.
const LOW_SUCCESS_RATE: f64 = 0.4;
/// Inactive for more rounds than this, and the record starts again.
const MAX_INACTIVE_ROUNDS: u64 = 3;
/// The round is bad for all if this many evaluated peers, counted from the best, do not improve.
const SKIP_RULE_PEERS: usize = 5;
/// A moving average this low is three standard deviations below a coin's (α = 0.05): the data was not the peer's own.
const NOT_OWN_DATA_BMA: f64 = -0.5;

pub(super) fn judge(state: &mut State, params: &GauntletParams, facts: &RoundFacts) -> RoundJudgement {
    let model = PlackettLuce::new(&params.openskill);
    let mut peers: BTreeMap<Uid, &PeerFacts> = BTreeMap::new();
    for peer in &facts.peers {
        peers.entry(peer.uid).or_insert(peer);
    }
    let started = *state.started.get_or_insert(facts.round);
    let mut slashes = admit(state, &peers, params, &model, facts.round);
    let round = RoundView::new(state, params, facts, &peers, started);
    rate(state, &model, &round, &peers);
    let mut judged = Vec::with_capacity(peers.len());
    for (uid, peer) in &peers {
        let Some(record) = state.peers.get_mut(uid) else { continue };
        let mut turn = Turn { params, model: &model, round: &round, peer, record, slashes: Vec::new() };
        turn.slashes.extend(slashes.remove(uid));
        judged.push(turn.run());
    }
    state.last = Some(facts.round);
    let gather = state.gather_list(params, facts.round);
    // A newcomer is judged before it counts, and paid once it counts: a first honest round must not pay for a fraud.
    let counts = |uid: Uid| judged.iter().any(|peer| peer.uid == uid && peer.verdict != Verdict::OnProbation);
    let mut scores = state.scores(params, facts.round);
    scores.iter_mut().filter(|(uid, _)| !counts(*uid)).for_each(|(_, score)| *score = 0.0);
    RoundJudgement { round: facts.round, peers: judged, gather, scores }
}

/// Opens records for new uids, resets those of another hotkey, drops those of uids nobody holds. A uid on the naughty
/// list for copying keeps its place there whoever holds it.
fn admit(
    state: &mut State,
    peers: &BTreeMap<Uid, &PeerFacts>,
    params: &GauntletParams,
    model: &PlackettLuce,
    round: Round,
) -> BTreeMap<Uid, Slash> {
    state.peers.retain(|uid, record| peers.contains_key(uid) || record.naughty_at(round).is_some());
    let mut changed = BTreeMap::new();
    for (uid, peer) in peers {
        let record = state.peers.entry(*uid).or_insert_with(|| PeerRecord::new(peer.hotkey, model, round));
        if record.hotkey != peer.hotkey {
            let copied = record.naughty.filter(|(_, reason)| *reason == RejectReason::Copied);
            record.slash(Slash::HotkeyChanged, params, model);
            *record = PeerRecord { naughty: copied, ..PeerRecord::new(peer.hotkey, model, round) };
            changed.insert(*uid, Slash::HotkeyChanged);
        }
    }
    changed
}

/// What became of a peer's submission before its losses count.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Missed,
    Refused(RejectReason),
    /// Sound, and its improvement if it was evaluated; `Some(None)` if its losses were no numbers.
    Sound(Option<Option<Improvement>>),
}

/// What holds for the round as a whole.
struct RoundView<'a> {
    facts: &'a RoundFacts,
    outcomes: BTreeMap<Uid, Outcome>,
    overlap_slashes: BTreeMap<Uid, OverlapLevel>,
    /// Gradient scores below this are refused.
    least_gain: f64,
    /// Most evaluated peers did not improve: nobody is blamed for it.
    bad_for_all: bool,
    /// Share of the gather list that came.
    success_rate: f64,
    /// Something was committed and nothing could be fetched: this validator's own line.
    blind: bool,
    /// Rounds since this state's first.
    rounds: u64,
}

impl<'a> RoundView<'a> {
    fn new(
        state: &State,
        params: &GauntletParams,
        facts: &'a RoundFacts,
        peers: &BTreeMap<Uid, &PeerFacts>,
        started: Round,
    ) -> Self {
        let orders = peers.values().filter_map(|peer| Some((peer.uid, peer.commit?.order))).collect();
        let blamed = blame(&params.overlap, facts.round, &orders, &facts.overlaps);
        let mut overlap_slashes: BTreeMap<Uid, OverlapLevel> = blamed.iter().map(|b| (b.uid, b.level)).collect();
        let mut outcomes = BTreeMap::new();
        for (uid, peer) in peers {
            // The filter only refuses as copied what everybody refuses: identical bodies and `mega`.
            if peer.commit.is_some() && peer.payload.is_ok() && peer.filter == Err(RejectReason::Copied) {
                overlap_slashes.insert(*uid, OverlapLevel::Mega);
            }
            let level = overlap_slashes.get(uid).copied();
            outcomes.insert(*uid, outcome(state, params, facts, peer, level));
        }
        let mut gains: Vec<f64> = outcomes.values().filter_map(|outcome| gain(*outcome)).collect();
        gains.sort_by(|a, b| b.total_cmp(a));
        // With fewer than nine evaluated, the fifth best would be among the worst, and one cheat could excuse all.
        let counted = SKIP_RULE_PEERS.min(gains.len().div_ceil(2));
        let bad_for_all = counted > 0 && gains[counted - 1] <= 0.0;
        let positive = gains.iter().filter(|gain| **gain > 0.0).count();
        // Descending, so the lower median stands at the half.
        let median = gains.get(positive / 2).copied().filter(|_| positive > 0).unwrap_or(0.0);
        let listed = peers.values().filter(|peer| peer.listed);
        let came = listed.clone().filter(|peer| is_there(peer)).count();
        let committed = peers.values().filter(|peer| peer.commit.is_some());
        let unavailable = committed.clone().filter(|peer| peer.payload == Err(RejectReason::Unavailable)).count();
        Self {
            facts,
            outcomes,
            overlap_slashes,
            least_gain: params.min_relative_gain * median,
            bad_for_all,
            success_rate: came as f64 / listed.count().max(1) as f64,
            blind: unavailable > 0 && unavailable == committed.count(),
            rounds: facts.round.0.saturating_sub(started.0),
        }
    }

    fn outcome(&self, uid: Uid) -> Outcome {
        self.outcomes.get(&uid).copied().unwrap_or(Outcome::Missed)
    }
}

/// The hashes up to the judged round: a validator may judge after it has taken the outer step.
fn thetas_until(facts: &RoundFacts) -> &[(Round, Hash32)] {
    let known = facts.thetas.iter().take_while(|(round, _)| *round <= facts.round).count();
    &facts.thetas[..known]
}

/// Whether a peer's payload arrived, whatever is in it.
fn is_there(peer: &PeerFacts) -> bool {
    peer.commit.is_some() && peer.payload != Err(RejectReason::Unavailable)
}

fn gain(outcome: Outcome) -> Option<f64> {
    match outcome {
        Outcome::Sound(Some(improvement)) => Some(improvement.map_or(RANKED_LAST, |i| i.gradient_score())),
        _ => None,
    }
}

/// The checks that need no loss, in order of certainty.
fn outcome(
    state: &State,
    params: &GauntletParams,
    facts: &RoundFacts,
    peer: &PeerFacts,
    overlap: Option<OverlapLevel>,
) -> Outcome {
    let Some(commit) = peer.commit else { return Outcome::Missed };
    if let Err(reason) = peer.payload {
        return Outcome::Refused(reason);
    }
    if thetas_until(facts).last().is_some_and(|(_, theta)| *theta != commit.theta) {
        return Outcome::Refused(RejectReason::Desynced);
    }
    if let Err(reason) = peer.filter {
        return Outcome::Refused(reason);
    }
    let resent = |body| is_resent(&params.overlap, body, state.previous_body(peer.uid), peer.own_overlap);
    if peer.body_digest.is_some_and(resent) {
        return Outcome::Refused(RejectReason::Stale);
    }
    if overlap >= Some(OverlapLevel::Max) {
        return Outcome::Refused(RejectReason::Copied);
    }
    Outcome::Sound(peer.loss.map(|loss| loss.improvement()))
}

/// One match: gradient scores of the evaluated; last place for every refused submission, and for what was missing from the
/// gather list or the draw. What a check refuses needs no draw to be known as bad.
fn rate(state: &mut State, model: &PlackettLuce, round: &RoundView<'_>, peers: &BTreeMap<Uid, &PeerFacts>) {
    let entry = |peer: &PeerFacts| match round.outcome(peer.uid) {
        outcome @ Outcome::Sound(_) => gain(outcome),
        Outcome::Refused(RejectReason::Unavailable) if round.blind => None,
        Outcome::Refused(RejectReason::Unavailable) | Outcome::Missed => {
            (peer.selected || peer.listed).then_some(RANKED_LAST)
        }
        Outcome::Refused(_) => Some(RANKED_LAST),
    };
    let players: Vec<(Uid, f64)> = peers.iter().filter_map(|(uid, peer)| Some((*uid, entry(peer)?))).collect();
    if players.len() < 2 {
        return;
    }
    let before: Vec<_> = players.iter().filter_map(|(uid, _)| Some(state.peers.get(uid)?.rating)).collect();
    let scores: Vec<f64> = players.iter().map(|(_, score)| *score).collect();
    for ((uid, _), rating) in players.iter().zip(model.rate_with(&before, &scores, TieRule::Paper)) {
        if let Some(record) = state.peers.get_mut(uid) {
            record.rating = rating;
        }
    }
}

/// One peer's turn.
struct Turn<'a> {
    params: &'a GauntletParams,
    model: &'a PlackettLuce,
    round: &'a RoundView<'a>,
    peer: &'a PeerFacts,
    record: &'a mut PeerRecord,
    slashes: Vec<Slash>,
}

impl Turn<'_> {
    fn run(mut self) -> PeerJudgement {
        let now = self.round.facts.round;
        let outcome = self.round.outcome(self.peer.uid);
        let steps = self.peer.commit.map(|commit| steps_behind(commit.theta, thetas_until(self.round.facts)));
        if self.peer.commit.is_some() {
            self.record.last_commit = Some(now);
        }
        self.record.waiting = if self.peer.selected { 1 } else { self.record.waiting.saturating_add(1) };
        let verdict = match outcome {
            Outcome::Missed => Verdict::Missed,
            Outcome::Refused(reason) => Verdict::Rejected(reason),
            Outcome::Sound(None) => self.welcome(),
            Outcome::Sound(Some(improvement)) => self.evaluate(improvement, steps.unwrap_or_default()),
        };
        self.absence(outcome);
        self.refusal(outcome, steps);
        self.likeness();
        if self.peer.payload.is_ok() && self.peer.body_digest.is_some() {
            self.record.last_body = self.peer.body_digest;
        }
        let verdict = self.naughty(verdict);
        PeerJudgement {
            uid: self.peer.uid,
            hotkey: self.peer.hotkey,
            verdict,
            improvement: match outcome {
                Outcome::Sound(Some(improvement)) => improvement,
                _ => None,
            },
            score: self.record.score,
            rating: self.record.rating,
            bma: self.record.bma,
            steps_behind: steps,
            sync: steps.map(sync_score),
            excluded: self.record.exclusion(self.params, now),
            slashes: self.slashes,
        }
    }

    fn slash(&mut self, slash: Slash) {
        self.record.slash(slash, self.params, self.model);
        self.slashes.push(slash);
    }

    /// The verdict of a submission nothing speaks against.
    fn welcome(&self) -> Verdict {
        if self.peer.listed && !self.round.facts.null_round { Verdict::Accepted } else { Verdict::OnProbation }
    }

    /// What the losses say: average, score, histories, verdict.
    fn evaluate(&mut self, improvement: Option<Improvement>, steps: f64) -> Verdict {
        let record = &mut *self.record;
        record.evaluations += 1;
        record.last_evaluated = Some(self.round.facts.round);
        record.bma = bma(self.params, record.bma, improvement.map_or(-1.0, |i| i.sign()));
        let ordinal = record.rating.conservative(self.params.openskill.ordinal_sigmas);
        record.score = final_score(self.params, ordinal, record.bma, sync_score(steps), self.round.rounds);
        let gain = improvement.map_or(RANKED_LAST, |i| i.gradient_score());
        let negative = gain <= 0.0 || gain < self.round.least_gain;
        if self.round.bad_for_all && negative {
            // Nobody improved, so this says nothing about the peer: it keeps its place and its histories.
            return Verdict::Rejected(RejectReason::NoImprovement);
        }
        remember(&mut record.negatives, negative);
        record.consecutive_negatives = if negative { record.consecutive_negatives.saturating_add(1) } else { 0 };
        let settled = record.evaluations >= self.params.bma_grace_rounds;
        let reason = match negative {
            true => Some(RejectReason::NoImprovement),
            false if settled && record.bma <= NOT_OWN_DATA_BMA => Some(RejectReason::NotOwnData),
            false => None,
        };
        record.good = reason.is_none();
        let negatives = record.negatives.iter().filter(|negative| **negative).count();
        if negative && record.negatives.len() == HISTORY && 2 * negatives > HISTORY {
            self.slash(Slash::MostlyNegative);
        }
        if self.record.consecutive_negatives >= self.params.exclude_after_negatives {
            self.slash(Slash::ExcludedForNegatives);
        }
        reason.map_or_else(|| self.welcome(), Verdict::Rejected)
    }

    /// Missing: from the gather list, when drawn, for many rounds.
    fn absence(&mut self, outcome: Outcome) {
        let absent = matches!(outcome, Outcome::Missed | Outcome::Refused(RejectReason::Unavailable));
        let excused = absent && self.round.blind && self.peer.commit.is_some();
        if self.peer.listed && !excused {
            remember(&mut self.record.misses, absent);
            self.record.consecutive_misses = if absent { self.record.consecutive_misses.saturating_add(1) } else { 0 };
        }
        if absent && !excused {
            if self.peer.listed {
                self.slash(Slash::GatherMiss { consecutive: self.record.consecutive_misses });
                if self.round.success_rate < LOW_SUCCESS_RATE {
                    self.slash(Slash::LowSuccessRate);
                }
                self.many_misses();
            } else if self.peer.selected {
                self.slash(Slash::MissingWhenEvaluated);
            }
        }
        match self.record.inactive_rounds(self.round.facts.round) {
            0 => {}
            _ if !self.record.has_history() => {}
            rounds if rounds > MAX_INACTIVE_ROUNDS => self.slash(Slash::InactiveTooLong),
            _ => self.slash(Slash::Inactive),
        }
    }

    fn many_misses(&mut self) {
        let missed = self.record.misses.iter().filter(|missed| **missed).count();
        if self.record.misses.len() == HISTORY && 2 * missed >= HISTORY {
            self.slash(Slash::MissedHalf);
            self.ban(RejectReason::Unavailable);
        }
    }

    /// Refused by a check, or behind.
    fn refusal(&mut self, outcome: Outcome, steps: Option<f64>) {
        if self.peer.listed && steps.is_some_and(|steps| steps > self.params.sync_max_steps_behind) {
            self.slash(Slash::Desynced);
        }
        match outcome {
            Outcome::Refused(RejectReason::Unavailable | RejectReason::Desynced | RejectReason::Copied) => {}
            Outcome::Refused(_) => {
                self.slash(Slash::InvalidSubmission);
                self.record.good = false;
            }
            Outcome::Missed | Outcome::Sound(_) => {}
        }
    }

    /// Too much like an earlier committer's.
    fn likeness(&mut self) {
        match self.round.overlap_slashes.get(&self.peer.uid) {
            Some(OverlapLevel::High) => self.slash(Slash::OverlapHigh),
            Some(OverlapLevel::Max) => self.slash(Slash::OverlapMax),
            Some(OverlapLevel::Mega) => {
                self.slash(Slash::OverlapMega);
                self.ban(RejectReason::Copied);
            }
            None => {}
        }
    }

    fn ban(&mut self, reason: RejectReason) {
        let until = Round(self.round.facts.round.0.saturating_add(self.params.overlap.naughty_rounds));
        self.record.naughty = Some((until, reason));
    }

    /// Nobody on the naughty list is counted, whatever it sends; its record stays empty.
    fn naughty(&mut self, verdict: Verdict) -> Verdict {
        let Some((_, reason)) = self.record.naughty_at(self.round.facts.round) else {
            self.record.naughty = None;
            return verdict;
        };
        if self.record.has_history() {
            self.slash(Slash::Naughty);
        }
        self.record.good = false;
        match verdict {
            Verdict::Accepted | Verdict::OnProbation => Verdict::Rejected(reason),
            refused => refused,
        }
    }
}
