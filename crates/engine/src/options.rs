//! How an engine is built on a machine: device, precision, threads, micro-batch.
//!
//! In: choices of the peer, none of them agreed between peers. Out: plain data. Nothing here changes what is trained,
//! only where and how; what that means for the last bits is said at each field.

/// Where to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The processor.
    Cpu,
    /// The CUDA device of this index; [`crate::cuda::load`] must have run.
    Cuda(usize),
    /// CUDA device 0 if CUDA is loaded and works, else the processor.
    #[default]
    Auto,
}

/// Number format of the forward and backward pass. Parameters, gradients and optimizer state are f32 in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32-bit throughout.
    #[default]
    F32,
    /// A bf16 working copy of the parameters and bf16 activations (protocol.md §2); losses and softmax in f32.
    /// For GPUs: a processor without bf16 instructions takes ten times as long as in f32.
    Bf16,
}

/// A pretended shortage of memory, so that the answer to a real one can be rehearsed on any machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllocationFault {
    /// Micro-batches with more sequences than this fail.
    AboveSequences(usize),
    /// The micro-batch of this number fails, counted from 0 over the engine's life.
    AtMicroBatch(u64),
}

/// Options of [`crate::TorchEngine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineOptions {
    /// Where to compute.
    pub device: DeviceChoice,
    /// Number format of the passes.
    pub precision: Precision,
    /// Threads inside an operation, set once per process; `None` leaves it as it is.
    pub threads: Option<usize>,
    /// Sequences per micro-batch; `None` takes as many as fit. Bits depend on it through the order of sums.
    pub micro_batch: Option<usize>,
    /// Longest sequence that will be trained or sampled.
    pub sequence_tokens: usize,
    /// Whether to prefer GPU kernels whose sums do not vary from run to run (those of the processor never do). Matrix
    /// products need [`crate::spawn_environment`] for it.
    pub deterministic: bool,
    /// Whether blocks are computed again in the backward pass instead of kept: a fraction of the memory for about a
    /// third more work. The bits are the same.
    pub recompute: bool,
    /// A pretended shortage of memory.
    pub fault: Option<AllocationFault>,
}

impl EngineOptions {
    /// Any device, f32, automatic micro-batch, deterministic, with recomputation.
    pub fn new(sequence_tokens: usize) -> Self {
        Self {
            device: DeviceChoice::Auto,
            precision: Precision::F32,
            threads: None,
            micro_batch: None,
            sequence_tokens,
            deterministic: true,
            recompute: true,
            fault: None,
        }
    }
}
