//! Settings that hold for the whole process.
//!
//! In: a count or a switch. Out: libtorch's global state changed. It does not remember what was set before.

use std::ffi::c_int;

use crate::TorchExtError;
use crate::ffi::{check, tx_set_deterministic, tx_set_threads};

/// How much libtorch minds kernels whose sums vary from run to run (those that add with atomics on a GPU).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Determinism {
    /// The fastest kernels.
    Off,
    /// Deterministic kernels where there are any; libtorch prints a warning where there are none.
    Prefer,
    /// As `Prefer`, but an operation without a deterministic kernel fails. On a GPU, matrix products count as such
    /// unless the process was started with `CUBLAS_WORKSPACE_CONFIG`.
    Insist,
}

/// Chooses between fast and deterministic kernels.
///
/// # Errors
/// libtorch's refusal.
pub fn set_deterministic(level: Determinism) -> Result<(), TorchExtError> {
    let level = match level {
        Determinism::Off => 0,
        Determinism::Prefer => 1,
        Determinism::Insist => 2,
    };
    // SAFETY: takes a number only.
    unsafe { check(tx_set_deterministic(level)) }
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
