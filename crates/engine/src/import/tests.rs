//! What comes back bit for bit, what is refused with its reason, and folders made by an enemy.

use std::collections::HashMap;
use std::fs;

use proptest::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{ExportDtype, ExportTokenizer, export_hf, initial_theta};

/// Small, and of all dimensions different.
fn shape(tied: bool, kv_heads: usize) -> ModelParams {
    let name = "model".to_owned();
    ModelParams {
        name,
        vocab: 40,
        d_model: 24,
        layers: 2,
        heads: 4,
        kv_heads,
        head_dim: 8,
        ffn: 20,
        rope_theta: 500_000.0,
        norm_eps: 1e-3,
        tied,
    }
}

fn bits(theta: &[f32]) -> Vec<u32> {
    theta.iter().map(|x| x.to_bits()).collect()
}

fn exported(model: &ModelParams, theta: &[f32], dtype: ExportDtype) -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("model");
    export_hf(&dir, model, theta, &ExportTokenizer::Bytes, dtype).unwrap();
    (place, dir)
}

fn small() -> (TempDir, PathBuf, ModelParams, Vec<f32>) {
    let model = shape(false, 2);
    let theta = initial_theta(&model, 5);
    let (place, dir) = exported(&model, &theta, ExportDtype::F32);
    (place, dir, model, theta)
}

fn refused(dir: &Path) -> ImportError {
    match HfCheckpoint::open(dir) {
        Err(error) => error,
        Ok(checkpoint) => checkpoint.read_theta().unwrap_err(),
    }
}

fn with_config(dir: &Path, change: impl FnOnce(&mut Value)) {
    let path = dir.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut config);
    fs::write(&path, config.to_string()).unwrap();
}

/// Named tensors with their bytes, in f32.
fn stored(model: &ModelParams, theta: &[f32]) -> Vec<(String, Vec<usize>, Vec<u8>)> {
    let mut at = 0;
    let tensors = model.tensors().into_iter().map(|spec| {
        let values = &theta[at..at + spec.len()];
        at += spec.len();
        (spec.name, spec.shape, values.iter().flat_map(|x| x.to_le_bytes()).collect())
    });
    tensors.collect()
}

fn write(path: &Path, dtype: Dtype, tensors: &[(String, Vec<usize>, Vec<u8>)]) {
    let views =
        tensors.iter().map(|(name, shape, bytes)| (name, TensorView::new(dtype, shape.clone(), bytes).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// The folder's weights in two shards with an index; returns the index.
fn shard(dir: &Path, tensors: &[(String, Vec<usize>, Vec<u8>)]) -> Value {
    fs::remove_file(dir.join("model.safetensors")).unwrap();
    let (first, second) = tensors.split_at(tensors.len() / 2);
    let mut map = HashMap::new();
    for (name, part) in [("model-00001-of-00002.safetensors", first), ("model-00002-of-00002.safetensors", second)] {
        write(&dir.join(name), Dtype::F32, part);
        map.extend(part.iter().map(|(tensor, ..)| (tensor.clone(), name)));
    }
    let index = json!({ "metadata": { "total_size": 1 }, "weight_map": map });
    fs::write(dir.join("model.safetensors.index.json"), index.to_string()).unwrap();
    index
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_exported_comes_back_bit_for_bit(
        tied in any::<bool>(),
        kv_heads in prop::sample::select(vec![1usize, 2, 4]),
        seed in any::<u64>(),
        bf16 in any::<bool>(),
    ) {
        let model = shape(tied, kv_heads);
        let mut theta = initial_theta(&model, seed);
        let last = theta.len() - 1;
        (theta[0], theta[last]) = (-0.0, f32::MIN_POSITIVE / 4.0);
        let dtype = if bf16 { ExportDtype::Bf16 } else { ExportDtype::F32 };
        let (_place, dir) = exported(&model, &theta, dtype);
        let checkpoint = HfCheckpoint::open(&dir).unwrap();
        prop_assert_eq!(checkpoint.model(), &model);
        let expected: Vec<f32> =
            if bf16 { theta.iter().map(|x| half::bf16::from_f32(*x).to_f32()).collect() } else { theta };
        prop_assert_eq!(bits(&checkpoint.read_theta().unwrap()), bits(&expected));
    }

    #[test]
    fn a_damaged_file_is_refused_or_reads_as_finite_weights(at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<bool>()) {
        let (_place, dir, model, _) = small();
        let path = dir.join("model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        // Mostly the header, which is where a parser can go wrong.
        let at = at.index(bytes.len().min(2600));
        if cut { bytes.truncate(at) } else { bytes[at] = to }
        fs::write(&path, bytes).unwrap();
        if let Ok(theta) = HfCheckpoint::open(&dir).and_then(|checkpoint| checkpoint.read_theta()) {
            prop_assert!(!cut);
            prop_assert_eq!(theta.len() as u64, model.parameter_count());
            prop_assert!(theta.iter().all(|x| x.is_finite()));
        }
    }

    #[test]
    fn no_configuration_panics(text in "\\PC{0,60}", key in 0usize..24, number in any::<i64>()) {
        let (_place, dir, ..) = small();
        with_config(&dir, |config| {
            let keys: Vec<String> = config.as_object().unwrap().keys().cloned().collect();
            config[&keys[key % keys.len()]] = if text.len() % 2 == 0 { json!(number) } else { json!(text) };
        });
        let _ = HfCheckpoint::open(&dir);
        fs::write(dir.join("config.json"), &text).unwrap();
        let syntax = matches!(refused(&dir), ImportError::Syntax { .. });
        prop_assert!(syntax, "{}", text);
    }
}

#[test]
fn shards_are_put_together() {
    let (_place, dir, model, theta) = small();
    shard(&dir, &stored(&model, &theta));
    assert_eq!(bits(&HfCheckpoint::open(&dir).unwrap().read_theta().unwrap()), bits(&theta));
}

#[test]
fn half_precision_is_widened_exactly() {
    let (_place, dir, model, theta) = small();
    let halves: Vec<half::f16> = theta.iter().map(|x| half::f16::from_f32(*x)).collect();
    let widened: Vec<f32> = halves.iter().map(|x| x.to_f32()).collect();
    let mut tensors = stored(&model, &theta);
    let mut at = 0;
    for (_, shape, bytes) in &mut tensors {
        let count: usize = shape.iter().product();
        *bytes = halves[at..at + count].iter().flat_map(|x| x.to_le_bytes()).collect();
        at += count;
    }
    write(&dir.join("model.safetensors"), Dtype::F16, &tensors);
    assert_eq!(bits(&HfCheckpoint::open(&dir).unwrap().read_theta().unwrap()), bits(&widened));
}

#[test]
fn rotary_pairs_of_metas_layout_come_apart() {
    // Two heads of four rows, one column: pairs (0, 1), (2, 3) become halves (0, 2), (1, 3).
    let mut rows = [0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0];
    names::to_rotate_half(&mut rows, 4, 1);
    assert_eq!(rows, [0.0, 2.0, 1.0, 3.0, 10.0, 12.0, 11.0, 13.0]);
}

#[test]
fn metas_names_and_row_order_give_the_same_parameters() {
    let (_place, dir, model, theta) = small();
    let row = 4 * model.d_model;
    let tensors = stored(&model, &theta).into_iter().map(|(name, shape, bytes)| {
        let turned = name.contains("q_proj") || name.contains("k_proj");
        let bytes = if turned {
            let half = model.head_dim / 2;
            let of = |head: &[u8]| -> Vec<u8> {
                (0..model.head_dim).flat_map(|i| head[(i % 2 * half + i / 2) * row..][..row].to_vec()).collect()
            };
            bytes.chunks(model.head_dim * row).flat_map(of).collect()
        } else {
            bytes
        };
        (Names::Meta.stored(&name), shape, bytes)
    });
    let tensors: Vec<_> = tensors.collect();
    assert!(tensors.iter().any(|(name, ..)| name == "layers.1.feed_forward.w3.weight"));
    write(&dir.join("model.safetensors"), Dtype::F32, &tensors);
    assert_eq!(bits(&HfCheckpoint::open(&dir).unwrap().read_theta().unwrap()), bits(&theta));
}

#[test]
fn a_model_that_is_computed_otherwise_is_refused_with_the_key() {
    let cases: &[(&str, Value, &str)] = &[
        ("model_type", json!("qwen2"), "model_type"),
        ("model_type", json!("mistral"), "sliding_window"),
        ("architectures", json!(["LlamaForSequenceClassification"]), "architectures"),
        ("hidden_act", json!("gelu"), "hidden_act"),
        ("attention_bias", json!(true), "attention_bias"),
        ("mlp_bias", json!(true), "mlp_bias"),
        ("rope_scaling", json!({ "type": "linear", "factor": 2.0 }), "rope_scaling"),
        ("rope_scaling", json!({ "rope_type": "llama3", "factor": 8.0 }), "rope_scaling"),
        ("rope_scaling", json!({ "factor": 8.0 }), "rope_scaling"),
        ("rope_parameters", json!({ "rope_type": "yarn", "rope_theta": 1e4 }), "rope_parameters"),
        ("partial_rotary_factor", json!(0.5), "partial_rotary_factor"),
        ("quantization_config", json!({ "bits": 4 }), "quantization_config"),
    ];
    for (key, value, named) in cases {
        let (_place, dir, ..) = small();
        with_config(&dir, |config| config[*key] = value.clone());
        let error = refused(&dir);
        assert!(matches!(&error, ImportError::Unsupported { key, .. } if key == named), "{key} = {value}: {error}");
    }
}

#[test]
fn newer_and_older_configurations_say_the_same() {
    let (_place, dir, model, _) = small();
    with_config(&dir, |config| {
        let config = config.as_object_mut().unwrap();
        config.remove("rope_theta");
        config.remove("rope_scaling");
        config.insert("rope_parameters".into(), json!({ "rope_type": "default", "rope_theta": 500_000.0 }));
        config.insert("bos_token_id".into(), json!(3));
    });
    let checkpoint = HfCheckpoint::open(&dir).unwrap();
    assert_eq!((checkpoint.model(), checkpoint.bos(), checkpoint.context_tokens()), (&model, Some(3), Some(2048)));
    with_config(&dir, |config| {
        config["model_type"] = json!("mistral");
        config["architectures"] = json!(["MistralForCausalLM"]);
        config["sliding_window"] = Value::Null;
    });
    assert_eq!(HfCheckpoint::open(&dir).unwrap().model(), &model);
}

#[test]
fn a_shape_out_of_bounds_is_refused_before_anything_is_allocated() {
    for (key, value) in [("hidden_size", json!(1u64 << 40)), ("num_hidden_layers", json!(0)), ("head_dim", json!(7))] {
        let (_place, dir, ..) = small();
        with_config(&dir, |config| config[key] = value);
        assert!(matches!(refused(&dir), ImportError::Model(_)), "{key}");
    }
}

#[test]
fn tensors_that_do_not_make_the_model_are_refused_by_name() {
    let (_place, dir, model, theta) = small();
    let path = dir.join("model.safetensors");
    let good = stored(&model, &theta);
    let mut more = good.clone();
    more.push(("model.layers.0.self_attn.q_proj.bias".into(), vec![1], vec![0; 4]));
    write(&path, Dtype::F32, &more);
    assert!(matches!(refused(&dir), ImportError::Unknown { tensor } if tensor.ends_with("q_proj.bias")));
    more.pop();
    more.push(("model.layers.0.self_attn.rotary_emb.inv_freq".into(), vec![1], vec![0; 4]));
    write(&path, Dtype::F32, &more);
    assert!(HfCheckpoint::open(&dir).is_ok(), "a table that is computed anew");
    write(&path, Dtype::F32, &good[1..]);
    assert!(matches!(refused(&dir), ImportError::Missing { tensor } if tensor == "model.embed_tokens.weight"));
    let mut turned = good.clone();
    turned[0].1.reverse();
    write(&path, Dtype::F32, &turned);
    assert!(matches!(refused(&dir), ImportError::Shape { got, .. } if got == [24, 40]));
    write(&path, Dtype::I32, &good);
    assert!(matches!(refused(&dir), ImportError::Format { .. }));
    let mut sick = good;
    sick[1].2[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    write(&path, Dtype::F32, &sick);
    assert!(matches!(refused(&dir), ImportError::NotFinite { tensor } if tensor.contains("input_layernorm")));
}

#[test]
fn a_tied_head_that_was_written_out_is_left_unread() {
    let (_place, dir, model, theta) = small();
    with_config(&dir, |config| config["tie_word_embeddings"] = json!(true));
    let checkpoint = HfCheckpoint::open(&dir).unwrap();
    let head = model.vocab * model.d_model;
    assert_eq!(bits(&checkpoint.read_theta().unwrap()), bits(&theta[..theta.len() - head]));
}

#[test]
fn an_index_leads_nowhere_but_into_its_folder() {
    let (_place, dir, model, theta) = small();
    let good = shard(&dir, &stored(&model, &theta));
    let path = dir.join("model.safetensors.index.json");
    for name in [
        "../model.safetensors",
        "/etc/model.safetensors",
        "a\\b.safetensors",
        "C:x.safetensors",
        ".safetensors",
        "x",
        "",
    ] {
        let mut index = good.clone();
        index["weight_map"]["model.norm.weight"] = json!(name);
        fs::write(&path, index.to_string()).unwrap();
        assert!(matches!(refused(&dir), ImportError::ShardName { .. }), "{name}");
    }
    let many: HashMap<String, String> = (0..5000).map(|i| (format!("t{i}"), format!("s{i}.safetensors"))).collect();
    fs::write(&path, json!({ "weight_map": many }).to_string()).unwrap();
    assert!(matches!(refused(&dir), ImportError::TooManyShards { got: 5000, .. }));
    fs::write(&path, json!({ "weight_map": {} }).to_string()).unwrap();
    assert!(matches!(refused(&dir), ImportError::NoWeights { .. }));
    fs::write(&path, "[").unwrap();
    assert!(matches!(refused(&dir), ImportError::Syntax { .. }));
    fs::write(&path, good.to_string()).unwrap();
    fs::copy(dir.join("model-00001-of-00002.safetensors"), dir.join("model-00002-of-00002.safetensors")).unwrap();
    assert!(matches!(refused(&dir), ImportError::Twice { .. }));
    fs::remove_file(dir.join("model-00002-of-00002.safetensors")).unwrap();
    assert!(
        matches!(refused(&dir), ImportError::Io { path, .. } if path.ends_with("model-00002-of-00002.safetensors"))
    );
    fs::create_dir(dir.join("model-00002-of-00002.safetensors")).unwrap();
    assert!(matches!(refused(&dir), ImportError::NotAFile { .. }));
}

#[test]
fn headers_that_lie_are_refused_unread() {
    let (_place, dir, ..) = small();
    let path = dir.join("model.safetensors");
    let good = fs::read(&path).unwrap();
    let mut long = good.clone();
    long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    fs::write(&path, long).unwrap();
    assert!(matches!(refused(&dir), ImportError::TooLong { what: "its header", got: u64::MAX, .. }));
    let mut more = good.clone();
    more.extend([0; 4]);
    fs::write(&path, more).unwrap();
    assert!(matches!(refused(&dir), ImportError::FileLength { .. }));
    fs::write(&path, &good[..100]).unwrap();
    assert!(matches!(refused(&dir), ImportError::FileLength { .. }));
    fs::write(&path, &good[..4]).unwrap();
    assert!(matches!(refused(&dir), ImportError::Io { .. }));
    fs::write(dir.join("config.json"), vec![b' '; 2 << 20]).unwrap();
    assert!(matches!(refused(&dir), ImportError::TooLong { what: "a configuration", .. }));
}

/// A folder as `transformers` 4 wrote it, letter by letter, so that no change of the exporter moves both ends.
#[test]
fn a_known_folder_gives_known_parameters() {
    let place = tempfile::tempdir().unwrap();
    let config = r#"{"architectures":["LlamaForCausalLM"],"model_type":"llama","vocab_size":2,"hidden_size":2,
        "intermediate_size":1,"num_hidden_layers":1,"num_attention_heads":1,"hidden_act":"silu","rms_norm_eps":1e-05,
        "tie_word_embeddings":true,"torch_dtype":"bfloat16","max_position_embeddings":8}"#;
    fs::write(place.path().join("config.json"), config).unwrap();
    let layer = "model.layers.0.";
    let parts: [(&str, &[usize]); 11] = [
        ("model.embed_tokens.weight", &[2, 2]),
        (&format!("{layer}input_layernorm.weight"), &[2]),
        (&format!("{layer}self_attn.q_proj.weight"), &[2, 2]),
        (&format!("{layer}self_attn.k_proj.weight"), &[2, 2]),
        (&format!("{layer}self_attn.v_proj.weight"), &[2, 2]),
        (&format!("{layer}self_attn.o_proj.weight"), &[2, 2]),
        (&format!("{layer}post_attention_layernorm.weight"), &[2]),
        (&format!("{layer}mlp.gate_proj.weight"), &[1, 2]),
        (&format!("{layer}mlp.up_proj.weight"), &[1, 2]),
        (&format!("{layer}mlp.down_proj.weight"), &[2, 1]),
        ("model.norm.weight", &[2]),
    ];
    let (mut header, mut values, mut next) = (String::from("{"), Vec::new(), 0x3F80u16);
    // Backwards in the file: the order of the flat buffer is the model's, not the file's.
    for (name, shape) in parts.iter().rev() {
        let (start, count) = (values.len(), shape.iter().product::<usize>());
        for _ in 0..count {
            values.extend(next.to_le_bytes());
            next += 1;
        }
        let end = values.len();
        header += &format!("\"{name}\":{{\"dtype\":\"BF16\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}},");
    }
    header.pop();
    header.push('}');
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.bytes());
    file.extend(&values);
    fs::write(place.path().join("model.safetensors"), file).unwrap();
    let checkpoint = HfCheckpoint::open(place.path()).unwrap();
    let theta = checkpoint.read_theta().unwrap();
    // 32 values in all: the embedding is the last in the file, 28 to 31; the final norm the first.
    assert_eq!(theta.len(), 32);
    assert_eq!(bits(&theta[..4]), [0x3F9C_0000, 0x3F9D_0000, 0x3F9E_0000, 0x3F9F_0000]);
    assert_eq!(bits(&theta[30..]), [0x3F80_0000, 0x3F81_0000]);
    assert_eq!(checkpoint.model().rope_theta, 10_000.0);
}
