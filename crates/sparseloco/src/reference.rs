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

/// The clipped values that were sent, per coordinate, in order of uid. `sent[peer][tensor]`.
pub fn gather(len: usize, sent: &[Vec<Vec<Sent>>], factors: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut values = vec![Vec::new(); len];
    for (tensors, factors) in sent.iter().zip(factors) {
        for (tensor, factor) in tensors.iter().zip(factors) {
            tensor.iter().for_each(|s| values[s.element].push(factor * s.value));
        }
    }
    values
}

/// Centered clipping of one tensor by its definition: dense vectors and one step from the clipped mean.
/// `tensor[peer]` is what each peer sent, `clip` its clip factors; gives Δ.
pub fn centered_clipping(len: usize, tensor: &[Vec<Sent>], clip: &[f32], radius_percent: u16) -> Vec<f64> {
    let dense = |sent: &Vec<Sent>| {
        let mut out = vec![0f64; len];
        sent.iter().for_each(|s| out[s.element] = f64::from(s.value));
        out
    };
    let vectors: Vec<Vec<f64>> = tensor.iter().map(dense).collect();
    let peers = vectors.len() as f64;
    let weighted = |j: usize| vectors.iter().zip(clip).map(|(v, f)| f64::from(*f) * v[j]).sum::<f64>() / peers;
    let center: Vec<f64> = (0..len).map(weighted).collect();
    let distance = |v: &Vec<f64>| v.iter().zip(&center).map(|(x, c)| (x - c) * (x - c)).sum::<f64>().sqrt();
    let distances: Vec<f64> = vectors.iter().map(distance).collect();
    let mut ordered = distances.clone();
    ordered.sort_by(f64::total_cmp);
    let radius = ordered[(ordered.len() - 1) / 2] * f64::from(radius_percent) / 100.0;
    let step = |j: usize| {
        let moves = vectors.iter().zip(&distances);
        moves.map(|(v, d)| (v[j] - center[j]) * (radius / (d + f64::from(CLIP_EPSILON))).min(1.0)).sum::<f64>() / peers
    };
    (0..len).map(|j| center[j] + step(j)).collect()
}

/// Δ of one coordinate from the clipped values that were sent for it. Centered clipping is Eq 2 with factors of its own.
pub fn update(rule: AggregationRule, values: &[f32], peers: usize) -> f32 {
    let (senders, peers) = (values.len().max(1) as f32, peers as f32);
    let sum = values.iter().fold(0.0, |sum, v| sum + v);
    let mut ordered = values.to_vec();
    ordered.sort_by(f32::total_cmp);
    let share = values.len() as f32 / peers;
    match rule {
        AggregationRule::MeanOverAll | AggregationRule::CenteredClipping { .. } => sum / peers,
        AggregationRule::MeanOverSenders => sum / senders,
        AggregationRule::InfluenceCapped => sum / senders.max(peers / senders),
        AggregationRule::TrimmedMean { percent } => {
            let cut = ordered.len() * usize::from(percent) / 100;
            let kept = &ordered[cut..ordered.len() - cut];
            kept.iter().fold(0.0, |sum, v| sum + v) / kept.len().max(1) as f32 * share
        }
        AggregationRule::CoordinateMedian { min_senders } => match ordered.len() {
            0 => 0.0,
            n if n < usize::from(min_senders) => 0.0,
            n if n % 2 == 1 => ordered[n / 2] * share,
            n => (ordered[n / 2 - 1] + ordered[n / 2]) * 0.5 * share,
        },
    }
}

/// θ ← θ − α·Δ in the order of operations that the fast path documents.
pub fn outer_step(theta: &mut [f32], rule: AggregationRule, values: &[Vec<f32>], peers: usize, alpha: f32) {
    for (t, values) in theta.iter_mut().zip(values) {
        *t -= match rule {
            AggregationRule::MeanOverAll => (alpha / peers as f32) * values.iter().fold(0.0, |sum, v| sum + v),
            _ => alpha * update(rule, values, peers),
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
        let values = gather(4, &sent, &factors);
        assert_eq!(values.iter().map(|v| update(rule, v, 2)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_other_rules_give_what_was_worked_out_by_hand() {
        let (one, two, three) = (&[8.0][..], &[8.0, -4.0][..], &[1.0, 100.0, 4.0][..]);
        let check = |rule, values: &[f32], expected: f32| assert_eq!(update(rule, values, 4), expected, "{rule:?}");
        let trimmed = AggregationRule::TrimmedMean { percent: 34 };
        let median = AggregationRule::CoordinateMedian { min_senders: 2 };
        // A lone value weighs a quarter or nothing; of three, the outlier goes.
        check(AggregationRule::InfluenceCapped, one, 2.0);
        check(AggregationRule::InfluenceCapped, two, 2.0);
        check(AggregationRule::InfluenceCapped, three, 35.0);
        check(trimmed, one, 2.0);
        check(trimmed, two, 1.0);
        check(trimmed, three, 3.0);
        check(median, one, 0.0);
        check(median, two, 1.0);
        check(median, three, 3.0);
        check(median, &[], 0.0);
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
