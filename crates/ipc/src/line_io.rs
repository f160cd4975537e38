//! Words over `std::io`: for a thread that owns the peer's stdin or stdout.
//!
//! In: any reader or writer. Out: words. A bad line is an error of that line only; the next call reads on.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{FrameError, LineSplitter, decode_line, encode_line};

/// One pipe buffer on Linux: more would not arrive in one read.
const READ_BYTES: usize = 64 * 1024;

/// Why no word was read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// This line is no word; the next one may be.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The pipe is broken.
    #[error("cannot read from the other process: {0}")]
    Io(#[from] io::Error),
}

/// Why a word was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The word does not fit a line; nothing was written.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The pipe is broken.
    #[error("cannot write to the other process: {0}")]
    Io(#[from] io::Error),
}

/// Reads words from a stream.
#[derive(Debug)]
pub struct LineReader<R> {
    from: R,
    splitter: LineSplitter,
    buffer: Vec<u8>,
    /// Unread part of `buffer`.
    unread: std::ops::Range<usize>,
}

impl<R: Read> LineReader<R> {
    /// Reads from `from`, which needs no buffer of its own.
    pub fn new(from: R) -> Self {
        Self { from, splitter: LineSplitter::new(), buffer: vec![0; READ_BYTES], unread: 0..0 }
    }

    /// The next word; `None` at the end of the stream. Blocks until there is one.
    ///
    /// # Errors
    /// [`ReadError::Frame`] for a line that is no word (the next call reads on), [`ReadError::Io`] for a broken pipe.
    pub fn read<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ReadError> {
        loop {
            let mut input = &self.buffer[self.unread.clone()];
            let line = self.splitter.next_line(&mut input);
            self.unread.start = self.unread.end - input.len();
            if let Some(line) = line {
                return Ok(Some(decode_line(&line?)?));
            }
            match self.from.read(&mut self.buffer) {
                Ok(0) => return self.splitter.finish().map(|()| None).map_err(ReadError::from),
                Ok(read) => self.unread = 0..read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
}

/// Writes words to a stream.
#[derive(Debug)]
pub struct LineWriter<W> {
    to: W,
}

impl<W: Write> LineWriter<W> {
    /// Writes to `to`, which needs no buffer: a word is one write and one flush.
    pub fn new(to: W) -> Self {
        Self { to }
    }

    /// Writes one word and flushes, so that the other side sees it now.
    ///
    /// # Errors
    /// [`WriteError::Frame`] if the word does not fit a line, [`WriteError::Io`] for a broken pipe.
    pub fn write<T: Serialize>(&mut self, word: &T) -> Result<(), WriteError> {
        let line = encode_line(word)?;
        self.to.write_all(&line)?;
        Ok(self.to.flush()?)
    }
}
