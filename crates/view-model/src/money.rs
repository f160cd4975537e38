//! What was earned, as the window shows it. Amounts are rao of the run's unit; what is not known is `None`.

use crate::app_snapshot::Told;
use serde::{Deserialize, Serialize};
use types::{Rao, Round};

/// The Earnings screen.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EarningsView {
    /// What is paid in.
    pub unit: Unit,
    /// Said before any Start if the run pays nothing, and why.
    pub banner: Option<Told>,
    /// Since local midnight.
    pub today: Option<Rao>,
    /// In seven days.
    pub week: Option<Rao>,
    /// Ever.
    pub total: Option<Rao>,
    /// Paid but not final.
    pub pending: Option<Rao>,
    /// Final.
    pub confirmed: Option<Rao>,
    /// When pending becomes confirmed.
    pub pending_until: Option<Told>,
    /// Days, oldest first, at most 60.
    pub days: Vec<DayBar>,
    /// Rounds, newest first, at most 500.
    pub rounds: Vec<RoundPay>,
    /// Energy and its price.
    pub energy: EnergyView,
    /// The log of receipts.
    pub receipts: ReceiptsView,
    /// Where the last CSV was written.
    pub csv_saved: Option<String>,
}

/// What is paid in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "unit", rename_all = "snake_case")]
pub enum Unit {
    /// Rehearsal credits: no value.
    #[default]
    Credits,
    /// A chain's token, by its symbol.
    Token {
        /// `TAO`, `alpha`, ….
        symbol: String,
    },
}

/// A day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayBar {
    /// `2026-11-24`.
    pub day: String,
    /// Paid on it.
    pub paid: Rao,
    /// Expected, with its least and most.
    pub expected: Option<(Rao, Rao, Rao)>,
}

/// A round and what it brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundPay {
    /// The round.
    pub round: Round,
    /// The validator's score.
    pub score: Option<f64>,
    /// Share of the emission, 0 to 1.
    pub weight: Option<f64>,
    /// Paid.
    pub reward: Rao,
    /// In this block.
    pub block: Option<u64>,
    /// Whose word that is.
    pub mark: Mark,
}

/// Whose word a figure is; the text is `mark-<code>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Measured here.
    Measured,
    /// A validator's.
    Reported,
    /// On chain.
    OnChain,
    /// Computed from others.
    Estimate,
}

/// Energy and its price.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EnergyView {
    /// Kilowatt hours since local midnight.
    pub kwh_today: Option<f64>,
    /// By the card's counter; else power over time, or nobody knows.
    pub by_counter: Option<bool>,
    /// Joules per token in accepted rounds.
    pub joules_per_token: Option<f64>,
    /// Price of a kilowatt hour now, written out with its currency.
    pub price: Option<String>,
    /// Cost since midnight, written out.
    pub cost_today: Option<String>,
    /// What is left after it, written out.
    pub net_today: Option<String>,
}

/// The log of receipts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReceiptsView {
    /// Receipts there are.
    pub count: u64,
    /// The newest, as text.
    pub newest: Option<String>,
    /// What the last check found.
    pub verified: Option<Verified>,
}

/// What a check of the receipts found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Verified {
    /// All agree.
    Good {
        /// So many.
        receipts: u64,
    },
    /// One does not, in words with its field.
    Bad {
        /// What.
        fault: String,
    },
}
