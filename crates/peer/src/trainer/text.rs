//! Text from the model, for people to look at.
//!
//! In: a prompt and a number of tokens. Out: how the model goes on. Parameters, optimizer and training data stay as they are,
//! and the draws have a seed of their own.

use engine::SampleParams;
use ipc::MAX_SAMPLE_CHARS;
use types::Round;

use super::{Trainer, TrainerError};

/// Tokens of the run's own text that are the prompt if none is given: a few words, whatever the tokenizer.
const PROMPT_TOKENS: usize = 24;
/// A little bolder than the most probable token, which repeats itself early in training.
const TEMPERATURE: f64 = 0.7;
/// Leaves out the tail that makes early text unreadable.
const TOP_P: f64 = 0.95;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleWish {
    /// What the model is to continue; empty: the beginning of the run's held-out text.
    pub prompt: String,
    /// Tokens to add.
    pub tokens: u32,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// The round that starts from the parameters.
    pub round: Round,
    /// What the model was given.
    pub prompt: String,
    /// How it went on.
    pub text: String,
}

/// A model that has learned nothing writes anything; a screen should not have to.
fn printable(c: char) -> char {
    if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }
}

impl Trainer {
    pub(super) fn sample(&mut self, wish: &SampleWish) -> Result<Sampled, TrainerError> {
        let tokenizer = match self.tokenizer.take() {
            Some(tokenizer) => tokenizer,
            None => self.dataset.tokenizer()?,
        };
        let mut prompt = Vec::new();
        if wish.prompt.is_empty() {
            self.dataset.held_out(0, &mut prompt)?;
            prompt.truncate(PROMPT_TOKENS);
        } else {
            tokenizer.encode_into(&wish.prompt, &mut prompt)?;
        }
        let params = SampleParams {
            temperature: TEMPERATURE,
            top_p: TOP_P,
            max_tokens: wish.tokens as usize,
            seed: self.round.0,
        };
        let text = self.engine.sample(&prompt, params);
        let words = |tokens: &[u32]| tokenizer.decode(tokens).chars().take(MAX_SAMPLE_CHARS).map(printable).collect();
        let sampled = text.map(|text| Sampled { round: self.round, prompt: words(&prompt), text: words(&text) });
        self.tokenizer = Some(tokenizer);
        Ok(sampled?)
    }
}
