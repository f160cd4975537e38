//! The loss against a slow, obvious forward pass in f64 that shares no code with the engine.

use std::collections::HashMap;

use engine::{Engine, TokenBatch};
use types::manifest::ModelParams;

use crate::{batch, f32_engine, model, theta, train};

type Row = Vec<f64>;

struct Naive<'a> {
    model: &'a ModelParams,
    weights: HashMap<String, Vec<Row>>,
}

impl<'a> Naive<'a> {
    fn new(model: &'a ModelParams, theta: &[f32]) -> Self {
        let mut weights = HashMap::new();
        let mut rest = theta;
        for tensor in model.tensors() {
            let (own, after) = rest.split_at(tensor.len());
            rest = after;
            let width = *tensor.shape.last().unwrap();
            let rows = own.chunks(width).map(|row| row.iter().map(|x| f64::from(*x)).collect()).collect();
            weights.insert(tensor.name, rows);
        }
        Self { model, weights }
    }

    fn times(&self, name: &str, x: &Row) -> Row {
        self.weights[name].iter().map(|row| dot(row, x)).collect()
    }

    fn norm(&self, name: &str, x: &Row) -> Row {
        let mean_square = dot(x, x) / x.len() as f64;
        let scale = 1.0 / (mean_square + self.model.norm_eps).sqrt();
        x.iter().zip(&self.weights[name][0]).map(|(x, w)| x * scale * w).collect()
    }

    /// Rotate-half convention: element i pairs with element i + head_dim / 2.
    fn rotate(&self, head: &[f64], position: usize) -> Row {
        let half = head.len() / 2;
        let mut out = vec![0.0; head.len()];
        for i in 0..half {
            let angle = position as f64 / self.model.rope_theta.powf(2.0 * i as f64 / head.len() as f64);
            out[i] = head[i] * angle.cos() - head[i + half] * angle.sin();
            out[i + half] = head[i + half] * angle.cos() + head[i] * angle.sin();
        }
        out
    }

    fn block(&self, layer: usize, xs: &mut [Row]) {
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        let (dim, group) = (self.model.head_dim, self.model.heads / self.model.kv_heads);
        let heads = |part: &str, turned: bool| -> Vec<Vec<Row>> {
            let project = |(position, x): (usize, &Row)| {
                let all = self.times(&name(part), &self.norm(&name("input_layernorm"), x));
                all.chunks(dim).map(|h| if turned { self.rotate(h, position) } else { h.to_vec() }).collect()
            };
            xs.iter().enumerate().map(project).collect()
        };
        let (q, k) = (heads("self_attn.q_proj", true), heads("self_attn.k_proj", true));
        let v = heads("self_attn.v_proj", false);
        for (t, x) in xs.iter_mut().enumerate() {
            let mut attended = Row::new();
            for (h, query) in q[t].iter().enumerate() {
                let scores: Row = (0..=t).map(|s| dot(query, &k[s][h / group]) / (dim as f64).sqrt()).collect();
                let most = scores.iter().copied().fold(f64::MIN, f64::max);
                let weights: Row = scores.iter().map(|s| (s - most).exp()).collect();
                let total: f64 = weights.iter().sum();
                attended
                    .extend((0..dim).map(|i| (0..=t).map(|s| weights[s] / total * v[s][h / group][i]).sum::<f64>()));
            }
            add(x, &self.times(&name("self_attn.o_proj"), &attended));
            let h = self.norm(&name("post_attention_layernorm"), x);
            let (gate, up) = (self.times(&name("mlp.gate_proj"), &h), self.times(&name("mlp.up_proj"), &h));
            let fed: Row = gate.iter().zip(&up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
            add(x, &self.times(&name("mlp.down_proj"), &fed));
        }
    }

    fn loss(&self, batch: &TokenBatch) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for row in batch.tokens.chunks(batch.length) {
            let embedding = &self.weights["model.embed_tokens.weight"];
            let mut xs: Vec<Row> = row.iter().map(|token| embedding[*token as usize].clone()).collect();
            (0..self.model.layers).for_each(|layer| self.block(layer, &mut xs));
            let head = if self.model.tied { "model.embed_tokens.weight" } else { "lm_head.weight" };
            for (x, next) in xs.iter().zip(&row[1..]) {
                let logits = self.times(head, &self.norm("model.norm.weight", x));
                let most = logits.iter().copied().fold(f64::MIN, f64::max);
                let log_sum = most + logits.iter().map(|l| (l - most).exp()).sum::<f64>().ln();
                sum += log_sum - logits[*next as usize];
                count += 1.0;
            }
        }
        sum / count
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(x: &mut Row, y: &Row) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

#[test]
fn losses_are_those_of_a_plain_llama() {
    for name in ["nano", "tiny"] {
        let model = model(name);
        let mut engine = f32_engine(name);
        // A few steps make attention patterns that matter.
        train(&mut engine, 0..5, 4, 3e-3);
        let got = engine.eval_loss(&batch(2, 3)).unwrap();
        let expected = Naive::new(&model, &theta(&engine)).loss(&batch(2, 3));
        assert!((got - expected).abs() < 2e-5, "{name}: {got} against {expected}");
    }
}
