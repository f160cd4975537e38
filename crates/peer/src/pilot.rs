//! The deadline pilot: when inner steps must end, and when the payload must be shown, for a round to count on this line.
//!
//! In: what the last rounds measured (line, compression, commitment, steps) and the round's blocks. Out: how many blocks
//! before the commitment deadline inner steps are cut, whether the payload is shown as soon as its commitment stands, and
//! why, in words. It has no clock and touches nothing. It only steers runs whose blocks come by the clock: a paced ledger
//! waits for its peers. It never takes more than nine tenths of the compute phase; a line that is slower still is said.
//!
//! ```text
//!  round's start ── inner steps ──┤ edge, compress, commit ├─ commit deadline ── others fetch (W) ──┤ attest deadline
//!                                 └── cut margin ──────────┘
//!  slow line:     ── inner steps ──┤ edge, compress, commit ├── upload ───────────────────┤
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use types::manifest::{Clock, RoundParams};

/// Rounds whose median counts: one odd round changes nothing, a new line is believed after three.
const ROUNDS: usize = 5;
/// What is measured may be a quarter worse next time: blocks are uneven and others use the line.
const SAFETY: f64 = 1.25;
/// Rounds in a row that must ask for less before less is done.
const PATIENCE: u8 = 2;
/// An early payload is shown late again only when a quarter of the time is left.
const CALM: f64 = 0.75;
/// Thirty years; what takes longer never ends.
const LONGEST_SECS: f64 = 1e9;

/// The line at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineNow {
    /// The most it was seen to carry up lately, in bytes a second.
    pub uplink: Option<u64>,
    /// Bytes sent since the process began.
    pub sent: u64,
}

/// What a round measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoundSeen {
    /// Bytes of the own payload.
    pub payload: u64,
    /// Bytes that went out during the round.
    pub sent: u64,
    /// What the line carried up, in bytes a second.
    pub uplink: Option<u64>,
    /// From the end of inner steps to sealed; zero if it did not happen.
    pub compress: Duration,
    /// From sealed to in a block; zero if it did not happen.
    pub commit: Duration,
    /// One inner step; they end at its edge. Zero if there was none.
    pub step: Duration,
}

/// What is done in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// Blocks before the commitment deadline at which inner steps are cut.
    pub cut_margin: u64,
    /// Whether the payload is shown as soon as its commitment stands, instead of when all are in.
    pub reveal_early: bool,
}

/// The last few values of one kind.
#[derive(Debug, Clone, Default)]
struct Recent<T>(VecDeque<T>);

impl<T: Ord + Copy> Recent<T> {
    fn push(&mut self, value: T) {
        if self.0.len() == ROUNDS {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    fn sorted(&self) -> Vec<T> {
        let mut all: Vec<T> = self.0.iter().copied().collect();
        all.sort_unstable();
        all
    }

    /// Of an even number, the smaller one.
    fn lower_median(&self) -> Option<T> {
        let all = self.sorted();
        all.get(all.len().saturating_sub(1) / 2).copied()
    }

    /// Of an even number, the larger one.
    fn upper_median(&self) -> Option<T> {
        let all = self.sorted();
        all.get(all.len() / 2).copied()
    }
}

/// The pilot of one run.
#[derive(Debug, Clone)]
pub struct Pilot {
    rounds: RoundParams,
    block: Duration,
    payload: u64,
    uplink: Recent<u64>,
    compress: Recent<Duration>,
    commit: Recent<Duration>,
    step: Recent<Duration>,
    course: Course,
    /// Rounds in a row that asked for less than what is done.
    milder: u8,
    /// The line was said to be too slow for any course.
    hopeless: bool,
}

/// What a round asks for.
#[derive(Debug, Clone, Copy)]
struct Need {
    margin: u64,
    early: bool,
    /// An early payload need not be early any more.
    calm: bool,
    hopeless: bool,
    upload: Option<Duration>,
}

impl Pilot {
    /// A pilot that has measured nothing yet; `None` for a run whose clock waits for its peers.
    pub fn new(rounds: RoundParams, clock: Clock) -> Option<Self> {
        let Clock::Interval { block_ms } = clock else { return None };
        let cut_margin = usual_margin(&rounds).min(most(&rounds));
        Some(Self {
            rounds,
            block: Duration::from_millis(block_ms),
            payload: 0,
            uplink: Recent::default(),
            compress: Recent::default(),
            commit: Recent::default(),
            step: Recent::default(),
            course: Course { cut_margin, reveal_early: false },
            milder: 0,
            hopeless: false,
        })
    }

    /// What is done now.
    pub fn course(&self) -> Course {
        self.course
    }

    /// Takes in what a round measured, and sets the course of the next. Returns why, where it changed.
    pub fn round_over(&mut self, seen: RoundSeen) -> Option<Words> {
        if seen.payload > 0 {
            self.payload = seen.payload;
        }
        // A line that nobody asked anything of has not shown what it can.
        if let Some(uplink) = seen.uplink.filter(|rate| *rate > 0 && seen.sent >= seen.payload / 2 && seen.payload > 0)
        {
            self.uplink.push(uplink);
        }
        let happened =
            [(&mut self.compress, seen.compress), (&mut self.commit, seen.commit), (&mut self.step, seen.step)];
        for (recent, took) in happened {
            if !took.is_zero() {
                recent.push(took);
            }
        }
        self.steer()
    }

    fn steer(&mut self) -> Option<Words> {
        let need = self.need();
        let before = (self.course, self.hopeless);
        let worse = need.margin > self.course.cut_margin || (need.early && !self.course.reveal_early);
        let better = need.margin < self.course.cut_margin || (self.course.reveal_early && need.calm);
        self.milder = if better && !worse { self.milder + 1 } else { 0 };
        if worse {
            self.course.cut_margin = self.course.cut_margin.max(need.margin);
            self.course.reveal_early |= need.early;
        } else if self.milder >= PATIENCE {
            self.course.cut_margin = need.margin;
            self.course.reveal_early &= !need.calm;
            self.milder = 0;
        }
        self.hopeless = need.hopeless;
        (before != (self.course, self.hopeless)).then(|| Words {
            course: self.course,
            usual: usual_margin(&self.rounds).min(most(&self.rounds)),
            payload: self.payload,
            uplink: self.uplink.lower_median(),
            upload: need.upload,
            window: self.window(),
            hopeless: need.hopeless,
        })
    }

    fn need(&self) -> Need {
        let safe = |took: Duration| took.mul_f64(SAFETY);
        let median = |recent: &Recent<Duration>| recent.upper_median().unwrap_or_default();
        let work = safe(median(&self.step) + median(&self.compress) + median(&self.commit));
        let upload = self
            .uplink
            .lower_median()
            .map(|rate| safe(Duration::from_secs_f64((self.payload as f64 / rate as f64).min(LONGEST_SECS))));
        let window = self.window();
        let over = upload.map_or(Duration::ZERO, |upload| upload.saturating_sub(window));
        // The last block before the deadline must still hold the commitment, hence one more.
        let asked = blocks(work + over, self.block).saturating_add(1);
        let most = most(&self.rounds);
        Need {
            margin: asked.max(usual_margin(&self.rounds)).min(most),
            early: !over.is_zero(),
            calm: upload.is_none_or(|upload| upload < window.mul_f64(CALM)),
            hopeless: asked > most && !over.is_zero(),
            upload,
        }
    }

    /// How long the others fetch before they attest: two thirds of the phase, as [`crate::replica::Replica::gather_time`].
    fn window(&self) -> Duration {
        let blocks = u32::try_from(self.rounds.attest_by - self.rounds.commit_by).unwrap_or(u32::MAX);
        self.block.saturating_mul(blocks).mul_f64(2.0 / 3.0)
    }
}

/// Without a pilot: a twentieth of the phase.
pub(crate) fn usual_margin(rounds: &RoundParams) -> u64 {
    (rounds.commit_by / 20).max(1)
}

/// A tenth of the compute phase is always left.
fn most(rounds: &RoundParams) -> u64 {
    rounds.commit_by - rounds.commit_by.div_ceil(10)
}

fn blocks(time: Duration, block: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(block.as_millis().max(1))).unwrap_or(u64::MAX)
}

/// Why the course is as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    course: Course,
    usual: u64,
    payload: u64,
    uplink: Option<u64>,
    upload: Option<Duration>,
    window: Duration,
    hopeless: bool,
}

impl Words {
    /// Whether the round will not count whatever is done.
    pub fn is_hopeless(&self) -> bool {
        self.hopeless
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Course { cut_margin, reveal_early } = self.course;
        if cut_margin == self.usual && !reveal_early {
            return write!(f, "the line carries the payload in time again: inner steps end as usual");
        }
        match (self.uplink, self.upload) {
            (Some(rate), Some(upload)) if reveal_early => write!(
                f,
                "sending {:.1} MB takes up to {} s at the measured {:.2} MB/s, and the others fetch for {} s: ",
                self.payload as f64 / 1e6,
                upload.as_secs(),
                rate as f64 / 1e6,
                self.window.as_secs()
            )?,
            _ => write!(f, "compressing and committing take longer than usual here: ")?,
        }
        write!(f, "inner steps end {cut_margin} blocks before the deadline")?;
        if reveal_early {
            write!(f, ", and the payload is shown as soon as its commitment stands")?;
        }
        if self.hopeless {
            write!(f, "; that is not enough. Raise the upload limit, or choose a run with a smaller model")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
