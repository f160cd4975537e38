//! The headless twin's words: `covey ctl …` asks, the running app answers. One JSON object each way.
//!
//! No secret passes here: presses on wallet and wizard are refused, `covey-peer wallet` is their twin.

use serde::{Deserialize, Serialize};
use types::Problem;
use view_model::{Activity, AppSnapshot, Intent, Rehearsal, Screen, Settings};

/// What is asked.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ctl", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CtlRequest {
    /// The one sentence.
    Status,
    /// Start what is chosen.
    Start,
    /// Stop.
    Stop {
        /// At once instead of after the round.
        #[serde(default)]
        now: bool,
    },
    /// Pause.
    Pause {
        /// For so many seconds; none: until resumed.
        #[serde(default)]
        secs: Option<u64>,
    },
    /// Go on.
    Resume,
    /// Rehearse.
    Rehearse {
        /// Size.
        #[serde(default)]
        size: Rehearsal,
    },
    /// Open the window at a screen.
    Show {
        /// The screen.
        screen: Screen,
    },
    /// The settings in force.
    Settings,
    /// New settings, all of them.
    Set {
        /// They.
        settings: Box<Settings>,
    },
    /// Stop and end the program.
    Quit,
    /// Everything the window may show.
    Snapshot,
    /// Any press of the window but those with secrets.
    Do {
        /// It.
        intent: Box<Intent>,
    },
}

/// The answer.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CtlReply {
    /// Taken; how things stand now.
    Status {
        /// The one sentence.
        sentence: String,
        /// What is going on.
        activity: Activity,
        /// What stopping costs now.
        price: String,
    },
    /// The settings.
    Settings {
        /// They.
        settings: Box<Settings>,
    },
    /// Everything.
    Snapshot {
        /// It.
        snapshot: Box<AppSnapshot>,
    },
    /// Not taken.
    Refused {
        /// Why, and what to try.
        problem: Problem,
    },
}
