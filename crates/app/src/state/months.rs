//! Volume by calendar months, kept over restarts.
//!
//! In: the totals that a peer's process counts from its own beginning, and the moment. Out: bytes of the month, up and down.
//! A counter that goes back is another process's. A clock that goes back takes nothing away: a month that was begun stays the
//! month until the clock has caught up, and what was counted under a clock that was plainly wrong is still there.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Months that are kept.
const MAX_MONTHS: usize = 24;
/// No clock is right before this program was made (1 January 2026).
const MADE_AFTER_MS: u64 = 1_767_225_600_000;

/// Bytes up and down by month, `2026-11`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Months(BTreeMap<String, (u64, u64)>);

impl Months {
    /// As it stood on disk; more months than anybody needs are dropped, the oldest first.
    pub(crate) fn restored(mut self) -> Self {
        while self.0.len() > MAX_MONTHS {
            self.0.pop_first();
        }
        self
    }

    /// Counts.
    pub(crate) fn add(&mut self, up: u64, down: u64, now_ms: u64, zone: &TimeZone) {
        if (up, down) == (0, 0) {
            return;
        }
        let month = self.current(now_ms, zone);
        let sum = self.0.entry(month.clone()).or_default();
        *sum = (sum.0.saturating_add(up), sum.1.saturating_add(down));
        while self.0.len() > MAX_MONTHS {
            let Some(oldest) = self.0.keys().find(|key| **key != month).cloned() else { return };
            self.0.remove(&oldest);
        }
    }

    /// Bytes of this month, up and down.
    pub(crate) fn now(&self, now_ms: u64, zone: &TimeZone) -> (u64, u64) {
        self.0.get(&self.current(now_ms, zone)).copied().unwrap_or_default()
    }

    /// The month that counts.
    fn current(&self, now_ms: u64, zone: &TimeZone) -> String {
        let here = month_of(now_ms, zone);
        let Some(newest) = self.0.keys().next_back() else { return here };
        // Just behind the newest month: the clock was set back over its edge. Plainly wrong: nobody knows better.
        let set_back = next_month(&here).as_ref() == Some(newest);
        if now_ms < MADE_AFTER_MS || set_back { newest.clone() } else { here }
    }
}

/// The local month of a moment.
fn month_of(now_ms: u64, zone: &TimeZone) -> String {
    super::money::day_of(now_ms, zone).get(..7).unwrap_or_default().to_owned()
}

fn next_month(month: &str) -> Option<String> {
    let (year, month) = month.split_once('-')?;
    let (year, month): (i32, u32) = (year.parse().ok()?, month.parse().ok()?);
    Some(if month >= 12 { format!("{:04}-01", year + 1) } else { format!("{year:04}-{:02}", month + 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 November 2026, 0:00 UTC, and a day.
    const NOVEMBER: u64 = 1_793_491_200_000;
    const DAY: u64 = 86_400_000;

    fn months(counted: &[(u64, u64)]) -> Months {
        let mut months = Months::default();
        for (at, bytes) in counted {
            months.add(*bytes, 0, *at, &TimeZone::UTC);
        }
        months
    }

    fn now(months: &Months, at: u64) -> u64 {
        months.now(at, &TimeZone::UTC).0
    }

    #[test]
    fn a_new_month_begins_with_nothing() {
        let months = months(&[(NOVEMBER - 1, 7), (NOVEMBER, 5)]);
        assert_eq!((now(&months, NOVEMBER - 2 * DAY), now(&months, NOVEMBER + DAY)), (5, 5));
        assert_eq!(now(&months, NOVEMBER + 31 * DAY), 0);
    }

    #[test]
    fn a_clock_that_goes_back_takes_nothing_away() {
        // Over the month's edge: it stays November until the clock has caught up.
        let mut months = months(&[(NOVEMBER - 2 * DAY, 7), (NOVEMBER + DAY, 5)]);
        months.add(3, 0, NOVEMBER - DAY, &TimeZone::UTC);
        assert_eq!(now(&months, NOVEMBER + DAY), 8);
        // To the beginning of all clocks.
        months.add(2, 0, 1000, &TimeZone::UTC);
        assert_eq!((now(&months, 1000), now(&months, NOVEMBER + DAY)), (10, 10));
    }

    #[test]
    fn a_clock_that_was_years_ahead_leaves_the_month_as_it_was() {
        let mut months = months(&[(NOVEMBER, 5), (NOVEMBER + 4000 * DAY, 9)]);
        assert_eq!(now(&months, NOVEMBER + DAY), 5);
        months.add(1, 0, NOVEMBER + DAY, &TimeZone::UTC);
        assert_eq!(now(&months, NOVEMBER + DAY), 6);
    }

    #[test]
    fn many_months_are_not_kept_and_this_one_never_goes() {
        let mut months = Months::default();
        for n in 0..100 {
            months.add(1, 1, NOVEMBER + n * 31 * DAY, &TimeZone::UTC);
        }
        assert_eq!(months.0.len(), MAX_MONTHS);
        let text = serde_json::to_string(&months).unwrap();
        assert_eq!(serde_json::from_str::<Months>(&text).unwrap().restored(), months);
        let first = serde_json::to_string(&months_of_november()).unwrap();
        assert_eq!(first, r#"{"2026-11":[4,0]}"#, "the file's form");
    }

    fn months_of_november() -> Months {
        months(&[(NOVEMBER, 4)])
    }
}
