//! What the user chose. Kept by the app as a file people may edit; every value has a sensible default.

use serde::{Deserialize, Serialize};
use types::ByteCount;

/// Hours of a week, Monday 0:00 first.
pub const HOURS_PER_WEEK: usize = 168;

/// All settings.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Looks.
    pub look: Look,
    /// Cards and their limits.
    pub gpus: GpuSettings,
    /// When to stand still.
    pub pause: PauseSettings,
    /// The line.
    pub network: NetworkSettings,
    /// Start, notices, updates.
    pub behaviour: Behaviour,
    /// Electricity.
    pub energy: EnergySettings,
    /// The rehearsal's sliders.
    pub rehearsal: RehearsalSettings,
}

/// Looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Look {
    /// BCP 47 tag; `None` follows the system.
    pub language: Option<String>,
    /// Light, dark, contrast.
    pub theme: Theme,
    /// Text size in percent, 80 to 200.
    pub text_percent: u32,
    /// No motion; `None` follows the system.
    pub reduced_motion: Option<bool>,
}

impl Default for Look {
    fn default() -> Self {
        Self { language: None, theme: Theme::System, text_percent: 100, reduced_motion: None }
    }
}

/// Light, dark, contrast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the desktop says.
    #[default]
    System,
    /// Dark ground.
    Dark,
    /// Light ground.
    Light,
    /// Black, white and strong colours.
    HighContrast,
}

/// Cards and their limits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GpuSettings {
    /// UUIDs of cards that must not work.
    pub off: Vec<String>,
    /// Watts a card may take; `None` leaves the card's own limit.
    pub power_watts: Option<u32>,
    /// Temperature to hold, degrees Celsius; `None` leaves it to the card.
    pub temperature_c: Option<u32>,
    /// Fan speed not to exceed, percent.
    pub fan_percent: Option<u32>,
    /// Memory a card may use.
    pub vram_bytes: Option<ByteCount>,
}

/// When to stand still.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PauseSettings {
    /// While another program works the card harder than this, percent; `None`: never for that.
    pub gpu_busy_percent: Option<u32>,
    /// While something fills the screen.
    pub full_screen: bool,
    /// While a meeting goes on (camera or microphone in use).
    pub meeting: bool,
    /// While one of these programs runs.
    pub apps: Vec<String>,
    /// On battery.
    pub battery: bool,
    /// After battery, until charged to so many percent.
    pub charge_percent: Option<u32>,
    /// Only while nobody has used the computer for so many minutes.
    pub idle_minutes: Option<u32>,
    /// While the session is locked.
    pub locked: bool,
    /// On a line that costs by volume.
    pub metered: bool,
    /// Hours of the week in which work is allowed, Monday 0:00 first; `None`: always. Text of 168 `1` and `0`.
    pub schedule: Option<String>,
    /// Free room on the data folder's disk below which nothing is written.
    pub disk_free: ByteCount,
}

impl Default for PauseSettings {
    fn default() -> Self {
        Self {
            gpu_busy_percent: Some(30),
            full_screen: true,
            meeting: true,
            apps: Vec::new(),
            battery: true,
            charge_percent: None,
            idle_minutes: None,
            locked: false,
            metered: true,
            schedule: None,
            disk_free: ByteCount(5_000_000_000),
        }
    }
}

/// The line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSettings {
    /// Upload in bytes per second.
    pub upload: Option<ByteCount>,
    /// Download in bytes per second.
    pub download: Option<ByteCount>,
    /// Volume per month, up and down together.
    pub month: Option<ByteCount>,
    /// No UDP, for lines and routers that cannot bear it.
    pub tcp_only: bool,
    /// Look for peers on the same network by multicast. Off until somebody asks: some firewalls alarm at it.
    pub mdns: bool,
    /// Ask the router for a port.
    pub upnp: bool,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self { upload: None, download: None, month: None, tcp_only: false, mdns: false, upnp: true }
    }
}

/// Start, notices, updates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Start with the session. Off until somebody asks.
    pub autostart: bool,
    /// Train as soon as the program runs, if it trained when it ended.
    pub resume_on_start: bool,
    /// Notice of the first accepted round.
    pub notify_accepted: bool,
    /// Of problems.
    pub notify_problem: bool,
    /// Of updates.
    pub notify_update: bool,
    /// Of pay-outs.
    pub notify_payout: bool,
    /// Keep the computer awake while it trains on mains.
    pub keep_awake: bool,
    /// Updates.
    pub updates: Updates,
    /// Which versions are offered.
    pub channel: UpdateChannel,
    /// The run that Start starts: its id, or `rehearsal`.
    pub run: String,
    /// Whether the wizard was gone through.
    pub welcomed: bool,
    /// Whether it was said that closing hides to the tray.
    pub told_tray: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            autostart: false,
            resume_on_start: true,
            notify_accepted: true,
            notify_problem: true,
            notify_update: true,
            notify_payout: false,
            keep_awake: false,
            updates: Updates::Ask,
            channel: UpdateChannel::Stable,
            run: "rehearsal".to_owned(),
            welcomed: false,
            told_tray: false,
        }
    }
}

/// How updates come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Updates {
    /// By themselves, at a round's edge.
    Automatic,
    /// After a question.
    #[default]
    Ask,
    /// Never.
    Never,
}

/// Which versions are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateChannel {
    /// Those that have proved themselves.
    #[default]
    Stable,
    /// Those before that, too.
    Preview,
}

/// Electricity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnergySettings {
    /// Currency of the prices, three letters.
    pub currency: Option<String>,
    /// Price of a kilowatt hour, as a decimal in that currency.
    pub price: Option<String>,
    /// Another price in some hours: the price and 168 `1` and `0`, Monday 0:00 first.
    pub second: Option<(String, String)>,
    /// Stand still while the price is above this.
    pub pause_above: Option<String>,
}

/// The rehearsal's sliders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RehearsalSettings {
    /// Honest peers, 2 to 8.
    pub peers: u32,
    /// Rounds, 3 to 100.
    pub rounds: u64,
    /// A peer that cheats.
    pub cheater: bool,
    /// A peer that leaves in the middle.
    pub leaver: bool,
    /// Payloads lost on the way, percent, 0 to 30.
    pub loss_percent: u32,
}

impl Default for RehearsalSettings {
    fn default() -> Self {
        Self { peers: 4, rounds: 12, cheater: false, leaver: false, loss_percent: 0 }
    }
}

/// Whether a text is a week of `1` and `0`.
pub fn is_week(text: &str) -> bool {
    text.len() == HOURS_PER_WEEK && text.bytes().all(|b| matches!(b, b'0' | b'1'))
}
