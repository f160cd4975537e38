//! Text as token shards: tokenizers, the shard set on disk, who trains on which sequence, receipts, and corpus building.
//!
//! In: folders of text, `tokenizer.json` files and shard sets (all hostile). Out: checked sequences of tokens by index.
//! It knows neither torch nor peers nor where a shard set came from.

pub mod assignment;
pub mod build;
mod manifest;
pub mod rng;
pub mod sample;
mod shards;
pub mod story;
mod tokenizer;

pub use assignment::{assignment, choice};
pub use manifest::{DATASET_VERSION, DatasetManifest, Dtype, MANIFEST_FILE, MAX_SHARDS, ShardInfo, TOKENIZER_FILE};
pub use sample::{sample_digest, sample_id};
pub use shards::{Dataset, OpenError, ReadError};
pub use tokenizer::{Tokenizer, TokenizerError};
