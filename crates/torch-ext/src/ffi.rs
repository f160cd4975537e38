//! Declarations of `csrc/ext.cpp` and the one place that turns its messages into errors.
//!
//! In: a returned message pointer. Out: `Ok`, or the error with the message freed. Nothing here is public.

use std::ffi::{CStr, c_char, c_int};

use torch_sys::C_tensor;

use crate::TorchExtError;

/// A borrowed tensor as C++ sees it.
pub(crate) type TensorPtr = *const C_tensor;

unsafe extern "C" {
    fn tx_free(text: *mut c_char);
    pub(crate) fn tx_fused_adamw(
        params: *const TensorPtr,
        grads: *const TensorPtr,
        first: *const TensorPtr,
        second: *const TensorPtr,
        steps: *const TensorPtr,
        count: c_int,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
    ) -> *mut c_char;
    pub(crate) fn tx_set_grad(tensor: TensorPtr, grad: TensorPtr) -> *mut c_char;
    pub(crate) fn tx_backward(output: TensorPtr, output_grad: TensorPtr) -> *mut c_char;
    pub(crate) fn tx_set_deterministic(level: c_int) -> *mut c_char;
    pub(crate) fn tx_set_threads(intra_op: c_int, inter_op: c_int) -> *mut c_char;
    pub(crate) fn tx_cuda_memory(device: c_int, out: *mut i64) -> *mut c_char;
    pub(crate) fn tx_cuda_empty_cache() -> *mut c_char;
    pub(crate) fn tx_cuda_init() -> *mut c_char;
    pub(crate) fn tx_has_cuda_kernel(name: *const c_char, overload: *const c_char, out: *mut c_int) -> *mut c_char;
}

/// Turns a shim function's result into a `Result`.
///
/// # Safety
/// `message` must be NULL or a pointer one of this module's functions has just returned.
pub(crate) unsafe fn check(message: *mut c_char) -> Result<(), TorchExtError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: a non-null result is a NUL-terminated string that we own until tx_free.
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    // SAFETY: allocated by the shim, freed once.
    unsafe { tx_free(message) };
    Err(TorchExtError::torch(text))
}
