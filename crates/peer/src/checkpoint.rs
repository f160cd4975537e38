//! A peer's own state on disk: what a kill -9 at any instant must not lose.
//!
//! In: the round, the parameters it started from, error feedback, Adam state, the sealed submission. Out: the same bits, or
//! a typed error; never a mix of two saves. One file, written beside the old one, synced, renamed; the save before stays
//! as `state.previous`, so that bit-rot costs a round and not the peer.
//!
//! Layout: `magic | header length u32 | header JSON | f32 arrays little-endian | sealed bytes | BLAKE3 of all before`.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::manifest::RunId;
use types::{Hash32, Round};

const MAGIC: &[u8; 8] = b"COVEYST1";
/// The header is a dozen numbers.
const MAX_HEADER_BYTES: u32 = 64 * 1024;
const HASH_BYTES: usize = 32;

/// Why a state could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Reading or writing failed; a full disk shows here.
    #[error("cannot access `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file is torn, rotten or not a state at all.
    #[error("the saved state in `{path}` is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        why: &'static str,
    },
    /// The state belongs to another run.
    #[error("the saved state in `{path}` belongs to run {found}")]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// The run it belongs to.
        found: RunId,
    },
}

/// Work done in the running round so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
pub struct InnerProgress {
    /// Inner steps taken.
    pub steps: u32,
    /// Tokens trained on.
    pub tokens: u64,
    /// Loss of the first step.
    pub loss_first: f32,
    /// Loss of the last step.
    pub loss_last: f32,
}

/// Everything a peer needs to go on bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The run.
    pub run: RunId,
    /// The round that starts from `anchor`.
    pub round: Round,
    /// Inner work in that round.
    pub inner: InnerProgress,
    /// Optimizer steps taken since the start.
    pub optimizer_steps: u64,
    /// θ at the start of the round.
    pub anchor: Vec<f32>,
    /// θ now; equal to `anchor` unless inner steps were taken and not yet sealed.
    pub local: Vec<f32>,
    /// Error feedback.
    pub error_feedback: Vec<f32>,
    /// AdamW first moment.
    pub first_moment: Vec<f32>,
    /// AdamW second moment.
    pub second_moment: Vec<f32>,
    /// The signed submission of `round`, once sealed.
    pub sealed: Option<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    run: RunId,
    round: Round,
    inner: InnerProgress,
    optimizer_steps: u64,
    parameters: u64,
    sealed_bytes: Option<u64>,
}

/// The folder that holds a peer's state.
#[derive(Debug, Clone)]
pub struct StateFolder {
    dir: PathBuf,
}

impl StateFolder {
    /// Opens the folder, making it if need be, and sweeps what an interrupted save left behind.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn open(dir: &Path) -> Result<Self, CheckpointError> {
        fs::create_dir_all(dir).map_err(|e| io(dir, e))?;
        let temporary = dir.join("state.tmp");
        if temporary.exists() {
            fs::remove_file(&temporary).map_err(|e| io(&temporary, e))?;
        }
        Ok(Self { dir: dir.to_owned() })
    }

    /// The folder as it is, for reading beside a process that works in it: nothing is made and nothing swept.
    pub fn beside(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Saves; returns the bytes written. On any error the last save still stands.
    ///
    /// # Errors
    /// [`CheckpointError::Io`].
    pub fn save(&self, state: &State) -> Result<u64, CheckpointError> {
        let (temporary, current, previous) =
            (self.dir.join("state.tmp"), self.dir.join("state"), self.dir.join("state.previous"));
        let bytes = write_synced(&temporary, state).map_err(|e| io(&temporary, e))?;
        if current.exists() {
            // A hard link keeps `state` in place until the rename replaces it: at no instant is there none.
            let _ = fs::remove_file(&previous);
            if fs::hard_link(&current, &previous).is_err() {
                fs::copy(&current, &previous).map_err(|e| io(&previous, e))?;
            }
        }
        fs::rename(&temporary, &current).map_err(|e| io(&current, e))?;
        sync_folder(&self.dir).map_err(|e| io(&self.dir, e))?;
        Ok(bytes)
    }

    /// The newest state that holds; `None` if nothing was ever saved. A damaged newest save falls back to the one before.
    ///
    /// # Errors
    /// [`CheckpointError`] if what stands there cannot be used.
    pub fn load(&self, run: RunId, parameters: usize) -> Result<Option<State>, CheckpointError> {
        let (current, previous) = (self.dir.join("state"), self.dir.join("state.previous"));
        if !current.exists() && !previous.exists() {
            return Ok(None);
        }
        match read(&current, run, parameters) {
            Ok(state) => Ok(Some(state)),
            Err(error @ CheckpointError::OtherRun { .. }) => Err(error),
            Err(error) if previous.exists() => match read(&previous, run, parameters) {
                Ok(state) => {
                    tracing::warn!("{error}; going on from the save before it");
                    Ok(Some(state))
                }
                Err(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

fn io(path: &Path, source: std::io::Error) -> CheckpointError {
    CheckpointError::Io { path: path.to_owned(), source }
}

fn write_synced(path: &Path, state: &State) -> std::io::Result<u64> {
    let header = Header {
        run: state.run,
        round: state.round,
        inner: state.inner,
        optimizer_steps: state.optimizer_steps,
        parameters: state.anchor.len() as u64,
        sealed_bytes: state.sealed.as_ref().map(|s| s.len() as u64),
    };
    let header = serde_json::to_vec(&header).map_err(std::io::Error::other)?;
    let mut hasher = blake3::Hasher::new();
    let mut file = File::create(path)?;
    let mut total = 0u64;
    let mut put = |bytes: &[u8]| -> std::io::Result<()> {
        hasher.update(bytes);
        total += bytes.len() as u64;
        file.write_all(bytes)
    };
    put(MAGIC)?;
    put(&u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes())?;
    put(&header)?;
    for array in [&state.anchor, &state.local, &state.error_feedback, &state.first_moment, &state.second_moment] {
        put(bytemuck::cast_slice(array))?;
    }
    if let Some(sealed) = &state.sealed {
        put(sealed)?;
    }
    let hash = *hasher.finalize().as_bytes();
    file.write_all(&hash)?;
    file.sync_all()?;
    Ok(total + HASH_BYTES as u64)
}

/// Makes a rename durable. Folders cannot be synced on Windows, where the rename itself is journaled.
fn sync_folder(dir: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

fn read(path: &Path, run: RunId, parameters: usize) -> Result<State, CheckpointError> {
    let damaged = |why| CheckpointError::Damaged { path: path.to_owned(), why };
    let mut file = File::open(path).map_err(|e| io(path, e))?;
    let length = file.metadata().map_err(|e| io(path, e))?.len();
    // Five arrays, a submission smaller than one of them, and the header: anything longer is not ours.
    let limit = 6 * 4 * parameters as u64 + u64::from(MAX_HEADER_BYTES) + (1 << 20);
    if length > limit {
        return Err(damaged("longer than a state of this model"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.read_to_end(&mut bytes).map_err(|e| io(path, e))?;
    let body_end = bytes.len().checked_sub(HASH_BYTES).ok_or(damaged("too short"))?;
    if Hash32::of(&bytes[..body_end]).0 != bytes[body_end..] {
        return Err(damaged("its hash does not hold"));
    }
    let mut rest = Cursor { bytes: &bytes[..body_end] };
    if rest.take(8) != Some(MAGIC) {
        return Err(damaged("not a Covey state"));
    }
    let header_bytes = rest.u32().filter(|n| *n <= MAX_HEADER_BYTES).ok_or(damaged("header length"))?;
    let header = rest.take(header_bytes as usize).ok_or(damaged("header cut short"))?;
    let header: Header = serde_json::from_slice(header).map_err(|_| damaged("header does not read"))?;
    if header.run != run {
        return Err(CheckpointError::OtherRun { path: path.to_owned(), found: header.run });
    }
    if header.parameters != parameters as u64 {
        return Err(damaged("made for a model of another size"));
    }
    let mut array = || rest.f32s(parameters).ok_or(damaged("an array is cut short"));
    let (anchor, local, error_feedback) = (array()?, array()?, array()?);
    let (first_moment, second_moment) = (array()?, array()?);
    if rest.bytes.len() as u64 != header.sealed_bytes.unwrap_or(0) {
        return Err(damaged("the sealed submission is cut short"));
    }
    let sealed = header.sealed_bytes.map(|_| rest.bytes.to_vec());
    Ok(State {
        run,
        round: header.round,
        inner: header.inner,
        optimizer_steps: header.optimizer_steps,
        anchor,
        local,
        error_feedback,
        first_moment,
        second_moment,
        sealed,
    })
}

struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.bytes.split_at_checked(n)?;
        self.bytes = tail;
        Some(head)
    }

    fn u32(&mut self) -> Option<u32> {
        let four: [u8; 4] = self.take(4)?.try_into().ok()?;
        Some(u32::from_le_bytes(four))
    }

    fn f32s(&mut self, n: usize) -> Option<Vec<f32>> {
        let bytes = self.take(n.checked_mul(4)?)?;
        Some(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }
}

#[cfg(test)]
mod tests;
