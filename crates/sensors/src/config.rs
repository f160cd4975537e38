//! What is asked, and where.

use std::path::PathBuf;
use std::time::Duration;

/// What is asked beside what is always asked. It may change at any time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Programs to look for. Only if there are any, the list of processes is read; at most 64 are looked for.
    pub apps: Vec<String>,
    /// The data folder; it need not exist yet. `None`: the disk is not asked.
    pub disk: Option<PathBuf>,
}

/// Where the operating system is asked. [`Places::here`] is this session; tests name their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Address of the system's D-Bus; `None`: not asked. Linux only, as all that follows but the rhythm.
    pub system_bus: Option<String>,
    /// Address of the session's D-Bus; `None`: not asked.
    pub session_bus: Option<String>,
    /// X11 display, of this computer only; `None`: not asked.
    pub display: Option<String>,
    /// The session is Wayland's: what X11 says holds only for the windows that it has.
    pub wayland: bool,
    /// Folder of the sound cards.
    pub sound: PathBuf,
    /// Folder of the kernel's modules.
    pub modules: PathBuf,
    /// Between two readings.
    pub every: Duration,
}

impl Places {
    /// Nothing is asked over buses and displays.
    pub fn nowhere() -> Self {
        Self {
            system_bus: None,
            session_bus: None,
            display: None,
            wayland: false,
            sound: PathBuf::new(),
            modules: PathBuf::new(),
            every: Duration::from_secs(2),
        }
    }

    /// This session, as its environment says.
    pub fn here() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let runtime = text("XDG_RUNTIME_DIR").map(|folder| format!("unix:path={folder}/bus"));
        Self {
            system_bus: text("DBUS_SYSTEM_BUS_ADDRESS").or(Some("unix:path=/run/dbus/system_bus_socket".to_owned())),
            session_bus: text("DBUS_SESSION_BUS_ADDRESS").or(runtime),
            display: text("DISPLAY"),
            wayland: text("WAYLAND_DISPLAY").is_some() || text("XDG_SESSION_TYPE").as_deref() == Some("wayland"),
            sound: PathBuf::from("/proc/asound"),
            modules: PathBuf::from("/sys/module"),
            ..Self::nowhere()
        }
    }
}
