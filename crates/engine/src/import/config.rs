//! `config.json`: the shape of a LLaMA-family model, or why this decoder does not compute it.
//!
//! In: JSON as `transformers` writes it, of any of its versions (hostile). Out: [`ModelParams`] within a run's bounds. A key
//! that changes what is computed and is not known to be off is a refusal, never ignored.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use types::manifest::ModelParams;

use super::error::ImportError;
use super::files::{parse, read_small};
use super::limits::MAX_CONFIG_BYTES;

/// Longest name a run's manifest takes for a model.
const MAX_NAME_BYTES: usize = 64;

/// What is taken from a configuration.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Config {
    pub(super) model: ModelParams,
    pub(super) bos: Option<u32>,
    pub(super) context_tokens: Option<u64>,
}

/// The keys that matter. Defaults are those of `transformers` (configuration_llama.py, configuration_mistral.py).
#[derive(Deserialize)]
struct Keys {
    model_type: String,
    architectures: Option<Vec<String>>,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    hidden_act: Option<String>,
    rms_norm_eps: Option<f64>,
    tie_word_embeddings: Option<bool>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    rope_theta: Option<f64>,
    rope_scaling: Option<Value>,
    rope_parameters: Option<Value>,
    partial_rotary_factor: Option<f64>,
    /// Told from `null`, which turns the window off.
    #[serde(default, deserialize_with = "there")]
    sliding_window: Option<Value>,
    quantization_config: Option<Value>,
    bos_token_id: Option<Value>,
    max_position_embeddings: Option<u64>,
}

/// `Some` for any value that stands there, `null` too.
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Reads a folder's configuration.
pub(super) fn read(dir: &Path) -> Result<Config, ImportError> {
    let path = dir.join("config.json");
    let keys: Keys = parse(&path, &read_small(&path, "a configuration", MAX_CONFIG_BYTES)?)?;
    keys.into_config(name_of(dir))
}

/// The folder's name, as far as it is one for a model.
fn name_of(dir: &Path) -> String {
    let letter = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().filter(letter).take(MAX_NAME_BYTES).collect();
    if name.is_empty() { "imported".to_owned() } else { name }
}

impl Keys {
    fn into_config(self, name: String) -> Result<Config, ImportError> {
        self.family()?;
        let rope_theta = self.rotary()?;
        self.arithmetic()?;
        let head_dim = match self.head_dim {
            Some(head_dim) => head_dim,
            None if self.num_attention_heads > 0 && self.hidden_size.is_multiple_of(self.num_attention_heads) => {
                self.hidden_size / self.num_attention_heads
            }
            None => return refuse("num_attention_heads", "does not divide `hidden_size`"),
        };
        let model = ModelParams {
            name,
            vocab: self.vocab_size,
            d_model: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim,
            ffn: self.intermediate_size,
            rope_theta,
            norm_eps: self.rms_norm_eps.unwrap_or(1e-6),
            tied: self.tie_word_embeddings.unwrap_or(false),
        };
        model.validate()?;
        let token = |value: &Value| u32::try_from(value.as_u64()?).ok().filter(|id| (*id as usize) < model.vocab);
        let bos = self.bos_token_id.as_ref().and_then(token);
        Ok(Config { bos, context_tokens: self.max_position_embeddings, model })
    }

    /// LLaMA, or what only differs in name from it.
    fn family(&self) -> Result<(), ImportError> {
        let causal = match self.model_type.as_str() {
            "llama" => "LlamaForCausalLM",
            "mistral" => {
                // Left out, both have defaults that differ from LLaMA's.
                if self.sliding_window.as_ref().is_none_or(|window| !window.is_null()) {
                    return refuse("sliding_window", "limits attention; only `null` is computed");
                }
                if self.num_key_value_heads.is_none() {
                    return refuse("num_key_value_heads", "is missing");
                }
                "MistralForCausalLM"
            }
            other => {
                let other: String = other.chars().take(40).collect();
                return refuse("model_type", format!("is `{other}`; the LLaMA family is `llama` and `mistral`"));
            }
        };
        match &self.architectures {
            Some(all) if !all.is_empty() && !all.iter().any(|name| name == causal || name == "LlamaModel") => {
                refuse("architectures", format!("has no {causal}: the model has no language head"))
            }
            _ => Ok(()),
        }
    }

    /// The base of the rotary frequencies, if they are not changed in any other way.
    fn rotary(&self) -> Result<f64, ImportError> {
        if self.partial_rotary_factor.is_some_and(|factor| factor != 1.0) {
            return refuse("partial_rotary_factor", "turns only a part of a head");
        }
        let mut base = self.rope_theta;
        for (key, value) in [("rope_scaling", &self.rope_scaling), ("rope_parameters", &self.rope_parameters)] {
            let Some(value) = value.as_ref().filter(|value| !value.is_null()) else { continue };
            let Value::Object(fields) = value else { return refuse(key, "is no object") };
            let kind = fields.get("rope_type").or_else(|| fields.get("type"));
            if kind.is_some_and(|kind| kind != "default") || (kind.is_none() && key == "rope_scaling") {
                return refuse(key, "rescales rotary positions; only the plain ones are computed");
            }
            if fields.get("partial_rotary_factor").and_then(Value::as_f64).is_some_and(|factor| factor != 1.0) {
                return refuse(key, "turns only a part of a head");
            }
            base = fields.get("rope_theta").and_then(Value::as_f64).or(base);
        }
        Ok(base.unwrap_or(10_000.0))
    }

    fn arithmetic(&self) -> Result<(), ImportError> {
        if self.hidden_act.as_deref().is_some_and(|act| act != "silu" && act != "swish") {
            return refuse("hidden_act", "is another activation than silu");
        }
        for (key, bias) in [("attention_bias", self.attention_bias), ("mlp_bias", self.mlp_bias)] {
            if bias == Some(true) {
                return refuse(key, "adds biases, which no run has");
            }
        }
        if self.quantization_config.as_ref().is_some_and(|value| !value.is_null()) {
            return refuse("quantization_config", "packs weights; import the unpacked checkpoint");
        }
        Ok(())
    }
}

fn refuse<T>(key: &'static str, why: impl Into<String>) -> Result<T, ImportError> {
    Err(ImportError::Unsupported { key, why: why.into() })
}
