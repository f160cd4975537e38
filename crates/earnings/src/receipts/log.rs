//! The log's file: lines appended one at a time, each on disk before the call returns.
//!
//! In: what is to be recorded. Out: a longer chain. On open the chain is recomputed; a last line that a crash tore off is dropped, any
//! other damage is refused and left as it is. One process at a time. Saying the same thing twice records it once; saying
//! something else in the same place is refused.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::{Hash32, Round, RunId};

use super::entry::{Entry, Kind, What};
use super::line::{MAX_LINE_BYTES, Wrong, decode, encode};

/// The largest log: some ten years of rounds of twenty minutes.
pub const MAX_LOG_BYTES: u64 = 512 << 20;

/// Where a log ends. Kept elsewhere, it tells whether lines were cut off the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogHead {
    /// Lines.
    pub records: u64,
    /// Hash of the last one; zeros for none.
    pub hash: Hash32,
}

/// Why a log does not open or grow.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A line does not hold.
    #[error("receipt {record}: {wrong}")]
    Broken {
        /// Which line, from 1.
        record: u64,
        /// What of it.
        #[source]
        wrong: Wrong,
    },
    /// Something else was recorded in that place.
    #[error("round {round} has another {kind} on record already")]
    Contradicts {
        /// The round.
        round: Round,
        /// What kind of line.
        kind: &'static str,
    },
    /// What was to be recorded contradicts itself.
    #[error("`{0}` contradicts the other fields")]
    Invalid(&'static str),
    /// The log may not grow any more.
    #[error("the log has reached {MAX_LOG_BYTES} bytes; set it aside to begin another")]
    Full,
    /// Another process writes it.
    #[error("{} is open in another process", .0.display())]
    InUse(PathBuf),
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Run, round, kind, and what tells several of a kind apart.
type Place = (RunId, Round, u8, [u8; 32]);

/// An open log.
#[derive(Debug)]
pub struct ReceiptLog {
    file: File,
    path: PathBuf,
    bytes: u64,
    head: LogHead,
    /// Hash of what was said in each place.
    said: BTreeMap<Place, Hash32>,
}

impl ReceiptLog {
    /// Opens the log at `path`, or begins it there.
    ///
    /// # Errors
    /// [`LogError::Broken`] with the first line that does not hold, [`LogError::InUse`], [`LogError::Full`], [`LogError::Io`].
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let io = |source| LogError::Io { path: path.to_owned(), source };
        let new = !path.exists();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LogError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        if new {
            sync_folder(path).map_err(io)?;
        }
        let mut log = Self { file, path: path.to_owned(), bytes: 0, head: LogHead::default(), said: BTreeMap::new() };
        log.load()?;
        Ok(log)
    }

    fn load(&mut self) -> Result<(), LogError> {
        let io = |source| LogError::Io { path: self.path.clone(), source };
        let found = self.file.metadata().map_err(io)?.len();
        if found > MAX_LOG_BYTES {
            return Err(LogError::Full);
        }
        let (mut bytes, mut head, mut said) = (0, LogHead::default(), BTreeMap::new());
        let mut lines = Lines::of(&self.file);
        while let Some(line) = lines.next().map_err(io)? {
            if line.torn {
                break;
            }
            let broken = |wrong| LogError::Broken { record: head.records + 1, wrong };
            let (entry, hash) = decode(line.bytes).map_err(broken)?;
            follows(head, &entry).map_err(broken)?;
            said.insert(place(&entry.what), content(&entry.what));
            head = LogHead { records: head.records + 1, hash };
            bytes += line.bytes.len() as u64 + 1;
        }
        if bytes < found {
            tracing::warn!(
                "{}: dropped {} bytes of a receipt that was never finished",
                self.path.display(),
                found - bytes
            );
            self.file.set_len(bytes).and_then(|()| self.file.sync_data()).map_err(io)?;
        }
        (self.bytes, self.head, self.said) = (bytes, head, said);
        Ok(())
    }

    /// Where the log ends.
    pub fn head(&self) -> LogHead {
        self.head
    }

    /// Whether this has been recorded already.
    pub fn has(&self, what: &What) -> bool {
        self.said.get(&place(what)) == Some(&content(what))
    }

    /// Records something. It is on disk when this returns; if it fails, the log is as it was.
    ///
    /// # Errors
    /// [`LogError::Contradicts`], [`LogError::Invalid`], [`LogError::Full`], [`LogError::Io`].
    pub fn append(&mut self, what: What) -> Result<LogHead, LogError> {
        what.check().map_err(LogError::Invalid)?;
        let (place, content) = (place(&what), content(&what));
        match self.said.get(&place) {
            Some(said) if *said == content => return Ok(self.head),
            Some(_) => return Err(LogError::Contradicts { round: what.round(), kind: what.kind().name() }),
            None => {}
        }
        let entry = Entry { previous: self.head.hash, what };
        let line = encode(&entry) + "\n";
        let bytes = self.bytes + line.len() as u64;
        if bytes > MAX_LOG_BYTES {
            return Err(LogError::Full);
        }
        if let Err(source) = self.write(&line) {
            // What reached the file is no line yet. If it cannot be cut off now, the next open does it.
            let _ = self.file.set_len(self.bytes);
            return Err(LogError::Io { path: self.path.clone(), source });
        }
        self.bytes = bytes;
        self.head = LogHead { records: self.head.records + 1, hash: entry.hash() };
        self.said.insert(place, content);
        Ok(self.head)
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()
    }

    /// Reads a log without locking it: every whole line that holds.
    ///
    /// # Errors
    /// [`LogError::Broken`] with the first line that does not hold, [`LogError::Full`], [`LogError::Io`].
    pub fn read(path: &Path) -> Result<Vec<Entry>, LogError> {
        let io = |source| LogError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.len() > MAX_LOG_BYTES {
            return Err(LogError::Full);
        }
        let (mut entries, mut head) = (Vec::new(), LogHead::default());
        let mut lines = Lines::of(&file);
        while let Some(line) = lines.next().map_err(io)? {
            if line.torn {
                break;
            }
            let broken = |wrong| LogError::Broken { record: head.records + 1, wrong };
            let (entry, hash) = decode(line.bytes).map_err(broken)?;
            follows(head, &entry).map_err(broken)?;
            head = LogHead { records: head.records + 1, hash };
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// Whether the entry is the one after `head`.
pub(super) fn follows(head: LogHead, entry: &Entry) -> Result<(), Wrong> {
    let wrong = Wrong { field: "previous", why: "is not the hash of the line before: one was removed, added or moved" };
    if entry.previous == head.hash { Ok(()) } else { Err(wrong) }
}

fn place(what: &What) -> Place {
    let mut which = [0u8; 32];
    match what {
        What::Round(_) | What::Commit(_) => {}
        What::Verdict(v) => which = v.judged_by.validator.0,
        What::Reward(r) => which[..8].copy_from_slice(&r.reward_block.0.to_be_bytes()),
    }
    let kind = Kind::ALL.iter().position(|kind| *kind == what.kind()).unwrap_or_default();
    (what.run(), what.round(), kind as u8, which)
}

fn content(what: &What) -> Hash32 {
    Entry { previous: Hash32::default(), what: what.clone() }.hash()
}

/// A new file is only there for sure when its folder says so.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(fs::canonicalize(folder)?)?.sync_all() } else { Ok(()) }
}

/// Lines of a file, never more than one of bounded length in memory.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
}

/// One line without its newline.
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether the file ended before the line did.
    pub(super) torn: bool,
}

impl<'f> Lines<BufReader<&'f File>> {
    fn of(file: &'f File) -> Self {
        Self::new(BufReader::new(file))
    }
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new() }
    }

    /// The next line. One that is too long comes in pieces, the first of which is too long to decode.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        let ended = self.buffer.last() == Some(&b'\n');
        if ended {
            self.buffer.pop();
        }
        Ok(Some(Line { bytes: &self.buffer, torn: !ended && (read as u64) < limit }))
    }
}

#[cfg(test)]
mod tests;
