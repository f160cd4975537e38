//! What is remembered from one start of the app to the next.

use crate::state::{Books, Given, Job, Months, Pressed};
use serde::{Deserialize, Serialize};
use view_model::{CrashCause, UptimeSpan};

/// Version of the file.
pub(crate) const SESSION_VERSION: u32 = 1;
/// Crashes that are kept.
pub(crate) const MAX_CRASHES: usize = 100;

/// The session. A field that is missing has its default, one that is unknown is passed over: an older program may read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Session {
    pub(crate) version: u32,
    /// What ran.
    pub(crate) job: Option<Job>,
    /// The user's pause.
    pub(crate) pause: Option<Pressed>,
    pub(crate) uptime: Vec<UptimeSpan>,
    pub(crate) notices: Given,
    pub(crate) books: Books,
    pub(crate) crashes: Vec<Crash>,
    /// Volume by month.
    pub(crate) months: Months,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            version: SESSION_VERSION,
            job: None,
            pause: None,
            uptime: Vec::new(),
            notices: Given::default(),
            books: Books::default(),
            crashes: Vec::new(),
            months: Months::default(),
        }
    }
}

/// An end of the peer by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Crash {
    pub(crate) at_ms: u64,
    pub(crate) cause: CrashCause,
}
