//! Centered clipping, expressed as factors of the submissions.
//!
//! In: submissions in order of uid and their clip factors `f`. Out: factors `h` such that `(1/R)·Σ_r h_r·x_r` is one step of
//! centered clipping. With centre `c = (1/R)·Σ f_r·x_r`, distances `d_r = ‖x_r − c‖` per tensor, radius `τ` and
//! `g_r = min(1, τ/(d_r + 1e-8))`, the step `c + (1/R)·Σ g_r·(x_r − c)` is linear in the submissions:
//! `h_r = (1 − G)·f_r + g_r` with `G = (1/R)·Σ g_r`. Distances are summed in f64, chunk after chunk and unit after unit.

use rayon::prelude::*;

use crate::layout::{Layout, MAX_CHUNK};
use crate::outer::CLIP_EPSILON;
use crate::submission::{Records, Submission};

/// `[submission][tensor]`, as [`crate::clip_factors`].
pub(super) fn factors(
    layout: &Layout,
    submissions: &[&Submission],
    clip: &[Vec<f32>],
    radius_percent: u16,
) -> Vec<Vec<f32>> {
    let units: Vec<Vec<f64>> = (0..layout.units().len())
        .into_par_iter()
        .map(|unit| squared_distances(layout, submissions, clip, unit))
        .collect();
    let peers = submissions.len() as f32;
    let mut factors = clip.to_vec();
    for (number, tensor) in layout.tensors().iter().enumerate() {
        let distances: Vec<f32> = (0..submissions.len())
            .map(|r| {
                units[tensor.first_unit..][..tensor.units].iter().map(|d| d[r]).sum::<f64>().max(0.0).sqrt() as f32
            })
            .collect();
        let mut ordered = distances.clone();
        ordered.sort_unstable_by(f32::total_cmp);
        let Some(median) = ordered.get(submissions.len().saturating_sub(1) / 2) else { continue };
        let radius = median * (f32::from(radius_percent) / 100.0);
        let weights: Vec<f32> = distances.iter().map(|d| (radius / (d + CLIP_EPSILON)).min(1.0)).collect();
        let mean = weights.iter().fold(0.0, |sum, g| sum + g) / peers;
        for (row, g) in factors.iter_mut().zip(weights) {
            row[number] = (1.0 - mean) * row[number] + g;
        }
    }
    factors
}

/// `Σ_j (x_rj − c_j)²` of one unit, for each submission.
fn squared_distances(layout: &Layout, submissions: &[&Submission], clip: &[Vec<f32>], number: usize) -> Vec<f64> {
    let unit = &layout.units()[number];
    let tensor = &layout.tensors()[unit.tensor];
    let mut readers: Vec<(Records<'_>, f32)> =
        submissions.iter().zip(clip).map(|(s, f)| (s.records(number), f[unit.tensor])).collect();
    let mut distances = vec![0.0; submissions.len()];
    let mut center = Box::new([0f32; MAX_CHUNK]);
    for _ in 0..unit.bands * tensor.chunks_per_band {
        let mut again: Vec<Records<'_>> = readers.iter().map(|(records, _)| records.clone()).collect();
        super::sum_chunk(&mut readers, &mut center, tensor.chunk_len());
        center.iter_mut().for_each(|c| *c /= submissions.len() as f32);
        let square = |v: f32| f64::from(v) * f64::from(v);
        let whole: f64 = center[..tensor.chunk_len()].iter().map(|c| square(*c)).sum();
        for (records, distance) in again.iter_mut().zip(&mut distances) {
            let mut sum = whole;
            records.each(
                |levels| levels,
                |levels, index, code| sum += square(levels[code] - center[index]) - square(center[index]),
            );
            *distance += sum;
        }
    }
    distances
}
