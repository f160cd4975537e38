//! The flat buffers on the device: parameters, gradient, moments, and the leaves that view them.
//!
//! In: flat host slices. Out: flat host slices, bit for bit; one AdamW step. Where leaves and flat
//! gradient are of one kind the leaves' gradients are views of it and backward passes add into it; else each leaf's gradient
//! is drained into it ([`Flat::drain`]).

use tch::{Device, Kind, TchError, Tensor, no_grad_guard};
use torch_ext::{AdamW, AdamWTensors, fused_adamw, set_grad};

use super::layout::{Layout, Leaf};
use super::pieces::{Keeping, Pieces};
use crate::{EngineError, EngineOptions, Gradients, Moments, Offload, OptimizerState, Precision};

/// Elements copied between host and device at a time: bounds the staging copy to 64 MiB.
const COPY_ELEMENTS: usize = 1 << 24;
/// Elements per tensor handed to the fused kernel, which counts with 32 bits.
const KERNEL_ELEMENTS: i64 = 1 << 30;

/// All state of a replica on one device.
#[derive(Debug)]
pub(crate) struct Flat {
    /// What the passes read: the parameters themselves in f32, a rounded copy in bf16.
    work: Tensor,
    /// The gradient, f32 or bf16.
    grad: Tensor,
    /// What the gradient is still to be multiplied with, at most 1.
    grad_scale: f64,
    optimizer: Optimizer,
    /// Steps taken, as the kernel wants them.
    step_tensor: Tensor,
    step: u64,
    leaves: Vec<Tensor>,
    kind: Kind,
}

/// Where parameters and moments are kept.
#[derive(Debug)]
enum Optimizer {
    /// On the device in f32, each in one piece; `theta` is the working copy itself in f32.
    Whole { theta: Tensor, first: Tensor, second: Tensor },
    /// Piece by piece.
    Pieces(Pieces),
}

impl Flat {
    /// Fresh optimizer state and undefined parameters, which the caller writes.
    pub(crate) fn new(layout: &Layout, device: Device, options: &EngineOptions) -> Result<Self, EngineError> {
        let kind = match options.precision {
            Precision::F32 => Kind::Float,
            Precision::Bf16 => Kind::BFloat16,
        };
        let grad_kind = match options.gradients {
            Gradients::F32 => Kind::Float,
            Gradients::Bf16 => Kind::BFloat16,
        };
        let zeros = |kind| Tensor::f_zeros([layout.len], (kind, device));
        let work = zeros(kind)?;
        let grad = zeros(grad_kind)?;
        let coded = options.moments == Moments::EightBit;
        let on_host = options.offload == Offload::Optimizer;
        let optimizer = if coded || on_host || grad_kind != Kind::Float {
            let halves = kind == Kind::BFloat16;
            let keeping = Keeping { device, on_host, coded, halves, layer: layout.largest_layer() };
            Optimizer::Pieces(Pieces::new(layout.len, keeping)?)
        } else {
            let theta = if kind == Kind::Float { work.shallow_clone() } else { zeros(Kind::Float)? };
            Optimizer::Whole { theta, first: zeros(Kind::Float)?, second: zeros(Kind::Float)? }
        };
        let mut leaves = Vec::with_capacity(layout.leaves.len());
        for leaf in &layout.leaves {
            let view = |flat: &Tensor| flat.f_narrow(0, leaf.offset, leaf.len())?.f_view(leaf.shape.as_slice());
            let tensor = view(&work)?.f_detach()?.f_set_requires_grad(true)?;
            if kind == grad_kind {
                set_grad(&tensor, &view(&grad)?)?;
            }
            leaves.push(tensor);
        }
        let step_tensor = Tensor::f_zeros([] as [i64; 0], (Kind::Float, device))?;
        Ok(Self { work, grad, grad_scale: 1.0, optimizer, step_tensor, step: 0, leaves, kind })
    }

    /// Whether backward passes add into the flat gradient themselves.
    fn adds_in_place(&self) -> bool {
        self.grad.kind() == self.kind
    }

    /// For each leaf the sum of its gradient's bit patterns: one flipped bit always changes one of them.
    pub(crate) fn grad_sums(&self, layout: &Layout) -> Result<Vec<i64>, EngineError> {
        let _guard = no_grad_guard();
        let sum = |leaf: &Leaf| {
            self.grad.f_narrow(0, leaf.offset, leaf.len())?.f_view_dtype(self.bit_kind())?.f_sum(Kind::Int64)
        };
        let sums: Vec<Tensor> = layout.leaves.iter().map(sum).collect::<Result<_, _>>()?;
        let mut values = vec![0; sums.len()];
        Tensor::f_stack(&sums, 0)?.f_copy_data(&mut values, sums.len())?;
        Ok(values)
    }

    /// Flips one bit of one gradient value, as a broken card would.
    pub(crate) fn flip_grad_bit(&mut self, index: i64, bit: u8) -> Result<(), EngineError> {
        // In bf16 there are only the upper sixteen bits.
        let mask = match self.bit_kind() {
            Kind::Int => i64::from(1i32.rotate_left(u32::from(bit))),
            _ => i64::from(1i16.rotate_left(u32::from(bit % 16))),
        };
        let mut value = self.grad.f_narrow(0, index, 1)?.f_view_dtype(self.bit_kind())?;
        let _ = value.f_bitwise_xor_(mask)?;
        Ok(())
    }

    /// The whole numbers as wide as the gradient's values.
    fn bit_kind(&self) -> Kind {
        if self.grad.kind() == Kind::Float { Kind::Int } else { Kind::Int16 }
    }

    /// A leaf by its index in the layout.
    pub(crate) fn leaf(&self, index: usize) -> &Tensor {
        &self.leaves[index]
    }

    /// Kind of the leaves and activations.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Bytes of all buffers on the device.
    pub(crate) fn device_bytes(&self) -> u64 {
        let n = self.work.numel() as u64;
        let size = |tensor: &Tensor| tensor.kind().elt_size_in_bytes() as u64;
        let optimizer = match &self.optimizer {
            Optimizer::Whole { .. } if self.kind == Kind::Float => 8 * n,
            Optimizer::Whole { .. } => 12 * n,
            Optimizer::Pieces(pieces) if pieces.on_host() => 0,
            Optimizer::Pieces(pieces) => pieces.bytes(),
        };
        (size(&self.work) + size(&self.grad)) * n + optimizer
    }

    /// Bytes of off-loaded state in host memory.
    pub(crate) fn host_bytes(&self) -> u64 {
        match &self.optimizer {
            Optimizer::Pieces(pieces) if pieces.on_host() => pieces.bytes(),
            _ => 0,
        }
    }

    /// Bytes that an update takes on the device for a moment.
    pub(crate) fn working_bytes(&self) -> u64 {
        match &self.optimizer {
            Optimizer::Pieces(pieces) => pieces.working_bytes(),
            Optimizer::Whole { .. } => 0,
        }
    }

    /// Copies the parameters out.
    pub(crate) fn read_theta(&self, out: &mut [f32]) -> Result<(), EngineError> {
        match &self.optimizer {
            Optimizer::Whole { theta, .. } => read(theta, out),
            Optimizer::Pieces(pieces) => pieces.read_theta(&self.work, out),
        }
    }

    /// Replaces the parameters.
    pub(crate) fn write_theta(&mut self, new: &[f32]) -> Result<(), EngineError> {
        match &mut self.optimizer {
            Optimizer::Whole { theta, .. } => write(theta, new)?,
            Optimizer::Pieces(pieces) => pieces.write_theta(&self.work, new)?,
        }
        self.refresh()
    }

    /// Lets the passes see other parameters. The caller must have saved its own and writes them again afterwards.
    pub(crate) fn write_work(&mut self, theta: &[f32]) -> Result<(), EngineError> {
        match &mut self.optimizer {
            Optimizer::Whole { .. } => write(&self.work, theta),
            Optimizer::Pieces(pieces) => pieces.write_theta(&self.work, theta),
        }
    }

    /// Makes the working copy follow the parameters.
    fn refresh(&mut self) -> Result<(), EngineError> {
        if let Optimizer::Whole { theta, .. } = &self.optimizer
            && self.kind != Kind::Float
        {
            let _guard = no_grad_guard();
            self.work.f_copy_(theta)?;
        }
        Ok(())
    }

    /// Copies the optimizer state out.
    pub(crate) fn optimizer_state(&self) -> Result<OptimizerState, EngineError> {
        let zeros = || vec![0.0f32; self.work.numel()];
        let mut state = OptimizerState { step: self.step, first: zeros(), second: zeros() };
        match &self.optimizer {
            Optimizer::Whole { first, second, .. } => {
                read(first, &mut state.first)?;
                read(second, &mut state.second)?;
            }
            Optimizer::Pieces(pieces) => pieces.read_moments(&mut state.first, &mut state.second)?,
        }
        Ok(state)
    }

    /// Replaces the optimizer state.
    pub(crate) fn load_optimizer_state(&mut self, state: &OptimizerState) -> Result<(), EngineError> {
        match &mut self.optimizer {
            Optimizer::Whole { first, second, .. } => {
                write(first, &state.first)?;
                write(second, &state.second)?;
            }
            Optimizer::Pieces(pieces) => pieces.write_moments(&state.first, &state.second)?,
        }
        self.step = state.step;
        Ok(())
    }

    /// Sets the gradient to zero before a step.
    pub(crate) fn zero_grad(&mut self) -> Result<(), EngineError> {
        let _guard = no_grad_guard();
        let _ = self.grad.f_zero_()?;
        self.grad_scale = 1.0;
        let undefined = Tensor::new();
        for leaf in self.leaves.iter().filter(|_| !self.adds_in_place()) {
            set_grad(leaf, &undefined)?;
        }
        Ok(())
    }

    /// Adds the leaves' gradients to the flat gradient and frees them, where the passes have not added them themselves.
    pub(crate) fn drain(&self, layout: &Layout, leaves: &[usize]) -> Result<(), EngineError> {
        if self.adds_in_place() {
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
        let norm = |leaf: &Leaf| -> Result<Tensor, TchError> {
            let part = self.grad.f_narrow(0, leaf.offset, leaf.len())?;
            // A sum of squares in bf16 would end at 256 times its smallest summand.
            if part.kind() == Kind::Float { part.f_norm() } else { part.f_norm_scalaropt_dtype(2, Kind::Float) }
        };
        let norms = Tensor::f_stack(&layout.leaves.iter().map(norm).collect::<Result<Vec<_>, _>>()?, 0)?;
        let mut values = vec![0.0f32; layout.leaves.len()];
        read(&norms, &mut values)?;
        Ok(values.iter().map(|n| f64::from(*n).powi(2)).sum::<f64>().sqrt())
    }

    /// Multiplies the gradient (clipping), at once or when it is used.
    pub(crate) fn scale_grad(&mut self, factor: f64) -> Result<(), EngineError> {
        if matches!(self.optimizer, Optimizer::Pieces(_)) {
            self.grad_scale *= factor;
            return Ok(());
        }
        let _guard = no_grad_guard();
        let _ = self.grad.f_mul_scalar_(factor)?;
        Ok(())
    }

    /// One AdamW step with the gradient as it stands.
    pub(crate) fn adamw(&mut self, numbers: AdamW) -> Result<(), EngineError> {
        let _guard = no_grad_guard();
        let step = self.step + 1;
        let _ = self.step_tensor.f_fill_(step as f64)?;
        match &mut self.optimizer {
            Optimizer::Whole { theta, first, second } => {
                let params = pieces(theta)?;
                let steps: Vec<Tensor> = params.iter().map(|_| self.step_tensor.shallow_clone()).collect();
                let (grads, first, second) = (pieces(&self.grad)?, pieces(first)?, pieces(second)?);
                let (params, grads) = (params.as_slice(), grads.as_slice());
                fused_adamw(AdamWTensors { params, grads, first: &first, second: &second, steps: &steps }, numbers)?;
            }
            Optimizer::Pieces(pieces) => {
                pieces.update(&self.work, &self.grad, &self.step_tensor, self.grad_scale, numbers)?;
            }
        }
        self.step = step;
        self.refresh()
    }
}

/// Views that the fused kernel can count.
fn pieces(flat: &Tensor) -> Result<Vec<Tensor>, TchError> {
    let len = flat.numel() as i64;
    let starts = (0..len).step_by(KERNEL_ELEMENTS as usize);
    starts.map(|at| flat.f_narrow(0, at, KERNEL_ELEMENTS.min(len - at))).collect()
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
