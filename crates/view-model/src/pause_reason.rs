//! Why work stands still: one machine-readable reason, one sentence, what ends it (product.md row 65, G4).

use crate::app_snapshot::Told;
use crate::units;
use serde::{Deserialize, Serialize};

/// Why nothing is trained although the user pressed Start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "pause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PauseReason {
    /// The user pressed Pause, for a while.
    User,
    /// Until tomorrow.
    UserUntilTomorrow,
    /// A program on the list runs.
    App {
        /// Its name.
        name: String,
    },
    /// Another program uses the card.
    GpuBusy {
        /// Its name, if the driver tells.
        name: Option<String>,
        /// Its share in percent.
        percent: u32,
    },
    /// A program fills the screen.
    FullScreen,
    /// Camera or microphone is in use.
    Meeting,
    /// On battery.
    Battery,
    /// On mains, but below the charge that was asked for.
    Charging {
        /// Percent now.
        percent: u32,
        /// Percent wanted.
        until: u32,
    },
    /// Somebody works at the computer.
    InUse,
    /// The line costs by volume.
    Metered,
    /// The month's volume is used up.
    Quota,
    /// Outside the week's hours.
    Schedule,
    /// Electricity is dear now.
    Tariff {
        /// Price per kWh, written out.
        price: String,
    },
    /// It would cost more than it brings.
    Unprofitable,
    /// The card is too hot.
    Hot {
        /// Degrees now.
        celsius: u32,
        /// Degrees allowed.
        limit: u32,
    },
    /// The fan would be too loud.
    Loud {
        /// Percent now.
        percent: u32,
        /// Percent allowed.
        limit: u32,
    },
    /// Too little room on the disk.
    Disk {
        /// Free, written out.
        free: String,
        /// Needed, written out.
        needed: String,
    },
    /// Too little memory.
    Memory {
        /// Free, written out.
        free: String,
        /// Needed, written out.
        needed: String,
    },
    /// No card may work.
    NoGpu,
    /// The card went away.
    GpuLost,
    /// No network.
    Offline,
    /// The clock is wrong.
    Clock {
        /// Seconds off.
        secs: u64,
    },
    /// The computer is going to sleep or has just woken up.
    Sleep,
    /// The session is locked, and the user wants work only then or never then.
    SessionLocked,
    /// An update is being installed.
    Update,
    /// The wallet is locked.
    WalletLocked,
    /// The same hotkey works elsewhere.
    HotkeyElsewhere,
}

impl PauseReason {
    /// A stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::User => "user",
            Self::UserUntilTomorrow => "user-until-tomorrow",
            Self::App { .. } => "app",
            Self::GpuBusy { .. } => "gpu-busy",
            Self::FullScreen => "full-screen",
            Self::Meeting => "meeting",
            Self::Battery => "battery",
            Self::Charging { .. } => "charging",
            Self::InUse => "in-use",
            Self::Metered => "metered",
            Self::Quota => "quota",
            Self::Schedule => "schedule",
            Self::Tariff { .. } => "tariff",
            Self::Unprofitable => "unprofitable",
            Self::Hot { .. } => "hot",
            Self::Loud { .. } => "loud",
            Self::Disk { .. } => "disk",
            Self::Memory { .. } => "memory",
            Self::NoGpu => "no-gpu",
            Self::GpuLost => "gpu-lost",
            Self::Offline => "offline",
            Self::Clock { .. } => "clock",
            Self::Sleep => "sleep",
            Self::SessionLocked => "session-locked",
            Self::Update => "update",
            Self::WalletLocked => "wallet-locked",
            Self::HotkeyElsewhere => "hotkey-elsewhere",
        }
    }

    /// The sentence `pause-<code>`: why.
    pub fn told(&self) -> Told {
        self.figures(Told::new(&format!("pause-{}", self.code())))
    }

    /// The sentence `pause-<code>-ends`: what would end it.
    pub fn ends(&self) -> Told {
        self.figures(Told::new(&format!("pause-{}-ends", self.code())))
    }

    fn figures(&self, told: Told) -> Told {
        match self {
            Self::App { name } => told.with("name", name.clone()),
            Self::GpuBusy { name, percent } => {
                told.with("name", name.clone().unwrap_or_else(|| "?".to_owned())).with("percent", percent.to_string())
            }
            Self::Charging { percent, until } => {
                told.with("percent", percent.to_string()).with("until", until.to_string())
            }
            Self::Tariff { price } => told.with("price", price.clone()),
            Self::Hot { celsius, limit } => told.with("celsius", celsius.to_string()).with("limit", limit.to_string()),
            Self::Loud { percent, limit } => told.with("percent", percent.to_string()).with("limit", limit.to_string()),
            Self::Disk { free, needed } | Self::Memory { free, needed } => {
                told.with("free", free.clone()).with("needed", needed.clone())
            }
            Self::Clock { secs } => told.with("off", units::duration(*secs)),
            _ => told,
        }
    }
}
