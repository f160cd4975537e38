//! What the machine has: every card, and whether one of them can work.
//!
//! In: the answer of one probe. Out: the cards, healthy and faulty, and a verdict that names the failing layer.

use serde::{Deserialize, Serialize};
use types::Problem;

use crate::{Card, CardId, CudaVersion, Fault};

/// Whether this machine can train.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// At least one card can.
    Ready,
    /// None can, for this reason.
    Failed {
        /// The failing layer.
        fault: Fault,
    },
}

/// What one probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// When: milliseconds since 1970.
    pub at_ms: u64,
    /// The driver's version, for example `580.95.05`.
    pub driver: Option<String>,
    /// The newest CUDA that the driver speaks.
    pub cuda_driver: Option<CudaVersion>,
    /// Whether this is Linux inside Windows (WSL).
    pub wsl: bool,
    /// NVIDIA cards on the bus, whatever the driver says; `None` where the system does not tell.
    pub cards_on_bus: Option<u32>,
    /// The cards that the driver sees, by index.
    pub cards: Vec<Card>,
    /// Whether one of them can work.
    pub verdict: Verdict,
}

impl Survey {
    /// A survey that found nothing but a reason.
    pub fn failed(at_ms: u64, fault: Fault) -> Self {
        let verdict = Verdict::Failed { fault };
        Self { at_ms, driver: None, cuda_driver: None, wsl: false, cards_on_bus: None, cards: Vec::new(), verdict }
    }

    /// The cards that can work.
    pub fn healthy(&self) -> impl Iterator<Item = &Card> {
        self.cards.iter().filter(|card| card.is_healthy())
    }

    /// The card known by `uuid`.
    pub fn card(&self, uuid: &CardId) -> Option<&Card> {
        self.cards.iter().find(|card| card.uuid == *uuid)
    }

    /// Why no card can work; `None` if one can.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.verdict {
            Verdict::Ready => None,
            Verdict::Failed { fault } => Some(fault),
        }
    }

    /// The same in words.
    pub fn problem(&self) -> Option<Problem> {
        self.fault().map(Fault::problem)
    }
}
