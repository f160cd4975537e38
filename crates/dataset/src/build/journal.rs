//! The journal of a build: which shards are finished and where in the inputs the next one starts.
//!
//! In: one JSON line per finished shard. Out: where to go on after a kill. A torn last line, a journal of other inputs
//! and a damaged shard cost the work behind them and nothing else. It names no path of this machine.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::Hash32;

use super::inputs::Input;
use super::writer::{PARTIAL, ShardWriter, write_whole};
use super::{BuildError, BuildOptions, Counts, Cursor};
use crate::manifest::{MAX_SHARDS, ShardInfo};

const JOURNAL_FILE: &str = "build.jsonl";
/// Longest journal that is read back: [`MAX_SHARDS`] lines of honest length.
const MAX_JOURNAL_BYTES: u64 = 32 << 20;

#[derive(Serialize, Deserialize)]
struct Header {
    fingerprint: Hash32,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    shard: ShardInfo,
    next: Cursor,
    counts: Counts,
}

pub(super) struct Journal {
    path: PathBuf,
    file: File,
    shards: Vec<ShardInfo>,
    tokens: u64,
    next: Cursor,
    counts: Counts,
}

impl Journal {
    /// Takes up the journal in `dir` if it belongs to the same inputs, or starts a new one. Finished shards whose hash
    /// holds are kept, up to the first that does not; everything else is removed. Also gives the number kept.
    pub(super) fn resume(dir: &Path, fingerprint: Hash32) -> Result<(Self, u64), BuildError> {
        let mut kept = match read(dir) {
            Some((header, entries)) if header.fingerprint == fingerprint => entries,
            _ => Vec::new(),
        };
        let sound = kept.iter().enumerate().take_while(|(i, entry)| is_sound(dir, *i, &entry.shard)).count();
        kept.truncate(sound);
        remove_shards_from(dir, sound)?;
        let path = dir.join(JOURNAL_FILE);
        let mut text = line(&Header { fingerprint });
        for entry in &kept {
            text.extend(line(entry));
        }
        write_whole(&path, &text)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(BuildError::io("open", &path))?;
        let (next, counts) = kept.last().map(|entry| (entry.next, entry.counts)).unwrap_or_default();
        let shards: Vec<ShardInfo> = kept.into_iter().map(|entry| entry.shard).collect();
        let tokens = shards.iter().map(|shard| shard.tokens).sum();
        Ok((Self { path, file, shards, tokens, next, counts }, sound as u64))
    }

    /// Where the next shard starts, and what was counted up to there.
    pub(super) fn last(&self) -> (Cursor, Counts) {
        (self.next, self.counts)
    }

    pub(super) fn shards(&self) -> &[ShardInfo] {
        &self.shards
    }

    /// Tokens in all finished shards.
    pub(super) fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Records a finished shard.
    pub(super) fn push(&mut self, shard: ShardInfo, next: Cursor, counts: Counts) -> Result<(), BuildError> {
        let text = line(&Entry { shard: shard.clone(), next, counts });
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        written.map_err(BuildError::io("write", &self.path))?;
        self.tokens += shard.tokens;
        self.shards.push(shard);
        (self.next, self.counts) = (next, counts);
        Ok(())
    }
}

/// Fingerprint and final counts of the journal in `dir`.
pub(super) fn summary(dir: &Path) -> Option<(Hash32, Counts)> {
    let (header, entries) = read(dir)?;
    Some((header.fingerprint, entries.last().map(|entry| entry.counts).unwrap_or_default()))
}

/// One hash over everything that decides what the shards will hold. Files count by name, length and time of change.
pub(super) fn fingerprint(options: &BuildOptions, inputs: &[Input]) -> Hash32 {
    let mut text = format!(
        "covey/build/v1 {:?} {:?} {:?} {} {} {} {} {:?}\n",
        options.name,
        options.source,
        options.text_field,
        options.tokenizer.hash(),
        options.sequence_tokens,
        options.held_out_sequences,
        options.shard_tokens,
        options.max_tokens,
    );
    for input in inputs {
        text.push_str(&input.identity());
        text.push('\n');
    }
    Hash32::of(text.as_bytes())
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Plain structs of numbers and hashes: serialisation has no failing case.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Header and entries up to the first line that does not read.
fn read(dir: &Path) -> Option<(Header, Vec<Entry>)> {
    let path = dir.join(JOURNAL_FILE);
    if path.metadata().ok()?.len() > MAX_JOURNAL_BYTES {
        return None;
    }
    let text = fs::read_to_string(&path).ok()?;
    let mut lines = text.lines();
    let header = serde_json::from_str(lines.next()?).ok()?;
    let entries = lines.map_while(|line| serde_json::from_str(line).ok()).take(MAX_SHARDS).collect();
    Some((header, entries))
}

fn is_sound(dir: &Path, index: usize, shard: &ShardInfo) -> bool {
    let hash = || -> std::io::Result<Hash32> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(dir.join(&shard.file))?)?;
        Ok(Hash32(*hasher.finalize().as_bytes()))
    };
    shard.file == ShardWriter::name(index) && hash().is_ok_and(|hash| hash == shard.blake3)
}

/// Removes shards `from..` and everything half-written of an earlier build.
fn remove_shards_from(dir: &Path, from: usize) -> Result<(), BuildError> {
    for entry in fs::read_dir(dir).map_err(BuildError::io("read", dir))? {
        let path = entry.map_err(BuildError::io("read", dir))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let Some(number) = name.strip_prefix("shard-").and_then(|rest| rest.split('.').next()) else { continue };
        let Ok(index) = number.parse::<usize>() else { continue };
        let is_partial = path.extension().is_some_and(|ext| ext == PARTIAL);
        if is_partial || (index >= from && name == ShardWriter::name(index)) {
            fs::remove_file(&path).map_err(BuildError::io("remove", &path))?;
        }
    }
    Ok(())
}
