//! Every rule: what makes it hold, what ends it, what it says, and that nobody knowing does not.

use super::*;
use crate::{can_be_overridden, preview};
use locale::Locale;
use view_model::PauseReason;

struct Case {
    code: &'static str,
    settings: Settings,
    signals: Signals,
    /// The signal it needs, taken away.
    blind: Signals,
}

fn case(code: &'static str, settings: Settings, holds: impl Fn(&mut Signals), blind: impl Fn(&mut Signals)) -> Case {
    let with = |change: &dyn Fn(&mut Signals)| {
        let mut signals = quiet();
        change(&mut signals);
        signals
    };
    Case { code, settings, signals: with(&holds), blind: with(&blind) }
}

fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

fn dear() -> Settings {
    settings(|it| {
        it.energy.currency = Some("EUR".into());
        it.energy.price = Some("0.41".into());
        it.energy.pause_above = Some("0.40".into());
    })
}

fn by_the_desktop() -> Vec<Case> {
    let program = FullScreen::Program { app: "game".into() };
    vec![
        case(
            "app",
            only(|it| it.apps = vec!["Game".into()]),
            |it| it.running_apps = Some(vec!["game.exe".into()]),
            |it| it.running_apps = None,
        ),
        case(
            "gpu-busy",
            Settings::default(),
            |it| it.cards = vec![card(30)],
            |it| it.cards = vec![CardSignal { foreign: None, ..card(0) }],
        ),
        case(
            "full-screen",
            Settings::default(),
            move |it| (it.full_screen, it.cards) = (Some(program.clone()), vec![card(5)]),
            |it| it.full_screen = None,
        ),
        case("meeting", Settings::default(), |it| it.meeting = Some(true), |it| it.meeting = None),
        case("battery", Settings::default(), |it| it.on_battery = Some(true), |it| it.on_battery = None),
        case(
            "charging",
            only(|it| (it.battery, it.charge_percent) = (false, Some(80))),
            |it| (it.charge_percent, it.charging) = (Some(79), Some(true)),
            |it| it.on_battery = None,
        ),
        case("in-use", only(|it| it.idle_minutes = Some(5)), |it| it.idle_secs = Some(299), |it| it.idle_secs = None),
        case(
            "session-locked",
            only(|it| it.locked = true),
            |it| it.session_locked = Some(true),
            |it| it.session_locked = None,
        ),
        case("sleep", Settings::default(), |it| it.sleeping = true, |_| {}),
    ]
}

fn by_line_hours_and_machine() -> Vec<Case> {
    let limits = || settings(|it| (it.gpus.temperature_c, it.gpus.fan_percent) = (Some(75), Some(60)));
    vec![
        case("metered", Settings::default(), |it| it.metered = Some(true), |it| it.metered = None),
        case(
            "quota",
            settings(|it| it.network.month = Some(ByteCount(1_000))),
            |it| it.month_bytes = Some(ByteCount(1_000)),
            |it| it.month_bytes = None,
        ),
        case("offline", Settings::default(), |it| it.online = Some(false), |it| it.online = None),
        case("schedule", only(|it| it.schedule = Some("0".repeat(168))), |_| {}, |_| {}),
        case("tariff", dear(), |_| {}, |_| {}),
        case(
            "hot",
            limits(),
            |it| it.cards = vec![CardSignal { temp_c: Some(80), ..card(0) }],
            |it| it.cards = vec![CardSignal { temp_c: None, ..card(0) }],
        ),
        case(
            "loud",
            limits(),
            |it| it.cards = vec![CardSignal { fan_percent: Some(65), ..card(0) }],
            |it| it.cards = vec![CardSignal { fan_percent: None, ..card(0) }],
        ),
        case("disk", Settings::default(), |it| it.disk_free = Some(ByteCount(4_999_999_999)), |it| it.disk_free = None),
        case("memory", Settings::default(), |it| it.memory_free = Some(ByteCount(1 << 28)), |it| it.memory_free = None),
    ]
}

fn cases() -> Vec<Case> {
    by_the_desktop().into_iter().chain(by_line_hours_and_machine()).collect()
}

/// Judges once a second for so long.
fn settle(rules: &mut Rules, settings: &Settings, signals: &Signals, from_ms: u64, secs: u64) -> Vec<&'static str> {
    let mut last = Vec::new();
    for second in 0..=secs {
        last = judge(rules, settings, signals, from_ms + second * 1_000);
    }
    last
}

#[test]
fn each_rule_holds_for_its_signal_and_ends_with_it() {
    let mut seen = Vec::new();
    for case in cases() {
        let mut rules = Rules::default();
        let start = ms(NOON);
        assert_eq!(settle(&mut rules, &case.settings, &case.signals, start, 61), [case.code]);
        seen.push(case.code);
        // Off ends it at once; only the rules without a setting stay.
        let mut off = only(|it| {
            *it = PauseSettings {
                gpu_busy_percent: None,
                full_screen: false,
                meeting: false,
                battery: false,
                metered: false,
                disk_free: ByteCount(0),
                ..PauseSettings::default()
            }
        });
        off.energy.pause_above = None;
        let held = judge(&mut rules.clone(), &off, &case.signals, start + 62_000);
        let always = ["sleep", "offline", "memory"].contains(&case.code);
        assert_eq!(held.contains(&case.code), always, "{} when it is switched off", case.code);
        if ["schedule", "tariff"].contains(&case.code) {
            continue;
        }
        assert!(settle(&mut rules, &case.settings, &quiet(), start + 62_000, 120).is_empty(), "{} ends", case.code);
    }
    assert_eq!(seen.len(), 18);
}

#[test]
fn what_nobody_can_tell_pauses_nothing_and_is_named() {
    for case in cases() {
        let mut rules = Rules::default();
        let verdict = rules.judge(&case.settings, &case.blind, ms(NOON), &berlin());
        let named = verdict.cannot_tell.contains(&case.code);
        let without_signal = ["sleep", "schedule", "tariff"].contains(&case.code);
        let always = ["offline", "memory"].contains(&case.code);
        assert_eq!(named, !without_signal && !always, "{}", case.code);
        if !without_signal {
            assert!(settle(&mut rules, &case.settings, &case.blind, ms(NOON), 120).is_empty(), "{}", case.code);
        }
        // A signal that goes away while the rule holds ends it.
        let mut rules = Rules::default();
        settle(&mut rules, &case.settings, &case.signals, ms(NOON), 61);
        if !without_signal {
            assert!(settle(&mut rules, &case.settings, &case.blind, ms(NOON) + 62_000, 120).is_empty());
        }
    }
    let blind = Rules::default().judge(&Settings::default(), &Signals::default(), ms(NOON), &berlin());
    assert!(blind.reasons.is_empty());
    assert_eq!(blind.cannot_tell, ["full-screen", "meeting", "battery", "metered", "disk"]);
}

#[test]
fn reasons_of_others_keep_their_beginning_and_the_order_is_the_users_first() {
    let mut rules = Rules::default();
    let mut signals = quiet();
    signals.found = vec![PauseReason::Unprofitable, PauseReason::Clock { secs: 40 }];
    let start = ms(NOON);
    assert_eq!(judge(&mut rules, &Settings::default(), &signals, start), ["clock", "unprofitable"]);
    signals.found = vec![PauseReason::Clock { secs: 41 }, PauseReason::Update];
    signals.on_battery = Some(true);
    signals.running_apps = Some(vec!["game".into()]);
    let settings = only(|it| it.apps = vec!["game".into()]);
    rules.user_pause(view_model::PauseFor::UntilResumed, start + 5_000, &berlin());
    let verdict = rules.judge(&settings, &signals, start + 7_999, &berlin());
    assert_eq!(codes(&verdict), ["user", "update", "clock", "app", "battery"]);
    assert_eq!(verdict.reasons.iter().map(|view| view.for_secs).collect::<Vec<_>>(), [2, 0, 7, 0, 0]);
    assert_eq!(verdict.reasons[2].reason, PauseReason::Clock { secs: 41 });
}

#[test]
fn a_card_that_is_switched_off_pauses_nothing() {
    let mut settings = Settings::default();
    settings.gpus.off = vec!["GPU-2".to_owned()];
    settings.gpus.temperature_c = Some(70);
    let mut signals = quiet();
    signals.cards.push(CardSignal { uuid: "GPU-2".to_owned(), temp_c: Some(95), ..card(100) });
    assert!(settle(&mut Rules::default(), &settings, &signals, ms(NOON), 60).is_empty());
    settings.gpus.off.clear();
    assert_eq!(settle(&mut Rules::default(), &settings, &signals, ms(NOON), 60), ["gpu-busy", "hot"]);
}

#[test]
fn a_program_that_fills_the_screen_without_the_card_pauses_only_if_the_card_cannot_be_asked() {
    let mut signals = quiet();
    signals.full_screen = Some(FullScreen::Program { app: "slides".into() });
    let mut rules = Rules::default();
    assert!(judge(&mut rules, &Settings::default(), &signals, ms(NOON)).is_empty());
    signals.cards[0].foreign.as_mut().unwrap().percent = 10;
    assert_eq!(judge(&mut rules, &Settings::default(), &signals, ms(NOON) + 1_000), ["full-screen"]);
    signals.cards[0].foreign.as_mut().unwrap().percent = 0;
    assert_eq!(settle(&mut rules, &Settings::default(), &signals, ms(NOON) + 2_000, 300), ["full-screen"]);
    signals.full_screen = Some(FullScreen::Nothing);
    assert!(settle(&mut rules, &Settings::default(), &signals, ms(NOON) + 303_000, 10).is_empty());
    signals.full_screen = Some(FullScreen::Program { app: "slides".into() });
    signals.cards.clear();
    assert_eq!(judge(&mut rules, &Settings::default(), &signals, ms(NOON) + 400_000), ["full-screen"]);
}

#[test]
fn the_charge_that_was_asked_for_is_waited_for_once_after_battery() {
    let settings = only(|it| it.charge_percent = Some(80));
    let mut rules = Rules::default();
    let mut signals = Signals { on_battery: Some(true), charge_percent: Some(40), ..quiet() };
    let start = ms(NOON);
    assert_eq!(judge(&mut rules, &settings, &signals, start), ["battery"]);
    (signals.on_battery, signals.charging) = (Some(false), Some(true));
    assert_eq!(judge(&mut rules, &settings, &signals, start + 1_000), ["charging"], "no longer on battery");
    signals.charge_percent = Some(80);
    judge(&mut rules, &settings, &signals, start + 2_000);
    assert!(judge(&mut rules, &settings, &signals, start + 10_000).is_empty());
    // A battery that floats below the level is not a new wait.
    signals.charge_percent = Some(78);
    assert!(settle(&mut rules, &settings, &signals, start + 20_000, 30).is_empty());
    (signals.on_battery, signals.charging) = (Some(true), Some(false));
    assert_eq!(judge(&mut rules, &settings, &signals, start + 60_000), ["battery"]);
    // A battery that is told to stop at 60 % never gets there: it is not waited for.
    (signals.on_battery, signals.charge_percent) = (Some(false), Some(60));
    assert!(settle(&mut rules, &settings, &signals, start + 70_000, 30).is_empty());
}

#[test]
fn a_rehearsal_does_not_mind_the_line() {
    let mut settings = Settings::default();
    settings.network.month = Some(ByteCount(1));
    let mut signals = quiet();
    (signals.metered, signals.online, signals.month_bytes) = (Some(true), Some(false), Some(ByteCount(2)));
    assert_eq!(settle(&mut Rules::default(), &settings, &signals, ms(NOON), 61), ["offline", "metered", "quota"]);
    signals.local_only = true;
    assert!(settle(&mut Rules::default(), &settings, &signals, ms(NOON), 61).is_empty());
}

#[test]
fn the_month_and_the_idle_minutes_say_when_they_end() {
    let mut settings = only(|it| it.idle_minutes = Some(5));
    settings.network.month = Some(ByteCount(1_000));
    let signals = Signals { idle_secs: Some(100), month_bytes: Some(ByteCount(2_000)), ..quiet() };
    let verdict = Rules::default().judge(&settings, &signals, ms("2026-05-31T21:00:00Z"), &berlin());
    assert_eq!(codes(&verdict), ["in-use", "quota"]);
    assert_eq!(verdict.reasons[0].ends_in_secs, Some(200));
    assert_eq!(verdict.reasons[1].ends_in_secs, Some(3_600));
    assert_eq!(verdict.next_change_at_ms, Some(ms("2026-05-31T21:03:20Z")));
}

#[test]
fn every_sentence_of_the_preview_is_in_the_texts() {
    let english = Locale::english();
    let mut settings = dear();
    settings.pause = PauseSettings {
        apps: vec!["game".into(), "film".into()],
        charge_percent: Some(80),
        idle_minutes: Some(5),
        locked: true,
        schedule: Some("1".repeat(100) + &"0".repeat(68)),
        ..PauseSettings::default()
    };
    settings.network.month = Some(ByteCount(50_000_000_000));
    (settings.gpus.temperature_c, settings.gpus.fan_percent) = (Some(75), Some(60));
    let blind =
        Signals { cards: vec![CardSignal { uuid: CARD.into(), ..CardSignal::default() }], ..Signals::default() };
    let mut unreadable = settings.clone();
    (unreadable.pause.schedule, unreadable.energy.price) = (Some("no week".into()), None);
    let mut keys = std::collections::BTreeSet::new();
    for (settings, signals) in [(&settings, &quiet()), (&settings, &blind), (&unreadable, &blind)] {
        for told in preview(settings, signals, ms(NOON), &berlin()) {
            let text = told.say(&english);
            assert!(!text.is_empty() && !text.contains(&told.key) && !text.contains('{'), "{}: {text}", told.key);
            keys.insert(told.key);
        }
    }
    assert_eq!(keys.iter().filter(|key| key.starts_with("preview-when-")).count(), 15);
    assert_eq!(keys.iter().filter(|key| key.starts_with("cannot-tell-")).count(), 15);
    let first = |signals: &Signals| preview(&Settings::default(), signals, ms(NOON), &berlin()).swap_remove(0).key;
    assert_eq!(first(&quiet()), "preview-trains");
    assert_eq!(first(&Signals { on_battery: Some(true), ..quiet() }), "preview-waits");
}

#[test]
fn what_makes_work_impossible_is_not_overruled() {
    let hard = [
        PauseReason::NoGpu,
        PauseReason::GpuLost,
        PauseReason::Offline,
        PauseReason::Sleep,
        PauseReason::Update,
        PauseReason::WalletLocked,
        PauseReason::HotkeyElsewhere,
        PauseReason::Clock { secs: 60 },
        PauseReason::Hot { celsius: 90, limit: 75 },
        PauseReason::Disk { free: String::new(), needed: String::new() },
        PauseReason::Memory { free: String::new(), needed: String::new() },
    ];
    for reason in hard {
        assert!(!can_be_overridden(&reason), "{}", reason.code());
        let mut rules = Rules::default();
        let signals = Signals { found: vec![reason.clone()], ..quiet() };
        judge(&mut rules, &Settings::default(), &signals, ms(NOON));
        rules.resume();
        assert_eq!(judge(&mut rules, &Settings::default(), &signals, ms(NOON) + 1_000), [reason.code()]);
    }
}
