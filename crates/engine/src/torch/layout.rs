//! Where every weight lies in the flat buffer, and which neighbours are used as one matrix.
//!
//! In: the model's shape. Out: offsets and shapes. Queries, keys and values lie beside each other in
//! `ModelParams::tensors()`, as do gate and up projection, so each group is one leaf and one matrix product.

use types::manifest::ModelParams;

/// Logits held at a time; in f32, with softmax and gradient, three times 256 MiB.
const LOGIT_ELEMENTS: i64 = 1 << 26;
/// Fewer positions than this make a matrix product too thin to be fast.
const MIN_LOSS_CHUNK: i64 = 128;

/// A matrix or vector inside the flat buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// First element.
    pub(crate) offset: i64,
    /// One or two dimensions, row-major.
    pub(crate) shape: Vec<i64>,
}

impl Leaf {
    /// Number of elements.
    pub(crate) fn len(&self) -> i64 {
        self.shape.iter().product()
    }
}

/// Leaf indices of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockLeaves {
    pub(crate) input_norm: usize,
    /// Queries, keys, values: `[(heads + 2 * kv_heads) * head_dim, d_model]`.
    pub(crate) qkv: usize,
    pub(crate) out: usize,
    pub(crate) post_norm: usize,
    /// Gate, up: `[2 * ffn, d_model]`.
    pub(crate) gate_up: usize,
    pub(crate) down: usize,
}

impl BlockLeaves {
    /// All six, in buffer order.
    pub(crate) fn all(&self) -> [usize; 6] {
        [self.input_norm, self.qkv, self.out, self.post_norm, self.gate_up, self.down]
    }
}

/// The flat buffer cut into leaves.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// In buffer order, without gaps.
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) blocks: Vec<BlockLeaves>,
    pub(crate) embedding: usize,
    pub(crate) final_norm: usize,
    /// The embedding's leaf if the head is tied.
    pub(crate) head: usize,
    /// Elements of the buffer.
    pub(crate) len: i64,
    /// Positions whose logits are held at a time. A function of the shape only: bits depend on it.
    pub(crate) loss_chunk: i64,
}

impl Layout {
    /// Values of the largest layer: a block's leaves together, embedding or head.
    pub(crate) fn largest_layer(&self) -> i64 {
        let block = |b: &BlockLeaves| b.all().iter().map(|leaf| self.leaves[*leaf].len()).sum();
        self.blocks.iter().map(block).chain([self.leaves[self.embedding].len()]).max().unwrap_or(0)
    }

    /// The layout of `ModelParams::tensors()`.
    pub(crate) fn of(model: &ModelParams) -> Self {
        let size = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let (vocab, d, ffn) = (size(model.vocab), size(model.d_model), size(model.ffn));
        let (q, kv) = (size(model.heads * model.head_dim), size(model.kv_heads * model.head_dim));
        let mut leaves: Vec<Leaf> = Vec::with_capacity(6 * model.layers + 3);
        let mut offset = 0;
        let mut put = |shape: &[i64]| {
            let leaf = Leaf { offset, shape: shape.to_vec() };
            offset += leaf.len();
            leaves.push(leaf);
            leaves.len() - 1
        };
        let embedding = put(&[vocab, d]);
        let blocks = (0..model.layers)
            .map(|_| BlockLeaves {
                input_norm: put(&[d]),
                qkv: put(&[q + 2 * kv, d]),
                out: put(&[d, q]),
                post_norm: put(&[d]),
                gate_up: put(&[2 * ffn, d]),
                down: put(&[d, ffn]),
            })
            .collect();
        let final_norm = put(&[d]);
        let head = if model.tied { embedding } else { put(&[vocab, d]) };
        let loss_chunk = (LOGIT_ELEMENTS / vocab.max(1)).max(MIN_LOSS_CHUNK);
        Self { leaves, blocks, embedding, final_norm, head, len: offset, loss_chunk }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_tile_the_flat_buffer_on_tensor_borders() {
        for name in ModelParams::preset_names() {
            let model = ModelParams::preset(name).unwrap();
            let layout = Layout::of(&model);
            assert_eq!(layout.len as u64, model.parameter_count(), "{name}");
            let mut at = std::collections::HashMap::new();
            let mut offset = 0i64;
            for tensor in model.tensors() {
                at.insert(tensor.name.clone(), offset);
                offset += tensor.len() as i64;
            }
            let last = model.layers - 1;
            let block = layout.blocks[last];
            let check = |leaf: usize, tensor: &str| {
                let name = format!("model.layers.{last}.{tensor}.weight");
                assert_eq!(layout.leaves[leaf].offset, at[&name], "{name}");
            };
            check(block.input_norm, "input_layernorm");
            check(block.qkv, "self_attn.q_proj");
            check(block.out, "self_attn.o_proj");
            check(block.post_norm, "post_attention_layernorm");
            check(block.gate_up, "mlp.gate_proj");
            check(block.down, "mlp.down_proj");
            assert_eq!(layout.leaves[layout.final_norm].offset, at["model.norm.weight"]);
            let head = if model.tied { "model.embed_tokens.weight" } else { "lm_head.weight" };
            assert_eq!(layout.leaves[layout.head].offset, at[head]);
        }
    }
}
