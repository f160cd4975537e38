//! Inner AdamW, SparseLoCo compression and the outer step, as run parameters.
//!
//! In: numbers of the paper or the reference (protocol.md §2, §3). Out: validated parameters; the closed forms that
//! evaluate the schedules stand in `engine` (inner) and here (outer, a table look-up).

use serde::{Deserialize, Serialize};

use super::{ManifestError, check, check_range};
use crate::Round;

/// Inner optimizer (protocol.md §2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerParams {
    /// H, inner steps per round.
    pub steps: u32,
    /// Sequences per inner step and peer.
    pub batch_sequences: u32,
    /// AdamW first-moment decay.
    pub beta1: f64,
    /// AdamW second-moment decay.
    pub beta2: f64,
    /// AdamW epsilon.
    pub eps: f64,
    /// Decoupled weight decay, applied to all parameters as in the reference.
    pub weight_decay: f64,
    /// Gradient norm above which gradients are scaled down.
    pub clip_norm: f64,
    /// Learning rate over the run.
    pub schedule: InnerSchedule,
}

/// Inner learning rate as a function of the inner step (protocol.md §2.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerSchedule {
    /// Peak learning rate.
    pub peak: f64,
    /// Linear warm-up steps.
    pub warmup_steps: u64,
    /// Length of the cosine after warm-up.
    pub cosine_steps: u64,
    /// The cosine ends at `floor_fraction * peak`.
    pub floor_fraction: f64,
    /// Steps during which the cosine stands still.
    pub flat: Option<FlatWindow>,
    /// Warm-up and rapid decay at the end.
    pub anneal: Option<AnnealSchedule>,
    /// Steps over which the rate is ramped up after a checkpoint load; 0 for none.
    pub restart_warmup_steps: u64,
}

/// A stretch in which the scheduler does not advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlatWindow {
    /// First inner step of the stretch.
    pub start: u64,
    /// Its length in inner steps.
    pub steps: u64,
}

/// The anneal phase (protocol.md §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnealSchedule {
    /// Inner step at which the anneal begins.
    pub start: u64,
    /// Linear warm-up steps.
    pub warmup_steps: u64,
    /// Peak as a fraction of the schedule's peak.
    pub peak_fraction: f64,
    /// Linear decay to zero.
    pub decay_steps: u64,
}

/// SparseLoCo (protocol.md §3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparseLocoParams {
    /// Values kept per chunk; even.
    pub k: u16,
    /// Largest edge of a two-dimensional chunk: 64, hence 4096 values.
    pub chunk_edge: u16,
    /// Largest chunk of a one-dimensional tensor: 64 (reference code) or 4096 (paper).
    pub chunk_1d: u16,
    /// What shares one codebook.
    pub codebook: CodebookScope,
    /// How indices are coded.
    pub indices: IndexCoding,
    /// β, decay of the error feedback.
    pub ef_decay: f32,
    /// How submissions are combined.
    pub aggregation: AggregationRule,
    /// α over the rounds.
    pub outer: OuterSchedule,
}

/// Scope of a 2-bit codebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodebookScope {
    /// One mean-shifted 4-bin codebook per tensor, as in the reference code (protocol.md §3.6).
    Tensor,
    /// Two magnitudes per chunk and a sign bit (performance.md §1).
    Chunk,
}

/// Coding of the chosen indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexCoding {
    /// Sorted gaps, Rice-coded.
    Rice,
    /// 12 bits each, as in the reference code.
    Packed12,
}

/// How R submissions become one update (protocol.md §3.8).
///
/// All rules first clip each submission's tensors to the median norm. `v` are a coordinate's clipped values, `s` how many
/// peers sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AggregationRule {
    /// Eq 2 of the paper: the sum divided by R.
    MeanOverAll,
    /// Reference code: each coordinate is the mean over the peers that sent it.
    MeanOverSenders,
    /// Σv / max(s, R/s): a lone index weighs 1/R, as under [`Self::MeanOverAll`]; where peers agree, the weight grows with
    /// their number until it is that of [`Self::MeanOverSenders`], from s = √R on.
    InfluenceCapped,
    /// s/R times the mean of `v` without its `⌊s · percent / 100⌋` largest and as many smallest (Yin et al. 2018).
    TrimmedMean {
        /// Share cut off at each end; below 50.
        percent: u8,
    },
    /// s/R times the median of `v`, of an even number the mean of the middle two; nothing where s < `min_senders`.
    CoordinateMedian {
        /// Peers that must have sent a coordinate for it to move.
        min_senders: u16,
    },
    /// One step of centered clipping (Karimireddy et al. 2021) per tensor, from the clipped mean of Eq 2: each submission's
    /// distance from it is clipped to `radius_percent` of the lower median of the distances.
    CenteredClipping {
        /// Radius as a percentage of the median distance.
        radius_percent: u16,
    },
}

impl AggregationRule {
    fn validate(self) -> Result<(), ManifestError> {
        match self {
            Self::MeanOverAll | Self::MeanOverSenders | Self::InfluenceCapped => Ok(()),
            Self::TrimmedMean { percent } => {
                check("sparseloco.aggregation.percent", (1..50).contains(&percent), "must lie in 1..=49")
            }
            Self::CoordinateMedian { min_senders } => {
                check("sparseloco.aggregation.min_senders", min_senders >= 1, "must be at least 1")
            }
            Self::CenteredClipping { radius_percent } => check(
                "sparseloco.aggregation.radius_percent",
                (1..=1000).contains(&radius_percent),
                "must lie in 1..=1000",
            ),
        }
    }
}

/// α as a step function of the round: the last entry at or before the round counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OuterSchedule(pub Vec<(Round, f32)>);

impl OuterSchedule {
    /// The same α for ever.
    pub fn constant(alpha: f32) -> Self {
        Self(vec![(Round(0), alpha)])
    }

    /// α of a round.
    pub fn at(&self, round: Round) -> f32 {
        self.0.iter().take_while(|(from, _)| *from <= round).last().map_or(0.0, |(_, alpha)| *alpha)
    }
}

impl InnerParams {
    pub(super) fn validate(&self) -> Result<(), ManifestError> {
        check("inner.steps", (1..=100_000).contains(&self.steps), "must lie in 1..=100000")?;
        check("inner.batch_sequences", (1..=65_536).contains(&self.batch_sequences), "must lie in 1..=65536")?;
        check_range("inner.beta1", self.beta1, 0.0, 0.999_999)?;
        check_range("inner.beta2", self.beta2, 0.0, 0.999_999)?;
        check_range("inner.eps", self.eps, 1e-16, 1e-2)?;
        check_range("inner.weight_decay", self.weight_decay, 0.0, 10.0)?;
        check_range("inner.clip_norm", self.clip_norm, 1e-6, 1e6)?;
        check_range("inner.schedule.peak", self.schedule.peak, 0.0, 1.0)?;
        check_range("inner.schedule.floor_fraction", self.schedule.floor_fraction, 0.0, 1.0)?;
        check("inner.schedule.cosine_steps", self.schedule.cosine_steps > 0, "must be at least 1")?;
        if let Some(anneal) = self.schedule.anneal {
            check_range("inner.schedule.anneal.peak_fraction", anneal.peak_fraction, 0.0, 1.0)?;
            check("inner.schedule.anneal.decay_steps", anneal.decay_steps > 0, "must be at least 1")?;
        }
        Ok(())
    }
}

impl SparseLocoParams {
    pub(super) fn validate(&self) -> Result<(), ManifestError> {
        check(
            "sparseloco.k",
            (2..=4096).contains(&self.k) && self.k.is_multiple_of(2),
            "must be even and lie in 2..=4096",
        )?;
        check("sparseloco.chunk_edge", (1..=64).contains(&self.chunk_edge), "must lie in 1..=64")?;
        check("sparseloco.chunk_1d", (1..=4096).contains(&self.chunk_1d), "must lie in 1..=4096")?;
        check_range("sparseloco.ef_decay", f64::from(self.ef_decay), 0.0, 1.0)?;
        self.aggregation.validate()?;
        let OuterSchedule(steps) = &self.outer;
        check(
            "sparseloco.outer",
            steps.first().is_some_and(|(from, _)| *from == Round(0)) && steps.len() <= 1024,
            "must start at round 0 and have at most 1024 entries",
        )?;
        check("sparseloco.outer", steps.windows(2).all(|w| w[0].0 < w[1].0), "rounds must ascend")?;
        for (_, alpha) in steps {
            check_range("sparseloco.outer", f64::from(*alpha), 0.0, 100.0)?;
        }
        Ok(())
    }
}
