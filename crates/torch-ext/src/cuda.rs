//! libtorch's CUDA half: loaded at run time, so that one program serves machines with and without a GPU.
//!
//! In: the path of `libtorch_cuda.so` (`torch_cuda.dll`). Out: registered kernels, memory figures. Nothing else in this
//! process may ask torch about CUDA before [`load_cuda`]: an earlier query leaves CUDA dead until the process ends.
//! The library is never unloaded.

use std::ffi::{CString, c_int};
use std::path::Path;

use crate::TorchExtError;
use crate::ffi::{check, tx_cuda_empty_cache, tx_cuda_init, tx_cuda_memory, tx_has_cuda_kernel};

/// Memory of one CUDA device, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CudaMemory {
    /// In use by this process's tensors.
    pub allocated: u64,
    /// Most ever in use by this process's tensors.
    pub allocated_peak: u64,
    /// Held by libtorch's allocator, used or cached.
    pub reserved: u64,
    /// Most ever held.
    pub reserved_peak: u64,
    /// Free on the device for any process.
    pub device_free: u64,
    /// Size of the device's memory.
    pub device_total: u64,
}

/// Loads the CUDA half from the given file and checks that its kernels registered.
///
/// # Errors
/// [`TorchExtError::Load`] if the file or one of its libraries does not load, [`TorchExtError::NoKernels`] if it loads
/// but is not a CUDA half.
pub fn load_cuda(path: &Path) -> Result<(), TorchExtError> {
    if cuda_loaded() {
        return Ok(());
    }
    open_for_ever(path).map_err(|source| TorchExtError::Load { path: path.to_owned(), source })?;
    if cuda_loaded() { Ok(()) } else { Err(TorchExtError::NoKernels { path: path.to_owned() }) }
}

/// Whether the CUDA half has been loaded. Asks the dispatcher only, so it is safe at any time.
pub fn cuda_loaded() -> bool {
    has_cuda_kernel("aten::mm", "").unwrap_or(false)
}

/// Whether an operator has a CUDA kernel, for example `("aten::mm", "")`.
///
/// # Errors
/// An operator libtorch does not know.
pub fn has_cuda_kernel(name: &str, overload: &str) -> Result<bool, TorchExtError> {
    let name = CString::new(name).map_err(|_| TorchExtError::Name)?;
    let overload = CString::new(overload).map_err(|_| TorchExtError::Name)?;
    let mut out: c_int = 0;
    // SAFETY: two NUL-terminated strings and an out-parameter that live for the call.
    unsafe { check(tx_has_cuda_kernel(name.as_ptr(), overload.as_ptr(), &raw mut out))? };
    Ok(out != 0)
}

/// Initialises CUDA; fails in words where a driver is missing.
///
/// # Errors
/// libtorch's reason.
pub fn cuda_init() -> Result<(), TorchExtError> {
    // SAFETY: takes nothing.
    unsafe { check(tx_cuda_init()) }
}

/// Memory figures of a device.
///
/// # Errors
/// No CUDA, or no such device.
pub fn cuda_memory(device: usize) -> Result<CudaMemory, TorchExtError> {
    let mut out = [0i64; 6];
    let index = c_int::try_from(device).unwrap_or(c_int::MAX);
    // SAFETY: the shim writes exactly six numbers.
    unsafe { check(tx_cuda_memory(index, out.as_mut_ptr()))? };
    let [allocated, allocated_peak, reserved, reserved_peak, device_free, device_total] =
        out.map(|bytes| u64::try_from(bytes).unwrap_or(0));
    Ok(CudaMemory { allocated, allocated_peak, reserved, reserved_peak, device_free, device_total })
}

/// Gives cached, unused device memory back to the driver.
///
/// # Errors
/// No CUDA.
pub fn empty_cuda_cache() -> Result<(), TorchExtError> {
    // SAFETY: takes nothing.
    unsafe { check(tx_cuda_empty_cache()) }
}

#[cfg(unix)]
fn open_for_ever(path: &Path) -> Result<(), libloading::Error> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LAZY};
    // SAFETY: libtorch's initialisers only register kernels; the caller names the file that belongs to this libtorch.
    let library = unsafe { Library::open(Some(path), RTLD_LAZY | RTLD_GLOBAL) }?;
    // Registered kernels point into the library: the handle is turned into a raw one, which never closes.
    let _ = library.into_raw();
    Ok(())
}

#[cfg(windows)]
fn open_for_ever(path: &Path) -> Result<(), libloading::Error> {
    use libloading::os::windows::{LOAD_WITH_ALTERED_SEARCH_PATH, Library};
    // SAFETY: as on Unix. The altered search path finds the DLLs that lie beside the file.
    let library = unsafe { Library::load_with_flags(path, LOAD_WITH_ALTERED_SEARCH_PATH) }?;
    let _ = library.into_raw();
    Ok(())
}
