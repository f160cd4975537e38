//! What the engine does when memory ends, numbers explode, or input lies.

use engine::{AllocationFault, Engine, EngineError, EngineOptions, Precision, TokenBatch, TorchEngine};

use crate::{batch, bits, engine, f32_engine, inner, model, options, state_bits, theta};

fn with(micro_batch: usize, fault: Option<AllocationFault>) -> TorchEngine {
    engine("nano", EngineOptions { micro_batch: Some(micro_batch), fault, ..options(Precision::F32) })
}

#[test]
fn memory_that_ends_halves_the_micro_batch_and_repeats_the_same_data() {
    let mut small = with(2, None);
    let undisturbed = with(8, None).inner_step(&batch(8, 0), 1e-3).unwrap();
    // Sums over the first half of the batch are already in the gradient when the second micro-batch fails.
    let half_way = AllocationFault::AtMicroBatch(1);
    for (fault, start) in [(AllocationFault::AboveSequences(3), 8), (half_way, 4)] {
        let mut short = with(start, Some(fault));
        let stats = short.inner_step(&batch(8, 0), 1e-3).unwrap();
        assert_eq!(stats.micro_batch, 2, "{fault:?}");
        assert!(!stats.skipped);
        // faults.md, case 9: no step lost, the loss within 1e-6.
        assert!((stats.loss - undisturbed.loss).abs() <= 1e-6, "{} {}", stats.loss, undisturbed.loss);
        if small.optimizer_state().unwrap().step == 0 {
            small.inner_step(&batch(8, 0), 1e-3).unwrap();
        }
        assert!(state_bits(&short) == state_bits(&small), "{fault:?}");
    }
}

#[test]
fn a_smaller_micro_batch_stays() {
    let mut engine = with(8, Some(AllocationFault::AtMicroBatch(0)));
    let sizes: Vec<usize> = (0..3).map(|i| engine.inner_step(&batch(8, i), 1e-3).unwrap().micro_batch).collect();
    assert_eq!(sizes, [4, 4, 4]);
}

#[test]
fn a_sequence_that_does_not_fit_is_an_error_and_changes_nothing() {
    let mut engine = with(4, Some(AllocationFault::AboveSequences(0)));
    let held = state_bits(&engine);
    assert!(matches!(engine.inner_step(&batch(4, 0), 1e-3), Err(EngineError::OutOfMemory { .. })));
    assert!(state_bits(&engine) == held);
    assert!(engine.eval_loss(&batch(4, 0)).unwrap().is_finite());
}

#[test]
fn numbers_that_explode_skip_the_step() {
    for poison in [f32::NAN, f32::INFINITY, 1e38] {
        let mut engine = f32_engine("nano");
        engine.inner_step(&batch(4, 0), 1e-3).unwrap();
        let good = theta(&engine);
        let mut bad = good.clone();
        // The first value of the first norm touches every token.
        bad[256 * 64] = poison;
        engine.write_theta(&bad).unwrap();
        if poison == 1e38 {
            // A large but finite weight is not an error by itself; make the loss overflow.
            bad.iter_mut().skip(256 * 64).for_each(|x| *x = poison);
            engine.write_theta(&bad).unwrap();
        }
        let held = state_bits(&engine);
        let stats = engine.inner_step(&batch(4, 1), 1e-3).unwrap();
        assert!(stats.skipped, "{poison}: {stats:?}");
        assert!(state_bits(&engine) == held, "{poison}");
        engine.write_theta(&good).unwrap();
        assert!(!engine.inner_step(&batch(4, 1), 1e-3).unwrap().skipped, "no trace of the poison is left");
    }
}

#[test]
fn batches_that_lie_are_refused_before_torch_sees_them() {
    let mut engine = f32_engine("nano");
    let mut check = |tokens: Vec<u32>, sequences, length| {
        let batch = TokenBatch { tokens, sequences, length };
        let shape = |r: &EngineError| matches!(r, EngineError::BatchShape { .. });
        assert!(shape(&engine.inner_step(&batch, 1e-3).unwrap_err()), "{sequences} x {length}");
        assert!(shape(&engine.eval_loss(&batch).unwrap_err()));
    };
    check(vec![1; 32], 1, 31);
    check(vec![], 0, 32);
    check(vec![1; 2], 2, 1);
    check(vec![], 1, 0);
    check(vec![1; 33], 1, 33);
    check(vec![], usize::MAX, usize::MAX);
    let mut outside = batch(2, 0);
    outside.tokens[5] = 256;
    let refused = engine.inner_step(&outside, 1e-3).unwrap_err();
    assert!(matches!(refused, EngineError::Token { index: 5, token: 256, vocab: 256 }));
}

#[test]
fn buffers_and_rates_out_of_range_are_refused() {
    let mut engine = f32_engine("nano");
    let count = engine.parameter_count();
    assert!(matches!(engine.write_theta(&[0.0]), Err(EngineError::Length { what: "theta", got: 1, .. })));
    assert!(engine.read_theta(&mut vec![0.0; count + 1]).is_err());
    assert!(engine.eval_loss_at(&[], &[]).is_err());
    let mut state = engine.optimizer_state().unwrap();
    state.second.pop();
    assert!(matches!(engine.load_optimizer_state(&state), Err(EngineError::Length { .. })));
    for lr in [f64::NAN, f64::INFINITY, -1.0] {
        assert!(matches!(engine.inner_step(&batch(2, 0), lr), Err(EngineError::Number { what: "lr", .. })));
    }
    let short = EngineOptions { sequence_tokens: 1, ..options(Precision::F32) };
    assert!(TorchEngine::new(&model("nano"), &inner(), short, 0).is_err());
}

#[test]
fn shorter_sequences_than_planned_are_welcome() {
    let mut engine = f32_engine("nano");
    let full = batch(1, 0);
    let short = TokenBatch { tokens: full.tokens[..7].to_vec(), sequences: 1, length: 7 };
    let before = bits(&theta(&engine));
    assert!(engine.eval_loss(&short).unwrap().is_finite());
    assert!(!engine.inner_step(&short, 1e-3).unwrap().skipped);
    assert!(bits(&theta(&engine)) != before);
}
