//! The pacer against a model of a card: a small hot chip on a large heat sink, cooled by a fan that follows the chip.

use super::*;
use crate::CardId;

/// How the card is built and where it stands.
#[derive(Clone, Copy)]
struct Model {
    full_watts: f64,
    build: Build,
    ambient_c: f64,
    /// From this second on the room is warmer by so much.
    warmer: (u32, f64),
    /// Fan speed in percent that the card wants at a temperature.
    fan_curve: fn(f64) -> f64,
    /// Readings are off by up to so many degrees.
    noise_c: f64,
}

/// Kelvin per watt and joules per kelvin.
#[derive(Clone, Copy)]
struct Build {
    chip_to_sink: f64,
    chip: f64,
    /// With the fan at half its speed or so.
    sink_to_air: f64,
    sink: f64,
}

const DESKTOP: Build = Build { chip_to_sink: 0.06, chip: 80.0, sink_to_air: 0.17, sink: 500.0 };
const LAPTOP: Build = Build { chip_to_sink: 0.12, chip: 20.0, sink_to_air: 0.45, sink: 90.0 };
const HEAVY: Build = Build { chip_to_sink: 0.05, chip: 120.0, sink_to_air: 0.15, sink: 1500.0 };
const DRY_PASTE: Build = Build { chip_to_sink: 0.15, chip: 80.0, sink_to_air: 0.12, sink: 500.0 };
const SMALL: Build = Build { chip_to_sink: 0.25, chip: 15.0, sink_to_air: 0.8, sink: 60.0 };

const IDLE_WATTS: f64 = 20.0;
const SECONDS: u32 = 1800;

/// A desktop card in a room that stays as it is.
const STEADY: Model = Model {
    full_watts: 350.0,
    build: DESKTOP,
    ambient_c: 25.0,
    warmer: (SECONDS, 0.0),
    fan_curve: gentle,
    noise_c: 0.0,
};

fn gentle(celsius: f64) -> f64 {
    (30.0 + (celsius - 50.0) * 2.0).clamp(0.0, 100.0)
}

/// Stands still below 50 °C, then starts with a jump.
fn with_zero_mode(celsius: f64) -> f64 {
    if celsius < 50.0 { 0.0 } else { gentle(celsius).max(30.0) }
}

fn steep(celsius: f64) -> f64 {
    (30.0 + (celsius - 60.0) * 5.0).clamp(30.0, 100.0)
}

/// What happened, second by second.
struct Course {
    temps: Vec<f64>,
    fans: Vec<f64>,
    shares: Vec<f64>,
}

impl Model {
    fn run(self, mut pacer: Pacer) -> Course {
        let (mut die, mut sink, mut fan) = (self.ambient_c + 10.0, self.ambient_c + 10.0, 0.0);
        let mut course = Course { temps: Vec::new(), fans: Vec::new(), shares: Vec::new() };
        let (mut share, mut random) = (0.0, 1u32);
        for second in 0..SECONDS {
            let ambient = self.ambient_c + if second >= self.warmer.0 { self.warmer.1 } else { 0.0 };
            for _ in 0..20 {
                let step = 0.05;
                let to_air = self.build.sink_to_air * (1.6 - 0.9 * fan / 100.0);
                let watts = IDLE_WATTS + (self.full_watts - IDLE_WATTS) * share;
                let into_sink = (die - sink) / self.build.chip_to_sink;
                die += step * (watts - into_sink) / self.build.chip;
                sink += step * (into_sink - (sink - ambient) / to_air) / self.build.sink;
                fan += step * ((self.fan_curve)(die) - fan) / 3.0;
            }
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = self.noise_c * (f64::from(random >> 8) / f64::from(1 << 23) - 1.0);
            share = pacer.advise(u64::from(second) * 1000, &reading(die + noise, fan)).work_share;
            course.temps.push(die);
            course.fans.push(fan);
            course.shares.push(share);
        }
        course
    }
}

fn reading(temp_c: f64, fan: f64) -> Sample {
    Sample {
        temp_c: Some(temp_c.round() as u32),
        fan_percent: Some(fan.round() as u32),
        fan_rpm: Some((fan * 30.0).round() as u32),
        ..Sample::unknown(CardId::new("GPU-1"), 0)
    }
}

impl Course {
    fn hottest(&self) -> f64 {
        self.temps.iter().copied().fold(0.0, f64::max)
    }

    /// Seconds in a row that the fan was above `ceiling`, at worst.
    fn longest_above(&self, ceiling: f64) -> u32 {
        let mut run = 0;
        self.fans
            .iter()
            .map(|fan| {
                if *fan > ceiling + 0.5 {
                    run += 1;
                    run
                } else {
                    run = 0;
                    0
                }
            })
            .max()
            .unwrap_or(0)
    }

    /// Full swings of the share per second once it has warmed up.
    fn swings_per_second(&self) -> f64 {
        let settled = &self.shares[300..];
        let moves: Vec<bool> = settled.windows(2).filter(|w| w[0] != w[1]).map(|w| w[1] > w[0]).collect();
        let turns = moves.windows(2).filter(|pair| pair[0] != pair[1]).count();
        turns as f64 / 2.0 / settled.len() as f64
    }

    fn mean_share(&self) -> f64 {
        self.shares[900..].iter().sum::<f64>() / self.shares[900..].len() as f64
    }
}

fn models() -> Vec<Model> {
    let mut models = Vec::new();
    let desktops = [170.0, 350.0, 450.0, 575.0].map(|watts| (watts, DESKTOP));
    let others = [(115.0, LAPTOP), (450.0, HEAVY), (350.0, DRY_PASTE), (75.0, SMALL)];
    for (full_watts, build) in desktops.into_iter().chain(others) {
        for fan_curve in [gentle, with_zero_mode, steep] {
            for noise_c in [0.0, 1.0] {
                models.push(Model { full_watts, build, fan_curve, noise_c, ..STEADY });
            }
        }
    }
    models
}

#[test]
fn the_target_is_overshot_by_two_degrees_at_most_and_the_pace_does_not_swing() {
    let mut held = 0;
    for model in models() {
        for target in [65, 70, 75, 83] {
            let course = model.run(Pacer::new(target, None));
            let (over, swings) = (course.hottest() - f64::from(target), course.swings_per_second());
            assert!(over <= 2.0, "{} W at {target} °C: {over:.2} °C over", model.full_watts);
            assert!(swings <= 0.2, "{} W at {target} °C: {swings:.3} Hz", model.full_watts);
            held += u32::from(course.mean_share() < 0.95);
        }
    }
    assert!(held > 100, "the targets must bind in most of these cases, {held} of 192 did");
}

#[test]
fn as_much_work_is_done_as_the_target_allows() {
    let course = STEADY.run(Pacer::new(70, None));
    let mean = course.temps[900..].iter().sum::<f64>() / 900.0;
    assert!((mean - 70.0).abs() <= 1.5, "it stays near the target, at {mean:.1} °C");
    let cool = STEADY.run(Pacer::new(95, None));
    assert_eq!(cool.shares.last(), Some(&1.0), "a target out of reach costs nothing");
}

#[test]
fn a_fan_is_above_its_ceiling_for_ten_seconds_at_most() {
    for model in models() {
        for ceiling in [40, 50, 60] {
            for limit in [FanCeiling::Percent(ceiling), FanCeiling::Rpm(ceiling * 30)] {
                let course = model.run(Pacer::new(83, Some(limit)));
                let above = course.longest_above(f64::from(ceiling));
                assert!(above <= 10, "{} W, {limit:?}: {above} s", model.full_watts);
                assert!(course.swings_per_second() <= 0.2);
                assert!(course.mean_share() > 0.03, "{} W, {limit:?}: it still works", model.full_watts);
            }
        }
    }
}

#[test]
fn the_pace_rises_at_most_once_in_six_seconds_however_the_readings_jump() {
    let mut pacer = Pacer::new(70, None);
    let (mut share, mut raised_ms, mut rises) = (1.0, 0, 0);
    for at in 0..3000u64 {
        // Four readings a second, swinging over two seconds.
        let now_ms = at * 250;
        let next = pacer.advise(now_ms, &reading(if at % 8 < 4 { 60.0 } else { 72.0 }, 30.0)).work_share;
        if next > share {
            assert!(now_ms - raised_ms >= 6000, "again after {} ms", now_ms - raised_ms);
            (raised_ms, rises) = (now_ms, rises + 1);
        }
        share = next;
    }
    assert!(rises > 10, "it did swing, {rises} times");
}

#[test]
fn a_room_that_warms_up_is_followed() {
    for (pacer, warmer) in [(Pacer::new(70, None), 15.0), (Pacer::new(83, Some(FanCeiling::Percent(50))), 10.0)] {
        for full_watts in [350.0, 450.0] {
            let model = Model { full_watts, warmer: (900, warmer), ..STEADY };
            let course = model.run(pacer.clone());
            assert!(course.hottest() <= f64::from(pacer.target_c) + 2.0);
            assert!(pacer.fan_ceiling.is_none() || course.longest_above(50.0) <= 10);
        }
    }
}

#[test]
fn a_ceiling_below_the_slowest_speed_stops_the_work_and_says_why() {
    let mut pacer = Pacer::new(83, Some(FanCeiling::Percent(20)));
    let pace = (0..60).map(|second| pacer.advise(second * 1000, &reading(45.0, 30.0))).last();
    assert_eq!(pace, Some(Pace { work_share: 0.0, limit: Some(PaceLimit::Fan) }));
}

#[test]
fn a_card_that_tells_no_temperature_is_not_paced() {
    let mut pacer = Pacer::new(70, Some(FanCeiling::Percent(50)));
    let silent = Sample::unknown(CardId::new("GPU-1"), 0);
    for second in 0..600 {
        assert_eq!(pacer.advise(second * 1000, &silent), Pace { work_share: 1.0, limit: None });
    }
}

#[test]
fn a_reading_that_goes_missing_is_not_taken_for_a_cool_card() {
    let mut pacer = Pacer::new(70, None);
    let mut now_ms = 0;
    let mut advise = |pacer: &mut Pacer, sample: &Sample, seconds: u32| {
        let mut last = None;
        for _ in 0..seconds {
            now_ms += 1000;
            last = Some(pacer.advise(now_ms, sample));
        }
        last.unwrap()
    };
    let cool = advise(&mut pacer, &reading(40.0, 30.0), 10);
    assert_eq!(cool, Pace { work_share: 1.0, limit: None });
    let silent = Sample::unknown(CardId::new("GPU-1"), 0);
    assert_eq!(advise(&mut pacer, &silent, 20).work_share, 1.0, "a short gap changes nothing");
    let blind = advise(&mut pacer, &silent, 20);
    assert_eq!(blind, Pace { work_share: BLIND_SHARE, limit: Some(PaceLimit::NoReading) });
    let back = advise(&mut pacer, &reading(40.0, 30.0), 20);
    assert_eq!(back, Pace { work_share: 1.0, limit: None });
}

proptest::proptest! {
    #[test]
    fn the_share_is_a_share_whatever_the_readings_are(
        target in 0u32..200,
        readings in proptest::collection::vec((0u64..1 << 40, proptest::option::of(proptest::num::u32::ANY), proptest::option::of(proptest::num::u32::ANY)), 1..50)
    ) {
        let mut pacer = Pacer::new(target, Some(FanCeiling::Rpm(1500)));
        for (now_ms, temp_c, fan_rpm) in readings {
            let sample = Sample { temp_c, fan_rpm, ..Sample::unknown(CardId::new("GPU-1"), now_ms) };
            let pace = pacer.advise(now_ms, &sample);
            proptest::prop_assert!((0.0..=1.0).contains(&pace.work_share), "{pace:?}");
        }
    }
}
