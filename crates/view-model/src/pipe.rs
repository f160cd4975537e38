//! The lines between shell and window, one JSON value a line, over the window's standard streams.
//!
//! The shell is the only one with state. A window that comes up is sent everything; later only what changed.

use crate::app_snapshot::AppSnapshot;
use crate::intent::Intent;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};

/// Longest line each way, in bytes. A series of 100,000 points is sent in pieces.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// Most points in one [`ToWindow::Points`].
pub const MAX_POINTS_PER_LINE: usize = 10_000;

/// What the shell tells the window.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum ToWindow {
    /// Everything but series, log and words.
    Snapshot(Box<AppSnapshot>),
    /// More points of a series; `from` 0 begins it anew.
    Points {
        /// Which.
        series: Series,
        /// Index of the first point here.
        from: u64,
        /// Pairs of x and y. x: milliseconds since the Unix epoch, or the round for the losses by round.
        points: Vec<[f64; 2]>,
    },
    /// More lines of the log.
    Log {
        /// Index of the first line here; 0 begins it anew.
        from: u64,
        /// Lines.
        lines: Vec<LogLine>,
    },
    /// The recovery words, to be shown until the step ends; none: wipe them.
    Words {
        /// Word by word.
        words: Option<Vec<Secret>>,
    },
    /// Go to a screen.
    Show {
        /// Which.
        screen: Screen,
    },
    /// Come to the front.
    Raise,
    /// The program ends.
    Bye,
}

/// What the window tells the shell.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum FromWindow {
    /// The first frame is painted; after how many milliseconds, and by what.
    Painted {
        /// Milliseconds since the window process started.
        after_ms: u64,
        /// The adapter's name and backend.
        adapter: String,
    },
    /// A press.
    Intent(Intent),
}

/// A chart's data; bounded to [`MAX_SERIES_POINTS`], the oldest go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// Training loss of this computer by time.
    Loss,
    /// Held-out loss of the run by round.
    RunLoss,
    /// Tokens per second by time.
    TokensPerSec,
    /// Learning rate by time.
    LearningRate,
    /// Gradient norm by time.
    GradNorm,
    /// Temperature of the hottest card by time.
    Temperature,
    /// Watts of all cards by time.
    Power,
    /// Utilisation of the cards, percent, by time.
    Utilisation,
    /// Bytes per second up by time.
    Upload,
    /// Bytes per second down by time.
    Download,
}

/// Most points kept of a series.
pub const MAX_SERIES_POINTS: usize = 100_000;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at_ms: u64,
    /// How important.
    pub level: LogLevel,
    /// Who.
    pub who: String,
    /// What.
    pub text: String,
}

/// Importance of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For developers.
    Debug,
    /// For the curious.
    Info,
    /// Something to look at.
    Warn,
    /// Something is broken.
    Error,
}

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// What is going on.
    #[default]
    Home,
    /// The model and my part in it.
    Training,
    /// What it brought.
    Earnings,
    /// The others.
    Network,
    /// Runs to join.
    Runs,
    /// Keys.
    Wallet,
    /// Choices.
    Settings,
    /// What is wrong, and what to do.
    Help,
}

impl Screen {
    /// All, in the order of the side bar.
    pub const ALL: [Self; 8] = [
        Self::Home,
        Self::Training,
        Self::Earnings,
        Self::Network,
        Self::Runs,
        Self::Wallet,
        Self::Settings,
        Self::Help,
    ];

    /// The key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Home => "screen-home",
            Self::Training => "screen-training",
            Self::Earnings => "screen-earnings",
            Self::Network => "screen-network",
            Self::Runs => "screen-runs",
            Self::Wallet => "screen-wallet",
            Self::Settings => "screen-settings",
            Self::Help => "screen-help",
        }
    }
}

#[cfg(test)]
mod tests;
