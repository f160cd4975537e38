//! Where new versions and engines come from, and who may say so: what a build was made with.
//!
//! In: two values of the build. Out: [`Release`]. A build from source has none of them: it asks nobody and takes nothing.

use std::path::PathBuf;
use update::belief::Judge;
use update::health::Start;
use update::install::Install;
use update::keys::{KeyError, ReleaseKeys};
use update::place::Source;
use update::signed::Purpose;
use update::trust::TrustFile;

/// Folders on servers, separated by commas; each has the descriptions [`PACKS`] and [`UPDATES`].
const SERVERS: Option<&str> = option_env!("COVEY_RELEASE_SERVERS");
/// The signed description of engines.
pub(crate) const PACKS: &str = "packs.json";
/// The signed description of versions.
pub(crate) const UPDATES: &str = "updates.json";

/// What the app is told about releases.
#[derive(Debug, Clone)]
pub struct Release {
    /// The keys that sign.
    pub keys: Result<ReleaseKeys, KeyError>,
    /// Addresses of folders with descriptions.
    pub servers: Vec<String>,
    /// How the programs came to this machine.
    pub install: Install,
    /// What this start found of an update.
    pub start: Start,
    /// A folder that may hold a signed description beside the programs, for installations without a network.
    pub beside: Option<PathBuf>,
}

impl Release {
    /// What this build was made with, as installed here.
    pub fn built_in(start: Start) -> Self {
        let servers = SERVERS.unwrap_or_default().split(',').map(str::trim).filter(|server| !server.is_empty());
        let beside = std::env::current_exe().ok().and_then(|program| program.parent().map(ToOwned::to_owned));
        Self {
            keys: ReleaseKeys::built_in(),
            servers: servers.map(str::to_owned).collect(),
            install: Install::of_this_program(),
            start,
            beside,
        }
    }

    /// Nobody to ask: a build from source, and most tests.
    pub fn none() -> Self {
        let keys = Err(KeyError::NoKeys);
        Self { keys, servers: Vec::new(), install: Install::System, start: Start::Plain, beside: None }
    }

    /// The description of this name on each server.
    pub(crate) fn sources(&self, name: &str) -> Vec<Source> {
        let at = |server: &String| Source::parse(&format!("{}/{name}", server.trim_end_matches('/'))).ok();
        self.servers.iter().filter_map(at).collect()
    }

    /// Judges descriptions of a purpose by what was believed before.
    pub(crate) fn judge<'a>(&'a self, purpose: Purpose, trust: &'a TrustFile) -> Result<Judge<'a>, KeyError> {
        let keys = self.keys.as_ref().map_err(Clone::clone)?;
        Ok(Judge { purpose, keys, trust })
    }
}
