//! Foreign load on the card: fast enough for a game, calm enough for everything else.

use super::*;
use proptest::prelude::*;

const THRESHOLD: u32 = 30;

/// One judgement: when, and whether it paused.
type Step = (u64, bool);

/// Plays a load, sampled at these moments, and judges at each sample and at each change that was announced.
fn play(samples: &[(u64, u32)]) -> Vec<Step> {
    let (mut rules, settings, mut signals) = (Rules::default(), Settings::default(), quiet());
    let mut steps = Vec::new();
    for (i, (at_ms, percent)) in samples.iter().enumerate() {
        signals.cards = vec![card(*percent)];
        let mut now = *at_ms;
        loop {
            let verdict = rules.judge(&settings, &signals, now, &berlin());
            steps.push((now, !verdict.reasons.is_empty()));
            let next_sample = samples.get(i + 1).map_or(u64::MAX, |(at, _)| *at);
            match verdict.next_change_at_ms.filter(|at| *at < next_sample) {
                Some(at) => {
                    assert!(at > now, "an announced change lies ahead");
                    now = at;
                }
                None => break,
            }
        }
    }
    steps
}

/// A load from the start on, sampled every so many ms from an offset on.
fn sampled(load: impl Fn(u64) -> u32, every_ms: u64, offset_ms: u64, count: u64) -> Vec<(u64, u32)> {
    let start = ms(NOON);
    (0..count).map(|i| i * every_ms + offset_ms).map(|at| (start + at, load(at))).collect()
}

#[test]
fn any_load_over_the_threshold_pauses_within_two_seconds_and_any_below_never() {
    for percent in 0..=100 {
        for offset in [0, 1, 250, 999] {
            // The load begins at 10 s; the card is asked once a second, at any place in the second.
            let steps = play(&sampled(|at| if at >= 10_000 { percent } else { 0 }, 1_000, offset, 60));
            let first = steps.iter().find(|(_, paused)| *paused).map(|(at, _)| at - ms(NOON));
            if percent >= THRESHOLD {
                assert!(first.is_some_and(|at| (11_000..=12_000).contains(&at)), "{percent} %: {first:?}");
            } else {
                assert_eq!(first, None, "{percent} %");
            }
        }
    }
}

#[test]
fn it_goes_on_half_a_minute_after_the_load_has_gone_and_says_so() {
    let (mut rules, settings) = (Rules::default(), Settings::default());
    let busy = Signals { cards: vec![card(90)], ..quiet() };
    let start = ms(NOON);
    assert!(judge(&mut rules, &settings, &busy, start).is_empty());
    assert_eq!(judge(&mut rules, &settings, &busy, start + 1_000), ["gpu-busy"]);
    let verdict = rules.judge(&settings, &quiet(), start + 60_000, &berlin());
    assert_eq!(verdict.reasons[0].ends_in_secs, Some(30));
    assert_eq!(verdict.reasons[0].for_secs, 59);
    assert_eq!(verdict.next_change_at_ms, Some(start + 90_000));
    let reason = view_model::PauseReason::GpuBusy { name: Some("game".into()), percent: 90 };
    assert_eq!(verdict.reasons[0].reason, reason, "the load that it was paused for, not what is left of it");
    assert!(judge(&mut rules, &settings, &quiet(), start + 90_000).is_empty());
}

proptest! {
    /// Whatever the load does, a pause lasts 30 s at least, and work that goes on was preceded by 30 s of calm.
    #[test]
    fn no_load_makes_it_flap(
        loads in prop::collection::vec(0u32..=100, 1..400),
        every_ms in 200u64..=1_000,
    ) {
        let samples = sampled(|at| loads[usize::try_from(at / every_ms).unwrap()], every_ms, 0, loads.len() as u64);
        let steps = play(&samples);
        let mut began = None;
        for pair in steps.windows(2) {
            let ((_, before), (at, after)) = (pair[0], pair[1]);
            match (before, after) {
                (false, true) => {
                    let over = samples.iter().filter(|(t, _)| *t <= at && *t + 1_000 >= at);
                    prop_assert!(over.clone().all(|(_, load)| *load >= THRESHOLD), "it began without a second of load");
                    began = Some(at);
                }
                (true, false) => {
                    let calm = samples.iter().filter(|(t, _)| *t <= at && *t + 30_000 > at);
                    prop_assert!(calm.clone().all(|(_, load)| *load < THRESHOLD), "it ended without half a minute of calm");
                    prop_assert!(began.is_none_or(|began| at - began >= 30_000));
                }
                _ => {}
            }
        }
        // Two seconds of load at any place are never missed.
        for window in samples.windows(usize::try_from(2_000 / every_ms).unwrap() + 1) {
            if window.iter().all(|(_, load)| *load >= THRESHOLD) {
                let end = window[window.len() - 1].0;
                let state = steps.iter().rev().find(|(at, _)| *at <= end).unwrap().1;
                prop_assert!(state, "load until {end} and no pause");
            }
        }
    }

    /// Nothing that anybody says makes it panic, and every announced change lies ahead.
    #[test]
    fn hostile_numbers_are_survived(
        moments in prop::collection::vec(any::<u64>(), 1..20),
        figures in (any::<u32>(), any::<u64>(), any::<u32>(), any::<u64>(), any::<bool>()),
        hours in "[01]{160,170}",
        prices in ("[0-9.e-]{0,15}", "[0-9.e-]{0,15}"),
    ) {
        let mut settings = only(|it| {
            it.idle_minutes = Some(figures.0);
            it.charge_percent = Some(figures.2);
            it.schedule = Some(hours.clone());
            it.disk_free = ByteCount(figures.3);
        });
        settings.gpus.temperature_c = Some(figures.0);
        settings.energy.price = Some(prices.0.clone());
        settings.energy.pause_above = Some(prices.1.clone());
        settings.energy.second = Some((prices.1, hours));
        let signals = Signals {
            on_battery: Some(figures.4),
            charge_percent: Some(figures.0),
            idle_secs: Some(figures.1),
            cards: vec![CardSignal { temp_c: Some(figures.2), ..card(figures.2) }],
            ..quiet()
        };
        let mut rules = Rules::default();
        for now in moments {
            rules.user_pause(view_model::PauseFor::Secs { secs: figures.1 }, now, &berlin());
            let verdict = rules.judge(&settings, &signals, now, &berlin());
            prop_assert!(verdict.next_change_at_ms.is_none_or(|at| at > now));
            rules.resume();
        }
    }
}
