//! Week, tariff, changes of the clocks, moves between zones.

use super::*;
use view_model::PauseReason;

/// A week with only these hours allowed.
fn week(hours: impl Fn(usize) -> bool) -> String {
    (0..168).map(|hour| if hours(hour) { '1' } else { '0' }).collect()
}

fn nights() -> Settings {
    only(|it| it.schedule = Some(week(|hour| !(8..22).contains(&(hour % 24)))))
}

fn at(settings: &Settings, now: &str, zone: &TimeZone) -> (Vec<&'static str>, Option<u64>) {
    let verdict = Rules::default().judge(settings, &quiet(), ms(now), zone);
    (codes(&verdict), verdict.reasons.first().and_then(|view| view.ends_in_secs))
}

#[test]
fn the_week_is_in_local_time_and_says_when_it_goes_on() {
    assert_eq!(at(&nights(), NOON, &berlin()), (vec!["schedule"], Some(10 * 3_600)));
    assert_eq!(at(&nights(), "2026-05-05T20:00:00Z", &berlin()), (vec![], None));
    // The same moment, after a flight: 6:00 in New York is night.
    assert_eq!(at(&nights(), NOON, &new_york()), (vec![], None));
    let verdict = Rules::default().judge(&nights(), &quiet(), ms(NOON), &new_york());
    assert_eq!(verdict.next_change_at_ms, Some(ms("2026-05-05T12:00:00Z")), "8:00 in New York");
}

#[test]
fn a_move_to_another_zone_is_followed_at_once() {
    let mut rules = Rules::default();
    assert_eq!(codes(&rules.judge(&nights(), &quiet(), ms(NOON), &berlin())), ["schedule"]);
    assert!(rules.judge(&nights(), &quiet(), ms(NOON) + 1_000, &new_york()).reasons.is_empty());
    assert_eq!(codes(&rules.judge(&nights(), &quiet(), ms(NOON) + 2_000, &berlin())), ["schedule"]);
}

#[test]
fn changes_of_the_clocks_shorten_and_lengthen_the_wait() {
    // Allowed from 6:00 on Sundays; asked at midnight before the clocks change, and a week before.
    let settings = only(|it| it.schedule = Some(week(|hour| hour == 6 * 24 + 6)));
    for (zone, usual, forward, back) in [
        (berlin(), "2026-03-21T23:00:00Z", "2026-03-28T23:00:00Z", "2026-10-24T22:00:00Z"),
        (new_york(), "2026-03-01T05:00:00Z", "2026-03-08T05:00:00Z", "2026-11-01T04:00:00Z"),
    ] {
        assert_eq!(at(&settings, usual, &zone), (vec!["schedule"], Some(6 * 3_600)));
        assert_eq!(at(&settings, forward, &zone), (vec!["schedule"], Some(5 * 3_600)));
        assert_eq!(at(&settings, back, &zone), (vec!["schedule"], Some(7 * 3_600)));
    }
}

#[test]
fn the_hour_that_happens_twice_is_allowed_twice() {
    let settings = only(|it| it.schedule = Some(week(|hour| hour == 6 * 24 + 2)));
    for now in ["2026-10-25T00:00:00Z", "2026-10-25T00:59:59Z", "2026-10-25T01:00:00Z", "2026-10-25T01:59:59Z"] {
        assert_eq!(at(&settings, now, &berlin()).0, Vec::<&str>::new(), "{now}");
    }
    assert_eq!(at(&settings, "2026-10-25T02:00:00Z", &berlin()).0, ["schedule"]);
}

#[test]
fn a_week_of_zeros_never_ends_and_a_week_of_ones_never_begins() {
    let zeros = only(|it| it.schedule = Some("0".repeat(168)));
    let mut rules = Rules::default();
    let verdict = rules.judge(&zeros, &quiet(), ms(NOON), &berlin());
    assert_eq!((codes(&verdict), verdict.reasons[0].ends_in_secs), (vec!["schedule"], None));
    assert_eq!(verdict.next_change_at_ms, None);
    let ones = only(|it| it.schedule = Some("1".repeat(168)));
    let verdict = Rules::default().judge(&ones, &quiet(), ms(NOON), &berlin());
    assert_eq!(verdict, Verdict::default());
}

#[test]
fn a_week_that_is_none_pauses_nothing_and_is_named() {
    for text in ["", "1", "2".repeat(168).as_str(), "0".repeat(169).as_str()] {
        let settings = only(|it| it.schedule = Some(text.to_owned()));
        let verdict = Rules::default().judge(&settings, &quiet(), ms(NOON), &berlin());
        assert_eq!((codes(&verdict), verdict.cannot_tell), (vec![], vec!["schedule"]));
    }
}

fn two_prices(limit: &str) -> Settings {
    let mut settings = Settings::default();
    settings.energy.currency = Some("EUR".into());
    settings.energy.price = Some("0.41".into());
    settings.energy.second = Some(("0.2181".into(), week(|hour| !(8..20).contains(&(hour % 24)))));
    settings.energy.pause_above = Some(limit.into());
    settings
}

#[test]
fn dear_hours_pause_until_the_cheap_ones() {
    let verdict = Rules::default().judge(&two_prices("0.30"), &quiet(), ms(NOON), &berlin());
    assert_eq!(verdict.reasons[0].reason, PauseReason::Tariff { price: "0.41 EUR".into() });
    assert_eq!(verdict.reasons[0].ends_in_secs, Some(8 * 3_600));
    assert_eq!(at(&two_prices("0.30"), "2026-05-05T18:00:00Z", &berlin()).0, Vec::<&str>::new());
    assert_eq!(at(&two_prices("0.41"), NOON, &berlin()).0, Vec::<&str>::new(), "the limit itself is allowed");
    assert_eq!(at(&two_prices("0.2"), NOON, &berlin()), (vec!["tariff"], None), "no hour is cheap enough");
    for (price, limit) in [("0.4.1", "0.3"), ("0.41", "cheap")] {
        let mut settings = two_prices(limit);
        settings.energy.price = Some(price.into());
        let verdict = Rules::default().judge(&settings, &quiet(), ms(NOON), &berlin());
        assert_eq!((codes(&verdict), verdict.cannot_tell), (vec![], vec!["tariff"]));
    }
}

#[test]
fn real_zones_of_the_database_agree_with_their_rules_where_there_is_a_database() {
    for (name, rule) in [("Europe/Berlin", berlin()), ("America/New_York", new_york())] {
        let Ok(zone) = TimeZone::get(name) else {
            eprintln!("not run: no time zone database with {name}");
            continue;
        };
        let settings = nights();
        for hour in 0..24 * 365 {
            let now = ms("2026-01-01T00:00:00Z") + hour * 3_600_000;
            let ask = |zone| Rules::default().judge(&settings, &quiet(), now, zone);
            assert_eq!(ask(&zone), ask(&rule), "{name}, hour {hour} of 2026");
        }
    }
}
