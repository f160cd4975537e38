//! What the rules would do, in sentences: before somebody presses Start, and beside the settings.
//!
//! In: the same as for judging. Out: sentences by key; what holds at this moment first, then every rule that was chosen,
//! then what nobody can tell. It remembers nothing.

use jiff::tz::TimeZone;
use view_model::{Settings, Told, units};

use crate::conditions;
use crate::latch::Now;
use crate::rank::rank;
use crate::signals::Signals;

/// What the rules would do: `preview-trains` or `preview-waits` followed by the reasons (`pause-<code>`), then
/// `preview-when-<code>` for each rule that was chosen, then `cannot-tell-<code>`.
pub fn preview(settings: &Settings, signals: &Signals, now_ms: u64, zone: &TimeZone) -> Vec<Told> {
    let charged = conditions::charged(false, settings, signals);
    let conditions = conditions::all(settings, signals, charged, now_ms, zone);
    let mut reasons: Vec<_> = conditions
        .iter()
        .filter_map(|condition| match &condition.now {
            Now::Yes(reason) => Some(reason),
            _ => None,
        })
        .collect();
    reasons.sort_by_key(|reason| rank(reason));
    let mut out = vec![Told::new(if reasons.is_empty() { "preview-trains" } else { "preview-waits" })];
    out.extend(reasons.into_iter().map(view_model::PauseReason::told));
    out.extend(chosen(settings, signals.local_only));
    for condition in conditions.iter().filter(|condition| condition.chosen && condition.now == Now::CannotTell) {
        let told = Told::new(&format!("cannot-tell-{}", condition.code));
        if !out.contains(&told) {
            out.push(told);
        }
    }
    out
}

fn chosen(settings: &Settings, local_only: bool) -> Vec<Told> {
    let (pause, gpus, energy) = (&settings.pause, &settings.gpus, &settings.energy);
    let when = |code: &str| Told::new(&format!("preview-when-{code}"));
    let number = |code: &str, name: &str, value: Option<u32>| Some(when(code).with(name, value?.to_string()));
    let plain = |wanted: bool, code: &str| wanted.then(|| when(code));
    let apps = pause.apps.join(", ");
    let hours = pause.schedule.as_ref().map(|week| week.bytes().filter(|b| *b == b'1').count().to_string());
    let price = energy.pause_above.as_ref().map(|price| {
        let currency = energy.currency.as_deref().unwrap_or_default();
        format!("{} {currency}", price.trim()).trim_end().to_owned()
    });
    let month = settings.network.month.filter(|_| !local_only);
    [
        number("gpu-busy", "percent", pause.gpu_busy_percent),
        plain(pause.full_screen, "full-screen"),
        plain(pause.meeting, "meeting"),
        (!apps.is_empty()).then(|| when("app").with("names", apps)),
        plain(pause.battery, "battery"),
        number("charging", "until", pause.charge_percent),
        number("in-use", "minutes", pause.idle_minutes),
        plain(pause.locked, "session-locked"),
        plain(pause.metered && !local_only, "metered"),
        month.map(|month| when("quota").with("limit", units::bytes(month))),
        hours.map(|hours| when("schedule").with("hours", hours)),
        price.map(|price| when("tariff").with("price", price)),
        number("hot", "celsius", gpus.temperature_c),
        number("loud", "percent", gpus.fan_percent),
        (pause.disk_free.0 > 0).then(|| when("disk").with("needed", units::bytes(pause.disk_free))),
    ]
    .into_iter()
    .flatten()
    .collect()
}
