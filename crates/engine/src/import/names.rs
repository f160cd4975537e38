//! Under which names and in which row order a checkpoint stores a model.
//!
//! In: names of tensors. Out: the stored name of each of ours, and what may be left unread. The schemes are Hugging
//! Face's for a causal model, the same without `model.` (a bare decoder), and Meta's own.

/// A scheme of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// `model.layers.0.self_attn.q_proj.weight`, `lm_head.weight`.
    Causal,
    /// `layers.0.self_attn.q_proj.weight`.
    Bare,
    /// `layers.0.attention.wq.weight`, `output.weight`; rotary pairs side by side.
    Meta,
}

/// Our words for a block's parts, and Meta's.
const META: [(&str, &str); 9] = [
    ("input_layernorm", "attention_norm"),
    ("self_attn.q_proj", "attention.wq"),
    ("self_attn.k_proj", "attention.wk"),
    ("self_attn.v_proj", "attention.wv"),
    ("self_attn.o_proj", "attention.wo"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "feed_forward.w1"),
    ("mlp.up_proj", "feed_forward.w3"),
    ("mlp.down_proj", "feed_forward.w2"),
];

impl Names {
    /// The scheme whose embedding is there; Hugging Face's if none is, so that its name is the one said to be missing.
    pub(super) fn recognise(has: impl Fn(&str) -> bool) -> Self {
        let all = [Self::Causal, Self::Bare, Self::Meta];
        let embedding = |names: &Self| has(&names.stored("model.embed_tokens.weight"));
        all.into_iter().find(embedding).unwrap_or(Self::Causal)
    }

    /// The stored name of one of `ModelParams::tensors()`.
    pub(super) fn stored(self, ours: &str) -> String {
        let bare = ours.strip_prefix("model.").unwrap_or(ours);
        match self {
            Self::Causal => ours.to_owned(),
            Self::Bare => bare.to_owned(),
            Self::Meta => match bare {
                "embed_tokens.weight" => "tok_embeddings.weight".to_owned(),
                "lm_head.weight" => "output.weight".to_owned(),
                _ => META.iter().fold(bare.to_owned(), |name, (ours, theirs)| name.replace(ours, theirs)),
            },
        }
    }

    /// Whether the rows of this tensor of ours are stored with rotary pairs side by side.
    pub(super) fn interleaved(self, ours: &str) -> bool {
        self == Self::Meta && (ours.ends_with("q_proj.weight") || ours.ends_with("k_proj.weight"))
    }

    /// Whether a stored tensor may be left unread: tables that are computed anew, and the written-out copy of a tied head.
    pub(super) fn ignorable(self, stored: &str, tied: bool) -> bool {
        let table = stored.ends_with(".rotary_emb.inv_freq") || stored == "rope.freqs";
        table || (tied && stored == self.stored("lm_head.weight"))
    }
}

/// Reorders the rows of each head from pairs side by side (0, 1), (2, 3), … to halves: first of each pair, then second.
pub(super) fn to_rotate_half(values: &mut [f32], head_dim: usize, width: usize) {
    let mut head = vec![0.0f32; head_dim * width];
    for rows in values.chunks_exact_mut(head_dim * width) {
        head.copy_from_slice(rows);
        for (from, row) in head.chunks_exact(width).enumerate() {
            let to = from % 2 * (head_dim / 2) + from / 2;
            rows[to * width..(to + 1) * width].copy_from_slice(row);
        }
    }
}
