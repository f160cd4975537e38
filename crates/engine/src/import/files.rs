//! Which files hold the weights, and reading small files whole.
//!
//! In: a folder. Out: paths of its safetensors files, each directly within it; the whole file comes before an index, as in
//! `transformers`. It opens none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::ImportError;
use super::limits::{MAX_FILES, MAX_INDEX_BYTES};

#[derive(Deserialize)]
struct Index {
    /// Tensor name to file name.
    weight_map: BTreeMap<String, String>,
}

/// The checkpoint's safetensors files, in the order of their names.
pub(super) fn weight_files(dir: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let whole = dir.join("model.safetensors");
    if whole.exists() {
        return Ok(vec![whole]);
    }
    let index = dir.join("model.safetensors.index.json");
    if !index.exists() {
        return Err(ImportError::NoWeights { dir: dir.to_owned() });
    }
    let Index { weight_map } = parse(&index, &read_small(&index, "an index", MAX_INDEX_BYTES)?)?;
    // What the index says of single tensors is not relied on: the files' own headers say it again.
    let names: BTreeSet<&str> = weight_map.values().map(String::as_str).collect();
    if names.len() > MAX_FILES {
        return Err(ImportError::TooManyShards { got: names.len(), max: MAX_FILES });
    }
    if names.is_empty() {
        return Err(ImportError::NoWeights { dir: dir.to_owned() });
    }
    names.into_iter().map(|name| Ok(dir.join(plain(name)?))).collect()
}

/// A name that can only mean a file in this folder, on any system.
fn plain(name: &str) -> Result<&str, ImportError> {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let fine = letters && name.len() <= 255 && !name.starts_with('.') && name.ends_with(".safetensors");
    if fine { Ok(name) } else { Err(ImportError::ShardName { name: name.chars().take(100).collect() }) }
}

/// Opens a regular file, through links; anything else could block for ever.
pub(super) fn open(path: &Path) -> Result<File, ImportError> {
    let io = |source| ImportError::Io { path: path.to_owned(), source };
    if !path.metadata().map_err(io)?.is_file() {
        return Err(ImportError::NotAFile { path: path.to_owned() });
    }
    File::open(path).map_err(io)
}

/// All of a file that has at most `max` bytes.
pub(super) fn read_small(path: &Path, what: &'static str, max: u64) -> Result<Vec<u8>, ImportError> {
    let io = |source| ImportError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    open(path)?.take(max + 1).read_to_end(&mut bytes).map_err(io)?;
    let got = bytes.len() as u64;
    if got > max { Err(ImportError::TooLong { path: path.to_owned(), what, got, max }) } else { Ok(bytes) }
}

/// JSON of a file.
pub(super) fn parse<'a, T: Deserialize<'a>>(path: &Path, bytes: &'a [u8]) -> Result<T, ImportError> {
    serde_json::from_slice(bytes).map_err(|e| ImportError::Syntax { path: path.to_owned(), why: e.to_string() })
}
