//! The shim against tch's own arithmetic, on the CPU.

use tch::{Kind, Tensor};
use torch_ext::{
    AdamW, AdamWTensors, TorchExtError, backward_with, cuda_loaded, fused_adamw, has_cuda_kernel, set_grad,
};

const CPU: (Kind, tch::Device) = (Kind::Float, tch::Device::Cpu);

#[test]
fn fused_adamw_takes_the_published_step() {
    // Step 1 with m = v = 0: m-hat = g, v-hat = g^2, so p <- p(1 - lr*wd) - lr * g / (|g| + eps).
    let tensor = |v: [f32; 2]| vec![Tensor::from_slice(&v)];
    let (params, grads) = (tensor([1.0, -2.0]), tensor([0.5, -4.0]));
    let (first, second, steps) = (tensor([0.0; 2]), tensor([0.0; 2]), vec![Tensor::ones([], CPU)]);
    let numbers = AdamW { lr: 0.1, beta1: 0.9, beta2: 0.95, weight_decay: 0.1, eps: 1e-8 };
    let lists = AdamWTensors { params: &params, grads: &grads, first: &first, second: &second, steps: &steps };
    fused_adamw(lists, numbers).unwrap();
    let close = |tensor: &Tensor, expected: [f64; 2]| {
        (0..2).for_each(|i| assert!((tensor.double_value(&[i]) - expected[i as usize]).abs() < 1e-6, "{tensor:?}"));
    };
    close(&params[0], [0.99 - 0.1, -1.98 + 0.1]);
    close(&first[0], [0.05, -0.4]);
    close(&second[0], [0.0125, 0.8]);
}

#[test]
fn lists_of_different_length_are_refused() {
    let one = vec![Tensor::zeros([1], CPU)];
    let lists = AdamWTensors { params: &one, grads: &[], first: &one, second: &one, steps: &one };
    let numbers = AdamW { lr: 0.1, beta1: 0.9, beta2: 0.95, weight_decay: 0.1, eps: 1e-8 };
    assert!(matches!(fused_adamw(lists, numbers), Err(TorchExtError::Lengths { expected: 1, got: 0 })));
}

#[test]
fn backward_accumulates_into_a_preset_gradient() {
    let flat = Tensor::zeros([3], CPU);
    let leaf = Tensor::from_slice(&[1.0f32, 2.0, 3.0]).set_requires_grad(true);
    set_grad(&leaf, &flat).unwrap();
    let weights = Tensor::from_slice(&[1.0f32, 10.0, 100.0]);
    for _ in 0..2 {
        backward_with(&(&leaf * 2.0), &weights).unwrap();
    }
    assert_eq!(Vec::<f32>::try_from(&flat).unwrap(), [4.0, 40.0, 400.0]);
}

#[test]
fn errors_show_one_line_and_keep_the_rest() {
    let leaf = Tensor::zeros([2], CPU);
    let error = backward_with(&leaf, &leaf).unwrap_err();
    assert_eq!(error.to_string().lines().count(), 1);
    assert!(error.detail().is_some_and(|detail| detail.len() >= error.to_string().len() - "libtorch: ".len()));
}

#[test]
fn without_the_cuda_half_no_cuda_kernel_is_registered() {
    assert!(!cuda_loaded());
    assert!(!has_cuda_kernel("aten::_fused_adamw_", "").unwrap());
    assert!(has_cuda_kernel("aten::no_such_operator", "").is_err());
    let missing = std::path::Path::new("no/such/torch_cuda");
    assert!(matches!(torch_ext::load_cuda(missing), Err(TorchExtError::Load { .. })));
}
