//! One shard being written, and whole small files: everything appears under its name complete or not at all.
//!
//! In: tokens. Out: a `shard-NNNNN.bin` of whole sequences and its hash. Tokens that do not fill a sequence stay in
//! memory and are dropped with the writer.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use types::Hash32;

use super::BuildError;
use crate::manifest::{Dtype, ShardInfo};

/// Suffix of a file that is not finished.
pub(super) const PARTIAL: &str = "partial";

pub(super) struct ShardWriter {
    path: PathBuf,
    name: String,
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    dtype: Dtype,
    sequence_bytes: usize,
    /// Bytes of the sequence being filled.
    pending: Vec<u8>,
    sequences: u64,
    max_tokens: u64,
    tokens: u64,
}

impl ShardWriter {
    /// File name of shard `index`.
    pub(super) fn name(index: usize) -> String {
        format!("shard-{index:05}.bin")
    }

    /// Starts shard `index`; `max_tokens` is a whole number of sequences.
    pub(super) fn create(
        dir: &Path,
        index: usize,
        dtype: Dtype,
        sequence_tokens: u32,
        max_tokens: u64,
    ) -> Result<Self, BuildError> {
        let name = Self::name(index);
        let path = dir.join(&name);
        let partial = path.with_extension(PARTIAL);
        let file = File::create(&partial).map_err(BuildError::io("create", &partial))?;
        let sequence_bytes = sequence_tokens as usize * dtype.bytes() as usize;
        Ok(Self {
            path,
            name,
            file: BufWriter::with_capacity(1 << 20, file),
            hasher: blake3::Hasher::new(),
            dtype,
            sequence_bytes,
            pending: Vec::with_capacity(sequence_bytes),
            sequences: 0,
            max_tokens,
            tokens: 0,
        })
    }

    /// Tokens that still fit.
    pub(super) fn room(&self) -> u64 {
        self.max_tokens - self.tokens
    }

    /// Tokens taken so far.
    pub(super) fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Whole sequences so far.
    pub(super) fn sequences(&self) -> u64 {
        self.sequences
    }

    /// Takes tokens, at most [`Self::room`].
    pub(super) fn write(&mut self, tokens: &[u32]) -> Result<(), BuildError> {
        for token in tokens {
            let bytes = token.to_le_bytes();
            // A u16 shard's vocabulary ends at 65,536, so the upper half is zero.
            self.pending.extend_from_slice(&bytes[..self.dtype.bytes() as usize]);
            if self.pending.len() == self.sequence_bytes {
                self.hasher.update(&self.pending);
                self.file.write_all(&self.pending).map_err(BuildError::io("write", &self.path))?;
                self.pending.clear();
                self.sequences += 1;
            }
        }
        self.tokens += tokens.len() as u64;
        Ok(())
    }

    /// Flushes to disk and gives the file its name.
    pub(super) fn finish(&mut self) -> Result<ShardInfo, BuildError> {
        self.file.flush().map_err(BuildError::io("write", &self.path))?;
        self.file.get_ref().sync_all().map_err(BuildError::io("write", &self.path))?;
        rename(&self.path.with_extension(PARTIAL), &self.path)?;
        let tokens = self.sequences * (self.sequence_bytes as u64 / self.dtype.bytes());
        Ok(ShardInfo { file: self.name.clone(), tokens, blake3: Hash32(*self.hasher.finalize().as_bytes()) })
    }

    /// Removes a shard without a sequence.
    pub(super) fn discard(&self) -> Result<(), BuildError> {
        let partial = self.path.with_extension(PARTIAL);
        fs::remove_file(&partial).map_err(BuildError::io("remove", &partial))
    }
}

/// Writes a small file so that it is there whole, on disk, or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let partial = path.with_extension(PARTIAL);
    let mut file = File::create(&partial).map_err(BuildError::io("create", &partial))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(BuildError::io("write", &partial))?;
    rename(&partial, path)
}

fn rename(from: &Path, to: &Path) -> Result<(), BuildError> {
    fs::rename(from, to).map_err(BuildError::io("rename", to))?;
    // A rename is durable once the folder is. Windows has no such call and needs none.
    #[cfg(unix)]
    if let Some(dir) = to.parent() {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(BuildError::io("write", dir))?;
    }
    Ok(())
}
