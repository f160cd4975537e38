//! This computer and its cards as the window shows them.

use serde::{Deserialize, Serialize};
use types::{ByteCount, Problem};

/// This computer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MachineView {
    /// Processor's name.
    pub cpu: Option<String>,
    /// Threads.
    pub threads: Option<u32>,
    /// Memory.
    pub memory: Option<ByteCount>,
    /// Memory that is free.
    pub memory_free: Option<ByteCount>,
    /// Room on the data folder's disk.
    pub disk_free: Option<ByteCount>,
    /// On battery now; `None` if nobody can tell.
    pub on_battery: Option<bool>,
    /// What it can do, best first.
    pub roles: Vec<Role>,
}

/// What a computer can do; the text is `role-<code>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Train in runs.
    Train,
    /// Train in smaller runs.
    TrainSmall,
    /// Rehearse.
    Rehearse,
}

/// The cards.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GpuView {
    /// The survey runs.
    pub probing: bool,
    /// NVIDIA driver's version.
    pub driver: Option<String>,
    /// CUDA version of the driver.
    pub cuda: Option<String>,
    /// Cards.
    pub cards: Vec<GpuCard>,
    /// What hinders all of them: the failing layer and what to do.
    pub problem: Option<Problem>,
}

/// One card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuCard {
    /// UUID: what the settings name it by.
    pub uuid: String,
    /// Name.
    pub name: String,
    /// Whether the user lets it work.
    pub enabled: bool,
    /// Memory.
    pub vram_total: Option<ByteCount>,
    /// Memory in use by everybody.
    pub vram_used: Option<ByteCount>,
    /// 0 to 1.
    pub util: Option<f64>,
    /// Degrees Celsius.
    pub temp_c: Option<f64>,
    /// Percent.
    pub fan_percent: Option<u32>,
    /// Watts now.
    pub watts: Option<f64>,
    /// Watts allowed.
    pub watts_limit: Option<f64>,
    /// Lowest and highest limit that the card takes.
    pub watts_range: Option<(f64, f64)>,
    /// Compute capability, as `8.9`.
    pub compute_capability: Option<String>,
    /// Keys of why it holds itself back, `throttle-<code>`.
    pub throttle: Vec<String>,
    /// Link now and at best, as `x4` of `x16`, if narrower than it could be.
    pub pcie_narrow: Option<(u32, u32)>,
    /// Other programs that use it: name and memory.
    pub others: Vec<(String, Option<ByteCount>)>,
    /// No reading for so many seconds; then the figures above are old.
    pub stale_secs: Option<u64>,
    /// What is wrong with this card.
    pub problem: Option<Problem>,
}
