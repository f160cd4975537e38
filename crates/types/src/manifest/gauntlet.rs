//! Gauntlet's constants as run parameters; defaults are the reference's (protocol.md §5.2) unless said otherwise.
//!
//! In: numbers. Out: validated parameters. The rules that use them stand in `gauntlet`.

use serde::{Deserialize, Serialize};

use super::{ManifestError, check, check_range};

/// Validation parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GauntletParams {
    /// Peers evaluated per round.
    pub evaluations_per_round: u16,
    /// Largest gather list.
    pub gather_peers: u16,
    /// Probe step as a fraction of α (`eval_lr_factor`).
    pub probe_fraction: f32,
    /// Sequences per evaluation set (assigned, and random).
    pub eval_sequences: u16,
    /// Weight of the newest sign in the binary moving average.
    pub bma_alpha: f64,
    /// Below this BMA a peer's score is 0, once `bma_grace_rounds` have passed.
    pub bma_threshold: f64,
    /// Rounds before the BMA threshold bites.
    pub bma_grace_rounds: u64,
    /// Steps behind at which the sync check fails.
    pub sync_max_steps_behind: f64,
    /// A submission whose norm exceeds this multiple of the median norm is refused (Covey: the reference only clips).
    pub norm_reject_factor: f32,
    /// A submission whose LossScore is below this fraction of the round's median is refused (Covey).
    pub min_relative_gain: f64,
    /// Consecutive negative evaluations after which a peer leaves the gather list until a positive one.
    pub exclude_after_negatives: u32,
    /// Factor on the score of a peer whose submission is missing or desynced.
    pub missing_slash: f64,
    /// Rating.
    pub openskill: OpenSkillParams,
    /// Index overlap between peers.
    pub overlap: OverlapParams,
    /// From scores to weights.
    pub weights: WeightParams,
}

/// OpenSkill Plackett-Luce.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenSkillParams {
    /// Initial mean.
    pub mu: f64,
    /// Initial standard deviation.
    pub sigma: f64,
    /// Performance noise.
    pub beta: f64,
    /// Variance added before each match.
    pub tau: f64,
    /// Lower bound of the variance factor.
    pub kappa: f64,
    /// Standard deviations below the mean at which a peer is ranked and paid. The reference's 3 pays the unluckiest of a
    /// handful of equal peers nothing; it was made for dozens.
    pub ordinal_sigmas: f64,
}

/// Thresholds of the overlap check.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverlapParams {
    /// Score halved.
    pub high: f64,
    /// Score zeroed, history reset.
    pub max: f64,
    /// As `max`, and excluded for `naughty_rounds`.
    pub mega: f64,
    /// Rounds on the naughty list.
    pub naughty_rounds: u64,
    /// First round in which `high` and `max` apply: early in training honest peers agree much more than by chance.
    /// `mega` applies from round 0.
    pub from_round: u64,
}

/// From scores to weights (protocol.md §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightParams {
    /// Share of the weight that goes to nobody.
    pub burn_rate: f64,
    /// Peers in the first, linear part.
    pub gather: u16,
    /// Peers in the second, halving part.
    pub reserve: u16,
    /// Share of the first part.
    pub gather_share: f64,
    /// Pay in proportion to this power of the score, as the Gauntlet paper does (protocol.md §5.1; there 2), instead of by
    /// rank. By rank, a peer that is barely good earns half of what the best one earns.
    pub power: Option<f64>,
}

impl Default for GauntletParams {
    fn default() -> Self {
        Self {
            evaluations_per_round: 20,
            gather_peers: 20,
            probe_fraction: 0.2,
            eval_sequences: 8,
            bma_alpha: 0.05,
            bma_threshold: 0.10,
            bma_grace_rounds: 10,
            sync_max_steps_behind: 2.0,
            norm_reject_factor: 10.0,
            min_relative_gain: 0.25,
            exclude_after_negatives: 3,
            missing_slash: 0.75,
            openskill: OpenSkillParams {
                mu: 25.0,
                sigma: 25.0 / 3.0,
                beta: 7.0,
                tau: 0.1,
                kappa: 1e-4,
                ordinal_sigmas: 3.0,
            },
            overlap: OverlapParams { high: 0.4, max: 0.5, mega: 0.6, naughty_rounds: 20, from_round: 20 },
            weights: WeightParams { burn_rate: 0.5, gather: 20, reserve: 10, gather_share: 0.75, power: None },
        }
    }
}

impl GauntletParams {
    pub(super) fn validate(&self) -> Result<(), ManifestError> {
        check("gauntlet.gather_peers", (1..=256).contains(&self.gather_peers), "must lie in 1..=256")?;
        check(
            "gauntlet.evaluations_per_round",
            (1..=256).contains(&self.evaluations_per_round),
            "must lie in 1..=256",
        )?;
        check("gauntlet.eval_sequences", (1..=4096).contains(&self.eval_sequences), "must lie in 1..=4096")?;
        check_range("gauntlet.probe_fraction", f64::from(self.probe_fraction), 1e-6, 1.0)?;
        check_range("gauntlet.bma_alpha", self.bma_alpha, 1e-6, 1.0)?;
        check_range("gauntlet.bma_threshold", self.bma_threshold, -1.0, 1.0)?;
        check_range("gauntlet.sync_max_steps_behind", self.sync_max_steps_behind, 0.0, 3.0)?;
        check_range("gauntlet.norm_reject_factor", f64::from(self.norm_reject_factor), 1.0, 1e9)?;
        check_range("gauntlet.min_relative_gain", self.min_relative_gain, -1e9, 1.0)?;
        check("gauntlet.exclude_after_negatives", self.exclude_after_negatives > 0, "must be at least 1")?;
        check_range("gauntlet.missing_slash", self.missing_slash, 0.0, 1.0)?;
        let OpenSkillParams { mu, sigma, beta, tau, kappa, ordinal_sigmas } = self.openskill;
        check_range("gauntlet.openskill.mu", mu, -1e6, 1e6)?;
        check_range("gauntlet.openskill.sigma", sigma, 1e-6, 1e6)?;
        check_range("gauntlet.openskill.beta", beta, 1e-6, 1e6)?;
        check_range("gauntlet.openskill.tau", tau, 0.0, 1e6)?;
        check_range("gauntlet.openskill.kappa", kappa, 1e-12, 1.0)?;
        check_range("gauntlet.openskill.ordinal_sigmas", ordinal_sigmas, 0.0, 10.0)?;
        let OverlapParams { high, max, mega, .. } = self.overlap;
        check("gauntlet.overlap", 0.0 < high && high <= max && max <= mega, "must ascend: high, max, mega")?;
        check_range("gauntlet.overlap.mega", mega, 0.0, 1.0)?;
        check_range("gauntlet.weights.burn_rate", self.weights.burn_rate, 0.0, 1.0)?;
        check_range("gauntlet.weights.gather_share", self.weights.gather_share, 0.0, 1.0)?;
        check_range("gauntlet.weights.power", self.weights.power.unwrap_or(1.0), 0.0, 10.0)?;
        check("gauntlet.weights.gather", (1..=256).contains(&self.weights.gather), "must lie in 1..=256")?;
        check("gauntlet.weights.reserve", self.weights.reserve <= 256, "must be at most 256")
    }
}
