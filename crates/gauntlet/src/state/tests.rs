//! Rounds, one after another: verdicts, the slashing table, and what a killed validator finds again.

mod rows;
mod swarm;

use types::{BlockNumber, Hash32, Hotkey, RejectReason, Verdict};

use super::*;
use crate::loss_score::LossSample;
use crate::slash::Slash;

const GOOD: LossSample = LossSample { own_before: 3.0, own_after: 2.97, random_before: 3.0, random_after: 2.98 };
const BAD: LossSample = LossSample { own_before: 3.0, own_after: 3.02, random_before: 3.0, random_after: 3.01 };

fn theta(round: u64) -> Hash32 {
    Hash32::of(&round.to_le_bytes())
}

fn hotkey(uid: u16) -> Hotkey {
    let mut key = [7; 32];
    key[..2].copy_from_slice(&uid.to_le_bytes());
    Hotkey(key)
}

/// A run judged by one validator that evaluates everybody it can.
struct Run {
    params: GauntletParams,
    state: State,
    round: u64,
    peers: u16,
    overlaps: Vec<(Uid, Uid, f64)>,
    null_round: bool,
}

impl Run {
    fn new(peers: u16) -> Self {
        let params = GauntletParams::default();
        Self { params, state: State::new(), round: 0, peers, overlaps: Vec::new(), null_round: false }
    }

    /// What an honest round looks like: everybody commits, is drawn, and improves.
    fn facts(&self) -> RoundFacts {
        let round = self.round;
        let listed = round.checked_sub(1).map(|r| self.state.gather_list(&self.params, Round(r))).unwrap_or_default();
        let honest = |uid: u16| PeerFacts {
            commit: Some(CommitFacts { order: (BlockNumber(10 * round), uid.into()), theta: theta(round) }),
            body_digest: Some(Hash32::of(&[round.to_le_bytes(), u64::from(uid).to_le_bytes()].concat())),
            listed: listed.contains(&Uid(uid)),
            selected: true,
            loss: Some(GOOD),
            ..PeerFacts::silent(Uid(uid), hotkey(uid))
        };
        RoundFacts {
            round: Round(round),
            null_round: self.null_round,
            thetas: (round.saturating_sub(4)..=round).map(|r| (Round(r), theta(r))).collect(),
            peers: (0..self.peers).map(honest).collect(),
            overlaps: self.overlaps.clone(),
        }
    }

    /// One round in which `change` is done to one peer's facts.
    fn with(&mut self, uid: u16, change: impl Fn(&mut PeerFacts)) -> RoundJudgement {
        let mut facts = self.facts();
        change(&mut facts.peers[usize::from(uid)]);
        self.judge(&facts)
    }

    fn judge(&mut self, facts: &RoundFacts) -> RoundJudgement {
        let judgement = self.state.apply_round(&self.params, facts).unwrap();
        self.round += 1;
        judgement
    }

    fn honest(&mut self, rounds: usize) {
        for _ in 0..rounds {
            let facts = self.facts();
            self.judge(&facts);
        }
    }

    /// Gives a peer a score and average to lose.
    fn enrich(&mut self, uid: u16) {
        let record = self.state.peers.get_mut(&Uid(uid)).unwrap();
        (record.score, record.bma) = (8.0, 0.8);
    }
}

fn missing(peer: &mut PeerFacts) {
    peer.commit = None;
    peer.body_digest = None;
    peer.loss = None;
}

#[test]
fn a_newcomer_is_on_probation_once_and_counted_from_the_next_round() {
    let mut run = Run::new(3);
    let facts = run.facts();
    let first = run.judge(&facts);
    assert!(first.peers.iter().all(|peer| peer.verdict == Verdict::OnProbation));
    assert_eq!(first.gather, [Uid(0), Uid(1), Uid(2)]);
    let facts = run.facts();
    assert!(run.judge(&facts).peers.iter().all(|peer| peer.verdict == Verdict::Accepted));
}

#[test]
fn a_bad_newcomer_is_refused_and_not_listed() {
    let mut run = Run::new(4);
    let judgement = run.with(3, |peer| peer.loss = Some(BAD));
    assert_eq!(judgement.peer(Uid(3)).unwrap().verdict, Verdict::Rejected(RejectReason::NoImprovement));
    assert_eq!(judgement.gather, [Uid(0), Uid(1), Uid(2)]);
}

#[test]
fn a_newcomer_that_was_not_drawn_waits() {
    let mut run = Run::new(2);
    let judgement = run.with(1, |peer| (peer.selected, peer.loss) = (false, None));
    assert_eq!(judgement.peer(Uid(1)).unwrap().verdict, Verdict::OnProbation);
    assert_eq!(judgement.gather, [Uid(0)]);
}

#[test]
fn in_a_null_round_nobody_is_accepted() {
    let mut run = Run::new(3);
    run.honest(1);
    run.null_round = true;
    let judgement = run.with(2, |peer| peer.loss = Some(BAD));
    let verdicts: Vec<_> = judgement.peers.iter().map(|peer| peer.verdict).collect();
    let refused = Verdict::Rejected(RejectReason::NoImprovement);
    assert_eq!(verdicts, [Verdict::OnProbation, Verdict::OnProbation, refused]);
}

#[test]
fn far_less_gain_than_the_others_is_refused() {
    let mut run = Run::new(5);
    run.honest(2);
    let gain = |relative: f64| {
        let after = 3.0 - relative * (GOOD.random_before - GOOD.random_after);
        LossSample { random_after: after, ..GOOD }
    };
    let judgement = run.with(4, |peer| peer.loss = Some(gain(0.24)));
    assert_eq!(judgement.peer(Uid(4)).unwrap().verdict, Verdict::Rejected(RejectReason::NoImprovement));
    run.honest(1);
    let judgement = run.with(4, |peer| peer.loss = Some(gain(0.26)));
    assert_eq!(judgement.peer(Uid(4)).unwrap().verdict, Verdict::Accepted);
}

#[test]
fn every_refusal_keeps_its_reason() {
    use RejectReason::*;
    for reason in [Format, Signature, WrongHeader, Desynced, Unavailable, WrongRoot] {
        let mut run = Run::new(3);
        run.honest(2);
        let judgement = run.with(1, |peer| (peer.payload, peer.loss) = (Err(reason), None));
        assert_eq!(judgement.peer(Uid(1)).unwrap().verdict, Verdict::Rejected(reason));
    }
    for reason in [NormOutlier, Copied, Stale] {
        let mut run = Run::new(3);
        run.honest(2);
        let judgement = run.with(1, |peer| peer.filter = Err(reason));
        assert_eq!(judgement.peer(Uid(1)).unwrap().verdict, Verdict::Rejected(reason));
        assert_eq!(judgement.gather, [Uid(0), Uid(2)], "{reason:?}");
    }
}

#[test]
fn the_own_last_update_is_stale_even_if_the_filter_did_not_know() {
    let mut run = Run::new(3);
    run.honest(2);
    let body = run.state.previous_body(Uid(1));
    assert!(body.is_some());
    let judgement = run.with(1, |peer| peer.body_digest = body);
    assert_eq!(judgement.peer(Uid(1)).unwrap().verdict, Verdict::Rejected(RejectReason::Stale));
    let judgement = run.with(2, |peer| peer.own_overlap = Some(0.7));
    assert_eq!(judgement.peer(Uid(2)).unwrap().verdict, Verdict::Rejected(RejectReason::Stale));
}

#[test]
fn data_that_is_never_the_own_is_noticed_in_the_end() {
    let mut run = Run::new(4);
    run.honest(1);
    let foreign = LossSample { own_after: GOOD.random_after, random_after: GOOD.own_after, ..GOOD };
    let verdicts: Vec<_> =
        (0..20).map(|_| run.with(3, |peer| peer.loss = Some(foreign)).peer(Uid(3)).unwrap().verdict).collect();
    assert_eq!(verdicts[0], Verdict::Accepted);
    assert_eq!(verdicts[19], Verdict::Rejected(RejectReason::NotOwnData));
}

#[test]
fn a_round_that_is_bad_for_all_costs_nobody_its_place() {
    let mut run = Run::new(4);
    run.honest(2);
    for _ in 0..5 {
        let mut facts = run.facts();
        facts.peers.iter_mut().for_each(|peer| peer.loss = Some(BAD));
        let judgement = run.judge(&facts);
        assert_eq!(judgement.gather.len(), 4);
        assert!(judgement.peers.iter().all(|peer| peer.excluded.is_none() && peer.slashes.is_empty()));
    }
}

#[test]
fn a_validator_that_can_fetch_nothing_blames_nobody() {
    let mut run = Run::new(3);
    run.honest(3);
    let before: Vec<f64> = run.state.peers().map(|(_, record)| record.score).collect();
    let mut facts = run.facts();
    for peer in &mut facts.peers {
        (peer.payload, peer.loss) = (Err(RejectReason::Unavailable), None);
    }
    let judgement = run.judge(&facts);
    let after: Vec<f64> = judgement.peers.iter().map(|peer| peer.score).collect();
    assert_eq!((before, judgement.gather.len()), (after, 3));
    assert!(judgement.peers.iter().all(|peer| peer.verdict == Verdict::Rejected(RejectReason::Unavailable)));
}

#[test]
fn judging_after_the_outer_step_finds_nobody_desynced() {
    let mut run = Run::new(3);
    run.honest(2);
    let mut facts = run.facts();
    facts.thetas.push((Round(run.round + 1), theta(run.round + 1)));
    let judgement = run.judge(&facts);
    assert!(judgement.peers.iter().all(|peer| peer.verdict == Verdict::Accepted && peer.steps_behind == Some(0.0)));
}

#[test]
fn what_a_check_refuses_is_ranked_last_without_a_draw() {
    let mut run = Run::new(3);
    run.honest(1);
    let refused =
        |peer: &mut PeerFacts| (peer.payload, peer.loss, peer.selected) = (Err(RejectReason::Format), None, false);
    let judgement = run.with(2, refused);
    let mu = |uid| judgement.peer(Uid(uid)).unwrap().rating.mu;
    assert!(mu(2) < mu(0) && mu(2) < mu(1));
}

#[test]
fn a_round_is_judged_once() {
    let mut run = Run::new(2);
    let facts = run.facts();
    run.judge(&facts);
    let before = run.state.clone();
    let error = run.state.apply_round(&run.params, &facts).unwrap_err();
    assert_eq!(error, StateError::JudgedAlready { asked: Round(0), last: Round(0) });
    assert_eq!(run.state, before);
}

#[test]
fn a_killed_validator_goes_on_with_the_same_judgements() {
    let mut run = Run::new(5);
    run.honest(3);
    run.with(2, missing);
    run.with(3, |peer| peer.loss = Some(BAD));
    let bytes = serde_json::to_vec(&run.state).unwrap();
    let mut resumed: State = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(resumed, run.state);
    let facts = run.facts();
    assert_eq!(resumed.apply_round(&run.params, &facts).unwrap(), run.judge(&facts));
    assert_eq!(serde_json::to_vec(&resumed).unwrap(), serde_json::to_vec(&run.state).unwrap());
}

#[test]
fn a_damaged_state_is_refused() {
    let mut run = Run::new(1);
    run.honest(1);
    let sound = serde_json::to_string(&run.state).unwrap();
    let check = |from: &str, to: &str| {
        let broken = sound.replacen(from, to, 1);
        assert_ne!(broken, sound, "{from}");
        assert!(serde_json::from_str::<State>(&broken).is_err(), "{broken}");
    };
    check("\"version\":1", "\"version\":2");
    check("\"bma\":0.05", "\"bma\":1.5");
    check("\"sigma\":8.", "\"sigma\":-8.");
    check("\"misses\":[]", "\"misses\":[true,true,true,true,true,true,true,true,true]");
    check("\"started\"", "\"begun\"");
}

#[test]
fn drawing_is_fair_to_those_who_waited_and_the_same_for_everybody() {
    let mut run = Run::new(20);
    run.honest(1);
    for uid in 0..10 {
        run.state.peers.get_mut(&Uid(uid)).unwrap().waiting = 30;
    }
    let eligible: Vec<Uid> = (0..20).map(Uid).collect();
    let mut turned = eligible.clone();
    turned.reverse();
    turned.extend(&eligible);
    let mut waited = 0;
    for seed in 0..200 {
        let drawn = run.state.select(Round(1), &eligible, 5, seed);
        assert_eq!(drawn, run.state.select(Round(1), &turned, 5, seed));
        assert_eq!(drawn.len(), 5);
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
        waited += drawn.iter().filter(|uid| uid.0 < 10).count();
    }
    // By weight 30 to 1, about 96 % of the draws fall on those who waited.
    assert!((900..1000).contains(&waited), "{waited}");
    assert_ne!(run.state.select(Round(1), &eligible, 5, 0), run.state.select(Round(2), &eligible, 5, 0));
    assert_eq!(run.state.select(Round(1), &eligible, 99, 0), eligible);
    run.state.peers.get_mut(&Uid(4)).unwrap().naughty = Some((Round(9), RejectReason::Copied));
    assert!(!run.state.select(Round(1), &eligible, 99, 0).contains(&Uid(4)));
}

#[test]
fn the_gather_list_is_the_best_scored_and_bounded() {
    let mut run = Run::new(6);
    run.params.gather_peers = 4;
    run.honest(1);
    for uid in 0..6 {
        run.state.peers.get_mut(&Uid(uid)).unwrap().score = f64::from(uid);
    }
    assert_eq!(run.state.gather_list(&run.params, Round(0)), [Uid(2), Uid(3), Uid(4), Uid(5)]);
}
