//! What a model needs of a machine, on paper, before anything is loaded.
//!
//! In: model, inner parameters, sequence length, sizes of memory and disk. Out: whether it fits, and the numbers behind
//! it. Estimates, not measurements: the figures per parameter are exact counts of our buffers, activations are counted
//! from shapes, and what the CUDA context takes is from experience.

use types::manifest::{InnerParams, ModelParams};

use crate::{EngineOptions, Precision};

const GIB: u64 = 1 << 30;
/// CUDA context, cuBLAS workspace and fragmentation. The recipe's reserve of 2 to 3 GB also holds activations, which
/// are counted apart here.
const CUDA_CONTEXT_BYTES: u64 = GIB;
/// Kept free in RAM for the system and the app.
const SYSTEM_RAM_BYTES: u64 = 2 * GIB;
/// What the engine's process takes besides its state (libtorch with its CUDA half: 0.4 GB; buffers of the network).
const PROCESS_RAM_BYTES: u64 = GIB;
/// Kept free on disk.
const DISK_RESERVE_BYTES: u64 = 2 * GIB;
/// Activations a CPU engine allows itself by default: more would only leave the caches.
pub(crate) const CPU_ACTIVATION_BYTES: u64 = GIB / 2;

/// Sizes of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Memory of the GPU; 0 to train on the processor.
    pub vram_bytes: u64,
    /// Memory of the machine.
    pub ram_bytes: u64,
    /// Free disk space.
    pub disk_bytes: u64,
}

/// How state is spread over device and host. Off-loading and 8-bit moments will be further kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanKind {
    /// Everything the inner loop needs is on the device, unquantised.
    Plain,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Whether the machine holds the run.
    pub fits: bool,
    /// How state is spread.
    pub kind: PlanKind,
    /// Needed on the GPU; 0 when training on the processor.
    pub device_bytes: u64,
    /// Needed in RAM.
    pub host_bytes: u64,
    /// Needed on disk for checkpoints.
    pub disk_bytes: u64,
    /// Sequences per micro-batch that would fit; 0 if none does.
    pub micro_batch: usize,
    /// In one sentence: what fits, or what is short by how much.
    pub reason: String,
}

/// Plans a run on a machine: bf16 on a GPU, f32 on a processor.
pub fn memory_plan(model: &ModelParams, inner: &InnerParams, sequence_tokens: usize, machine: Machine) -> MemoryPlan {
    let n = model.parameter_count();
    let on_gpu = machine.vram_bytes > 0;
    let mut options = EngineOptions::new(sequence_tokens);
    options.precision = if on_gpu { Precision::Bf16 } else { Precision::F32 };
    let one = activation_bytes(model, &options, 1);
    // f32: parameters 4, gradient 4, moments 8. bf16: a working copy of 2 besides.
    let state = n * if on_gpu { 18 } else { 16 };
    // The round's start, the error feedback, and the decoded update or a released replica's copy: f32 each.
    let round = 12 * n;
    let fixed_device = state + CUDA_CONTEXT_BYTES;
    let (device_bytes, host_bytes, activations) = if on_gpu {
        let room = machine.vram_bytes.saturating_sub(fixed_device);
        (fixed_device + one, round + PROCESS_RAM_BYTES, room)
    } else {
        (0, state + round + PROCESS_RAM_BYTES + one, CPU_ACTIVATION_BYTES)
    };
    // Parameters 4, moments 8, error feedback 4; the new checkpoint is written beside the old one.
    let disk_bytes = 2 * 16 * n;
    let most = inner.batch_sequences as usize;
    let micro_batch = fitting_sequences(model, &options, activations).min(most);
    let short = [
        ("GPU memory", device_bytes, machine.vram_bytes),
        ("RAM", host_bytes + SYSTEM_RAM_BYTES, machine.ram_bytes),
        ("disk space", disk_bytes + DISK_RESERVE_BYTES, machine.disk_bytes),
    ]
    .into_iter()
    .find(|(what, needed, there)| needed > there && (on_gpu || *what != "GPU memory"));
    let reason = match short {
        Some((what, needed, there)) => format!("needs {} of {what}, there is {}", gigabytes(needed), gigabytes(there)),
        None if on_gpu => format!("uses {} of {} GPU memory", gigabytes(device_bytes), gigabytes(machine.vram_bytes)),
        None => format!("uses {} of {} RAM", gigabytes(host_bytes), gigabytes(machine.ram_bytes)),
    };
    let fits = short.is_none();
    // The processor computes a single sequence even where it leaves the caches.
    let micro_batch = if fits { micro_batch.max(1) } else { micro_batch };
    MemoryPlan { fits, kind: PlanKind::Plain, device_bytes, host_bytes, disk_bytes, micro_batch, reason }
}

/// Sequences whose activations fit into `bytes`; 0 if not even one does.
pub(crate) fn fitting_sequences(model: &ModelParams, options: &EngineOptions, bytes: u64) -> usize {
    let one = activation_bytes(model, options, 1);
    let slope = activation_bytes(model, options, 2).saturating_sub(one).max(1);
    if bytes < one { 0 } else { usize::try_from(1 + (bytes - one) / slope).unwrap_or(usize::MAX) }
}

/// Activations of a step over `sequences` sequences: block inputs, one block's graph (all, without recomputation),
/// one chunk of logits with softmax and gradient.
fn activation_bytes(model: &ModelParams, options: &EngineOptions, sequences: u64) -> u64 {
    let bytes = if options.precision == Precision::Bf16 { 2 } else { 4 };
    let tokens = sequences * options.sequence_tokens as u64;
    let (d, ffn, layers) = (model.d_model as u64, model.ffn as u64, model.layers as u64);
    let qkv = ((model.heads + 2 * model.kv_heads) * model.head_dim) as u64;
    // Kept for backward: norms' inputs and outputs, turned heads, attention, gate, up and their product; as much again
    // while gradients flow.
    let block = 2 * (6 * d + 4 * qkv + 5 * ffn);
    let graphs = if options.recompute { 1 } else { layers };
    let logits = 3 * 4 * (tokens * model.vocab as u64).min(1 << 26);
    tokens * bytes * (layers * d + graphs * block) + logits
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

#[cfg(test)]
mod tests;
