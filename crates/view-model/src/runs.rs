//! The Runs screen: runs that are known, and the one that is being looked at before it is joined.
//!
//! Nothing in here starts anything. A run that was looked at is on the list; only a press joins it.

use crate::app_snapshot::Told;
use crate::snapshot::RunKind;
use serde::{Deserialize, Serialize};
use types::{ByteCount, Problem};

/// A run on the Runs screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunCard {
    /// What names it in an intent: the run id in hex, or `rehearsal`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Rehearsal or shared.
    pub kind: RunKind,
    /// Parameters of its model.
    pub model_params: Option<u64>,
    /// Tokens done.
    pub tokens_done: Option<u64>,
    /// Peers now.
    pub peers: Option<u32>,
    /// Rounds done and of how many.
    pub round: Option<u64>,
    /// Whether it pays; the key of the sentence and its figures.
    pub pays: Told,
    /// Whether this computer can take part.
    pub fit: Fit,
    /// Chosen as the one that Start starts.
    pub chosen: bool,
    /// The best of those that fit, and why in a sentence; for one run at most.
    pub suggested: Option<Told>,
    /// It runs on this computer now.
    pub live: bool,
    /// Who founded it (SS58).
    pub founder: Option<String>,
    /// The link by which others join it, if its places are known.
    pub link: Option<String>,
    /// Where its file came from.
    pub source: Option<String>,
}

/// Whether a run fits this computer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "fit", rename_all = "snake_case")]
pub enum Fit {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// It fits; the figures.
    Fits(Told),
    /// It does not; why.
    DoesNotFit(Told),
}

/// A run that is being looked at before it is joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JoinView {
    /// The link or path it came from.
    pub source: String,
    /// How far that is.
    pub state: JoinState,
}

/// How far looking at a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "join", rename_all = "snake_case")]
pub enum JoinState {
    /// It came from outside the window; nobody was asked and no file was read yet.
    Given {
        /// The run's id in hex, if it is a link.
        run: Option<String>,
        /// Addresses that would be asked.
        addresses: Vec<String>,
    },
    /// It is being looked at.
    Looking,
    /// What it is.
    Found(Box<JoinFacts>),
    /// Why it cannot be joined.
    Failed(Problem),
}

/// A run's facts before it is joined.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct JoinFacts {
    /// The run's id in hex.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who founded it (SS58).
    pub founder: String,
    /// Parameters of its model.
    pub model_params: u64,
    /// Seconds of a round; unknown where the clock waits for the peers.
    pub round_secs: Option<u64>,
    /// Inner steps of a round.
    pub inner_steps: u32,
    /// Validators that the run names.
    pub validators: u64,
    /// What it pays.
    pub pays: Told,
    /// Whether it fits this computer.
    pub fit: Fit,
    /// Room that it needs on the disk, if that was worked out.
    pub disk: Option<ByteCount>,
    /// Text that is downloaded first, if anybody said how much.
    pub dataset: Option<ByteCount>,
    /// Parameters that are downloaded first, at most: four bytes each.
    pub checkpoint: ByteCount,
    /// Largest upload of a round, if that was worked out.
    pub upload: Option<ByteCount>,
    /// Who may join, and who admits them.
    pub admission: Told,
    /// Whether it is known where the run's other computers are, so that it can be started.
    pub startable: bool,
}
