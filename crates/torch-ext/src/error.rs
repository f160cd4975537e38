//! The shim's one error type.
//!
//! In: the text of a C++ exception. Out: its first line for people, the rest (a C++ back trace of some kilobytes) apart.

use std::path::PathBuf;

/// Why a call into libtorch failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TorchExtError {
    /// libtorch threw.
    #[error("libtorch: {summary}")]
    Torch {
        /// First line of the message.
        summary: String,
        /// Whole message, for a log.
        detail: String,
    },
    /// Lists of tensors that belong together differ in length.
    #[error("lists of {expected} and {got} tensors belong together")]
    Lengths {
        /// Length of the first list.
        expected: usize,
        /// Length of the list that differs.
        got: usize,
    },
    /// A name holds a NUL byte.
    #[error("a name with a NUL byte cannot be passed to libtorch")]
    Name,
    /// The CUDA library did not load.
    #[error("the CUDA library did not load from {path}: {source}", path = path.display())]
    Load {
        /// File asked for.
        path: PathBuf,
        /// The loader's reason.
        source: libloading::Error,
    },
    /// The CUDA library loaded, but brought no kernels: it is not the one this libtorch belongs to.
    #[error("{path} loaded but registered no CUDA kernels", path = path.display())]
    NoKernels {
        /// File that was loaded.
        path: PathBuf,
    },
}

impl TorchExtError {
    pub(crate) fn torch(detail: String) -> Self {
        let summary = detail.lines().next().unwrap_or_default().to_owned();
        Self::Torch { summary, detail }
    }

    /// Everything libtorch said, if it said more than the error shows.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Torch { detail, .. } => Some(detail),
            _ => None,
        }
    }
}
