//! Export as a Hugging Face folder that `transformers` loads as `LlamaForCausalLM`.
//!
//! In: shape, flat parameters, tokenizer. Out: one folder with `config.json`, `generation_config.json`,
//! `model.safetensors`, `tokenizer.json` and `tokenizer_config.json`, there whole or not at all: it is written beside
//! its place, synced, and renamed. An existing folder is never touched. Nothing is uploaded.

mod config;
mod tokenizer;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, View};
use types::manifest::ModelParams;

use crate::EngineError;

/// Number format of exported weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportDtype {
    /// The parameters' own bits.
    F32,
    /// Rounded to nearest even: half the size.
    Bf16,
}

/// Tokenizer that goes with the weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportTokenizer<'a> {
    /// One token per byte, id = byte, 0 ends a document. Written as a byte-level BPE without merges.
    Bytes,
    /// The run's `tokenizer.json`, copied as it is.
    File {
        /// The file.
        path: &'a Path,
        /// Id of the token that ends a document, if known.
        eos: Option<u32>,
    },
}

/// Writes the export folder `dir`.
///
/// # Errors
/// [`EngineError::ExportExists`], parameters of another length, or the file system's refusal; then nothing is left
/// behind, except after a power cut a folder whose name ends in `.partial`, which the next export replaces.
pub fn export_hf(
    dir: &Path,
    model: &ModelParams,
    theta: &[f32],
    tokenizer: &ExportTokenizer<'_>,
    dtype: ExportDtype,
) -> Result<(), EngineError> {
    let expected = usize::try_from(model.parameter_count()).unwrap_or(usize::MAX);
    if theta.len() != expected {
        return Err(EngineError::Length { what: "theta", expected, got: theta.len() });
    }
    if fs::symlink_metadata(dir).is_ok() {
        return Err(EngineError::ExportExists { path: dir.to_owned() });
    }
    let partial = partial_name(dir);
    // Only this function makes folders of that name.
    if partial.exists() {
        at(&partial, fs::remove_dir_all(&partial))?;
    }
    at(&partial, fs::create_dir_all(&partial))?;
    let written = write_files(&partial, model, theta, tokenizer, dtype).and_then(|()| publish(&partial, dir));
    if written.is_err() {
        // The first error is the one to report; what cannot be removed is replaced next time.
        let _ = fs::remove_dir_all(&partial);
    }
    written
}

fn partial_name(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    dir.with_file_name(name)
}

/// Renames the finished folder to its place and syncs the folder that holds it.
fn publish(partial: &Path, dir: &Path) -> Result<(), EngineError> {
    sync_folder(partial)?;
    // Rename would replace an empty folder that appeared meanwhile: look again right before.
    if fs::symlink_metadata(dir).is_ok() {
        return Err(EngineError::ExportExists { path: dir.to_owned() });
    }
    at(dir, fs::rename(partial, dir))?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}

fn write_files(
    dir: &Path,
    model: &ModelParams,
    theta: &[f32],
    tokenizer: &ExportTokenizer<'_>,
    dtype: ExportDtype,
) -> Result<(), EngineError> {
    let eos = match tokenizer {
        ExportTokenizer::Bytes => Some(0),
        ExportTokenizer::File { eos, .. } => *eos,
    };
    write_json(&dir.join("config.json"), &config::model(model, dtype, eos))?;
    write_json(&dir.join("generation_config.json"), &config::generation(eos))?;
    let tokenizer_file = dir.join("tokenizer.json");
    match tokenizer {
        ExportTokenizer::Bytes => write_json(&tokenizer_file, &tokenizer::byte_level())?,
        ExportTokenizer::File { path, .. } => {
            let bytes = at(path, fs::read(path))?;
            write_synced(&tokenizer_file, &bytes)?;
        }
    }
    write_json(&dir.join("tokenizer_config.json"), &tokenizer::config())?;
    write_weights(&dir.join("model.safetensors"), model, theta, dtype)
}

fn write_weights(path: &Path, model: &ModelParams, theta: &[f32], dtype: ExportDtype) -> Result<(), EngineError> {
    let mut offset = 0;
    let mut views = Vec::new();
    for tensor in model.tensors() {
        let values = &theta[offset..offset + tensor.len()];
        offset += tensor.len();
        views.push((tensor.name, Weights { values, shape: tensor.shape, dtype }));
    }
    // transformers asks for the framework the file was made for.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize_to_file(views, Some(metadata), path).map_err(|e| EngineError::Encode(e.to_string()))?;
    at(path, fs::OpenOptions::new().write(true).open(path).and_then(|file| file.sync_all()))
}

/// One tensor, encoded when its turn comes, so that no second copy of the model is held.
struct Weights<'a> {
    values: &'a [f32],
    shape: Vec<usize>,
    dtype: ExportDtype,
}

impl View for Weights<'_> {
    fn dtype(&self) -> Dtype {
        match self.dtype {
            ExportDtype::F32 => Dtype::F32,
            ExportDtype::Bf16 => Dtype::BF16,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let bytes = match self.dtype {
            ExportDtype::F32 => self.values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ExportDtype::Bf16 => self.values.iter().flat_map(|x| bf16_bits(*x).to_le_bytes()).collect(),
        };
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        self.values.len() * if self.dtype == ExportDtype::F32 { 4 } else { 2 }
    }
}

/// The nearest bf16, ties to even; NaN stays NaN.
fn bf16_bits(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() {
        return ((bits >> 16) | 0x40) as u16;
    }
    let half_minus_one_if_even = 0x7FFF + ((bits >> 16) & 1);
    (bits.wrapping_add(half_minus_one_if_even) >> 16) as u16
}

fn write_json(path: &Path, value: &serde_json::Value) -> Result<(), EngineError> {
    let text = serde_json::to_vec_pretty(value).map_err(|e| EngineError::Encode(e.to_string()))?;
    write_synced(path, &text)
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let write = || {
        let mut file = fs::File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    at(path, write())
}

/// Makes the names in a folder durable. Windows has no such call: there the rename itself is journalled.
fn sync_folder(dir: &Path) -> Result<(), EngineError> {
    if cfg!(unix) { at(dir, fs::File::open(dir).and_then(|folder| folder.sync_all())) } else { Ok(()) }
}

fn at<T>(path: &Path, result: std::io::Result<T>) -> Result<T, EngineError> {
    result.map_err(|source| EngineError::Export { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
