//! The CUDA half of libtorch: found and loaded at run time, before anything asks for CUDA. One program serves both.
//!
//! In: a device wish, the places where a pack may lie. Out: CUDA registered, or the reason why not. It downloads nothing;
//! fetching a pack is the updater's business.

use std::path::PathBuf;

use engine::{DeviceChoice, EngineError};

/// File name of the CUDA half.
const LIBRARY: &str = if cfg!(windows) { "torch_cuda.dll" } else { "libtorch_cuda.so" };
/// Names a pack elsewhere, for tests and packagers.
const VARIABLE: &str = "COVEY_TORCH_CUDA";

/// Where a pack may lie, in this order: named by `COVEY_TORCH_CUDA`, beside the program, in the user's cache.
pub fn find() -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("torch/lib").join(LIBRARY)));
    let cached = crate::rehearse::cache_dir().map(|dir| dir.join("packs/cuda/torch/lib").join(LIBRARY));
    [named, beside, cached].into_iter().flatten().find(|path| path.is_file())
}

/// Loads the pack if the device wish has use for one and one is there. Without a pack `Auto` means the processor.
///
/// # Errors
/// A pack that is there but does not load, or none where a CUDA device was asked for by number.
pub fn load_for(device: DeviceChoice) -> Result<(), EngineError> {
    match (device, find()) {
        (DeviceChoice::Cpu, _) | (DeviceChoice::Auto, None) => Ok(()),
        (DeviceChoice::Auto, Some(path)) => {
            if let Err(error) = engine::cuda::load(&path) {
                tracing::warn!("the CUDA pack does not load, so the processor is used: {error}");
            }
            Ok(())
        }
        (DeviceChoice::Cuda(_), Some(path)) => engine::cuda::load(&path),
        // The engine says that there is no such device.
        (DeviceChoice::Cuda(_), None) => Ok(()),
    }
}
