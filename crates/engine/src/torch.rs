//! [`TorchEngine`]: the trainer on libtorch.
//!
//! In: token batches and flat buffers from one owner thread. Out: as [`Engine`] says. All batches are checked before
//! libtorch sees them, because an id outside the vocabulary would kill a CUDA context for good.

mod codes;
mod decoder;
mod flat;
mod layout;
mod passes;
mod pieces;
mod score;
mod spot;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tch::{Device, Tensor};
use torch_ext::AdamW;
use types::manifest::{InnerParams, ModelParams};

use self::decoder::Decoder;
use self::flat::Flat;
use self::layout::Layout;
use self::passes::{MicroBatch, Pass};
use crate::{
    AllocationFault, Engine, EngineError, EngineOptions, InnerStats, MemoryUse, OptimizerState, SampleParams,
    SpotCheck, TokenBatch, cuda, initial_theta, memory, sample, set_threads,
};

/// A replica on one device.
#[derive(Debug)]
pub struct TorchEngine {
    model: ModelParams,
    inner: InnerParams,
    options: EngineOptions,
    device: Device,
    layout: Layout,
    state: State,
    micro_batch: usize,
    /// Micro-batches begun, for [`AllocationFault::AtMicroBatch`].
    begun: u64,
    halt: Arc<AtomicBool>,
}

#[derive(Debug)]
enum State {
    Device { flat: Box<Flat>, decoder: Box<Decoder> },
    Host { theta: Vec<f32>, optimizer: OptimizerState },
}

impl TorchEngine {
    /// A replica with the run's initial parameters and a fresh optimizer.
    ///
    /// # Errors
    /// A device that is not there, memory that does not hold the state, another thread count than before, or a
    /// sequence length below 2.
    pub fn new(
        model: &ModelParams,
        inner: &InnerParams,
        options: EngineOptions,
        seed: u64,
    ) -> Result<Self, EngineError> {
        let layout = Layout::of(model);
        let optimizer = OptimizerState::default();
        Self::with_host_state(model, inner, options, layout, initial_theta(model, seed), optimizer)
    }

    fn with_host_state(
        model: &ModelParams,
        inner: &InnerParams,
        options: EngineOptions,
        layout: Layout,
        theta: Vec<f32>,
        optimizer: OptimizerState,
    ) -> Result<Self, EngineError> {
        if options.sequence_tokens < 2 {
            let got = options.sequence_tokens as f64;
            return Err(EngineError::Number { what: "sequence_tokens", expected: "at least 2", got });
        }
        if let Some(threads) = options.threads {
            set_threads(threads)?;
        }
        let device = cuda::resolve(options.device)?;
        // The operations used here have one kernel each on a processor, and it does not vary.
        if options.deterministic && device.is_cuda() {
            torch_ext::set_deterministic(torch_ext::Determinism::Prefer)?;
        }
        let mut engine = Self {
            model: model.clone(),
            inner: inner.clone(),
            options,
            device,
            layout,
            state: State::Host { theta, optimizer },
            micro_batch: 1,
            begun: 0,
            halt: Arc::default(),
        };
        engine.acquire()?;
        engine.micro_batch = options.micro_batch.unwrap_or_else(|| engine.fitting_micro_batch()).max(1);
        Ok(engine)
    }

    /// Sequences per micro-batch that the estimate of activations allows on this device now.
    fn fitting_micro_batch(&self) -> usize {
        let free = match self.device {
            Device::Cuda(index) => torch_ext::cuda_memory(index).map_or(0, |m| m.device_free),
            _ => memory::CPU_ACTIVATION_BYTES,
        };
        memory::fitting_sequences(&self.model, &self.options, free).max(1)
    }

    fn check_batch(&self, batch: &TokenBatch) -> Result<(), EngineError> {
        let TokenBatch { tokens, sequences, length } = batch;
        let max_length = self.options.sequence_tokens;
        let fits = *sequences >= 1
            && (2..=max_length).contains(length)
            && sequences.checked_mul(*length) == Some(tokens.len());
        if !fits {
            let (sequences, length, tokens) = (*sequences, *length, tokens.len());
            return Err(EngineError::BatchShape { sequences, length, tokens, max_length });
        }
        self.check_tokens(tokens)
    }

    fn check_tokens(&self, tokens: &[u32]) -> Result<(), EngineError> {
        let vocab = self.model.vocab;
        match tokens.iter().position(|token| *token as usize >= vocab) {
            Some(index) => Err(EngineError::Token { index, token: tokens[index], vocab }),
            None => Ok(()),
        }
    }

    fn check_length(&self, what: &'static str, got: usize) -> Result<(), EngineError> {
        let expected = self.parameter_count();
        if got == expected { Ok(()) } else { Err(EngineError::Length { what, expected, got }) }
    }

    fn pass(&self) -> Result<Pass<'_>, EngineError> {
        match &self.state {
            State::Device { flat, decoder } => Ok(Pass { flat, layout: &self.layout, decoder }),
            State::Host { .. } => Err(EngineError::Released),
        }
    }

    fn flat_mut(&mut self) -> Result<&mut Flat, EngineError> {
        match &mut self.state {
            State::Device { flat, .. } => Ok(flat),
            State::Host { .. } => Err(EngineError::Released),
        }
    }

    /// Gradients of the mean loss over the whole batch, from zero; returns the mean loss.
    fn gradients(&mut self, batch: &TokenBatch) -> Result<f64, EngineError> {
        self.flat_mut()?.zero_grad()?;
        let scale = 1.0 / batch.predicted() as f64;
        let mut total: Option<Tensor> = None;
        for tokens in batch.tokens.chunks(self.micro_batch * batch.length) {
            if self.halt.load(Ordering::Relaxed) {
                return Err(EngineError::Halted);
            }
            let fault = self.pretended_shortage(tokens.len() / batch.length);
            let micro = MicroBatch::new(tokens, batch.length, self.device)?;
            let loss = self.pass()?.backward(&micro, scale, self.options.recompute, || fault)?;
            self.pretended_flip()?;
            total = Some(match total {
                Some(sum) => sum.f_add(&loss)?,
                None => loss,
            });
        }
        // The one wait for the device in a step, besides the gradient's norm.
        let sum = total.map_or(Ok(0.0), |t| t.f_double_value(&[]))?;
        Ok(sum * scale)
    }

    fn pretended_shortage(&mut self, sequences: usize) -> Result<(), EngineError> {
        let number = self.begun;
        self.begun += 1;
        let fails = match self.options.fault {
            Some(AllocationFault::AboveSequences(most)) => sequences > most,
            Some(AllocationFault::AtMicroBatch(at)) => number == at,
            None => false,
        };
        let words = || "a pretended shortage of memory".to_owned();
        if fails { Err(EngineError::OutOfMemory { summary: words(), detail: words() }) } else { Ok(()) }
    }

    fn gradients_that_fit(&mut self, batch: &TokenBatch) -> Result<f64, EngineError> {
        // A micro-batch larger than the batch would be halved to no effect.
        self.micro_batch = self.micro_batch.min(batch.sequences);
        loop {
            match self.gradients(batch) {
                Err(EngineError::OutOfMemory { .. }) if self.micro_batch > 1 => {
                    self.micro_batch = self.micro_batch.div_ceil(2);
                    self.free_cached();
                }
                other => return other,
            }
        }
    }

    /// A failure to free cached memory is no failure of the step: the retry tells.
    fn free_cached(&self) {
        if self.device.is_cuda() {
            let _ = torch_ext::empty_cuda_cache();
        }
    }

    fn mean_loss(&self, batch: &TokenBatch) -> Result<f64, EngineError> {
        let mut micro_batch = self.micro_batch.min(batch.sequences);
        loop {
            match self.mean_loss_in(batch, micro_batch) {
                Err(EngineError::OutOfMemory { .. }) if micro_batch > 1 => {
                    micro_batch = micro_batch.div_ceil(2);
                    self.free_cached();
                }
                other => return other,
            }
        }
    }

    fn mean_loss_in(&self, batch: &TokenBatch, micro_batch: usize) -> Result<f64, EngineError> {
        let pass = self.pass()?;
        let mut sum = 0.0;
        for tokens in batch.tokens.chunks(micro_batch * batch.length) {
            sum += pass.loss(&MicroBatch::new(tokens, batch.length, self.device)?)?.f_double_value(&[])?;
        }
        Ok(sum / batch.predicted() as f64)
    }
}

impl Engine for TorchEngine {
    fn model(&self) -> &ModelParams {
        &self.model
    }

    fn parameter_count(&self) -> usize {
        usize::try_from(self.layout.len).unwrap_or(usize::MAX)
    }

    fn read_theta(&self, out: &mut [f32]) -> Result<(), EngineError> {
        self.check_length("theta", out.len())?;
        match &self.state {
            State::Device { flat, .. } => flat.read_theta(out),
            State::Host { theta, .. } => {
                out.copy_from_slice(theta);
                Ok(())
            }
        }
    }

    fn write_theta(&mut self, new: &[f32]) -> Result<(), EngineError> {
        self.check_length("theta", new.len())?;
        match &mut self.state {
            State::Device { flat, .. } => flat.write_theta(new),
            State::Host { theta, .. } => {
                theta.copy_from_slice(new);
                Ok(())
            }
        }
    }

    fn inner_step(&mut self, batch: &TokenBatch, lr: f64) -> Result<InnerStats, EngineError> {
        self.check_batch(batch)?;
        if !(lr.is_finite() && lr >= 0.0) {
            return Err(EngineError::Number { what: "lr", expected: "finite and at least 0", got: lr });
        }
        let loss = self.gradients_that_fit(batch)?;
        let numbers = AdamW {
            lr,
            beta1: self.inner.beta1,
            beta2: self.inner.beta2,
            weight_decay: self.inner.weight_decay,
            eps: self.inner.eps,
        };
        let clip = self.inner.clip_norm;
        let State::Device { flat, .. } = &mut self.state else { return Err(EngineError::Released) };
        let grad_norm = flat.grad_norm(&self.layout)?;
        let skipped = !(loss.is_finite() && grad_norm.is_finite());
        if !skipped {
            // As in clip_grad_norm_; the 1e-6 is its guard against division by zero.
            let factor = clip / (grad_norm + 1e-6);
            if factor < 1.0 {
                flat.scale_grad(factor)?;
            }
            flat.adamw(numbers)?;
        }
        let (tokens, micro_batch) = (batch.tokens.len() as u64, self.micro_batch);
        Ok(InnerStats { loss, grad_norm, tokens, lr, micro_batch, skipped })
    }

    fn halt_when(&mut self, flag: Arc<AtomicBool>) {
        self.halt = flag;
    }

    fn eval_loss(&mut self, batch: &TokenBatch) -> Result<f64, EngineError> {
        self.check_batch(batch)?;
        self.mean_loss(batch)
    }

    fn eval_loss_at(&mut self, theta: &[f32], batches: &[TokenBatch]) -> Result<Vec<f64>, EngineError> {
        self.check_length("theta", theta.len())?;
        batches.iter().try_for_each(|batch| self.check_batch(batch))?;
        self.pass()?;
        let mut own = vec![0.0f32; theta.len()];
        self.read_theta(&mut own)?;
        let losses = self
            .flat_mut()?
            .write_work(theta)
            .and_then(|()| batches.iter().map(|batch| self.mean_loss(batch)).collect::<Result<Vec<_>, _>>());
        self.flat_mut()?.write_theta(&own)?;
        losses
    }

    fn spot_check(&mut self, batch: &TokenBatch) -> Result<Option<SpotCheck>, EngineError> {
        self.check_batch(batch)?;
        self.spot(batch).map(Some)
    }

    fn optimizer_state(&self) -> Result<OptimizerState, EngineError> {
        match &self.state {
            State::Device { flat, .. } => flat.optimizer_state(),
            State::Host { optimizer, .. } => Ok(optimizer.clone()),
        }
    }

    fn load_optimizer_state(&mut self, state: &OptimizerState) -> Result<(), EngineError> {
        self.check_length("first moment", state.first.len())?;
        self.check_length("second moment", state.second.len())?;
        match &mut self.state {
            State::Device { flat, .. } => flat.load_optimizer_state(state),
            State::Host { optimizer, .. } => {
                optimizer.clone_from(state);
                Ok(())
            }
        }
    }

    fn release(&mut self) -> Result<(), EngineError> {
        if matches!(self.state, State::Host { .. }) {
            return Ok(());
        }
        let mut theta = vec![0.0f32; self.parameter_count()];
        self.read_theta(&mut theta)?;
        let optimizer = self.optimizer_state()?;
        self.state = State::Host { theta, optimizer };
        self.free_cached();
        Ok(())
    }

    fn acquire(&mut self) -> Result<(), EngineError> {
        let State::Host { theta, optimizer } = &self.state else { return Ok(()) };
        let mut flat = Flat::new(&self.layout, self.device, &self.options)?;
        flat.write_theta(theta)?;
        // A fresh engine has no moments yet; the new buffers are zero already.
        if !optimizer.first.is_empty() {
            flat.load_optimizer_state(optimizer)?;
        }
        let decoder = Decoder::new(&self.model, self.options.sequence_tokens, self.device, flat.kind())?;
        self.state = State::Device { flat: Box::new(flat), decoder: Box::new(decoder) };
        Ok(())
    }

    fn sample(&mut self, prompt: &[u32], params: SampleParams) -> Result<Vec<u32>, EngineError> {
        sample::check(&params)?;
        self.check_tokens(prompt)?;
        if prompt.is_empty() {
            return Err(EngineError::Number { what: "prompt", expected: "at least one token", got: 0.0 });
        }
        let pass = self.pass()?;
        let mut text: Vec<i64> = prompt.iter().map(|t| i64::from(*t)).collect();
        let mut new = Vec::new();
        for draw in 0..params.max_tokens {
            let seen = &text[text.len().saturating_sub(self.options.sequence_tokens)..];
            let token = sample::choose(&pass.next_logits(seen, self.device)?, &params, draw as u64);
            text.push(i64::from(token));
            new.push(token);
        }
        Ok(new)
    }

    fn memory(&self) -> MemoryUse {
        let cuda = match self.device {
            Device::Cuda(index) => torch_ext::cuda_memory(index).ok(),
            _ => None,
        };
        match &self.state {
            State::Device { flat, .. } => MemoryUse {
                device_state_bytes: flat.device_bytes(),
                device_working_bytes: flat.working_bytes(),
                host_state_bytes: flat.host_bytes(),
                cuda,
            },
            State::Host { theta, optimizer } => {
                let values = theta.len() + optimizer.first.len() + optimizer.second.len();
                MemoryUse { host_state_bytes: 4 * values as u64, cuda, ..MemoryUse::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests;
