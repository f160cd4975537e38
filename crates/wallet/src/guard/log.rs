//! The signer's log: one JSON line per signature, appended before it is given.
//!
//! In: a path. Out: what was signed earlier, and a file to append to. It refuses a log that another process holds and one
//! with a line that does not read; a last line cut off by a crash is dropped, because its signature never left.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use types::{Hash32, Hotkey, Round, RunId};

use super::GuardError;

/// An honest line of the log has about 250 bytes.
pub(super) const MAX_LINE_BYTES: u64 = 1024;

/// One line of the log.
#[derive(Serialize, Deserialize)]
pub(super) struct AuditLine {
    pub(super) at_ms: u64,
    pub(super) hotkey: Hotkey,
    pub(super) operation: String,
    /// BLAKE3 of the signed bytes.
    pub(super) payload: Hash32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) submission: Option<Signed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) announcement: Option<Announced>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Signed {
    pub(super) run: RunId,
    pub(super) round: Round,
    pub(super) digest: Hash32,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Announced {
    pub(super) genesis: Hash32,
    pub(super) netuid: u16,
    pub(super) round: Round,
    pub(super) root: Hash32,
}

/// Appends one line. With `durable` it is on disk before this returns. A failed write leaves no half line behind.
pub(super) fn append(log: &mut File, line: &AuditLine, durable: bool) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    let end = log.seek(SeekFrom::End(0))?;
    let written = log.write_all(&text).and_then(|()| if durable { log.sync_data() } else { Ok(()) });
    if written.is_err() {
        let _ = log.set_len(end);
    }
    written
}

/// Opens or makes the log and hands every sound line to `take`, oldest first.
pub(super) fn open(path: &Path, mut take: impl FnMut(&AuditLine)) -> Result<File, GuardError> {
    let io_error = |source: io::Error| GuardError::Io { path: path.to_owned(), source };
    let log = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io_error)?;
    log.try_lock().map_err(|e| match e {
        TryLockError::WouldBlock => GuardError::InUse { path: path.to_owned() },
        TryLockError::Error(source) => io_error(source),
    })?;
    let mut reader = BufReader::new(&log);
    let (mut number, mut sound_bytes, mut text) = (0, 0, Vec::new());
    loop {
        text.clear();
        let read = (&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut text).map_err(io_error)?;
        if read == 0 {
            break;
        }
        number += 1;
        if text.last() != Some(&b'\n') {
            if (read as u64) < MAX_LINE_BYTES {
                log.set_len(sound_bytes).map_err(io_error)?;
                break;
            }
            return Err(GuardError::Corrupt { path: path.to_owned(), line: number });
        }
        let line: AuditLine =
            serde_json::from_slice(&text).map_err(|_| GuardError::Corrupt { path: path.to_owned(), line: number })?;
        sound_bytes += read as u64;
        take(&line);
    }
    Ok(log)
}
