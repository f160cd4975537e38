//! Role `import`: looks through a Hugging Face folder and says what it holds.
//!
//! In: a folder (hostile; see `engine::HfCheckpoint`). Out: its shape and the hash of its parameters as sentences or one JSON
//! object and, if wanted, the parameters as one file in the form of a run's checkpoints. It downloads nothing.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use dataset::Tokenizer;
use engine::HfCheckpoint;
use serde::Serialize;
use types::Hash32;
use types::manifest::ModelParams;

use crate::whole_file::write_whole;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// A folder with `config.json` and safetensors files.
    pub dir: PathBuf,
    /// File to write the parameters to, f32 little-endian, as a run's checkpoints; never overwritten.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// One JSON object instead of sentences.
    #[arg(long)]
    pub json: bool,
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imported {
    /// Shape.
    pub model: ModelParams,
    /// Number of parameters.
    pub parameters: u64,
    /// Hash of the parameters, as a run's records name checkpoints.
    pub theta: Hash32,
    /// Tokens of the folder's tokenizer; none if it has none that is read.
    pub tokenizer_vocab: Option<u32>,
    /// Why the tokenizer is not read, if there is one.
    pub tokenizer_problem: Option<String>,
}

/// Runs the role.
///
/// # Errors
/// As [`import`].
pub fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let imported = import(&args.dir, args.out.as_deref())?;
    if args.json {
        println!("{}", serde_json::to_string(&imported)?);
        return Ok(());
    }
    let m = &imported.model;
    println!("Model {}: {:.1} M parameters, hash {}", m.name, imported.parameters as f64 / 1e6, imported.theta);
    println!(
        "{} blocks, width {}, {} heads ({} for keys) of {}, feed-forward {}, vocabulary {}{}",
        m.layers,
        m.d_model,
        m.heads,
        m.kv_heads,
        m.head_dim,
        m.ffn,
        m.vocab,
        if m.tied { ", tied head" } else { "" }
    );
    match (&imported.tokenizer_vocab, &imported.tokenizer_problem) {
        (Some(vocab), _) => println!("Tokenizer: {vocab} tokens"),
        (None, Some(problem)) => println!("Tokenizer: {problem}"),
        (None, None) => println!("No tokenizer"),
    }
    if let Some(out) = &args.out {
        println!("Parameters written to `{}`", out.display());
    }
    Ok(())
}

/// Looks through a folder and, if wanted, writes its parameters.
///
/// # Errors
/// A folder that is no checkpoint of the LLaMA family, a file that is there already or cannot be written.
pub fn import(dir: &Path, out: Option<&Path>) -> anyhow::Result<Imported> {
    if let Some(out) = out {
        anyhow::ensure!(std::fs::symlink_metadata(out).is_err(), "`{}` exists already", out.display());
    }
    let checkpoint = HfCheckpoint::open(dir)?;
    let theta = checkpoint.read_theta()?;
    let tokenizer = checkpoint.tokenizer_file().map(Tokenizer::from_file);
    let (tokenizer_vocab, tokenizer_problem) = match tokenizer {
        None => (None, None),
        Some(Ok(tokenizer)) => (Some(tokenizer.vocab()), None),
        Some(Err(error)) => (None, Some(error.to_string())),
    };
    if let Some(out) = out {
        // Where numbers are big-endian, libtorch is not to be had.
        let bytes: &[u8] = bytemuck::cast_slice(&theta);
        write_whole(out, bytes).with_context(|| format!("cannot write `{}`", out.display()))?;
    }
    let model = checkpoint.model().clone();
    let parameters = model.parameter_count();
    Ok(Imported { model, parameters, theta: sparseloco::theta_hash(&theta), tokenizer_vocab, tokenizer_problem })
}
