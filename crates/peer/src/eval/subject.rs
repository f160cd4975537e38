//! What is evaluated: a peer's saved state, a checkpoint of a run, or a Hugging Face folder.
//!
//! In: a folder or file (hostile where it comes from others: lengths and hashes are checked by their readers). Out: shape,
//! parameters, tokenizer, and the tokens a text begins with. It writes nothing, and a process that works in the same
//! folder is not disturbed.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use dataset::{Dataset, Tokenizer};
use engine::HfCheckpoint;
use types::Hash32;
use types::manifest::ModelParams;

use crate::checkpoint::StateFolder;
use crate::places::RunFolder;

/// Longest row for a folder that was made for more: what a processor evaluates in bearable time.
const HF_SEQUENCE_TOKENS: u64 = 1024;

/// A model that can be asked.
pub(super) struct Subject {
    /// Where it comes from, in words.
    pub(super) source: String,
    /// The round that starts from it, where it is a run's.
    pub(super) round: Option<u64>,
    /// Shape.
    pub(super) model: ModelParams,
    /// Parameters.
    pub(super) theta: Vec<f32>,
    /// Text to tokens.
    pub(super) tokenizer: Tokenizer,
    /// Token before every text: what the model was trained to see where a text begins.
    pub(super) first: u32,
    /// Tokens of a row.
    pub(super) sequence: usize,
    /// The run's text, whose held-out part is the measure if nothing else is named.
    pub(super) dataset: Option<Dataset>,
}

impl Subject {
    /// A peer's saved state.
    pub(super) fn of_state(run: &Path, name: &str) -> anyhow::Result<Self> {
        let run = RunFolder::open(run)?;
        let parameters = usize::try_from(run.manifest().model.parameter_count())?;
        let saved = StateFolder::beside(&run.state_of(name)).load(run.id(), parameters)?;
        let state = saved.with_context(|| format!("`{name}` has no saved state in this run"))?;
        Self::in_run(&run, format!("state of {name}"), Some(state.round.0), state.anchor)
    }

    /// Parameters as a run's checkpoints hold them: f32, little-endian, nothing else.
    pub(super) fn of_checkpoint(run: &Path, file: &Path) -> anyhow::Result<Self> {
        let run = RunFolder::open(run)?;
        let theta = read_checkpoint(file, run.manifest().model.parameter_count())?;
        Self::in_run(&run, format!("checkpoint {}", file.display()), None, theta)
    }

    fn in_run(run: &RunFolder, source: String, round: Option<u64>, theta: Vec<f32>) -> anyhow::Result<Self> {
        let dataset = Dataset::open(&run.places.dataset)?;
        dataset.check(&run.manifest().data)?;
        let tokenizer = dataset.tokenizer()?;
        let (first, sequence) = (tokenizer.end(), dataset.sequence_tokens());
        let model = run.manifest().model.clone();
        Ok(Self { source, round, model, theta, tokenizer, first, sequence, dataset: Some(dataset) })
    }

    /// A Hugging Face folder.
    pub(super) fn of_hf(dir: &Path) -> anyhow::Result<Self> {
        let checkpoint = HfCheckpoint::open(dir)?;
        let file = checkpoint.tokenizer_file().context("there is no `tokenizer.json` in the folder")?;
        let tokenizer = Tokenizer::from_file(file)?;
        let model = checkpoint.model().clone();
        anyhow::ensure!(
            tokenizer.vocab() as usize <= model.vocab,
            "the tokenizer has {} tokens, the model {}",
            tokenizer.vocab(),
            model.vocab
        );
        let first = checkpoint.bos().unwrap_or(tokenizer.end());
        let context = checkpoint.context_tokens().unwrap_or(HF_SEQUENCE_TOKENS).clamp(2, HF_SEQUENCE_TOKENS);
        Ok(Self {
            source: format!("folder {}", dir.display()),
            round: None,
            theta: checkpoint.read_theta()?,
            model,
            tokenizer,
            first,
            sequence: usize::try_from(context)?,
            dataset: None,
        })
    }

    /// Hash of the parameters, as a run's records name them.
    pub(super) fn hash(&self) -> Hash32 {
        sparseloco::theta_hash(&self.theta)
    }
}

fn read_checkpoint(file: &Path, parameters: u64) -> anyhow::Result<Vec<f32>> {
    let named = || format!("cannot read `{}`", file.display());
    let meta = file.metadata().with_context(named)?;
    let expected = 4 * parameters;
    anyhow::ensure!(meta.is_file(), "`{}` is not a file", file.display());
    anyhow::ensure!(
        meta.len() == expected,
        "`{}` has {} bytes, a checkpoint of this run {expected}",
        file.display(),
        meta.len()
    );
    let mut bytes = Vec::with_capacity(usize::try_from(expected)?);
    std::fs::File::open(file).with_context(named)?.take(expected).read_to_end(&mut bytes).with_context(named)?;
    anyhow::ensure!(bytes.len() as u64 == expected, "`{}` ended early", file.display());
    let theta: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
    anyhow::ensure!(theta.iter().all(|x| x.is_finite()), "`{}` holds values that are not finite", file.display());
    Ok(theta)
}
