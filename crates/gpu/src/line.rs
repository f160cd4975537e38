//! What a probe says: one JSON object a line, at most 64 KiB each.
//!
//! In: bytes of the child's standard output, hostile: the driver's library writes into the same process. Out: words
//! within bounds, or why a line is none. A longer line is thrown away up to its end; the next one reads as if nothing had
//! been. Memory never exceeds one line.

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use crate::{CardId, Fault, Sample, Survey};

/// Longest line, line feed included.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// Most cards in a line; the largest machines known have 16.
pub(crate) const MAX_CARDS: usize = 16;
/// Most processes told for a card, so that [`MAX_CARDS`] cards fit a line.
pub(crate) const MAX_OTHERS: usize = 16;
/// Longest name of a card or version, characters. NVML's own bound is 96 bytes.
pub(crate) const MAX_TEXT_CHARS: usize = 96;
/// Longest name of a process, characters: the others' names are the longest part of a line.
pub(crate) const MAX_PROCESS_CHARS: usize = 40;
/// How much of a parser's complaint is kept: it may quote the hostile line.
const MAX_COMPLAINT_CHARS: usize = 200;

/// One line of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum ProbeLine {
    /// What is there.
    Survey(Survey),
    /// How the cards do now.
    Samples {
        /// One for each card that answers.
        samples: Vec<Sample>,
    },
    /// A card was lost, or answers again: a new survey will tell.
    Changed,
    /// Watching is not possible.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// The power limit is set.
    PowerSet {
        /// The limit that the card now reports, milliwatts.
        limit_mw: u32,
    },
    /// The power limit is not set.
    PowerRefused {
        /// Why.
        refusal: Refusal,
    },
}

/// Why a card does not take a power limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// The driver lets only administrators set it.
    NotPermitted,
    /// The card has no such limit.
    NotSupported,
    /// No card is known by that id.
    NoSuchCard {
        /// The id.
        uuid: CardId,
    },
    /// The driver does not answer.
    NoDriver {
        /// Why.
        fault: Fault,
    },
    /// Something else, in the driver's words.
    Other {
        /// The driver's words.
        text: String,
    },
}

/// Why a line is no word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// Longer than [`MAX_LINE_BYTES`].
    #[error("the line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// Not JSON, or not one of our words.
    #[error("the line does not read: {0}")]
    Syntax(String),
    /// More of something than a line may hold.
    #[error("the line has too many {0}")]
    TooMany(&'static str),
    /// A word that cannot be written as JSON.
    #[error("the word cannot be written: {0}")]
    Encode(String),
}

impl ProbeLine {
    /// A line, with or without its line feed, as a word.
    ///
    /// # Errors
    /// [`LineError`]; nothing is cut to fit.
    pub fn parse(line: &[u8]) -> Result<Self, LineError> {
        if line.len() > MAX_LINE_BYTES {
            return Err(LineError::TooLong);
        }
        let word: Self = serde_json::from_slice(line).map_err(|e| LineError::Syntax(complaint(&e)))?;
        let bounded =
            |count: usize, most: usize, what| if count > most { Err(LineError::TooMany(what)) } else { Ok(()) };
        match &word {
            Self::Survey(survey) => bounded(survey.cards.len(), MAX_CARDS, "cards")?,
            Self::Samples { samples } => {
                bounded(samples.len(), MAX_CARDS, "cards")?;
                for sample in samples {
                    bounded(sample.others.len(), MAX_OTHERS, "processes")?;
                }
            }
            _ => {}
        }
        Ok(word)
    }

    /// The word as a line, line feed included.
    ///
    /// # Errors
    /// [`LineError::TooLong`] if the other side would refuse it.
    pub fn encode(&self) -> Result<Vec<u8>, LineError> {
        let mut line = serde_json::to_vec(self).map_err(|e| LineError::Encode(complaint(&e)))?;
        line.push(b'\n');
        if line.len() > MAX_LINE_BYTES { Err(LineError::TooLong) } else { Ok(line) }
    }
}

fn complaint(error: &serde_json::Error) -> String {
    error.to_string().chars().take(MAX_COMPLAINT_CHARS).collect()
}

/// Reads lines from a child. Dropping a call of [`Self::next`] before it is done loses nothing.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    from: R,
    line: Vec<u8>,
    skipping: bool,
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, line: Vec::new(), skipping: false }
    }

    /// The next line as a word, or why it is none; `None` at the end of the stream, a broken one included. A line that
    /// the end cuts off is never handed out, it may be half a word.
    pub(crate) async fn next(&mut self) -> Option<Result<ProbeLine, LineError>> {
        loop {
            let bytes = self.from.fill_buf().await.ok().filter(|bytes| !bytes.is_empty())?;
            let feed = bytes.iter().position(|byte| *byte == b'\n');
            let part = bytes.get(..feed.unwrap_or(bytes.len())).unwrap_or_default();
            let (taken, too_long) = (part.len(), self.line.len() + part.len() >= MAX_LINE_BYTES);
            if !self.skipping && !too_long {
                self.line.extend_from_slice(part);
            }
            self.from.consume(taken + usize::from(feed.is_some()));
            if self.skipping {
                self.skipping = feed.is_none();
            } else if too_long {
                self.line = Vec::new();
                self.skipping = feed.is_none();
                return Some(Err(LineError::TooLong));
            } else if feed.is_some() {
                return Some(ProbeLine::parse(&std::mem::take(&mut self.line)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
