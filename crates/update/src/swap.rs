//! The old pair of programs goes, the new one comes: both, or neither.
//!
//! In: a staged pair. Out: it lies where the old one lay, the old one is kept as N-1, and a journal says that the new one is
//! on probation. Each step is one rename, with the journal before it; the app's own program comes last. So a kill at any
//! moment leaves one of three states: both old, both new, or an old app with a new peer, which the old app mends at its next
//! start before it starts the peer ([`recover`](Home::recover)). No program is ever missing.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::limits::MAX_NOTE_BYTES;
use crate::manifest::PROGRAMS;
use crate::stage::{Home, Known, Pair, file_name, is_file, known, note_pair, runnable, whole_pair};
use crate::whole_file::{read_bounded, remove, sync_folder, write_whole};

/// The journal.
const JOURNAL: &str = "journal.json";
/// The pair before this one.
const PREVIOUS: &str = "previous";

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// How far it is.
    pub phase: Phase,
    /// The old pair.
    pub from: Pair,
    /// The new pair.
    pub to: Pair,
    /// How the new pair does.
    #[serde(default)]
    pub record: crate::health::Record,
}

/// How far a swap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The new programs are being put in.
    Swapping,
    /// They are in, and watched.
    Probation,
    /// The old ones are being put back.
    Back,
}

/// What was done last: a test may end the process there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet.
    Begin,
    /// The staged pair was checked.
    Checked,
    /// One program of the old pair is kept.
    Copied,
    /// The old pair is kept.
    Kept,
    /// The journal says what comes.
    Journaled,
    /// One program is in its place.
    Replaced,
    /// The journal says that it is done.
    Noted,
    /// What is not needed any more is gone.
    Cleaned,
}

/// Why the programs were not swapped, or not yet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwapError {
    /// There is no whole new pair.
    #[error("no new version is ready to be put in")]
    NotStaged,
    /// Nothing to go back to.
    #[error("the version before this one is not there any more")]
    NoPrevious,
    /// Another swap is under way.
    #[error("another update is not finished")]
    Busy,
    /// The journal does not read.
    #[error("the update journal does not read: {0}")]
    Journal(String),
    /// The disk.
    #[error("cannot replace the programs: {0}")]
    Io(#[from] io::Error),
}

/// What [`Home::recover`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// There was nothing to do.
    Nothing,
    /// The new pair was in: it is on probation now.
    Forward,
    /// The old pair is back.
    Back,
}

/// Told after each step.
pub type Steps<'a> = &'a mut dyn FnMut(Step);

impl Home {
    /// Puts the staged pair in. Only while no peer runs; `version` is that of the pair in place.
    ///
    /// # Errors
    /// [`SwapError`]; what stands in the journal is finished or undone by [`recover`](Self::recover).
    pub fn swap(&self, version: &str, step: Steps<'_>) -> Result<Pair, SwapError> {
        step(Step::Begin);
        let under_way = self.journal()?;
        if under_way.as_ref().is_some_and(|journal| journal.phase != Phase::Probation) {
            return Err(SwapError::Busy);
        }
        let to = self.staged()?.ok_or(SwapError::NotStaged)?;
        step(Step::Checked);
        // What has not proved itself is nothing to go back to: then the pair before it stays the one that is kept.
        let proved = if under_way.is_some() { whole_pair(&self.work(PREVIOUS))? } else { None };
        let from = match proved {
            Some(kept) => kept,
            None => self.keep_old(version, step)?,
        };
        let mut journal =
            Journal { phase: Phase::Swapping, from, to: to.clone(), record: crate::health::Record::default() };
        self.write_journal(&journal)?;
        step(Step::Journaled);
        for name in PROGRAMS {
            self.replace(&self.staged_program(name), name)?;
            step(Step::Replaced);
        }
        journal.phase = Phase::Probation;
        self.write_journal(&journal)?;
        step(Step::Noted);
        self.clear_staged()?;
        step(Step::Cleaned);
        Ok(to)
    }

    /// Puts the pair before this one back. Only while no peer runs.
    ///
    /// # Errors
    /// [`SwapError`]; what stands in the journal is finished by [`recover`](Self::recover).
    pub fn roll_back(&self, step: Steps<'_>) -> Result<Pair, SwapError> {
        step(Step::Begin);
        let from = whole_pair(&self.work(PREVIOUS))?.ok_or(SwapError::NoPrevious)?;
        let mut journal = match self.journal()? {
            Some(journal) => journal,
            None => Journal { phase: Phase::Back, to: self.live("")?, from: from.clone(), record: Default::default() },
        };
        journal.phase = Phase::Back;
        journal.from = from.clone();
        self.write_journal(&journal)?;
        step(Step::Journaled);
        self.put_back(&journal, step)?;
        Ok(from)
    }

    /// Finishes or undoes what a kill has left. The first thing that the app does, before it starts the peer.
    ///
    /// # Errors
    /// [`SwapError`].
    pub fn recover(&self, step: Steps<'_>) -> Result<Recovered, SwapError> {
        step(Step::Begin);
        let Some(mut journal) = self.journal()? else { return Ok(Recovered::Nothing) };
        match journal.phase {
            Phase::Probation => Ok(Recovered::Nothing),
            Phase::Swapping if self.is_live(&journal.to)? => {
                journal.phase = Phase::Probation;
                self.write_journal(&journal)?;
                step(Step::Noted);
                self.clear_staged()?;
                step(Step::Cleaned);
                Ok(Recovered::Forward)
            }
            Phase::Swapping | Phase::Back => {
                self.put_back(&journal, step)?;
                Ok(Recovered::Back)
            }
        }
    }

    /// What is under way.
    ///
    /// # Errors
    /// [`SwapError::Journal`] if it does not read.
    pub fn journal(&self) -> Result<Option<Journal>, SwapError> {
        let bytes = read_bounded(&self.work(JOURNAL), MAX_NOTE_BYTES)?;
        bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(|e| SwapError::Journal(e.to_string()))).transpose()
    }

    /// The version that can be gone back to.
    ///
    /// # Errors
    /// The operating system's.
    pub fn previous(&self) -> io::Result<Option<String>> {
        Ok(whole_pair(&self.work(PREVIOUS))?.map(|pair| pair.version))
    }

    pub(crate) fn write_journal(&self, journal: &Journal) -> Result<(), SwapError> {
        let bytes = serde_json::to_vec(journal).map_err(io::Error::other)?;
        Ok(write_whole(&self.work(JOURNAL), &bytes)?)
    }

    pub(crate) fn close_journal(&self) -> io::Result<()> {
        remove(&self.work(JOURNAL))?;
        sync_folder(&self.work(JOURNAL))
    }

    /// The app's program first: should the next kill come before the peer's, the old app finishes this.
    fn put_back(&self, journal: &Journal, step: Steps<'_>) -> Result<(), SwapError> {
        for name in PROGRAMS.iter().rev() {
            let old = journal.from.programs.iter().find(|known| known.name == *name).ok_or(SwapError::NoPrevious)?;
            if is_file(&self.program(name), old)? {
                continue;
            }
            let kept = self.work(PREVIOUS).join(file_name(name));
            if !is_file(&kept, old)? {
                return Err(SwapError::NoPrevious);
            }
            let copy = self.work("back").join(file_name(name));
            copy_whole(&kept, &copy)?;
            step(Step::Copied);
            self.replace(&copy, name)?;
            step(Step::Replaced);
        }
        if !journal.to.version.is_empty() && journal.phase == Phase::Back {
            self.note_failed(&journal.to.version, &journal.from.version)?;
            step(Step::Noted);
        }
        self.close_journal()?;
        remove(&self.work("back"))?;
        self.clear_staged()?;
        step(Step::Cleaned);
        Ok(())
    }

    /// Copies the pair in place to `previous`, which appears by one rename.
    fn keep_old(&self, version: &str, step: Steps<'_>) -> Result<Pair, SwapError> {
        let from = self.live(version)?;
        let previous = self.work(PREVIOUS);
        if whole_pair(&previous)?.is_some_and(|kept| kept == from) {
            step(Step::Kept);
            return Ok(from);
        }
        let new = self.work("previous-new");
        remove(&new)?;
        for name in PROGRAMS {
            copy_whole(&self.program(name), &new.join(file_name(name)))?;
            step(Step::Copied);
        }
        note_pair(&new, &from)?;
        remove(&previous)?;
        fs::rename(&new, &previous)?;
        sync_folder(&previous)?;
        step(Step::Kept);
        Ok(from)
    }

    /// The pair in place.
    fn live(&self, version: &str) -> io::Result<Pair> {
        let programs =
            PROGRAMS.iter().map(|name| known(name, &self.program(name))).collect::<io::Result<Vec<Known>>>()?;
        Ok(Pair { version: version.to_owned(), programs })
    }

    fn is_live(&self, pair: &Pair) -> io::Result<bool> {
        for known in &pair.programs {
            if !is_file(&self.program(&known.name), known)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One rename over the program in place. Windows does not let a running program be replaced, but lets it be renamed: then
    /// it is moved aside first, and put back if the new one does not come.
    fn replace(&self, new: &Path, name: &str) -> io::Result<()> {
        let to = self.program(name);
        let renamed = fs::rename(new, &to);
        if renamed.is_err() && cfg!(windows) {
            let aside = self.aside(name)?;
            fs::rename(&to, &aside)?;
            fs::rename(new, &to).inspect_err(|_| {
                let _ = fs::rename(&aside, &to);
            })?;
            return Ok(());
        }
        renamed?;
        sync_folder(&to)
    }

    /// A free name for a running program; those of before go as soon as they run no more.
    fn aside(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.work("aside");
        fs::create_dir_all(&folder)?;
        for old in fs::read_dir(&folder)?.filter_map(Result::ok) {
            let _ = fs::remove_file(old.path());
        }
        let free = (0..100).map(|number| folder.join(format!("{name}-{number}"))).find(|path| !path.exists());
        free.ok_or_else(|| io::Error::other("a hundred old programs still run"))
    }
}

/// Starts this program's file anew in place of this process (Windows: beside it, and ends). Returns only if that fails.
pub fn restart(args: &[&str]) -> io::Error {
    match self_update::restart::restart_with(args) {
        Ok(never) => match never {},
        Err(error) => io::Error::other(error.to_string()),
    }
}

fn copy_whole(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to)?;
    runnable(to)?;
    File::options().write(true).open(to)?.sync_all()
}
