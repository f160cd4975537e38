//! A device is asked the same thing twice: a card that flips bits, or memory that does, answers differently.
//!
//! In: a batch whose first micro-batch is computed. Out: whether both passes agree bit for bit, and how far a product is
//! from the processor's. It changes the gradient, which every step clears first, and nothing else.

use tch::{Device, Kind, Tensor, no_grad_guard};

use super::TorchEngine;
use super::passes::MicroBatch;
use crate::{EngineError, SpotCheck, TokenBatch};

/// Rows of a weight that the processor multiplies too: a moment's work also for the largest model.
const SPOT_ROWS: i64 = 256;

/// What one pass left.
#[derive(PartialEq)]
struct Trace {
    loss: u64,
    gradient: Vec<i64>,
}

impl TorchEngine {
    pub(super) fn spot(&mut self, batch: &TokenBatch) -> Result<SpotCheck, EngineError> {
        let rows = self.micro_batch.min(batch.sequences);
        let tokens = &batch.tokens[..rows * batch.length];
        let (first, second) = (self.trace(tokens, batch.length)?, self.trace(tokens, batch.length)?);
        self.flat_mut()?.zero_grad()?;
        let apart = if self.device.is_cuda() { Some(self.product_apart()?) } else { None };
        Ok(SpotCheck { same: first == second, apart })
    }

    fn trace(&mut self, tokens: &[u32], length: usize) -> Result<Trace, EngineError> {
        self.flat_mut()?.zero_grad()?;
        let micro = MicroBatch::new(tokens, length, self.device)?;
        let scale = 1.0 / tokens.len() as f64;
        self.begun += 1;
        let loss = self.pass()?.backward(&micro, scale, self.options.recompute, || Ok(()))?;
        self.pretended_flip()?;
        let gradient = self.pass()?.flat.grad_sums(&self.layout)?;
        Ok(Trace { loss: loss.f_double_value(&[])?.to_bits(), gradient })
    }

    /// Rows of a block's weight times ones and minus ones, here and on the processor.
    fn product_apart(&self) -> Result<f64, EngineError> {
        let _guard = no_grad_guard();
        let pass = self.pass()?;
        // Another block each time, so that in the end all of the card's memory is looked at.
        let block = self.begun as usize % self.layout.blocks.len().max(1);
        let Some(leaves) = self.layout.blocks.get(block) else { return Ok(0.0) };
        let mut worst = 0.0f64;
        for leaf in leaves.all() {
            let weight = pass.flat.leaf(leaf);
            let [rows, columns] = weight.size()[..] else { continue };
            let part = weight.f_narrow(0, 0, rows.min(SPOT_ROWS))?;
            let signs = Tensor::f_arange(columns, (Kind::Int64, Device::Cpu))?.f_remainder(2)?.f_mul_scalar(2)?;
            let signs = signs.f_sub_scalar(1)?.f_to_kind(part.kind())?;
            let there = part.f_mv(&signs.f_to_device(self.device)?)?.f_to_device(Device::Cpu)?;
            let here = part.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_mv(&signs.f_to_kind(Kind::Double)?)?;
            let apart = there.f_to_kind(Kind::Double)?.f_sub(&here)?.f_norm()?.f_double_value(&[])?;
            let apart = apart / here.f_norm()?.f_double_value(&[])?.max(f64::MIN_POSITIVE);
            // `max` would lose a NaN.
            worst = if apart.is_nan() || apart > worst { apart } else { worst };
        }
        Ok(worst)
    }

    /// As a broken card would, where one is pretended.
    pub(super) fn pretended_flip(&mut self) -> Result<(), EngineError> {
        let Some(flips) = self.options.flips else { return Ok(()) };
        if !self.begun.is_multiple_of(flips.every.max(1)) {
            return Ok(());
        }
        // Spread over all parameters; any odd number would do.
        let index = (self.begun.wrapping_mul(0x9E37_79B9_7F4A_7C15) % self.layout.len as u64) as i64;
        self.flat_mut()?.flip_grad_bit(index, flips.bit)
    }
}
