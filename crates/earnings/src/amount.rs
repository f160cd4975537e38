//! Amounts, prices and what kind of number each of them is.
//!
//! In: integers in the smallest unit. Out: the same integers, exact decimal text, values rounded down once. It holds no floating
//! point number and invents no price: what is unknown is `None`.

use std::fmt;

use serde::{Deserialize, Serialize};
use types::{BlockNumber, Rao};

/// Most decimals an amount may be written with.
const MAX_DECIMALS: u8 = 18;
/// A millionth of a currency's major unit is the finest money.
const FIAT_DECIMALS: u8 = 6;

/// What kind of number a number is; shown beside it wherever it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Measured on this machine.
    Measured,
    /// Said by somebody else, a validator or a price feed.
    Reported,
    /// Read from the chain.
    OnChain,
    /// A share that was divided by rule: the chain does not say which round was paid for.
    Attributed,
    /// Worked out from the past; nobody owes it.
    Estimate,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Measured => "measured",
            Self::Reported => "reported",
            Self::OnChain => "on chain",
            Self::Attributed => "attributed",
            Self::Estimate => "estimate",
        })
    }
}

/// A value and what kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub mark: Mark,
}

impl<T> Labelled<T> {
    /// `value`, marked.
    pub fn new(value: T, mark: Mark) -> Self {
        Self { value, mark }
    }
}

/// What `per` of the reward's unit cost in the network's base unit: an exact fraction, so that a pool's two reserves and a
/// runtime's "rao per alpha" both fit without rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Base unit, in rao.
    pub rao: u64,
    /// That many rao of the reward's own unit; never 0.
    pub per: u64,
}

impl Price {
    /// The price of one whole unit (10^9 rao of it) in rao of the base unit.
    pub fn of_unit(rao: u64) -> Self {
        Self { rao, per: Rao::PER_CREDIT }
    }

    /// What `amount` is worth, rounded down. `None` if the price is no price or the worth does not fit.
    pub fn value(self, amount: Rao) -> Option<Rao> {
        let worth = (u128::from(amount.0) * u128::from(self.rao)).checked_div(u128::from(self.per))?;
        u64::try_from(worth).ok().map(Rao)
    }
}

/// Who said a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// The runtime's own price call at that block.
    RuntimeCall,
    /// The pool's reserves at that block.
    PoolReserves,
    /// A simulated swap of the whole amount: after slippage and fee.
    SimulatedSwap,
}

impl PriceSource {
    /// The word that stands in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::RuntimeCall => "runtime_call",
            Self::PoolReserves => "pool_reserves",
            Self::SimulatedSwap => "simulated_swap",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::RuntimeCall, Self::PoolReserves, Self::SimulatedSwap].into_iter().find(|s| s.word() == word)
    }
}

/// A price, who said it and at which block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceAt {
    /// The price.
    pub price: Price,
    /// Who said it.
    pub source: PriceSource,
    /// Block at which it held.
    pub block: BlockNumber,
}

/// Money in millionths of a currency's major unit; may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fiat(pub i64);

impl Fiat {
    /// Rounded to `digits` decimals (half away from zero), for people.
    pub fn rounded(self, digits: u8) -> String {
        let digits = digits.min(FIAT_DECIMALS);
        let step = 10u64.pow(u32::from(FIAT_DECIMALS - digits));
        let magnitude = self.0.unsigned_abs().saturating_add(step / 2) / step;
        let sign = if self.0 < 0 && magnitude > 0 { "-" } else { "" };
        format!("{sign}{}", fixed(magnitude, digits))
    }
}

impl fmt::Display for Fiat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", decimal(self.0.unsigned_abs(), FIAT_DECIMALS))
    }
}

/// What one whole base unit costs in a currency; only ever given by somebody, never fetched here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FiatRate {
    /// ISO 4217 code.
    pub currency: String,
    /// Millionths of the major unit for one whole base unit.
    pub micros_per_unit: u64,
    /// Who said it.
    pub source: String,
    /// When it held, milliseconds since 1970.
    pub at_ms: u64,
}

impl FiatRate {
    /// What an amount of base unit is worth, rounded down. `None` if it does not fit.
    pub fn value(&self, base: Rao) -> Option<Fiat> {
        let micros = u128::from(base.0) * u128::from(self.micros_per_unit) / u128::from(Rao::PER_CREDIT);
        i64::try_from(micros).ok().map(Fiat)
    }
}

/// Text that is no exact amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an amount with at most {decimals} decimals")]
pub struct AmountError {
    /// Decimals of the unit.
    pub decimals: u8,
}

/// `value` × 10^-`decimals`, exactly and without needless zeros: `1.05`, `0`, `12`.
pub fn decimal(value: u64, decimals: u8) -> String {
    let text = fixed(value, decimals.min(MAX_DECIMALS));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `value` × 10^-`decimals` with all its decimals: `1.050000000`.
pub(crate) fn fixed(value: u64, decimals: u8) -> String {
    if decimals == 0 {
        return value.to_string();
    }
    let width = usize::from(decimals);
    let digits = format!("{value:0>width$}", width = width + 1);
    let (whole, part) = digits.split_at(digits.len() - width);
    format!("{whole}.{part}")
}

/// Reads what [`decimal`] writes; more decimals than the unit has are refused, not rounded.
///
/// # Errors
/// [`AmountError`] for anything but digits with at most one point, and for amounts that do not fit.
pub fn parse_decimal(text: &str, decimals: u8) -> Result<u64, AmountError> {
    let error = AmountError { decimals };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let width = usize::from(decimals.min(MAX_DECIMALS));
    let bare_point = text.contains('.') && part.is_empty();
    if whole.is_empty() || whole.len() > 20 || part.len() > width || bare_point {
        return Err(error);
    }
    if !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(error);
    }
    format!("{whole}{part:0<width$}").parse().map_err(|_| error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal(1_050_000_000, 9), "1.05");
        assert_eq!(decimal(1, 9), "0.000000001");
        assert_eq!(decimal(0, 9), "0");
        assert_eq!(decimal(120, 0), "120");
        assert_eq!(decimal(u64::MAX, 9), "18446744073.709551615");
        for bad in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "0.0000000001", "18446744073.709551616", "1.2.3"] {
            assert_eq!(parse_decimal(bad, 9), Err(AmountError { decimals: 9 }), "{bad}");
        }
    }

    #[test]
    fn money_is_rounded_once_and_away_from_zero() {
        assert_eq!(Fiat(1_234_567).rounded(2), "1.23");
        assert_eq!(Fiat(1_235_000).rounded(2), "1.24");
        assert_eq!(Fiat(-1_235_000).rounded(2), "-1.24");
        assert_eq!(Fiat(-4_000).rounded(2), "0.00");
        assert_eq!(Fiat(-4_000).to_string(), "-0.004");
    }

    #[test]
    fn a_price_is_an_exact_fraction() {
        assert_eq!(Price::of_unit(250_000_000).value(Rao(3)), Some(Rao(0)));
        assert_eq!(Price { rao: 1, per: 3 }.value(Rao(10)), Some(Rao(3)));
        assert_eq!(Price { rao: 1, per: 0 }.value(Rao(10)), None);
        assert_eq!(Price { rao: u64::MAX, per: 1 }.value(Rao(2)), None);
    }

    proptest! {
        #[test]
        fn every_amount_survives_as_text(value: u64, decimals in 0u8..=18) {
            prop_assert_eq!(parse_decimal(&decimal(value, decimals), decimals), Ok(value));
        }
    }
}
