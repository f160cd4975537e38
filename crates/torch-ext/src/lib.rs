//! The C++ shim for what tch lacks: fused AdamW, preset gradients, vector-Jacobian products, allocator statistics,
//! deterministic mode, thread counts, and the run-time load of libtorch's CUDA half.
//!
//! In: tch tensors. Out: tensors changed in place, or a [`TorchExtError`] with libtorch's words. It knows nothing of
//! models, rounds or files, and never lets a C++ exception cross into Rust.

mod cuda;
mod error;
mod ffi;
mod ops;
mod process;

pub use cuda::{CudaMemory, cuda_init, cuda_loaded, cuda_memory, empty_cuda_cache, has_cuda_kernel, load_cuda};
pub use error::TorchExtError;
pub use ops::{AdamW, AdamWTensors, backward_with, fused_adamw, set_grad};
pub use process::{Determinism, set_deterministic, set_threads};
