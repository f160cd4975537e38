//! Runs that are known: read, checked, copied, listed, forgotten.
//!
//! In: a run file or a run's folder, named by its path. Out: its card, and a copy in the data folder that no later change of
//! the original touches. A file that is no run is refused with its reason and leaves nothing behind. It joins nothing.
//! The link by which others join a run is made here from where its nodes are.

use crate::files::{read_bounded, write_atomic};
use crate::state::KnownRun;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use types::manifest::{Clock, MAX_MANIFEST_BYTES};
use types::{ByteCount, JoinLink, MAX_ADDRESSES, MAX_LINK_CHARS, Problem, RunManifest, SignedManifest};
use view_model::{Fit, RunCard, RunKind, Told, units};

/// Folder of runs in the data folder.
pub(crate) const RUNS: &str = "runs";
/// Name of the signed manifest in a run folder.
const RUN_FILE: &str = "run.json";
/// Name of the file that says where things are.
const PLACES_FILE: &str = "places.json";
/// Name of the file in which a seed keeps the run's link.
const LINK_FILE: &str = "link.txt";
/// Where a run came from.
const SOURCE_FILE: &str = "source.json";
/// A page each.
const MAX_PAGE_BYTES: u64 = 64 * 1024;
/// Runs that are listed.
const MAX_RUNS: usize = 200;
/// Bytes per parameter while training: parameters, gradient, two moments, the last agreed parameters and the error
/// feedback, 4 bytes each. What a batch takes comes on top.
const BYTES_PER_PARAMETER: u64 = 24;

#[derive(Serialize, Deserialize)]
struct Source {
    path: String,
}

/// What of `places.json` the app reads: where the run's nodes are. The rest is the peer's.
#[derive(Deserialize)]
struct Places {
    network: Option<NetworkPlaces>,
}

#[derive(Deserialize)]
struct NetworkPlaces {
    #[serde(default)]
    bootstrap: Vec<String>,
}

/// What a manifest says beside its card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct About {
    /// Seconds of a round; unknown where the clock waits for the peers.
    pub(crate) round_secs: Option<u64>,
    /// Inner steps of a round.
    pub(crate) inner_steps: u32,
    /// Validators that the run names.
    pub(crate) validators: u64,
    /// Bittensor's subnet, whose owner admits peers; none: the run's own ledger, where anybody registers.
    pub(crate) netuid: Option<u16>,
}

/// Adds the run behind a path; gives its card, and whether it was not on the list before.
pub(crate) fn add(data_dir: &Path, path: &Path) -> Result<(KnownRun, bool), Problem> {
    let (file, beside) = match path.is_dir() {
        true => (path.join(RUN_FILE), path.to_owned()),
        false => (path.to_owned(), path.parent().map(Path::to_owned).unwrap_or_default()),
    };
    let bytes = read_bounded(&file, MAX_MANIFEST_BYTES as u64).map_err(|why| not_read(&why))?;
    let signed = SignedManifest::from_bytes(&bytes).map_err(|why| no_run(&why))?;
    // Only a file with the folder's own name has its places beside it.
    let has_name = file.file_name().is_some_and(|name| name == RUN_FILE);
    let places = has_name.then(|| read_bounded(&beside.join(PLACES_FILE), MAX_PAGE_BYTES).ok()).flatten();
    let places = places.filter(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|v| v.is_object()));
    let folder = data_dir.join(RUNS).join(signed.manifest.id().to_string());
    let new = read(&folder).is_none();
    let put = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        if let Some(places) = &places {
            write_atomic(&folder.join(PLACES_FILE), places)?;
        }
        came_from(&folder, &path.to_string_lossy())?;
        // The run's own file last: a folder without it is no run.
        write_atomic(&folder.join(RUN_FILE), &bytes)
    };
    put().map_err(|why| not_kept(&why))?;
    let known = read(&folder).ok_or_else(|| not_kept(&std::io::Error::other("the copy does not read")))?;
    Ok((known, new))
}

/// Writes down where a run of the list came from: a path or a link.
pub(crate) fn came_from(folder: &Path, source: &str) -> std::io::Result<()> {
    write_atomic(&folder.join(SOURCE_FILE), &serde_json::to_vec(&Source { path: source.to_owned() })?)
}

/// Every run that is known, by name.
pub(crate) fn list(data_dir: &Path) -> Vec<KnownRun> {
    let Ok(folders) = std::fs::read_dir(data_dir.join(RUNS)) else { return Vec::new() };
    let folders = folders.take(MAX_RUNS).filter_map(Result::ok);
    let mut runs: Vec<KnownRun> = folders.filter_map(|folder| read(&folder.path())).collect();
    runs.sort_by(|a, b| (&a.card.name, &a.card.id).cmp(&(&b.card.name, &b.card.id)));
    runs
}

/// Takes a run off the list. What was trained in it stays, renamed aside, until somebody removes it.
pub(crate) fn forget(data_dir: &Path, id: &str) -> std::io::Result<()> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(());
    }
    let folder = data_dir.join(RUNS).join(id);
    match std::fs::remove_file(folder.join(RUN_FILE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for file in [SOURCE_FILE, PLACES_FILE] {
        let _ = std::fs::remove_file(folder.join(file));
    }
    // Only if nothing of the peer's is in it.
    let _ = std::fs::remove_dir(&folder);
    Ok(())
}

/// The run in a folder of the list.
pub(crate) fn read(folder: &Path) -> Option<KnownRun> {
    let bytes = read_bounded(&folder.join(RUN_FILE), MAX_MANIFEST_BYTES as u64).ok()?;
    let SignedManifest { manifest, founder, .. } = SignedManifest::from_bytes(&bytes).ok()?;
    let id = manifest.id().to_string();
    // A folder that was renamed by hand would be trained in under a wrong name.
    (folder.file_name()?.to_str()? == id).then_some(())?;
    let source = read_bounded(&folder.join(SOURCE_FILE), MAX_PAGE_BYTES).ok();
    let source = source.and_then(|bytes| serde_json::from_slice::<Source>(&bytes).ok()).map(|source| source.path);
    let pays = match &manifest.chain.subtensor {
        Some(subtensor) => Told::new("run-pays-subnet").with("netuid", subtensor.netuid.to_string()),
        None => Told::new("run-pays-ledger"),
    };
    let card = RunCard {
        id,
        name: manifest.name.clone(),
        kind: RunKind::Shared,
        model_params: Some(manifest.model.parameter_count()),
        tokens_done: None,
        peers: None,
        round: None,
        pays,
        fit: Fit::Unknown,
        chosen: false,
        suggested: None,
        live: false,
        founder: Some(founder.ss58()),
        link: link(folder, &manifest),
        source,
    };
    let about = about(&manifest);
    Some(KnownRun { card, about, has_places: folder.join(PLACES_FILE).is_file() })
}

fn about(manifest: &RunManifest) -> About {
    let round_secs = match manifest.chain.clock {
        Clock::Interval { block_ms } => Some(manifest.rounds.blocks.saturating_mul(block_ms) / 1000),
        Clock::Paced { .. } => None,
    };
    About {
        round_secs,
        inner_steps: manifest.inner.steps,
        validators: manifest.chain.validators.len() as u64,
        netuid: manifest.chain.subtensor.as_ref().map(|subtensor| subtensor.netuid),
    }
}

/// The link by which others join, if it is written down where the run's nodes are.
fn link(folder: &Path, manifest: &RunManifest) -> Option<String> {
    // The one that a seed on this machine keeps names where that seed is.
    let kept = read_bounded(&folder.join(LINK_FILE), MAX_LINK_CHARS as u64 + 1).ok();
    let kept = kept.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<JoinLink>().ok());
    if let Some(link) = kept.filter(|link| link.run == manifest.id()) {
        return Some(link.to_string());
    }
    let bytes = read_bounded(&folder.join(PLACES_FILE), MAX_PAGE_BYTES).ok()?;
    let mut bootstrap = serde_json::from_slice::<Places>(&bytes).ok()?.network?.bootstrap;
    bootstrap.truncate(MAX_ADDRESSES);
    Some(JoinLink::new(manifest.id(), bootstrap).ok()?.to_string())
}

/// Whether a model of so many parameters fits into so much memory: a plain estimate, said as one.
pub(crate) fn fit(parameters: u64, memory: Option<ByteCount>) -> Fit {
    let need = ByteCount(parameters.saturating_mul(BYTES_PER_PARAMETER));
    let Some(have) = memory else { return Fit::Unknown };
    let told = |key: &str| Told::new(key).with("need", units::memory(need)).with("have", units::memory(have));
    if need <= have { Fit::Fits(told("run-fits")) } else { Fit::DoesNotFit(told("run-fits-not")) }
}

/// The path that somebody named, as a file manager gives it or as it was typed.
pub(crate) fn path_of(source: &str) -> Result<PathBuf, Problem> {
    let source = source.trim().trim_matches('"');
    let path = source.strip_prefix("file://").unwrap_or(source);
    if path.is_empty() || path.contains('\0') {
        return Err(Problem::new("run_source", "This is neither a path nor a link of a run", "Choose a run file."));
    }
    Ok(PathBuf::from(path))
}

fn not_read(why: &std::io::Error) -> Problem {
    Problem::new("run_unreadable", format!("The run file cannot be read: {why}"), "Choose another file.")
}

fn no_run(why: &types::ManifestError) -> Problem {
    let why: String = why.to_string().chars().take(300).collect();
    Problem::new(
        "run_invalid",
        format!("This file is no run that this build can join: {why}"),
        "Ask for the run file anew.",
    )
}

/// A run that cannot be written to the data folder.
pub(crate) fn not_kept(why: &std::io::Error) -> Problem {
    Problem::new("run_not_kept", format!("The run cannot be kept: {why}"), "Make room on the disk of the data folder.")
}

#[cfg(test)]
mod tests;
