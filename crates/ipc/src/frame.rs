//! One JSON object a line: bytes to words and back, without any I/O.
//!
//! In: bytes from the other process, hostile. Out: words, or why there are none. A line is at most 1 MiB; a longer one
//! is thrown away up to its end and reported once, and the lines after it are read as if nothing had been. Memory never
//! exceeds one line.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest line, line feed included. The longest honest one carries a manifest (256 KiB at most) or a snapshot.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// How much of a parser's complaint is kept: it may quote the hostile line.
const MAX_COMPLAINT_CHARS: usize = 200;

/// Why a line gave no word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than [`MAX_LINE_BYTES`].
    #[error("the line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// Not JSON, or not one of our words.
    #[error("the line does not read: {0}")]
    Syntax(String),
    /// The stream ended inside a line.
    #[error("the stream ended inside a line, after {0} bytes of it")]
    Truncated(usize),
    /// A word that cannot be written as JSON.
    #[error("the word cannot be written: {0}")]
    Encode(String),
}

/// A word as a line, line feed included.
///
/// # Errors
/// [`FrameError::TooLong`] if the other side would refuse it.
pub fn encode_line<T: Serialize>(word: &T) -> Result<Vec<u8>, FrameError> {
    let mut line = serde_json::to_vec(word).map_err(|e| FrameError::Encode(complaint(&e)))?;
    line.push(b'\n');
    if line.len() > MAX_LINE_BYTES { Err(FrameError::TooLong) } else { Ok(line) }
}

/// A line, with or without its line feed, as a word.
///
/// # Errors
/// [`FrameError::TooLong`] unread, [`FrameError::Syntax`] for anything that is not one word.
pub fn decode_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, FrameError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(FrameError::TooLong);
    }
    serde_json::from_slice(line).map_err(|e| FrameError::Syntax(complaint(&e)))
}

fn complaint(error: &serde_json::Error) -> String {
    error.to_string().chars().take(MAX_COMPLAINT_CHARS).collect()
}

/// Cuts a stream of bytes into lines, however the bytes arrive.
#[derive(Debug, Default)]
pub struct LineSplitter {
    line: Vec<u8>,
    skipping: bool,
}

impl LineSplitter {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes off the front of `input` until a line is complete (returned without its line feed) or `input` is
    /// empty (`None`). Call it again until it gives `None`.
    ///
    /// # Errors
    /// `Some(Err(TooLong))` once for an over-long line; the rest of that line is thrown away.
    pub fn next_line(&mut self, input: &mut &[u8]) -> Option<Result<Vec<u8>, FrameError>> {
        while !input.is_empty() {
            let feed = input.iter().position(|&b| b == b'\n');
            let (part, rest) = input.split_at(feed.unwrap_or(input.len()));
            *input = rest.get(1..).unwrap_or_default();
            if self.skipping {
                self.skipping = feed.is_none();
                continue;
            }
            // The line feed counts, so that both directions share one bound.
            if self.line.len() + part.len() >= MAX_LINE_BYTES {
                self.line = Vec::new();
                self.skipping = feed.is_none();
                return Some(Err(FrameError::TooLong));
            }
            self.line.extend_from_slice(part);
            if feed.is_some() {
                return Some(Ok(std::mem::take(&mut self.line)));
            }
        }
        None
    }

    /// Says that the stream has ended.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] if it ended inside a line; such a line is never handed out, it may be half a word.
    pub fn finish(&mut self) -> Result<(), FrameError> {
        let left = std::mem::take(&mut self.line).len();
        self.skipping = false;
        if left == 0 { Ok(()) } else { Err(FrameError::Truncated(left)) }
    }
}
