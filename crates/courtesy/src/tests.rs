//! The rules at their public edge.

mod every_reason;
mod hours;
mod load;
mod user;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use types::ByteCount;
use view_model::{PauseSettings, Settings};

use crate::{CardSignal, ForeignLoad, FullScreen, Rules, Signals, Verdict};

/// Tuesday noon in Berlin.
const NOON: &str = "2026-05-05T10:00:00Z";
const CARD: &str = "GPU-1";

fn ms(text: &str) -> u64 {
    text.parse::<Timestamp>().unwrap().as_millisecond() as u64
}

/// By its rule: no zone database needed.
fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn new_york() -> TimeZone {
    TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
}

/// A computer about which everything is known and where nothing hinders.
fn quiet() -> Signals {
    Signals {
        on_battery: Some(false),
        charge_percent: Some(100),
        charging: Some(false),
        idle_secs: Some(3_600),
        full_screen: Some(FullScreen::Nothing),
        meeting: Some(false),
        metered: Some(false),
        online: Some(true),
        running_apps: Some(Vec::new()),
        cards: vec![card(0)],
        disk_free: Some(ByteCount(100_000_000_000)),
        memory_free: Some(ByteCount(8 << 30)),
        session_locked: Some(false),
        sleeping: false,
        month_bytes: Some(ByteCount(0)),
        local_only: false,
        found: Vec::new(),
    }
}

fn card(percent: u32) -> CardSignal {
    let foreign = Some(ForeignLoad { name: Some("game".to_owned()), percent });
    CardSignal { uuid: CARD.to_owned(), foreign, temp_c: Some(60), fan_percent: Some(40) }
}

fn only(change: impl FnOnce(&mut PauseSettings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings.pause);
    settings
}

fn codes(verdict: &Verdict) -> Vec<&'static str> {
    verdict.reasons.iter().map(|view| view.reason.code()).collect()
}

fn judge(rules: &mut Rules, settings: &Settings, signals: &Signals, now_ms: u64) -> Vec<&'static str> {
    codes(&rules.judge(settings, signals, now_ms, &berlin()))
}
