//! Corpus building: text in, a shard set out; streaming, resumable, deterministic.
//!
//! In: text files, `.jsonl` and `.parquet` files, folders of them, gzip and dictzip (all hostile), or the built-in
//! stories. Out: shards, and at the very end their manifest: a folder without `manifest.json` does not open, so nothing
//! half-built ever passes for a data set. A killed build goes on behind its last finished shard. Text that is not UTF-8
//! is kept, with U+FFFD in place of what does not decode, and counted. It never shuffles and never downloads.

mod inputs;
mod journal;
#[cfg(feature = "parquet")]
mod parquet;
mod pieces;
mod writer;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::Hash32;

use self::inputs::Input;
use self::journal::Journal;
use self::pieces::PieceSource;
use self::writer::{ShardWriter, write_whole};
use crate::manifest::{DATASET_VERSION, DatasetManifest, Dtype, MANIFEST_FILE, MAX_SHARDS, TOKENIZER_FILE};
use crate::{Dataset, OpenError, Tokenizer, TokenizerError};

/// Held while a build writes into its folder.
const LOCK_FILE: &str = "build.lock";

/// What to build. [`BuildOptions::new`] fills in the usual values.
#[derive(Debug)]
pub struct BuildOptions {
    /// Files and folders; folders are read recursively, in the order of their files' names.
    pub inputs: Vec<PathBuf>,
    /// Folder of the shard set; made if need be.
    pub out: PathBuf,
    /// What people call the set; 1 to 64 characters.
    pub name: String,
    /// Where the text came from; at most 1024 characters.
    pub source: String,
    /// How text becomes tokens.
    pub tokenizer: Tokenizer,
    /// Tokens per sequence.
    pub sequence_tokens: u32,
    /// Sequences at the end kept out of every assignment.
    pub held_out_sequences: u64,
    /// Tokens per shard; rounded down to whole sequences, at least one.
    pub shard_tokens: u64,
    /// Stop after so many tokens.
    pub max_tokens: Option<u64>,
    /// Field of a `.jsonl` line, or column of a `.parquet` file, that holds the text.
    pub text_field: String,
    /// Most bytes one compressed byte of a `.gz` or `.dz` file may become: gzip bombs reach 1000, text stays below 20.
    pub max_expansion: u64,
}

impl BuildOptions {
    /// 64 Mi tokens per shard, sequences of 2048 tokens, 64 of them held out.
    pub fn new(inputs: Vec<PathBuf>, out: PathBuf, tokenizer: Tokenizer) -> Self {
        Self {
            inputs,
            out,
            name: "corpus".to_owned(),
            source: String::new(),
            tokenizer,
            sequence_tokens: 2048,
            held_out_sequences: 64,
            shard_tokens: 64 << 20,
            max_tokens: None,
            text_field: "text".to_owned(),
            max_expansion: 200,
        }
    }
}

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Input files read to their end.
    pub files_done: u64,
    /// Input files in all.
    pub files_total: u64,
    /// Tokens written.
    pub tokens: u64,
    /// Shards finished.
    pub shards: u64,
}

/// What was counted on the way; kept in the journal so that a resumed build reports the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Documents read.
    pub documents: u64,
    /// Bytes of text read, decompressed.
    pub text_bytes: u64,
    /// Pieces of text (up to 1 MiB each) in which something was not UTF-8 and became U+FFFD.
    pub lossy_pieces: u64,
}

/// A finished build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildReport {
    /// The set's manifest.
    pub manifest: DatasetManifest,
    /// Its hash: `data.dataset` of a run manifest.
    pub hash: Hash32,
    /// What was read.
    pub counts: Counts,
    /// Files in folders that are no known kind of text and were left out.
    pub skipped_files: u64,
    /// Shards taken over from an earlier, interrupted build.
    pub resumed_shards: u64,
    /// The set was already there, built from the same inputs; nothing was done.
    pub unchanged: bool,
}

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An input does not exist.
    #[error("there is no {}", path.display())]
    NoSuchInput {
        /// The path given.
        path: PathBuf,
    },
    /// No input, or only folders without text.
    #[error("no text file was found in the inputs")]
    NoText,
    /// Not enough text for the held-out part and one sequence to train on.
    #[error("the text makes {sequences} sequences of {sequence_tokens} tokens; {held_out} are to be held out")]
    TooLittleText {
        /// Whole sequences the text makes.
        sequences: u64,
        /// Tokens per sequence.
        sequence_tokens: u32,
        /// Sequences asked to be held out.
        held_out: u64,
    },
    /// Reading or writing failed; a full disk is `source.kind() == StorageFull`.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// `read`, `write`, `create` …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line or row that holds no text.
    #[error("{}, record {record}: {why}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Line or row, from 1.
        record: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A kind of file this build cannot read.
    #[error("{}: {why}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A compressed file unpacks to far more than text does.
    #[error("{} unpacks to more than {limit} bytes", path.display())]
    Expansion {
        /// The file.
        path: PathBuf,
        /// Bytes it was allowed.
        limit: u64,
    },
    /// The output folder holds a finished set built from something else.
    #[error("{} holds another data set", dir.display())]
    Occupied {
        /// The folder.
        dir: PathBuf,
    },
    /// Another build is writing into the output folder.
    #[error("another build is writing into {}", dir.display())]
    Busy {
        /// The folder.
        dir: PathBuf,
    },
    /// The text would fill more shards than a set may have.
    #[error("more than {MAX_SHARDS} shards; make them larger")]
    TooManyShards,
    /// A parameter out of bounds, or a finished set that does not open.
    #[error(transparent)]
    Set(#[from] OpenError),
    /// The tokenizer gave up.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

impl BuildError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}

/// Where in the inputs the next token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Cursor {
    /// Input, in order.
    input: u64,
    /// Piece of it.
    piece: u64,
    /// Tokens of that piece already written.
    tokens: u64,
}

/// Builds a shard set, or finishes one that was interrupted, or finds it finished and does nothing.
///
/// # Errors
/// [`BuildError`]; whatever it is, the folder then holds no manifest, and a later call goes on behind the last shard.
pub fn build(options: &BuildOptions, progress: &mut dyn FnMut(Progress)) -> Result<BuildReport, BuildError> {
    let found = inputs::collect(&options.inputs)?;
    let inputs = found.files.into_iter().map(Input::File).collect();
    Builder::new(options, inputs, found.skipped, options.max_tokens)?.run(progress)
}

/// As [`build`], from [`crate::story::Stories`] of this seed: `tokens` of them (or `options.max_tokens`, if fewer).
///
/// # Errors
/// As [`build`].
pub fn build_stories(
    options: &BuildOptions,
    seed: u64,
    tokens: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<BuildReport, BuildError> {
    let tokens = options.max_tokens.map_or(tokens, |max| max.min(tokens));
    Builder::new(options, vec![Input::Stories { seed, tokens }], 0, Some(tokens))?.run(progress)
}

struct Builder<'a> {
    options: &'a BuildOptions,
    inputs: Vec<Input>,
    skipped_files: u64,
    shard_tokens: u64,
    max_tokens: Option<u64>,
    fingerprint: Hash32,
}

impl<'a> Builder<'a> {
    fn new(
        options: &'a BuildOptions,
        inputs: Vec<Input>,
        skipped_files: u64,
        max_tokens: Option<u64>,
    ) -> Result<Self, BuildError> {
        let sequence = u64::from(options.sequence_tokens.max(1));
        let shard_tokens = (options.shard_tokens / sequence).max(1) * sequence;
        let fingerprint = journal::fingerprint(options, &inputs);
        let builder = Self { options, inputs, skipped_files, shard_tokens, max_tokens, fingerprint };
        // Refuse bad parameters before an hour of work, not after it: validate with one pretended shard.
        let mut trial = builder.manifest(Vec::new());
        let tokens = sequence * (options.held_out_sequences.min(1 << 20) + 1);
        trial.held_out_sequences = trial.held_out_sequences.min(1 << 20);
        trial.shards = vec![crate::ShardInfo { file: ShardWriter::name(0), tokens, blake3: Hash32::default() }];
        (trial.total_tokens, trial.total_sequences) = (tokens, tokens / sequence);
        trial.validate()?;
        Ok(builder)
    }

    fn run(&self, progress: &mut dyn FnMut(Progress)) -> Result<BuildReport, BuildError> {
        let out = &self.options.out;
        fs::create_dir_all(out).map_err(BuildError::io("create", out))?;
        let lock = self.lock()?;
        if let Some(report) = self.already_there()? {
            return Ok(report);
        }
        let (mut journal, resumed) = Journal::resume(out, self.fingerprint)?;
        let counts = self.write_shards(&mut journal, progress)?;
        let report = self.seal(&journal, counts, resumed)?;
        drop(lock);
        Ok(report)
    }

    fn lock(&self) -> Result<File, BuildError> {
        let path = self.options.out.join(LOCK_FILE);
        let lock = File::create(&path).map_err(BuildError::io("create", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(BuildError::Busy { dir: self.options.out.clone() }),
            Err(TryLockError::Error(source)) => Err(BuildError::io("lock", &path)(source)),
        }
    }

    /// The report of a finished set made by this very build; an error if the folder holds any other finished set.
    fn already_there(&self) -> Result<Option<BuildReport>, BuildError> {
        let out = &self.options.out;
        if !out.join(MANIFEST_FILE).exists() {
            return Ok(None);
        }
        let Some((fingerprint, counts)) = journal::summary(out) else {
            return Err(BuildError::Occupied { dir: out.clone() });
        };
        if fingerprint != self.fingerprint {
            return Err(BuildError::Occupied { dir: out.clone() });
        }
        let set = Dataset::open(out)?;
        let report = BuildReport {
            manifest: set.manifest().clone(),
            hash: set.hash(),
            counts,
            skipped_files: self.skipped_files,
            resumed_shards: set.manifest().shards.len() as u64,
            unchanged: true,
        };
        Ok(Some(report))
    }

    /// Reads from the journal's cursor to the end of the inputs; every full shard goes into the journal.
    fn write_shards(&self, journal: &mut Journal, progress: &mut dyn FnMut(Progress)) -> Result<Counts, BuildError> {
        let (start, counts) = journal.last();
        let left = self.max_tokens.unwrap_or(u64::MAX).saturating_sub(journal.tokens());
        let shard = self.shard(journal)?;
        let mut run = Run { builder: self, journal, shard, counts, left, start, tokens: Vec::new() };
        for (at, input) in (0u64..).zip(&self.inputs).skip(usize::try_from(start.input).unwrap_or(usize::MAX)) {
            if run.left == 0 {
                break;
            }
            run.read(at, &mut *input.open(self.options)?, progress)?;
        }
        run.close()
    }

    fn shard(&self, journal: &Journal) -> Result<ShardWriter, BuildError> {
        let index = journal.shards().len();
        if index >= MAX_SHARDS {
            return Err(BuildError::TooManyShards);
        }
        let dtype = Dtype::for_vocab(self.options.tokenizer.vocab());
        ShardWriter::create(&self.options.out, index, dtype, self.options.sequence_tokens, self.shard_tokens)
    }

    /// Writes tokenizer and manifest; the manifest's appearance is what makes the set a set.
    fn seal(&self, journal: &Journal, counts: Counts, resumed_shards: u64) -> Result<BuildReport, BuildError> {
        let out = &self.options.out;
        let manifest = self.manifest(journal.shards().to_vec());
        if manifest.total_sequences <= manifest.held_out_sequences {
            return Err(BuildError::TooLittleText {
                sequences: manifest.total_sequences,
                sequence_tokens: manifest.sequence_tokens,
                held_out: manifest.held_out_sequences,
            });
        }
        manifest.validate()?;
        if let Some(json) = self.options.tokenizer.json() {
            write_whole(&out.join(TOKENIZER_FILE), json)?;
        }
        let bytes = manifest.to_bytes();
        write_whole(&out.join(MANIFEST_FILE), &bytes)?;
        let hash = Hash32::of(&bytes);
        let skipped_files = self.skipped_files;
        Ok(BuildReport { manifest, hash, counts, skipped_files, resumed_shards, unchanged: false })
    }

    fn manifest(&self, shards: Vec<crate::ShardInfo>) -> DatasetManifest {
        let total_tokens = shards.iter().map(|shard| shard.tokens).sum();
        let vocab = self.options.tokenizer.vocab();
        DatasetManifest {
            version: DATASET_VERSION,
            name: self.options.name.clone(),
            source: self.options.source.clone(),
            tokenizer: self.options.tokenizer.kind(),
            vocab,
            dtype: Dtype::for_vocab(vocab),
            sequence_tokens: self.options.sequence_tokens,
            held_out_sequences: self.options.held_out_sequences,
            total_sequences: total_tokens / u64::from(self.options.sequence_tokens.max(1)),
            total_tokens,
            shards,
        }
    }
}

/// The moving parts of a build between its first and last token.
struct Run<'a> {
    builder: &'a Builder<'a>,
    journal: &'a mut Journal,
    shard: ShardWriter,
    counts: Counts,
    /// Tokens still wanted.
    left: u64,
    /// Where an earlier build stopped.
    start: Cursor,
    /// Tokens of the current piece.
    tokens: Vec<u32>,
}

impl Run<'_> {
    /// Reads input number `at` to its end, from the start cursor if that lies in it.
    fn read(
        &mut self,
        at: u64,
        source: &mut dyn PieceSource,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), BuildError> {
        let resumed = at == self.start.input && self.start != Cursor::default();
        for piece_at in 0u64.. {
            let Some(piece) = source.next_piece()? else { break };
            if resumed && piece_at < self.start.piece {
                continue;
            }
            let options = self.builder.options;
            self.tokens.clear();
            options.tokenizer.encode_into(&piece.text, &mut self.tokens)?;
            if piece.ends_document {
                self.tokens.push(options.tokenizer.end());
            }
            let mut cursor = Cursor { input: at, piece: piece_at, tokens: 0 };
            if resumed && piece_at == self.start.piece {
                // Counted when the journal was written.
                cursor.tokens = self.start.tokens.min(self.tokens.len() as u64);
            } else {
                self.counts.documents += u64::from(piece.ends_document);
                self.counts.text_bytes += piece.text.len() as u64;
                self.counts.lossy_pieces += u64::from(piece.lossy);
            }
            self.write(cursor)?;
            progress(self.progress(at));
            if self.left == 0 {
                return Ok(());
            }
        }
        progress(self.progress(at + 1));
        Ok(())
    }

    /// Writes the current piece from the cursor on, closing every shard that fills up.
    fn write(&mut self, mut cursor: Cursor) -> Result<(), BuildError> {
        while cursor.tokens < self.tokens.len() as u64 && self.left > 0 {
            let wanted = self.tokens.len() as u64 - cursor.tokens;
            let taken = self.shard.room().min(self.left).min(wanted);
            let from = cursor.tokens as usize;
            self.shard.write(&self.tokens[from..from + taken as usize])?;
            cursor.tokens += taken;
            self.left -= taken;
            if self.shard.room() == 0 {
                let info = self.shard.finish()?;
                self.journal.push(info, cursor, self.counts)?;
                self.shard = self.builder.shard(self.journal)?;
            }
        }
        Ok(())
    }

    /// Closes the last shard; what does not fill a sequence is dropped.
    fn close(mut self) -> Result<Counts, BuildError> {
        if self.shard.sequences() == 0 {
            self.shard.discard()?;
        } else {
            let end = Cursor { input: self.builder.inputs.len() as u64, ..Cursor::default() };
            let info = self.shard.finish()?;
            self.journal.push(info, end, self.counts)?;
        }
        Ok(self.counts)
    }

    fn progress(&self, files_done: u64) -> Progress {
        Progress {
            files_done,
            files_total: self.builder.inputs.len() as u64,
            tokens: self.journal.tokens() + self.shard.tokens(),
            shards: self.journal.shards().len() as u64,
        }
    }
}

#[cfg(test)]
mod tests;
