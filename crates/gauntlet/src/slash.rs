//! The slashing table (protocol.md §5.2): what each lapse does to a peer's score, average and record.
//!
//! In: a lapse. Out: its factor and reach. When a row applies is decided in `state`; a factor never improves anything.

use serde::{Deserialize, Serialize};
use types::manifest::GauntletParams;

/// A positive score below this after a slash is 0.
pub const SCORE_FLOOR: f64 = 1e-4;

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "slash", rename_all = "snake_case")]
pub enum Slash {
    /// Drawn for evaluation, but there was no submission. Ranked last.
    MissingWhenEvaluated,
    /// Refused by a check: format, signature, header, root, norm, its own old update. Ranked last if drawn.
    InvalidSubmission,
    /// In the gather list and not there, the n-th time running.
    GatherMiss {
        /// n, from 1.
        consecutive: u32,
    },
    /// Missed in a round in which fewer than 40 % of the gather list came.
    LowSuccessRate,
    /// In the gather list and missing in at least half of the last 8 rounds: naughty list.
    MissedHalf,
    /// In the gather list and too many steps behind.
    Desynced,
    /// More than half of the last 8 evaluations were negative.
    MostlyNegative,
    /// So many negative evaluations running that the peer is out of the gather list until a positive one.
    ExcludedForNegatives,
    /// Nothing committed for three rounds.
    Inactive,
    /// Inactive for more than three rounds.
    InactiveTooLong,
    /// Indices suspiciously like an earlier committer's.
    OverlapHigh,
    /// Indices far too much like an earlier committer's.
    OverlapMax,
    /// A copy of an earlier committer's update: naughty list.
    OverlapMega,
    /// On the naughty list.
    Naughty,
    /// The uid belongs to another hotkey now.
    HotkeyChanged,
}

impl Slash {
    /// What the score is multiplied by.
    pub fn factor(self, params: &GauntletParams) -> f64 {
        match self {
            Self::MissingWhenEvaluated | Self::Desynced | Self::GatherMiss { consecutive: 0 | 1 } => {
                params.missing_slash
            }
            Self::Inactive => 0.75,
            Self::GatherMiss { consecutive: 2 } | Self::OverlapHigh => 0.5,
            Self::MostlyNegative => 0.25,
            Self::ExcludedForNegatives => 1.0,
            Self::InvalidSubmission
            | Self::GatherMiss { .. }
            | Self::LowSuccessRate
            | Self::MissedHalf
            | Self::InactiveTooLong
            | Self::OverlapMax
            | Self::OverlapMega
            | Self::Naughty
            | Self::HotkeyChanged => 0.0,
        }
    }

    /// Whether the binary moving average is multiplied too.
    pub fn hits_bma(self) -> bool {
        matches!(
            self,
            Self::MissingWhenEvaluated
                | Self::GatherMiss { .. }
                | Self::LowSuccessRate
                | Self::Desynced
                | Self::MostlyNegative
                | Self::OverlapHigh
        )
    }

    /// Whether score, average, rating and histories start again from nothing.
    pub fn resets(self) -> bool {
        matches!(
            self,
            Self::MissedHalf
                | Self::InactiveTooLong
                | Self::OverlapMax
                | Self::OverlapMega
                | Self::Naughty
                | Self::HotkeyChanged
        )
    }

    /// Score and average after this slash, where it does not reset.
    pub fn apply(self, params: &GauntletParams, score: f64, bma: f64) -> (f64, f64) {
        let factor = self.factor(params);
        let lower = |value: f64| if value > 0.0 { value * factor } else { value };
        let score = lower(score);
        let score = if score > 0.0 && score < SCORE_FLOOR { 0.0 } else { score };
        (score, if self.hits_bma() { lower(bma) } else { bma })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_the_reference_factor_and_reach() {
        use Slash::*;
        let params = GauntletParams::default();
        let check = |slash: Slash, factor, bma, resets| {
            assert_eq!((slash.factor(&params), slash.hits_bma(), slash.resets()), (factor, bma, resets), "{slash:?}");
        };
        check(MissingWhenEvaluated, 0.75, true, false);
        check(InvalidSubmission, 0.0, false, false);
        check(GatherMiss { consecutive: 1 }, 0.75, true, false);
        check(GatherMiss { consecutive: 2 }, 0.5, true, false);
        check(GatherMiss { consecutive: 3 }, 0.0, true, false);
        check(GatherMiss { consecutive: 9 }, 0.0, true, false);
        check(LowSuccessRate, 0.0, true, false);
        check(MissedHalf, 0.0, false, true);
        check(Desynced, 0.75, true, false);
        check(MostlyNegative, 0.25, true, false);
        check(ExcludedForNegatives, 1.0, false, false);
        check(Inactive, 0.75, false, false);
        check(InactiveTooLong, 0.0, false, true);
        check(OverlapHigh, 0.5, true, false);
        check(OverlapMax, 0.0, false, true);
        check(OverlapMega, 0.0, false, true);
        check(Naughty, 0.0, false, true);
        check(HotkeyChanged, 0.0, false, true);
    }

    #[test]
    fn tiny_scores_become_nothing_and_negative_ones_stay() {
        let params = GauntletParams::default();
        assert_eq!(Slash::OverlapHigh.apply(&params, 1.9e-4, 0.4), (0.0, 0.2));
        assert_eq!(Slash::OverlapHigh.apply(&params, 2.1e-4, 0.4), (1.05e-4, 0.2));
        assert_eq!(Slash::Desynced.apply(&params, -2.0, -0.5), (-2.0, -0.5));
        assert_eq!(Slash::InvalidSubmission.apply(&params, 3.0, 0.5), (0.0, 0.5));
    }
}
