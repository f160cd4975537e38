//! Writes exports for `tests/hf_export_check.py`: `hf_export FOLDER` trains each small preset a little and leaves, per
//! preset, `FOLDER/NAME/` (the export) and `FOLDER/NAME.json` (tokens, row length and our loss).
//!
//! It refuses to overwrite an export, as the engine does.

use std::fs;
use std::path::PathBuf;

use engine::{DeviceChoice, Engine, EngineOptions, ExportDtype, ExportTokenizer, TokenBatch, TorchEngine, export_hf};
use types::manifest::{InnerParams, InnerSchedule, ModelParams};

const LENGTH: usize = 64;

type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> AnyResult<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: hf_export FOLDER")?);
    fs::create_dir_all(&folder)?;
    let presets = ["nano", "tiny"].iter().filter_map(|name| ModelParams::preset(name));
    for model in presets.chain([unusual()]) {
        let name = model.name.as_str();
        let options = EngineOptions { device: DeviceChoice::Cpu, ..EngineOptions::new(LENGTH) };
        let mut engine = TorchEngine::new(&model, &inner(), options, 42)?;
        for _ in 0..20 {
            engine.inner_step(&batch(), 3e-3)?;
        }
        let mut theta = vec![0.0; engine.parameter_count()];
        engine.read_theta(&mut theta)?;
        export_hf(&folder.join(name), &model, &theta, &ExportTokenizer::Bytes, ExportDtype::F32)?;
        let batch = batch();
        let loss = engine.eval_loss(&batch)?;
        let check = serde_json::json!({ "tokens": batch.tokens, "length": batch.length, "loss": loss });
        fs::write(folder.join(format!("{name}.json")), serde_json::to_vec(&check)?)?;
        println!("{name}: {loss:.6} nats per token");
    }
    Ok(())
}

/// No dimension or constant is what `transformers` assumes by default: a key it does not read would show.
fn unusual() -> ModelParams {
    ModelParams {
        name: "unusual".to_owned(),
        vocab: 300,
        d_model: 96,
        layers: 3,
        heads: 6,
        kv_heads: 2,
        head_dim: 24,
        ffn: 160,
        rope_theta: 500_000.0,
        norm_eps: 1e-3,
        tied: false,
    }
}

/// Four rows of a sentence, shifted; non-ASCII bytes included, so that the tokenizer's whole range is used.
fn batch() -> TokenBatch {
    let text = "Blocks of zwölf tokens: naïve, but 12 of them. ".as_bytes();
    let tokens = (0..4 * LENGTH).map(|i| u32::from(text[(i / LENGTH * 7 + i % LENGTH) % text.len()])).collect();
    TokenBatch { tokens, sequences: 4, length: LENGTH }
}

fn inner() -> InnerParams {
    let schedule = InnerSchedule {
        peak: 3e-3,
        warmup_steps: 0,
        cosine_steps: 1000,
        floor_fraction: 0.1,
        flat: None,
        anneal: None,
        restart_warmup_steps: 0,
    };
    InnerParams {
        steps: 1,
        batch_sequences: 4,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: 0.1,
        clip_norm: 1.0,
        schedule,
    }
}
