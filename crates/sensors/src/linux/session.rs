//! logind: the lock, sleep, the end of the session, and holding the computer.

use std::time::Duration;

use tokio::time::Instant;
use zbus::message::Message;
use zbus::zvariant::OwnedFd;
use zbus::{Connection, MatchRule};

use super::bus::{Listen, Service, Signal, Silence, ask, property};
use super::{Cached, Lock};

const MANAGER: Service = Service {
    name: "org.freedesktop.login1",
    path: "/org/freedesktop/login1",
    interface: "org.freedesktop.login1.Manager",
    start: false,
};
const SESSION: Service = Service {
    name: "org.freedesktop.login1",
    path: "/org/freedesktop/login1/session/auto",
    interface: "org.freedesktop.login1.Session",
    start: false,
};
const GNOME: Service = Service {
    name: "org.gnome.ScreenSaver",
    path: "/org/gnome/ScreenSaver",
    interface: "org.gnome.ScreenSaver",
    start: false,
};
const SCREEN_SAVER: Service = Service {
    name: "org.freedesktop.ScreenSaver",
    path: "/org/freedesktop/ScreenSaver",
    interface: "org.freedesktop.ScreenSaver",
    start: false,
};
/// logind says when the lock changes; this is for screen savers and for what it does not say.
const LOCK_EVERY: Duration = Duration::from_secs(10);
/// A hold that was refused is asked for again after so long.
const HOLD_AGAIN: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct Session {
    locked: Cached<Option<bool>>,
    /// Makes logind wait for us before sleep and end.
    hold: Option<Lock>,
    hold_at: Option<Instant>,
    /// Sleep or end was announced: the hold was given away.
    going: bool,
}

/// Sleep, end and changes of the session.
pub(crate) fn listen() -> Vec<Listen> {
    let manager = |member: &'static str| {
        MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(MANAGER.name)
            .and_then(|rule| rule.path(MANAGER.path))
            .and_then(|rule| rule.interface(MANAGER.interface))
            .and_then(|rule| rule.member(member))
            .map(|rule| rule.build())
            .ok()
    };
    let session = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .sender(SESSION.name)
        .and_then(|rule| rule.path_namespace("/org/freedesktop/login1/session"))
        .and_then(|rule| rule.interface("org.freedesktop.DBus.Properties"))
        .map(|rule| rule.build())
        .ok();
    let sleep = manager("PrepareForSleep").map(|rule| Listen {
        rule,
        sender: Some(MANAGER.name),
        parse: |message| flag(message).map(Signal::Sleep),
    });
    let shutdown = manager("PrepareForShutdown").map(|rule| Listen {
        rule,
        sender: Some(MANAGER.name),
        parse: |message| flag(message).map(Signal::Shutdown),
    });
    let session = session.map(|rule| Listen { rule, sender: None, parse: |_| Some(Signal::Session) });
    [sleep, shutdown, session].into_iter().flatten().collect()
}

fn flag(message: &Message) -> Option<bool> {
    message.body().deserialize().ok()
}

impl Session {
    pub(crate) fn stale(&mut self) {
        self.locked.stale();
    }

    /// Sleep or end was announced: whoever has this makes the system wait.
    pub(crate) fn let_go(&mut self) -> Option<Lock> {
        self.going = true;
        self.hold.take()
    }

    /// It is over, or was called off.
    pub(crate) fn back(&mut self) {
        (self.going, self.hold_at) = (false, None);
        self.locked.stale();
    }

    /// Whether the session is locked.
    pub(crate) async fn read(&mut self, system: Option<&Connection>, session: Option<&Connection>) -> Option<bool> {
        if let Some(system) = system {
            self.take_hold(system).await;
        }
        if self.locked.is_due() {
            let locked = locked(system, session).await;
            self.locked.keep(locked, LOCK_EVERY);
        }
        self.locked.value
    }

    async fn take_hold(&mut self, system: &Connection) {
        let now = Instant::now();
        if self.going || self.hold.is_some() || self.hold_at.is_some_and(|at| now < at) {
            return;
        }
        self.hold_at = Some(now + HOLD_AGAIN);
        match inhibit(system, "sleep:shutdown", "Saves its work", "delay").await {
            Ok(hold) => self.hold = Some(hold),
            Err(silence) => tracing::debug!(?silence, "sleep and shutdown do not wait for us"),
        }
    }
}

async fn locked(system: Option<&Connection>, session: Option<&Connection>) -> Option<bool> {
    if let Some(system) = system
        && let Ok(locked) = property(system, &SESSION, "LockedHint").await
    {
        return Some(locked);
    }
    let session = session?;
    for saver in [&GNOME, &SCREEN_SAVER] {
        if let Ok(active) = ask(session, saver, "GetActive", &()).await {
            return Some(active);
        }
    }
    None
}

/// Keeps the system from something until the answer is dropped.
pub(crate) async fn inhibit(system: &Connection, what: &str, why: &str, mode: &str) -> Result<OwnedFd, Silence> {
    ask(system, &MANAGER, "Inhibit", &(what, "Covey", why, mode)).await
}
