//! Tokens per CPU-second of the trainer: `throughput [PRESET [LENGTH [SECONDS [f32|bf16]]]]`, one thread.
//!
//! In: a preset's name and a sequence length. Out: one line per batch size, precision and mode: best and median step.
//! CPU time, not wall time, so that other work on the machine matters less. Linux and macOS only.

use engine::{DeviceChoice, Engine, EngineOptions, Precision, TokenBatch, TorchEngine};
use types::manifest::{InnerParams, InnerSchedule, ModelParams};

type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> AnyResult<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "tiny".to_owned());
    let length: usize = arguments.next().map_or(Ok(128), |a| a.parse())?;
    let seconds: f64 = arguments.next().map_or(Ok(3.0), |a| a.parse())?;
    let precisions: &[Precision] = match arguments.next().as_deref() {
        Some("f32") => &[Precision::F32],
        Some("bf16") => &[Precision::Bf16],
        _ => &[Precision::F32, Precision::Bf16],
    };
    let model = ModelParams::preset(&name).ok_or("no such preset")?;
    println!("{name}: {} parameters, {length} tokens per sequence, 1 thread", model.parameter_count());
    for sequences in [4, 8, 16] {
        for &precision in precisions {
            for recompute in [false, true] {
                let options = EngineOptions {
                    device: DeviceChoice::Cpu,
                    precision,
                    recompute,
                    threads: Some(1),
                    micro_batch: Some(sequences),
                    ..EngineOptions::new(length)
                };
                let (best, median) = measure(&model, options, sequences, seconds)?;
                println!(
                    "B={sequences:<2} {precision:?} recompute={recompute}: best {best:.0}, median {median:.0} tokens/CPU-s"
                );
            }
        }
    }
    Ok(())
}

fn measure(model: &ModelParams, options: EngineOptions, sequences: usize, seconds: f64) -> AnyResult<(f64, f64)> {
    let length = options.sequence_tokens;
    let mut engine = TorchEngine::new(model, &inner(), options, 1)?;
    let tokens: Vec<u32> = (0..sequences * length).map(|i| (i * 2_654_435_761 % 251) as u32).collect();
    let batch = TokenBatch { tokens, sequences, length };
    for _ in 0..3 {
        engine.inner_step(&batch, 1e-4)?;
    }
    let start = cpu_seconds();
    let mut steps = Vec::new();
    while cpu_seconds() - start < seconds {
        let before = cpu_seconds();
        engine.inner_step(&batch, 1e-4)?;
        steps.push(cpu_seconds() - before);
    }
    steps.sort_by(f64::total_cmp);
    let rate = |seconds: f64| (sequences * length) as f64 / seconds;
    Ok((rate(steps[0]), rate(steps[steps.len() / 2])))
}

#[cfg(unix)]
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes into the struct it is given. A failure leaves zeros, and the loop would show it by not ending.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

#[cfg(not(unix))]
fn cpu_seconds() -> f64 {
    f64::INFINITY
}

fn inner() -> InnerParams {
    let schedule = InnerSchedule {
        peak: 1e-3,
        warmup_steps: 0,
        cosine_steps: 1000,
        floor_fraction: 0.1,
        flat: None,
        anneal: None,
        restart_warmup_steps: 0,
    };
    InnerParams {
        steps: 1,
        batch_sequences: 8,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: 0.1,
        clip_norm: 1.0,
        schedule,
    }
}
