//! What a person is told when something is wrong: what happened, what to try, at most one button.
//!
//! In: the facts of an error. Out: a `Problem` the app, the tray and the terminal show in the same words.
//! It carries no error chain; that goes to the log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The one thing a person can do about a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemAction {
    /// Run this command.
    Command(String),
    /// Try again.
    Retry,
    /// Open this page.
    Open(String),
}

/// A problem in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable code, for example `disk_full`.
    pub code: String,
    /// What happened, in one line.
    pub title: String,
    /// What to try, in one or two sentences.
    pub hint: String,
    /// One action, if there is one.
    pub action: Option<ProblemAction>,
}

impl Problem {
    /// A problem without a button.
    pub fn new(code: &str, title: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: code.to_owned(), title: title.into(), hint: hint.into(), action: None }
    }

    /// The same problem with one action.
    #[must_use]
    pub fn with_action(mut self, action: ProblemAction) -> Self {
        self.action = Some(action);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {} [{}]", self.title, self.hint, self.code)
    }
}

impl std::error::Error for Problem {}
