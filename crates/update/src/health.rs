//! Whether a new version has proved itself: two starts and two rounds. One that fails twice goes.
//!
//! In: what happens to it. Out: go on, or that the old pair is back and must be started. A start counts as begun before
//! anything else is done and as good only when the app says so: a program that dies in between has failed, whatever killed
//! it. What failed is remembered, and not taken again by itself.

use std::io;

use serde::{Deserialize, Serialize};

use crate::limits::{BAD_ENOUGH, GOOD_ROUNDS, GOOD_STARTS, MAX_NOTE_BYTES};
use crate::stage::Home;
use crate::swap::{Phase, Recovered, Steps, SwapError};
use crate::whole_file::{read_bounded, remove, write_whole};

/// The version that failed last.
const FAILED: &str = "failed.json";
/// What has still to be told.
const UNTOLD: &str = "untold.json";

/// How a new pair does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Good starts.
    pub starts: u32,
    /// Starts that began since the last good one.
    pub begun: u32,
    /// Rounds finished.
    pub rounds: u32,
    /// Rounds that failed since the last finished one.
    pub failed_rounds: u32,
}

/// What a start of the app finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Nothing is under way.
    Plain,
    /// A new version is on probation.
    Probation {
        /// The version before.
        from: String,
        /// The new one.
        to: String,
    },
    /// The old pair is in its place again: start it, and end; or, if this is the old one, tell it.
    WentBack {
        /// The version that failed.
        failed: String,
        /// The one that is back.
        to: String,
    },
}

/// What a new version's round or start did to its probation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is on probation, or it goes on.
    GoOn,
    /// It has proved itself.
    Proved,
    /// It has failed: stop the peer and go back.
    GoBack,
}

impl Home {
    /// The first thing that the app does.
    ///
    /// # Errors
    /// [`SwapError`]; the app goes on as it is.
    pub fn begin_start(&self, step: Steps<'_>) -> Result<Start, SwapError> {
        let before = self.journal()?;
        let recovered = self.recover(step)?;
        if let (Recovered::Back, Some(journal)) = (recovered, before) {
            // A swap that was cut off failed nobody: the old app runs, and goes on.
            return Ok(match journal.phase {
                Phase::Back => Start::WentBack { failed: journal.to.version, to: journal.from.version },
                _ => Start::Plain,
            });
        }
        let Some(mut journal) = self.journal()? else { return self.untold() };
        let (from, to) = (journal.from.version.clone(), journal.to.version.clone());
        if journal.record.begun >= BAD_ENOUGH {
            self.roll_back(step)?;
            return Ok(Start::WentBack { failed: to, to: from });
        }
        journal.record.begun += 1;
        self.write_journal(&journal)?;
        Ok(Start::Probation { from, to })
    }

    /// The app is up: window or tray are there, and stayed; or it ended in order before that.
    ///
    /// # Errors
    /// [`SwapError`].
    pub fn start_was_good(&self) -> Result<Verdict, SwapError> {
        self.record(|record| {
            // Said twice of one start: once when it stayed, once when it ended in order.
            if record.begun > 0 {
                (record.starts, record.begun) = (record.starts.saturating_add(1), 0);
            }
        })
    }

    /// The peer finished a round, or failed in one.
    ///
    /// # Errors
    /// [`SwapError`].
    pub fn round(&self, good: bool) -> Result<Verdict, SwapError> {
        self.record(|record| match good {
            true => (record.rounds, record.failed_rounds) = (record.rounds.saturating_add(1), 0),
            false => record.failed_rounds += 1,
        })
    }

    /// That a version went back is told once, by whichever program starts next.
    fn untold(&self) -> Result<Start, SwapError> {
        let bytes = read_bounded(&self.work(UNTOLD), MAX_NOTE_BYTES)?;
        let told = bytes.and_then(|bytes| serde_json::from_slice::<(String, String)>(&bytes).ok());
        remove(&self.work(UNTOLD))?;
        Ok(told.map_or(Start::Plain, |(failed, to)| Start::WentBack { failed, to }))
    }

    fn record(&self, change: impl FnOnce(&mut Record)) -> Result<Verdict, SwapError> {
        let Some(mut journal) = self.journal()?.filter(|journal| journal.phase == Phase::Probation) else {
            return Ok(Verdict::GoOn);
        };
        change(&mut journal.record);
        if journal.record.failed_rounds >= BAD_ENOUGH {
            self.write_journal(&journal)?;
            return Ok(Verdict::GoBack);
        }
        if journal.record.starts >= GOOD_STARTS && journal.record.rounds >= GOOD_ROUNDS {
            self.close_journal()?;
            return Ok(Verdict::Proved);
        }
        self.write_journal(&journal)?;
        Ok(Verdict::GoOn)
    }

    /// The version that failed last: not taken again unless the user asks for it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn failed(&self) -> io::Result<Option<String>> {
        let bytes = read_bounded(&self.work(FAILED), MAX_NOTE_BYTES)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    pub(crate) fn note_failed(&self, failed: &str, to: &str) -> io::Result<()> {
        write_whole(&self.work(UNTOLD), &serde_json::to_vec(&(failed, to)).map_err(io::Error::other)?)?;
        write_whole(&self.work(FAILED), &serde_json::to_vec(failed).map_err(io::Error::other)?)
    }
}
