//! Settings that hold for the whole process.
//!
//! In: a count or a switch. Out: libtorch's global state changed. It does not remember what was set before.

use std::ffi::c_int;

use crate::TorchExtError;
use crate::ffi::{check, tx_set_deterministic, tx_set_threads};

/// Asks libtorch for deterministic kernels; operations that have none fail instead of varying.
///
/// # Errors
/// libtorch's refusal.
pub fn set_deterministic(on: bool) -> Result<(), TorchExtError> {
    // SAFETY: takes a number only.
    unsafe { check(tx_set_deterministic(c_int::from(on))) }
}

/// Sets the threads inside one operation (`intra_op`) and between operations (`inter_op`, once per process).
///
/// # Errors
/// libtorch refuses counts below 1, and a second setting of `inter_op`.
pub fn set_threads(intra_op: usize, inter_op: usize) -> Result<(), TorchExtError> {
    let number = |n: usize| c_int::try_from(n).unwrap_or(c_int::MAX);
    // SAFETY: takes numbers only.
    unsafe { check(tx_set_threads(number(intra_op), number(inter_op))) }
}
