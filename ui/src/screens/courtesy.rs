//! What the courtesy settings amount to, in one sentence; and the limit of a month's data.

use super::forms::Limit;
use crate::scene::Scene;
use crate::week_grid::Week;
use egui::Ui;
use locale::Locale;
use types::ByteCount;
use view_model::{PauseSettings, Settings, units};

const GB: u64 = 1_000_000_000;

/// A month's volume, in gigabytes.
pub(super) fn month_limit(ui: &mut Ui, scene: &Scene<'_>, name: &str, tip: &str, value: &mut Option<ByteCount>) {
    let limit = Limit { name, tip, unit: "settings-gb", range: 10..=2000, step: 10, begin: 200 };
    limit.show_bytes(ui, scene.palette, scene.locale, GB, value);
}

/// When it works and what it keeps to: `Works at any hour; stands still in meetings and on battery`.
pub(super) fn courtesy_sentence(settings: &Settings, locale: &Locale) -> String {
    let pause = &settings.pause;
    let when = when(pause, locale);
    let mut unless: Vec<String> = Vec::new();
    let mut add = |holds: bool, key: &str| {
        if holds {
            unless.push(locale.text(key));
        }
    };
    add(pause.gpu_busy_percent.is_some(), "courtesy-unless-card");
    add(pause.full_screen, "courtesy-unless-full-screen");
    add(pause.meeting, "courtesy-unless-meeting");
    add(pause.battery, "courtesy-unless-battery");
    add(pause.metered, "courtesy-unless-metered");
    if !pause.apps.is_empty() {
        unless.push(locale.with("courtesy-unless-apps", &[("apps", pause.apps.join(", ").into())]));
    }
    if let Some(price) = &settings.energy.pause_above {
        unless.push(locale.with("courtesy-unless-tariff", &[("price", price.into())]));
    }
    let first = match unless.is_empty() {
        true => locale.with("courtesy-will-free", &[("when", when.into())]),
        false => {
            let unless = list(&unless, locale);
            locale.with("courtesy-will", &[("when", when.into()), ("unless", unless.into())])
        }
    };
    let mut parts = vec![first];
    parts.extend(limits(settings, locale));
    parts.join(" · ")
}

fn when(pause: &PauseSettings, locale: &Locale) -> String {
    let hours = match pause.schedule.as_deref().and_then(Week::parse) {
        Some(week) => locale.with("courtesy-when-hours", &[("hours", week.count().to_string().into())]),
        None => locale.text("courtesy-when-any"),
    };
    let idle = pause.idle_minutes.map(|n| locale.with("courtesy-when-idle", &[("minutes", n.to_string().into())]));
    match idle {
        Some(idle) => list(&[hours, idle], locale),
        None => hours,
    }
}

fn limits(settings: &Settings, locale: &Locale) -> Vec<String> {
    let gpus = &settings.gpus;
    let figure = |key: &str, name: &str, n: u32| locale.with(key, &[(name, n.to_string().into())]);
    [
        gpus.temperature_c.map(|n| figure("courtesy-limit-temperature", "celsius", n)),
        gpus.power_watts.map(|n| figure("courtesy-limit-power", "watts", n)),
        gpus.fan_percent.map(|n| figure("courtesy-limit-fan", "percent", n)),
        settings.network.month.map(|n| locale.with("courtesy-limit-month", &[("bytes", units::bytes(n).into())])),
        settings.behaviour.autostart.then(|| locale.text("courtesy-autostart")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `a, b and c`.
fn list(parts: &[String], locale: &Locale) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => {
            locale.with("courtesy-and", &[("first", first.join(", ").into()), ("second", last.into())])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = Settings::default();
        change(&mut settings);
        courtesy_sentence(&settings, &Locale::english())
    }

    #[test]
    fn every_setting_that_makes_it_wait_is_in_the_sentence() {
        assert_eq!(
            say(|_| {}),
            "Works at any hour; stands still while another program uses the card, in full screen, in meetings, on \
             battery and on lines that cost by volume"
        );
        let free = say(|s| {
            s.pause = PauseSettings {
                gpu_busy_percent: None,
                full_screen: false,
                meeting: false,
                battery: false,
                metered: false,
                ..PauseSettings::default()
            };
        });
        assert_eq!(free, "Works at any hour");
        let nights = say(|s| {
            s.pause.schedule = Some(Week::nights().text());
            s.pause.idle_minutes = Some(10);
            s.pause.full_screen = false;
            s.pause.meeting = false;
            s.pause.battery = false;
            s.pause.metered = false;
            s.pause.gpu_busy_percent = None;
            s.pause.apps = vec!["blender".to_owned()];
            s.gpus.temperature_c = Some(75);
            s.network.month = Some(ByteCount(200_000_000_000));
            s.behaviour.autostart = true;
        });
        assert_eq!(
            nights,
            "Works in 63 of the week's 168 hours and only after 10 minutes without you; stands still while blender runs \
             · holds the card at 75 °C · uses at most 200 GB a month · starts with your session"
        );
    }
}
