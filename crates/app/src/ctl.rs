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
    /// A link or file that was given to a second start of the program: shown, and nothing else before a press.
    Open {
        /// Link or path.
        source: String,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What `covey ctl` of another version sends: changing a line here breaks scripts.
    #[test]
    fn requests_read_as_they_always_did() {
        let golden = [
            (r#"{"ctl":"status"}"#, CtlRequest::Status),
            (r#"{"ctl":"start"}"#, CtlRequest::Start),
            (r#"{"ctl":"stop"}"#, CtlRequest::Stop { now: false }),
            (r#"{"ctl":"stop","now":true}"#, CtlRequest::Stop { now: true }),
            (r#"{"ctl":"pause"}"#, CtlRequest::Pause { secs: None }),
            (r#"{"ctl":"pause","secs":900}"#, CtlRequest::Pause { secs: Some(900) }),
            (r#"{"ctl":"resume"}"#, CtlRequest::Resume),
            (r#"{"ctl":"show","screen":"earnings"}"#, CtlRequest::Show { screen: Screen::Earnings }),
            (r#"{"ctl":"open","source":"covey://join/ab"}"#, CtlRequest::Open { source: "covey://join/ab".to_owned() }),
            (r#"{"ctl":"settings"}"#, CtlRequest::Settings),
            (r#"{"ctl":"quit"}"#, CtlRequest::Quit),
            (r#"{"ctl":"snapshot"}"#, CtlRequest::Snapshot),
            (
                r#"{"ctl":"do","intent":{"intent":"rescan_gpus"}}"#,
                CtlRequest::Do { intent: Box::new(Intent::RescanGpus) },
            ),
        ];
        for (text, request) in golden {
            assert_eq!(serde_json::from_str::<CtlRequest>(text).unwrap(), request, "{text}");
        }
        let reply = CtlReply::Status { sentence: "Not running".into(), activity: Activity::Idle, price: "-".into() };
        let text = r#"{"reply":"status","sentence":"Not running","activity":{"activity":"idle"},"price":"-"}"#;
        assert_eq!(serde_json::to_string(&reply).unwrap(), text);
    }
}
