//! CUDA on demand: load the GPU half of libtorch, ask what it brought.
//!
//! In: the path of `libtorch_cuda.so` or `torch_cuda.dll` in an unpacked CUDA pack. Out: whether CUDA can be used.
//! Call [`load`] before the first engine is made; nothing here downloads or installs.

use std::path::Path;

use tch::Device;

use crate::{DeviceChoice, EngineError};

/// Loads the CUDA half. Takes a fraction of a second from a warm disk and several seconds from a cold one.
///
/// # Errors
/// The loader's reason in words.
pub fn load(path: &Path) -> Result<(), EngineError> {
    torch_ext::load_cuda(path).map_err(|e| EngineError::NoCuda { index: 0, reason: e.to_string() })
}

/// Whether the CUDA half is loaded and a device answers.
pub fn available() -> bool {
    // The first test keeps the second from being a query before the load, which would disable CUDA for good.
    torch_ext::cuda_loaded() && tch::Cuda::is_available()
}

/// Memory of a device.
///
/// # Errors
/// [`EngineError::NoCuda`] without CUDA or for an index that does not exist.
pub fn memory(index: usize) -> Result<torch_ext::CudaMemory, EngineError> {
    resolve(DeviceChoice::Cuda(index))?;
    Ok(torch_ext::cuda_memory(index)?)
}

/// The torch device of a choice.
pub(crate) fn resolve(choice: DeviceChoice) -> Result<Device, EngineError> {
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Auto if available() => Ok(Device::Cuda(0)),
        DeviceChoice::Auto => Ok(Device::Cpu),
        DeviceChoice::Cuda(index) => {
            let fail = |reason: String| EngineError::NoCuda { index, reason };
            if !torch_ext::cuda_loaded() {
                return Err(fail("the CUDA half of libtorch is not loaded".to_owned()));
            }
            torch_ext::cuda_init().map_err(|e| fail(e.to_string()))?;
            let count = tch::Cuda::device_count();
            let exists = i64::try_from(index).is_ok_and(|index| index < count);
            if exists { Ok(Device::Cuda(index)) } else { Err(fail(format!("there are {count} devices"))) }
        }
    }
}
