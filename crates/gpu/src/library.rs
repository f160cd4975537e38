//! Finds and loads NVIDIA's libraries. Only the probe's process does.
//!
//! In: a path, or nothing for the system's own. Out: NVML ready to be asked, CUDA's answer to `cuInit`, or why not. A
//! missing library and a broken one are told apart. Nothing is ever unloaded: the process ends soon.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

/// Why NVML does not answer.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// There is no such library.
    Absent,
    /// The library refuses, or is none.
    Refused(NvmlError),
}

/// Loads NVML and starts it.
///
/// # Errors
/// [`LoadError`].
pub(crate) fn load_nvml(path: Option<&Path>) -> Result<ManuallyDrop<Nvml>, LoadError> {
    let mut absent = LoadError::Absent;
    for candidate in path.map_or_else(nvml_candidates, |path| vec![path.to_owned()]) {
        if is_file_name_of_nothing(&candidate) {
            continue;
        }
        match Nvml::builder().lib_path(candidate.as_os_str()).init() {
            Ok(nvml) => return Ok(ManuallyDrop::new(nvml)),
            Err(NvmlError::LibloadingError(e)) if says_no_such_file(&e.to_string()) => {}
            // A broken library may stand before a good one.
            Err(error @ NvmlError::LibloadingError(_)) => absent = LoadError::Refused(error),
            Err(error) => return Err(LoadError::Refused(error)),
        }
    }
    Err(absent)
}

/// What CUDA answers to `cuInit`: 0 is well, the numbers are CUDA's. `None` if there is no CUDA library.
pub(crate) fn cuda_init(path: Option<&Path>) -> Option<i32> {
    let candidates = path.map_or_else(cuda_candidates, |path| vec![path.to_owned()]);
    let library = candidates.iter().find_map(|candidate| {
        // SAFETY: loading runs the library's initialisers. It is the driver's own, which this short-lived process exists
        // to try; whatever it breaks ends with the process.
        unsafe { libloading::Library::new(candidate) }.ok()
    })?;
    let library = ManuallyDrop::new(library);
    // SAFETY: `CUresult cuInit(unsigned int Flags)` is CUDA's documented entry point, unchanged since CUDA 2.
    let init =
        unsafe { library.get::<unsafe extern "system" fn(std::ffi::c_uint) -> std::ffi::c_int>(b"cuInit\0") }.ok()?;
    // SAFETY: the signature is the documented one, and 0 is the only flag there is.
    Some(unsafe { init(0) })
}

/// A path is looked at before it is loaded; a bare name is left to the loader's search.
fn is_file_name_of_nothing(candidate: &Path) -> bool {
    candidate.components().count() > 1 && !candidate.exists()
}

fn says_no_such_file(error: &str) -> bool {
    // The loader tells no number. Both glibc and musl quote this text, untranslated unless a program sets a locale.
    error.contains("No such file") || error.contains("cannot open shared object file")
}

#[cfg(not(windows))]
fn nvml_candidates() -> Vec<PathBuf> {
    // WSL keeps the driver's libraries outside the loader's folders on distributions without its configuration.
    vec!["libnvidia-ml.so.1".into(), "/usr/lib/wsl/lib/libnvidia-ml.so.1".into()]
}

#[cfg(not(windows))]
fn cuda_candidates() -> Vec<PathBuf> {
    vec!["libcuda.so.1".into(), "/usr/lib/wsl/lib/libcuda.so.1".into()]
}

/// By full path: a bare name would be looked for beside the program and in the current folder first.
#[cfg(windows)]
fn nvml_candidates() -> Vec<PathBuf> {
    let programs = std::env::var_os("ProgramFiles").map(PathBuf::from).unwrap_or_else(|| r"C:\Program Files".into());
    vec![system_folder().join("nvml.dll"), programs.join(r"NVIDIA Corporation\NVSMI\nvml.dll")]
}

#[cfg(windows)]
fn cuda_candidates() -> Vec<PathBuf> {
    vec![system_folder().join("nvcuda.dll")]
}

#[cfg(windows)]
fn system_folder() -> PathBuf {
    std::env::var_os("SystemRoot").map(PathBuf::from).unwrap_or_else(|| r"C:\Windows".into()).join("System32")
}

/// Version in the file name that NVML's link leads to, for example `580.95.05` of `libnvidia-ml.so.580.95.05`.
pub(crate) fn library_version(path: Option<&Path>) -> Option<String> {
    let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/lib/aarch64-linux-gnu"];
    let linked = path.map_or_else(
        || places.iter().map(|place| Path::new(place).join("libnvidia-ml.so.1")).collect(),
        |path| vec![path.to_owned()],
    );
    let file = linked.iter().find_map(|link| std::fs::canonicalize(link).ok())?;
    let version = file.file_name()?.to_str()?.split_once(".so.")?.1.to_owned();
    version.contains('.').then_some(version)
}
