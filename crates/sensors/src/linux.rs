//! Linux: D-Bus, X11, sysfs and procfs, each source on its own.

mod bus;
mod idle;
mod line;
mod look;
mod meeting;
mod screen;
mod session;

use std::path::PathBuf;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use zbus::zvariant::OwnedFd;

use crate::clock::Clocks;
use crate::config::Places;
use crate::keep_awake::KeepAwakeError;
use crate::reading::{Appearance, Reading};
use crate::worker::Worker;
use bus::{Bus, Signal};
use idle::Idle;
use line::Line;
use look::Look;
use screen::{Screen, ScreenReading};
use session::Session;

/// Every source gets so long for an answer.
const DEADLINE: Duration = Duration::from_secs(1);

/// Held open, it keeps the system from something.
pub(crate) type Lock = OwnedFd;

/// What the desktop said by itself.
pub(crate) enum Told {
    Sleep(Option<Lock>),
    Woke,
    Ending(Option<Lock>),
    Look(Appearance),
}

/// The sources of the desktop.
pub(crate) struct Desktop {
    system: Bus,
    session: Bus,
    idle: Idle,
    line: Line,
    login: Session,
    look: Look,
    screen: Option<Worker<Screen, ScreenReading>>,
    /// X11 alone shows all windows and hears all keys.
    x11: bool,
    meeting: Worker<(PathBuf, PathBuf), Option<bool>>,
}

impl Desktop {
    pub(crate) fn new(places: Places, tracker: &TaskTracker) -> Self {
        let screen = places.display.as_deref().and_then(|display| Screen::new(display, places.wayland));
        Self {
            x11: screen.is_some() && !places.wayland,
            meeting: Worker::new((places.sound, places.modules), tracker.clone()),
            system: Bus::new(places.system_bus, || session::listen().into_iter().chain(line::listen()).collect()),
            session: Bus::new(places.session_bus, look::listen),
            idle: Idle::default(),
            line: Line::default(),
            login: Session::default(),
            look: Look::default(),
            screen: screen.map(|screen| Worker::new(screen, tracker.clone())),
        }
    }

    /// What the desktop says next. May be dropped and called again.
    pub(crate) async fn told(&mut self) -> Told {
        loop {
            let signal = tokio::select! {
                signal = self.system.next() => signal,
                signal = self.session.next() => signal,
            };
            match signal {
                Signal::Sleep(true) => return Told::Sleep(self.login.let_go()),
                Signal::Sleep(false) => {
                    self.login.back();
                    return Told::Woke;
                }
                Signal::Shutdown(true) => return Told::Ending(self.login.let_go()),
                // Somebody called it off.
                Signal::Shutdown(false) => self.login.back(),
                Signal::Line => self.line.stale(),
                Signal::Session => self.login.stale(),
                Signal::Look => {
                    // Whoever changes it ten times a second waits for the next reading.
                    if self.look.may_be_read_at_once() {
                        return Told::Look(self.look.read(self.session.open()).await);
                    }
                }
            }
        }
    }

    /// Asks every source, all at the same time.
    pub(crate) async fn read(&mut self, reading: &mut Reading) {
        tokio::join!(self.system.connect(), self.session.connect());
        let (system, session) = (self.system.open(), self.session.open());
        let screen = async {
            match &mut self.screen {
                Some(worker) => worker.ask(DEADLINE, Screen::read).await.unwrap_or_default(),
                None => ScreenReading::default(),
            }
        };
        let (screen, meeting, line, locked, look, idle) = tokio::join!(
            screen,
            self.meeting.ask(DEADLINE, |(sound, modules)| meeting::goes_on(sound, modules)),
            self.line.read(system),
            self.login.read(system, session),
            self.look.read(session),
            self.idle.read(session, system.filter(|_| !self.x11)),
        );
        reading.full_screen = screen.full_screen;
        reading.idle_secs = idle.asked.or(screen.idle_secs).or(idle.hinted);
        (reading.metered, reading.online) = (line.metered, line.online);
        reading.session_locked = locked;
        reading.appearance = look;
        reading.meeting = meeting.flatten();
    }
}

/// Since the start of the computer, with sleep and without.
pub(crate) fn clocks() -> Clocks {
    let read = |id| {
        let at = clock_gettime(id);
        Duration::new(u64::try_from(at.tv_sec).unwrap_or(0), u32::try_from(at.tv_nsec).unwrap_or(0))
    };
    Clocks { with_sleep: read(ClockId::Boottime), awake: read(ClockId::Monotonic) }
}

/// logind's inhibitor against falling asleep.
pub(crate) async fn keep_awake(places: &Places, why: &str) -> Result<Lock, KeepAwakeError> {
    let mut bus = Bus::new(places.system_bus.clone(), Vec::new);
    bus.connect().await;
    let Some(connection) = bus.open() else { return Err(KeepAwakeError::Unsupported) };
    session::inhibit(connection, "idle:sleep", why, "block").await.map_err(|silence| match silence {
        bus::Silence::Absent => KeepAwakeError::Unsupported,
        bus::Silence::Refused(why) => KeepAwakeError::Refused(why),
        bus::Silence::Slow => KeepAwakeError::Slow,
    })
}

/// A source that was read, and when it is read again.
struct Cached<T> {
    value: T,
    due: Option<Instant>,
}

impl<T: Default> Default for Cached<T> {
    fn default() -> Self {
        Self { value: T::default(), due: None }
    }
}

impl<T> Cached<T> {
    fn is_due(&self) -> bool {
        self.due.is_none_or(|due| due <= Instant::now())
    }

    fn keep(&mut self, value: T, for_how_long: Duration) {
        (self.value, self.due) = (value, Some(Instant::now() + for_how_long));
    }

    /// Something has changed: it is read at the next opportunity.
    fn stale(&mut self) {
        self.due = None;
    }
}
