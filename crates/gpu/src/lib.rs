//! NVIDIA cards: what is there, how they do, what is wrong, and how hard they may work.
//!
//! In: the driver's management library (NVML), asked by a child process only. Out: a [`Survey`] of the cards with a
//! [`Verdict`], a [`Sample`] of each card per second, power limits that are put back, a [`Pacer`] and an [`EnergyMeter`].
//! NVML is never loaded into the process that asks: a driver that crashes or hangs takes the child with it. It trains
//! nothing and decides nothing; CUDA is asked only whether it starts, in the child as well.

mod argument;
mod card;
mod child;
mod energy;
mod fault;
pub mod fixtures;
mod library;
mod line;
mod machine;
mod nvml;
mod pacer;
mod power;
mod probe;
mod prober;
mod sample;
mod survey;
mod watcher;

pub use card::{Card, CardId, ComputeCapability, PcieLink, PowerLimits};
pub use energy::{EnergyMeter, EnergySlice, EnergySource};
pub use fault::{CudaVersion, Fault, LeastNeeded, ProbeEnd};
pub use fixtures::FixtureProbe;
pub use line::{LineError, MAX_LINE_BYTES, ProbeLine, Refusal};
pub use pacer::{FanCeiling, Pace, PaceLimit, Pacer};
pub use power::{PowerError, PowerGuard, Restored};
pub use probe::probe_main;
pub use prober::{GpuEvent, GpuProbe, ProbeTimes, Prober};
pub use sample::{OtherProcess, ProcessKind, Sample, Throttle};
pub use survey::{Survey, Verdict};
