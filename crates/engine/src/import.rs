//! Import of a Hugging Face folder: the inverse of [`crate::export_hf`], and any other LLaMA-family checkpoint.
//!
//! In: a folder with `config.json` and `model.safetensors`, whole or in shards (hostile: every length is bounded, every
//! name and shape checked before a weight is read). Out: the model's shape and its flat f32 parameters. It reads f32, f16
//! and bf16, and keeps no more than the result and a few MiB in memory. It refuses, with the reason, what this decoder
//! does not compute, and weights that are not finite. It never runs anything from the folder, reads no pickle and
//! downloads nothing. Links are followed: the Hugging Face cache is made of them.
//!
//! Queries and keys: this decoder has Hugging Face's rotate-half layout, so their rows stay where they are. Checkpoints
//! under Meta's own tensor names hold each head's rotary pairs side by side; their rows are brought into that order.

mod config;
mod error;
mod files;
mod limits;
mod names;
mod tensors;

use std::path::{Path, PathBuf};

use types::manifest::ModelParams;

pub use error::ImportError;

use self::config::Config;
use self::names::Names;
use self::tensors::Stored;

/// A checkpoint that was looked through: it fits its shape, and no weight has been read yet.
#[derive(Debug, Clone)]
pub struct HfCheckpoint {
    dir: PathBuf,
    model: ModelParams,
    bos: Option<u32>,
    context_tokens: Option<u64>,
    files: Vec<PathBuf>,
    /// In the order of `ModelParams::tensors()`.
    tensors: Vec<Stored>,
}

impl HfCheckpoint {
    /// Reads configuration and file headers and checks that every tensor of the model is there in its shape.
    ///
    /// # Errors
    /// [`ImportError`]: files that cannot be read, a model that this decoder does not compute, tensors that are missing,
    /// unknown, of another shape or of a number format other than f32, f16 and bf16.
    pub fn open(dir: &Path) -> Result<Self, ImportError> {
        let Config { model, bos, context_tokens } = config::read(dir)?;
        let files = files::weight_files(dir)?;
        let tensors = tensors::locate(&files, &model)?;
        Ok(Self { dir: dir.to_owned(), model, bos, context_tokens, files, tensors })
    }

    /// The model's shape. Its name is the folder's, as far as a run's manifest takes it.
    pub fn model(&self) -> &ModelParams {
        &self.model
    }

    /// The token that the model was trained to see first, if its configuration names one.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// Longest text that the model was made for, in tokens, if its configuration says so.
    pub fn context_tokens(&self) -> Option<u64> {
        self.context_tokens
    }

    /// The folder's `tokenizer.json`, if there is one.
    pub fn tokenizer_file(&self) -> Option<PathBuf> {
        Some(self.dir.join("tokenizer.json")).filter(|path| path.is_file())
    }

    /// The parameters in the order of `ModelParams::tensors()`, tensor by tensor.
    ///
    /// # Errors
    /// [`ImportError::Io`] for a file that ends early or changed meanwhile, [`ImportError::NotFinite`].
    pub fn read_theta(&self) -> Result<Vec<f32>, ImportError> {
        // The headers' sums were held against the files' lengths: this is at most twice what lies on the disk.
        let mut theta = vec![0.0f32; usize::try_from(self.model.parameter_count()).unwrap_or(usize::MAX)];
        let mut staging = vec![0u8; limits::STAGING_BYTES];
        let mut rest = theta.as_mut_slice();
        for (spec, stored) in self.model.tensors().iter().zip(&self.tensors) {
            let (values, after) = rest.split_at_mut(spec.len());
            rest = after;
            tensors::read(&self.files[stored.file], stored, values, &mut staging)?;
            if values.iter().any(|x| !x.is_finite()) {
                return Err(ImportError::NotFinite { tensor: stored.name.clone() });
            }
            if stored.interleaved {
                names::to_rotate_half(values, self.model.head_dim, self.model.d_model);
            }
        }
        Ok(theta)
    }
}

#[cfg(test)]
mod tests;
