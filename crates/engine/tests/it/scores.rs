//! Log-probabilities and logits agree with the loss that training minimises, and an import computes what was exported.

use engine::{
    Engine, EngineError, ExportDtype, ExportTokenizer, HfCheckpoint, Precision, TokenBatch, TorchEngine, export_hf,
};

fn text() -> Vec<u32> {
    (0..32u32).map(|i| (i * i + 7 * i) % 251).collect()
}

#[test]
fn log_probabilities_sum_to_the_loss() {
    let mut engine = crate::f32_engine("nano");
    let tokens = text();
    let loss = engine.eval_loss(&TokenBatch { tokens: tokens.clone(), sequences: 1, length: 32 }).unwrap();
    let all = engine.log_probabilities(&tokens, 1).unwrap();
    assert_eq!(all.len(), 31);
    assert!((-all.iter().sum::<f64>() / 31.0 - loss).abs() < 1e-5);
    let tail = engine.log_probabilities(&tokens, 29).unwrap();
    assert!(tail.iter().zip(&all[28..]).all(|(a, b)| (a - b).abs() < 1e-5), "{tail:?}");
    let logits = engine.logits(&tokens).unwrap();
    assert_eq!(logits.len(), 32 * 256);
    let row: Vec<f64> = logits[..256].iter().map(|x| f64::from(*x)).collect();
    let norm = row.iter().map(|x| x.exp()).sum::<f64>().ln();
    assert!((row[tokens[1] as usize] - norm - all[0]).abs() < 1e-4);
}

#[test]
fn texts_that_do_not_fit_are_refused() {
    let engine = crate::f32_engine("nano");
    assert!(matches!(engine.logits(&[]), Err(EngineError::BatchShape { .. })));
    assert!(matches!(engine.logits(&[1; 10_000]), Err(EngineError::BatchShape { .. })));
    assert!(matches!(engine.logits(&[256]), Err(EngineError::Token { .. })));
    assert!(matches!(engine.log_probabilities(&[1, 2], 0), Err(EngineError::Number { .. })));
    assert!(matches!(engine.log_probabilities(&[1, 2], 3), Err(EngineError::Number { .. })));
}

#[test]
fn an_imported_checkpoint_computes_the_same_logits() {
    let engine = crate::f32_engine("nano");
    let theta = crate::theta(&engine);
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("nano");
    export_hf(&dir, engine.model(), &theta, &ExportTokenizer::Bytes, ExportDtype::F32).unwrap();
    let checkpoint = HfCheckpoint::open(&dir).unwrap();
    let options = crate::options(Precision::F32);
    let mut other = TorchEngine::new(&crate::model("nano"), &crate::inner(), options, 43).unwrap();
    assert_ne!(other.logits(&text()).unwrap(), engine.logits(&text()).unwrap());
    other.write_theta(&checkpoint.read_theta().unwrap()).unwrap();
    assert_eq!(other.logits(&text()).unwrap(), engine.logits(&text()).unwrap());
}
