//! Power limits that are put back.
//!
//! In: a card and a limit. Out: the limit set, with the old one written to a small file before anything changes, so that a
//! stop, the next start after a crash, or the uninstaller restores it. It never raises a limit above what the card allows.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use types::Problem;

use crate::{Card, CardId, GpuProbe, Refusal, Survey};

/// Version of the file.
const FORMAT: u32 = 1;
/// Longest file that is read: some hundred cards.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Why a power limit was not set or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PowerError {
    /// The driver or the card refuses.
    #[error("the power limit was refused: {0:?}")]
    Refused(Refusal),
    /// Outside what the card takes.
    #[error("{asked_mw} mW is outside {min_mw} to {max_mw} mW")]
    OutOfRange {
        /// The limit asked for, milliwatts.
        asked_mw: u32,
        /// The lowest the card takes.
        min_mw: u32,
        /// The highest.
        max_mw: u32,
    },
    /// The file that remembers the old limits does not read or write.
    #[error("cannot keep {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl PowerError {
    /// The error in words.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Refused(Refusal::NotPermitted) => Problem::new(
                "gpu_power_not_permitted",
                "The driver lets only administrators change the power limit",
                if cfg!(windows) {
                    "Start Covey as administrator to change it, or slow the work with a temperature target instead."
                } else {
                    "An administrator can set it with: sudo nvidia-smi -pl WATTS. Or slow the work with a temperature \
                     target instead."
                },
            ),
            Self::Refused(Refusal::NotSupported) => Problem::new(
                "gpu_power_not_supported",
                "This card has no power limit that can be changed",
                "Laptops and some cards fix it. Slow the work with a temperature target instead.",
            ),
            Self::Refused(Refusal::NoSuchCard { uuid }) => Problem::new(
                "gpu_power_no_card",
                "The card is not there",
                format!("{uuid} was not found. It is set when the card is back."),
            ),
            Self::Refused(Refusal::NoDriver { fault }) => fault.problem(),
            Self::Refused(Refusal::Other { text }) => Problem::new(
                "gpu_power_failed",
                "The power limit could not be changed",
                format!("The driver says: {text}."),
            ),
            Self::OutOfRange { asked_mw, min_mw, max_mw } => Problem::new(
                "gpu_power_out_of_range",
                format!("{} W is outside what the card takes", asked_mw / 1000),
                format!("It takes {} to {} W.", min_mw.div_ceil(1000), max_mw / 1000),
            ),
            Self::File { path, source } => Problem::new(
                "gpu_power_file",
                "The old power limit could not be written down",
                format!("{}: {source}. The limit was left alone, because nobody could restore it.", path.display()),
            ),
        }
    }
}

/// What became of a card's old limit.
#[derive(Debug)]
pub struct Restored {
    /// Which card.
    pub uuid: CardId,
    /// The limit it reports now, milliwatts, or why the old one is not back; it is then still remembered.
    pub outcome: Result<u32, PowerError>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    format: u32,
    cards: Vec<Remembered>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    uuid: CardId,
    /// Before Covey touched it.
    previous_mw: u32,
    /// What Covey set. A card that now has another limit was set by someone else since, or the computer was restarted.
    set_mw: u32,
}

/// Sets power limits and remembers the old ones in a file.
pub struct PowerGuard {
    path: PathBuf,
    probe: Arc<dyn GpuProbe>,
    memory: Memory,
}

impl PowerGuard {
    /// Opens the memory of old limits; call [`Self::restore`] next, if an earlier process may have left some.
    ///
    /// # Errors
    /// [`PowerError::File`] if the file is there and does not read: what it held must not be forgotten silently.
    pub fn open(path: impl Into<PathBuf>, probe: Arc<dyn GpuProbe>) -> Result<Self, PowerError> {
        let path = path.into();
        let memory = read(&path).map_err(|source| PowerError::File { path: path.clone(), source })?;
        Ok(Self { path, probe, memory })
    }

    /// Whether some card's old limit waits to be restored.
    pub fn holds_any(&self) -> bool {
        !self.memory.cards.is_empty()
    }

    /// Sets a card's limit. The one from before the first call is remembered, on disk, before anything changes. Gives the
    /// limit that the card then reports, milliwatts.
    ///
    /// # Errors
    /// [`PowerError`]; the card's limit is as it was, or [`PowerError::File`] after it was set and remembered.
    pub async fn set(&mut self, uuid: &CardId, limit_mw: u32) -> Result<u32, PowerError> {
        let survey = self.probe.survey().await;
        let power = card(&survey, uuid)?.power;
        let current_mw = power.current_mw.ok_or(PowerError::Refused(Refusal::NotSupported))?;
        let (min_mw, max_mw) = (power.min_mw.unwrap_or(0), power.max_mw.unwrap_or(u32::MAX));
        if limit_mw < min_mw || limit_mw > max_mw {
            return Err(PowerError::OutOfRange { asked_mw: limit_mw, min_mw, max_mw });
        }
        let before = self.memory.cards.iter().find(|card| card.uuid == *uuid && card.set_mw == current_mw).cloned();
        let previous_mw = before.as_ref().map_or(current_mw, |card| card.previous_mw);
        self.remember(uuid, Some(Remembered { uuid: uuid.clone(), previous_mw, set_mw: limit_mw }))?;
        match self.probe.set_power_limit(uuid, limit_mw).await {
            // Some cards round.
            Ok(set_mw) if set_mw != limit_mw => {
                self.remember(uuid, Some(Remembered { uuid: uuid.clone(), previous_mw, set_mw }))?;
                Ok(set_mw)
            }
            Err(error @ PowerError::Refused(Refusal::NotPermitted | Refusal::NotSupported)) => {
                // Surely nothing changed.
                self.remember(uuid, before)?;
                Err(error)
            }
            other => other,
        }
    }

    /// Puts the old limits back: on stop, at the start after a crash, or when Covey is removed. A limit that somebody else
    /// has changed since stays as it is. What cannot be restored now, because the card is not there, stays remembered.
    ///
    /// # Errors
    /// [`PowerError::File`]; each card's own outcome is in the list.
    pub async fn restore(&mut self) -> Result<Vec<Restored>, PowerError> {
        if !self.holds_any() {
            return Ok(Vec::new());
        }
        let survey = self.probe.survey().await;
        let mut all = Vec::new();
        for Remembered { uuid, previous_mw, set_mw } in self.memory.cards.clone() {
            let outcome = match card(&survey, &uuid).map(|card| card.power.current_mw) {
                Ok(Some(current_mw)) if current_mw != set_mw => Ok(current_mw),
                Ok(_) => self.probe.set_power_limit(&uuid, previous_mw).await,
                Err(error) => Err(error),
            };
            if outcome.is_ok() {
                self.remember(&uuid, None)?;
            }
            all.push(Restored { uuid, outcome });
        }
        Ok(all)
    }

    fn remember(&mut self, uuid: &CardId, card: Option<Remembered>) -> Result<(), PowerError> {
        let mut memory = Memory { format: FORMAT, cards: self.memory.cards.clone() };
        memory.cards.retain(|card| card.uuid != *uuid);
        memory.cards.extend(card);
        if memory.cards == self.memory.cards {
            return Ok(());
        }
        write(&self.path, &memory).map_err(|source| PowerError::File { path: self.path.clone(), source })?;
        self.memory = memory;
        Ok(())
    }
}

fn card<'a>(survey: &'a Survey, uuid: &CardId) -> Result<&'a Card, PowerError> {
    survey.card(uuid).ok_or_else(|| {
        PowerError::Refused(match survey.fault() {
            Some(fault) if survey.cards.is_empty() => Refusal::NoDriver { fault: fault.clone() },
            _ => Refusal::NoSuchCard { uuid: uuid.clone() },
        })
    })
}

fn read(path: &Path) -> io::Result<Memory> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Memory::default()),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    if file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)? as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "too long to be ours"));
    }
    let memory: Memory = serde_json::from_slice(&bytes)?;
    if memory.format > FORMAT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "written by a newer Covey"));
    }
    Ok(memory)
}

/// Whole or not at all: a new file takes the old one's name. Without cards there is no file.
fn write(path: &Path, memory: &Memory) -> io::Result<()> {
    if memory.cards.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // The app runs once for each profile, so this name has one user.
    let passing = path.with_extension("new");
    let mut file = File::create(&passing)?;
    file.write_all(&serde_json::to_vec(memory)?)?;
    file.sync_all()?;
    fs::rename(&passing, path)?;
    // Windows has no such call; there the rename is on disk when it returns or the old file is.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
