//! A new pair of programs beside the old one, whole and checked, before anything is replaced.
//!
//! In: a fetched archive and the release it belongs to. Out: the folder `staged` with both programs and a note of what they
//! are; it appears by one rename, when all of it is on the disk. Refused: a program that is not byte by byte what was signed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use self_update::Extract;
use serde::{Deserialize, Serialize};

use crate::describe::kind;
use crate::limits::{DISK_SLACK_BYTES, MAX_NOTE_BYTES, SMOKE_TIME};
use crate::manifest::{PROGRAMS, Release};
use crate::whole_file::{read_bounded, remove, sync_folder};

/// Folder of everything about updates, beside the programs: on the same disk, so that a rename is enough.
pub const WORK: &str = ".covey-update";
/// The new pair.
const STAGED: &str = "staged";
/// What a pair is.
const NOTE: &str = "release.json";

/// The folder that both programs lie in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

/// What a pair of programs is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Version.
    pub version: String,
    /// Name, bytes and BLAKE3 of each program.
    pub programs: Vec<Known>,
}

/// A program as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// One of [`PROGRAMS`].
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3 in hex.
    pub blake3: String,
}

/// Why a release cannot be staged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// It does not unpack.
    #[error("the archive of the new version does not unpack: {0}")]
    Unpack(String),
    /// A program is not what was signed.
    #[error("{0} in the archive is not what was signed")]
    Program(String),
    /// No room.
    #[error("the new version needs {need} bytes of free disk, and there are {free}")]
    Disk {
        /// Bytes needed.
        need: u64,
        /// Bytes there are.
        free: u64,
    },
    /// A new program does not start here.
    #[error("{program} of the new version does not start on this computer: {why}")]
    Smoke {
        /// Which.
        program: String,
        /// What it said.
        why: String,
    },
    /// The disk.
    #[error("cannot read or write beside the programs: {0}")]
    Io(#[from] io::Error),
}

impl Home {
    /// The folder of both programs.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// A program that runs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join(file_name(name))
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    pub(crate) fn work(&self, name: &str) -> PathBuf {
        self.0.join(WORK).join(name)
    }

    /// Where an archive is fetched to.
    pub fn archive(&self, release: &Release) -> PathBuf {
        self.work("fetch").join(&release.archive.file)
    }

    /// A staged program.
    pub fn staged_program(&self, name: &str) -> PathBuf {
        self.work(STAGED).join(file_name(name))
    }

    /// The pair that is staged, if all of it is there and right.
    ///
    /// # Errors
    /// The operating system's.
    pub fn staged(&self) -> io::Result<Option<Pair>> {
        whole_pair(&self.work(STAGED))
    }

    /// Forgets whatever is fetched or staged.
    ///
    /// # Errors
    /// The operating system's.
    pub fn clear_staged(&self) -> io::Result<()> {
        remove(&self.work(STAGED))?;
        remove(&self.work("fetch"))
    }

    /// Unpacks both programs of a fetched archive and checks them.
    ///
    /// # Errors
    /// [`StageError`]; then nothing is staged.
    pub fn stage(&self, release: &Release) -> Result<Pair, StageError> {
        let new = self.work("staging");
        remove(&new)?;
        let pair = self.unpack(release, &new).inspect_err(|_| {
            let _ = remove(&new);
        })?;
        remove(&self.work(STAGED))?;
        fs::rename(&new, self.work(STAGED))?;
        sync_folder(&self.work(STAGED))?;
        remove(&self.work("fetch"))?;
        Ok(pair)
    }

    fn unpack(&self, release: &Release, new: &Path) -> Result<Pair, StageError> {
        fs::create_dir_all(new)?;
        let archive = self.archive(release);
        let mut programs = Vec::new();
        for name in PROGRAMS {
            let Some(program) = release.program(name) else { return Err(StageError::Program(name.to_owned())) };
            let out = new.join("out");
            fs::create_dir_all(&out)?;
            let unpacked = Extract::from_source(&archive).archive(kind(&archive)).extract_file(&out, &program.path);
            unpacked.map_err(|error| StageError::Unpack(error.to_string()))?;
            let known = Known { name: name.to_owned(), bytes: program.bytes, blake3: program.blake3.clone() };
            let to = new.join(file_name(name));
            fs::rename(out.join(&program.path), &to)?;
            remove(&out)?;
            if !is_file(&to, &known)? {
                return Err(StageError::Program(name.to_owned()));
            }
            runnable(&to)?;
            File::open(&to)?.sync_all()?;
            programs.push(known);
        }
        let pair = Pair { version: release.version.clone(), programs };
        note_pair(new, &pair)?;
        Ok(pair)
    }
}

/// Bytes of free disk that a release needs: its archive, the new pair, and a copy of the old one.
pub fn need_bytes(release: &Release) -> u64 {
    release.archive.bytes + 2 * release.program_bytes() + DISK_SLACK_BYTES
}

/// Checks the room on the disk; what cannot be told is not in the way.
///
/// # Errors
/// [`StageError::Disk`].
pub fn check_room(release: &Release, free: Option<u64>) -> Result<(), StageError> {
    let need = need_bytes(release);
    match free {
        Some(free) if free < need => Err(StageError::Disk { need, free }),
        _ => Ok(()),
    }
}

/// Starts a program as `program --version` and looks whether it says `version`: a build that lacks a library of this
/// system ends here, and nothing was replaced.
///
/// # Errors
/// [`StageError::Smoke`].
pub async fn smoke(program: &Path, version: &str, env: Option<(&str, &Path)>) -> Result<(), StageError> {
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let failed = |why: String| StageError::Smoke { program: name.clone(), why };
    let mut command = tokio::process::Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    if let Some((key, value)) = env {
        command.env(key, value);
    }
    let done = tokio::time::timeout(SMOKE_TIME, command.output()).await;
    let output = done.map_err(|_| failed("no answer".to_owned()))?.map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let line = String::from_utf8_lossy(&output.stderr)
            .lines()
            .next_back()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect::<String>();
        return Err(failed(format!("{} {line}", output.status)));
    }
    if !said.split_whitespace().any(|word| word == version) {
        return Err(failed(format!("it says `{}`", said.trim().chars().take(100).collect::<String>())));
    }
    Ok(())
}

/// Writes down what a folder's pair is.
pub(crate) fn note_pair(folder: &Path, pair: &Pair) -> io::Result<()> {
    let bytes = serde_json::to_vec(pair).map_err(io::Error::other)?;
    crate::whole_file::write_whole(&folder.join(NOTE), &bytes)
}

/// The pair in a folder, if its note reads and both programs are right.
pub(crate) fn whole_pair(folder: &Path) -> io::Result<Option<Pair>> {
    let note = read_bounded(&folder.join(NOTE), MAX_NOTE_BYTES).ok().flatten();
    let Some(pair) = note.and_then(|bytes| serde_json::from_slice::<Pair>(&bytes).ok()) else { return Ok(None) };
    if pair.programs.len() != PROGRAMS.len() {
        return Ok(None);
    }
    for name in PROGRAMS {
        let Some(known) = pair.programs.iter().find(|known| known.name == name) else { return Ok(None) };
        if !is_file(&folder.join(file_name(name)), known)? {
            return Ok(None);
        }
    }
    Ok(Some(pair))
}

/// Whether a file is a known program.
pub(crate) fn is_file(path: &Path, known: &Known) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() != known.bytes {
        return Ok(false);
    }
    Ok(hash(file)? == known.blake3)
}

/// A program as it is now.
pub(crate) fn known(name: &str, path: &Path) -> io::Result<Known> {
    let file = File::open(path)?;
    Ok(Known { name: name.to_owned(), bytes: file.metadata()?.len(), blake3: hash(file)? })
}

fn hash(file: File) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The program's file on this system.
pub(crate) fn file_name(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

#[cfg(unix)]
pub(crate) fn runnable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
pub(crate) fn runnable(_: &Path) -> io::Result<()> {
    Ok(())
}
