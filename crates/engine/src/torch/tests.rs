//! What cannot be reached from outside with a small model: the loss in several chunks.

use types::manifest::{InnerParams, InnerSchedule};

use super::*;
use crate::{DeviceChoice, Precision};

fn engine(precision: Precision) -> TorchEngine {
    let schedule = InnerSchedule {
        peak: 1e-3,
        warmup_steps: 0,
        cosine_steps: 1,
        floor_fraction: 1.0,
        flat: None,
        anneal: None,
        restart_warmup_steps: 0,
    };
    let inner = InnerParams {
        steps: 1,
        batch_sequences: 2,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: 0.1,
        clip_norm: 1.0,
        schedule,
    };
    let options = EngineOptions { device: DeviceChoice::Cpu, precision, threads: Some(1), ..EngineOptions::new(16) };
    TorchEngine::new(&ModelParams::preset("nano").unwrap(), &inner, options, 3).unwrap()
}

#[test]
fn loss_and_gradient_do_not_depend_on_the_chunks() {
    let tokens = (0..32u32).map(|i| i * i * 7 % 256).collect();
    let batch = TokenBatch { tokens, sequences: 2, length: 16 };
    for (precision, slack) in [(Precision::F32, 1e-6), (Precision::Bf16, 1e-3)] {
        let run = |chunk: Option<i64>| {
            let mut engine = engine(precision);
            engine.layout.loss_chunk = chunk.unwrap_or(engine.layout.loss_chunk);
            let loss = engine.eval_loss(&batch).unwrap();
            let stats = engine.inner_step(&batch, 0.0).unwrap();
            (loss, stats.loss, engine.optimizer_state().unwrap().first)
        };
        let whole = run(None);
        // 5 does not divide 32; 1 leaves chunks of which all positions are masked.
        for chunk in [5, 16, 1] {
            let parts = run(Some(chunk));
            assert!((parts.0 - whole.0).abs() < 1e-4 && (parts.1 - whole.1).abs() < 1e-4, "{precision:?} {chunk}");
            let apart = parts.2.iter().zip(&whole.2).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < slack, "{precision:?} {chunk}: {apart}");
        }
    }
}
