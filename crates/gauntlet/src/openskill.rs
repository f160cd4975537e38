//! OpenSkill's Plackett-Luce rating for one-player teams (Weng and Lin 2011, algorithm 4), as `openskill` 6.1.3 runs it.
//!
//! In: ratings and scores of one match, higher is better. Out: the ratings after it. Pure f64 in a fixed order.
//! Partial play, teams and margins are not here: a round is a match between single peers.

use serde::{Deserialize, Serialize};
use types::manifest::OpenSkillParams;

/// What is known of a peer's skill.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// Mean.
    pub mu: f64,
    /// Standard deviation.
    pub sigma: f64,
}

impl Rating {
    /// What the peer is at least worth: μ − 3σ; 0 for a fresh peer.
    pub fn ordinal(&self) -> f64 {
        self.conservative(3.0)
    }

    /// μ − `sigmas`·σ: what the peer is at least worth, the more surely the larger `sigmas`.
    pub fn conservative(&self, sigmas: f64) -> f64 {
        self.mu - sigmas * self.sigma
    }
}

/// What equal scores mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TieRule {
    /// `openskill` 6.1.3: every tied player is credited with the win of each of them, so that ties raise all means.
    OpenSkill,
    /// The paper: tied players share one win.
    Paper,
}

/// The model with its constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlackettLuce {
    mu: f64,
    sigma: f64,
    beta: f64,
    tau: f64,
    kappa: f64,
}

impl PlackettLuce {
    /// The model of a run.
    pub fn new(params: &OpenSkillParams) -> Self {
        let OpenSkillParams { mu, sigma, beta, tau, kappa, .. } = *params;
        Self { mu, sigma, beta, tau, kappa }
    }

    /// A fresh peer.
    pub fn rating(&self) -> Rating {
        Rating { mu: self.mu, sigma: self.sigma }
    }

    /// The ratings after a match, as `openskill` 6.1.3 gives them. Players without a score are left as they are.
    pub fn rate(&self, ratings: &[Rating], scores: &[f64]) -> Vec<Rating> {
        self.rate_with(ratings, scores, TieRule::OpenSkill)
    }

    /// As [`Self::rate`], under either tie rule. A match of fewer than two changes nothing but the variance.
    pub fn rate_with(&self, ratings: &[Rating], scores: &[f64], ties: TieRule) -> Vec<Rating> {
        let mut out = ratings.to_vec();
        let players = ratings.len().min(scores.len());
        let (ratings, scores) = (&ratings[..players], &scores[..players]);
        // Skill drifts between matches, so certainty is taken back a little before each.
        let variances: Vec<f64> = ratings.iter().map(|r| r.sigma * r.sigma + self.tau * self.tau).collect();
        let c = variances.iter().map(|v| v + self.beta * self.beta).sum::<f64>().sqrt();
        let strengths: Vec<f64> = ratings.iter().map(|r| (r.mu / c).exp()).collect();
        let at_or_below = |q: usize| (0..players).filter(move |i| scores[*i] <= scores[q]);
        let fields: Vec<f64> = (0..players).map(|q| at_or_below(q).map(|i| strengths[i]).sum()).collect();
        let tied: Vec<f64> = (0..players).map(|q| scores.iter().filter(|s| **s == scores[q]).count() as f64).collect();
        for i in 0..players {
            let (mut omega, mut delta) = (0.0, 0.0);
            for q in (0..players).filter(|q| scores[*q] >= scores[i]) {
                let chance = strengths[i] / fields[q];
                let wins = match ties {
                    TieRule::OpenSkill => scores[q] == scores[i],
                    TieRule::Paper => q == i,
                };
                let won = if wins { 1.0 - chance } else { -chance };
                omega += won / tied[q];
                delta += chance * (1.0 - chance) / tied[q];
            }
            let sigma = variances[i].sqrt();
            let shrink = (variances[i] / (c * c)) * (sigma / c) * delta;
            out[i].mu = ratings[i].mu + variances[i] / c * omega;
            out[i].sigma = sigma * (1.0 - shrink).max(self.kappa).sqrt();
        }
        out
    }
}

#[cfg(test)]
mod tests;
