//! Energy in exact integers: samples go in, microjoules per quarter of an hour come out.
//!
//! In: energy counted or power sampled over a span of time. Out: slots of 15 minutes. A milliwatt for a millisecond is a microjoule,
//! so nothing is rounded; every offset of a time zone is a multiple of a quarter, so a slot lies in one hour and one day
//! everywhere.

use serde::{Deserialize, Serialize};

use crate::error::BookError;

/// A slot's length in milliseconds.
pub const SLOT_MS: u64 = 15 * 60 * 1000;
/// A sample that spans more is no sample: somebody was asleep.
const MAX_SAMPLE_MS: u64 = 24 * 60 * 60 * 1000;
/// 100 kW: more than any machine under a desk.
const MAX_MILLIWATTS: u64 = 100_000_000;
/// Microjoules in a kilowatt-hour.
pub(crate) const MICROJOULES_PER_KWH: u64 = 3_600_000_000_000;

/// How energy was learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnergySource {
    /// The device's own energy counter.
    Counter,
    /// Power samples times the time between them.
    PowerSamples,
}

/// An amount of energy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Energy {
    /// Microjoules.
    pub microjoules: u64,
}

impl Energy {
    /// Whole millijoules, rounded down.
    pub fn millijoules(self) -> u64 {
        self.microjoules / 1000
    }

    /// Kilowatt-hours with four decimals, rounded down.
    pub fn kwh(self) -> String {
        crate::amount::fixed(self.microjoules / (MICROJOULES_PER_KWH / 10_000), 4)
    }
}

/// Energy used in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnergySample {
    /// Begin, milliseconds since 1970.
    pub from_ms: u64,
    /// End.
    pub to_ms: u64,
    /// Energy.
    pub energy: Energy,
    /// How it was learnt.
    pub source: EnergySource,
}

/// A sample of `milliwatts` that held from `from_ms` to `to_ms`.
///
/// # Errors
/// [`BookError::Invalid`] for a span that is empty or longer than a day, and for more power than a house takes.
pub fn power_sample(from_ms: u64, to_ms: u64, milliwatts: u64) -> Result<EnergySample, BookError> {
    let length = to_ms.saturating_sub(from_ms);
    if milliwatts > MAX_MILLIWATTS {
        return Err(BookError::Invalid("more power than a machine can take"));
    }
    let energy = Energy { microjoules: milliwatts.saturating_mul(length) };
    let sample = EnergySample { from_ms, to_ms, energy, source: EnergySource::PowerSamples };
    sample.check()?;
    Ok(sample)
}

/// Energy of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SlotEnergy {
    /// Begin of the slot, milliseconds since 1970.
    pub start_ms: u64,
    /// Energy by the counter.
    pub counter: Energy,
    /// Energy by power samples.
    pub samples: Energy,
    /// Milliseconds of the slot for which there is a number.
    pub known_ms: u64,
}

impl SlotEnergy {
    /// All of it.
    pub fn energy(&self) -> Energy {
        Energy { microjoules: self.counter.microjoules.saturating_add(self.samples.microjoules) }
    }

    /// Holds for every slot that this program writes.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        // Together at most what 100 kW make of a day's sample falling into one slot.
        let limit = MAX_MILLIWATTS * MAX_SAMPLE_MS;
        let fits = |e: Energy| e.microjoules <= limit;
        if fits(self.counter) && fits(self.samples) && self.known_ms <= SLOT_MS {
            Ok(())
        } else {
            Err("more than fits into a quarter of an hour")
        }
    }
}

impl EnergySample {
    pub(crate) fn check(&self) -> Result<(), BookError> {
        let length = self.to_ms.checked_sub(self.from_ms).filter(|ms| (1..=MAX_SAMPLE_MS).contains(ms));
        match length {
            None => Err(BookError::Invalid("an energy sample must last between a millisecond and a day")),
            Some(ms) if self.energy.microjoules > MAX_MILLIWATTS * ms => {
                Err(BookError::Invalid("more power than a machine can take"))
            }
            Some(_) if self.to_ms > i64::MAX as u64 => Err(BookError::Invalid("a time beyond the calendar")),
            Some(_) => Ok(()),
        }
    }

    /// The sample cut at the edges of slots; the parts sum exactly to the whole, and constant power stays constant.
    pub(crate) fn slots(&self) -> Vec<(u64, SlotEnergy)> {
        let length = u128::from(self.to_ms - self.from_ms);
        let until = |ms: u64| u128::from(self.energy.microjoules) * u128::from(ms - self.from_ms) / length;
        let mut out = Vec::new();
        let mut at = self.from_ms;
        while at < self.to_ms {
            let slot = at / SLOT_MS;
            let end = self.to_ms.min((slot + 1) * SLOT_MS);
            let energy = Energy { microjoules: (until(end) - until(at)) as u64 };
            let part = SlotEnergy { start_ms: slot * SLOT_MS, known_ms: end - at, ..SlotEnergy::default() };
            let part = match self.source {
                EnergySource::Counter => SlotEnergy { counter: energy, ..part },
                EnergySource::PowerSamples => SlotEnergy { samples: energy, ..part },
            };
            out.push((slot, part));
            at = end;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_hundred_watts_for_an_hour_are_a_fifth_of_a_kilowatt_hour() {
        let hour = power_sample(1_000, 3_601_000, 200_000).unwrap();
        assert_eq!(hour.energy.millijoules(), 720_000_000);
        assert_eq!(hour.energy.kwh(), "0.2000");
        assert_eq!(hour.slots().len(), 5);
    }

    #[test]
    fn senseless_samples_are_refused() {
        for (from, to, milliwatts) in [(5, 5, 1), (6, 5, 1), (0, MAX_SAMPLE_MS + 1, 1), (0, 1, u64::MAX)] {
            assert!(power_sample(from, to, milliwatts).is_err(), "{from} {to} {milliwatts}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_sample_sums_exactly(from in 0u64..4_000_000_000_000, length in 1u64..=MAX_SAMPLE_MS, mj in 0u64..1_000_000) {
            let energy = Energy { microjoules: mj };
            let sample = EnergySample { from_ms: from, to_ms: from + length, energy, source: EnergySource::Counter };
            let slots = sample.slots();
            prop_assert_eq!(slots.iter().map(|(_, s)| s.counter.microjoules).sum::<u64>(), mj);
            prop_assert_eq!(slots.iter().map(|(_, s)| s.known_ms).sum::<u64>(), length);
            prop_assert!(slots.windows(2).all(|w| w[0].0 + 1 == w[1].0));
            prop_assert!(slots.iter().all(|(_, s)| s.check().is_ok()));
        }
    }
}
