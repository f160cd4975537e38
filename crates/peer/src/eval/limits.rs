//! How much is read for an evaluation.
//!
//! In: nothing. Out: bounds, each with its reason.

/// A text to measure perplexity on: tokens of 16 MiB take a processor hours already.
pub(super) const MAX_TEXT_BYTES: u64 = 16 << 20;
/// A set of questions: the largest in use (MMLU, 14,000 items) has 7 MB.
pub(super) const MAX_SET_BYTES: u64 = 32 << 20;
/// One line: longer than any context that is evaluated.
pub(super) const MAX_LINE_BYTES: usize = 64 << 10;
/// Items of a set.
pub(super) const MAX_ITEMS: usize = 100_000;
/// Choices of an item: as many as there are letters.
pub(super) const MAX_CHOICES: usize = 26;
