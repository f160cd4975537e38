//! A shard set opened for reading: memory-mapped, bounds-checked, hash-checked on demand.
//!
//! In: a folder (hostile). Out: sequences of tokens by index. Nothing is copied at opening; a set larger than memory is
//! fine. It refuses a set whose files are not exactly as long as the manifest says, and tokens outside the vocabulary.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use types::Hash32;
use types::manifest::DataParams;

use crate::manifest::{DatasetManifest, Dtype, MANIFEST_FILE, MAX_MANIFEST_BYTES, TOKENIZER_FILE};
use crate::{DATASET_VERSION, Tokenizer, TokenizerError};

/// Bytes hashed between two looks at the progress callback.
const HASH_STEP_BYTES: usize = 16 << 20;

/// Why a shard set was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Longer than any honest manifest.
    #[error("the data set's manifest has {bytes} bytes, more than {MAX_MANIFEST_BYTES}")]
    TooLong {
        /// Its length.
        bytes: u64,
    },
    /// Not the JSON of a data set manifest.
    #[error("the data set's manifest does not read: {0}")]
    Syntax(String),
    /// Made by a newer (or much older) Covey.
    #[error("the data set's manifest has version {got}; this build speaks version {DATASET_VERSION}")]
    Version {
        /// Version found.
        got: u32,
    },
    /// A value that makes no sense.
    #[error("data set manifest field `{field}`: {why}")]
    Field {
        /// Dotted path.
        field: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A shard is shorter or longer than the manifest says.
    #[error("shard `{file}` has {got} bytes, the manifest says {expected}")]
    ShardLength {
        /// The shard.
        file: String,
        /// Bytes by the manifest.
        expected: u64,
        /// Bytes on disk.
        got: u64,
    },
    /// A shard's content is not what the manifest says: bit-rot, or another file.
    #[error("shard `{file}` is damaged: its hash does not hold")]
    ShardHash {
        /// The shard.
        file: String,
    },
    /// Another data set than the run's.
    #[error("the run trains on data set {expected}, this is {got}")]
    OtherDataset {
        /// What the run names.
        expected: Hash32,
        /// What was opened.
        got: Hash32,
    },
    /// The set does not fit the run's data parameters.
    #[error("the data set's `{field}` is not the run's")]
    Mismatch {
        /// The field.
        field: &'static str,
    },
    /// The tokenizer beside the shards does not load or is another one.
    #[error("the data set's tokenizer")]
    Tokenizer(#[from] TokenizerError),
}

/// Why a sequence was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No such sequence.
    #[error("sequence {index} of {sequences} was asked for")]
    OutOfRange {
        /// Index asked for.
        index: u64,
        /// Sequences there are.
        sequences: u64,
    },
    /// A token the vocabulary does not have; the shard is damaged.
    #[error("shard `{file}` holds token {token}, the vocabulary has {vocab}")]
    Token {
        /// The shard.
        file: String,
        /// The token.
        token: u32,
        /// The vocabulary's size.
        vocab: u32,
    },
}

/// A shard set, open for reading. Cheap to share behind an `Arc`; reading needs no lock.
#[derive(Debug)]
pub struct Dataset {
    dir: PathBuf,
    manifest: DatasetManifest,
    hash: Hash32,
    shards: Vec<Mmap>,
    /// First sequence of each shard, and the total at the end.
    starts: Vec<u64>,
}

impl Dataset {
    /// Opens a set: checks the manifest and every shard's length, hashes nothing.
    ///
    /// # Errors
    /// [`OpenError`] with the file or field that does not hold.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        let dir = dir.as_ref().to_path_buf();
        let bytes = read_manifest(&dir.join(MANIFEST_FILE))?;
        let manifest = DatasetManifest::from_bytes(&bytes)?;
        let mut shards = Vec::with_capacity(manifest.shards.len());
        let mut starts = vec![0u64];
        let mut sequences = 0;
        for info in &manifest.shards {
            shards.push(map_shard(&dir, &info.file, info.tokens * manifest.dtype.bytes())?);
            sequences += info.tokens / u64::from(manifest.sequence_tokens);
            starts.push(sequences);
        }
        Ok(Self { dir, manifest, hash: Hash32::of(&bytes), shards, starts })
    }

    /// Opens a set and checks every shard's hash: reads all of it once.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::verify`].
    pub fn open_verified(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        let dataset = Self::open(dir)?;
        dataset.verify()?;
        Ok(dataset)
    }

    /// Checks every shard's hash.
    ///
    /// # Errors
    /// [`OpenError::ShardHash`] names the first damaged shard.
    pub fn verify(&self) -> Result<(), OpenError> {
        self.verify_with(&mut |_, _| {})
    }

    /// As [`Self::verify`]; tells `progress` bytes hashed and bytes in all.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_with(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), OpenError> {
        let total = self.manifest.total_tokens * self.manifest.dtype.bytes();
        let mut done = 0;
        for (info, bytes) in self.manifest.shards.iter().zip(&self.shards) {
            let mut hasher = blake3::Hasher::new();
            for part in bytes.chunks(HASH_STEP_BYTES) {
                hasher.update(part);
                done += part.len() as u64;
                progress(done, total);
            }
            if *hasher.finalize().as_bytes() != info.blake3.0 {
                return Err(OpenError::ShardHash { file: info.file.clone() });
            }
        }
        Ok(())
    }

    /// Whether this is the data set a run trains on.
    ///
    /// # Errors
    /// [`OpenError::OtherDataset`] or [`OpenError::Mismatch`] with the field that differs.
    pub fn check(&self, params: &DataParams) -> Result<(), OpenError> {
        if self.hash != params.dataset {
            return Err(OpenError::OtherDataset { expected: params.dataset, got: self.hash });
        }
        if self.manifest.tokenizer != params.tokenizer {
            return Err(OpenError::Mismatch { field: "tokenizer" });
        }
        if self.manifest.sequence_tokens != params.sequence_tokens {
            return Err(OpenError::Mismatch { field: "sequence_tokens" });
        }
        Ok(())
    }

    /// BLAKE3 of the manifest's bytes: the set's name in a run manifest.
    pub fn hash(&self) -> Hash32 {
        self.hash
    }

    /// The checked manifest.
    pub fn manifest(&self) -> &DatasetManifest {
        &self.manifest
    }

    /// The folder it was opened from.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The tokenizer the set was built with.
    ///
    /// # Errors
    /// [`OpenError::Tokenizer`] if the folder's `tokenizer.json` is missing, broken or another one.
    pub fn tokenizer(&self) -> Result<Tokenizer, OpenError> {
        Ok(Tokenizer::of_kind(&self.manifest.tokenizer, &self.dir.join(TOKENIZER_FILE))?)
    }

    /// Tokens per sequence.
    pub fn sequence_tokens(&self) -> usize {
        self.manifest.sequence_tokens as usize
    }

    /// N of the assignment: sequences for training.
    pub fn sequences(&self) -> u64 {
        self.manifest.total_sequences - self.manifest.held_out_sequences
    }

    /// Sequences at the end that no assignment reaches.
    pub fn held_out_sequences(&self) -> u64 {
        self.manifest.held_out_sequences
    }

    /// Reads training sequence `index` into `out`, replacing what was there.
    ///
    /// # Errors
    /// [`ReadError`] for an index at or above [`Self::sequences`], and for a damaged shard.
    pub fn sequence(&self, index: u64, out: &mut Vec<u32>) -> Result<(), ReadError> {
        self.read(index, 0..self.sequences(), out)
    }

    /// Reads held-out sequence `index` into `out`, replacing what was there.
    ///
    /// # Errors
    /// [`ReadError`] for an index at or above [`Self::held_out_sequences`], and for a damaged shard.
    pub fn held_out(&self, index: u64, out: &mut Vec<u32>) -> Result<(), ReadError> {
        self.read(index, self.sequences()..self.manifest.total_sequences, out)
    }

    fn read(&self, index: u64, range: Range<u64>, out: &mut Vec<u32>) -> Result<(), ReadError> {
        out.clear();
        let sequences = range.end - range.start;
        let Some(at) = range.start.checked_add(index).filter(|at| range.contains(at)) else {
            return Err(ReadError::OutOfRange { index, sequences });
        };
        let shard = self.starts.partition_point(|start| *start <= at) - 1;
        let width = self.manifest.dtype.bytes() as usize;
        let length = self.sequence_tokens() * width;
        let from = (at - self.starts[shard]) as usize * length;
        let bytes = &self.shards[shard][from..from + length];
        match self.manifest.dtype {
            Dtype::U16 => out.extend(bytes.chunks_exact(2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]])))),
            Dtype::U32 => out.extend(bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
        }
        let vocab = self.manifest.vocab;
        match out.iter().find(|token| **token >= vocab) {
            None => Ok(()),
            Some(&token) => Err(ReadError::Token { file: self.manifest.shards[shard].file.clone(), token, vocab }),
        }
    }
}

fn read_manifest(path: &Path) -> Result<Vec<u8>, OpenError> {
    let io = |source| OpenError::Io { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

fn map_shard(dir: &Path, name: &str, expected: u64) -> Result<Mmap, OpenError> {
    let path = dir.join(name);
    let io = |source| OpenError::Io { path: path.clone(), source };
    // A link could point anywhere, and a pipe would block the opening for ever.
    let kind = path.symlink_metadata().map_err(io)?;
    if !kind.is_file() {
        return Err(io(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let file = File::open(&path).map_err(io)?;
    let got = file.metadata().map_err(io)?.len();
    if got != expected {
        return Err(OpenError::ShardLength { file: name.to_owned(), expected, got });
    }
    // SAFETY: the map is read-only and only seen as bytes. Covey never writes a finished shard in place (shards are
    // renamed into a folder once), so the file keeps its length for as long as the set is open.
    unsafe { Mmap::map(&file) }.map_err(io)
}

#[cfg(test)]
mod tests;
