//! Folders that must be whole, and folders that must not be touched.

use super::*;
use crate::initial_theta;

fn nano() -> (ModelParams, Vec<f32>) {
    let model = ModelParams::preset("nano").unwrap();
    let theta = initial_theta(&model, 1);
    (model, theta)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn exported_weights_read_back_bit_for_bit() {
    let (model, theta) = nano();
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("export");
    export_hf(&dir, &model, &theta, &ExportTokenizer::Bytes, ExportDtype::F32).unwrap();
    let files =
        ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
    assert_eq!(names(&dir), files);
    let bytes = fs::read(dir.join("model.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut back = Vec::new();
    for tensor in model.tensors() {
        let view = file.tensor(&tensor.name).unwrap();
        assert_eq!(view.shape(), tensor.shape, "{}", tensor.name);
        back.extend(view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())));
    }
    assert!(back.iter().map(|x| x.to_bits()).eq(theta.iter().map(|x| x.to_bits())));
    assert_eq!(file.len(), model.tensors().len(), "a tied head is not written twice");
    assert_eq!(names(place.path()), ["export"], "nothing partial is left");
}

#[test]
fn an_existing_folder_is_never_touched() {
    let (model, theta) = nano();
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("mine");
    fs::create_dir(&dir).unwrap();
    let error = export_hf(&dir, &model, &theta, &ExportTokenizer::Bytes, ExportDtype::F32).unwrap_err();
    assert!(matches!(error, EngineError::ExportExists { .. }));
    assert!(names(&dir).is_empty());
}

#[test]
fn a_failed_export_leaves_nothing() {
    let (model, theta) = nano();
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("export");
    let missing = place.path().join("no-tokenizer.json");
    let tokenizer = ExportTokenizer::File { path: &missing, eos: Some(2) };
    let error = export_hf(&dir, &model, &theta, &tokenizer, ExportDtype::F32).unwrap_err();
    assert!(matches!(&error, EngineError::Export { path, .. } if *path == missing), "{error}");
    assert!(names(place.path()).is_empty());
    let error = export_hf(&dir, &model, &theta[1..], &ExportTokenizer::Bytes, ExportDtype::F32).unwrap_err();
    assert!(matches!(error, EngineError::Length { .. }));
    assert!(names(place.path()).is_empty());
}

#[test]
fn leftovers_of_a_power_cut_are_replaced() {
    let (model, theta) = nano();
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("export.partial")).unwrap();
    fs::write(place.path().join("export.partial/half"), b"x").unwrap();
    let dir = place.path().join("export");
    export_hf(&dir, &model, &theta, &ExportTokenizer::Bytes, ExportDtype::Bf16).unwrap();
    assert!(!names(&dir).contains(&"half".to_owned()));
    let config: serde_json::Value = serde_json::from_slice(&fs::read(dir.join("config.json")).unwrap()).unwrap();
    assert_eq!((&config["torch_dtype"], &config["tie_word_embeddings"]), (&"bfloat16".into(), &true.into()));
}

#[test]
fn bf16_rounds_to_nearest_even() {
    for (x, bits) in [
        (1.0f32, 0x3F80u16),
        (f32::from_bits(0x3F80_8000), 0x3F80),
        (f32::from_bits(0x3F81_8000), 0x3F82),
        (f32::from_bits(0x3F80_8001), 0x3F81),
        (-0.0, 0x8000),
        (f32::MAX, 0x7F80),
        (f32::INFINITY, 0x7F80),
    ] {
        assert_eq!(bf16_bits(x), bits, "{x}");
    }
    assert!(bf16_bits(f32::NAN) & 0x7F > 0 && bf16_bits(f32::from_bits(0x7F80_0001)) & 0x7F > 0);
}
