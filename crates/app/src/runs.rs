//! Runs that are known: read, checked, copied, listed, forgotten.
//!
//! In: a run file or a run's folder, named by its path. Out: its card, and a copy in the data folder that no later change of
//! the original touches. A file that is no run is refused with its reason and leaves nothing behind. It joins nothing.

use crate::files::{read_bounded, write_atomic};
use crate::state::KnownRun;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use types::manifest::MAX_MANIFEST_BYTES;
use types::{ByteCount, Problem, SignedManifest};
use view_model::{Fit, RunCard, RunKind, Told, units};

/// Folder of runs in the data folder.
pub(crate) const RUNS: &str = "runs";
/// Name of the signed manifest in a run folder.
const RUN_FILE: &str = "run.json";
/// Name of the file that says where things are.
const PLACES_FILE: &str = "places.json";
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

/// Adds the run behind a path or link; gives its card.
pub(crate) fn add(data_dir: &Path, source: &str) -> Result<KnownRun, Problem> {
    let path = path_of(source)?;
    let (file, beside) = match path.is_dir() {
        true => (path.join(RUN_FILE), path.clone()),
        false => (path.clone(), path.parent().map(Path::to_owned).unwrap_or_default()),
    };
    let bytes = read_bounded(&file, MAX_MANIFEST_BYTES as u64).map_err(|why| not_read(&why))?;
    let signed = SignedManifest::from_bytes(&bytes).map_err(|why| no_run(&why))?;
    // Only a file with the folder's own name has its places beside it.
    let has_name = file.file_name().is_some_and(|name| name == RUN_FILE);
    let places = has_name.then(|| read_bounded(&beside.join(PLACES_FILE), MAX_PAGE_BYTES).ok()).flatten();
    let places = places.filter(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|v| v.is_object()));
    let folder = data_dir.join(RUNS).join(signed.manifest.id().to_string());
    let source = Source { path: path.to_string_lossy().into_owned() };
    let put = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        if let Some(places) = &places {
            write_atomic(&folder.join(PLACES_FILE), places)?;
        }
        write_atomic(&folder.join(SOURCE_FILE), &serde_json::to_vec(&source)?)?;
        // The run's own file last: a folder without it is no run.
        write_atomic(&folder.join(RUN_FILE), &bytes)
    };
    put().map_err(|why| not_kept(&why))?;
    read(&folder).ok_or_else(|| not_kept(&std::io::Error::other("the copy does not read")))
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

fn read(folder: &Path) -> Option<KnownRun> {
    let bytes = read_bounded(&folder.join(RUN_FILE), MAX_MANIFEST_BYTES as u64).ok()?;
    let manifest = SignedManifest::from_bytes(&bytes).ok()?.manifest;
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
        source,
    };
    Some(KnownRun { card, has_places: folder.join(PLACES_FILE).is_file() })
}

/// Whether a model of so many parameters fits into so much memory: a plain estimate, said as one.
pub(crate) fn fit(parameters: u64, memory: Option<ByteCount>) -> Fit {
    let need = ByteCount(parameters.saturating_mul(BYTES_PER_PARAMETER));
    let Some(have) = memory else { return Fit::Unknown };
    let told = |key: &str| Told::new(key).with("need", units::memory(need)).with("have", units::memory(have));
    if need <= have { Fit::Fits(told("run-fits")) } else { Fit::DoesNotFit(told("run-fits-not")) }
}

fn path_of(source: &str) -> Result<PathBuf, Problem> {
    let source = source.trim().trim_matches('"');
    if source.to_ascii_lowercase().starts_with("covey:") {
        return Err(Problem::new(
            "run_link",
            "This build joins runs by their file, not by a link",
            "Ask for the run file, or open its folder.",
        ));
    }
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

fn not_kept(why: &std::io::Error) -> Problem {
    Problem::new("run_not_kept", format!("The run cannot be kept: {why}"), "Make room on the disk of the data folder.")
}

#[cfg(test)]
mod tests;
