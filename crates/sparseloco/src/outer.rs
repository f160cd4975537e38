//! Combining R submissions into one update, and taking the outer step.
//!
//! In: θ, checked submissions, α. Out: the next θ, bit for bit the same on every machine, for any number of threads and
//! any order of arrival: submissions are sorted by uid, every coordinate is summed in that order in f32 without fused
//! operations, and norms are added up unit by unit. It refuses the same uid twice. Who takes part was decided elsewhere.
//!
//! One chunk at a time: its R records are decoded into one 16 KiB accumulator, and sixteen neighbouring chunks are applied
//! together. Memory does not grow with R, but for the two rules that rank values: those hold one chunk's R·k values.

mod center;
mod rank;

use rayon::prelude::*;
use types::Uid;
use types::manifest::AggregationRule;

use crate::cpu::specialised;
use crate::layout::{Layout, MAX_CHUNK, STRIP, TensorLayout, Unit};
use crate::submission::{Records, Submission};

/// Added to a norm before dividing by it, as in the reference (protocol.md §3.8).
pub(crate) const CLIP_EPSILON: f32 = 1e-8;

/// Why no outer step was taken; θ is unchanged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OuterError {
    /// θ does not have one element per parameter.
    #[error("θ has {got} elements, the layout has {expected}")]
    Length {
        /// Its length.
        got: usize,
        /// The layout's parameter count.
        expected: usize,
    },
    /// Nothing to aggregate: the round is skipped instead.
    #[error("no submissions")]
    NoSubmissions,
    /// More than a uid can number.
    #[error("{0} submissions, more than there are uids")]
    TooMany(usize),
    /// The same peer twice.
    #[error("uid {0} occurs twice")]
    DuplicateUid(Uid),
    /// Decoded for another run.
    #[error("the submission of uid {0} has another layout")]
    Layout(Uid),
    /// α is NaN, infinite or negative.
    #[error("the outer learning rate is {0}")]
    Alpha(f32),
}

/// What an outer step did: the fingerprint by which divergence is found (protocol.md §3.8).
#[derive(Debug, Clone, PartialEq)]
pub struct OuterStats {
    /// L2 norm of the aggregated update Δ, before α.
    pub update_norm: f64,
    /// L2 norm of Δ per tensor, in layout order.
    pub tensor_norms: Vec<f64>,
    /// The rule that was used.
    pub rule: AggregationRule,
    /// R, submissions aggregated.
    pub submissions: usize,
    /// How many of the `submissions · tensors` contributions were clipped.
    pub clipped: usize,
    /// Coordinates of θ that an update reached.
    pub touched: u64,
    /// Tensors left alone because a contribution to them was not finite. Decoding bounds all values, so this is a last
    /// line of defence.
    pub skipped_tensors: Vec<usize>,
}

/// Clip factors `[submission][tensor]`: `min(1, m/(n + 1e-8))` with `m` the lower median of the norms `n` (protocol.md
/// §3.8). Large contributions are scaled down to the median, small ones are left as they are.
pub fn clip_factors(layout: &Layout, submissions: &[&Submission]) -> Vec<Vec<f32>> {
    let tensors = layout.tensors().len();
    let mut factors = vec![vec![1.0; tensors]; submissions.len()];
    let norm = |s: &Submission, tensor: usize| s.norms.get(tensor).copied().unwrap_or_default();
    let mut norms = Vec::with_capacity(submissions.len());
    for tensor in 0..tensors {
        norms.clear();
        norms.extend(submissions.iter().map(|s| norm(s, tensor)));
        norms.sort_unstable_by(f32::total_cmp);
        let Some(median) = norms.get(submissions.len().saturating_sub(1) / 2).copied() else { continue };
        for (row, s) in factors.iter_mut().zip(submissions) {
            row[tensor] = (median / (norm(s, tensor) + CLIP_EPSILON)).min(1.0);
        }
    }
    factors
}

/// Aggregates by the run's rule, clipped to the median norm, and steps: θ ← θ − α·Δ.
///
/// - [`AggregationRule::MeanOverAll`] (Eq 2): `θ_j ← θ_j − (α/R)·Σ_r f_r·v_rj`;
/// - [`AggregationRule::MeanOverSenders`] (reference code): `θ_j ← θ_j − α·(Σ_r f_r·v_rj / senders_j)`;
/// - [`AggregationRule::InfluenceCapped`]: the same with `max(senders_j, R/senders_j)` as divisor;
/// - [`AggregationRule::TrimmedMean`], [`AggregationRule::CoordinateMedian`]: `θ_j ← θ_j − α·(m_j·(senders_j/R))` with `m_j`
///   the trimmed mean (kept values summed in ascending order) or median of the `f_r·v_rj` that were sent;
/// - [`AggregationRule::CenteredClipping`]: as `MeanOverAll`, with `(1 − G)·f_r + g_r` for `f_r`:
///   `g_r = min(1, τ/(d_r + 1e-8))`, `G` their mean, `d_r` the distance from the clipped mean, τ the radius, per tensor.
///
/// With `f_r` from [`clip_factors`]. Every operation is a single f32 operation in the order written.
///
/// # Errors
/// [`OuterError`]; θ is then unchanged.
pub fn outer_step(
    theta: &mut [f32],
    layout: &Layout,
    submissions: &[(Uid, &Submission)],
    alpha: f32,
) -> Result<OuterStats, OuterError> {
    let sorted = check(theta.len(), layout, submissions, alpha)?;
    let mut factors = clip_factors(layout, &sorted);
    let clipped = factors.iter().flatten().filter(|f| **f < 1.0 - 1e-6).count();
    if let AggregationRule::CenteredClipping { radius_percent } = layout.params().aggregation {
        factors = center::factors(layout, &sorted, &factors, radius_percent);
    }
    let skipped_tensors: Vec<usize> = (0..layout.tensors().len())
        .filter(|t| sorted.iter().zip(&factors).any(|(s, f)| !(s.norms[*t] * f[*t]).is_finite()))
        .collect();
    let aggregate = Aggregate { layout, submissions: &sorted, factors: &factors, alpha };
    let units: Vec<UnitStats> = layout
        .split(theta)
        .into_par_iter()
        .enumerate()
        .map_init(Accumulator::new, |accumulator, (number, (unit, theta))| {
            if skipped_tensors.contains(&unit.tensor) {
                return UnitStats::default();
            }
            specialised(
                #[inline(always)]
                || aggregate.unit(accumulator, number, unit, theta),
            )
        })
        .collect();
    let divisor = match layout.params().aggregation {
        AggregationRule::MeanOverAll | AggregationRule::CenteredClipping { .. } => sorted.len() as f64,
        _ => 1.0,
    };
    let squares = |units: &[UnitStats]| units.iter().map(|u| u.squares).sum::<f64>();
    let norm = |t: &TensorLayout| squares(&units[t.first_unit..][..t.units]).sqrt() / divisor;
    Ok(OuterStats {
        update_norm: squares(&units).sqrt() / divisor,
        tensor_norms: layout.tensors().iter().map(norm).collect(),
        rule: layout.params().aggregation,
        submissions: sorted.len(),
        clipped,
        touched: units.iter().map(|u| u.touched).sum(),
        skipped_tensors,
    })
}

/// `out = theta − step·clip[tensor]·dequantised`: the parameters a validator probes a submission at (protocol.md §5.2).
///
/// # Panics
/// If `theta`, `out` and the layout, or `clip` and the layout's tensors, differ in length.
pub fn probe(theta: &[f32], out: &mut [f32], layout: &Layout, submission: &Submission, clip: &[f32], step: f32) {
    assert!(theta.len() == layout.parameter_count(), "θ has one element per parameter");
    assert!(out.len() == theta.len(), "the output is as long as θ");
    assert!(clip.len() == layout.tensors().len(), "one clip factor per tensor");
    out.copy_from_slice(theta);
    submission.add_scaled(out, |tensor| -(step * clip[tensor]));
}

/// Checks everything before θ is touched and gives the submissions in order of uid.
fn check<'a>(
    len: usize,
    layout: &Layout,
    submissions: &[(Uid, &'a Submission)],
    alpha: f32,
) -> Result<Vec<&'a Submission>, OuterError> {
    if len != layout.parameter_count() {
        return Err(OuterError::Length { got: len, expected: layout.parameter_count() });
    }
    if !alpha.is_finite() || alpha < 0.0 {
        return Err(OuterError::Alpha(alpha));
    }
    if submissions.is_empty() {
        return Err(OuterError::NoSubmissions);
    }
    let mut sorted: Vec<_> = submissions.to_vec();
    sorted.sort_by_key(|(uid, _)| *uid);
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(OuterError::DuplicateUid(pair[0].0));
    }
    if sorted.len() > usize::from(u16::MAX) {
        return Err(OuterError::TooMany(sorted.len()));
    }
    if let Some((uid, _)) = sorted.iter().find(|(_, s)| s.layout != *layout) {
        return Err(OuterError::Layout(*uid));
    }
    Ok(sorted.into_iter().map(|(_, s)| s).collect())
}

/// Σ Δ² (times R² where the division by R is part of the step) and reached coordinates of a unit.
#[derive(Default, Clone, Copy)]
struct UnitStats {
    squares: f64,
    touched: u64,
}

/// A thread's working memory: one strip of sums stays in the second-level cache. One chunk longer than a strip, so that
/// every chunk can be addressed as a full-size one, without bounds checks.
struct Accumulator {
    sums: Vec<f32>,
    senders: Box<[u16; MAX_CHUNK]>,
    /// A chunk's values by index, for rules that rank them.
    sent: Vec<(u16, f32)>,
}

impl Accumulator {
    fn new() -> Self {
        Self { sums: vec![0.0; (STRIP + 1) * MAX_CHUNK], senders: Box::new([0; MAX_CHUNK]), sent: Vec::new() }
    }
}

struct Aggregate<'a> {
    layout: &'a Layout,
    submissions: &'a [&'a Submission],
    factors: &'a [Vec<f32>],
    alpha: f32,
}

impl Aggregate<'_> {
    #[inline(always)]
    fn unit(&self, acc: &mut Accumulator, number: usize, unit: &Unit, theta: &mut [f32]) -> UnitStats {
        let tensor = &self.layout.tensors()[unit.tensor];
        let total = tensor.chunk_len();
        let rule = self.layout.params().aggregation;
        let mut readers: Vec<(Records<'_>, f32)> =
            self.submissions.iter().zip(self.factors).map(|(s, f)| (s.records(number), f[unit.tensor])).collect();
        let Accumulator { sums, senders, sent } = acc;
        let peers = self.submissions.len() as f32;
        let mut stats = UnitStats::default();
        let step = match rule {
            AggregationRule::MeanOverAll | AggregationRule::CenteredClipping { .. } => self.alpha / peers,
            _ => self.alpha,
        };
        let (band_len, strip_width) = (tensor.h * tensor.cols, STRIP * tensor.w);
        for theta in theta.chunks_exact_mut(band_len) {
            for col in (0..tensor.cols).step_by(strip_width) {
                let width = strip_width.min(tensor.cols - col);
                let chunks = width / tensor.w;
                for chunk in 0..chunks {
                    let Some(sums) = sums[chunk * total..].first_chunk_mut() else { continue };
                    match rule {
                        AggregationRule::MeanOverAll | AggregationRule::CenteredClipping { .. } => {
                            sum_chunk(&mut readers, sums, total);
                        }
                        AggregationRule::MeanOverSenders => mean_chunk(&mut readers, sums, senders, total, |s| s),
                        AggregationRule::InfluenceCapped => {
                            mean_chunk(&mut readers, sums, senders, total, |s| s.max(peers / s));
                        }
                        AggregationRule::TrimmedMean { percent } => {
                            rank::chunk(&mut readers, sent, sums, total, |v| {
                                rank::trimmed(v, percent) * rank::share(v, peers)
                            });
                        }
                        AggregationRule::CoordinateMedian { min_senders } => {
                            rank::chunk(&mut readers, sent, sums, total, |v| {
                                rank::median(v, min_senders) * rank::share(v, peers)
                            });
                        }
                    }
                    add_stats(&sums[..total], &mut stats);
                }
                apply(tensor, &mut theta[col..], step, &sums[..chunks * total]);
            }
        }
        stats
    }
}

/// `sums_j = Σ_r f_r·v_rj` over the first `total` elements; the rest stays as it is.
#[inline(always)]
fn sum_chunk(readers: &mut [(Records<'_>, f32)], sums: &mut [f32; MAX_CHUNK], total: usize) {
    sums[..total].fill(0.0);
    for (records, factor) in readers {
        let scale = |levels: [f32; 4]| levels.map(|level| *factor * level);
        records.each(
            scale,
            #[inline(always)]
            |levels, index, code| sums[index] += levels[code],
        );
    }
}

/// `sums_j = Σ_r f_r·v_rj / divisor(senders_j)` over the first `total` elements; nobody's coordinates count one sender.
#[inline(always)]
fn mean_chunk(
    readers: &mut [(Records<'_>, f32)],
    sums: &mut [f32; MAX_CHUNK],
    senders: &mut [u16; MAX_CHUNK],
    total: usize,
    divisor: impl Fn(f32) -> f32,
) {
    sums[..total].fill(0.0);
    senders[..total].fill(0);
    for (records, factor) in readers {
        let scale = |levels: [f32; 4]| levels.map(|level| *factor * level);
        records.each(
            scale,
            #[inline(always)]
            |levels, index, code| {
                sums[index] += levels[code];
                senders[index] += 1;
            },
        );
    }
    for (sum, senders) in sums[..total].iter_mut().zip(senders) {
        *sum /= divisor(f32::from((*senders).max(1)));
    }
}

/// `θ ← θ − step·update` for neighbouring chunks; `theta` begins at the first one's first element.
#[inline(always)]
fn apply(tensor: &TensorLayout, theta: &mut [f32], step: f32, updates: &[f32]) {
    let (w, total) = (tensor.w, tensor.chunk_len());
    for row in 0..tensor.h {
        let theta = theta[row * tensor.cols..].chunks_exact_mut(w);
        for (theta, update) in theta.zip(updates.chunks_exact(total)) {
            for (t, u) in theta.iter_mut().zip(&update[row * w..][..w]) {
                *t -= step * u;
            }
        }
    }
}

#[inline(always)]
fn add_stats(update: &[f32], stats: &mut UnitStats) {
    const LANES: usize = 32;
    let (mut squares, mut touched) = ([0f32; LANES], 0u32);
    let (blocks, tail) = update.as_chunks::<LANES>();
    for block in blocks {
        for (lane, u) in squares.iter_mut().zip(block) {
            *lane += u * u;
            touched += u32::from(*u != 0.0);
        }
    }
    for (lane, u) in squares.iter_mut().zip(tail) {
        *lane += u * u;
        touched += u32::from(*u != 0.0);
    }
    stats.squares += squares.iter().map(|s| f64::from(*s)).sum::<f64>();
    stats.touched += u64::from(touched);
}

#[cfg(test)]
mod tests {
    use types::manifest::{CodebookScope, IndexCoding};

    use super::*;
    use crate::fixture::{header, params, tensors};
    use crate::{HEADER_BYTES, compress_dense};

    #[test]
    fn a_tensor_with_a_contribution_that_is_not_finite_is_left_alone() {
        let params = params(CodebookScope::Chunk, IndexCoding::Rice);
        let layout = Layout::new(&tensors(&[&[64], &[64]]), &params).unwrap();
        let header = header(0);
        let draft = compress_dense(&layout, header, &[1.0; 128]).unwrap();
        let body = &draft.as_bytes()[HEADER_BYTES..];
        let checked = crate::decode::check_body(body, &layout).unwrap();
        let mut submission = checked.submission(header, &layout, body.to_vec(), 0..body.len());
        // No bytes decode to this: the norm is falsified to reach the last line of defence.
        submission.norms[1] = f32::NAN;
        let mut theta = vec![5.0; 128];
        let stats = outer_step(&mut theta, &layout, &[(Uid(0), &submission)], 1.0).unwrap();
        assert_eq!(stats.skipped_tensors, [1]);
        assert_eq!((&theta[..64], &theta[64..]), (&[4.0; 64][..], &[5.0; 64][..]));
        assert_eq!(stats.tensor_norms[1], 0.0);
    }
}
