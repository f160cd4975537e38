//! How large a share of the time a card may work, so that it stays below a temperature and its fan below a ceiling.
//!
//! In: samples and the moments they were taken. Out: a share between 0 and 1; the engine sleeps between micro-batches for
//! the rest. A pure controller: no clock, no I/O. It slows the work and never touches the fan.
//!
//! Two proportional-integral controllers, one for the temperature and one for the fan; the smaller share holds. Their
//! integrals start at nothing, so that a card warms up towards its target from below. Going down is immediate; going up
//! happens at most once in [`RAISE_EVERY_MS`], which bounds any oscillation to 0.17 Hz.

use serde::{Deserialize, Serialize};

use crate::Sample;

/// Between two rises of the share.
const RAISE_EVERY_MS: u64 = 6_000;
/// Changes smaller than this are not worth a change of pace.
const DEAD_BAND: f64 = 0.02;
/// A reading older than this says nothing.
const MAX_READING_AGE_MS: u64 = 30_000;
/// The share while a reading that was there is missing: too little to heat a card up.
const BLIND_SHARE: f64 = 0.5;
/// Readings come in whole degrees: smoothing over this time keeps the pace from following each of them.
const SMOOTH_SECS: f64 = 4.0;
/// Longest step that the integral takes at once: after a sleep it must not jump.
const MAX_STEP_MS: u64 = 5_000;

/// A fan's ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FanCeiling {
    /// Percent of the highest speed.
    Percent(u32),
    /// Turns per minute.
    Rpm(u32),
}

impl FanCeiling {
    /// How far the fan is below the ceiling, in percent of the highest speed; 30 turns per minute count as one, which
    /// holds for fans of about 3000.
    fn room(self, sample: &Sample) -> Option<f64> {
        match self {
            Self::Percent(ceiling) => Some(f64::from(ceiling) - f64::from(sample.fan_percent?)),
            Self::Rpm(ceiling) => Some((f64::from(ceiling) - f64::from(sample.fan_rpm?)) / 30.0),
        }
    }
}

/// What holds the pace down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaceLimit {
    /// The temperature target.
    Temperature,
    /// The fan's ceiling.
    Fan,
    /// A reading that was there is missing.
    NoReading,
}

/// How much to work.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Share of the time to work, 0 to 1.
    pub work_share: f64,
    /// What holds it below 1.
    pub limit: Option<PaceLimit>,
}

/// Paces one card.
#[derive(Debug, Clone)]
pub struct Pacer {
    target_c: u32,
    fan_ceiling: Option<FanCeiling>,
    heat: Loop,
    fan: Loop,
    last_ms: Option<u64>,
    raised_ms: u64,
    share: f64,
}

/// One proportional-integral controller. Its input is the room below a limit, in the limit's unit.
#[derive(Debug, Clone)]
struct Loop {
    /// Share per unit of room.
    gain: f64,
    /// Share per unit of room and second.
    integral_gain: f64,
    /// Room that is kept: readings are whole units, so the controller aims a little below the limit.
    margin: f64,
    integral: f64,
    /// The room, smoothed.
    smooth: Option<f64>,
    /// The share of the last reading.
    share: f64,
    /// When there last was a reading.
    read_ms: Option<u64>,
}

impl Loop {
    fn new(gain: f64, settle_secs: f64, margin: f64) -> Self {
        let integral_gain = gain / settle_secs;
        Self { gain, integral_gain, margin, integral: 0.0, smooth: None, share: 1.0, read_ms: None }
    }

    /// The share that `room` allows; `None` while there has never been a reading.
    fn share(&mut self, now_ms: u64, step_secs: f64, room: Option<f64>) -> Option<f64> {
        let Some(room) = room else {
            self.read_ms?;
            return Some(if self.is_blind(now_ms) { self.share.min(BLIND_SHARE) } else { self.share });
        };
        self.read_ms = Some(now_ms);
        let (over, room) = (room < 0.0, room - self.margin);
        let before = self.smooth.unwrap_or(room);
        let smooth = before + (room - before) * (step_secs / SMOOTH_SECS).min(1.0);
        self.smooth = Some(smooth);
        // Above the limit the raw reading counts at once.
        let room = if over { room.min(smooth) } else { smooth };
        let proportional = self.gain * room;
        let wanted = proportional + self.integral;
        // The integral moves only where it can change something, or it would have to be worked off again.
        if (wanted < 1.0 || room < 0.0) && (wanted > 0.0 || room > 0.0) {
            self.integral = (self.integral + self.integral_gain * room * step_secs).clamp(0.0, 1.0);
        }
        self.share = (proportional + self.integral).clamp(0.0, 1.0);
        Some(self.share)
    }

    fn is_blind(&self, now_ms: u64) -> bool {
        self.read_ms.is_some_and(|read| now_ms.saturating_sub(read) > MAX_READING_AGE_MS)
    }
}

impl Pacer {
    /// Holds a card at `target_c` °C at most and its fan below a ceiling, if one is wanted.
    pub fn new(target_c: u32, fan_ceiling: Option<FanCeiling>) -> Self {
        Self {
            target_c,
            fan_ceiling,
            heat: Loop::new(0.05, 40.0, 0.5),
            fan: Loop::new(0.03, 80.0, 2.0),
            last_ms: None,
            raised_ms: 0,
            share: 0.0,
        }
    }

    /// The pace after a sample that was taken at `now_ms`. Call it for every sample of the card.
    pub fn advise(&mut self, now_ms: u64, sample: &Sample) -> Pace {
        let step_ms = self.last_ms.map_or(0, |last| now_ms.saturating_sub(last)).min(MAX_STEP_MS);
        let first = self.last_ms.replace(now_ms).is_none();
        let step_secs = step_ms as f64 / 1000.0;
        let heat_room = sample.temp_c.map(|temp| f64::from(self.target_c) - f64::from(temp));
        let heat = self.heat.share(now_ms, step_secs, heat_room).unwrap_or(1.0);
        let fan_room = self.fan_ceiling.and_then(|ceiling| ceiling.room(sample));
        let fan = self.fan.share(now_ms, step_secs, fan_room).unwrap_or(1.0);
        let wanted = heat.min(fan);
        if first || wanted < self.share - DEAD_BAND {
            self.share = wanted;
        } else if wanted > self.share + DEAD_BAND && now_ms.saturating_sub(self.raised_ms) >= RAISE_EVERY_MS {
            (self.share, self.raised_ms) = (wanted, now_ms);
        }
        Pace { work_share: self.share, limit: self.limit(now_ms, heat, fan) }
    }

    fn limit(&self, now_ms: u64, heat: f64, fan: f64) -> Option<PaceLimit> {
        if self.share >= 1.0 - DEAD_BAND {
            None
        } else if self.heat.is_blind(now_ms) || self.fan.is_blind(now_ms) {
            Some(PaceLimit::NoReading)
        } else if fan < heat {
            Some(PaceLimit::Fan)
        } else {
            Some(PaceLimit::Temperature)
        }
    }
}

#[cfg(test)]
mod tests;
