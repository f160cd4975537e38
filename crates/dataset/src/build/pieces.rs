//! Text in pieces of at most 1 MiB, so that memory does not follow the size of a document.
//!
//! In: readers of plain text or JSON lines, or the story generator. Out: the same pieces on every run; a piece ends at a
//! line break where there is one, and says whether a document ends with it. What is not UTF-8 becomes U+FFFD.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::BuildError;
use crate::story::Stories;

/// Most bytes of a piece.
const PIECE_BYTES: usize = 1 << 20;
/// Longest line of a `.jsonl` file: a long book.
const MAX_LINE_BYTES: u64 = 64 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) ends_document: bool,
    /// Something in it was not UTF-8.
    pub(super) lossy: bool,
}

pub(super) trait PieceSource {
    /// The next piece; `None` at the end of the input.
    fn next_piece(&mut self) -> Result<Option<Piece>, BuildError>;
}

/// A plain text file: one document.
pub(super) struct TextPieces {
    reader: Box<dyn BufRead>,
    path: PathBuf,
    limit: Option<u64>,
    /// Read, but not yet given out.
    buffer: Vec<u8>,
    state: TextState,
}

#[derive(PartialEq, Eq)]
enum TextState {
    Start,
    Reading,
    Done,
}

impl TextPieces {
    pub(super) fn new(reader: Box<dyn BufRead>, path: &Path, limit: Option<u64>) -> Self {
        Self { reader, path: path.to_path_buf(), limit, buffer: Vec::new(), state: TextState::Start }
    }
}

impl PieceSource for TextPieces {
    fn next_piece(&mut self) -> Result<Option<Piece>, BuildError> {
        if self.state == TextState::Done {
            return Ok(None);
        }
        // One byte more than a piece tells whether the document ends with it.
        let missing = (PIECE_BYTES + 1).saturating_sub(self.buffer.len()) as u64;
        let read = self.reader.by_ref().take(missing).read_to_end(&mut self.buffer);
        read.map_err(|source| read_error(source, &self.path, self.limit))?;
        if self.state == TextState::Start {
            self.state = TextState::Reading;
            if self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.drain(..BYTE_ORDER_MARK.len());
                return self.next_piece();
            }
            if self.buffer.is_empty() {
                self.state = TextState::Done;
                return Ok(None);
            }
        }
        let ends_document = self.buffer.len() <= PIECE_BYTES;
        let cut = if ends_document { self.buffer.len() } else { cut(&self.buffer[..PIECE_BYTES]) };
        let rest = self.buffer.split_off(cut);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        if ends_document {
            self.state = TextState::Done;
        }
        let (text, lossy) = match String::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
        };
        Ok(Some(Piece { text, ends_document, lossy }))
    }
}

/// Where to cut a full buffer: behind its last line break, else before its last character.
fn cut(bytes: &[u8]) -> usize {
    if let Some(at) = bytes.iter().rposition(|b| *b == b'\n') {
        return at + 1;
    }
    // A character has at most three continuation bytes; more in a row is no UTF-8 and may be cut anywhere.
    let tail = bytes.iter().rev().take(3).take_while(|b| **b & 0xc0 == 0x80).count();
    let cut = bytes.len() - tail - 1;
    if bytes[cut] >= 0xc0 { cut } else { bytes.len() }
}

/// A document held as one string, cut into pieces.
pub(super) fn pieces_of(text: String, lossy: bool, out: &mut VecDeque<Piece>) {
    let mut rest = text;
    while rest.len() > PIECE_BYTES {
        let tail = rest.split_off(cut(&rest.as_bytes()[..PIECE_BYTES]));
        out.push_back(Piece { text: std::mem::replace(&mut rest, tail), ends_document: false, lossy });
    }
    out.push_back(Piece { text: rest, ends_document: true, lossy });
}

/// A `.jsonl` file: one document per line.
pub(super) struct JsonLines {
    reader: Box<dyn BufRead>,
    path: PathBuf,
    field: String,
    limit: Option<u64>,
    line: u64,
    ready: VecDeque<Piece>,
}

impl JsonLines {
    pub(super) fn new(reader: Box<dyn BufRead>, path: &Path, field: &str, limit: Option<u64>) -> Self {
        let (path, field) = (path.to_path_buf(), field.to_owned());
        Self { reader, path, field, limit, line: 0, ready: VecDeque::new() }
    }

    fn error(&self, why: String) -> BuildError {
        BuildError::Record { path: self.path.clone(), record: self.line, why }
    }
}

impl PieceSource for JsonLines {
    fn next_piece(&mut self) -> Result<Option<Piece>, BuildError> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            let mut line = Vec::new();
            let read = self.reader.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line);
            let read = read.map_err(|source| read_error(source, &self.path, self.limit))?;
            self.line += 1;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 > MAX_LINE_BYTES {
                return Err(self.error(format!("the line is longer than {MAX_LINE_BYTES} bytes")));
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let text = String::from_utf8_lossy(&line);
            let lossy = matches!(text, std::borrow::Cow::Owned(_));
            let mut json = serde_json::Deserializer::from_str(&text);
            let found = TextField(&self.field).deserialize(&mut json).and_then(|found| json.end().map(|()| found));
            match found {
                Err(error) => return Err(self.error(error.to_string())),
                Ok(None) => return Err(self.error(format!("there is no text in field `{}`", self.field))),
                Ok(Some(document)) if document.is_empty() => {}
                Ok(Some(document)) => pieces_of(document, lossy, &mut self.ready),
            }
        }
    }
}

/// Reads one string field of an object and builds nothing of the rest.
struct TextField<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for TextField<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TextField<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a text field `{}`", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.0 {
                found = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Built-in stories without end; the build stops at its number of tokens.
pub(super) struct StoryPieces(pub(super) Stories);

impl PieceSource for StoryPieces {
    fn next_piece(&mut self) -> Result<Option<Piece>, BuildError> {
        Ok(self.0.next().map(|text| Piece { text, ends_document: true, lossy: false }))
    }
}

fn read_error(source: io::Error, path: &Path, limit: Option<u64>) -> BuildError {
    match limit {
        Some(limit) if source.kind() == io::ErrorKind::FileTooLarge => {
            BuildError::Expansion { path: path.to_path_buf(), limit }
        }
        _ => BuildError::io("read", path)(source),
    }
}
