//! What a trainer can do, whatever it is built on.
//!
//! In: flat parameters and token batches. Out: statistics and state in plain numbers. The trait does not assume that
//! one process holds the whole model on one device, and names no tensor library.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use types::manifest::ModelParams;

use crate::EngineError;

/// Token ids of whole sequences, row-major: sequence s holds `tokens[s * length..(s + 1) * length]`.
///
/// The target of a position is the next token of its row; the last position of a row has none (protocol.md §2, loss).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBatch {
    /// Token ids, `sequences * length` of them, each below the model's vocabulary.
    pub tokens: Vec<u32>,
    /// Rows.
    pub sequences: usize,
    /// Tokens per row; at least 2, so that there is something to predict.
    pub length: usize,
}

impl TokenBatch {
    /// Positions that have a target.
    pub fn predicted(&self) -> u64 {
        (self.sequences * self.length.saturating_sub(1)) as u64
    }
}

/// What one inner step did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InnerStats {
    /// Mean loss in nats per predicted token, before the step; not finite where `skipped`, perhaps.
    pub loss: f64,
    /// L2 norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Tokens in the batch.
    pub tokens: u64,
    /// Learning rate used.
    pub lr: f64,
    /// Sequences per micro-batch that fitted.
    pub micro_batch: usize,
    /// Whether loss or gradient was not finite: parameters and optimizer state are as they were before the step.
    pub skipped: bool,
}

/// AdamW's state in flat-buffer order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OptimizerState {
    /// Steps taken.
    pub step: u64,
    /// First moments.
    pub first: Vec<f32>,
    /// Second moments.
    pub second: Vec<f32>,
}

/// How text is continued.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleParams {
    /// 0 takes the most probable token; 1 samples as the model says.
    pub temperature: f64,
    /// Tokens outside the smallest set with this much probability are left out; 1 leaves none out.
    pub top_p: f64,
    /// Tokens to add.
    pub max_tokens: usize,
    /// Seed of the draw.
    pub seed: u64,
}

/// Memory the engine holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryUse {
    /// Parameters, working copy, gradient and optimizer state on the device (for the CPU: in RAM), in bytes.
    pub device_state_bytes: u64,
    /// Taken on the device besides while a step updates one piece of coded or off-loaded state, in bytes.
    pub device_working_bytes: u64,
    /// State kept in RAM, because it is off-loaded or the engine released, in bytes.
    pub host_state_bytes: u64,
    /// The CUDA allocator's figures; `None` on a CPU.
    pub cuda: Option<torch_ext::CudaMemory>,
}

/// What a card says of itself when it computes the same twice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpotCheck {
    /// Whether loss and gradient of the two passes are the same, bit for bit.
    pub same: bool,
    /// Relative distance of a product computed on the device from the same product on the processor; `None` where the
    /// device is the processor.
    pub apart: Option<f64>,
}

impl SpotCheck {
    /// Beyond this a product is wrong and not rounded: TF32 has 10 bits of fraction, and errors of sums average out.
    pub const TOLERANCE: f64 = 1e-2;

    /// Whether the device computed right.
    pub fn holds(&self) -> bool {
        // A distance that is no number is a wrong one.
        self.same && self.apart.is_none_or(|apart| apart <= Self::TOLERANCE)
    }
}

/// A trainer of one replica.
///
/// Bit-identity: equal parameters, optimizer state, batches, learning rates, options and kind of processor give equal
/// bits, across [`release`](Engine::release) and [`acquire`](Engine::acquire) and across save and restore. Another
/// micro-batch, thread count, precision or processor may differ in the last bits.
pub trait Engine: Send {
    /// Shape of the model.
    fn model(&self) -> &ModelParams;

    /// Number of parameters, the length of every flat buffer.
    fn parameter_count(&self) -> usize;

    /// Copies the parameters out.
    ///
    /// # Errors
    /// A buffer of another length, or a device that failed.
    fn read_theta(&self, out: &mut [f32]) -> Result<(), EngineError>;

    /// Replaces the parameters, bit for bit; the optimizer state stays. Values are not judged: NaN goes in as NaN.
    ///
    /// # Errors
    /// A buffer of another length, or a device that failed.
    fn write_theta(&mut self, theta: &[f32]) -> Result<(), EngineError>;

    /// One optimizer step on the whole batch. If memory runs out, the micro-batch is halved and the step starts again
    /// on the same data; the smaller micro-batch stays.
    ///
    /// # Errors
    /// A batch that does not fit the model, a released engine, [`EngineError::OutOfMemory`] if a single sequence does
    /// not fit, or a device that failed. Parameters and optimizer state are unchanged after an error.
    fn inner_step(&mut self, batch: &TokenBatch, lr: f64) -> Result<InnerStats, EngineError>;

    /// Ends inner steps with [`EngineError::Halted`] before their next micro-batch while the flag is set. The step then
    /// has not happened, and taken again it is the same.
    fn halt_when(&mut self, flag: Arc<AtomicBool>);

    /// Mean loss in nats per predicted token; changes nothing.
    ///
    /// # Errors
    /// As for [`inner_step`](Engine::inner_step).
    fn eval_loss(&mut self, batch: &TokenBatch) -> Result<f64, EngineError>;

    /// Mean losses of the batches under other parameters (a validator's probe); the engine's own are back afterwards,
    /// bit for bit, also after an error.
    ///
    /// # Errors
    /// As for [`eval_loss`](Engine::eval_loss), and a buffer of another length.
    fn eval_loss_at(&mut self, theta: &[f32], batches: &[TokenBatch]) -> Result<Vec<f64>, EngineError>;

    /// Computes one micro-batch twice and compares, and a product against the processor: memory or a card that flips bits
    /// shows in it (product.md N12). Parameters and optimizer state stay. `None`: this engine cannot check itself.
    ///
    /// # Errors
    /// As for [`inner_step`](Engine::inner_step).
    fn spot_check(&mut self, _batch: &TokenBatch) -> Result<Option<SpotCheck>, EngineError> {
        Ok(None)
    }

    /// Copies the optimizer state out.
    ///
    /// # Errors
    /// A device that failed.
    fn optimizer_state(&self) -> Result<OptimizerState, EngineError>;

    /// Replaces the optimizer state, bit for bit; an engine with 8-bit moments rounds a state that is not its own kind's
    /// ([`crate::Moments`]).
    ///
    /// # Errors
    /// Moments of another length, or a device that failed.
    fn load_optimizer_state(&mut self, state: &OptimizerState) -> Result<(), EngineError>;

    /// Moves all state to RAM and gives the device memory back (a pause). Reading and writing state still works,
    /// training and evaluation do not. A released engine is left as it is.
    ///
    /// # Errors
    /// A device that failed.
    fn release(&mut self) -> Result<(), EngineError>;

    /// Takes the device memory again and continues as if never released.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`] if the memory is no longer free: the engine stays released and nothing is lost.
    fn acquire(&mut self) -> Result<(), EngineError>;

    /// Continues a prompt; returns the new tokens only. The model sees at most the last `sequence_tokens` tokens.
    ///
    /// # Errors
    /// An empty prompt, parameters out of range, a released engine, or a device that failed.
    fn sample(&mut self, prompt: &[u32], params: SampleParams) -> Result<Vec<u32>, EngineError>;

    /// Memory held now.
    fn memory(&self) -> MemoryUse;
}
