//! The services of a desktop, saying what the test wants them to say.

use std::collections::HashMap;
use std::io::{PipeReader, Read as _, pipe};
use std::os::fd::OwnedFd as Fd;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use zbus::Connection;
use zbus::fdo;
use zbus::message::Header;
use zbus::zvariant::{OwnedFd, OwnedValue, Value};

pub(crate) const LOGIND: &str = "/org/freedesktop/login1";
pub(crate) const SESSION: &str = "/org/freedesktop/login1/session/auto";
pub(crate) const NETWORK: &str = "/org/freedesktop/NetworkManager";
pub(crate) const PORTAL: &str = "/org/freedesktop/portal/desktop";

/// What they say.
pub(crate) struct State {
    pub(crate) metered: u32,
    pub(crate) connectivity: u32,
    pub(crate) locked: bool,
    pub(crate) idle_hint: bool,
    pub(crate) mutter_ms: u64,
    pub(crate) mutter_asked: u32,
    pub(crate) saver_per_sec: u32,
    pub(crate) saver_active: bool,
    pub(crate) settings: Vec<(&'static str, &'static str, OwnedValue)>,
    pub(crate) refuses_holds: bool,
    /// Names of services that never answer.
    pub(crate) hangs: Vec<&'static str>,
    /// Holds that were asked for: what, mode, and the end that sees when they are let go.
    pub(crate) holds: Vec<Held>,
    started: Instant,
}

/// A hold that was given out.
pub(crate) struct Held {
    pub(crate) what: String,
    pub(crate) mode: String,
    pub(crate) to: String,
    end: Option<PipeReader>,
}

impl Held {
    /// Waits until the hold is let go.
    pub(crate) async fn gone(mut end: PipeReader) {
        let read = tokio::task::spawn_blocking(move || end.read(&mut [0; 1]));
        assert_eq!(read.await.unwrap().unwrap(), 0);
    }
}

/// The desktop; clones are the same one.
#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

impl World {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            metered: 2,
            connectivity: 4,
            locked: false,
            idle_hint: false,
            mutter_ms: 5_000,
            mutter_asked: 0,
            saver_per_sec: 1,
            saver_active: false,
            settings: Vec::new(),
            refuses_holds: false,
            hangs: Vec::new(),
            holds: Vec::new(),
            started: Instant::now(),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The end of a hold that sees when it is let go.
    pub(crate) fn end_of(&self, mode: &str) -> PipeReader {
        let mut state = self.state();
        let held = state.holds.iter_mut().rev().find(|held| held.mode == mode && held.end.is_some());
        held.and_then(|held| held.end.take()).expect("a hold that nobody looks at yet")
    }

    pub(crate) fn holds(&self, mode: &str) -> usize {
        self.state().holds.iter().filter(|held| held.mode == mode).count()
    }

    /// Nothing, or for ever.
    async fn maybe_hang(&self, name: &str) {
        let hangs = self.state().hangs.contains(&name);
        if hangs {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) async fn logind(&self, bus: &Connection) {
        bus.object_server().at(LOGIND, Manager(self.clone())).await.unwrap();
        bus.object_server().at(SESSION, Session(self.clone())).await.unwrap();
        bus.request_name("org.freedesktop.login1").await.unwrap();
    }

    pub(crate) async fn network(&self, bus: &Connection) {
        bus.object_server().at(NETWORK, Network(self.clone())).await.unwrap();
        bus.request_name("org.freedesktop.NetworkManager").await.unwrap();
    }

    pub(crate) async fn mutter(&self, bus: &Connection) {
        bus.object_server().at("/org/gnome/Mutter/IdleMonitor/Core", Mutter(self.clone())).await.unwrap();
        bus.request_name("org.gnome.Mutter.IdleMonitor").await.unwrap();
    }

    pub(crate) async fn screen_saver(&self, bus: &Connection) {
        bus.object_server().at("/org/freedesktop/ScreenSaver", ScreenSaver(self.clone())).await.unwrap();
        bus.request_name("org.freedesktop.ScreenSaver").await.unwrap();
    }

    pub(crate) async fn portal(&self, bus: &Connection) {
        bus.object_server().at(PORTAL, Portal(self.clone())).await.unwrap();
        bus.request_name("org.freedesktop.portal.Desktop").await.unwrap();
    }
}

/// A setting of the portal.
pub(crate) fn setting<'v>(
    namespace: &'static str,
    key: &'static str,
    value: impl Into<Value<'v>>,
) -> (&'static str, &'static str, OwnedValue) {
    (namespace, key, OwnedValue::try_from(value.into()).unwrap())
}

struct Manager(World);

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    async fn inhibit(
        &self,
        what: String,
        _who: String,
        _why: String,
        mode: String,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<OwnedFd> {
        self.0.maybe_hang("logind").await;
        if self.0.state().refuses_holds {
            return Err(fdo::Error::AccessDenied("not\nfor you".to_owned()));
        }
        let (end, held) = pipe().unwrap();
        let to = header.sender().unwrap().to_string();
        self.0.state().holds.push(Held { what, mode, to, end: Some(end) });
        Ok(OwnedFd::from(Fd::from(held)))
    }
}

struct Session(World);

#[zbus::interface(name = "org.freedesktop.login1.Session")]
impl Session {
    #[zbus(property)]
    async fn locked_hint(&self) -> bool {
        self.0.maybe_hang("logind").await;
        self.0.state().locked
    }

    #[zbus(property)]
    async fn idle_hint(&self) -> bool {
        self.0.state().idle_hint
    }

    #[zbus(property)]
    async fn idle_since_hint(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::try_from(now.as_micros()).unwrap() - 700_000_000
    }
}

struct Network(World);

#[zbus::interface(name = "org.freedesktop.NetworkManager")]
impl Network {
    #[zbus(property)]
    async fn metered(&self) -> u32 {
        self.0.maybe_hang("network").await;
        self.0.state().metered
    }

    #[zbus(property)]
    async fn connectivity(&self) -> u32 {
        self.0.state().connectivity
    }
}

struct Mutter(World);

#[zbus::interface(name = "org.gnome.Mutter.IdleMonitor")]
impl Mutter {
    async fn get_idletime(&self) -> u64 {
        self.0.maybe_hang("mutter").await;
        let mut state = self.0.state();
        state.mutter_asked += 1;
        state.mutter_ms
    }
}

struct ScreenSaver(World);

#[zbus::interface(name = "org.freedesktop.ScreenSaver")]
impl ScreenSaver {
    async fn get_session_idle_time(&self) -> u32 {
        let state = self.0.state();
        let since = state.started.elapsed().as_millis() as u64 + 100_000;
        u32::try_from(since * u64::from(state.saver_per_sec) / 1_000).unwrap()
    }

    async fn get_active(&self) -> bool {
        self.0.state().saver_active
    }
}

struct Portal(World);

#[zbus::interface(name = "org.freedesktop.portal.Settings")]
impl Portal {
    async fn read_all(&self, namespaces: Vec<String>) -> HashMap<String, HashMap<String, OwnedValue>> {
        self.0.maybe_hang("portal").await;
        let mut all: HashMap<String, HashMap<String, OwnedValue>> = HashMap::new();
        for (namespace, key, value) in &self.0.state().settings {
            if namespaces.iter().any(|wanted| wanted == namespace) {
                all.entry((*namespace).to_owned()).or_default().insert((*key).to_owned(), value.clone());
            }
        }
        all
    }
}

/// The same services by name, talking nonsense.
pub(crate) struct Nonsense;

#[zbus::interface(name = "org.freedesktop.NetworkManager")]
impl Nonsense {
    #[zbus(property)]
    async fn metered(&self) -> String {
        "yes".repeat(10_000)
    }

    #[zbus(property)]
    async fn connectivity(&self) -> u32 {
        u32::MAX
    }
}

/// A session of logind that talks nonsense.
pub(crate) struct NonsenseSession;

#[zbus::interface(name = "org.freedesktop.login1.Session")]
impl NonsenseSession {
    #[zbus(property)]
    async fn locked_hint(&self) -> Vec<u64> {
        vec![1; 1_000]
    }

    #[zbus(property)]
    async fn idle_hint(&self) -> bool {
        true
    }

    #[zbus(property)]
    async fn idle_since_hint(&self) -> u64 {
        u64::MAX
    }
}
