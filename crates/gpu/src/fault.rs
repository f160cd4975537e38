//! The failing layer: why a card, or the whole machine, cannot train.
//!
//! In: what a probe found, or how it ended. Out: a typed reason with its numbers, a stable code, and words that say what
//! to do. Each layer has one reason, so that nobody reinstalls a driver because of a loose card.

use std::fmt;

use serde::{Deserialize, Serialize};
use types::ByteCount;

use crate::ComputeCapability;

mod words;

/// A version of CUDA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CudaVersion {
    /// Before the point.
    pub major: u32,
    /// After it.
    pub minor: u32,
}

impl CudaVersion {
    /// From the driver's way to write it: 13.1 is 13010.
    pub fn from_driver(number: i32) -> Option<Self> {
        let number = u32::try_from(number).ok().filter(|number| *number >= 1000)?;
        Some(Self { major: number / 1000, minor: number % 1000 / 10 })
    }
}

impl fmt::Display for CudaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The least that Covey's CUDA run-time (PyTorch 2.13 for CUDA 13.0) works with.
#[derive(Debug)]
pub struct LeastNeeded;

impl LeastNeeded {
    /// The CUDA version that the driver must speak.
    pub const CUDA: CudaVersion = CudaVersion { major: 13, minor: 0 };
    /// The first branch of the driver that speaks it.
    pub const DRIVER_MAJOR: u32 = 580;
    /// The oldest architecture that the run-time has code for: Turing (RTX 20).
    pub const COMPUTE_CAPABILITY: ComputeCapability = ComputeCapability { major: 7, minor: 5 };
    /// CUDA's context, its libraries and the smallest run's activations take 2 to 3 GB. Cards sold with 4 GB report
    /// a little less than 4 GiB, so the limit lies between that and the next smaller size.
    pub const VRAM: ByteCount = ByteCount(3_584 << 20);
}

/// How a probe ended that gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum ProbeEnd {
    /// It could not be started.
    NotStarted,
    /// It ended by itself with this exit code and no answer.
    Exit {
        /// The exit code.
        code: i32,
    },
    /// A signal killed it: 6 is an abort, 11 a wild pointer.
    Signal {
        /// The signal.
        number: i32,
    },
    /// It said something that is no answer.
    Garbage,
    /// Nobody could tell.
    Unknown,
}

impl fmt::Display for ProbeEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted => f.write_str("it could not be started"),
            Self::Exit { code } => write!(f, "exit code {code}"),
            Self::Signal { number } => write!(f, "signal {number}"),
            Self::Garbage => f.write_str("its answer was garbled"),
            Self::Unknown => f.write_str("cause unknown"),
        }
    }
}

/// Why a card, or the whole machine, cannot train.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// No NVIDIA card is on the bus.
    NoCard,
    /// No driver library is installed. `card_on_bus` is `None` where the system does not tell.
    NoDriver {
        /// Whether a card is there that would need it.
        card_on_bus: Option<bool>,
    },
    /// The driver is installed, and its kernel part is not loaded.
    ModuleNotLoaded {
        /// Whether the open nouveau driver holds the card instead.
        nouveau: bool,
    },
    /// The driver was updated under a running system.
    VersionMismatch {
        /// Version of the installed library.
        library: Option<String>,
        /// Version of the running kernel part.
        kernel: Option<String>,
    },
    /// The driver is older than Covey's CUDA run-time needs.
    DriverTooOld {
        /// The driver's version.
        installed: Option<String>,
        /// The newest CUDA it speaks.
        cuda: Option<CudaVersion>,
    },
    /// The driver works and sees no card, though one is on the bus.
    CardNotSeen {
        /// Cards on the bus.
        on_bus: u32,
    },
    /// The card is older than Covey's CUDA run-time has code for.
    ComputeCapabilityTooLow {
        /// The card's name.
        card: String,
        /// What it can.
        found: ComputeCapability,
    },
    /// The card has too little memory for any run.
    TooLittleVram {
        /// The card's name.
        card: String,
        /// What it has.
        found: ByteCount,
    },
    /// The card is cut into instances.
    MigEnabled {
        /// The card's name.
        card: String,
    },
    /// Linux inside Windows, whose driver does not reach in.
    Wsl,
    /// A card that was there is gone since the computer slept. `cuda_error` is 999 where CUDA said so itself.
    GoneAfterResume {
        /// What CUDA answered, if it was asked.
        cuda_error: Option<i32>,
    },
    /// The card fell off the bus or needs a reset.
    CardLost {
        /// The card's name or index.
        card: String,
    },
    /// The card's power cables are not attached.
    PowerCable {
        /// The card's name or index.
        card: String,
    },
    /// The system does not let this user ask the driver.
    NoPermission,
    /// The driver works and its CUDA library is missing.
    NoCudaLibrary,
    /// CUDA does not start.
    CudaFailed {
        /// What `cuInit` answered.
        code: i32,
    },
    /// The probe ended without an answer.
    ProbeCrashed {
        /// How.
        end: ProbeEnd,
    },
    /// The probe did not answer in time.
    ProbeTimedOut {
        /// How long it was given, milliseconds.
        after_ms: u64,
    },
    /// Something else, in the driver's words.
    Unknown {
        /// The driver's words.
        text: String,
    },
}

impl Fault {
    /// Whether waiting may mend it by itself: a driver that is still loading, a card that still wakes up. What only a
    /// person can mend, such as an old card, is asked for less often.
    pub fn may_pass(&self) -> bool {
        !matches!(
            self,
            Self::DriverTooOld { .. }
                | Self::ComputeCapabilityTooLow { .. }
                | Self::TooLittleVram { .. }
                | Self::MigEnabled { .. }
                | Self::NoCudaLibrary
        )
    }
}
