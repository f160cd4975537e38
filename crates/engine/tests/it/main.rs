//! The engine at its public edge: small models, fixed seeds, no network; GPU checks say so when there is none.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's failure")]

mod faults;
mod gpu;
mod reference;
mod resume;
mod scores;
mod states;
mod training;

use engine::{DeviceChoice, Engine, EngineOptions, Precision, TokenBatch, TorchEngine};
use types::manifest::{InnerParams, InnerSchedule, ModelParams};

const LENGTH: usize = 32;

fn model(name: &str) -> ModelParams {
    ModelParams::preset(name).unwrap()
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
        steps: 10,
        batch_sequences: 8,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: 0.1,
        clip_norm: 1.0,
        schedule,
    }
}

/// One thread, on the processor: the same in every test, since the count is set once per process.
fn options(precision: Precision) -> EngineOptions {
    EngineOptions { device: DeviceChoice::Cpu, precision, threads: Some(1), ..EngineOptions::new(LENGTH) }
}

fn engine(name: &str, options: EngineOptions) -> TorchEngine {
    TorchEngine::new(&model(name), &inner(), options, 42).unwrap()
}

fn f32_engine(name: &str) -> TorchEngine {
    engine(name, options(Precision::F32))
}

/// Batch number `index` of a text that is easy to learn: counting in words, over and over.
fn batch(sequences: usize, index: usize) -> TokenBatch {
    const TEXT: &[u8] = b"one two three four five six seven eight nine ten and then again ";
    let tokens = (0..sequences * LENGTH).map(|i| {
        let (row, column) = (i / LENGTH, i % LENGTH);
        u32::from(TEXT[(index * 31 + row * 17 + column) % TEXT.len()])
    });
    TokenBatch { tokens: tokens.collect(), sequences, length: LENGTH }
}

fn theta(engine: &TorchEngine) -> Vec<f32> {
    let mut out = vec![0.0; engine.parameter_count()];
    engine.read_theta(&mut out).unwrap();
    out
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Parameters and moments as bits.
fn state_bits(engine: &TorchEngine) -> (u64, Vec<u32>, Vec<u32>, Vec<u32>) {
    let optimizer = engine.optimizer_state().unwrap();
    (optimizer.step, bits(&theta(engine)), bits(&optimizer.first), bits(&optimizer.second))
}

/// Trains on batches `numbers` of the text.
fn train(engine: &mut TorchEngine, numbers: std::ops::Range<usize>, sequences: usize, lr: f64) {
    for number in numbers {
        engine.inner_step(&batch(sequences, number), lr).unwrap();
    }
}
