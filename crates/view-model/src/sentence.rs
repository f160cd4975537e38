//! The sentences all surfaces share: window, tray, terminal, notification and screen reader.
//!
//! In: a [`RunSnapshot`]. Out: one line, parts set apart by ` · `, no full stop. Facts only; what is not known is left
//! out. Words that need no plural, so that `1` and `4` read alike.

use std::borrow::Borrow;

use types::{Rao, Verdict};

use crate::snapshot::{Activity, PeerRow, Phase, ProblemRow, RunKind, RunSnapshot, VerdictRow, Waiting};
use crate::units;

/// A wait shorter than this is part of a normal round and not worth a word.
const WAIT_WORTH_A_WORD_SECS: u64 = 3;

/// What is going on, in one line: `Training · round 128 · 17 of 30 steps · sync in 3:12`.
pub fn status_sentence(run: &RunSnapshot) -> String {
    if let Some(fatal) = run.problems.iter().rev().find(|row| row.fatal) {
        return format!("Stopped · {}", fatal.problem.title);
    }
    match &run.activity {
        Activity::Idle => "Not running".to_owned(),
        Activity::Starting => parts([Some("Starting"), run_name(run)]),
        Activity::Running => running_sentence(run),
        Activity::Paused { reason, for_secs, resumes_in_secs } => {
            let so_far = format!("{} so far", units::duration(*for_secs));
            let resumes = resumes_in_secs.map(|secs| format!("goes on in {}", units::duration(secs)));
            parts([Some(format!("Paused: {reason}")), Some(so_far), resumes])
        }
        Activity::Stopping { within_secs } => format!("Stopping · done within {}", units::duration(*within_secs)),
        Activity::Finished => {
            let elapsed = format!("{} in all", units::duration(run.elapsed_secs));
            let rounds = run.run.as_ref().and_then(|facts| facts.rounds);
            let rounds = rounds.map(|n| format!("rounds: {}", units::count(n)));
            parts([Some("Finished".to_owned()), rounds, loss_sentence(run), Some(elapsed)])
        }
    }
}

/// What stopping costs at this moment: `Stop now: round 3 is kept, unless its deadline in 3:10 passes before the next
/// start. Finish first: 3:10`. A stopped peer saves its running round and goes on with it when it is started again; a
/// rehearsal is a swarm that ends with the press.
pub fn stop_price_sentence(run: &RunSnapshot) -> String {
    let free = match run.activity {
        Activity::Idle | Activity::Finished => Some("Nothing is running"),
        Activity::Stopping { .. } => Some("Already stopping"),
        Activity::Starting => Some("Stop now: nothing is lost"),
        Activity::Running | Activity::Paused { .. } => None,
    };
    if let Some(sentence) = free {
        return sentence.to_owned();
    }
    if run.run.as_ref().is_some_and(|facts| facts.kind == RunKind::Rehearsal) {
        return "Stop now: this rehearsal ends, and the next one begins anew".to_owned();
    }
    let unsent = run.peers.iter().any(|peer| peer.phase.is_some_and(Phase::holds_unsent_work));
    let Some(round) = run.round.filter(|_| unsent) else { return "Stop now: nothing is lost".to_owned() };
    match run.deadline_in_secs.map(units::duration) {
        Some(left) => format!(
            "Stop now: round {round} is kept, unless its deadline in {left} passes before the next start. \
             Finish first: {left}"
        ),
        None => format!("Stop now: round {round} is kept, unless its deadline passes before the next start"),
    }
}

/// What became of a peer's round: `round 3: accepted`.
pub fn verdict_sentence(row: &VerdictRow) -> String {
    format!("round {}: {}", row.round, row.verdict)
}

/// Who is waited for, for what, since when: `waiting for peer-2: its attestation, 0:12`.
pub fn waiting_sentence(waiting: &Waiting) -> String {
    let since = units::duration(waiting.for_secs);
    match waiting.for_whom.as_slice() {
        [] => format!("waiting for {}, {since}", waiting.what),
        // Three names are a list, more are a crowd.
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("waiting for {first}, {second}, {third} and {} more: {}, {since}", rest.len(), waiting.what)
        }
        names => format!("waiting for {}: {}, {since}", names.join(", "), waiting.what),
    }
}

/// How far the held-out loss has come: `held-out loss 5.541 → 3.257`; `None` before the first one.
pub fn loss_sentence(run: &RunSnapshot) -> Option<String> {
    let (first, last) = (run.eval_losses.first()?, run.eval_losses.last()?);
    Some(match first.round == last.round {
        true => format!("held-out loss {}", units::loss(first.loss)),
        false => format!("held-out loss {} → {}", units::loss(first.loss), units::loss(last.loss)),
    })
}

/// All credits of this machine's peers: `12.500 credits (no value)`.
pub fn credits_sentence(run: &RunSnapshot) -> String {
    // The sum of a ledger's balances fits, since the ledger's own total does; a lie is cut off.
    let sum = run.peers.iter().fold(0u64, |sum, peer| sum.saturating_add(peer.credits.0));
    let value = match run.run.as_ref().map(|facts| facts.kind) {
        Some(RunKind::Rehearsal) | None => " (no value)",
        Some(RunKind::Shared) => "",
    };
    format!("{} credits{value}", units::credits(Rao(sum)))
}

/// A problem in one line, with what to try.
pub fn problem_sentence(row: &ProblemRow) -> String {
    row.problem.to_string()
}

fn running_sentence(run: &RunSnapshot) -> String {
    let kind = match run.run.as_ref().map(|facts| facts.kind) {
        Some(RunKind::Rehearsal) => "Rehearsal",
        Some(RunKind::Shared) | None => "Training",
    };
    let round = run.round.map(|round| match run.run.as_ref().and_then(|facts| facts.rounds) {
        // Rounds count from 0, as in logs and on chain: "3 of 10" is also how many are done.
        Some(rounds) => format!("round {} of {}", units::count(round.0), units::count(rounds)),
        None => format!("round {}", units::count(round.0)),
    });
    let waiting = run.waiting.as_ref().filter(|w| w.for_secs >= WAIT_WORTH_A_WORD_SECS).map(waiting_sentence);
    let doing = if waiting.is_some() { None } else { slowest(run).map(doing) };
    let deadline = run.deadline_in_secs.map(|secs| format!("sync in {}", units::duration(secs)));
    let rejected = last_rejection(run);
    parts([Some(kind.to_owned()), round, waiting, doing, deadline, rejected])
}

/// The peer that everybody else will have to wait for: the earliest phase, then the fewest steps.
fn slowest(run: &RunSnapshot) -> Option<&PeerRow> {
    run.peers
        .iter()
        .filter(|peer| peer.phase.is_some())
        .min_by_key(|peer| (peer.phase, peer.step.map(|step| step.done)))
}

fn doing(peer: &PeerRow) -> String {
    match (peer.phase, peer.step) {
        (Some(Phase::Inner), Some(step)) => format!("{} of {} steps", step.done, step.of),
        (Some(phase), _) => phase.words().to_owned(),
        (None, _) => "not there".to_owned(),
    }
}

/// A refusal of the round before the running one: news the user should not have to look for.
fn last_rejection(run: &RunSnapshot) -> Option<String> {
    let newest = run.round?.previous()?;
    let refused =
        |row: &&VerdictRow| row.round == newest && matches!(row.verdict, Verdict::Rejected(_) | Verdict::Missed);
    let peer = run.peers.iter().find(|peer| peer.verdict.as_ref().filter(refused).is_some())?;
    let row = peer.verdict?;
    Some(format!("{}: {}", peer.name, row.verdict))
}

fn run_name(run: &RunSnapshot) -> Option<&str> {
    run.run.as_ref().map(|facts| facts.name.as_str())
}

fn parts<T: Borrow<str>, const N: usize>(parts: [Option<T>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<T>>().join(" · ")
}

#[cfg(test)]
mod tests;
