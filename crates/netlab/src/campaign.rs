//! The experiments: each builds a lab, runs real programs in it, and comes to a [`Report`].
//!
//! In: a name, the programs, a work folder. Out: a report, or why there is none. Whatever happens, the lab is gone
//! afterwards; logs stay in the work folder.

mod founded;
mod home_lines;
mod nat;
mod node;
mod payload;
mod uplink;
mod wire_churn;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::LabError;
use crate::report::Report;

/// How often waiting things are looked at.
const TICK: Duration = Duration::from_millis(100);

/// What an experiment needs.
#[derive(Debug, Clone)]
pub struct Bench {
    /// `covey-peer`.
    pub peer_program: PathBuf,
    /// Folder for keys, run folders and logs; emptied first.
    pub work: PathBuf,
    /// Rounds to go instead of the experiment's own number: for trying.
    pub rounds: Option<u64>,
    /// Raised when it should end.
    pub stop: Arc<AtomicBool>,
}

/// Why an experiment came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CampaignError {
    /// The lab.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// No such experiment.
    #[error("{0:?} is no campaign of the lab; there are: home-lines wire-churn nat uplink payload-1b")]
    Unknown(String),
    /// Something that had to happen did not.
    #[error("{what} did not happen within {secs} s{}", words(.last))]
    Late {
        /// What.
        what: String,
        /// The patience.
        secs: u64,
        /// What the program wrote last to standard error.
        last: String,
    },
    /// Interrupted.
    #[error("interrupted")]
    Interrupted,
}

fn words(last: &str) -> String {
    if last.is_empty() { String::new() } else { format!("; last words: {last}") }
}

/// Runs one.
///
/// # Errors
/// [`CampaignError`].
pub fn run(name: &str, bench: &Bench) -> Result<Report, CampaignError> {
    match name {
        "home-lines" => home_lines::run(bench),
        "wire-churn" => wire_churn::run(bench),
        "nat" => nat::run(bench),
        "uplink" => uplink::run(bench),
        "payload-1b" => payload::run(bench),
        other => Err(CampaignError::Unknown(other.to_owned())),
    }
}

impl Bench {
    /// An empty folder for one part.
    pub(crate) fn fresh(&self, part: &str) -> Result<PathBuf, LabError> {
        let dir = self.work.join(part);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).map_err(LabError::io(format!("empty {}", dir.display())))?;
        }
        std::fs::create_dir_all(&dir).map_err(LabError::io(format!("make {}", dir.display())))?;
        std::path::absolute(&dir).map_err(LabError::io("find the work folder"))
    }

    /// Looks again and again until something is there; `None` when the time is over.
    pub(crate) fn wait<T>(
        &self,
        patience: Duration,
        mut look: impl FnMut() -> Result<Option<T>, CampaignError>,
    ) -> Result<Option<T>, CampaignError> {
        let until = Instant::now() + patience;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(CampaignError::Interrupted);
            }
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            if Instant::now() > until {
                return Ok(None);
            }
            std::thread::sleep(TICK);
        }
    }
}
