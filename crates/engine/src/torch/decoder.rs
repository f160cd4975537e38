//! The transformer's forward pass: LLaMA-style blocks on leaves of the flat buffer (protocol.md §1).
//!
//! In: token ids `[batch, length]`, hidden states `[batch, length, d_model]`. Out: hidden states, logits. RMSNorm before
//! each half, rotary positions in the rotate-half convention of Hugging Face, grouped-query attention, SwiGLU.
//! Whether a graph is recorded is the caller's choice.

use tch::{Device, Kind, TchError, Tensor};
use types::manifest::ModelParams;

use super::flat::Flat;
use super::layout::Layout;

/// Dimensions and position tables.
#[derive(Debug)]
pub(crate) struct Decoder {
    d_model: i64,
    heads: i64,
    kv_heads: i64,
    head_dim: i64,
    norm_eps: f64,
    /// `[max_length, 1, head_dim]`, in the activations' kind.
    cos: Tensor,
    /// As `cos`, the first half negated: multiplies the vector with its halves swapped.
    sin: Tensor,
}

impl Decoder {
    /// Tables for sequences of up to `max_length` tokens.
    pub(crate) fn new(model: &ModelParams, max_length: usize, device: Device, kind: Kind) -> Result<Self, TchError> {
        let (cos, sin) = rotary_tables(model, max_length);
        let shape = [max_length as i64, 1, model.head_dim as i64];
        let table = |values: &[f32]| Tensor::f_from_slice(values)?.f_view(shape)?.f_to_device(device)?.f_to_kind(kind);
        Ok(Self {
            d_model: model.d_model as i64,
            heads: model.heads as i64,
            kv_heads: model.kv_heads as i64,
            head_dim: model.head_dim as i64,
            norm_eps: model.norm_eps,
            cos: table(&cos)?,
            sin: table(&sin)?,
        })
    }

    /// Token ids to hidden states.
    pub(crate) fn embed(&self, flat: &Flat, layout: &Layout, ids: &Tensor) -> Result<Tensor, TchError> {
        Tensor::f_embedding(flat.leaf(layout.embedding), ids, -1, false, false)
    }

    /// One block.
    pub(crate) fn block(&self, flat: &Flat, layout: &Layout, index: usize, x: &Tensor) -> Result<Tensor, TchError> {
        let leaves = &layout.blocks[index];
        let h = self.norm(x, flat.leaf(leaves.input_norm))?;
        let attended = self.attention(&h.f_linear(flat.leaf(leaves.qkv), NONE)?)?;
        let x = x.f_add(&attended.f_linear(flat.leaf(leaves.out), NONE)?)?;
        let h = self.norm(&x, flat.leaf(leaves.post_norm))?;
        let gate_up = h.f_linear(flat.leaf(leaves.gate_up), NONE)?.f_chunk(2, -1)?;
        let fed = gate_up[0].f_silu()?.f_mul(&gate_up[1])?;
        x.f_add(&fed.f_linear(flat.leaf(leaves.down), NONE)?)
    }

    /// The norm after the last block.
    pub(crate) fn final_norm(&self, flat: &Flat, layout: &Layout, x: &Tensor) -> Result<Tensor, TchError> {
        self.norm(x, flat.leaf(layout.final_norm))
    }

    /// Hidden states `[n, d_model]` to f32 logits `[n, vocab]`.
    pub(crate) fn logits(&self, flat: &Flat, layout: &Layout, hidden: &Tensor) -> Result<Tensor, TchError> {
        hidden.f_linear(flat.leaf(layout.head), NONE)?.f_to_kind(Kind::Float)
    }

    fn norm(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor, TchError> {
        x.f_rms_norm([self.d_model], Some(weight), self.norm_eps)
    }

    /// Causal attention from projected queries, keys and values, side by side in the last dimension.
    fn attention(&self, qkv: &Tensor) -> Result<Tensor, TchError> {
        let (batch, length, _) = qkv.size3()?;
        let (h, kv) = (self.heads, self.kv_heads);
        let qkv = qkv.f_view([batch, length, h + 2 * kv, self.head_dim])?;
        let turned = self.rotate(&qkv.f_narrow(2, 0, h + kv)?, length)?;
        let q = turned.f_narrow(2, 0, h)?.f_transpose(1, 2)?;
        let k = turned.f_narrow(2, h, kv)?.f_transpose(1, 2)?;
        let v = qkv.f_narrow(2, h + kv, kv)?.f_transpose(1, 2)?;
        let attended = Tensor::f_scaled_dot_product_attention(&q, &k, &v, NONE, 0.0, true, None, h != kv)?;
        attended.f_transpose(1, 2)?.f_reshape([batch, length, h * self.head_dim])
    }

    fn rotate(&self, x: &Tensor, length: i64) -> Result<Tensor, TchError> {
        let swapped = x.f_roll(self.head_dim / 2, -1)?;
        x.f_mul(&self.cos.f_narrow(0, 0, length)?)?.f_addcmul(&swapped, &self.sin.f_narrow(0, 0, length)?)
    }
}

const NONE: Option<&Tensor> = None;

/// Cosines and signed sines, computed in f64 and rounded once.
fn rotary_tables(model: &ModelParams, max_length: usize) -> (Vec<f32>, Vec<f32>) {
    let half = model.head_dim / 2;
    let frequency: Vec<f64> =
        (0..half).map(|i| model.rope_theta.powf(-((2 * i) as f64) / model.head_dim as f64)).collect();
    let (mut cos, mut sin) = (Vec::with_capacity(max_length * 2 * half), Vec::with_capacity(max_length * 2 * half));
    for position in 0..max_length {
        let angles = frequency.iter().map(|f| position as f64 * f);
        cos.extend(angles.clone().chain(angles.clone()).map(|a| a.cos() as f32));
        sin.extend(angles.clone().map(|a| -a.sin() as f32));
        sin.extend(angles.map(|a| a.sin() as f32));
    }
    (cos, sin)
}
