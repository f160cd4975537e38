//! The same algorithm in its plainest form: the yardstick of the fast path, and readable documentation of it.
//!
//! In: the buffers of [`crate::compress`] and lists of sent values. Out: the same bits, slowly. One chunk after the other, a
//! full sort for top-k, a dense update for aggregation. No bytes: the container has golden vectors instead.

use types::manifest::{AggregationRule, CodebookScope};

use crate::layout::{Layout, TensorLayout};
use crate::outer::CLIP_EPSILON;
use crate::quantise::{ChunkCodebook, TensorCodebook};

/// One value sent: where in the flat buffer, and the dequantised value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sent {
    /// Index in the flat buffer.
    pub element: usize,
    /// What the receivers add.
    pub value: f32,
}

/// Indices of the k largest magnitudes, ascending; of equal ones the lowest index.
pub fn top_k(values: &[f32], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b)));
    order.truncate(k);
    order.sort_unstable();
    order
}

/// Error feedback, top-k and quantisation of one round (protocol.md §3.1, Eq 1). Gives what is sent, per tensor, chunks in
/// order, and leaves the next error feedback behind.
pub fn compress(layout: &Layout, anchor: &[f32], local: &[f32], error_feedback: &mut [f32]) -> Vec<Vec<Sent>> {
    for ((e, a), l) in error_feedback.iter_mut().zip(anchor).zip(local) {
        *e = layout.params().ef_decay * *e + (a - l);
    }
    let sent: Vec<Vec<Sent>> = layout.tensors().iter().map(|t| compress_tensor(layout, t, error_feedback)).collect();
    for s in sent.iter().flatten() {
        error_feedback[s.element] -= s.value;
    }
    sent
}

fn compress_tensor(layout: &Layout, tensor: &TensorLayout, e: &[f32]) -> Vec<Sent> {
    let mut elements = Vec::new();
    for chunk in 0..tensor.chunk_count() {
        let values: Vec<f32> = (0..tensor.chunk_len()).map(|i| e[tensor.element(chunk, i)]).collect();
        elements.extend(top_k(&values, tensor.k()).into_iter().map(|i| tensor.element(chunk, i)));
    }
    let values: Vec<f32> = elements.iter().map(|i| e[*i]).collect();
    let quantised: Vec<f32> = match layout.params().codebook {
        CodebookScope::Tensor => {
            let book = TensorCodebook::fit([&values[..]].into_iter());
            values.iter().map(|v| book.levels()[usize::from(book.code(*v))]).collect()
        }
        CodebookScope::Chunk => values
            .chunks(tensor.k())
            .flat_map(|values| {
                let mut codes = vec![0; values.len()];
                let levels = ChunkCodebook::fit(values, &mut codes).levels();
                codes.into_iter().map(move |code| levels[usize::from(code)])
            })
            .collect(),
    };
    elements.into_iter().zip(quantised).map(|(element, value)| Sent { element, value }).collect()
}

/// Clip factors `[peer][tensor]` from norms `[peer][tensor]` (protocol.md §3.8).
pub fn clip_factors(norms: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let tensors = norms.first().map_or(0, Vec::len);
    let median = |tensor: usize| {
        let mut column: Vec<f32> = norms.iter().map(|row| row[tensor]).collect();
        column.sort_by(f32::total_cmp);
        column[(column.len() - 1) / 2]
    };
    let medians: Vec<f32> = (0..tensors).map(median).collect();
    norms.iter().map(|row| row.iter().zip(&medians).map(|(n, m)| (m / (n + CLIP_EPSILON)).min(1.0)).collect()).collect()
}

/// L2 norm of sent values.
pub fn norm(sent: &[Sent]) -> f32 {
    sent.iter().map(|s| f64::from(s.value) * f64::from(s.value)).sum::<f64>().sqrt() as f32
}

/// Σ over peers of the clipped values, and how many peers sent each coordinate. `sent[peer][tensor]`, in order of uid.
pub fn sum(len: usize, sent: &[Vec<Vec<Sent>>], factors: &[Vec<f32>]) -> (Vec<f32>, Vec<u16>) {
    let (mut sums, mut senders) = (vec![0f32; len], vec![0u16; len]);
    for (tensors, factors) in sent.iter().zip(factors) {
        for (values, factor) in tensors.iter().zip(factors) {
            for s in values {
                sums[s.element] += factor * s.value;
                senders[s.element] += 1;
            }
        }
    }
    (sums, senders)
}

/// The aggregated update Δ of sums over R peers.
pub fn aggregate(rule: AggregationRule, sums: &[f32], senders: &[u16], peers: usize) -> Vec<f32> {
    let mean = |(sum, senders): (&f32, &u16)| match rule {
        AggregationRule::MeanOverAll => sum / peers as f32,
        AggregationRule::MeanOverSenders => sum / f32::from((*senders).max(1)),
    };
    sums.iter().zip(senders).map(mean).collect()
}

/// θ ← θ − α·Δ in the order of operations that the fast path documents.
pub fn outer_step(theta: &mut [f32], rule: AggregationRule, sums: &[f32], senders: &[u16], peers: usize, alpha: f32) {
    for ((t, sum), senders) in theta.iter_mut().zip(sums).zip(senders) {
        *t -= match rule {
            AggregationRule::MeanOverAll => (alpha / peers as f32) * sum,
            AggregationRule::MeanOverSenders => alpha * (sum / f32::from((*senders).max(1))),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of protocol.md §11: peer 1 sends {0: 1, 1: 1}, peer 2 sends {1: 3, 2: 4}.
    fn check(rule: AggregationRule, clip: bool, expected: [f32; 4]) {
        let peer = |values: &[(usize, f32)]| {
            vec![values.iter().map(|(element, value)| Sent { element: *element, value: *value }).collect::<Vec<_>>()]
        };
        let sent = [peer(&[(0, 1.0), (1, 1.0)]), peer(&[(1, 3.0), (2, 4.0)])];
        let norms: Vec<Vec<f32>> = sent.iter().map(|tensors| tensors.iter().map(|t| norm(t)).collect()).collect();
        assert_eq!(norms, [[2f32.sqrt()], [5.0]]);
        let factors = if clip { clip_factors(&norms) } else { vec![vec![1.0]; 2] };
        let (sums, senders) = sum(4, &sent, &factors);
        assert_eq!(aggregate(rule, &sums, &senders, 2), expected);
    }

    #[test]
    fn both_rules_reproduce_the_conformance_vectors() {
        check(AggregationRule::MeanOverSenders, false, [1.0, 2.0, 4.0, 0.0]);
        check(AggregationRule::MeanOverSenders, true, [1.0, 0.924_264_1, 1.131_370_8, 0.0]);
        check(AggregationRule::MeanOverAll, false, [0.5, 2.0, 2.0, 0.0]);
    }

    #[test]
    fn top_k_takes_the_lowest_index_of_equals() {
        assert_eq!(top_k(&[1.0, -2.0, 2.0, 2.0, 0.0], 2), [1, 2]);
        assert_eq!(top_k(&[0.0; 5], 3), [0, 1, 2]);
    }
}
