//! Pause and Resume by hand.

use super::*;
use view_model::{PauseFor, PauseReason};

#[test]
fn a_pause_by_the_clock_ends_by_itself_and_shows_its_end() {
    let mut rules = Rules::default();
    let start = ms(NOON);
    rules.user_pause(PauseFor::Secs { secs: 900 }, start, &berlin());
    let verdict = rules.judge(&Settings::default(), &quiet(), start + 60_000, &berlin());
    assert_eq!(verdict.reasons[0].reason, PauseReason::User);
    assert_eq!((verdict.reasons[0].for_secs, verdict.reasons[0].ends_in_secs), (60, Some(840)));
    assert_eq!(verdict.next_change_at_ms, Some(start + 900_000));
    assert_eq!(judge(&mut rules, &Settings::default(), &quiet(), start + 899_999), ["user"]);
    assert!(judge(&mut rules, &Settings::default(), &quiet(), start + 900_000).is_empty());
}

#[test]
fn until_tomorrow_is_six_in_the_morning_wherever_the_user_is_then() {
    let mut rules = Rules::default();
    let evening = ms("2026-03-28T20:00:00Z");
    rules.user_pause(PauseFor::UntilTomorrow, evening, &berlin());
    let ends = |rules: &mut Rules, zone: &TimeZone| {
        let verdict = rules.judge(&Settings::default(), &quiet(), evening, zone);
        (codes(&verdict), verdict.next_change_at_ms)
    };
    // 21:00 to 6:00 over the night of the change is eight hours.
    assert_eq!(ends(&mut rules, &berlin()), (vec!["user-until-tomorrow"], Some(ms("2026-03-29T04:00:00Z"))));
    assert_eq!(ends(&mut rules, &new_york()).1, Some(ms("2026-03-29T10:00:00Z")));
    assert!(judge(&mut rules, &Settings::default(), &quiet(), ms("2026-03-29T04:00:00Z")).is_empty());
}

#[test]
fn while_on_battery_holds_with_the_rule_off_and_ends_on_mains() {
    let settings = only(|it| it.battery = false);
    let battery = Signals { on_battery: Some(true), ..quiet() };
    let start = ms(NOON);
    let mut rules = Rules::default();
    // Asked for on mains: from the next time on battery, once.
    rules.user_pause(PauseFor::WhileOnBattery, start, &berlin());
    assert!(judge(&mut rules, &settings, &quiet(), start).is_empty());
    let verdict = rules.judge(&settings, &battery, start + 10_000, &berlin());
    assert_eq!((codes(&verdict), verdict.reasons[0].for_secs), (vec!["battery"], 0));
    assert!(judge(&mut rules, &settings, &quiet(), start + 20_000).is_empty());
    assert!(judge(&mut rules, &settings, &battery, start + 30_000).is_empty(), "it was asked for once");
    // Where nobody can tell, it is a pause until Resume.
    rules.user_pause(PauseFor::WhileOnBattery, start, &berlin());
    assert_eq!(judge(&mut rules, &settings, &Signals::default(), start + 40_000), ["user"]);
    rules.resume();
    assert!(judge(&mut rules, &settings, &Signals::default(), start + 50_000).is_empty());
    // With the rule on, one reason is told and not two.
    rules.user_pause(PauseFor::WhileOnBattery, start, &berlin());
    assert_eq!(judge(&mut rules, &Settings::default(), &battery, start + 60_000), ["battery"]);
}

#[test]
fn a_pause_without_end_waits_for_resume_alone() {
    let mut rules = Rules::default();
    rules.user_pause(PauseFor::UntilResumed, ms(NOON), &berlin());
    let verdict = rules.judge(&Settings::default(), &quiet(), ms(NOON) + 30 * 86_400_000, &berlin());
    assert_eq!((codes(&verdict), verdict.reasons[0].ends_in_secs), (vec!["user"], None));
    rules.resume();
    assert!(judge(&mut rules, &Settings::default(), &quiet(), ms(NOON) + 31 * 86_400_000).is_empty());
}

#[test]
fn resume_overrules_what_holds_until_it_has_ended_once() {
    let (settings, start) = (only(|it| it.schedule = Some("0".repeat(168))), ms(NOON));
    let mut rules = Rules::default();
    let battery = Signals { on_battery: Some(true), ..quiet() };
    assert_eq!(judge(&mut rules, &settings, &battery, start), ["battery", "schedule"]);
    rules.resume();
    assert!(judge(&mut rules, &settings, &battery, start + 1_000).is_empty());
    // A rule that did not hold then is not overruled.
    let metered = Signals { metered: Some(true), ..battery.clone() };
    assert_eq!(judge(&mut rules, &settings, &metered, start + 2_000), ["metered"]);
    // Battery ends once, and holds again the next time; the hours never ended.
    judge(&mut rules, &settings, &quiet(), start + 20_000);
    assert!(judge(&mut rules, &settings, &quiet(), start + 60_000).is_empty());
    assert_eq!(judge(&mut rules, &settings, &battery, start + 70_000), ["battery"]);
}

#[test]
fn a_rule_that_was_overruled_and_switched_off_holds_when_it_is_switched_on_again() {
    let mut rules = Rules::default();
    let battery = Signals { on_battery: Some(true), ..quiet() };
    judge(&mut rules, &Settings::default(), &battery, ms(NOON));
    rules.resume();
    assert!(judge(&mut rules, &Settings::default(), &battery, ms(NOON) + 1_000).is_empty());
    judge(&mut rules, &only(|it| it.battery = false), &battery, ms(NOON) + 2_000);
    assert_eq!(judge(&mut rules, &Settings::default(), &battery, ms(NOON) + 3_000), ["battery"]);
}

#[test]
fn another_program_of_the_list_is_not_overruled_with_the_first() {
    let settings = only(|it| it.apps = vec!["game".into(), "film".into()]);
    let running = |names: &[&str]| Signals {
        running_apps: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..quiet()
    };
    let mut rules = Rules::default();
    assert_eq!(judge(&mut rules, &settings, &running(&["game"]), ms(NOON)), ["app"]);
    rules.resume();
    assert!(judge(&mut rules, &settings, &running(&["game"]), ms(NOON) + 1_000).is_empty());
    let verdict = rules.judge(&settings, &running(&["game", "film"]), ms(NOON) + 2_000, &berlin());
    assert_eq!(verdict.reasons.len(), 1);
    assert_eq!(verdict.reasons[0].reason, PauseReason::App { name: "film".into() });
}

#[test]
fn a_clock_that_is_set_back_does_not_lengthen_a_pause() {
    let mut rules = Rules::default();
    let start = ms(NOON);
    rules.user_pause(PauseFor::Secs { secs: 60 }, start, &berlin());
    judge(&mut rules, &Settings::default(), &quiet(), start + 1_000);
    let year_before = start - 365 * 86_400_000;
    let verdict = rules.judge(&Settings::default(), &quiet(), year_before, &berlin());
    assert_eq!(verdict.reasons[0].ends_in_secs, Some(59));
    assert!(judge(&mut rules, &Settings::default(), &quiet(), year_before + 59_000).is_empty());
}
