//! Steps do what the equations say.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::{Engine, EngineError, EngineOptions, Precision, SampleParams};

use crate::{batch, engine, f32_engine, inner, options, state_bits, theta, train};

#[test]
fn loss_falls_from_uniform_in_both_precisions() {
    for precision in [Precision::F32, Precision::Bf16] {
        let mut engine = engine("nano", options(precision));
        let losses: Vec<f64> = (0..40).map(|i| engine.inner_step(&batch(8, i), 3e-3).unwrap().loss).collect();
        assert!((losses[0] - 256f64.ln()).abs() < 0.1, "a fresh model knows nothing: {}", losses[0]);
        assert!(losses[39] < 2.0, "{precision:?}: {losses:?}");
    }
}

#[test]
fn gradients_are_the_slope_of_the_loss() {
    // nano is tied with grouped queries, tiny is untied without.
    for name in ["nano", "tiny"] {
        let mut engine = f32_engine(name);
        train(&mut engine, 0..3, 4, 3e-3);
        let before = theta(&engine);
        let mut zero = engine.optimizer_state().unwrap();
        zero.first.fill(0.0);
        engine.load_optimizer_state(&zero).unwrap();
        let stats = engine.inner_step(&batch(4, 9), 0.0).unwrap();
        // With an empty first moment, AdamW leaves a tenth of the clipped gradient there.
        let clipped: Vec<f64> =
            engine.optimizer_state().unwrap().first.iter().map(|m| f64::from(*m) / (1.0 - inner().beta1)).collect();
        let factor = (inner().clip_norm / stats.grad_norm).min(1.0);
        let norm = clipped.iter().map(|g| g * g).sum::<f64>().sqrt() / factor;
        assert!((norm / stats.grad_norm - 1.0).abs() < 1e-4, "{name}: {norm} against {}", stats.grad_norm);
        // The slope along the gradient is its norm; a step of 0.02 keeps f32 noise and curvature small.
        let along = |step: f64| -> Vec<f32> {
            before.iter().zip(&clipped).map(|(t, g)| (f64::from(*t) + step * g / factor / norm) as f32).collect()
        };
        let batches = [batch(4, 9)];
        let up = engine.eval_loss_at(&along(0.01), &batches).unwrap()[0];
        let down = engine.eval_loss_at(&along(-0.01), &batches).unwrap()[0];
        let slope = (up - down) / 0.02;
        assert!((slope / norm - 1.0).abs() < 0.01, "{name}: slope {slope}, norm {norm}");
    }
}

#[test]
fn adamw_decays_every_parameter_and_clips_first() {
    let mut engine = f32_engine("nano");
    let before = theta(&engine);
    let stats = engine.inner_step(&batch(8, 0), 1e-3).unwrap();
    assert!(!stats.skipped && stats.grad_norm > inner().clip_norm, "clipping is exercised: {}", stats.grad_norm);
    let after = theta(&engine);
    let state = engine.optimizer_state().unwrap();
    assert_eq!(state.step, 1);
    let mut clipped_norm = 0.0;
    for i in 0..before.len() {
        let g = f64::from(state.first[i]) / (1.0 - inner().beta1);
        clipped_norm += g * g;
        let expected = f64::from(before[i]) * (1.0 - 1e-3 * 0.1) - 1e-3 * g / (g.abs() + 1e-8);
        // Where g is near eps, f32 moments decide; elsewhere this is the published step.
        let slack = if g.abs() < 1e-6 { 1e-3 } else { 2e-6 };
        assert!((f64::from(after[i]) - expected).abs() < slack, "{i}: {} against {expected}, g {g}", after[i]);
    }
    assert!((clipped_norm.sqrt() - 1.0).abs() < 1e-4, "{clipped_norm}");
}

#[test]
fn micro_batches_change_only_the_rounding() {
    let run = |micro_batch| {
        let mut engine = engine("nano", EngineOptions { micro_batch: Some(micro_batch), ..options(Precision::F32) });
        let stats = engine.inner_step(&batch(8, 0), 0.0).unwrap();
        (stats, engine.optimizer_state().unwrap().first)
    };
    let (whole, gradient) = run(8);
    for micro_batch in [1, 3, 4] {
        let (stats, other) = run(micro_batch);
        assert_eq!(stats.micro_batch, micro_batch);
        assert!((stats.loss - whole.loss).abs() < 1e-5 && (stats.grad_norm / whole.grad_norm - 1.0).abs() < 1e-5);
        let apart = gradient.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-6, "{micro_batch}: {apart}");
    }
}

#[test]
fn recomputation_changes_no_bit() {
    for precision in [Precision::F32, Precision::Bf16] {
        let run = |recompute| {
            let mut engine = engine("nano", EngineOptions { recompute, ..options(precision) });
            train(&mut engine, 0..3, 4, 1e-3);
            state_bits(&engine)
        };
        assert!(run(true) == run(false), "{precision:?}");
    }
}

#[test]
fn a_halted_step_has_not_happened_and_is_the_same_when_taken_again() {
    let (mut halted, mut undisturbed) = (f32_engine("nano"), f32_engine("nano"));
    let flag = Arc::new(AtomicBool::new(false));
    halted.halt_when(Arc::clone(&flag));
    train(&mut halted, 0..2, 4, 1e-3);
    let before = state_bits(&halted);
    flag.store(true, Ordering::SeqCst);
    assert!(matches!(halted.inner_step(&batch(4, 2), 1e-3), Err(EngineError::Halted)));
    assert!(state_bits(&halted) == before);
    flag.store(false, Ordering::SeqCst);
    train(&mut halted, 2..4, 4, 1e-3);
    train(&mut undisturbed, 0..4, 4, 1e-3);
    assert!(state_bits(&halted) == state_bits(&undisturbed));
}

#[test]
fn sampling_continues_what_was_learned_and_repeats_with_its_seed() {
    let mut engine = f32_engine("nano");
    train(&mut engine, 0..80, 8, 3e-3);
    let prompt: Vec<u32> = b"two three fou".iter().map(|b| u32::from(*b)).collect();
    let greedy = SampleParams { temperature: 0.0, top_p: 1.0, max_tokens: 3, seed: 0 };
    assert_eq!(engine.sample(&prompt, greedy).unwrap(), [u32::from(b'r'), u32::from(b' '), u32::from(b'f')]);
    let warm = SampleParams { temperature: 1.5, top_p: 0.95, max_tokens: 40, seed: 7 };
    let text = engine.sample(&prompt, warm).unwrap();
    assert_eq!(text.len(), 40, "the window slides past `sequence_tokens`");
    assert_eq!(engine.sample(&prompt, warm).unwrap(), text);
    assert_ne!(engine.sample(&prompt, SampleParams { seed: 8, ..warm }).unwrap(), text);
    assert!(engine.sample(&[], warm).is_err() && engine.sample(&[256], warm).is_err());
}
