//! Role `bench`: what this machine does at a model's shapes: training speed, compression, and what fits.
//!
//! In: a preset. Out: measured figures, each with its unit, and the memory plan with its numbers. It joins nothing and
//! keeps nothing.

use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use engine::{Engine as _, EngineOptions, TokenBatch, TorchEngine, memory_plan};
use sparseloco::{Layout, SubmissionHeader};
use types::manifest::{InnerParams, ModelParams, RunId};
use types::{Hash32, Hotkey, Round, Uid};

use crate::command::PrecisionArg;

/// Steps that are not counted: the first allocate.
const WARM_UP_STEPS: usize = 2;

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Model preset.
    #[arg(long, default_value = "tiny")]
    pub model: String,
    /// Sequences per step.
    #[arg(long, default_value_t = 4)]
    pub batch: usize,
    /// Tokens per sequence.
    #[arg(long, default_value_t = 128)]
    pub sequence: usize,
    /// Steps that are counted.
    #[arg(long, default_value_t = 10)]
    pub steps: usize,
    /// CPU threads.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Working precision.
    #[arg(long, value_enum, default_value_t = PrecisionArg::F32)]
    pub precision: PrecisionArg,
    /// Only say what fits; measure nothing.
    #[arg(long)]
    pub plan_only: bool,
}

/// Runs the role.
///
/// # Errors
/// An unknown preset, or an engine that fails.
pub fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let model = ModelParams::preset(&args.model).with_context(|| {
        format!("no model `{}`; there are: {}", args.model, ModelParams::preset_names().collect::<Vec<_>>().join(", "))
    })?;
    anyhow::ensure!((1..=4096).contains(&args.batch), "`--batch` must lie in 1..=4096");
    anyhow::ensure!((2..=65_536).contains(&args.sequence), "`--sequence` must lie in 2..=65536");
    anyhow::ensure!((1..=100_000).contains(&args.steps), "`--steps` must lie in 1..=100000");
    let inner = crate::rehearse::inner_params(1, u32::try_from(args.batch)?, 1);
    println!("{}: {} parameters", model.name, model.parameter_count());
    let plan = memory_plan(&model, &inner, args.sequence, crate::doctor::machine());
    println!("plan: {}", plan.reason);
    if args.plan_only {
        return Ok(());
    }
    anyhow::ensure!(plan.fits, "the model does not fit this machine, so there is nothing to measure");
    measure_training(&model, &inner, args)?;
    measure_compression(&model)
}

fn measure_training(model: &ModelParams, inner: &InnerParams, args: &BenchArgs) -> anyhow::Result<()> {
    let mut options = EngineOptions::new(args.sequence);
    options.threads = Some(args.threads);
    options.precision = args.precision.into();
    let mut engine = TorchEngine::new(model, inner, options, 1)?;
    let vocab = u32::try_from(model.vocab.min(256))?;
    let tokens = (0..args.batch * args.sequence).map(|i| (i as u32).wrapping_mul(2_654_435_761) % vocab).collect();
    let batch = TokenBatch { tokens, sequences: args.batch, length: args.sequence };
    let mut secs = Vec::with_capacity(args.steps);
    for step in 0..WARM_UP_STEPS + args.steps {
        let began = Instant::now();
        engine.inner_step(&batch, 1e-4)?;
        if step >= WARM_UP_STEPS {
            secs.push(began.elapsed().as_secs_f64());
        }
    }
    secs.sort_by(f64::total_cmp);
    let median = secs[secs.len() / 2];
    println!(
        "training: {:.0} tokens/s, median of {} steps of {} tokens, {} thread(s)",
        (args.batch * args.sequence) as f64 / median,
        secs.len(),
        args.batch * args.sequence,
        args.threads
    );
    Ok(())
}

fn measure_compression(model: &ModelParams) -> anyhow::Result<()> {
    let params = crate::rehearse::sparseloco_params();
    let layout = Layout::new(&model.tensors(), &params)?;
    let anchor = engine::initial_theta(model, 1);
    let mut local = engine::initial_theta(model, 2);
    let error_feedback = vec![0.0; layout.parameter_count()];
    let header = SubmissionHeader {
        run: RunId(Hash32::default()),
        round: Round(0),
        uid: Uid(0),
        hotkey: Hotkey([0; 32]),
        theta: Hash32::default(),
        sample_digest: [0; 16],
        sample_count: 0,
        tokens: 0,
        inner_steps: 0,
        loss_first: 0.0,
        loss_last: 0.0,
    };
    let began = Instant::now();
    let draft = sparseloco::compress(&layout, header, &anchor, &mut local, &error_feedback)?;
    let secs = began.elapsed().as_secs_f64();
    let bytes = draft.finish(types::Signature([0; 64])).len() as f64;
    let parameters = layout.parameter_count() as f64;
    println!(
        "compression: {:.2} ns per parameter, {:.5} bytes per parameter on the wire",
        1e9 * secs / parameters,
        bytes / parameters
    );
    Ok(())
}
