//! The sentences, one situation each.

use types::{Problem, RejectReason, Round, Uid};

use super::*;
use crate::{EvalLoss, RunFacts, Step};

fn peer(name: &str, phase: Option<Phase>, done: u32) -> PeerRow {
    PeerRow {
        name: name.into(),
        uid: Some(Uid(0)),
        phase,
        step: Some(Step { done, of: 30 }),
        loss: Some(3.5),
        tokens_per_sec: Some(9000.0),
        verdict: None,
        credits: Rao(1_500_000_000),
    }
}

/// A rehearsal in round 3 of 10, both peers training.
fn running() -> RunSnapshot {
    RunSnapshot {
        activity: Activity::Running,
        run: Some(RunFacts {
            kind: RunKind::Rehearsal,
            name: "rehearsal".into(),
            model_params: 919_040,
            text: "dict-gcide".into(),
            rounds: Some(10),
        }),
        round: Some(Round(3)),
        peers: vec![peer("peer-1", Some(Phase::Inner), 20), peer("peer-2", Some(Phase::Inner), 17)],
        ..RunSnapshot::default()
    }
}

fn shared() -> RunSnapshot {
    let mut run = running();
    run.round = Some(Round(128));
    run.run = run.run.map(|facts| RunFacts { kind: RunKind::Shared, rounds: None, ..facts });
    run.peers.truncate(1);
    run.deadline_in_secs = Some(192);
    run
}

fn verdict(round: u64, verdict: Verdict) -> Option<VerdictRow> {
    Some(VerdictRow { round: Round(round), verdict })
}

#[test]
fn a_running_round_tells_the_slowest_peers_steps() {
    assert_eq!(status_sentence(&running(), &Locale::english()), "Rehearsal · round 3 of 10 · 17 of 30 steps");
    assert_eq!(status_sentence(&shared(), &Locale::english()), "Training · round 128 · 20 of 30 steps · sync in 3:12");
    let mut run = running();
    run.peers[0].phase = Some(Phase::Gather);
    run.peers[1].phase = None;
    assert_eq!(status_sentence(&run, &Locale::english()), "Rehearsal · round 3 of 10 · gathering");
    run.peers.clear();
    assert_eq!(status_sentence(&run, &Locale::english()), "Rehearsal · round 3 of 10");
}

#[test]
fn a_wait_is_told_once_it_is_long_enough_to_be_noticed() {
    let mut run = running();
    let waiting = |for_secs| Waiting { for_whom: vec!["peer-2".into()], what: "its attestation".into(), for_secs };
    run.waiting = Some(waiting(2));
    assert_eq!(status_sentence(&run, &Locale::english()), "Rehearsal · round 3 of 10 · 17 of 30 steps");
    run.waiting = Some(waiting(12));
    assert_eq!(status_sentence(&run, &Locale::english()), "Rehearsal · round 3 of 10 · 17 of 30 steps");
    run.peers.iter_mut().for_each(|peer| peer.phase = Some(Phase::Gather));
    assert_eq!(
        status_sentence(&run, &Locale::english()),
        "Rehearsal · round 3 of 10 · waiting for peer-2: its attestation, 0:12"
    );
}

#[test]
fn many_who_are_waited_for_stay_one_line() {
    let waiting = |names: u32| {
        let for_whom = (1..=names).map(|i| format!("peer-{i}")).collect();
        waiting_sentence(&Waiting { for_whom, what: "block 12".into(), for_secs: 60 }, &Locale::english())
    };
    assert_eq!(waiting(0), "waiting for block 12, 1:00");
    assert_eq!(waiting(3), "waiting for peer-1, peer-2, peer-3: block 12, 1:00");
    assert_eq!(waiting(20), "waiting for peer-1, peer-2, peer-3 and 17 more: block 12, 1:00");
}

#[test]
fn a_refusal_in_the_last_round_is_news_and_an_older_one_is_not() {
    let mut run = running();
    run.peers[1].verdict = verdict(2, Verdict::Rejected(RejectReason::Stale));
    let sentence = status_sentence(&run, &Locale::english());
    assert!(sentence.ends_with(" · peer-2: rejected: the same update as this peer's own earlier one"), "{sentence}");
    run.peers[1].verdict = verdict(1, Verdict::Missed);
    run.peers[0].verdict = verdict(2, Verdict::Accepted);
    assert_eq!(status_sentence(&run, &Locale::english()), "Rehearsal · round 3 of 10 · 17 of 30 steps");
    assert_eq!(verdict_sentence(&run.peers[0].verdict.unwrap(), &Locale::english()), "round 2: accepted");
}

#[test]
fn other_activities() {
    let with = |activity| status_sentence(&RunSnapshot { activity, ..running() }, &Locale::english());
    assert_eq!(with(Activity::Idle), "Not running");
    assert_eq!(with(Activity::Starting), "Starting · rehearsal");
    assert_eq!(with(Activity::Stopping { within_secs: 60 }), "Stopping · done within 1:00");
    let paused =
        |resumes_in_secs| Activity::Paused { reason: "a game is running".into(), for_secs: 75, resumes_in_secs };
    assert_eq!(with(paused(None)), "Paused: a game is running · 1:15 so far");
    assert_eq!(with(paused(Some(3600))), "Paused: a game is running · 1:15 so far · goes on in 1:00:00");
}

#[test]
fn a_finished_run_tells_what_came_of_it() {
    let mut run = RunSnapshot { activity: Activity::Finished, elapsed_secs: 151, ..running() };
    assert_eq!(status_sentence(&run, &Locale::english()), "Finished · rounds: 10 · 2:31 in all");
    run.eval_losses = vec![EvalLoss { round: Round(0), loss: 5.5412 }];
    assert_eq!(loss_sentence(&run, &Locale::english()).unwrap(), "held-out loss 5.541");
    run.eval_losses.push(EvalLoss { round: Round(9), loss: f64::NAN });
    assert_eq!(loss_sentence(&run, &Locale::english()).unwrap(), "held-out loss 5.541 → unknown");
    run.eval_losses[1].loss = 3.2567;
    assert_eq!(
        status_sentence(&run, &Locale::english()),
        "Finished · rounds: 10 · held-out loss 5.541 → 3.257 · 2:31 in all"
    );
}

#[test]
fn a_fatal_problem_outranks_everything_and_a_mild_one_does_not() {
    let mut run = running();
    let problem = |fatal| ProblemRow { problem: Problem::new("disk_full", "The disk is full", "Free 2 GB."), fatal };
    run.problems.push(problem(false));
    assert_eq!(status_sentence(&run, &Locale::english()), "Rehearsal · round 3 of 10 · 17 of 30 steps");
    run.problems.insert(0, problem(true));
    assert_eq!(status_sentence(&run, &Locale::english()), "Stopped · The disk is full");
    assert_eq!(problem_sentence(&run.problems[0], &Locale::english()), "The disk is full. Free 2 GB. [disk_full]");
}

#[test]
fn a_stop_keeps_the_round_until_its_deadline_and_ends_a_rehearsal() {
    let mut run = shared();
    assert_eq!(
        stop_price_sentence(&run, &Locale::english()),
        "Stop now: round 128 is kept, unless its deadline in 3:12 passes before the next start. Finish first: 3:12"
    );
    run.deadline_in_secs = None;
    assert_eq!(
        stop_price_sentence(&run, &Locale::english()),
        "Stop now: round 128 is kept, unless its deadline passes before the next start"
    );
    run.peers[0].phase = Some(Phase::Gather);
    assert_eq!(stop_price_sentence(&run, &Locale::english()), "Stop now: nothing is lost");
    assert_eq!(
        stop_price_sentence(&running(), &Locale::english()),
        "Stop now: this rehearsal ends, and the next one begins anew"
    );
    let with = |activity| stop_price_sentence(&RunSnapshot { activity, ..running() }, &Locale::english());
    assert_eq!(with(Activity::Idle), "Nothing is running");
    assert_eq!(with(Activity::Starting), "Stop now: nothing is lost");
    assert_eq!(with(Activity::Stopping { within_secs: 9 }), "Already stopping");
}

#[test]
fn rehearsal_credits_are_said_to_have_no_value() {
    assert_eq!(credits_sentence(&running(), &Locale::english()), "3.000 credits (no value)");
    assert_eq!(credits_sentence(&shared(), &Locale::english()), "1.500 credits");
    let mut run = shared();
    run.peers.push(peer("liar", None, 0));
    run.peers[1].credits = Rao(u64::MAX);
    assert_eq!(credits_sentence(&run, &Locale::english()), "18,446,744,073.709 credits");
}

#[test]
fn every_pause_reason_has_a_sentence_and_says_what_ends_it_in_every_language() {
    let reasons = every_reason();
    assert!(reasons.len() >= 20);
    for language in locale::LANGUAGES {
        let locale = Locale::new(language.tag);
        for reason in &reasons {
            for told in [reason.told(), reason.ends()] {
                assert!(locale.has(&told.key), "{} lacks {}", language.tag, told.key);
                let text = told.say(&locale);
                assert!(!text.contains("{ $") && !text.contains("{$"), "{}: {text}", told.key);
            }
        }
    }
}

fn every_reason() -> Vec<crate::PauseReason> {
    use crate::PauseReason::*;
    let name = || "blender".to_owned();
    vec![
        User,
        UserUntilTomorrow,
        App { name: name() },
        GpuBusy { name: Some(name()), percent: 80 },
        FullScreen,
        Meeting,
        Battery,
        Charging { percent: 40, until: 80 },
        InUse,
        Metered,
        Quota,
        Schedule,
        Tariff { price: "0.41 EUR".into() },
        Unprofitable,
        Hot { celsius: 84, limit: 75 },
        Loud { percent: 70, limit: 60 },
        Disk { free: "1.00 GB".into(), needed: "5.00 GB".into() },
        Memory { free: "1.00 GB".into(), needed: "5.00 GB".into() },
        NoGpu,
        GpuLost,
        Offline,
        Clock { secs: 40 },
        Sleep,
        SessionLocked,
        Update,
        WalletLocked,
        HotkeyElsewhere,
    ]
}

#[test]
fn a_pause_rule_speaks_for_the_whole_program_and_a_crash_before_it() {
    let mut app = AppSnapshot { run: running(), ..AppSnapshot::default() };
    let english = Locale::english();
    assert_eq!(app_sentence(&app, &english), status_sentence(&app.run, &english));
    app.pauses.push(crate::PauseView { reason: crate::PauseReason::Battery, for_secs: 12, ends_in_secs: None });
    assert_eq!(app_sentence(&app, &english), "Paused: on battery · 0:12 so far");
    app.recovery = Some(crate::Recovery { cause: crate::CrashCause::DiskFull, again_in_secs: Some(8), attempt: 4 });
    assert_eq!(app_sentence(&app, &english), "The trainer ended: the disk is full · starts again in 0:08");
    app.recovery = None;
    app.run.activity = Activity::Idle;
    assert_eq!(app_sentence(&app, &english), "Not running");
}
