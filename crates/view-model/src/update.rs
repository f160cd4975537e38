//! New versions, as the window shows them.
//!
//! In: plain facts of the app. Out: values for a card with one button.

use crate::engine::EngineFetch;
use serde::{Deserialize, Serialize};
use types::{ByteCount, Problem};

/// New versions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct UpdateView {
    /// Where it stands.
    pub state: UpdateState,
    /// Key of what to do instead, where a package manager owns the programs.
    pub hint: Option<String>,
    /// The version that can be gone back to.
    pub previous: Option<String>,
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum UpdateState {
    /// Not looked yet, or switched off.
    #[default]
    Unknown,
    /// It is being looked.
    Looking,
    /// This is the newest.
    Newest,
    /// There is a newer one.
    Offered(UpdateOffer),
    /// It comes.
    Fetching {
        /// Which.
        offer: UpdateOffer,
        /// How far it is.
        fetch: EngineFetch,
    },
    /// It is here, and is put in after the running round, or after a press.
    Staged {
        /// Which.
        version: String,
        /// It was pressed, or goes by itself.
        soon: bool,
    },
    /// It could not be had.
    Failed(Problem),
}

/// A newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateOffer {
    /// Which.
    pub version: String,
    /// Bytes to fetch.
    pub download: ByteCount,
    /// Bytes that the programs take more on the disk than now; negative: less.
    pub grows: i64,
    /// What is new.
    pub notes: String,
}
