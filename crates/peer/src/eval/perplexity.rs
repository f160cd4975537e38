//! Loss on text that was not trained on.
//!
//! In: rows of tokens, an engine. Out: mean loss in nats per predicted token, its exponential, its standard error over the
//! rows. It chooses no text.

use engine::{Engine, EngineError, TokenBatch};
use serde::Serialize;

/// What a model makes of a text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Perplexity {
    /// Where the text comes from.
    pub text: String,
    /// Rows of tokens that were looked at.
    pub rows: usize,
    /// Tokens that were predicted.
    pub tokens: u64,
    /// Nats per predicted token.
    pub loss: f64,
    /// Standard error of the loss over the rows; unknown for a single row.
    pub standard_error: Option<f64>,
    /// e to the loss.
    pub perplexity: f64,
    /// Bits per byte of the text, which no tokenizer changes; for texts whose bytes are known.
    pub bits_per_byte: Option<f64>,
}

/// Cuts a text into rows of at most `length` tokens so that every token but the first is predicted once: each row begins with
/// the last token of the one before. At most `most` rows; returns them with the number of tokens they predict.
pub(super) fn rows(tokens: &[u32], length: usize, most: usize) -> Vec<Vec<u32>> {
    let starts = (0..tokens.len().saturating_sub(1)).step_by(length.saturating_sub(1).max(1));
    starts.take(most).map(|at| tokens[at..tokens.len().min(at + length)].to_vec()).collect()
}

/// Measures the rows; `bytes` is the length of the text that they predict.
///
/// # Errors
/// [`EngineError`]: a row that does not fit the model, or a device that failed.
pub(super) fn measure(
    engine: &mut dyn Engine,
    text: String,
    rows: Vec<Vec<u32>>,
    bytes: Option<u64>,
) -> Result<Perplexity, EngineError> {
    let mut losses = Vec::with_capacity(rows.len());
    for tokens in rows {
        let length = tokens.len();
        let batch = TokenBatch { tokens, sequences: 1, length };
        losses.push((engine.eval_loss(&batch)?, batch.predicted()));
    }
    let tokens: u64 = losses.iter().map(|(_, predicted)| predicted).sum();
    let total: f64 = losses.iter().map(|(loss, predicted)| loss * *predicted as f64).sum();
    let loss = total / tokens.max(1) as f64;
    let n = losses.len() as f64;
    let spread: f64 = losses.iter().map(|(row, _)| (row - loss).powi(2)).sum();
    let standard_error = (losses.len() > 1).then(|| (spread / (n - 1.0) / n).sqrt());
    let bits_per_byte = bytes.filter(|bytes| *bytes > 0).map(|bytes| total / std::f64::consts::LN_2 / bytes as f64);
    let rows = losses.len();
    Ok(Perplexity { text, rows, tokens, loss, standard_error, perplexity: loss.exp(), bits_per_byte })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_but_the_first_is_predicted_once() {
        let tokens: Vec<u32> = (0..11).collect();
        let cut = rows(&tokens, 4, 100);
        assert_eq!(cut, [vec![0, 1, 2, 3], vec![3, 4, 5, 6], vec![6, 7, 8, 9], vec![9, 10]]);
        assert_eq!(rows(&tokens, 4, 2).len(), 2);
        assert!(rows(&tokens[..1], 4, 9).is_empty() && rows(&[], 4, 9).is_empty());
    }
}
