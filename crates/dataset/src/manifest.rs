//! The manifest of a shard set: what the shards hold and their hashes, validated once.
//!
//! In: the bytes of a `manifest.json` (hostile). Out: a checked [`DatasetManifest`]. BLAKE3 of exactly these bytes is
//! the data set's name in a run manifest, so nothing here may depend on the machine that wrote it.

use serde::{Deserialize, Serialize};
use types::Hash32;
use types::manifest::TokenizerKind;

use crate::OpenError;

/// The manifest version this build speaks.
pub const DATASET_VERSION: u32 = 1;
/// Name of the manifest inside its folder.
pub const MANIFEST_FILE: &str = "manifest.json";
/// Name of the tokenizer's file inside the folder, where the tokenizer is one.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// Most shards of a set: the whole of DCLM in shards of 64 Mi tokens stays below.
pub const MAX_SHARDS: usize = 65_536;
/// A manifest of [`MAX_SHARDS`] shards stays below; anything longer is refused unread.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 16 << 20;
/// Most tokens of a set: far above any corpus, far below overflow.
const MAX_TOKENS: u64 = 1 << 50;

/// How a token is stored, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dtype {
    /// Two bytes, for vocabularies up to 65,536.
    U16,
    /// Four bytes.
    U32,
}

impl Dtype {
    /// The smallest type that holds every token of a vocabulary.
    pub fn for_vocab(vocab: u32) -> Self {
        if vocab <= 1 << 16 { Self::U16 } else { Self::U32 }
    }

    /// Bytes of one token.
    pub fn bytes(self) -> u64 {
        match self {
            Self::U16 => 2,
            Self::U32 => 4,
        }
    }
}

/// One file of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardInfo {
    /// File name inside the set's folder; never a path.
    pub file: String,
    /// Tokens in it: a whole number of sequences.
    pub tokens: u64,
    /// BLAKE3 of the file.
    pub blake3: Hash32,
}

/// Everything a peer must know about a shard set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetManifest {
    /// Format version, [`DATASET_VERSION`].
    pub version: u32,
    /// What people call the set; at most 64 characters.
    pub name: String,
    /// Where the text came from, for people; at most 1024 characters.
    pub source: String,
    /// How text became tokens.
    pub tokenizer: TokenizerKind,
    /// Vocabulary size; every stored token is below.
    pub vocab: u32,
    /// How tokens are stored.
    pub dtype: Dtype,
    /// Tokens per sequence.
    pub sequence_tokens: u32,
    /// Sequences at the end that no assignment ever reaches.
    pub held_out_sequences: u64,
    /// Sequences in all shards, the held-out ones included.
    pub total_sequences: u64,
    /// Tokens in all shards.
    pub total_tokens: u64,
    /// The files, in order.
    pub shards: Vec<ShardInfo>,
}

impl DatasetManifest {
    /// The manifest file's bytes: JSON, indented, because people read it.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain structs of numbers and strings: serialisation has no failing case.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads and validates.
    ///
    /// # Errors
    /// [`OpenError`] for anything that is not a sound manifest of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpenError> {
        if bytes.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(OpenError::TooLong { bytes: bytes.len() as u64 });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|e| OpenError::Syntax(e.to_string()))?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// Checks every field against its bounds and the totals against the shards.
    ///
    /// # Errors
    /// The first field that does not hold.
    pub fn validate(&self) -> Result<(), OpenError> {
        if self.version != DATASET_VERSION {
            return Err(OpenError::Version { got: self.version });
        }
        check("name", is_line(&self.name, 1, 64), "must have 1 to 64 characters, none of them a control character")?;
        check("source", is_line(&self.source, 0, 1024), "must have at most 1024 characters, no control characters")?;
        check("vocab", (1..=1 << 24).contains(&self.vocab), "must lie in 1..=16777216")?;
        check("dtype", self.dtype == Dtype::U32 || self.vocab <= 1 << 16, "u16 cannot hold this vocabulary")?;
        let bytes_fit = self.tokenizer != TokenizerKind::Bytes || self.vocab == 256;
        check("vocab", bytes_fit, "must be 256 for the byte tokenizer")?;
        check("sequence_tokens", (2..=1 << 20).contains(&self.sequence_tokens), "must lie in 2..=1048576")?;
        check("shards", (1..=MAX_SHARDS).contains(&self.shards.len()), "must name 1 to 65536 files")?;
        let mut total = 0u64;
        for shard in &self.shards {
            check("shards.file", is_file_name(&shard.file), "must be a plain file name")?;
            let whole = shard.tokens > 0 && shard.tokens.is_multiple_of(u64::from(self.sequence_tokens));
            check("shards.tokens", whole, "must be a whole number of sequences")?;
            total = total.checked_add(shard.tokens).filter(|total| *total <= MAX_TOKENS).unwrap_or(u64::MAX);
            check("shards.tokens", total != u64::MAX, "must not exceed 2^50 in all")?;
        }
        let mut names: Vec<_> = self.shards.iter().map(|shard| shard.file.to_ascii_lowercase()).collect();
        names.sort_unstable();
        check("shards.file", names.windows(2).all(|pair| pair[0] != pair[1]), "must not name a file twice")?;
        check("total_tokens", self.total_tokens == total, "must be the sum over the shards")?;
        let sequences = total / u64::from(self.sequence_tokens);
        check("total_sequences", self.total_sequences == sequences, "must be the shards' tokens in sequences")?;
        check("held_out_sequences", self.held_out_sequences < sequences, "must leave something to train on")
    }
}

fn check(field: &'static str, holds: bool, why: &'static str) -> Result<(), OpenError> {
    if holds { Ok(()) } else { Err(OpenError::Field { field, why }) }
}

fn is_line(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Letters, digits, `-`, `_` and `.`, not starting with a dot: a name that means the same file on every system and
/// cannot leave its folder.
fn is_file_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=128).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.') && !name.ends_with('.')
}
