//! `config.json` and `generation_config.json`.
//!
//! In: the model's shape. Out: JSON with the keys `transformers` reads for `LlamaForCausalLM`.

use serde_json::{Value, json};
use types::manifest::ModelParams;

use super::ExportDtype;

/// Context length written into the config. Rotary positions have no table to outgrow, so this only informs.
const CONTEXT_TOKENS: usize = 2048;

pub(super) fn model(model: &ModelParams, dtype: ExportDtype, eos: Option<u32>) -> Value {
    let dtype = match dtype {
        ExportDtype::F32 => "float32",
        ExportDtype::Bf16 => "bfloat16",
    };
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": model.vocab,
        "hidden_size": model.d_model,
        "intermediate_size": model.ffn,
        "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads,
        "num_key_value_heads": model.kv_heads,
        "head_dim": model.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": CONTEXT_TOKENS,
        "rms_norm_eps": model.norm_eps,
        "rope_theta": model.rope_theta,
        "rope_scaling": null,
        "attention_bias": false,
        "mlp_bias": false,
        "attention_dropout": 0.0,
        "tie_word_embeddings": model.tied,
        "torch_dtype": dtype,
        "use_cache": true,
        "bos_token_id": null,
        "eos_token_id": eos,
        "pad_token_id": null,
    })
}

pub(super) fn generation(eos: Option<u32>) -> Value {
    json!({ "_from_model_config": true, "eos_token_id": eos })
}
