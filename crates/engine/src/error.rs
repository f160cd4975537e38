//! Why the engine could not do what it was asked.
//!
//! In: refusals of libtorch, the file system and our own checks. Out: one enum; libtorch's text is cut to its first
//! line, the rest (some kilobytes of C++ frames) is in [`EngineError::detail`] for a log.

use std::path::PathBuf;

use tch::TchError;
use torch_ext::TorchExtError;

/// An engine operation's failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// libtorch refused or failed.
    #[error("libtorch: {summary}")]
    Torch {
        /// First line of its message.
        summary: String,
        /// Whole message.
        detail: String,
    },
    /// The device's memory does not hold even the smallest piece of work.
    #[error("out of memory: {summary}")]
    OutOfMemory {
        /// First line of the allocator's message.
        summary: String,
        /// Whole message.
        detail: String,
    },
    /// A flat buffer of the wrong length.
    #[error("`{what}` has {got} values, the model has {expected}")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// Values expected.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A batch whose shape does not fit.
    #[error("a batch of {sequences} x {length} with {tokens} tokens does not fit a context of {max_length}")]
    BatchShape {
        /// Rows claimed.
        sequences: usize,
        /// Tokens per row claimed.
        length: usize,
        /// Tokens given.
        tokens: usize,
        /// Longest row the engine was built for.
        max_length: usize,
    },
    /// A token the model does not have.
    #[error("token {token} at position {index} is outside the vocabulary of {vocab}")]
    Token {
        /// Position in the flat token list.
        index: usize,
        /// Token found.
        token: u32,
        /// Size of the vocabulary.
        vocab: usize,
    },
    /// A number outside its range.
    #[error("`{what}` must be {expected}, is {got}")]
    Number {
        /// Which number.
        what: &'static str,
        /// Its range in words.
        expected: &'static str,
        /// What was given.
        got: f64,
    },
    /// A step was given up between two micro-batches because a halt was asked for; nothing has changed.
    #[error("halted between two micro-batches")]
    Halted,
    /// Training or evaluation while the device memory is given back.
    #[error("the engine is released; acquire it first")]
    Released,
    /// A CUDA device was asked for and there is none.
    #[error("there is no CUDA device {index}: {reason}")]
    NoCuda {
        /// Device asked for.
        index: usize,
        /// Why.
        reason: String,
    },
    /// The thread count was set before, to something else.
    #[error("threads were set to {set} before and cannot become {asked}")]
    Threads {
        /// Count in force.
        set: usize,
        /// Count asked for.
        asked: usize,
    },
    /// An export folder that exists is never overwritten.
    #[error("the export folder exists already: {path}", path = path.display())]
    ExportExists {
        /// The folder.
        path: PathBuf,
    },
    /// Writing an export failed.
    #[error("the export could not be written: {source}: {path}", path = path.display())]
    Export {
        /// File or folder concerned.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Something could not be put into its file format.
    #[error("the export could not be encoded: {0}")]
    Encode(String),
}

impl EngineError {
    /// Everything libtorch said, for a log; `None` where the error itself says it all.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Torch { detail, .. } | Self::OutOfMemory { detail, .. } => Some(detail),
            _ => None,
        }
    }

    fn from_message(detail: String) -> Self {
        // What the CUDA caching allocator, the CPU allocator and cuBLAS say when memory ends.
        const OUT_OF_MEMORY: [&str; 4] =
            ["out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED"];
        let summary = detail.lines().next().unwrap_or_default().to_owned();
        if OUT_OF_MEMORY.iter().any(|words| detail.contains(words)) {
            Self::OutOfMemory { summary, detail }
        } else {
            Self::Torch { summary, detail }
        }
    }
}

impl From<TchError> for EngineError {
    fn from(error: TchError) -> Self {
        match error {
            TchError::Torch(detail) => Self::from_message(detail),
            other => Self::from_message(other.to_string()),
        }
    }
}

impl From<TorchExtError> for EngineError {
    fn from(error: TorchExtError) -> Self {
        match error {
            TorchExtError::Torch { detail, .. } => Self::from_message(detail),
            other => Self::from_message(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_ran_out_is_told_from_other_failures() {
        let check = |text: &str, is_memory: bool| {
            let error = EngineError::from(TchError::Torch(text.to_owned()));
            assert_eq!(matches!(error, EngineError::OutOfMemory { .. }), is_memory, "{text}");
            assert_eq!(error.to_string().lines().count(), 1);
            assert_eq!(error.detail(), Some(text));
        };
        check("CUDA out of memory. Tried to allocate 2.00 GiB\nframe #0: ...", true);
        check("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried", true);
        check("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)\nException raised from ...", false);
    }
}
