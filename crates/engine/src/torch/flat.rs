//! The flat buffers on the device: parameters, gradient, moments, and the leaves that view them.
//!
//! In: flat host slices. Out: flat host slices, bit for bit; one AdamW step. In f32 the leaves' gradients are views of
//! the flat gradient and backward passes add into it; in bf16 each leaf's gradient is drained into it ([`Flat::drain`]).

use tch::{Device, Kind, Tensor, no_grad_guard};
use torch_ext::{AdamW, AdamWTensors, fused_adamw, set_grad};

use super::layout::Layout;
use crate::{EngineError, OptimizerState, Precision};

/// Elements copied between host and device at a time: bounds the staging copy to 64 MiB.
const COPY_ELEMENTS: usize = 1 << 24;
/// Elements per tensor handed to the fused kernel, which counts with 32 bits.
const KERNEL_ELEMENTS: i64 = 1 << 30;

/// All state of a replica on one device.
#[derive(Debug)]
pub(crate) struct Flat {
    /// f32 parameters, the truth.
    theta: Tensor,
    /// What the passes read: `theta` itself in f32, its rounded copy in bf16.
    work: Tensor,
    /// f32 gradient.
    grad: Tensor,
    first: Tensor,
    second: Tensor,
    /// Steps taken, as the kernel wants them.
    step_tensor: Tensor,
    step: u64,
    leaves: Vec<Tensor>,
    kind: Kind,
}

impl Flat {
    /// Fresh optimizer state and undefined parameters, which the caller writes.
    pub(crate) fn new(layout: &Layout, device: Device, precision: Precision) -> Result<Self, EngineError> {
        let kind = match precision {
            Precision::F32 => Kind::Float,
            Precision::Bf16 => Kind::BFloat16,
        };
        let zeros = || Tensor::f_zeros([layout.len], (Kind::Float, device));
        let theta = zeros()?;
        let grad = zeros()?;
        let work = match precision {
            Precision::F32 => theta.shallow_clone(),
            Precision::Bf16 => theta.f_to_kind(kind)?,
        };
        let mut leaves = Vec::with_capacity(layout.leaves.len());
        for leaf in &layout.leaves {
            let view = |flat: &Tensor| flat.f_narrow(0, leaf.offset, leaf.len())?.f_view(leaf.shape.as_slice());
            let tensor = view(&work)?.f_detach()?.f_set_requires_grad(true)?;
            if precision == Precision::F32 {
                set_grad(&tensor, &view(&grad)?)?;
            }
            leaves.push(tensor);
        }
        let step_tensor = Tensor::f_zeros([] as [i64; 0], (Kind::Float, device))?;
        Ok(Self { theta, work, grad, first: zeros()?, second: zeros()?, step_tensor, step: 0, leaves, kind })
    }

    /// A leaf by its index in the layout.
    pub(crate) fn leaf(&self, index: usize) -> &Tensor {
        &self.leaves[index]
    }

    /// Kind of the leaves and activations.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Bytes of all buffers.
    pub(crate) fn bytes(&self) -> u64 {
        let n = self.theta.numel() as u64;
        if self.kind == Kind::Float { 16 * n } else { 18 * n }
    }

    /// Copies the parameters out.
    pub(crate) fn read_theta(&self, out: &mut [f32]) -> Result<(), EngineError> {
        read(&self.theta, out)
    }

    /// Replaces the parameters.
    pub(crate) fn write_theta(&mut self, theta: &[f32]) -> Result<(), EngineError> {
        write(&self.theta, theta)?;
        self.refresh()
    }

    /// Lets the passes see other parameters. In bf16 the f32 parameters stay as they are; in f32 they are overwritten,
    /// and the caller must have saved them.
    pub(crate) fn write_work(&mut self, theta: &[f32]) -> Result<(), EngineError> {
        write(&self.work, theta)
    }

    /// Makes the working copy follow the parameters.
    pub(crate) fn refresh(&mut self) -> Result<(), EngineError> {
        if self.kind != Kind::Float {
            let _guard = no_grad_guard();
            self.work.f_copy_(&self.theta)?;
        }
        Ok(())
    }

    /// Copies the optimizer state out.
    pub(crate) fn optimizer_state(&self) -> Result<OptimizerState, EngineError> {
        let out = |tensor: &Tensor| {
            let mut values = vec![0.0f32; tensor.numel()];
            read(tensor, &mut values).map(|()| values)
        };
        Ok(OptimizerState { step: self.step, first: out(&self.first)?, second: out(&self.second)? })
    }

    /// Replaces the optimizer state.
    pub(crate) fn load_optimizer_state(&mut self, state: &OptimizerState) -> Result<(), EngineError> {
        write(&self.first, &state.first)?;
        write(&self.second, &state.second)?;
        self.step = state.step;
        Ok(())
    }

    /// Sets the gradient to zero before a step.
    pub(crate) fn zero_grad(&mut self) -> Result<(), EngineError> {
        let _guard = no_grad_guard();
        let _ = self.grad.f_zero_()?;
        let undefined = Tensor::new();
        for leaf in self.leaves.iter().filter(|_| self.kind != Kind::Float) {
            set_grad(leaf, &undefined)?;
        }
        Ok(())
    }

    /// bf16 only: adds the leaves' gradients to the f32 gradient and frees them.
    pub(crate) fn drain(&self, layout: &Layout, leaves: &[usize]) -> Result<(), EngineError> {
        if self.kind == Kind::Float {
            return Ok(());
        }
        let _guard = no_grad_guard();
        for &index in leaves {
            let grad = self.leaves[index].f_grad()?;
            if grad.defined() {
                let leaf = &layout.leaves[index];
                let mut total = self.grad.f_narrow(0, leaf.offset, leaf.len())?.f_view(leaf.shape.as_slice())?;
                let _ = total.f_add_(&grad)?;
                set_grad(&self.leaves[index], &Tensor::new())?;
            }
        }
        Ok(())
    }

    /// L2 norm of the gradient: norms of the leaves, then their norm in f64, as in `clip_grad_norm_`.
    pub(crate) fn grad_norm(&self, layout: &Layout) -> Result<f64, EngineError> {
        let _guard = no_grad_guard();
        let norms: Result<Vec<Tensor>, _> =
            layout.leaves.iter().map(|leaf| self.grad.f_narrow(0, leaf.offset, leaf.len())?.f_norm()).collect();
        let norms = Tensor::f_stack(&norms?, 0)?;
        let mut values = vec![0.0f32; layout.leaves.len()];
        read(&norms, &mut values)?;
        Ok(values.iter().map(|n| f64::from(*n).powi(2)).sum::<f64>().sqrt())
    }

    /// Multiplies the gradient (clipping).
    pub(crate) fn scale_grad(&mut self, factor: f64) -> Result<(), EngineError> {
        let _guard = no_grad_guard();
        let _ = self.grad.f_mul_scalar_(factor)?;
        Ok(())
    }

    /// One AdamW step with the gradient as it stands.
    pub(crate) fn adamw(&mut self, numbers: AdamW) -> Result<(), EngineError> {
        let _guard = no_grad_guard();
        let step = self.step + 1;
        let _ = self.step_tensor.f_fill_(step as f64)?;
        let pieces = |flat: &Tensor| -> Result<Vec<Tensor>, EngineError> {
            let len = flat.numel() as i64;
            let starts = (0..len).step_by(KERNEL_ELEMENTS as usize);
            Ok(starts.map(|at| flat.f_narrow(0, at, KERNEL_ELEMENTS.min(len - at))).collect::<Result<_, _>>()?)
        };
        let params = pieces(&self.theta)?;
        let steps: Vec<Tensor> = params.iter().map(|_| self.step_tensor.shallow_clone()).collect();
        let (grads, first, second) = (pieces(&self.grad)?, pieces(&self.first)?, pieces(&self.second)?);
        let lists = AdamWTensors { params: &params, grads: &grads, first: &first, second: &second, steps: &steps };
        fused_adamw(lists, numbers)?;
        self.step = step;
        self.refresh()
    }
}

fn read(tensor: &Tensor, out: &mut [f32]) -> Result<(), EngineError> {
    if tensor.numel() != out.len() {
        return Err(EngineError::Length { what: "buffer", expected: tensor.numel(), got: out.len() });
    }
    let mut at = 0;
    for part in out.chunks_mut(COPY_ELEMENTS) {
        let len = part.len();
        tensor.f_narrow(0, at, len as i64)?.f_copy_data(part, len)?;
        at += len as i64;
    }
    Ok(())
}

fn write(tensor: &Tensor, values: &[f32]) -> Result<(), EngineError> {
    let _guard = no_grad_guard();
    let mut at = 0;
    for part in values.chunks(COPY_ELEMENTS) {
        let len = part.len() as i64;
        tensor.f_narrow(0, at, len)?.f_copy_(&Tensor::f_from_slice(part)?)?;
        at += len;
    }
    Ok(())
}
