//! What electricity costs: several rates over the hours of the local week.
//!
//! In: a tariff as a person gave it (checked), energy per quarter of an hour. Out: cost in millionths of the currency's major unit,
//! rounded once per day. No currency is converted here.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::amount::Fiat;
use crate::days::{DayError, hour_of_week};
use crate::energy::{MICROJOULES_PER_KWH, SlotEnergy};

/// Hours of a week, from Monday midnight.
pub const HOURS_PER_WEEK: usize = 168;
/// A tariff with more rates than hours is none.
const MAX_RATES: usize = 24;
/// 1,000 of a major unit per kWh, for currencies with many zeros.
const MAX_MICROS: u64 = 1_000_000_000_000;

/// A currency and how people write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Currency {
    /// ISO 4217 code.
    pub code: String,
    /// Decimals of its minor unit: 2 for cents, 0 for yen.
    pub digits: u8,
}

/// One rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// What the bill calls it.
    pub name: String,
    /// Millionths of the major unit per kWh: 312,500 is 31.25 ct.
    pub micros_per_kwh: u64,
}

/// A tariff by hour of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// Its currency.
    pub currency: Currency,
    /// Its rates.
    pub rates: Vec<Rate>,
    /// The rate of each hour of the local week, from Monday midnight: an index into `rates`, 168 of them.
    pub hours: Vec<u8>,
}

/// Why a tariff is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TariffError {
    /// No ISO 4217 code, or more than six decimals.
    #[error("`{0}` is no currency")]
    Currency(String),
    /// No rate, or too many.
    #[error("a tariff has between 1 and 24 rates, got {0}")]
    Rates(usize),
    /// A price that no kWh has.
    #[error("rate `{0}` costs too much to be true")]
    Price(String),
    /// Not one known rate for each hour of the week.
    #[error("hour {0} of the week has no rate")]
    Hour(usize),
}

impl Tariff {
    /// One rate at all hours.
    pub fn flat(currency: Currency, micros_per_kwh: u64) -> Self {
        let rates = vec![Rate { name: "all hours".into(), micros_per_kwh }];
        Self { currency, rates, hours: vec![0; HOURS_PER_WEEK] }
    }

    /// Checks what a person gave.
    ///
    /// # Errors
    /// [`TariffError`].
    pub fn check(&self) -> Result<(), TariffError> {
        let code = &self.currency.code;
        if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()) || self.currency.digits > 6 {
            return Err(TariffError::Currency(code.chars().take(16).collect()));
        }
        if self.rates.is_empty() || self.rates.len() > MAX_RATES {
            return Err(TariffError::Rates(self.rates.len()));
        }
        if let Some(rate) = self.rates.iter().find(|rate| rate.micros_per_kwh > MAX_MICROS) {
            return Err(TariffError::Price(rate.name.chars().take(32).collect()));
        }
        let bad = (0..HOURS_PER_WEEK).find(|h| self.hours.get(*h).is_none_or(|r| usize::from(*r) >= self.rates.len()));
        match bad {
            Some(hour) => Err(TariffError::Hour(hour)),
            None if self.hours.len() > HOURS_PER_WEEK => Err(TariffError::Hour(HOURS_PER_WEEK)),
            None => Ok(()),
        }
    }

    /// What the slots cost together, rounded half up once. Slots that are out of the calendar are an error, not free.
    ///
    /// # Errors
    /// [`DayError`].
    pub fn cost(&self, slots: &[SlotEnergy], zone: &TimeZone) -> Result<Fiat, DayError> {
        let mut exact = 0u128;
        for slot in slots {
            let hour = hour_of_week(slot.start_ms, zone)?;
            let rate = self.hours.get(hour).and_then(|rate| self.rates.get(usize::from(*rate)));
            let micros = rate.map_or(0, |rate| rate.micros_per_kwh);
            exact = exact.saturating_add(u128::from(slot.energy().microjoules) * u128::from(micros));
        }
        let per_kwh = u128::from(MICROJOULES_PER_KWH);
        let micros = exact.saturating_add(per_kwh / 2) / per_kwh;
        Ok(Fiat(i64::try_from(micros).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::power_sample;

    fn euro() -> Currency {
        Currency { code: "EUR".into(), digits: 2 }
    }

    /// Day rate 8–20 h on working days, night rate else.
    fn two_rates() -> Tariff {
        let rate = |name: &str, micros_per_kwh| Rate { name: name.into(), micros_per_kwh };
        let hours = (0..HOURS_PER_WEEK).map(|h| u8::from(h / 24 >= 5 || !(8..20).contains(&(h % 24)))).collect();
        Tariff { currency: euro(), rates: vec![rate("day", 342_500), rate("night", 218_100)], hours }
    }

    fn slots(from: &str, to: &str, milliwatts: u64) -> Vec<SlotEnergy> {
        let ms = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond() as u64;
        power_sample(ms(from), ms(to), milliwatts).unwrap().slots().into_iter().map(|(_, slot)| slot).collect()
    }

    #[test]
    fn a_two_rate_tariff_gives_golden_totals() {
        let (tariff, zone) = (two_rates(), TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
        tariff.check().unwrap();
        // Tuesday in winter, 350 W all day: 12 h × 0.35 kW × 0.3425 + 12 h × 0.35 kW × 0.2181 = 1.4385 + 0.91602.
        let tuesday = slots("2026-11-23T23:00:00Z", "2026-11-24T23:00:00Z", 350_000);
        assert_eq!(tariff.cost(&tuesday, &zone).unwrap(), Fiat(2_354_520));
        // Sunday of 25 hours: all night rate, 25 h × 0.35 kW × 0.2181 = 1.908375.
        let sunday = [
            slots("2026-10-24T22:00:00Z", "2026-10-25T12:00:00Z", 350_000),
            slots("2026-10-25T12:00:00Z", "2026-10-25T23:00:00Z", 350_000),
        ]
        .concat();
        assert_eq!(tariff.cost(&sunday, &zone).unwrap(), Fiat(1_908_375));
        assert_eq!(tariff.cost(&sunday, &zone).unwrap().rounded(2), "1.91");
        // From 19:45 to 20:15 on a Tuesday: 0.0875 kWh at each rate = 0.02996875 + 0.01908375 = 0.0490525, half up.
        let edge = slots("2026-11-24T18:45:00Z", "2026-11-24T19:15:00Z", 350_000);
        assert_eq!(tariff.cost(&edge, &zone).unwrap(), Fiat(49_053));
    }

    #[test]
    fn a_tariff_with_a_hole_is_refused() {
        let mut tariff = two_rates();
        tariff.hours[100] = 2;
        assert_eq!(tariff.check(), Err(TariffError::Hour(100)));
        tariff.hours.truncate(100);
        assert_eq!(tariff.check(), Err(TariffError::Hour(100)));
        let currency = Currency { code: "eur".into(), digits: 2 };
        assert_eq!(Tariff::flat(currency, 1).check(), Err(TariffError::Currency("eur".into())));
        assert_eq!(Tariff { rates: Vec::new(), ..two_rates() }.check(), Err(TariffError::Rates(0)));
        assert_eq!(Tariff::flat(euro(), 312_500).check(), Ok(()));
    }
}
