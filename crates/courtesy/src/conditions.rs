//! What each rule says about this moment, without any memory but whether the battery was charged.
//!
//! In: settings and signals. Out: one [`Condition`] per rule, card and listed program. A setting that cannot be read
//! (a week that is none, a price that is none) counts as "cannot tell": it does not pause.

use jiff::tz::TimeZone;
use types::ByteCount;
use view_model::{PauseReason, Settings, is_week, units};

use crate::latch::{Now, Timing};
use crate::price::micros;
use crate::signals::{CardSignal, FullScreen, Signals};
use crate::week;

/// A program that fills the screen and works the card less than this does not need it: a text, a slide.
const CARD_IN_USE_PERCENT: u32 = 5;
/// So far above its limit a card is paused: the pace holds it around the limit, and swings.
const HOT_MARGIN_C: u32 = 5;
/// The same for the fan.
const LOUD_MARGIN_PERCENT: u32 = 5;
/// Below so much free memory the system starts to end programs.
const MEMORY_LOW: ByteCount = ByteCount(512 << 20);
/// With so much, work may begin again.
const MEMORY_ENOUGH: ByteCount = ByteCount(1 << 30);
/// Cards, listed programs and reasons of others that are looked at.
const MOST: usize = 64;

/// The load of one sample is noise; two samples a second apart are use. A game's loading screen is shorter than 30 s.
const GPU: Timing = Timing::after(1_000, 30_000);
/// Programs restart themselves while they update.
const APP: Timing = Timing::after(0, 10_000);
/// A look at another window is not the end of a game.
const FULL_SCREEN: Timing = Timing::after(0, 10_000);
/// A sound level meter opens the microphone for a moment; a meeting changes rooms.
const MEETING: Timing = Timing::after(2_000, 30_000);
/// A plug that is not quite in.
const BATTERY: Timing = Timing::after(0, 5_000);
/// Lines come and go while one moves about.
const METERED: Timing = Timing::after(0, 10_000);
/// Work goes on offline until the round is due.
const OFFLINE: Timing = Timing::after(60_000, 5_000);
const HOT: Timing = Timing::patient(15_000, 30_000);
const LOUD: Timing = Timing::patient(30_000, 30_000);
const DISK: Timing = Timing::after(0, 5_000);
const MEMORY: Timing = Timing::patient(10_000, 30_000);

/// What a rule says now.
#[derive(Debug)]
pub(crate) struct Condition {
    /// The reason's code.
    pub(crate) code: &'static str,
    /// The code, and of which card or program.
    pub(crate) key: String,
    /// The user chose the rule; the others are there always.
    pub(crate) chosen: bool,
    pub(crate) now: Now,
    pub(crate) timing: Timing,
    /// When it says something else by itself.
    pub(crate) changes_at_ms: Option<u64>,
}

impl Condition {
    fn new(code: &'static str, now: Now, timing: Timing) -> Self {
        Self { code, key: code.to_owned(), chosen: true, now, timing, changes_at_ms: None }
    }

    fn always(mut self) -> Self {
        self.chosen = false;
        self
    }

    fn of(mut self, whose: &str) -> Self {
        self.key = format!("{}:{whose}", self.code);
        self
    }

    fn until(mut self, at_ms: Option<u64>) -> Self {
        self.changes_at_ms = at_ms;
        self
    }
}

/// Whether the charge that was asked for was reached since the computer was last on battery.
pub(crate) fn charged(before: bool, settings: &Settings, signals: &Signals) -> bool {
    match (signals.on_battery, signals.charge_percent, settings.pause.charge_percent) {
        (Some(true), _, _) => false,
        (_, Some(percent), Some(until)) => before || percent >= until.min(100),
        _ => before,
    }
}

/// Every rule.
pub(crate) fn all(
    settings: &Settings,
    signals: &Signals,
    charged: bool,
    now_ms: u64,
    zone: &TimeZone,
) -> Vec<Condition> {
    let mut out = found(signals);
    out.extend(apps(settings, signals));
    let cards: Vec<&CardSignal> =
        signals.cards.iter().filter(|card| !settings.gpus.off.contains(&card.uuid)).take(MOST).collect();
    out.extend(gpu_busy(settings, &cards));
    out.extend(heat_and_noise(settings, &cards));
    out.push(full_screen(settings, signals, &cards));
    out.push(Condition::new("meeting", holds(settings.pause.meeting, signals.meeting, PauseReason::Meeting), MEETING));
    out.extend(power(settings, signals, charged));
    out.extend(line(settings, signals, now_ms, zone));
    out.push(in_use(settings, signals, now_ms));
    let locked = holds(settings.pause.locked, signals.session_locked, PauseReason::SessionLocked);
    out.push(Condition::new("session-locked", locked, Timing::AT_ONCE));
    out.push(schedule(settings, now_ms, zone));
    out.push(tariff(settings, now_ms, zone));
    out.extend(room(settings, signals));
    let sleep = if signals.sleeping { Now::Yes(PauseReason::Sleep) } else { Now::No };
    out.push(Condition::new("sleep", sleep, Timing::AT_ONCE).always());
    out
}

fn holds(wanted: bool, signal: Option<bool>, reason: PauseReason) -> Now {
    match (wanted, signal) {
        (false, _) => Now::Off,
        (true, None) => Now::CannotTell,
        (true, Some(true)) => Now::Yes(reason),
        (true, Some(false)) => Now::No,
    }
}

fn found(signals: &Signals) -> Vec<Condition> {
    let one = |reason: &PauseReason| {
        Condition::new(reason.code(), Now::Yes(reason.clone()), Timing::AT_ONCE).always().of("found")
    };
    signals.found.iter().take(MOST).map(one).collect()
}

fn apps(settings: &Settings, signals: &Signals) -> Vec<Condition> {
    let runs = |name: &str| signals.running_apps.as_ref().map(|apps| apps.iter().any(|app| same_program(app, name)));
    let one = |name: &String| {
        let now = holds(true, runs(name), PauseReason::App { name: name.clone() });
        Condition::new("app", now, APP).of(name)
    };
    settings.pause.apps.iter().filter(|name| !name.trim().is_empty()).take(MOST).map(one).collect()
}

/// `Game.exe` on the list is the program `game`.
fn same_program(a: &str, b: &str) -> bool {
    let plain = |name: &str| {
        let name = name.trim().to_lowercase();
        name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
    };
    plain(a) == plain(b)
}

fn gpu_busy(settings: &Settings, cards: &[&CardSignal]) -> Vec<Condition> {
    let one = |card: &&CardSignal| {
        let now = match (settings.pause.gpu_busy_percent, &card.foreign) {
            (None, _) => Now::Off,
            (Some(_), None) => Now::CannotTell,
            // 0 would be always.
            (Some(limit), Some(load)) if load.percent >= limit.max(1) => {
                Now::Yes(PauseReason::GpuBusy { name: load.name.clone(), percent: load.percent.min(100) })
            }
            (Some(_), Some(_)) => Now::No,
        };
        Condition::new("gpu-busy", now, GPU).of(&card.uuid)
    };
    cards.iter().map(one).collect()
}

fn heat_and_noise(settings: &Settings, cards: &[&CardSignal]) -> Vec<Condition> {
    let mut out = Vec::new();
    for card in cards {
        let hot = |celsius, limit| PauseReason::Hot { celsius, limit };
        let now = above(card.temp_c, settings.gpus.temperature_c, HOT_MARGIN_C, hot);
        out.push(Condition::new("hot", now, HOT).of(&card.uuid));
        let loud = |percent, limit| PauseReason::Loud { percent, limit };
        let now = above(card.fan_percent, settings.gpus.fan_percent, LOUD_MARGIN_PERCENT, loud);
        out.push(Condition::new("loud", now, LOUD).of(&card.uuid));
    }
    out
}

/// Begins `margin` above the limit, ends `margin` below it.
fn above(value: Option<u32>, limit: Option<u32>, margin: u32, reason: impl Fn(u32, u32) -> PauseReason) -> Now {
    match (value, limit) {
        (_, None) => Now::Off,
        (None, Some(_)) => Now::CannotTell,
        (Some(value), Some(limit)) if value >= limit.saturating_add(margin) => Now::Yes(reason(value, limit)),
        (Some(value), Some(limit)) if value > limit.saturating_sub(margin) => Now::Between(reason(value, limit)),
        _ => Now::No,
    }
}

fn full_screen(settings: &Settings, signals: &Signals, cards: &[&CardSignal]) -> Condition {
    // A card of which nothing is known may be the one the program draws with.
    let used = |card: &&CardSignal| card.foreign.as_ref().is_none_or(|load| load.percent >= CARD_IN_USE_PERCENT);
    let now = match (settings.pause.full_screen, &signals.full_screen) {
        (false, _) => Now::Off,
        (true, None) => Now::CannotTell,
        (true, Some(FullScreen::Nothing)) => Now::No,
        (true, Some(FullScreen::Program { .. })) if cards.is_empty() || cards.iter().any(used) => {
            Now::Yes(PauseReason::FullScreen)
        }
        // Once it is paused for, it may use the card as little as it likes.
        (true, Some(FullScreen::Program { .. })) => Now::Between(PauseReason::FullScreen),
    };
    Condition::new("full-screen", now, FULL_SCREEN)
}

fn power(settings: &Settings, signals: &Signals, charged: bool) -> [Condition; 2] {
    let battery = holds(settings.pause.battery, signals.on_battery, PauseReason::Battery);
    let charging = match (settings.pause.charge_percent, signals.on_battery, signals.charge_percent) {
        (None, ..) => Now::Off,
        (Some(_), None, _) => Now::CannotTell,
        (Some(until), Some(false), Some(percent))
            if percent < until.min(100) && !charged && signals.charging != Some(false) =>
        {
            Now::Yes(PauseReason::Charging { percent, until: until.min(100) })
        }
        _ => Now::No,
    };
    // While it charges it is not told that it runs on battery.
    let timing = if matches!(charging, Now::Yes(_)) { Timing::AT_ONCE } else { BATTERY };
    [Condition::new("battery", battery, timing), Condition::new("charging", charging, BATTERY)]
}

fn line(settings: &Settings, signals: &Signals, now_ms: u64, zone: &TimeZone) -> [Condition; 3] {
    let remote = !signals.local_only;
    let offline = holds(remote, signals.online.map(|online| !online), PauseReason::Offline);
    let metered = holds(remote && settings.pause.metered, signals.metered, PauseReason::Metered);
    let used_up = settings.network.month.and_then(|month| signals.month_bytes.map(|used| used >= month));
    let quota = holds(remote && settings.network.month.is_some(), used_up, PauseReason::Quota);
    let month = matches!(quota, Now::Yes(_)).then(|| week::next_month(now_ms, zone)).flatten();
    [
        Condition::new("offline", offline, OFFLINE).always(),
        Condition::new("metered", metered, METERED),
        Condition::new("quota", quota, Timing::AT_ONCE).until(month),
    ]
}

fn in_use(settings: &Settings, signals: &Signals, now_ms: u64) -> Condition {
    let Some(minutes) = settings.pause.idle_minutes else {
        return Condition::new("in-use", Now::Off, Timing::AT_ONCE);
    };
    let wanted_secs = u64::from(minutes) * 60;
    match (signals.session_locked, signals.idle_secs) {
        // Nobody works behind a lock.
        (Some(true), _) => Condition::new("in-use", Now::No, Timing::AT_ONCE),
        (_, None) => Condition::new("in-use", Now::CannotTell, Timing::AT_ONCE),
        (_, Some(idle)) if idle < wanted_secs => {
            let ends = now_ms.saturating_add((wanted_secs - idle).saturating_mul(1000));
            Condition::new("in-use", Now::Yes(PauseReason::InUse), Timing::AT_ONCE).until(Some(ends))
        }
        _ => Condition::new("in-use", Now::No, Timing::AT_ONCE),
    }
}

fn schedule(settings: &Settings, now_ms: u64, zone: &TimeZone) -> Condition {
    let condition = |now| Condition::new("schedule", now, Timing::AT_ONCE);
    let Some(hours) = &settings.pause.schedule else { return condition(Now::Off) };
    let (true, Some(hour)) = (is_week(hours), week::hour_of_week(now_ms, zone)) else {
        return condition(Now::CannotTell);
    };
    let allowed = |hour: usize| hours.as_bytes().get(hour) == Some(&b'1');
    let now = allowed(hour);
    let changes = week::next_hour_that(now_ms, zone, |hour| allowed(hour) != now);
    condition(if now { Now::No } else { Now::Yes(PauseReason::Schedule) }).until(changes)
}

fn tariff(settings: &Settings, now_ms: u64, zone: &TimeZone) -> Condition {
    let condition = |now| Condition::new("tariff", now, Timing::AT_ONCE);
    let energy = &settings.energy;
    let Some(limit) = &energy.pause_above else { return condition(Now::Off) };
    let hour = week::hour_of_week(now_ms, zone);
    let (Some(limit), Some(price), Some(hour)) = (micros(limit), energy.price.as_deref(), hour) else {
        return condition(Now::CannotTell);
    };
    let second = energy.second.as_ref().map(|(price, hours)| (price.as_str(), hours.as_str()));
    if second.is_some_and(|(_, hours)| !is_week(hours)) {
        return condition(Now::CannotTell);
    }
    let price_at = |hour: usize| match second {
        Some((price, hours)) if hours.as_bytes().get(hour) == Some(&b'1') => price,
        _ => price,
    };
    if [Some(price), second.map(|(price, _)| price)].into_iter().flatten().any(|price| micros(price).is_none()) {
        return condition(Now::CannotTell);
    }
    let dear = |hour: usize| micros(price_at(hour)).is_some_and(|price| price > limit);
    let now = dear(hour);
    let changes = week::next_hour_that(now_ms, zone, |hour| dear(hour) != now);
    let currency = energy.currency.as_deref().unwrap_or_default();
    let price = format!("{} {currency}", price_at(hour).trim()).trim_end().to_owned();
    condition(if now { Now::Yes(PauseReason::Tariff { price }) } else { Now::No }).until(changes)
}

fn room(settings: &Settings, signals: &Signals) -> [Condition; 2] {
    let needed = settings.pause.disk_free;
    let disk = |free| PauseReason::Disk { free: units::bytes(free), needed: units::bytes(needed) };
    let enough = ByteCount(needed.0.saturating_add(needed.0 / 10));
    let disk = match needed.0 {
        0 => Now::Off,
        _ => below(signals.disk_free, needed, enough, disk),
    };
    let memory = |free| PauseReason::Memory { free: units::memory(free), needed: units::memory(MEMORY_ENOUGH) };
    let memory = below(signals.memory_free, MEMORY_LOW, MEMORY_ENOUGH, memory);
    [Condition::new("disk", disk, DISK), Condition::new("memory", memory, MEMORY).always()]
}

/// Begins below `low`, ends at `enough`.
fn below(free: Option<ByteCount>, low: ByteCount, enough: ByteCount, why: impl Fn(ByteCount) -> PauseReason) -> Now {
    match free {
        None => Now::CannotTell,
        Some(free) if free < low => Now::Yes(why(free)),
        Some(free) if free < enough => Now::Between(why(free)),
        Some(_) => Now::No,
    }
}
