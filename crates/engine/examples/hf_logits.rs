//! Logits of a Hugging Face folder as this engine computes them, for `hf_logits.py`: `hf_logits FOLDER IDS` with token ids
//! separated by commas, at most 2048 of them. Prints `{"tokens": [...], "vocab": N, "logits": [[...], ...]}`.
//!
//! It refuses what [`HfCheckpoint`] refuses.

use std::io::Write as _;
use std::path::Path;

use engine::{DeviceChoice, Engine, EngineOptions, HfCheckpoint, TorchEngine};
use types::manifest::{InnerParams, InnerSchedule};

/// 2048 rows of the largest vocabulary in use are 2 GB of f32: more is no comparison.
const MAX_TOKENS: usize = 2048;

type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> AnyResult<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, ids] = words.as_slice() else { return Err("usage: hf_logits FOLDER IDS".into()) };
    let tokens: Vec<u32> = ids.split(',').map(|id| id.trim().parse()).collect::<Result<_, _>>()?;
    if tokens.len() > MAX_TOKENS {
        return Err(format!("{} tokens are more than {MAX_TOKENS}", tokens.len()).into());
    }
    let checkpoint = HfCheckpoint::open(Path::new(folder))?;
    let options = EngineOptions { device: DeviceChoice::Cpu, ..EngineOptions::new(tokens.len().max(2)) };
    let mut engine = TorchEngine::new(checkpoint.model(), &inner(), options, 0)?;
    engine.write_theta(&checkpoint.read_theta()?)?;
    let logits = engine.logits(&tokens)?;
    let vocab = checkpoint.model().vocab;
    let rows: Vec<&[f32]> = logits.chunks(vocab).collect();
    let out = serde_json::json!({ "tokens": tokens, "vocab": vocab, "logits": rows });
    writeln!(std::io::stdout().lock(), "{out}")?;
    Ok(())
}

/// Nothing is trained: any numbers do.
fn inner() -> InnerParams {
    let schedule = InnerSchedule {
        peak: 1e-3,
        warmup_steps: 0,
        cosine_steps: 1,
        floor_fraction: 1.0,
        flat: None,
        anneal: None,
        restart_warmup_steps: 0,
    };
    InnerParams {
        steps: 1,
        batch_sequences: 1,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: 0.0,
        clip_norm: 1.0,
        schedule,
    }
}
