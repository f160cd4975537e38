//! What the computer says at one moment. `None` is "cannot tell", never "no".

use types::ByteCount;
use view_model::PauseReason;

/// What the computer says. [`Default`] can tell nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Signals {
    /// The battery feeds the computer. `Some(false)` also where there is no battery.
    pub on_battery: Option<bool>,
    /// Charge in percent.
    pub charge_percent: Option<u32>,
    /// The battery takes charge. On mains and not charging, a level that was asked for is not waited for.
    pub charging: Option<bool>,
    /// Seconds since somebody last used keyboard or mouse.
    pub idle_secs: Option<u64>,
    /// What fills the screen.
    pub full_screen: Option<FullScreen>,
    /// Camera or microphone is in use.
    pub meeting: Option<bool>,
    /// The line costs by volume.
    pub metered: Option<bool>,
    /// There is a network.
    pub online: Option<bool>,
    /// Programs that run; those of the user's list are enough.
    pub running_apps: Option<Vec<String>>,
    /// The cards. Those that the user switched off are left out of account.
    pub cards: Vec<CardSignal>,
    /// Room on the data folder's disk.
    pub disk_free: Option<ByteCount>,
    /// Memory that programs can still get.
    pub memory_free: Option<ByteCount>,
    /// The session is locked.
    pub session_locked: Option<bool>,
    /// The computer is about to sleep, or has just woken up and is not looked over yet.
    pub sleeping: bool,
    /// Bytes sent and received this month.
    pub month_bytes: Option<ByteCount>,
    /// Everything is exchanged on this computer (a rehearsal): what the line does is no matter.
    pub local_only: bool,
    /// Reasons that somebody else has found: [`PauseReason::NoGpu`], [`PauseReason::WalletLocked`] and so on.
    pub found: Vec<PauseReason>,
}

/// What fills the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FullScreen {
    /// Nothing does.
    Nothing,
    /// A program does.
    Program {
        /// Its name.
        app: String,
    },
}

/// What is known of a card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CardSignal {
    /// Its UUID.
    pub uuid: String,
    /// How hard others work it.
    pub foreign: Option<ForeignLoad>,
    /// Degrees Celsius.
    pub temp_c: Option<u32>,
    /// Fan, percent of its highest speed.
    pub fan_percent: Option<u32>,
}

/// How hard programs that are not ours work a card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForeignLoad {
    /// The one that works it most.
    pub name: Option<String>,
    /// Percent, together.
    pub percent: u32,
}
