//! Energy that a card drew between two samples.
//!
//! In: samples of one card. Out: slices in millijoules, each labelled with its source: the card's own counter, or power
//! times time where there is none. Gaps without a counter are left out rather than guessed.

use serde::{Deserialize, Serialize};

use crate::Sample;

/// Without a counter, samples further apart than this say nothing about the time between them.
const MAX_POWER_GAP_MS: u64 = 10_000;
/// More than any card draws (the largest take about 1.5 kW): a counter that claims more has jumped.
const MAX_POWER_MW: u64 = 5_000_000;

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnergySource {
    /// The card's energy counter.
    Counter,
    /// Power readings times the time between them: an estimate.
    PowerTime,
}

/// Energy drawn in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnergySlice {
    /// Its begin: milliseconds since 1970.
    pub from_ms: u64,
    /// Its end.
    pub to_ms: u64,
    /// Energy drawn.
    pub millijoules: u64,
    /// Where the figure comes from.
    pub source: EnergySource,
}

/// Measures one card.
#[derive(Debug, Clone, Default)]
pub struct EnergyMeter {
    last: Option<Reading>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    at_ms: u64,
    energy_mj: Option<u64>,
    power_mw: Option<u32>,
}

impl EnergyMeter {
    /// A meter that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the card's next sample; gives the energy since the one before. `None` for the first one, for one that is not
    /// newer, and where nothing can be said.
    pub fn observe(&mut self, sample: &Sample) -> Option<EnergySlice> {
        let now = Reading { at_ms: sample.at_ms, energy_mj: sample.energy_mj, power_mw: sample.power_mw };
        let before = self.last.replace(now)?;
        let gap_ms = now.at_ms.checked_sub(before.at_ms).filter(|gap| *gap > 0)?;
        let slice = |millijoules, source| EnergySlice { from_ms: before.at_ms, to_ms: now.at_ms, millijoules, source };
        if let Some(counted) = counted(before, now, gap_ms) {
            return Some(slice(counted, EnergySource::Counter));
        }
        if gap_ms > MAX_POWER_GAP_MS {
            return None;
        }
        let readings = u64::from(before.power_mw?) + u64::from(now.power_mw?);
        // Milliwatts times milliseconds are microjoules; the two readings' mean is the trapezoid's height.
        Some(slice(readings * gap_ms / 2000, EnergySource::PowerTime))
    }
}

/// What the counter says, unless it went back (the driver was loaded anew, or it wrapped) or jumped.
fn counted(before: Reading, now: Reading, gap_ms: u64) -> Option<u64> {
    let counted = now.energy_mj?.checked_sub(before.energy_mj?)?;
    (counted <= gap_ms.saturating_mul(MAX_POWER_MW) / 1000).then_some(counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CardId;

    fn sample(at_ms: u64, energy_mj: Option<u64>, power_mw: Option<u32>) -> Sample {
        Sample { energy_mj, power_mw, ..Sample::unknown(CardId::new("GPU-1"), at_ms) }
    }

    #[test]
    fn the_counter_is_used_where_there_is_one() {
        let mut meter = EnergyMeter::new();
        assert_eq!(meter.observe(&sample(1000, Some(5_000), Some(1))), None);
        let slice = meter.observe(&sample(3000, Some(705_000), Some(1))).unwrap();
        let expected = EnergySlice { from_ms: 1000, to_ms: 3000, millijoules: 700_000, source: EnergySource::Counter };
        assert_eq!(slice, expected);
        // A counter covers any gap.
        let slept = meter.observe(&sample(3_603_000, Some(1_705_000), None)).unwrap();
        assert_eq!((slept.millijoules, slept.source), (1_000_000, EnergySource::Counter));
    }

    #[test]
    fn power_times_time_is_labelled_and_never_bridges_a_gap() {
        let mut meter = EnergyMeter::new();
        meter.observe(&sample(0, None, Some(300_000)));
        let slice = meter.observe(&sample(2000, None, Some(350_000))).unwrap();
        assert_eq!((slice.millijoules, slice.source), (650_000, EnergySource::PowerTime));
        assert_eq!(meter.observe(&sample(60_000, None, Some(350_000))), None, "a gap of 58 s");
        assert_eq!(meter.observe(&sample(61_000, None, None)), None, "no reading");
        assert_eq!(meter.observe(&sample(62_000, None, Some(1))), None, "no reading at its begin");
    }

    #[test]
    fn a_counter_that_wraps_resets_or_jumps_is_not_believed() {
        for (before, after) in [(u64::MAX - 5, 10), (9_000_000, 0), (0, u64::MAX)] {
            let mut meter = EnergyMeter::new();
            meter.observe(&sample(0, Some(before), Some(200_000)));
            let slice = meter.observe(&sample(1000, Some(after), Some(200_000))).unwrap();
            assert_eq!((slice.millijoules, slice.source), (200_000, EnergySource::PowerTime), "{before} -> {after}");
            let next = meter.observe(&sample(2000, Some(after.saturating_add(7)), Some(200_000))).unwrap();
            assert_eq!(next.source, EnergySource::Counter, "it counts on from there");
        }
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut meter = EnergyMeter::new();
        meter.observe(&sample(5000, Some(1), Some(1)));
        assert_eq!(meter.observe(&sample(4000, Some(2), Some(1))), None);
        assert_eq!(meter.observe(&sample(4000, Some(3), Some(1))), None);
        assert!(meter.observe(&sample(4500, Some(4), Some(1))).is_some());
    }

    proptest::proptest! {
        #[test]
        fn no_sample_makes_it_claim_more_than_a_card_can_draw(
            readings in proptest::collection::vec((0u64..1 << 42, proptest::option::of(0u64..), proptest::option::of(0u32..5_000_000)), 2..20)
        ) {
            let mut meter = EnergyMeter::new();
            for (at_ms, energy_mj, power_mw) in readings {
                if let Some(slice) = meter.observe(&sample(at_ms, energy_mj, power_mw)) {
                    let most = u128::from(slice.to_ms - slice.from_ms) * u128::from(MAX_POWER_MW) / 1000;
                    proptest::prop_assert!(u128::from(slice.millijoules) <= most);
                }
            }
        }
    }
}
