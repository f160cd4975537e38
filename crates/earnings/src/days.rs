//! Calendar days of a time zone as spans of milliseconds.
//!
//! In: a moment and a time zone. Out: local days, which last 23, 24 or 25 hours, and the hour of the local week. Pure: the zone's
//! rules are the caller's, and so is the moment.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::tariff::HOURS_PER_WEEK;

/// Most days one call returns.
const MAX_DAYS: u16 = 3_660;

/// A moment that no calendar has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{ms} ms since 1970 is beyond the calendar")]
pub struct DayError {
    /// The moment.
    pub ms: u64,
}

/// One local day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Its date, `2026-03-29`.
    pub date: String,
    /// Its first millisecond since 1970.
    pub start_ms: u64,
    /// The first millisecond after it.
    pub end_ms: u64,
}

impl Day {
    /// Whether the moment lies in it.
    pub fn contains(&self, ms: u64) -> bool {
        self.start_ms <= ms && ms < self.end_ms
    }

    /// How long it lasts.
    pub fn hours(&self) -> u64 {
        (self.end_ms - self.start_ms) / 3_600_000
    }
}

/// The local day of `now_ms` and the `count - 1` days before it, oldest first.
///
/// # Errors
/// [`DayError`] for a moment beyond the calendar.
pub fn days_until(now_ms: u64, zone: &TimeZone, count: u16) -> Result<Vec<Day>, DayError> {
    let error = DayError { ms: now_ms };
    let today = timestamp(now_ms)?.to_zoned_datetime(zone.clone()).date();
    let start = |date: jiff::civil::Date| -> Result<u64, DayError> {
        // The day's first moment: where midnight is skipped, the clock's first hour after it.
        let first = date.to_zoned_datetime(zone.clone()).and_then(|at| at.start_of_day()).map_err(|_| error)?;
        u64::try_from(first.timestamp().as_millisecond()).map_err(|_| error)
    };
    let mut end = start(today.tomorrow().map_err(|_| error)?)?;
    let mut date = today;
    let mut days = Vec::new();
    for _ in 0..count.min(MAX_DAYS) {
        // Before 1970 there was nothing to earn.
        let Ok(start_ms) = start(date) else { break };
        days.push(Day { date: date.to_string(), start_ms, end_ms: end });
        end = start_ms;
        let Ok(before) = date.yesterday() else { break };
        date = before;
    }
    days.reverse();
    Ok(days)
}

/// The local hour of the week of a moment: 0 is Monday from midnight on.
///
/// # Errors
/// [`DayError`] for a moment beyond the calendar.
pub fn hour_of_week(ms: u64, zone: &TimeZone) -> Result<usize, DayError> {
    let local = zone.to_datetime(timestamp(ms)?);
    let day = usize::try_from(local.weekday().to_monday_zero_offset()).map_err(|_| DayError { ms })?;
    let hour = usize::try_from(local.hour()).map_err(|_| DayError { ms })?;
    Ok((24 * day + hour).min(HOURS_PER_WEEK - 1))
}

/// The moment in RFC 3339, UTC.
///
/// # Errors
/// [`DayError`] for a moment beyond the calendar.
pub(crate) fn rfc3339(ms: u64) -> Result<String, DayError> {
    timestamp(ms).map(|at| at.to_string())
}

pub(crate) fn timestamp(ms: u64) -> Result<Timestamp, DayError> {
    i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).ok_or(DayError { ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central European time, by its rule: no zone database needed.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn ms(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_millisecond() as u64
    }

    #[test]
    fn the_day_the_clock_goes_forward_lasts_23_hours() {
        let days = days_until(ms("2026-03-30T10:00:00Z"), &berlin(), 3).unwrap();
        assert_eq!(
            days.iter().map(|d| (d.date.as_str(), d.hours())).collect::<Vec<_>>(),
            [("2026-03-28", 24), ("2026-03-29", 23), ("2026-03-30", 24)]
        );
        assert_eq!(days[1].start_ms, ms("2026-03-28T23:00:00Z"));
        assert_eq!(days[1].end_ms, ms("2026-03-29T22:00:00Z"));
    }

    #[test]
    fn the_day_the_clock_goes_back_lasts_25_hours() {
        let days = days_until(ms("2026-10-25T22:59:59.999Z"), &berlin(), 1).unwrap();
        assert_eq!((days[0].date.as_str(), days[0].hours()), ("2026-10-25", 25));
        assert_eq!(days_until(days[0].end_ms, &berlin(), 1).unwrap()[0].date, "2026-10-26");
    }

    #[test]
    fn a_day_without_a_midnight_begins_with_its_first_moment() {
        // Chile by its 2019 rule: the clock jumps from 24:00 on Saturday to 01:00 on Sunday.
        let zone = TimeZone::posix("<-04>4<-03>,M9.1.6/24,M4.1.6/24").unwrap();
        let days = days_until(ms("2026-09-06T15:00:00Z"), &zone, 2).unwrap();
        assert_eq!(days.iter().map(Day::hours).collect::<Vec<_>>(), [24, 23]);
        assert_eq!(days[0].end_ms, days[1].start_ms);
        assert_eq!(days[1].start_ms, ms("2026-09-06T04:00:00Z"));
    }

    #[test]
    fn hours_of_the_week_are_local() {
        assert_eq!(hour_of_week(ms("2026-11-22T23:30:00Z"), &berlin()).unwrap(), 0);
        assert_eq!(hour_of_week(ms("2026-11-22T22:59:00Z"), &berlin()).unwrap(), 167);
        assert_eq!(hour_of_week(ms("2026-06-01T04:00:00Z"), &berlin()).unwrap(), 6);
    }

    #[test]
    fn moments_beyond_the_calendar_are_refused() {
        assert_eq!(days_until(u64::MAX, &TimeZone::UTC, 1), Err(DayError { ms: u64::MAX }));
        assert!(hour_of_week(u64::MAX, &TimeZone::UTC).is_err());
        assert_eq!(days_until(0, &TimeZone::UTC, 7).unwrap().len(), 1);
    }
}
