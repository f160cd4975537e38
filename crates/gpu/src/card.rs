//! One card as the driver describes it: the facts that do not change from second to second.
//!
//! In: what NVML said. Out: plain values; what it did not say is `None`, never a made-up number. A card is known by its
//! UUID, because indices change when a card is added, removed or hidden.

use std::fmt;

use serde::{Deserialize, Serialize};
use types::ByteCount;

use crate::Fault;

/// What a card is known by: NVML's UUID (`GPU-…`); where the driver tells none, `pci:` and its bus address, or at worst
/// `index:` and its index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardId(String);

impl CardId {
    /// An id as it was stored or shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a card can compute, for example 8.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ComputeCapability {
    /// Before the point.
    pub major: u32,
    /// After it.
    pub minor: u32,
}

impl fmt::Display for ComputeCapability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A card's power limits in milliwatts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PowerLimits {
    /// The lowest limit that the card takes.
    pub min_mw: Option<u32>,
    /// The highest.
    pub max_mw: Option<u32>,
    /// The one it comes with.
    pub default_mw: Option<u32>,
    /// The one that is set.
    pub current_mw: Option<u32>,
}

/// A PCIe link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PcieLink {
    /// Generation. An idle link drops to a lower one, so compare it under load.
    pub generation: Option<u32>,
    /// Lanes.
    pub width: Option<u32>,
}

/// One card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// What it is known by.
    pub uuid: CardId,
    /// NVML's index today: for CUDA, not for memory.
    pub index: u32,
    /// Its name, for example `NVIDIA GeForce RTX 4090`.
    pub name: Option<String>,
    /// Its address, for example `00000000:01:00.0`.
    pub pci_bus_id: Option<String>,
    /// Its memory.
    pub vram_total: Option<ByteCount>,
    /// What it can compute.
    pub compute_capability: Option<ComputeCapability>,
    /// Whether it is cut into instances (MIG); GeForce cards say nothing.
    pub mig: Option<bool>,
    /// Whether its memory corrects errors (ECC); GeForce cards say nothing.
    pub ecc: Option<bool>,
    /// Its power limits.
    pub power: PowerLimits,
    /// The best link that card and slot agree on.
    pub pcie_max: PcieLink,
    /// Why it cannot work; `None` for a healthy card.
    pub fault: Option<Fault>,
}

impl Card {
    /// A card of which nothing is known but what it is known by.
    pub fn unknown(uuid: CardId, index: u32) -> Self {
        Self {
            uuid,
            index,
            name: None,
            pci_bus_id: None,
            vram_total: None,
            compute_capability: None,
            mig: None,
            ecc: None,
            power: PowerLimits::default(),
            pcie_max: PcieLink::default(),
            fault: None,
        }
    }

    /// Its name, or how to call it where the driver tells none.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("Card {}", self.index))
    }

    /// Whether it can work.
    pub fn is_healthy(&self) -> bool {
        self.fault.is_none()
    }
}
