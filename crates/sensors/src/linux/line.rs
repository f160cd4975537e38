//! What NetworkManager says of the line. Without it nobody can tell.

use std::time::Duration;

use zbus::{Connection, MatchRule};

use super::Cached;
use super::bus::{Listen, Service, Signal, Silence, property};

const MANAGER: Service = Service {
    name: "org.freedesktop.NetworkManager",
    path: "/org/freedesktop/NetworkManager",
    interface: "org.freedesktop.NetworkManager",
    start: false,
};
/// It says when something changes; this is for what it does not say.
const EVERY: Duration = Duration::from_secs(30);

/// The line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LineReading {
    pub(crate) metered: Option<bool>,
    pub(crate) online: Option<bool>,
}

#[derive(Default)]
pub(crate) struct Line {
    cached: Cached<LineReading>,
}

/// The line's changes.
pub(crate) fn listen() -> Vec<Listen> {
    let rule = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .sender(MANAGER.name)
        .and_then(|rule| rule.path(MANAGER.path))
        .and_then(|rule| rule.interface("org.freedesktop.DBus.Properties"))
        .map(|rule| rule.build());
    rule.ok().map(|rule| Listen { rule, sender: None, parse: |_| Some(Signal::Line) }).into_iter().collect()
}

impl Line {
    pub(crate) fn stale(&mut self) {
        self.cached.stale();
    }

    pub(crate) async fn read(&mut self, system: Option<&Connection>) -> LineReading {
        let Some(system) = system else { return LineReading::default() };
        if self.cached.is_due() {
            let metered = property::<u32>(system, &MANAGER, "Metered").await;
            // Who did not answer the first question is not asked the second.
            let online = match &metered {
                Err(Silence::Absent | Silence::Slow) => Err(Silence::Absent),
                _ => property::<u32>(system, &MANAGER, "Connectivity").await,
            };
            let reading =
                LineReading { metered: metered.ok().and_then(metered_from), online: online.ok().and_then(online_from) };
            self.cached.keep(reading, EVERY);
        }
        self.cached.value
    }
}

/// `NMMetered`: what it guesses is taken too, it guesses from what phones say of themselves.
fn metered_from(code: u32) -> Option<bool> {
    match code {
        1 | 3 => Some(true),
        2 | 4 => Some(false),
        _ => None,
    }
}

/// `NMConnectivityState`: nothing, and a page to log in at. "Limited" is also said where only its own test is blocked.
fn online_from(code: u32) -> Option<bool> {
    match code {
        1 | 2 => Some(false),
        4 => Some(true),
        _ => None,
    }
}
