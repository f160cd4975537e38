//! The trainer: [`Engine`] over flat f32 buffers, and [`TorchEngine`], its implementation on libtorch.
//!
//! In: a model's shape, token batches, a learning rate. Out: parameters, losses, optimizer state; Hugging Face folders
//! in both directions.
//! It knows no rounds, peers, wallets or chain, opens no socket, and reads no clock.
//!
//! Parameters cross this boundary as one flat `f32` buffer in the order of `ModelParams::tensors()`, so that nothing
//! outside this crate knows torch.

pub mod cuda;
mod engine;
mod error;
mod export;
mod import;
mod init;
mod memory;
mod options;
mod rng;
mod sample;
mod schedule;
mod threads;
mod torch;

pub use engine::{Engine, InnerStats, MemoryUse, OptimizerState, SampleParams, SpotCheck, TokenBatch};
pub use error::EngineError;
pub use export::{ExportDtype, ExportTokenizer, export_hf};
pub use import::{HfCheckpoint, ImportError};
pub use init::initial_theta;
pub use memory::{Machine, MemoryPlan, PlanKind, memory_plan};
pub use options::{AllocationFault, BitFlips, DeviceChoice, EngineOptions, Gradients, Moments, Offload, Precision};
pub use schedule::lr_at;
pub use threads::{set_threads, spawn_environment};
pub use torch::TorchEngine;
