//! How an engine is built on a machine: device, precision, threads, micro-batch.
//!
//! In: choices of the peer, none of them agreed between peers. Out: plain data. Nothing here changes what is trained,
//! only where, how and how exactly; what that means for the bits is said at each field.

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

/// Number format of the forward and backward pass. Parameters are f32 in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32-bit throughout.
    #[default]
    F32,
    /// A bf16 working copy of the parameters and bf16 activations (protocol.md §2); losses and softmax in f32.
    /// For GPUs: a processor without bf16 instructions takes ten times as long as in f32.
    Bf16,
}

/// Number format of AdamW's moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moments {
    /// 8 bytes per parameter.
    #[default]
    F32,
    /// 8-bit codes in blocks of 256 with one f32 scale each: 2.03 bytes per parameter. A state that was read from such an
    /// engine goes back bit for bit; another one is rounded.
    EightBit,
}

/// Number format in which gradients are added up over the micro-batches of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gradients {
    /// 4 bytes per parameter.
    #[default]
    F32,
    /// 2 bytes per parameter; sums over many micro-batches lose low bits.
    Bf16,
}

/// What is kept in host memory beside the device and fetched piece by piece when a step needs it. A run's anchor and error
/// feedback always are there: the engine has neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offload {
    /// Nothing.
    #[default]
    Nothing,
    /// The moments and, in bf16, what the working copy of the parameters lacks to f32. The device keeps working copy and
    /// gradient.
    Optimizer,
}

/// A pretended shortage of memory, so that the answer to a real one can be rehearsed on any machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllocationFault {
    /// Micro-batches with more sequences than this fail.
    AboveSequences(usize),
    /// The micro-batch of this number fails, counted from 0 over the engine's life.
    AtMicroBatch(u64),
}

/// A pretended card that flips bits, so that the search for a real one can be rehearsed on any machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitFlips {
    /// One bit of the gradient is flipped after every so many micro-batches; at least 1.
    pub every: u64,
    /// The bit, from 0, the lowest of the fraction, to 31, the sign.
    pub bit: u8,
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
    /// Number format of the moments.
    pub moments: Moments,
    /// Number format of the gradient.
    pub gradients: Gradients,
    /// What is kept in host memory.
    pub offload: Offload,
    /// A pretended shortage of memory.
    pub fault: Option<AllocationFault>,
    /// A pretended card that flips bits.
    pub flips: Option<BitFlips>,
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
            moments: Moments::F32,
            gradients: Gradients::F32,
            offload: Offload::Nothing,
            fault: None,
            flips: None,
        }
    }
}
