//! What the state makes of single facts: verdicts, sleep, settings, runs, texts.

use super::*;

#[test]
fn an_accepted_round_is_told_once_and_its_pay_is_booked() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    let verdict = |round| Said::VerdictReceived {
        round: Round(round),
        uid: Uid(1),
        verdict: Verdict::Accepted,
        score: Some(0.9),
        loss_own: None,
        loss_random: None,
    };
    let pay = |round| Said::ScoreUpdated {
        round: Round(round),
        uid: Uid(1),
        score: 0.9,
        incentive: 0.25,
        emission: Rao(5),
        balance: Rao(5 * (round + 1)),
    };
    let mut notices = 0;
    for event in [verdict(0), verdict(0), pay(0), pay(0), verdict(1), pay(1)] {
        world.say(event);
        let event = world.inbox.pop_front().unwrap();
        let effects = world.state.apply(event, world.now_ms);
        notices += effects.iter().filter(|effect| matches!(effect, Effect::Shell(ToShell::Notify { .. }))).count();
    }
    assert_eq!(notices, 1, "the first accepted round, once");
    let snapshot = world.state.snapshot(world.now_ms);
    assert_eq!((snapshot.earnings.total, snapshot.earnings.rounds.len()), (Some(Rao(10)), 2));
    let tiles: Vec<_> = snapshot.rounds.iter().map(|tile| (tile.round.0, tile.verdict)).collect();
    assert_eq!(tiles, [(0, Some(Verdict::Accepted)), (1, Some(Verdict::Accepted))]);
}

#[test]
fn words_of_a_process_that_is_gone_change_nothing() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    let old = world.engine.as_ref().unwrap().generation;
    world.press(Intent::Stop { when: StopWhen::Now });
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Idle);
    let line = EventLine { seq: 0, at_ms: 0, event: Said::Resumed };
    let before = world.state.snapshot(world.now_ms);
    world.state.apply(Event::Said { generation: old, speaker: "peer-1".into(), line: Box::new(line) }, world.now_ms);
    assert_eq!(world.state.snapshot(world.now_ms), before);
}

#[test]
fn a_session_that_ends_waits_four_seconds_and_no_longer() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    world.mood = Mood::Deaf;
    world.apply(Event::SessionEnding);
    for _ in 0..3 {
        world.wait(1);
        assert!(world.engine.is_some());
    }
    world.wait(1);
    world.deliver();
    assert!(world.engine.is_none() && world.gone);
    assert!(world.state.session().job.is_some(), "it comes back at the next start");
}

#[test]
fn sleep_pauses_and_waking_goes_on() {
    let mut world = World::new(1);
    world.press(Intent::Start);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    world.apply(Event::Sleep);
    world.settle_until(|world| matches!(world.state.activity(world.now_ms), Activity::Paused { .. }));
    world.rule(false);
    assert!(matches!(world.state.activity(world.now_ms), Activity::Paused { .. }), "a late reading wakes nobody");
    world.now_ms += 8 * 3_600_000;
    world.apply(Event::Woke);
    world.settle_until(|world| world.state.activity(world.now_ms) == Activity::Running);
    assert_eq!(world.state.snapshot(world.now_ms).recovery, None, "silence while asleep is no hang");
}

#[test]
fn a_copied_secret_is_cleared_after_a_while_and_at_the_end() {
    let clears = |effects: Vec<Effect>| effects.contains(&Effect::Shell(ToShell::ClearClipboard));
    let mut one = state();
    assert!(!clears(one.apply(Event::Intent(Intent::CopiedSecret), 0)));
    assert!(!clears(one.apply(Event::Tick, 29_999)));
    assert!(clears(one.apply(Event::Tick, 30_000)));
    assert!(!clears(one.apply(Event::Tick, 99_000)));
    one.apply(Event::Intent(Intent::CopiedSecret), 100_000);
    assert!(clears(one.apply(Event::Intent(Intent::Quit), 100_001)));
}

#[test]
fn a_run_needs_a_wallet_and_waits_for_its_lock() {
    let mut world = World::new(1);
    world.apply(Event::Runs(vec![run_card("ab")]));
    world.press(Intent::ChooseRun { id: "ab".to_owned() });
    world.press(Intent::Start);
    let code =
        |world: &World| world.state.snapshot(world.now_ms).run.problems.last().map(|row| row.problem.code.clone());
    assert_eq!(code(&world).as_deref(), Some("no_wallet"));
    let row = view_model::WalletRow {
        name: "w".to_owned(),
        hotkey: "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".to_owned(),
        payout: None,
        backed_up: true,
        has_words: true,
        keychain: false,
        unlocked: false,
    };
    let mut view = WalletView { wallets: vec![row], ..WalletView::default() };
    world.apply(Event::Desk(Box::new(::custody::DeskEvent::View(Box::new(view.clone())))));
    world.press(Intent::Start);
    let first = world.state.snapshot(world.now_ms).pauses.into_iter().next();
    assert_eq!(first.map(|pause| pause.reason), Some(PauseReason::WalletLocked));
    assert!(world.engine.is_none());
    view.wallets[0].unlocked = true;
    world.apply(Event::Desk(Box::new(::custody::DeskEvent::View(Box::new(view)))));
    world.settle_until(|world| world.engine.is_some());
    world.press(Intent::ForgetRun { id: "ab".to_owned() });
    assert_eq!(world.state.settings().behaviour.run, "ab", "a run at work is not forgotten");
}

#[test]
fn settings_out_of_bounds_are_brought_within() {
    let mut world = World::new(1);
    let mut settings = Settings::default();
    settings.look.text_percent = 1000;
    settings.rehearsal.peers = 900;
    settings.pause.schedule = Some("always".to_owned());
    settings.behaviour.run = String::new();
    world.press(Intent::Set(Box::new(settings)));
    let kept = world.state.settings();
    assert_eq!((kept.look.text_percent, kept.rehearsal.peers), (200, 8));
    assert_eq!((kept.pause.schedule.as_deref(), kept.behaviour.run.as_str()), (None, "rehearsal"));
}

#[test]
fn only_pages_of_the_list_are_opened() {
    let mut world = World::new(1);
    let mut opened = |page: &str| {
        let effects = world.state.apply(Event::Intent(Intent::OpenPage { page: page.to_owned() }), 0);
        effects.into_iter().find_map(|effect| match effect {
            Effect::Shell(ToShell::OpenUrl(url)) => Some(url),
            _ => None,
        })
    };
    assert_eq!(opened("nvidia-driver"), Some("https://www.nvidia.com/en-us/drivers/"));
    for bad in ["https://evil.example", "file:///etc/passwd", "javascript:alert(1)", ""] {
        assert_eq!(opened(bad), None, "{bad}");
    }
}

#[test]
fn every_key_the_app_says_has_an_english_text() {
    let english = Locale::new("en");
    let keys = [
        "tray-start",
        "tray-stop",
        "tray-stop-round",
        "tray-pause-for",
        "tray-pause-quarter",
        "tray-pause-hour",
        "tray-pause-four",
        "tray-pause-tomorrow",
        "tray-pause-battery",
        "tray-pause-open",
        "tray-resume",
        "tray-open",
        "tray-quit",
        "notice-accepted-title",
        "notice-accepted-body",
        "notice-problem-title",
        "notice-update-title",
        "notice-update-body",
        "notice-payout-title",
        "notice-payout-body",
        "notice-tray-title",
        "notice-tray-body",
        "toast-accepted",
        "toast-finished",
        "toast-run-added",
        "toast-report-saved",
        "toast-csv-saved",
        "toast-window-crashed",
        "run-rehearsal-name",
        "run-pays-nothing",
        "run-pays-ledger",
        "run-pays-subnet",
        "run-fits-rehearsal",
        "run-fits",
        "run-fits-not",
        "join-fits",
        "join-fits-not",
        "join-admission-ledger",
        "join-admission-subnet",
        "rank-only",
        "rank-only-fit",
        "rank-pays",
        "rank-largest",
        "rank-alike",
        "rank-unknown",
        "earnings-banner-rehearsal",
        "found-not-run",
        "found-gpu",
        "found-gpu-none",
        "found-driver",
        "found-driver-none",
        "found-disk",
        "found-memory",
        "found-clock",
        "found-clock-wrong",
        "found-peer",
        "found-peer-bad",
        "found-keychain",
        "found-keychain-none",
        "found-network-not-needed",
    ];
    for key in keys {
        assert!(english.has(key), "{key}");
    }
}
