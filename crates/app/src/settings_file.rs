//! Settings and session on disk.
//!
//! In: two JSON files in the data folder, hostile: people edit the one, disks spoil both. Out: settings and a session in any
//! case. A file that does not read is put aside as `.bad` with a problem in words, and the defaults hold; one of a newer
//! program is left alone, and nothing is written over it.

use crate::files::{beside, read_bounded, write_atomic};
use crate::session::{SESSION_VERSION, Session};
use crate::state::sensible;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use types::Problem;
use view_model::Settings;

/// A page of settings; a list of programs may make it longer.
const MAX_SETTINGS_BYTES: u64 = 256 * 1024;
/// Two months of days, thirty of spans, 500 rounds for each of 32 books.
const MAX_SESSION_BYTES: u64 = 8 * 1024 * 1024;
/// Version of the settings' file.
const VERSION: u64 = 1;

const SETTINGS: &str = "settings.json";
const SESSION: &str = "session.json";

/// The two files.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    /// The settings are a newer program's: nothing is written over them.
    newer: bool,
}

#[derive(Serialize, Deserialize)]
struct Versioned {
    version: u64,
    #[serde(flatten)]
    settings: Settings,
}

/// What stood on disk.
pub(crate) struct Read {
    pub(crate) files: Files,
    pub(crate) settings: Settings,
    pub(crate) session: Session,
    pub(crate) problems: Vec<Problem>,
}

impl Files {
    /// Reads both files of a folder.
    pub(crate) fn read(folder: &Path) -> Read {
        let mut problems = Vec::new();
        let mut files = Self { folder: folder.to_owned(), newer: false };
        let settings = files.settings(&mut problems);
        let session = files.session(&mut problems);
        Read { files, settings, session, problems }
    }

    fn settings(&mut self, problems: &mut Vec<Problem>) -> Settings {
        let path = self.folder.join(SETTINGS);
        let Some(bytes) = self.bytes(&path, MAX_SETTINGS_BYTES, problems) else { return Settings::default() };
        match parse(&bytes) {
            Ok(settings) => sensible(settings),
            Err(Unreadable::Newer(version)) => {
                self.newer = true;
                problems.push(newer(version));
                Settings::default()
            }
            Err(Unreadable::Bad(why)) => {
                problems.push(put_aside(&path, &why));
                Settings::default()
            }
        }
    }

    fn session(&self, problems: &mut Vec<Problem>) -> Session {
        let path = self.folder.join(SESSION);
        let Some(bytes) = self.bytes(&path, MAX_SESSION_BYTES, problems) else { return Session::default() };
        match serde_json::from_slice::<Session>(&bytes) {
            Ok(session) if session.version <= SESSION_VERSION => session,
            Ok(_) => Session::default(),
            Err(why) => {
                problems.push(put_aside(&path, &why.to_string()));
                Session::default()
            }
        }
    }

    /// `None` if there is no such file, or none that may be read.
    fn bytes(&self, path: &Path, max: u64, problems: &mut Vec<Problem>) -> Option<Vec<u8>> {
        match read_bounded(path, max) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                problems.push(put_aside(path, &error.to_string()));
                None
            }
        }
    }

    /// Writes the settings.
    pub(crate) fn save_settings(&self, settings: &Settings) -> io::Result<()> {
        if self.newer {
            return Ok(());
        }
        let versioned = Versioned { version: VERSION, settings: settings.clone() };
        let mut bytes = serde_json::to_vec_pretty(&versioned)?;
        bytes.push(b'\n');
        write_atomic(&self.folder.join(SETTINGS), &bytes)
    }

    /// Writes the session.
    pub(crate) fn save_session(&self, session: &Session) -> io::Result<()> {
        write_atomic(&self.folder.join(SESSION), &serde_json::to_vec(session)?)
    }
}

enum Unreadable {
    Newer(u64),
    Bad(String),
}

/// Reads settings of this version or migrates older ones.
fn parse(bytes: &[u8]) -> Result<Settings, Unreadable> {
    let bad = |why: serde_json::Error| Unreadable::Bad(why.to_string());
    let mut value: Value = serde_json::from_slice(bytes).map_err(bad)?;
    let Some(map) = value.as_object_mut() else {
        return Err(Unreadable::Bad("it is no JSON object".to_owned()));
    };
    // Written by hand, a file need not say its version.
    let version = map.remove("version").map_or(Some(VERSION), |version| version.as_u64());
    match version {
        None => return Err(Unreadable::Bad("its version is no number".to_owned())),
        Some(version) if version > VERSION => return Err(Unreadable::Newer(version)),
        Some(0) => migrate_from_0(map),
        Some(_) => {}
    }
    serde_json::from_value(value).map_err(bad)
}

/// Version 0 had the autostart switch and the language at the top.
fn migrate_from_0(map: &mut serde_json::Map<String, Value>) {
    let mut moved = |name: &str, to: &str| {
        if let Some(value) = map.remove(name) {
            let group = map.entry(to.to_owned()).or_insert_with(|| Value::Object(serde_json::Map::new()));
            if let Some(group) = group.as_object_mut() {
                group.entry(name.to_owned()).or_insert(value);
            }
        }
    };
    moved("autostart", "behaviour");
    moved("language", "look");
}

fn put_aside(path: &Path, why: &str) -> Problem {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bad = beside(path, "bad");
    let kept = std::fs::rename(path, &bad).is_ok();
    let why: String = why.chars().take(200).collect();
    let hint = match kept {
        true => format!("The defaults are in force. The old file is kept as {}.", bad.display()),
        false => "The defaults are in force. The file could not be put aside.".to_owned(),
    };
    Problem::new("settings_bad", format!("{name} does not read: {why}"), hint)
}

fn newer(version: u64) -> Problem {
    Problem::new(
        "settings_newer",
        format!("The settings are of a newer Covey (version {version})"),
        "The defaults are in force, and changes are not kept. Update this program.",
    )
}

#[cfg(test)]
mod tests;
