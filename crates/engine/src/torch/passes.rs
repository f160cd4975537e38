//! Forward and backward over one micro-batch: layer-wise backward and chunked cross-entropy.
//!
//! In: ids and targets of one micro-batch. Out: the summed loss; gradients added to the flat gradient. The forward pass
//! keeps only each block's input; the backward pass computes a block again and multiplies its Jacobian with the
//! gradient from above. Those per-block places are where sharded or off-loaded parameters would come and go.
//! With `recompute` off, one graph holds all blocks; the operations and so the bits are the same.

use tch::{Device, Kind, Reduction, TchError, Tensor, no_grad_guard};
use torch_ext::backward_with;

use super::decoder::Decoder;
use super::flat::Flat;
use super::layout::Layout;
use crate::EngineError;

/// Target of positions that predict nothing.
const IGNORED: i64 = -100;

/// One micro-batch on the device.
#[derive(Debug)]
pub(crate) struct MicroBatch {
    /// `[sequences, length]`, i64.
    ids: Tensor,
    /// `[sequences * length]`, i64.
    targets: Tensor,
}

impl MicroBatch {
    /// Rows of checked tokens; targets are the next tokens of the row.
    pub(crate) fn new(tokens: &[u32], length: usize, device: Device) -> Result<Self, EngineError> {
        let ids: Vec<i64> = tokens.iter().map(|t| i64::from(*t)).collect();
        let mut targets = Vec::with_capacity(ids.len());
        for row in ids.chunks_exact(length) {
            targets.extend_from_slice(&row[1..]);
            targets.push(IGNORED);
        }
        let rows = (ids.len() / length) as i64;
        let ids = Tensor::f_from_slice(&ids)?.f_view([rows, length as i64])?.f_to_device(device)?;
        Ok(Self { ids, targets: Tensor::f_from_slice(&targets)?.f_to_device(device)? })
    }
}

/// What a pass reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) flat: &'a Flat,
    pub(crate) layout: &'a Layout,
    pub(crate) decoder: &'a Decoder,
}

impl Pass<'_> {
    /// Adds the gradient of `scale * (summed loss)` to the flat gradient; returns the summed loss as an f64 scalar on
    /// the device. `interrupt` runs half-way, when some gradients are already added.
    pub(crate) fn backward(
        &self,
        batch: &MicroBatch,
        scale: f64,
        recompute: bool,
        interrupt: impl FnOnce() -> Result<(), EngineError>,
    ) -> Result<Tensor, EngineError> {
        let embedded = self.decoder.embed(self.flat, self.layout, &batch.ids)?;
        if recompute {
            self.layer_wise(&embedded, batch, scale, interrupt)
        } else {
            self.whole(&embedded, batch, scale, interrupt)
        }
    }

    fn layer_wise(
        &self,
        embedded: &Tensor,
        batch: &MicroBatch,
        scale: f64,
        interrupt: impl FnOnce() -> Result<(), EngineError>,
    ) -> Result<Tensor, EngineError> {
        let mut inputs = Vec::with_capacity(self.layout.blocks.len());
        let last = {
            let _guard = no_grad_guard();
            let mut x = embedded.f_detach()?;
            for index in 0..self.layout.blocks.len() {
                let y = self.decoder.block(self.flat, self.layout, index, &x)?;
                inputs.push(std::mem::replace(&mut x, y));
            }
            x.f_set_requires_grad(true)?
        };
        let hidden = self.decoder.final_norm(self.flat, self.layout, &last)?;
        let (loss, hidden_grad) = self.head_backward(&hidden, &batch.targets, scale)?;
        interrupt()?;
        backward_with(&hidden, &hidden_grad)?;
        self.flat.drain(self.layout, &[self.layout.final_norm])?;
        let mut grad = last.f_grad()?;
        drop((hidden, hidden_grad, last));
        while let Some(input) = inputs.pop() {
            let index = inputs.len();
            let x = input.f_set_requires_grad(true)?;
            backward_with(&self.decoder.block(self.flat, self.layout, index, &x)?, &grad)?;
            grad = x.f_grad()?;
            self.flat.drain(self.layout, &self.layout.blocks[index].all())?;
        }
        backward_with(embedded, &grad)?;
        self.flat.drain(self.layout, &[self.layout.embedding])?;
        Ok(loss)
    }

    fn whole(
        &self,
        embedded: &Tensor,
        batch: &MicroBatch,
        scale: f64,
        interrupt: impl FnOnce() -> Result<(), EngineError>,
    ) -> Result<Tensor, EngineError> {
        let mut x = embedded.shallow_clone();
        for index in 0..self.layout.blocks.len() {
            x = self.decoder.block(self.flat, self.layout, index, &x)?;
        }
        let hidden = self.decoder.final_norm(self.flat, self.layout, &x)?;
        let (loss, hidden_grad) = self.head_backward(&hidden, &batch.targets, scale)?;
        interrupt()?;
        backward_with(&hidden, &hidden_grad)?;
        let all: Vec<usize> = (0..self.layout.leaves.len()).collect();
        self.flat.drain(self.layout, &all)?;
        Ok(loss)
    }

    /// Head and loss, chunk by chunk: summed loss and the gradient of `hidden`.
    fn head_backward(&self, hidden: &Tensor, targets: &Tensor, scale: f64) -> Result<(Tensor, Tensor), EngineError> {
        let device = hidden.device();
        let flat_hidden = hidden.f_detach()?.f_view([-1, self.width(hidden)])?;
        let hidden_grad = flat_hidden.f_empty_like()?;
        let scale = Tensor::f_full([] as [i64; 0], scale, (Kind::Float, device))?;
        let mut total = Tensor::f_zeros([] as [i64; 0], (Kind::Double, device))?;
        for (start, len) in self.chunks(targets) {
            let leaf = flat_hidden.f_narrow(0, start, len)?.f_detach()?.f_set_requires_grad(true)?;
            let loss = self.loss_sum(&leaf, &targets.f_narrow(0, start, len)?)?;
            backward_with(&loss, &scale)?;
            let _guard = no_grad_guard();
            hidden_grad.f_narrow(0, start, len)?.f_copy_(&leaf.f_grad()?)?;
            total = total.f_add(&loss.f_detach()?)?;
            self.flat.drain(self.layout, &[self.layout.head])?;
        }
        Ok((total, hidden_grad.f_view_as(hidden)?))
    }

    /// Summed loss as an f64 scalar on the device, without a graph.
    pub(crate) fn loss(&self, batch: &MicroBatch) -> Result<Tensor, EngineError> {
        let _guard = no_grad_guard();
        let hidden = self.hidden(&batch.ids)?;
        let hidden = hidden.f_view([-1, self.width(&hidden)])?;
        let mut total = Tensor::f_zeros([] as [i64; 0], (Kind::Double, hidden.device()))?;
        for (start, len) in self.chunks(&batch.targets) {
            let loss = self.loss_sum(&hidden.f_narrow(0, start, len)?, &batch.targets.f_narrow(0, start, len)?)?;
            total = total.f_add(&loss)?;
        }
        Ok(total)
    }

    /// Logits of the position after the last token, `[vocab]`.
    pub(crate) fn next_logits(&self, tokens: &[i64], device: Device) -> Result<Vec<f32>, EngineError> {
        let _guard = no_grad_guard();
        let ids = Tensor::f_from_slice(tokens)?.f_view([1, -1])?.f_to_device(device)?;
        let hidden = self.hidden(&ids)?;
        let last = hidden.f_narrow(1, tokens.len() as i64 - 1, 1)?.f_view([1, self.width(&hidden)])?;
        let logits = self.decoder.logits(self.flat, self.layout, &last)?.f_view([-1])?;
        let mut values = vec![0.0f32; logits.numel()];
        let count = values.len();
        logits.f_copy_data(&mut values, count)?;
        Ok(values)
    }

    /// Ids `[batch, length]` to hidden states after the last norm.
    pub(crate) fn hidden(&self, ids: &Tensor) -> Result<Tensor, TchError> {
        let mut x = self.decoder.embed(self.flat, self.layout, ids)?;
        for index in 0..self.layout.blocks.len() {
            x = self.decoder.block(self.flat, self.layout, index, &x)?;
        }
        self.decoder.final_norm(self.flat, self.layout, &x)
    }

    fn loss_sum(&self, hidden: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
        let logits = self.decoder.logits(self.flat, self.layout, hidden)?;
        logits.f_cross_entropy_loss(targets, None::<&Tensor>, Reduction::Sum, IGNORED, 0.0)
    }

    fn width(&self, hidden: &Tensor) -> i64 {
        hidden.size().last().copied().unwrap_or(0)
    }

    /// Cuts the positions so that the logits stay bounded.
    fn chunks(&self, targets: &Tensor) -> impl Iterator<Item = (i64, i64)> + use<> {
        let (total, step) = (targets.numel() as i64, self.layout.loss_chunk);
        (0..total).step_by(usize::try_from(step).unwrap_or(1)).map(move |start| (start, step.min(total - start)))
    }
}
