//! Role `eval`: how good a model is, in figures: loss on held-out text, and multiple choice.
//!
//! In: a run folder with a saved state, a checkpoint of a run, or a Hugging Face folder; text and questions, bounded. Out: the
//! figures with their standard errors as sentences or one JSON object. It trains nothing, joins nothing, writes nothing.

mod choices;
mod limits;
mod perplexity;
mod subject;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use engine::{Engine as _, EngineOptions, TorchEngine, memory_plan};
use serde::Serialize;
use types::Hash32;

use self::limits::{MAX_SET_BYTES, MAX_TEXT_BYTES};
use self::subject::Subject;
use crate::command::PrecisionArg;
use crate::places::read_bounded;

pub use choices::{ChoiceError, EVERYDAY, Item, Score, Scorer, parse};
pub use perplexity::Perplexity;

/// Arguments of `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// A run folder: the saved state of one of its processes is evaluated.
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Whose saved state.
    #[arg(long, default_value = "validator-1", value_parser = crate::command::name, requires = "run")]
    pub name: String,
    /// With a run folder: these parameters instead of a saved state.
    #[arg(long, value_name = "FILE", requires = "run")]
    pub checkpoint: Option<PathBuf>,
    /// A Hugging Face folder of the LLaMA family, with its `tokenizer.json`.
    #[arg(long, value_name = "DIR", required_unless_present = "run", conflicts_with_all = ["run", "checkpoint"])]
    pub hf: Option<PathBuf>,
    /// A text file (UTF-8) to measure the loss on, instead of the run's held-out text.
    #[arg(long, value_name = "FILE")]
    pub text: Option<PathBuf>,
    /// Rows of text that are looked at, at most.
    #[arg(long, default_value_t = 64, value_name = "ROWS")]
    pub rows: usize,
    /// Tokens of a row; by default the run's, or what the folder's model was made for, up to 1024.
    #[arg(long, value_name = "TOKENS")]
    pub sequence: Option<usize>,
    /// Questions as JSON lines with `question` or `ctx`, `choices` and the index `answer`; by default a small set about everyday
    /// things.
    #[arg(long, value_name = "FILE")]
    pub choices: Option<PathBuf>,
    /// Questions of the set that are asked, at most.
    #[arg(long, default_value_t = 1000, value_name = "ITEMS")]
    pub items: usize,
    /// No questions.
    #[arg(long, conflicts_with_all = ["choices", "items"])]
    pub no_choices: bool,
    /// CPU threads; 0 for as many as there are cores, less one.
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// `auto`, `cpu` or `cuda:N`.
    #[arg(long, default_value = "auto", value_parser = crate::command::device)]
    pub device: engine::DeviceChoice,
    /// Working precision.
    #[arg(long, value_enum, default_value_t = PrecisionArg::F32)]
    pub precision: PrecisionArg,
    /// One JSON object instead of sentences.
    #[arg(long)]
    pub json: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Where the parameters come from.
    pub source: String,
    /// Hash of the parameters, as a run's records name them.
    pub theta: Hash32,
    /// The round that starts from them, where that is known.
    pub round: Option<u64>,
    /// Model preset or name.
    pub model: String,
    /// Parameters of the model.
    pub parameters: u64,
    /// Loss on text, if there was a text.
    pub perplexity: Option<Perplexity>,
    /// Multiple choice, unless it was not wanted.
    pub choices: Option<Asked>,
}

/// A set of questions and how the model did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Asked {
    /// Which set.
    pub set: String,
    /// How it did.
    #[serde(flatten)]
    pub score: Score,
}

/// Runs the role.
///
/// # Errors
/// As [`evaluate`].
pub fn run(args: &EvalArgs) -> anyhow::Result<()> {
    let evaluation = evaluate(args)?;
    if args.json {
        println!("{}", serde_json::to_string(&evaluation)?);
    } else {
        say(&evaluation);
    }
    Ok(())
}

/// Evaluates.
///
/// # Errors
/// A subject, text or set that cannot be read, a model that this machine does not hold, an engine that fails.
pub fn evaluate(args: &EvalArgs) -> anyhow::Result<Evaluation> {
    anyhow::ensure!((1..=100_000).contains(&args.rows), "`--rows` must lie in 1..=100000");
    anyhow::ensure!((1..=100_000).contains(&args.items), "`--items` must lie in 1..=100000");
    // What costs nothing is looked at first: parameters may take minutes to read.
    let set = set(args)?;
    let text = args.text.as_deref().map(text).transpose()?;
    let subject = match (&args.run, &args.checkpoint, &args.hf) {
        (Some(run), Some(file), _) => Subject::of_checkpoint(run, file)?,
        (Some(run), None, _) => Subject::of_state(run, &args.name)?,
        (None, _, Some(dir)) => Subject::of_hf(dir)?,
        (None, _, None) => anyhow::bail!("name a run folder with --run or a Hugging Face folder with --hf"),
    };
    let sequence = args.sequence.unwrap_or(subject.sequence);
    anyhow::ensure!((8..=65_536).contains(&sequence), "`--sequence` must lie in 8..=65536");
    let mut engine = engine_of(&subject, sequence, args)?;
    let perplexity = match text {
        Some((name, text)) => Some(of_text(&mut engine, &subject, name, &text, sequence, args.rows)?),
        None => of_held_out(&mut engine, &subject, sequence, args.rows)?,
    };
    let choices = match set {
        None => None,
        Some((set, items)) => {
            let mut ask = |tokens: &[u32], from: usize| engine.log_probabilities(tokens, from);
            let (tokenizer, first) = (&subject.tokenizer, subject.first);
            let mut scorer = Scorer { tokenizer, first, context: sequence, log_probabilities: &mut ask };
            Some(Asked { set, score: scorer.score(&items)? })
        }
    };
    Ok(Evaluation {
        theta: subject.hash(),
        round: subject.round,
        model: subject.model.name.clone(),
        parameters: subject.model.parameter_count(),
        source: subject.source,
        perplexity,
        choices,
    })
}

fn set(args: &EvalArgs) -> anyhow::Result<Option<(String, Vec<Item>)>> {
    if args.no_choices {
        return Ok(None);
    }
    let (name, mut items) = match &args.choices {
        None => ("everyday".to_owned(), parse(EVERYDAY)?),
        Some(path) => (path.display().to_string(), parse(&utf8(path, MAX_SET_BYTES)?)?),
    };
    items.truncate(args.items);
    Ok(Some((name, items)))
}

fn text(path: &Path) -> anyhow::Result<(String, String)> {
    Ok((path.display().to_string(), utf8(path, MAX_TEXT_BYTES)?))
}

fn utf8(path: &Path, max: u64) -> anyhow::Result<String> {
    String::from_utf8(read_bounded(path, max)?).with_context(|| format!("`{}` is not UTF-8", path.display()))
}

fn engine_of(subject: &Subject, sequence: usize, args: &EvalArgs) -> anyhow::Result<TorchEngine> {
    // Before anything asks for CUDA: asking first would keep it dead for the whole process.
    crate::cuda_pack::load_for(args.device)?;
    let inner = crate::rehearse::inner_params(1, 1, 1);
    // The card's memory is not known here; a processor's is, and it is where a model too large would stall everything.
    if args.device == engine::DeviceChoice::Cpu {
        let plan = memory_plan(&subject.model, &inner, sequence, crate::doctor::machine());
        anyhow::ensure!(plan.fits, "the model does not fit this machine: {}", plan.reason);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if args.threads == 0 { cores.saturating_sub(1).max(1) } else { args.threads };
    let options = EngineOptions {
        device: args.device,
        precision: args.precision.into(),
        threads: Some(threads),
        ..EngineOptions::new(sequence)
    };
    let mut engine = TorchEngine::new(&subject.model, &inner, options, 0)?;
    engine.write_theta(&subject.theta)?;
    Ok(engine)
}

fn of_text(
    engine: &mut TorchEngine,
    subject: &Subject,
    name: String,
    text: &str,
    sequence: usize,
    most: usize,
) -> anyhow::Result<Perplexity> {
    let mut tokens = vec![subject.first];
    subject.tokenizer.encode_into(text, &mut tokens)?;
    let rows = perplexity::rows(&tokens, sequence, most);
    anyhow::ensure!(!rows.is_empty(), "`{name}` holds no text");
    let predicted: usize = rows.iter().map(|row| row.len() - 1).sum();
    // Only a text that was read to its end has known bytes.
    let bytes = (predicted + 1 == tokens.len()).then_some(text.len() as u64);
    Ok(perplexity::measure(engine, name, rows, bytes)?)
}

fn of_held_out(
    engine: &mut TorchEngine,
    subject: &Subject,
    sequence: usize,
    most: usize,
) -> anyhow::Result<Option<Perplexity>> {
    let Some(dataset) = &subject.dataset else { return Ok(None) };
    let count = dataset.held_out_sequences().min(most as u64);
    let mut rows = Vec::new();
    for index in 0..count {
        let mut row = Vec::new();
        dataset.held_out(index, &mut row)?;
        row.truncate(sequence);
        rows.push(row);
    }
    if rows.is_empty() {
        return Ok(None);
    }
    Ok(Some(perplexity::measure(engine, "the run's held-out text".to_owned(), rows, None)?))
}

fn say(evaluation: &Evaluation) {
    let Evaluation { source, theta, round, model, parameters, perplexity, choices } = evaluation;
    println!("{source}: model {model}, {:.1} M parameters, hash {}", *parameters as f64 / 1e6, theta.short());
    if let Some(round) = round {
        println!("Round {round} starts from it");
    }
    let error = |error: &Option<f64>| error.map_or_else(String::new, |error| format!(" ± {error:.4}"));
    match perplexity {
        None => println!("No text to measure the loss on; name one with --text"),
        Some(p) => {
            let (loss, text) = (p.loss, &p.text);
            println!("Loss {loss:.4}{} nats per token on {text} ({} tokens)", error(&p.standard_error), p.tokens);
            println!("Perplexity {:.3}", p.perplexity);
            if let Some(bits) = p.bits_per_byte {
                println!("{bits:.4} bits per byte");
            }
        }
    }
    if let Some(Asked { set, score }) = choices {
        println!(
            "{} questions ({set}): {:.4}{} right; {:.4} by the plain sum; guessing gets {:.4}",
            score.items,
            score.accuracy,
            error(&score.standard_error),
            score.accuracy_by_sum,
            score.chance
        );
    }
}

#[cfg(test)]
mod tests;
