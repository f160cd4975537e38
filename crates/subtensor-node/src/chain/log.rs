//! The chain's file: one JSON line per block or dropped blocks, only ever appended.
//!
//! In: plans of blocks with the hashes they gave. Out: the same on the next start. A line cut off by a kill is cut away; a
//! line that is whole and wrong is refused.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use types::Hash32;

use super::Plan;
use crate::NodeError;

/// Longest line, in bytes: a block full of the longest extrinsics in hex.
const MAX_LINE: u64 = 32 * 1024 * 1024;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Entry {
    /// A block on top.
    Block {
        /// What went into it.
        plan: Plan,
        /// The hash it got.
        hash: Hash32,
    },
    /// The newest blocks went away.
    Drop {
        /// How many.
        count: u32,
    },
}

/// The open file, at its end.
pub(super) struct Log {
    file: File,
}

impl Log {
    /// Opens or makes the file of the chain with this genesis.
    pub(super) fn open(path: &Path, genesis: [u8; 32]) -> Result<(Self, Vec<Entry>), NodeError> {
        let io = |e: std::io::Error| NodeError::State(format!("{}: {e}", path.display()));
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(io)?;
        let mut reader = BufReader::new(&mut file);
        let (mut entries, mut whole, mut line) = (Vec::new(), 0u64, Vec::new());
        loop {
            line.clear();
            let read = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(io)?;
            if read == 0 || line.last() != Some(&b'\n') {
                break;
            }
            if whole == 0 {
                let found: Hash32 = serde_json::from_slice(&line).map_err(|_| wrong(path, "its first line"))?;
                if found.0 != genesis {
                    return Err(wrong(path, "its genesis"));
                }
            } else {
                entries.push(serde_json::from_slice(&line).map_err(|e| wrong(path, &e.to_string()))?);
            }
            whole += read as u64;
        }
        drop(reader);
        file.set_len(whole).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let mut log = Self { file };
        if whole == 0 {
            log.write(&Hash32(genesis))?;
        }
        Ok((log, entries))
    }

    /// Appends a line. It survives a kill of this process, not of the machine: it is a test node.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), NodeError> {
        self.write(entry)
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), NodeError> {
        let mut bytes = serde_json::to_vec(line).map_err(|e| NodeError::State(e.to_string()))?;
        bytes.push(b'\n');
        self.file.write_all(&bytes).map_err(|e| NodeError::State(e.to_string()))
    }
}

fn wrong(path: &Path, why: &str) -> NodeError {
    NodeError::State(format!("{} is not this chain's: {why}", path.display()))
}
