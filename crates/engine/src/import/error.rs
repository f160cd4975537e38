//! Why a checkpoint was not imported.
//!
//! In: refusals of the file system and of our own checks. Out: one enum that names the file, key or tensor at fault.

use std::path::PathBuf;

use types::ManifestError;

/// A checkpoint's refusal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file cannot be read, or ends early.
    #[error("cannot read `{path}`: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A folder, a pipe or a device where a file is wanted.
    #[error("`{path}` is not a file", path = path.display())]
    NotAFile {
        /// What stands there.
        path: PathBuf,
    },
    /// Longer than it can honestly be.
    #[error("`{path}`: {what} has {got} bytes, more than {max}", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Which part of it.
        what: &'static str,
        /// Its length.
        got: u64,
        /// The limit.
        max: u64,
    },
    /// Not what its name says.
    #[error("`{path}` does not read: {why}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        why: String,
    },
    /// A model that this decoder does not compute.
    #[error("this model cannot be trained here: `{key}` {why}")]
    Unsupported {
        /// Key of `config.json`.
        key: &'static str,
        /// What it asks for.
        why: String,
    },
    /// The shape is out of the bounds of a run.
    #[error(transparent)]
    Model(#[from] ManifestError),
    /// No safetensors file.
    #[error("there is neither `model.safetensors` nor `model.safetensors.index.json` in `{dir}`", dir = dir.display())]
    NoWeights {
        /// The folder.
        dir: PathBuf,
    },
    /// An index that names a file elsewhere, or none that could be one.
    #[error("the index names `{name}`, which is no plain name of a safetensors file")]
    ShardName {
        /// The name.
        name: String,
    },
    /// More shards than any checkpoint has.
    #[error("the index names {got} files, more than {max}")]
    TooManyShards {
        /// Files named.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// A file is shorter or longer than its header says.
    #[error("`{path}` has {got} bytes, its header says {expected}", path = path.display())]
    FileLength {
        /// The file.
        path: PathBuf,
        /// Bytes by its header.
        expected: u64,
        /// Bytes on disk.
        got: u64,
    },
    /// A tensor of the model is in none of the files.
    #[error("tensor `{tensor}` is missing")]
    Missing {
        /// Its name.
        tensor: String,
    },
    /// A tensor stands in two files.
    #[error("tensor `{tensor}` stands in two files")]
    Twice {
        /// Its name.
        tensor: String,
    },
    /// A tensor that the model, as this decoder computes it, does not have: leaving it out would be another model.
    #[error("tensor `{tensor}` has no place in this model")]
    Unknown {
        /// Its name.
        tensor: String,
    },
    /// A tensor of another shape.
    #[error("tensor `{tensor}` has shape {got:?}, the configuration says {expected:?}")]
    Shape {
        /// Its name.
        tensor: String,
        /// Shape by `config.json`.
        expected: Vec<usize>,
        /// Shape by the file's header.
        got: Vec<usize>,
    },
    /// A number format other than f32, f16 and bf16.
    #[error("tensor `{tensor}` is stored as {got}; f32, f16 and bf16 are read")]
    Format {
        /// Its name.
        tensor: String,
        /// The format.
        got: String,
    },
    /// A weight that is infinite or no number: whoever trained on would spread it.
    #[error("tensor `{tensor}` holds values that are not finite")]
    NotFinite {
        /// Its name.
        tensor: String,
    },
}
