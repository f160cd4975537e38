//! The sentences all surfaces share: window, tray, terminal, notification and screen reader.
//!
//! In: a snapshot and a language. Out: one line, parts set apart by ` · `, no full stop. Facts only; what is not known is
//! left out. Words that need no plural, so that `1` and `4` read alike.

use locale::Locale;
use types::{Problem, Rao, RejectReason, Verdict};

use crate::app_snapshot::AppSnapshot;
use crate::network::FetchView;
use crate::snapshot::{Activity, PeerRow, Phase, ProblemRow, RunKind, RunSnapshot, VerdictRow, Waiting};
use crate::units;

/// A wait shorter than this is part of a normal round and not worth a word.
const WAIT_WORTH_A_WORD_SECS: u64 = 3;

/// The one sentence of the whole program: what is going on, or why nothing is.
pub fn app_sentence(app: &AppSnapshot, locale: &Locale) -> String {
    if let Some(recovery) = &app.recovery {
        let cause = locale.text(recovery.cause.key());
        let again = match recovery.again_in_secs {
            Some(secs) => locale.with("status-again", &[("in", units::duration(secs).into())]),
            None => locale.text("status-not-again"),
        };
        return parts([Some(locale.with("status-ended", &[("cause", cause.into())])), Some(again), None]);
    }
    if let (Activity::Starting, Some(fetch)) = (&app.run.activity, &app.network.fetching)
        && app.pauses.is_empty()
    {
        return fetch_sentence(fetch, locale);
    }
    let held = matches!(app.run.activity, Activity::Running | Activity::Starting | Activity::Paused { .. });
    let Some(pause) = app.pauses.first().filter(|_| held) else { return status_sentence(&app.run, locale) };
    let reason = pause.reason.told().say(locale);
    let so_far = locale.with("status-so-far", &[("for", units::duration(pause.for_secs).into())]);
    let ends = pause.ends_in_secs.map(|secs| locale.with("status-goes-on", &[("in", units::duration(secs).into())]));
    parts([Some(locale.with("status-paused", &[("reason", reason.into())])), Some(so_far), ends])
}

/// A download in one line: `Downloading the text · 34 % · 12.0 MB/s · 3:10 left`.
pub fn fetch_sentence(fetch: &FetchView, locale: &Locale) -> String {
    let what = locale.text(fetch.what.key());
    // Cut, not rounded: what is not all here is not at 100 %.
    let percent = format!("{:.0}", (100.0 * fetch.share()).floor());
    let args = [("what", what.into()), ("percent", percent.into())];
    let left = fetch.left_secs.map(|secs| locale.with("fetch-left", &[("left", units::duration(secs).into())]));
    parts([Some(locale.with("fetch-now", &args)), fetch.rate.map(units::bytes_per_sec), left])
}

/// What a run does, in one line: `Training · round 128 · 17 of 30 steps · sync in 3:12`.
pub fn status_sentence(run: &RunSnapshot, locale: &Locale) -> String {
    if let Some(fatal) = run.problems.iter().rev().find(|row| row.fatal) {
        return parts([Some(locale.text("status-stopped")), Some(problem_title(&fatal.problem, locale))]);
    }
    let in_time = |key: &str, name: &str, secs: u64| locale.with(key, &[(name, units::duration(secs).into())]);
    match &run.activity {
        Activity::Idle => locale.text("status-idle"),
        Activity::Starting => parts([Some(locale.text("status-starting")), run_name(run)]),
        Activity::Running => running_sentence(run, locale),
        Activity::Paused { reason, for_secs, resumes_in_secs } => parts([
            Some(locale.with("status-paused", &[("reason", reason.into())])),
            Some(in_time("status-so-far", "for", *for_secs)),
            resumes_in_secs.map(|secs| in_time("status-goes-on", "in", secs)),
        ]),
        Activity::Stopping { within_secs } => in_time("status-stopping", "in", *within_secs),
        Activity::Finished => {
            let rounds = run.run.as_ref().and_then(|facts| facts.rounds);
            parts([
                Some(locale.text("status-finished")),
                rounds.map(|n| locale.with("status-rounds", &[("rounds", units::count(n).into())])),
                loss_sentence(run, locale),
                Some(in_time("status-in-all", "for", run.elapsed_secs)),
            ])
        }
    }
}

/// What stopping costs at this moment: `Stop now: round 3 is kept, unless its deadline in 3:10 passes before the next
/// start. Finish first: 3:10`. A stopped peer saves its running round and goes on with it when it is started again; a
/// rehearsal is a swarm that ends with the press.
pub fn stop_price_sentence(run: &RunSnapshot, locale: &Locale) -> String {
    match run.activity {
        Activity::Idle | Activity::Finished => return locale.text("price-nothing-runs"),
        Activity::Stopping { .. } => return locale.text("price-already"),
        Activity::Starting => return locale.text("price-free"),
        Activity::Running | Activity::Paused { .. } => {}
    }
    if run.run.as_ref().is_some_and(|facts| facts.kind == RunKind::Rehearsal) {
        return locale.text("price-rehearsal");
    }
    let unsent = run.peers.iter().any(|peer| peer.phase.is_some_and(Phase::holds_unsent_work));
    let Some(round) = run.round.filter(|_| unsent) else { return locale.text("price-free") };
    let round = round.to_string();
    match run.deadline_in_secs.map(units::duration) {
        Some(left) => locale.with("price-round-by", &[("round", round.into()), ("left", left.into())]),
        None => locale.with("price-round", &[("round", round.into())]),
    }
}

/// What became of a peer's round: `round 3: accepted`.
pub fn verdict_sentence(row: &VerdictRow, locale: &Locale) -> String {
    let round = row.round.to_string();
    locale.with("verdict-of-round", &[("round", round.into()), ("verdict", verdict_words(row.verdict, locale).into())])
}

/// A verdict in words, with its reason.
pub fn verdict_words(verdict: Verdict, locale: &Locale) -> String {
    match verdict {
        Verdict::Accepted => locale.text("verdict-accepted"),
        Verdict::OnProbation => locale.text("verdict-on-probation"),
        Verdict::Missed => locale.text("verdict-missed"),
        Verdict::Rejected(reason) => {
            locale.with("verdict-rejected", &[("reason", locale.text(reject_key(reason)).into())])
        }
    }
}

fn reject_key(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::Format => "reject-format",
        RejectReason::Signature => "reject-signature",
        RejectReason::WrongHeader => "reject-wrong-header",
        RejectReason::Desynced => "reject-desynced",
        RejectReason::NormOutlier => "reject-norm-outlier",
        RejectReason::Copied => "reject-copied",
        RejectReason::Stale => "reject-stale",
        RejectReason::NoImprovement => "reject-no-improvement",
        RejectReason::NotOwnData => "reject-not-own-data",
        RejectReason::Unavailable => "reject-unavailable",
        RejectReason::WrongRoot => "reject-wrong-root",
    }
}

/// A phase in one or two words.
pub fn phase_words(phase: Phase, locale: &Locale) -> String {
    locale.text(match phase {
        Phase::Sync => "phase-sync",
        Phase::Idle => "phase-idle",
        Phase::Inner => "phase-inner",
        Phase::Compress => "phase-compress",
        Phase::Submit => "phase-submit",
        Phase::Gather => "phase-gather",
        Phase::Evaluate => "phase-evaluate",
        Phase::Outer => "phase-outer",
        Phase::Settle => "phase-settle",
    })
}

/// Who is waited for, for what, since when: `waiting for peer-2: its attestation, 0:12`.
pub fn waiting_sentence(waiting: &Waiting, locale: &Locale) -> String {
    let since = units::duration(waiting.for_secs);
    let what = waiting.what.as_str();
    match waiting.for_whom.as_slice() {
        [] => locale.with("waiting-for-what", &[("what", what.into()), ("since", since.into())]),
        // Three names are a list, more are a crowd.
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            let who = format!("{first}, {second}, {third}");
            let more = rest.len().to_string();
            let args = [("who", who.into()), ("more", more.into()), ("what", what.into()), ("since", since.into())];
            locale.with("waiting-for-many", &args)
        }
        names => {
            let args = [("who", names.join(", ").into()), ("what", what.into()), ("since", since.into())];
            locale.with("waiting-for-few", &args)
        }
    }
}

/// How far the held-out loss has come: `held-out loss 5.541 → 3.257`; `None` before the first one.
pub fn loss_sentence(run: &RunSnapshot, locale: &Locale) -> Option<String> {
    let (first, last) = (run.eval_losses.first()?, run.eval_losses.last()?);
    let args = [("first", units::loss(first.loss).into()), ("last", units::loss(last.loss).into())];
    Some(match first.round == last.round {
        true => locale.with("held-out-loss", &[("loss", units::loss(first.loss).into())]),
        false => locale.with("held-out-loss-since", &args),
    })
}

/// All credits of this machine's peers: `12.500 credits (no value)`.
pub fn credits_sentence(run: &RunSnapshot, locale: &Locale) -> String {
    // The sum of a ledger's balances fits, since the ledger's own total does; a lie is cut off.
    let sum = run.peers.iter().fold(0u64, |sum, peer| sum.saturating_add(peer.credits.0));
    let key = match run.run.as_ref().map(|facts| facts.kind) {
        Some(RunKind::Rehearsal) | None => "credits-no-value",
        Some(RunKind::Shared) => "credits-amount",
    };
    locale.with(key, &[("credits", units::credits(Rao(sum)).into())])
}

/// A problem in one line, with what to try.
pub fn problem_sentence(row: &ProblemRow, locale: &Locale) -> String {
    let (title, hint) = (problem_title(&row.problem, locale), problem_hint(&row.problem, locale));
    format!("{title}. {hint} [{}]", row.problem.code)
}

/// A problem's title: in the language if its code has one there, else as it was said.
pub fn problem_title(problem: &Problem, locale: &Locale) -> String {
    of_code(problem, "", &problem.title, locale)
}

/// A problem's hint, as [`problem_title`].
pub fn problem_hint(problem: &Problem, locale: &Locale) -> String {
    of_code(problem, "-hint", &problem.hint, locale)
}

fn of_code(problem: &Problem, part: &str, said: &str, locale: &Locale) -> String {
    // What was said carries the figures; in English nothing is gained by replacing it.
    let key = format!("problem-{}{part}", problem.code.replace('_', "-"));
    match locale.language().tag != "en" && locale.has(&key) {
        true => locale.text(&key),
        false => said.to_owned(),
    }
}

fn running_sentence(run: &RunSnapshot, locale: &Locale) -> String {
    let kind = match run.run.as_ref().map(|facts| facts.kind) {
        Some(RunKind::Rehearsal) => "status-rehearsal",
        Some(RunKind::Shared) | None => "status-training",
    };
    let round = run.round.map(|round| {
        let round = units::count(round.0);
        match run.run.as_ref().and_then(|facts| facts.rounds) {
            // Rounds count from 0, as in logs and on chain: "3 of 10" is also how many are done.
            Some(of) => locale.with("status-round-of", &[("round", round.into()), ("of", units::count(of).into())]),
            None => locale.with("status-round", &[("round", round.into())]),
        }
    });
    // Whoever still works is why the others wait, and steps say more than that.
    let at_work =
        slowest(run).is_some_and(|peer| matches!(peer.phase, Some(Phase::Sync | Phase::Inner | Phase::Compress)));
    let long = run.waiting.as_ref().filter(|w| w.for_secs >= WAIT_WORTH_A_WORD_SECS && !at_work);
    let waiting = long.map(|w| waiting_sentence(w, locale));
    let doing = if waiting.is_some() { None } else { slowest(run).map(|peer| doing(peer, locale)) };
    let deadline =
        run.deadline_in_secs.map(|secs| locale.with("status-sync-in", &[("in", units::duration(secs).into())]));
    parts([Some(locale.text(kind)), round, waiting, doing, deadline, last_rejection(run, locale)])
}

/// The peer that everybody else will have to wait for: the earliest phase, then the fewest steps.
fn slowest(run: &RunSnapshot) -> Option<&PeerRow> {
    run.peers
        .iter()
        .filter(|peer| peer.phase.is_some())
        .min_by_key(|peer| (peer.phase, peer.step.map(|step| step.done)))
}

fn doing(peer: &PeerRow, locale: &Locale) -> String {
    match (peer.phase, peer.step) {
        (Some(Phase::Inner), Some(step)) => {
            let (done, of) = (step.done.to_string(), step.of.to_string());
            locale.with("status-steps", &[("done", done.into()), ("of", of.into())])
        }
        (Some(phase), _) => phase_words(phase, locale),
        (None, _) => locale.text("peer-not-there"),
    }
}

/// A refusal of the round before the running one: news the user should not have to look for.
fn last_rejection(run: &RunSnapshot, locale: &Locale) -> Option<String> {
    let newest = run.round?.previous()?;
    let refused =
        |row: &&VerdictRow| row.round == newest && matches!(row.verdict, Verdict::Rejected(_) | Verdict::Missed);
    let peer = run.peers.iter().find(|peer| peer.verdict.as_ref().filter(refused).is_some())?;
    let row = peer.verdict?;
    Some(format!("{}: {}", peer.name, verdict_words(row.verdict, locale)))
}

fn run_name(run: &RunSnapshot) -> Option<String> {
    run.run.as_ref().map(|facts| facts.name.clone())
}

fn parts<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests;
