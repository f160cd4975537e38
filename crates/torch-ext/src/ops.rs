//! Tensor operations that change their arguments, which tch's generated bindings leave out.
//!
//! In: tch tensors of matching shape, kind and device (libtorch checks, and its refusal is the error). Out: changed
//! tensors. It allocates nothing itself.

use std::ffi::c_int;

use tch::Tensor;

use crate::TorchExtError;
use crate::ffi::{TensorPtr, check, tx_backward, tx_fused_adamw, tx_set_grad};

/// AdamW's numbers for one step (decoupled weight decay; Loshchilov and Hutter 2019).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Added to the denominator.
    pub eps: f64,
}

/// The tensors of one fused step; position i of every list belongs together.
#[derive(Debug, Clone, Copy)]
pub struct AdamWTensors<'a> {
    /// Parameters, changed in place.
    pub params: &'a [Tensor],
    /// Gradients.
    pub grads: &'a [Tensor],
    /// First moments, changed in place.
    pub first: &'a [Tensor],
    /// Second moments, changed in place.
    pub second: &'a [Tensor],
    /// Step counts as one-element f32 tensors, already counting this step.
    pub steps: &'a [Tensor],
}

/// One fused AdamW step on lists of tensors, in one kernel per device and list.
///
/// # Errors
/// Lists of different lengths, or libtorch's refusal.
pub fn fused_adamw(tensors: AdamWTensors<'_>, numbers: AdamW) -> Result<(), TorchExtError> {
    let AdamWTensors { params, grads, first, second, steps } = tensors;
    for list in [grads, first, second, steps] {
        if list.len() != params.len() {
            return Err(TorchExtError::Lengths { expected: params.len(), got: list.len() });
        }
    }
    let count = c_int::try_from(params.len()).map_err(|_| TorchExtError::Lengths { expected: 0, got: params.len() })?;
    let [params, grads, first, second, steps] = [params, grads, first, second, steps].map(pointers);
    let AdamW { lr, beta1, beta2, weight_decay, eps } = numbers;
    // SAFETY: five arrays of `count` live tensors each; the shim only borrows them for the call.
    unsafe {
        check(tx_fused_adamw(
            params.as_ptr(),
            grads.as_ptr(),
            first.as_ptr(),
            second.as_ptr(),
            steps.as_ptr(),
            count,
            lr,
            beta1,
            beta2,
            weight_decay,
            eps,
        ))
    }
}

/// Sets `tensor.grad`: to a view that backward passes accumulate into, or to an undefined tensor to free it.
///
/// # Errors
/// libtorch's refusal, for example of another kind or shape.
pub fn set_grad(tensor: &Tensor, grad: &Tensor) -> Result<(), TorchExtError> {
    // SAFETY: both tensors live for the call; the shim stores its own reference to `grad`.
    unsafe { check(tx_set_grad(tensor.as_ptr(), grad.as_ptr())) }
}

/// Vector-Jacobian product: runs backward from `output`, starting with `output_grad` of the same shape.
///
/// # Errors
/// libtorch's refusal, for example no graph behind `output`, or memory that ran out.
pub fn backward_with(output: &Tensor, output_grad: &Tensor) -> Result<(), TorchExtError> {
    // SAFETY: both tensors live for the call.
    unsafe { check(tx_backward(output.as_ptr(), output_grad.as_ptr())) }
}

fn pointers(tensors: &[Tensor]) -> Vec<TensorPtr> {
    tensors.iter().map(Tensor::as_ptr).collect()
}
