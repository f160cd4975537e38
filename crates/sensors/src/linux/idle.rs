//! For how long nobody has used the computer.
//!
//! Mutter knows it exactly. `org.freedesktop.ScreenSaver` answers in seconds on some desktops and in milliseconds on
//! others, and on some always with 0: it is believed once two answers show by how much it grows. logind knows it only where
//! the desktop tells it: its "not idle" is believed once it has said "idle".

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use zbus::Connection;

use super::bus::{Service, Silence, ask, property};
use crate::reading::idle_secs;

const MUTTER: Service = Service {
    name: "org.gnome.Mutter.IdleMonitor",
    path: "/org/gnome/Mutter/IdleMonitor/Core",
    interface: "org.gnome.Mutter.IdleMonitor",
    start: false,
};
const SCREEN_SAVER: Service = Service {
    name: "org.freedesktop.ScreenSaver",
    path: "/org/freedesktop/ScreenSaver",
    interface: "org.freedesktop.ScreenSaver",
    start: false,
};
const LOGIND: Service = Service {
    name: "org.freedesktop.login1",
    path: "/org/freedesktop/login1/session/auto",
    interface: "org.freedesktop.login1.Session",
    start: false,
};
/// Who did not answer is left alone for so long.
const MUTE: Duration = Duration::from_secs(30);

/// In so long, whole seconds and milliseconds differ by more than both are inexact.
const LONG_ENOUGH: Duration = Duration::from_millis(1_500);

/// What the buses say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct IdleAnswer {
    /// From who measures it.
    pub(crate) asked: Option<u64>,
    /// From logind.
    pub(crate) hinted: Option<u64>,
}

#[derive(Default)]
pub(crate) struct Idle {
    mutter: Mute,
    screen_saver: Mute,
    unit: Unit,
    logind: Mute,
    was_idle: bool,
}

#[derive(Default)]
struct Mute {
    until: Option<Instant>,
}

impl Mute {
    fn heard<T>(&mut self, answer: Result<T, Silence>) -> Option<T> {
        if answer.is_err() {
            self.until = Some(Instant::now() + MUTE);
        }
        answer.ok()
    }

    fn may_be_asked(&self) -> bool {
        self.until.is_none_or(|until| until <= Instant::now())
    }
}

impl Idle {
    pub(crate) async fn read(&mut self, session: Option<&Connection>, system: Option<&Connection>) -> IdleAnswer {
        let asked = match session {
            Some(session) => self.measured(session).await,
            None => None,
        };
        let hinted = match system.filter(|_| asked.is_none()) {
            Some(system) => self.hinted(system).await,
            None => None,
        };
        IdleAnswer { asked, hinted }
    }

    async fn measured(&mut self, session: &Connection) -> Option<u64> {
        if self.mutter.may_be_asked()
            && let Some(ms) = self.mutter.heard(ask::<_, u64>(session, &MUTTER, "GetIdletime", &()).await)
        {
            return idle_secs(ms / 1000);
        }
        if self.screen_saver.may_be_asked()
            && let Some(figure) =
                self.screen_saver.heard(ask::<_, u32>(session, &SCREEN_SAVER, "GetSessionIdleTime", &()).await)
        {
            return self.unit.secs(u64::from(figure), Instant::now()).and_then(idle_secs);
        }
        None
    }

    async fn hinted(&mut self, system: &Connection) -> Option<u64> {
        if !self.logind.may_be_asked() {
            return None;
        }
        let idle: bool = self.logind.heard(property(system, &LOGIND, "IdleHint").await)?;
        if !idle {
            return self.was_idle.then_some(0);
        }
        self.was_idle = true;
        let since_us: u64 = self.logind.heard(property(system, &LOGIND, "IdleSinceHint").await)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let idle = now.checked_sub(Duration::from_micros(since_us))?;
        idle_secs(idle.as_secs())
    }
}

/// What `GetSessionIdleTime` counts, found out by watching it grow.
#[derive(Debug, Default)]
struct Unit {
    per_sec: Option<u64>,
    base: Option<(u64, Instant)>,
}

impl Unit {
    fn secs(&mut self, figure: u64, now: Instant) -> Option<u64> {
        if self.per_sec.is_none() {
            self.watch(figure, now);
        }
        self.per_sec.map(|per_sec| figure / per_sec)
    }

    fn watch(&mut self, figure: u64, now: Instant) {
        let (before, at) = *self.base.get_or_insert((figure, now));
        let time = now.saturating_duration_since(at);
        if figure >= before && time < LONG_ENOUGH {
            return;
        }
        self.per_sec = figure.checked_sub(before).and_then(|grew| per_sec(grew, time));
        self.base = Some((figure, now));
    }
}

/// 1 for seconds, 1000 for milliseconds; `None` if it grew by neither.
fn per_sec(grew: u64, in_time: Duration) -> Option<u64> {
    let (grew, secs) = (grew as f64, in_time.as_secs_f64());
    // An answer in whole seconds is off by one; in milliseconds it is off by the time the answer took.
    let is = |rate: f64, off: f64| grew > 0.0 && (grew - secs * rate).abs() <= off;
    match (is(1.0, 1.5), is(1000.0, 500.0 + 100.0 * secs)) {
        (true, false) => Some(1),
        (false, true) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(figures: &[(u64, u64)]) -> Vec<Option<u64>> {
        let (mut unit, start) = (Unit::default(), Instant::now());
        figures.iter().map(|(ms, figure)| unit.secs(*figure, start + Duration::from_millis(*ms))).collect()
    }

    #[tokio::test]
    async fn the_unit_of_a_screen_saver_is_measured_and_a_constant_is_not_believed() {
        assert_eq!(told(&[(0, 10), (2_000, 12), (4_000, 14)]), [None, Some(12), Some(14)]);
        assert_eq!(told(&[(0, 10_000), (2_000, 12_010), (4_000, 14_000)]), [None, Some(12), Some(14)]);
        assert_eq!(told(&[(0, 0), (2_000, 0), (60_000, 0)]), [None, None, None]);
        assert_eq!(told(&[(0, 500), (2_000, 3), (4_000, 5), (6_000, 0)]), [None, None, Some(5), Some(0)]);
        assert_eq!(told(&[(0, 1), (2_000, 900_000)]), [None, None], "it grew by neither");
    }
}
