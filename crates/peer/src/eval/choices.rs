//! Multiple choice: which of some continuations a model finds most probable.
//!
//! In: JSON lines `{"question"|"ctx": text, "choices": [texts], "answer": index}` (hostile: bounded, each refused line named by
//! its number), and whatever gives log-probabilities. Out: accuracy with its standard error. The choice taken is that with
//! the highest log-likelihood per byte of its text, so that neither its length nor the tokenizer decides; what the plain
//! sum would have taken is counted beside it. Equally probable choices count as the first of them. It knows no model.

use dataset::{Tokenizer, TokenizerError};
use engine::EngineError;
use serde::{Deserialize, Serialize};

use super::limits::{MAX_CHOICES, MAX_ITEMS, MAX_LINE_BYTES, MAX_SET_BYTES};

/// Questions that come with the program; written for it.
pub const EVERYDAY: &str = include_str!("everyday.jsonl");

/// Why a set was not taken or not scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// A line that is no item.
    #[error("line {line} of the questions: {why}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// More than is ever read.
    #[error("the set of questions has more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        max: u64,
    },
    /// Nothing in it.
    #[error("the set holds no question")]
    Empty,
    /// The text became no tokens.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// A choice alone is longer than the model's context.
    #[error("a choice of question {item} has {tokens} tokens, the context {context}")]
    TooLong {
        /// Number of the item, from 1.
        item: usize,
        /// Its tokens.
        tokens: usize,
        /// Tokens that the model sees at once.
        context: usize,
    },
    /// The model gave no answer.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A line of a set.
#[derive(Deserialize)]
struct RawItem {
    question: Option<String>,
    ctx: Option<String>,
    choices: Vec<String>,
    answer: usize,
}

/// A question and its choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What the model is given.
    pub prompt: String,
    /// How it may go on; each with the space before it.
    pub choices: Vec<String>,
    /// Index of the right one.
    pub answer: usize,
}

/// How a model did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Questions.
    pub items: usize,
    /// Share of right answers by log-likelihood per byte.
    pub accuracy: f64,
    /// Standard error of that share; unknown for a single question.
    pub standard_error: Option<f64>,
    /// Share of right answers by the plain sum of log-likelihoods.
    pub accuracy_by_sum: f64,
    /// Share that guessing gets.
    pub chance: f64,
}

/// Reads a set.
///
/// # Errors
/// [`ChoiceError`] with the number of the line that is at fault.
pub fn parse(text: &str) -> Result<Vec<Item>, ChoiceError> {
    if text.len() as u64 > MAX_SET_BYTES {
        return Err(ChoiceError::TooMany { what: "bytes", max: MAX_SET_BYTES });
    }
    let mut items = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if items.len() == MAX_ITEMS {
            return Err(ChoiceError::TooMany { what: "questions", max: MAX_ITEMS as u64 });
        }
        items.push(item(line).map_err(|why| ChoiceError::Line { line: index + 1, why })?);
    }
    if items.is_empty() { Err(ChoiceError::Empty) } else { Ok(items) }
}

fn item(line: &str) -> Result<Item, String> {
    if line.len() > MAX_LINE_BYTES {
        return Err(format!("it has more than {MAX_LINE_BYTES} bytes"));
    }
    let RawItem { question, ctx, choices, answer } = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let prompt = match (question, ctx) {
        (Some(question), None) => format!("Question: {}\nAnswer:", question.trim()),
        // A space at the end would be a token of its own; it belongs to the continuation.
        (None, Some(ctx)) => ctx.trim_end().to_owned(),
        _ => return Err("it needs either `question` or `ctx`".to_owned()),
    };
    if !(2..=MAX_CHOICES).contains(&choices.len()) {
        return Err(format!("it has {} choices; 2 to {MAX_CHOICES} are taken", choices.len()));
    }
    if answer >= choices.len() {
        return Err(format!("its answer is choice {answer} of {}", choices.len()));
    }
    let choices: Vec<String> = choices.iter().map(|choice| format!(" {}", choice.trim())).collect();
    if choices.iter().any(|choice| choice.len() == 1) {
        return Err("a choice is empty".to_owned());
    }
    Ok(Item { prompt, choices, answer })
}

/// What a model's side of a scoring is: text to tokens, and tokens to log-probabilities.
pub struct Scorer<'a> {
    /// The model's tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// The token that stands before every text.
    pub first: u32,
    /// Tokens that the model sees at once.
    pub context: usize,
    /// ln p of each token from the given index on, which is at least 1.
    #[expect(clippy::type_complexity, reason = "a closure with its two arguments and its error, used once")]
    pub log_probabilities: &'a mut dyn FnMut(&[u32], usize) -> Result<Vec<f64>, EngineError>,
}

impl Scorer<'_> {
    /// Scores a set.
    ///
    /// # Errors
    /// [`ChoiceError`]; [`ChoiceError::Empty`] for no item.
    pub fn score(&mut self, items: &[Item]) -> Result<Score, ChoiceError> {
        let (mut right, mut right_by_sum, mut chance) = (0usize, 0usize, 0.0);
        for (index, item) in items.iter().enumerate() {
            let sums = item.choices.iter().map(|choice| self.sum(&item.prompt, choice, index + 1));
            let sums = sums.collect::<Result<Vec<f64>, _>>()?;
            let by_byte: Vec<f64> =
                sums.iter().zip(&item.choices).map(|(sum, choice)| sum / choice.len() as f64).collect();
            right += usize::from(best(&by_byte) == item.answer);
            right_by_sum += usize::from(best(&sums) == item.answer);
            chance += 1.0 / item.choices.len() as f64;
        }
        if items.is_empty() {
            return Err(ChoiceError::Empty);
        }
        let n = items.len() as f64;
        let accuracy = right as f64 / n;
        let standard_error = (items.len() > 1).then(|| (accuracy * (1.0 - accuracy) / (n - 1.0)).sqrt());
        let accuracy_by_sum = right_by_sum as f64 / n;
        Ok(Score { items: items.len(), accuracy, standard_error, accuracy_by_sum, chance: chance / n })
    }

    /// Log-likelihood of the choice after the prompt.
    fn sum(&mut self, prompt: &str, choice: &str, item: usize) -> Result<f64, ChoiceError> {
        let mut alone = Vec::new();
        self.tokenizer.encode_into(prompt, &mut alone)?;
        let mut tokens = vec![self.first];
        self.tokenizer.encode_into(&format!("{prompt}{choice}"), &mut tokens)?;
        // A token may reach over the edge: it then belongs to the choice.
        let shared = alone.iter().zip(&tokens[1..]).take_while(|(a, b)| a == b).count();
        let from = 1 + shared.min(tokens.len().saturating_sub(2));
        let wanted = tokens.len() - from;
        if wanted >= self.context {
            return Err(ChoiceError::TooLong { item, tokens: wanted, context: self.context });
        }
        // What does not fit is cut off at the beginning of the prompt.
        let cut = tokens.len().saturating_sub(self.context);
        let values = (self.log_probabilities)(&tokens[cut..], from - cut)?;
        Ok(values.iter().sum())
    }
}

/// Index of the largest; what is no number is the smallest.
fn best(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] || values[best].is_nan() {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// ln p of a token is minus its byte over 100: long texts lose by their sum, small letters lose per byte.
    fn score(items: &[Item], context: usize) -> Result<Score, ChoiceError> {
        let tokenizer = Tokenizer::bytes();
        let mut log_probabilities = |tokens: &[u32], from: usize| -> Result<Vec<f64>, EngineError> {
            assert!(from >= 1 && from < tokens.len() && tokens.len() <= context);
            Ok(tokens[from..].iter().map(|token| -f64::from(*token) / 100.0).collect())
        };
        Scorer { tokenizer: &tokenizer, first: 0, context, log_probabilities: &mut log_probabilities }.score(items)
    }

    fn one(line: &str) -> Vec<Item> {
        parse(line).unwrap()
    }

    #[test]
    fn the_built_in_set_is_sound_and_gives_no_position_an_advantage() {
        let items = parse(EVERYDAY).unwrap();
        assert!(items.len() >= 30);
        for position in 0..4 {
            assert_eq!(items.iter().filter(|item| item.answer == position).count(), items.len() / 4, "{position}");
        }
        assert!(items.iter().all(|item| item.choices.len() == 4));
    }

    #[test]
    fn length_decides_by_sum_and_not_by_byte() {
        let items = one(r#"{"ctx":"x","choices":["zz","AAAAAA"],"answer":1}"#);
        let score = score(&items, 64).unwrap();
        assert_eq!((score.accuracy, score.accuracy_by_sum, score.chance, score.standard_error), (1.0, 0.0, 0.5, None));
    }

    #[test]
    fn the_standard_error_is_that_of_a_share() {
        let right = r#"{"ctx":"x","choices":["zz","AA"],"answer":1}"#;
        let wrong = r#"{"question":"x","choices":["zz","AA","AB","AC"],"answer":0}"#;
        let score = score(&one(&format!("{right}\n\n{wrong}\n{right}\n{right}\n{wrong}\n")), 64).unwrap();
        assert_eq!((score.items, score.accuracy), (5, 0.6));
        assert!((score.standard_error.unwrap() - (0.6f64 * 0.4 / 4.0).sqrt()).abs() < 1e-12);
        assert!((score.chance - (3.0 * 0.5 + 2.0 * 0.25) / 5.0).abs() < 1e-12);
    }

    #[test]
    fn long_prompts_lose_their_beginning_and_long_choices_are_refused() {
        let prompt = "y".repeat(500);
        let items = one(&format!(r#"{{"ctx":"{prompt}","choices":["zz","AA"],"answer":1}}"#));
        assert_eq!(score(&items, 8).unwrap().accuracy, 1.0);
        let refused = score(&items, 3).unwrap_err();
        assert!(matches!(refused, ChoiceError::TooLong { item: 1, tokens: 3, context: 3 }), "{refused}");
    }

    #[test]
    fn lines_that_are_no_questions_are_named() {
        let good = r#"{"ctx":"x","choices":["a","b"],"answer":0}"#;
        for bad in [
            "{",
            r#"{"choices":["a","b"],"answer":0}"#,
            r#"{"ctx":"x","question":"y","choices":["a","b"],"answer":0}"#,
            r#"{"ctx":"x","choices":["a"],"answer":0}"#,
            r#"{"ctx":"x","choices":["a"," "],"answer":0}"#,
            r#"{"ctx":"x","choices":["a","b"],"answer":2}"#,
            r#"{"ctx":"x","choices":["a","b"],"answer":-1}"#,
        ] {
            let refused = parse(&format!("{good}\n{bad}")).unwrap_err();
            assert!(matches!(refused, ChoiceError::Line { line: 2, .. }), "{bad}: {refused}");
        }
        let long = format!(r#"{{"ctx":"{}","choices":["a","b"],"answer":0}}"#, "x".repeat(70_000));
        assert!(matches!(parse(&long), Err(ChoiceError::Line { line: 1, .. })));
        assert!(matches!(parse("\n \n"), Err(ChoiceError::Empty)));
        let many = format!("{good}\n").repeat(MAX_ITEMS + 1);
        assert!(matches!(parse(&many), Err(ChoiceError::TooMany { what: "questions", .. })));
    }

    #[test]
    fn what_is_no_number_never_wins() {
        assert_eq!(best(&[f64::NAN, -3.0, f64::NAN]), 1);
        assert_eq!(best(&[f64::NEG_INFINITY, f64::NAN]), 0);
        assert_eq!(best(&[-1.0, -1.0]), 0);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,200}", at in any::<prop::sample::Index>(), byte in 32u8..127) {
            let _ = parse(&text);
            let mut line = EVERYDAY.lines().next().unwrap_or_default().as_bytes().to_vec();
            let at = at.index(line.len());
            line[at] = byte;
            if let Ok(items) = parse(&String::from_utf8_lossy(&line)) {
                prop_assert!(items.iter().all(|item| item.answer < item.choices.len()));
            }
        }
    }
}
