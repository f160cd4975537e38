//! Shape of the transformer, with exact parameter arithmetic.
//!
//! In: dimensions. Out: tensor names and shapes in flat-buffer order, parameter counts. No torch, no values.

use serde::{Deserialize, Serialize};

use super::{ManifestError, check, check_range};
use crate::TensorSpec;

/// A LLaMA-3-style decoder: RMSNorm, RoPE, grouped-query attention, SwiGLU, no biases (protocol.md §1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelParams {
    /// Preset or free name.
    pub name: String,
    /// Vocabulary size.
    pub vocab: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key/value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub ffn: usize,
    /// RoPE base.
    pub rope_theta: f64,
    /// RMSNorm epsilon.
    pub norm_eps: f64,
    /// Whether the output head is the embedding.
    pub tied: bool,
}

/// `(name, vocab, d_model, layers, heads, kv_heads, head_dim, ffn, rope_theta, tied)`; sources in protocol.md §1.
type Preset = (&'static str, usize, usize, usize, usize, usize, usize, usize, f64, bool);

const PRESETS: &[Preset] = &[
    // For tests of the machinery, not of learning.
    ("nano", 256, 64, 2, 2, 1, 32, 128, 10_000.0, true),
    // About one million parameters on bytes: what a rehearsal trains on two CPU cores.
    ("tiny", 256, 128, 4, 4, 4, 32, 384, 10_000.0, false),
    ("10m", 256, 320, 8, 5, 5, 64, 896, 10_000.0, true),
    ("150m", 32_000, 1024, 12, 16, 16, 64, 2688, 10_000.0, true),
    ("512m", 32_000, 1536, 12, 12, 12, 128, 5440, 10_000.0, false),
    ("1b", 32_000, 2048, 16, 8, 8, 256, 8192, 10_000.0, false),
    ("8b", 128_256, 4096, 32, 32, 8, 128, 14_336, 500_000.0, false),
    ("covenant-72b", 262_144, 8192, 80, 64, 8, 128, 28_672, 500_000.0, true),
];

impl ModelParams {
    /// The preset of that name.
    pub fn preset(name: &str) -> Option<Self> {
        let &(name, vocab, d_model, layers, heads, kv_heads, head_dim, ffn, rope_theta, tied) =
            PRESETS.iter().find(|p| p.0 == name)?;
        let name = name.to_owned();
        Some(Self { name, vocab, d_model, layers, heads, kv_heads, head_dim, ffn, rope_theta, norm_eps: 1e-5, tied })
    }

    /// Names of all presets, small to large.
    pub fn preset_names() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|p| p.0)
    }

    /// Every parameter tensor in the order of the flat buffer: embedding, blocks, final norm, head.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let mut out = Vec::with_capacity(9 * self.layers + 3);
        let mut put = |name: String, shape: &[usize]| out.push(TensorSpec { name, shape: shape.to_vec() });
        let (d, q, kv) = (self.d_model, self.heads * self.head_dim, self.kv_heads * self.head_dim);
        put("model.embed_tokens.weight".into(), &[self.vocab, d]);
        for i in 0..self.layers {
            let mut block = |name: &str, shape: &[usize]| put(format!("model.layers.{i}.{name}.weight"), shape);
            block("input_layernorm", &[d]);
            block("self_attn.q_proj", &[q, d]);
            block("self_attn.k_proj", &[kv, d]);
            block("self_attn.v_proj", &[kv, d]);
            block("self_attn.o_proj", &[d, q]);
            block("post_attention_layernorm", &[d]);
            block("mlp.gate_proj", &[self.ffn, d]);
            block("mlp.up_proj", &[self.ffn, d]);
            block("mlp.down_proj", &[d, self.ffn]);
        }
        put("model.norm.weight".into(), &[d]);
        if !self.tied {
            put("lm_head.weight".into(), &[self.vocab, d]);
        }
        out
    }

    /// Parameters that are trained and communicated.
    pub fn parameter_count(&self) -> u64 {
        self.tensors().iter().map(|t| t.len() as u64).sum()
    }

    /// Parameters of the exported checkpoint when the head is written out beside the embedding.
    pub fn untied_parameter_count(&self) -> u64 {
        let head = (self.vocab * self.d_model) as u64;
        self.parameter_count() + if self.tied { head } else { 0 }
    }

    /// Bounds that keep every product far from overflow and every shape non-empty.
    ///
    /// # Errors
    /// The first field that does not hold, with the reason.
    pub fn validate(&self) -> Result<(), ManifestError> {
        check("model.name", (1..=64).contains(&self.name.len()), "must have 1 to 64 bytes")?;
        for (field, value, max) in [
            ("model.vocab", self.vocab, 1 << 20),
            ("model.d_model", self.d_model, 1 << 16),
            ("model.layers", self.layers, 1 << 10),
            ("model.heads", self.heads, 1 << 10),
            ("model.kv_heads", self.kv_heads, 1 << 10),
            ("model.head_dim", self.head_dim, 1 << 12),
            ("model.ffn", self.ffn, 1 << 18),
        ] {
            check(field, (1..=max).contains(&value), format!("must lie in 1..={max}, is {value}"))?;
        }
        check("model.kv_heads", self.heads.is_multiple_of(self.kv_heads), "must divide `heads`")?;
        check("model.head_dim", self.head_dim.is_multiple_of(2), "must be even (RoPE turns pairs)")?;
        check_range("model.rope_theta", self.rope_theta, 1.0, 1e9)?;
        check_range("model.norm_eps", self.norm_eps, 1e-12, 1e-1)
    }
}
