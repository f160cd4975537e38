//! How the desktop wants things to look: the settings portal, GNOME's own settings through it where it says nothing.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, MatchRule};

use super::Cached;
use super::bus::{Listen, Service, Signal, ask};
use crate::reading::Appearance;

const PORTAL: Service = Service {
    name: "org.freedesktop.portal.Desktop",
    path: "/org/freedesktop/portal/desktop",
    interface: "org.freedesktop.portal.Settings",
    // It is started by whoever asks first.
    start: true,
};
const APPEARANCE: &str = "org.freedesktop.appearance";
const GNOME: &str = "org.gnome.desktop.interface";
const GNOME_ACCESS: &str = "org.gnome.desktop.a11y.interface";
/// It says when something changes; this is for what it does not say.
const EVERY: Duration = Duration::from_secs(60);
/// A setting that changes more often is read with the next reading.
const AT_ONCE_EVERY: Duration = Duration::from_millis(200);

type Settings = HashMap<String, HashMap<String, OwnedValue>>;

#[derive(Default)]
pub(crate) struct Look {
    cached: Cached<Appearance>,
    read_at: Option<Instant>,
}

/// Changes of the settings.
pub(crate) fn listen() -> Vec<Listen> {
    let rule = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .sender(PORTAL.name)
        .and_then(|rule| rule.path(PORTAL.path))
        .and_then(|rule| rule.interface(PORTAL.interface))
        .and_then(|rule| rule.member("SettingChanged"))
        .map(|rule| rule.build());
    rule.ok().map(|rule| Listen { rule, sender: None, parse: |_| Some(Signal::Look) }).into_iter().collect()
}

impl Look {
    /// Something has changed. Whether it may be read before the next reading.
    pub(crate) fn may_be_read_at_once(&mut self) -> bool {
        self.cached.stale();
        self.read_at.is_none_or(|at| at.elapsed() >= AT_ONCE_EVERY)
    }

    pub(crate) async fn read(&mut self, session: Option<&Connection>) -> Appearance {
        let Some(session) = session else { return Appearance::default() };
        if self.cached.is_due() {
            self.read_at = Some(Instant::now());
            let namespaces: &[&str] = &[APPEARANCE, GNOME, GNOME_ACCESS];
            let settings = ask::<_, Settings>(session, &PORTAL, "ReadAll", &(namespaces,)).await;
            let look = settings.map(|settings| appearance(&settings)).unwrap_or_default();
            self.cached.keep(look, EVERY);
        }
        self.cached.value
    }
}

fn appearance(settings: &Settings) -> Appearance {
    let value = |namespace: &str, key: &str| settings.get(namespace).and_then(|keys| keys.get(key));
    let number = |key: &str| value(APPEARANCE, key).and_then(|value| u32::try_from(value).ok());
    let flag = |namespace, key| value(namespace, key).and_then(|value| bool::try_from(value).ok());
    let scheme = value(GNOME, "color-scheme").and_then(|value| <&str>::try_from(value).ok());
    // Without a preference (0) desktops draw light.
    let dark = match number("color-scheme") {
        Some(1) => Some(true),
        Some(0 | 2) => Some(false),
        _ => match scheme {
            Some("prefer-dark") => Some(true),
            Some("default" | "prefer-light") => Some(false),
            _ => None,
        },
    };
    let one = |key| match number(key) {
        Some(0) => Some(false),
        Some(1) => Some(true),
        _ => None,
    };
    Appearance {
        dark,
        high_contrast: one("contrast").or_else(|| flag(GNOME_ACCESS, "high-contrast")),
        reduced_motion: one("reduced-motion").or_else(|| flag(GNOME, "enable-animations").map(|animated| !animated)),
    }
}
