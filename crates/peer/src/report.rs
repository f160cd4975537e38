//! A validator's report on one round: exactly one verdict per registered peer, with the numbers behind it.
//!
//! In: judgements. Out: canonical JSON that travels as a blob; its BLAKE3 stands on chain. Readers treat it as hostile:
//! bounded, checked against the round and validator it claims.

use serde::{Deserialize, Serialize};
use types::manifest::RunId;
use types::{Hash32, Hotkey, Round, Uid, Verdict};

/// 256 peers at about 500 bytes each, with room.
pub const MAX_REPORT_BYTES: u64 = 512 * 1024;

/// One peer's verdict and its numbers; what was not measured is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictEntry {
    /// The peer's slot.
    pub uid: Uid,
    /// The peer's key.
    pub hotkey: Hotkey,
    /// What became of its round.
    pub outcome: Verdict,
    /// Relative loss improvement on the assigned data.
    pub improvement_own: Option<f64>,
    /// Relative loss improvement on random data; what is ranked.
    pub improvement_random: Option<f64>,
    /// Final score after this round.
    pub score: f64,
    /// OpenSkill ordinal.
    pub ordinal: f64,
    /// Binary moving average.
    pub bma: f64,
    /// Sync score, 0 to 1.
    pub sync: f64,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// The round that was judged.
    pub round: Round,
    /// Who judged.
    pub validator: Hotkey,
    /// Parameters the round started from.
    pub theta: Hash32,
    /// Held-out loss at those parameters, nats per token.
    pub held_out_loss: f64,
    /// One entry per registered peer, ascending by uid.
    pub verdicts: Vec<VerdictEntry>,
    /// Who is aggregated from the next round on, ascending.
    pub gather: Vec<Uid>,
}

/// Why a report was not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Not the JSON of a report.
    #[error("the report does not read: {0}")]
    Syntax(String),
    /// It speaks of another run, round or validator than its record on chain.
    #[error("the report's {0} is not the one on chain")]
    Mismatch(&'static str),
    /// A uid stands twice or out of order.
    #[error("the report's verdicts are not one per uid, ascending")]
    Order,
}

impl Report {
    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain structs of numbers and strings: serialisation has no failing case.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a report and holds it against its record on chain.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn from_bytes(bytes: &[u8], run: RunId, round: Round, validator: Hotkey) -> Result<Self, ReportError> {
        let report: Self = serde_json::from_slice(bytes).map_err(|e| ReportError::Syntax(e.to_string()))?;
        let mismatch = [
            ("run", report.run != run),
            ("round", report.round != round),
            ("validator", report.validator != validator),
        ];
        if let Some((what, _)) = mismatch.into_iter().find(|(_, differs)| *differs) {
            return Err(ReportError::Mismatch(what));
        }
        if !report.verdicts.windows(2).all(|w| w[0].uid < w[1].uid) {
            return Err(ReportError::Order);
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let entry = |uid| VerdictEntry {
            uid: Uid(uid),
            hotkey: Hotkey([uid as u8; 32]),
            outcome: Verdict::Rejected(types::RejectReason::Copied),
            improvement_own: Some(0.25),
            improvement_random: None,
            score: 1.5,
            ordinal: 2.0,
            bma: 0.05,
            sync: 1.0,
        };
        Report {
            run: RunId(Hash32([1; 32])),
            round: Round(3),
            validator: Hotkey([9; 32]),
            theta: Hash32([2; 32]),
            held_out_loss: 2.5,
            verdicts: vec![entry(1), entry(2)],
            gather: vec![Uid(1)],
        }
    }

    fn read(report: &Report) -> Result<Report, ReportError> {
        Report::from_bytes(&report.to_bytes(), RunId(Hash32([1; 32])), Round(3), Hotkey([9; 32]))
    }

    #[test]
    fn a_report_survives_and_another_one_is_not_believed() {
        assert_eq!(read(&report()), Ok(report()));
        assert_eq!(read(&Report { round: Round(4), ..report() }), Err(ReportError::Mismatch("round")));
        assert_eq!(read(&Report { validator: Hotkey([8; 32]), ..report() }), Err(ReportError::Mismatch("validator")));
        let mut twice = report();
        twice.verdicts[1].uid = Uid(1);
        assert_eq!(read(&twice), Err(ReportError::Order));
    }

    #[test]
    fn the_words_are_frozen() {
        let text = String::from_utf8(report().to_bytes()).unwrap();
        assert!(text.contains(r#""outcome":{"verdict":"rejected","reason":"copied"}"#), "{text}");
        assert_eq!(Hash32::of(text.as_bytes()).short(), "ce052126", "{text}");
    }
}
