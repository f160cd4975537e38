//! Checks that only a GPU can make. Without one they say so.

use engine::{DeviceChoice, Engine, EngineError, EngineOptions, Precision, TorchEngine};

use crate::{batch, engine, f32_engine, inner, model, options, state_bits};

/// Loads the CUDA half named by `COVEY_TORCH_CUDA`, if any.
fn gpu() -> bool {
    if let Some(path) = std::env::var_os("COVEY_TORCH_CUDA") {
        engine::cuda::load(std::path::Path::new(&path)).unwrap();
    }
    let available = engine::cuda::available();
    if !available {
        println!("not run: no GPU");
    }
    available
}

#[test]
fn a_gpu_trains_to_the_losses_of_the_processor() {
    if !gpu() {
        return;
    }
    for precision in [Precision::F32, Precision::Bf16] {
        let mut on_gpu = engine("nano", EngineOptions { device: DeviceChoice::Cuda(0), ..options(precision) });
        let mut on_cpu = f32_engine("nano");
        for i in 0..10 {
            let (a, b) =
                (on_gpu.inner_step(&batch(8, i), 1e-3).unwrap(), on_cpu.inner_step(&batch(8, i), 1e-3).unwrap());
            assert!((a.loss - b.loss).abs() < 0.05, "{precision:?} step {i}: {} against {}", a.loss, b.loss);
        }
        let held = state_bits(&on_gpu);
        let used = on_gpu.memory().cuda.unwrap().allocated;
        on_gpu.release().unwrap();
        assert!(on_gpu.memory().cuda.unwrap().allocated < used / 4);
        on_gpu.acquire().unwrap();
        assert!(state_bits(&on_gpu) == held);
    }
}

#[test]
fn a_gpu_that_is_not_there_is_refused_in_words() {
    let options = EngineOptions { device: DeviceChoice::Cuda(99), ..options(Precision::F32) };
    let error = TorchEngine::new(&model("nano"), &inner(), options, 0).unwrap_err();
    assert!(matches!(error, EngineError::NoCuda { index: 99, .. }), "{error}");
}
