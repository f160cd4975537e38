//! What the window knows: the newest snapshot, the series of the charts, the log, and for a moment the recovery words.
//!
//! In: the shell's lines, in their order. Out: the state a frame is drawn from. Series and log are bounded and lose the
//! oldest first; a line that makes no sense changes nothing. Words are wiped as soon as they are replaced or taken back.

mod curve;
mod log;

use std::collections::BTreeMap;

pub use curve::{Band, Curve};
pub use log::{Log, MAX_LOG_BYTES, MAX_LOG_LINES};
use view_model::{AppSnapshot, Screen, Secret, Series, ToWindow};

/// Most recovery words that are shown.
const MAX_WORDS: usize = 24;

/// What the one who owns the window has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostAsk {
    /// Tell the view to go to a screen.
    Show(Screen),
    /// Bring the window to the front.
    Raise,
    /// Close it.
    Close,
}

/// The window's state, but for what only the view knows.
#[derive(Debug, Default)]
pub struct Model {
    /// The newest snapshot.
    pub snapshot: AppSnapshot,
    series: BTreeMap<Series, Curve>,
    log: Log,
    words: Option<Vec<Secret>>,
}

impl Model {
    /// A snapshot, and nothing beside it yet.
    pub fn of(snapshot: AppSnapshot) -> Self {
        Self { snapshot, ..Self::default() }
    }

    /// Takes in what the shell says; what is not for the state goes to the owner of the window.
    pub fn take(&mut self, said: ToWindow) -> Option<HostAsk> {
        match said {
            ToWindow::Snapshot(snapshot) => self.snapshot = *snapshot,
            ToWindow::Points { series, from, points } => self.series.entry(series).or_default().take(from, &points),
            ToWindow::Log { from, lines } => self.log.take(from, lines),
            ToWindow::Words { words } => self.words = words.filter(|words| words.len() <= MAX_WORDS),
            ToWindow::Show { screen } => return Some(HostAsk::Show(screen)),
            ToWindow::Raise => return Some(HostAsk::Raise),
            ToWindow::Bye => return Some(HostAsk::Close),
        }
        None
    }

    /// A chart's data; empty if nothing came yet.
    pub fn series(&self, series: Series) -> &Curve {
        static EMPTY: Curve = Curve::EMPTY;
        self.series.get(&series).unwrap_or(&EMPTY)
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The recovery words, while they are to be shown.
    pub fn words(&self) -> Option<&[Secret]> {
        self.words.as_deref()
    }

    /// Wipes the recovery words.
    pub fn forget_words(&mut self) {
        self.words = None;
    }
}

#[cfg(test)]
mod tests;
