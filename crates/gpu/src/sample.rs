//! One card at one moment.
//!
//! In: what NVML said, once a second. Out: plain values with the moment they were read; what it did not say is `None`.

use serde::{Deserialize, Serialize};
use types::ByteCount;

use crate::{CardId, PcieLink};

/// One card at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Which card.
    pub uuid: CardId,
    /// When it was read: milliseconds since 1970.
    pub at_ms: u64,
    /// Share of the last moment in which a kernel ran, percent.
    pub util: Option<u32>,
    /// Memory in use, by anybody.
    pub vram_used: Option<ByteCount>,
    /// Memory nobody uses.
    pub vram_free: Option<ByteCount>,
    /// Memory the driver keeps for itself.
    pub vram_reserved: Option<ByteCount>,
    /// Temperature of the chip, °C.
    pub temp_c: Option<u32>,
    /// The fastest fan, percent of its highest speed.
    pub fan_percent: Option<u32>,
    /// The fastest fan, turns per minute.
    pub fan_rpm: Option<u32>,
    /// Power drawn, milliwatts.
    pub power_mw: Option<u32>,
    /// The limit that is in force, milliwatts: the lowest of all that apply.
    pub enforced_limit_mw: Option<u32>,
    /// Clock of the multiprocessors, MHz.
    pub sm_clock_mhz: Option<u32>,
    /// Clock of the memory, MHz.
    pub mem_clock_mhz: Option<u32>,
    /// What holds the clocks down; empty if nothing does, `None` if the driver does not say.
    pub throttle: Option<Vec<Throttle>>,
    /// The link now.
    pub pcie: PcieLink,
    /// Energy drawn since the driver was loaded, millijoules.
    pub energy_mj: Option<u64>,
    /// Who else uses the card, those with most memory first; our own peer is among them.
    pub others: Vec<OtherProcess>,
}

impl Sample {
    /// A sample that says nothing but whose and when.
    pub fn unknown(uuid: CardId, at_ms: u64) -> Self {
        Self {
            uuid,
            at_ms,
            util: None,
            vram_used: None,
            vram_free: None,
            vram_reserved: None,
            temp_c: None,
            fan_percent: None,
            fan_rpm: None,
            power_mw: None,
            enforced_limit_mw: None,
            sm_clock_mhz: None,
            mem_clock_mhz: None,
            throttle: None,
            pcie: PcieLink::default(),
            energy_mj: None,
            others: Vec::new(),
        }
    }

    /// Those who use the card and are none of `ours`.
    pub fn strangers<'a>(&'a self, ours: &'a [u32]) -> impl Iterator<Item = &'a OtherProcess> {
        self.others.iter().filter(move |process| !ours.contains(&process.pid))
    }
}

/// What holds a card's clocks down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Throttle {
    /// Nothing runs.
    Idle,
    /// Someone set the clocks.
    ClocksSetting,
    /// The power limit.
    PowerCap,
    /// The card protects itself: heat, a power brake or a draw that is too fast.
    HwSlowdown,
    /// It waits for the cards it is bundled with.
    SyncBoost,
    /// The driver's temperature limit.
    SwThermal,
    /// The card's own temperature limit.
    HwThermal,
    /// The power supply asks for less.
    PowerBrake,
    /// A display's clock.
    DisplayClock,
}

/// What a process does on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessKind {
    /// It draws: a game, a desktop, a browser.
    Graphics,
    /// It computes: CUDA.
    Compute,
}

/// A process that uses a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherProcess {
    /// Its number.
    pub pid: u32,
    /// Its name, if the system tells it.
    pub name: Option<String>,
    /// Memory it uses; Windows does not say.
    pub vram: Option<ByteCount>,
    /// What it does there.
    pub kind: ProcessKind,
}
