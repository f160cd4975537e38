//! The engine (libtorch for this machine), as the window shows it: there, missing, or on its way.
//!
//! In: plain facts of the app. Out: values for a card with one button. Nothing about where it comes from stands here.

use serde::{Deserialize, Serialize};
use types::{ByteCount, Problem};

/// The engine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EngineView {
    /// Where it stands.
    pub state: EngineState,
    /// The trainer starts without what is missing: it is the card's half.
    pub optional: bool,
    /// What stands in the way of the card's half: a driver that is missing or too old. The processor's half needs none.
    pub advice: Option<Problem>,
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum EngineState {
    /// Not looked yet: nothing is shown.
    #[default]
    Unknown,
    /// The trainer starts.
    Ready,
    /// It is missing.
    Missing {
        /// What would be fetched; `None` while it is asked for.
        offer: Option<EngineOffer>,
        /// Why nothing is offered, or why the last try ended.
        problem: Option<Problem>,
    },
    /// It comes.
    Fetching(EngineFetch),
    /// It waits; what came is kept.
    Waiting {
        /// How far it is.
        fetch: EngineFetch,
        /// For a line that is not metered, and not for a press.
        metered: bool,
    },
}

/// What would be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineOffer {
    /// Bytes to fetch.
    pub download: ByteCount,
    /// Bytes on the disk.
    pub disk: ByteCount,
    /// Whether the card's half is among them.
    pub with_card: bool,
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EngineFetch {
    /// Bytes that are there.
    pub done: ByteCount,
    /// Bytes in all.
    pub total: ByteCount,
    /// Bytes per second.
    pub rate: Option<ByteCount>,
    /// Seconds left.
    pub left_secs: Option<u64>,
}

impl EngineFetch {
    /// Share that is there, 0 to 1.
    pub fn share(&self) -> f64 {
        if self.total.0 == 0 { 0.0 } else { (self.done.0 as f64 / self.total.0 as f64).min(1.0) }
    }
}

impl EngineView {
    /// Whether nothing can be started for want of it.
    pub fn is_missing(&self) -> bool {
        !matches!(self.state, EngineState::Unknown | EngineState::Ready)
    }
}
