//! Which part of the model a peer moved, in rows that a screen can show.
//!
//! In: the run's layout, a round's set. Out: per tensor how many coordinates the peer sent, and its share of the aggregate's
//! energy: its clipped contribution's sum of squares over everybody's. Norms are known from decoding, so it costs nothing.

use std::ops::Range;
use std::sync::Arc;

use ipc::{LayerMoved, MAX_LAYERS};
use sparseloco::{Layout, Submission, clip_factors};
use types::Uid;

/// What the peer sent of each tensor: top-k sends as many values of a chunk whatever they are. Shares are unknown.
pub fn sent(layout: &Layout) -> Vec<LayerMoved> {
    in_rows(layout, |_| None)
}

/// The same with shares, once the round's set is known; a peer that is not in the set has none of it.
pub fn with_shares(layout: &Layout, set: &[(Uid, Arc<Submission>)], own: Uid) -> Vec<LayerMoved> {
    let submissions: Vec<&Submission> = set.iter().map(|(_, submission)| submission.as_ref()).collect();
    let factors = clip_factors(layout, &submissions);
    let norms: Vec<Vec<f32>> = submissions.iter().map(|submission| submission.norms()).collect();
    let energy = |peer: usize, tensor: usize| {
        let norm = norms[peer].get(tensor).copied().unwrap_or_default();
        (f64::from(norm) * f64::from(factors[peer][tensor])).powi(2)
    };
    in_rows(layout, |tensors| {
        let sum = |peer: usize| tensors.clone().map(|tensor| energy(peer, tensor)).sum::<f64>();
        let all: f64 = (0..set.len()).map(sum).sum();
        let mine: f64 = set.iter().position(|(uid, _)| *uid == own).map_or(0.0, sum);
        Some(mine / all).filter(|share| share.is_finite())
    })
}

/// Coordinates of one submission.
pub fn coordinates(rows: &[LayerMoved]) -> u64 {
    rows.iter().map(|row| row.moved).sum()
}

/// One row a tensor, or as many neighbours a row as it takes to have at most [`MAX_LAYERS`].
fn in_rows(layout: &Layout, share: impl Fn(Range<usize>) -> Option<f64>) -> Vec<LayerMoved> {
    let tensors = layout.tensors();
    let size = tensors.len().div_ceil(MAX_LAYERS).max(1);
    let rows = tensors.chunks(size).enumerate().filter_map(|(row, group)| {
        let (first, last) = (&group.first()?.spec().name, &group.last()?.spec().name);
        Some(LayerMoved {
            name: if group.len() == 1 { first.clone() } else { format!("{first} … {last}") },
            moved: group.iter().map(|tensor| (tensor.chunk_count() * tensor.k()) as u64).sum(),
            of: group.iter().map(|tensor| tensor.element_count() as u64).sum(),
            share: share(row * size..row * size + group.len()),
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use types::manifest::ModelParams;

    use super::*;

    fn layout(model: &str) -> Layout {
        Layout::new(&ModelParams::preset(model).unwrap().tensors(), &crate::rehearse::sparseloco_params()).unwrap()
    }

    #[test]
    fn rows_cover_every_parameter_once_and_fit_a_screen() {
        for model in ["nano", "tiny", "covenant-72b"] {
            let layout = layout(model);
            let rows = sent(&layout);
            assert!(rows.len() <= MAX_LAYERS, "{model}: {} rows", rows.len());
            assert_eq!(rows.iter().map(|row| row.of).sum::<u64>(), layout.parameter_count() as u64, "{model}");
            assert!(rows.iter().all(|row| row.moved >= 1 && row.moved <= row.of && row.share.is_none()), "{model}");
            assert!(coordinates(&rows) < layout.parameter_count() as u64, "{model}");
        }
    }

    #[test]
    fn nobody_in_the_set_moved_nothing_and_shares_stay_unknown() {
        assert!(with_shares(&layout("nano"), &[], Uid(1)).iter().all(|row| row.share.is_none()));
    }
}
