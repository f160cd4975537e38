//! Hours of the local week, and when the next one begins.
//!
//! In: a moment in milliseconds since 1970 and a time zone. Out: moments in the same unit. An hour that a change of the
//! clocks skips is never waited for, one that happens twice counts twice. A moment beyond the calendar gives `None`.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use view_model::HOURS_PER_WEEK;

/// A week has 168 hours and two more pieces where the clocks change, in the worst of zones; the rest is slack.
const MOST_HOURS: usize = 180;
/// When tomorrow begins, for those who pause until then.
const MORNING: i8 = 6;

/// The local hour of the week, 0 is Monday from midnight on.
pub(crate) fn hour_of_week(at_ms: u64, zone: &TimeZone) -> Option<usize> {
    hour_at(timestamp(at_ms)?, zone)
}

/// The first moment after `from_ms` at which an hour for which `wanted` holds begins; `None` if no hour of the week does.
pub(crate) fn next_hour_that(from_ms: u64, zone: &TimeZone, wanted: impl Fn(usize) -> bool) -> Option<u64> {
    let mut at = timestamp(from_ms)?;
    for _ in 0..MOST_HOURS {
        at = next_hour(at, zone)?;
        if wanted(hour_at(at, zone)?) {
            return milliseconds(at);
        }
    }
    None
}

/// The local date a day after the one of `now_ms`.
pub(crate) fn tomorrow(now_ms: u64, zone: &TimeZone) -> Option<Date> {
    zone.to_datetime(timestamp(now_ms)?).date().tomorrow().ok()
}

/// Six in the morning of a date, in a zone; the moment after the gap where the clocks skip it.
pub(crate) fn morning(date: Date, zone: &TimeZone) -> Option<u64> {
    milliseconds(zone.to_timestamp(date.at(MORNING, 0, 0, 0)).ok()?)
}

/// The first moment of the next local month.
pub(crate) fn next_month(now_ms: u64, zone: &TimeZone) -> Option<u64> {
    let date = zone.to_datetime(timestamp(now_ms)?).date();
    let first = date.first_of_month().checked_add(1.month()).ok()?;
    let start = first.to_zoned_datetime(zone.clone()).ok()?.start_of_day().ok()?;
    milliseconds(start.timestamp())
}

/// The next full local hour, or the next change of the clocks if that comes first.
fn next_hour(at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let local = zone.to_datetime(at);
    let into_hour_ms = (i64::from(local.minute()) * 60 + i64::from(local.second())) * 1000
        + i64::from(local.subsec_nanosecond()) / 1_000_000;
    let full = Timestamp::from_millisecond(at.as_millisecond().checked_add(3_600_000 - into_hour_ms)?).ok()?;
    let change = zone.following(at).next().map(|change| change.timestamp());
    Some(change.map_or(full, |change| change.min(full)))
}

fn hour_at(at: Timestamp, zone: &TimeZone) -> Option<usize> {
    let local = zone.to_datetime(at);
    let day = usize::try_from(local.weekday().to_monday_zero_offset()).ok()?;
    let hour = usize::try_from(local.hour()).ok()?;
    Some((24 * day + hour).min(HOURS_PER_WEEK - 1))
}

fn timestamp(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

fn milliseconds(at: Timestamp) -> Option<u64> {
    u64::try_from(at.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_millisecond() as u64
    }

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn new_york() -> TimeZone {
        TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
    }

    const SUNDAY: usize = 6 * 24;

    #[test]
    fn an_hour_that_the_clocks_skip_is_not_waited_for() {
        // Berlin, Sunday 2026-03-29: 01:59:59 CET is followed by 03:00 CEST. New York, 2026-03-08, the same.
        for (zone, night, three) in [
            (berlin(), "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"),
            (new_york(), "2026-03-08T06:30:00Z", "2026-03-08T07:00:00Z"),
        ] {
            assert_eq!(hour_of_week(ms(night), &zone), Some(SUNDAY + 1));
            assert_eq!(next_hour_that(ms(night), &zone, |_| true), Some(ms(three)));
            assert_eq!(hour_of_week(ms(three), &zone), Some(SUNDAY + 3));
            // Only 02–03 on Sundays: this week it does not come.
            let next = next_hour_that(ms(night), &zone, |hour| hour == SUNDAY + 2).unwrap();
            let week = 7 * 86_400_000;
            assert_eq!(next, ms(three) - 3_600_000 + week, "a week later by the wall, minus the hour that was lost");
        }
    }

    #[test]
    fn an_hour_that_happens_twice_counts_twice() {
        for (zone, first, second, end) in [
            (berlin(), "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"),
            (new_york(), "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z"),
        ] {
            let hour = hour_of_week(ms(first), &zone).unwrap();
            assert_eq!(hour_of_week(ms(second), &zone), Some(hour));
            assert_eq!(hour_of_week(ms(second) + 3_599_999, &zone), Some(hour));
            assert_eq!(hour_of_week(ms(end), &zone), Some(hour + 1));
            assert_eq!(next_hour_that(ms(first), &zone, |h| h != hour), Some(ms(end)));
        }
    }

    #[test]
    fn a_clock_that_changes_by_half_an_hour_and_odd_offsets_keep_their_hours() {
        let lord_howe = TimeZone::posix("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0").unwrap();
        // 2026-10-04, 02:00 becomes 02:30: the hour of two lasts half an hour.
        let two = ms("2026-10-03T15:30:00Z");
        assert_eq!(hour_of_week(two, &lord_howe), Some(SUNDAY + 2));
        assert_eq!(next_hour_that(two, &lord_howe, |_| true), Some(two + 1_800_000));
        let nepal = TimeZone::posix("<+0545>-5:45").unwrap();
        assert_eq!(next_hour_that(ms("2026-05-01T10:20:30Z"), &nepal, |_| true), Some(ms("2026-05-01T11:15:00Z")));
    }

    #[test]
    fn six_in_the_morning_and_the_first_of_the_month_follow_the_clock_on_the_wall() {
        let evening = ms("2026-03-28T20:00:00Z");
        let date = tomorrow(evening, &berlin()).unwrap();
        assert_eq!(morning(date, &berlin()), Some(ms("2026-03-29T04:00:00Z")));
        assert_eq!(morning(date, &new_york()), Some(ms("2026-03-29T10:00:00Z")));
        assert_eq!(next_month(evening, &berlin()), Some(ms("2026-03-31T22:00:00Z")));
        assert_eq!(next_month(ms("2026-12-31T22:59:00Z"), &berlin()), Some(ms("2026-12-31T23:00:00Z")));
    }

    #[test]
    fn a_week_without_the_hour_and_a_moment_beyond_the_calendar_have_no_answer() {
        assert_eq!(next_hour_that(ms("2026-05-01T00:00:00Z"), &berlin(), |_| false), None);
        assert_eq!(next_hour_that(u64::MAX, &berlin(), |_| true), None);
        assert_eq!(hour_of_week(u64::MAX, &berlin()), None);
        assert_eq!(tomorrow(u64::MAX, &berlin()), None);
    }
}
