//! The pause that the user asked for.
//!
//! In: for how long, and the moment. Out: whether it still holds, its reason and its end. Six in the morning is six in the
//! morning where the user is then, also after a flight.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use view_model::{PauseFor, PauseReason};

use crate::signals::Signals;
use crate::week;

/// Nobody pauses by the minute for longer than this: 31 days.
const LONGEST_SECS: u64 = 31 * 86_400;

#[derive(Debug, Clone)]
pub(crate) struct UserPause {
    since_ms: u64,
    until: Until,
}

#[derive(Debug, Clone)]
enum Until {
    Moment(u64),
    Morning(Date),
    /// `fed`: the battery has fed the computer since the user asked.
    OnMains {
        fed: bool,
    },
    Resumed,
}

/// What holds of it now.
pub(crate) struct Holds {
    pub(crate) reason: PauseReason,
    pub(crate) since_ms: u64,
    pub(crate) ends_at_ms: Option<u64>,
}

impl UserPause {
    pub(crate) fn new(how_long: PauseFor, now_ms: u64, zone: &TimeZone) -> Self {
        let until = match how_long {
            PauseFor::Secs { secs } => Until::Moment(now_ms.saturating_add(secs.min(LONGEST_SECS) * 1000)),
            // Beyond the calendar there is no tomorrow to wait for.
            PauseFor::UntilTomorrow => week::tomorrow(now_ms, zone).map_or(Until::Resumed, Until::Morning),
            PauseFor::WhileOnBattery => Until::OnMains { fed: false },
            PauseFor::UntilResumed => Until::Resumed,
        };
        Self { since_ms: now_ms, until }
    }

    /// The clock was set back by so much: an end that was so long away still is.
    pub(crate) fn set_back(&mut self, by_ms: u64) {
        self.since_ms = self.since_ms.saturating_sub(by_ms);
        if let Until::Moment(until) = &mut self.until {
            *until = until.saturating_sub(by_ms);
        }
    }

    /// What holds now; `Err` if it is over.
    pub(crate) fn now(&mut self, signals: &Signals, now_ms: u64, zone: &TimeZone) -> Result<Option<Holds>, Over> {
        let (reason, ends_at_ms) = match &mut self.until {
            Until::Moment(until) => (PauseReason::User, Some(*until)),
            Until::Morning(date) => (PauseReason::UserUntilTomorrow, week::morning(*date, zone)),
            Until::OnMains { fed } => match signals.on_battery {
                Some(true) => {
                    if !*fed {
                        (*fed, self.since_ms) = (true, now_ms);
                    }
                    (PauseReason::Battery, None)
                }
                Some(false) if *fed => return Err(Over),
                // Asked for in advance: it begins with the battery.
                Some(false) => return Ok(None),
                None => (PauseReason::User, None),
            },
            Until::Resumed => (PauseReason::User, None),
        };
        match ends_at_ms {
            Some(end) if end <= now_ms => Err(Over),
            _ => Ok(Some(Holds { reason, since_ms: self.since_ms, ends_at_ms })),
        }
    }
}

/// The pause is over.
pub(crate) struct Over;
