//! Interrupted runs continue on the same bits.

use engine::{Engine, EngineError, Precision};

use crate::{batch, bits, engine, f32_engine, options, state_bits, theta, train};

#[test]
fn save_and_restore_in_mid_run_changes_no_bit() {
    for precision in [Precision::F32, Precision::Bf16] {
        let mut whole = engine("nano", options(precision));
        train(&mut whole, 0..6, 4, 1e-3);
        let mut first = engine("nano", options(precision));
        train(&mut first, 0..3, 4, 1e-3);
        let (saved_theta, saved_optimizer) = (theta(&first), first.optimizer_state().unwrap());
        drop(first);
        let mut second = engine("nano", options(precision));
        second.write_theta(&saved_theta).unwrap();
        second.load_optimizer_state(&saved_optimizer).unwrap();
        train(&mut second, 3..6, 4, 1e-3);
        assert!(state_bits(&whole) == state_bits(&second), "{precision:?}");
    }
}

#[test]
fn release_and_acquire_change_no_bit_and_state_stays_readable() {
    for precision in [Precision::F32, Precision::Bf16] {
        let mut whole = engine("nano", options(precision));
        let mut paused = engine("nano", options(precision));
        for i in 0..4 {
            whole.inner_step(&batch(4, i), 1e-3).unwrap();
            paused.inner_step(&batch(4, i), 1e-3).unwrap();
            let held = state_bits(&paused);
            paused.release().unwrap();
            paused.release().unwrap();
            assert_eq!(paused.memory().device_state_bytes, 0);
            assert_eq!(paused.memory().host_state_bytes, 12 * paused.parameter_count() as u64);
            assert!(state_bits(&paused) == held);
            assert!(matches!(paused.inner_step(&batch(4, i), 1e-3), Err(EngineError::Released)));
            assert!(matches!(paused.eval_loss(&batch(4, i)), Err(EngineError::Released)));
            paused.acquire().unwrap();
            paused.acquire().unwrap();
            assert_eq!(paused.memory().host_state_bytes, 0);
        }
        assert!(state_bits(&whole) == state_bits(&paused), "{precision:?}");
    }
}

#[test]
fn state_written_while_released_is_what_training_continues_from() {
    let mut donor = f32_engine("nano");
    train(&mut donor, 0..2, 4, 1e-3);
    let mut engine = f32_engine("nano");
    engine.release().unwrap();
    engine.write_theta(&theta(&donor)).unwrap();
    engine.load_optimizer_state(&donor.optimizer_state().unwrap()).unwrap();
    engine.acquire().unwrap();
    donor.inner_step(&batch(4, 2), 1e-3).unwrap();
    engine.inner_step(&batch(4, 2), 1e-3).unwrap();
    assert!(state_bits(&donor) == state_bits(&engine));
}

#[test]
fn equal_runs_give_equal_bits_and_other_seeds_do_not() {
    let run = |seed| {
        let mut engine =
            engine::TorchEngine::new(&crate::model("nano"), &crate::inner(), options(Precision::F32), seed).unwrap();
        engine.inner_step(&batch(4, 0), 1e-3).unwrap();
        bits(&theta(&engine))
    };
    assert!(run(1) == run(1) && run(1) != run(2));
}

#[test]
fn a_probe_leaves_the_engine_as_it_was() {
    for precision in [Precision::F32, Precision::Bf16] {
        let mut engine = engine("nano", options(precision));
        engine.inner_step(&batch(4, 0), 1e-3).unwrap();
        let held = state_bits(&engine);
        let own = engine.eval_loss(&batch(4, 1)).unwrap();
        let probe: Vec<f32> = theta(&engine).iter().map(|x| x * 0.9).collect();
        let losses = engine.eval_loss_at(&probe, &[batch(4, 1), batch(2, 2)]).unwrap();
        assert!(state_bits(&engine) == held);
        assert_eq!(engine.eval_loss(&batch(4, 1)).unwrap(), own, "the working copy is back too");
        assert_ne!(losses[0], own);
        engine.write_theta(&probe).unwrap();
        assert_eq!(engine.eval_loss(&batch(4, 1)).unwrap(), losses[0]);
        assert_eq!(engine.eval_loss(&batch(2, 2)).unwrap(), losses[1]);
    }
}
