//! Text to tokens and back: plain bytes, or a Hugging Face `tokenizer.json`.
//!
//! In: text, or a tokenizer file (hostile: capped, parsed by the `tokenizers` crate). Out: token ids below
//! [`Tokenizer::vocab`]. Documents are encoded without special tokens and closed by one end token, as the reference's
//! data was (protocol.md §7). It downloads nothing.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use types::Hash32;
use types::manifest::TokenizerKind;

/// The largest real tokenizer (Gemma 3) has 33 MB.
const MAX_TOKENIZER_BYTES: u64 = 128 << 20;
/// Sixty times the largest real vocabulary; a model table of this size fits no machine anyway.
const MAX_VOCAB: u32 = 1 << 24;
/// End-of-document tokens of well-known tokenizers, in the order they are looked for.
const END_TOKENS: &[&str] = &["<|endoftext|>", "<|end_of_text|>", "<eos>", "</s>", "<|end|>", "[SEP]"];

/// Why a tokenizer was not loaded or did not encode.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// The file cannot be read.
    #[error("cannot read tokenizer {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Longer than any known tokenizer.
    #[error("the tokenizer file has more than {MAX_TOKENIZER_BYTES} bytes")]
    TooLong,
    /// Not a `tokenizer.json`.
    #[error("the tokenizer file does not read: {0}")]
    Syntax(String),
    /// It names no token that ends a document.
    #[error("the tokenizer has none of the end tokens {END_TOKENS:?}")]
    NoEndToken,
    /// Another file than the one named.
    #[error("the tokenizer is {got}, expected {expected}")]
    Other {
        /// Hash wanted.
        expected: Hash32,
        /// Hash found.
        got: Hash32,
    },
    /// The tokenizer gave up on a text.
    #[error("the text does not encode: {0}")]
    Encode(String),
}

/// Turns text into tokens and back.
pub struct Tokenizer(Kind);

enum Kind {
    Bytes,
    File { inner: Box<tokenizers::Tokenizer>, hash: Hash32, bytes: Vec<u8>, vocab: u32, end: u32 },
}

impl Tokenizer {
    /// One token per byte; byte 0 ends a document, and a NUL inside a text becomes a space.
    pub fn bytes() -> Self {
        Self(Kind::Bytes)
    }

    /// Loads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`TokenizerError`] if it cannot be read, is no tokenizer, or has no end-of-document token.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, TokenizerError> {
        let path = path.as_ref();
        let io = |source| TokenizerError::Io { path: path.to_path_buf(), source };
        let mut bytes = Vec::new();
        File::open(path).map_err(io)?.take(MAX_TOKENIZER_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
        Self::from_json(bytes)
    }

    /// Loads the content of a `tokenizer.json`.
    ///
    /// # Errors
    /// As [`Self::from_file`].
    pub fn from_json(bytes: Vec<u8>) -> Result<Self, TokenizerError> {
        if bytes.len() as u64 > MAX_TOKENIZER_BYTES {
            return Err(TokenizerError::TooLong);
        }
        let mut inner = tokenizers::Tokenizer::from_bytes(&bytes)
            .map_err(|e| TokenizerError::Syntax(first_line(&e.to_string())))?;
        // Files made for inference may carry both; a corpus must be neither cut nor filled up.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| TokenizerError::Syntax(first_line(&e.to_string())))?;
        let end = match END_TOKENS.iter().find_map(|token| inner.token_to_id(token)) {
            Some(end) => end,
            None if is_bytes(&inner) => return Ok(Self::bytes()),
            None => return Err(TokenizerError::NoEndToken),
        };
        // Ids may have gaps, so the count is no bound.
        let highest = inner.get_vocab(true).into_values().max().unwrap_or(end);
        if highest >= MAX_VOCAB {
            return Err(TokenizerError::Syntax(format!("token id {highest} is not below {MAX_VOCAB}")));
        }
        let hash = Hash32::of(&bytes);
        Ok(Self(Kind::File { inner: Box::new(inner), hash, bytes, vocab: highest + 1, end }))
    }

    /// The tokenizer a manifest names; `path` is where its file lies if it has one.
    ///
    /// # Errors
    /// As [`Self::from_file`], and [`TokenizerError::Other`] if the file is not the one named.
    pub fn of_kind(kind: &TokenizerKind, path: &Path) -> Result<Self, TokenizerError> {
        match kind {
            TokenizerKind::Bytes => Ok(Self::bytes()),
            TokenizerKind::File { hash } => {
                let tokenizer = Self::from_file(path)?;
                match tokenizer.hash() {
                    got if got == *hash => Ok(tokenizer),
                    got => Err(TokenizerError::Other { expected: *hash, got }),
                }
            }
        }
    }

    /// Which tokenizer this is, as a run manifest names it.
    pub fn kind(&self) -> TokenizerKind {
        match &self.0 {
            Kind::Bytes => TokenizerKind::Bytes,
            Kind::File { hash, .. } => TokenizerKind::File { hash: *hash },
        }
    }

    /// BLAKE3 of the tokenizer's file; of the word `bytes` for the byte tokenizer.
    pub fn hash(&self) -> Hash32 {
        match &self.0 {
            Kind::Bytes => Hash32::of(b"bytes"),
            Kind::File { hash, .. } => *hash,
        }
    }

    /// The tokenizer's file, to be laid beside the shards; `None` for the byte tokenizer.
    pub fn json(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Bytes => None,
            Kind::File { bytes, .. } => Some(bytes),
        }
    }

    /// Vocabulary size: one more than the highest token id.
    pub fn vocab(&self) -> u32 {
        match &self.0 {
            Kind::Bytes => 256,
            Kind::File { vocab, .. } => *vocab,
        }
    }

    /// The token that ends a document.
    pub fn end(&self) -> u32 {
        match &self.0 {
            Kind::Bytes => 0,
            Kind::File { end, .. } => *end,
        }
    }

    /// Appends the tokens of a text, without any special token.
    ///
    /// # Errors
    /// [`TokenizerError::Encode`] if a file's tokenizer gives up.
    pub fn encode_into(&self, text: &str, out: &mut Vec<u32>) -> Result<(), TokenizerError> {
        match &self.0 {
            Kind::Bytes => out.extend(text.bytes().map(|b| if b == 0 { u32::from(b' ') } else { u32::from(b) })),
            Kind::File { inner, .. } => {
                let encoding = inner.encode_fast(text, false).map_err(|e| TokenizerError::Encode(e.to_string()))?;
                out.extend_from_slice(encoding.get_ids());
            }
        }
        Ok(())
    }

    /// The tokens of a whole document: its text and the end token.
    ///
    /// # Errors
    /// As [`Self::encode_into`].
    pub fn encode(&self, document: &str) -> Result<Vec<u32>, TokenizerError> {
        let mut out = Vec::with_capacity(document.len() / 4 + 1);
        self.encode_into(document, &mut out)?;
        out.push(self.end());
        Ok(out)
    }

    /// The text of some tokens, for people. Never fails: what does not decode becomes U+FFFD, what is no token is left
    /// out. An end token becomes a line break.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let mut out = String::new();
        for (i, part) in tokens.split(|token| *token == self.end()).enumerate() {
            if i > 0 {
                out.push('\n');
            }
            match &self.0 {
                Kind::Bytes => {
                    let bytes: Vec<u8> = part.iter().filter_map(|token| u8::try_from(*token).ok()).collect();
                    out.push_str(&String::from_utf8_lossy(&bytes));
                }
                Kind::File { inner, .. } => out.push_str(&inner.decode(part, true).unwrap_or_default()),
            }
        }
        out
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer").field("kind", &self.kind()).field("vocab", &self.vocab()).finish()
    }
}

/// Whether the file is the byte tokenizer in other words, as exports of byte models bring it: 256 tokens, id = byte.
fn is_bytes(inner: &tokenizers::Tokenizer) -> bool {
    // Every byte that can stand in UTF-8: ASCII, continuations, and first bytes of two, three and four.
    let mut text: String = (0..0x800).filter_map(char::from_u32).collect();
    text.extend((0x800..=0xFFFF).step_by(0x1000).filter_map(char::from_u32));
    text.extend((0x1_0000..=0x10_FFFF).step_by(0x4_0000).filter_map(char::from_u32));
    let same = |encoding: tokenizers::Encoding| encoding.get_ids().iter().copied().eq(text.bytes().map(u32::from));
    inner.get_vocab_size(true) == 256 && inner.encode_fast(text.as_str(), false).is_ok_and(same)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
pub(crate) mod tests;
