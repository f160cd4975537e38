//! From a round's payloads to a report: which peers are evaluated, on which data, and what Gauntlet makes of it.
//!
//! In: the checked payloads, the fixed set, the validator's state. Out: a report and weights. Losses are measured on data that
//! nobody could know before the commitments were closed: the draw is seeded by the hash of the block that closed them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gauntlet::{CommitFacts, LossSample, PeerFacts, RoundFacts, State};
use ipc::Event as Said;
use sparseloco::{Submission, clip_factors};
use types::{Hash32, Rao, RejectReason, Round, Uid};

use super::Pending;
use crate::gather::{Checked, FixedSet, overlaps};
use crate::outcome::PeerError;
use crate::replica::Replica;
use crate::report::{Report, VerdictEntry};
use crate::trainer::Evaluation;

/// Pseudo-uids of random data (protocol.md §5.2): 1000 and up.
const PSEUDO_UID_FIRST: u16 = 1000;
/// Number of pseudo-uids: what fits a uid.
const PSEUDO_UIDS: u64 = 60_000;

/// Judges a round.
pub(super) async fn judge(
    replica: &Replica,
    state: &mut State,
    round: Round,
    checked: &BTreeMap<Uid, Checked>,
    fixed: &FixedSet,
) -> Result<Pending, PeerError> {
    let params = replica.manifest.gauntlet.clone();
    let good: Vec<(Uid, Arc<Submission>)> = checked
        .iter()
        .filter_map(|(uid, c)| match c {
            Checked::Good(submission) => Some((*uid, Arc::clone(submission))),
            Checked::Bad(_) => None,
        })
        .collect();
    let filtered = filter(replica, state, fixed, &good);
    let sound: Vec<Uid> = good.iter().map(|(uid, _)| *uid).filter(|uid| !filtered.contains_key(uid)).collect();
    let seed = closing_seed(replica, round).await?;
    let selected = state.select(round, &sound, usize::from(params.evaluations_per_round), seed);
    let losses = measure(replica, round, &good, &selected, seed).await?;
    let facts = RoundFacts {
        round,
        null_round: round.0 < replica.manifest.rounds.null_rounds,
        thetas: replica.recent_thetas(),
        peers: peer_facts(replica, round, checked, fixed, &filtered, &selected, &losses).await?,
        overlaps: overlaps(&good),
    };
    let judgement = state.apply_round(&params, &facts).map_err(|e| PeerError::State(e.to_string()))?;
    let held_out_loss = replica.trainer.held_out(super::HELD_OUT_SEQUENCES).await?;
    let entry = |peer: &gauntlet::PeerJudgement| VerdictEntry {
        uid: peer.uid,
        hotkey: peer.hotkey,
        outcome: peer.verdict,
        improvement_own: peer.improvement.map(|i| i.own),
        improvement_random: peer.improvement.map(|i| i.random),
        score: peer.score,
        ordinal: peer.rating.conservative(params.openskill.ordinal_sigmas),
        bma: peer.bma,
        sync: peer.sync.unwrap_or(0.0),
    };
    let report = Report {
        run: replica.run,
        round,
        validator: replica.hotkey(),
        theta: replica.standing().1,
        held_out_loss,
        verdicts: judgement.peers.iter().map(entry).collect(),
        gather: judgement.gather.clone(),
    };
    let mut weights = gauntlet::weights(&judgement.scores, &params.weights, None);
    weights.sort_by_key(|(uid, _)| *uid);
    Ok(Pending { report, weights })
}

/// Norms and copies as everybody sees them, and the validator's own check for updates sent twice.
fn filter(
    replica: &Replica,
    state: &State,
    fixed: &FixedSet,
    good: &[(Uid, Arc<Submission>)],
) -> BTreeMap<Uid, RejectReason> {
    let mut filtered = replica.gatherer.filter(&fixed.records, good);
    for (uid, submission) in good {
        if state.previous_body(*uid) == Some(submission.body_digest()) {
            filtered.insert(*uid, RejectReason::Stale);
        }
    }
    filtered
}

/// Everybody who was registered before the round began, and everybody who committed all the same.
async fn peer_facts(
    replica: &Replica,
    round: Round,
    checked: &BTreeMap<Uid, Checked>,
    fixed: &FixedSet,
    filtered: &BTreeMap<Uid, RejectReason>,
    selected: &[Uid],
    losses: &BTreeMap<Uid, LossSample>,
) -> Result<Vec<PeerFacts>, PeerError> {
    let start = replica.manifest.rounds.start(round);
    let commits = &fixed.records.commits;
    let listed: BTreeSet<Uid> = fixed.listed.iter().copied().collect();
    let neurons = replica.chain.neurons().await?;
    let owing = neurons.iter().filter(|n| !n.is_validator && (n.registered_at < start || commits.contains_key(&n.uid)));
    let facts = owing.map(|neuron| {
        let uid = neuron.uid;
        let commit = commits.get(&uid).filter(|c| c.hotkey == neuron.hotkey);
        let submission = match checked.get(&uid) {
            Some(Checked::Good(submission)) => Some(submission),
            _ => None,
        };
        let payload = match checked.get(&uid) {
            Some(Checked::Bad(reason)) => Err(*reason),
            Some(Checked::Good(_)) => Ok(()),
            None => Err(RejectReason::Unavailable),
        };
        PeerFacts {
            uid,
            hotkey: neuron.hotkey,
            commit: commit.map(|c| CommitFacts { order: c.order, theta: c.theta }),
            payload,
            filter: filtered.get(&uid).map_or(Ok(()), |reason| Err(*reason)),
            body_digest: submission.map(|s| s.body_digest()),
            own_overlap: None,
            listed: listed.contains(&uid),
            selected: selected.contains(&uid),
            loss: losses.get(&uid).copied(),
        }
    });
    Ok(facts.collect())
}

/// Losses of every selected peer on assigned and on random data, before and after a probe with its update alone.
async fn measure(
    replica: &Replica,
    round: Round,
    good: &[(Uid, Arc<Submission>)],
    selected: &[Uid],
    seed: u64,
) -> Result<BTreeMap<Uid, LossSample>, PeerError> {
    let params = &replica.manifest.gauntlet;
    let sequences = usize::from(params.eval_sequences);
    // In a null round α would be 0 in effect, but the probe still has to tell good from bad.
    let step = params.probe_fraction * replica.manifest.sparseloco.outer.at(round);
    let borrowed: Vec<&Submission> = good.iter().map(|(_, s)| s.as_ref()).collect();
    let clips = clip_factors(replica.trainer.layout(), &borrowed);
    let pseudo = Uid(PSEUDO_UID_FIRST + u16::try_from(seed % PSEUDO_UIDS).unwrap_or(0));
    let random = draw(&replica.pool(pseudo, round), sequences, seed);
    let plain = |sequences: &Vec<u64>| Evaluation { probe: None, sequences: sequences.clone() };
    let random_before = replica.trainer.evaluate(vec![plain(&random)]).await?[0];
    let mut out = BTreeMap::new();
    for ((uid, submission), clip) in good.iter().zip(&clips).filter(|((uid, _), _)| selected.contains(uid)) {
        let own = draw(&replica.pool(*uid, round), sequences, seed ^ u64::from(uid.0));
        let probe = Some((Arc::clone(submission), clip.clone(), step));
        let probed = |sequences: &Vec<u64>| Evaluation { probe: probe.clone(), sequences: sequences.clone() };
        let losses = replica.trainer.evaluate(vec![plain(&own), probed(&own), probed(&random)]).await?;
        let sample = LossSample { own_before: losses[0], own_after: losses[1], random_before, random_after: losses[2] };
        out.insert(*uid, sample);
    }
    Ok(out)
}

/// `n` of the pool's sequences, chosen by the seed.
fn draw(pool: &[u64], n: usize, seed: u64) -> Vec<u64> {
    dataset::choice(seed & 0xffff_ffff, pool.len() as u64, n.min(pool.len()))
        .into_iter()
        .filter_map(|i| usize::try_from(i).ok().and_then(|i| pool.get(i)).copied())
        .collect()
}

/// Eight bytes nobody knew before the round's commitments were closed: of the hash of everything committed.
async fn closing_seed(replica: &Replica, round: Round) -> Result<u64, PeerError> {
    let deadline = replica.manifest.rounds.commit_deadline(round);
    let records = replica.gatherer.records(round, deadline).await?;
    let records = records.iter().filter(|r| r.record.round() == round);
    // Sorted, so that the order in which commitments happened to arrive changes nothing.
    let mut committed: Vec<Vec<u8>> = records.map(|r| r.record.to_bytes()).collect();
    committed.sort_unstable();
    let mut bytes = round.0.to_le_bytes().to_vec();
    bytes.extend(committed.concat());
    let hash = Hash32::of(&bytes).0;
    Ok(u64::from_le_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]]))
}

/// Tells everybody listening what the report says.
pub(super) async fn say(replica: &Replica, report: &Report) {
    let neurons = replica.chain.neurons().await.unwrap_or_default();
    for entry in &report.verdicts {
        let verdict = Said::VerdictReceived {
            round: report.round,
            uid: entry.uid,
            verdict: entry.outcome,
            score: Some(entry.score),
            loss_own: entry.improvement_own,
            loss_random: entry.improvement_random,
        };
        replica.events.say(verdict).await;
        let neuron = neurons.iter().find(|n| n.uid == entry.uid);
        let score = Said::ScoreUpdated {
            round: report.round,
            uid: entry.uid,
            score: entry.score,
            incentive: neuron.map_or(0.0, |n| f64::from(n.incentive) / f64::from(u16::MAX)),
            emission: neuron.map_or(Rao(0), |n| n.emission),
            balance: neuron.map_or(Rao(0), |n| n.balance),
        };
        replica.events.say(score).await;
    }
}
