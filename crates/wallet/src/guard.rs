//! A signer that signs only what it was set up for.
//!
//! In: a signer and a policy. Out: the same signer, limited to named operations and a rate, that never signs two
//! different submissions for one round and writes a line for each signature. It does not judge what a payload says
//! beyond that.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use types::{Hash32, Hotkey, Round, RunId, SignError, SignPayload, Signature, Signer};

const MINUTE: Duration = Duration::from_secs(60);
/// Submissions remembered per run; rounds before the oldest remembered one are refused, so forgetting is safe.
const ROUNDS_KEPT: usize = 4096;
/// Runs remembered; a hotkey takes part in a handful.
const RUNS_MAX: usize = 256;
/// An honest line of the log has about 250 bytes.
const MAX_LINE_BYTES: u64 = 1024;

/// What a [`GuardedSigner`] may sign.
#[derive(Debug, Clone)]
pub struct GuardPolicy {
    /// Allowed operations, by [`SignPayload::operation`].
    pub operations: Vec<&'static str>,
    /// Signatures per minute and operation.
    pub per_minute: usize,
    /// Append-only log: audit trail, and memory of signed submissions across restarts. Without it, memory only.
    pub log: Option<PathBuf>,
}

/// Why the guard could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// The log cannot be read or written.
    #[error("signer log {}: {source}", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another signer uses the log.
    #[error("signer log {} is in use by another process", path.display())]
    InUse {
        /// The log.
        path: PathBuf,
    },
    /// A line does not read, so it is unknown what was signed.
    #[error("signer log {}, line {line} does not read", path.display())]
    Corrupt {
        /// The log.
        path: PathBuf,
        /// Its line, counted from 1.
        line: u64,
    },
}

/// One line of the log.
#[derive(Serialize, Deserialize)]
struct AuditLine {
    at_ms: u64,
    hotkey: Hotkey,
    operation: String,
    /// BLAKE3 of the signed bytes.
    payload: Hash32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    submission: Option<Signed>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Signed {
    run: RunId,
    round: Round,
    digest: Hash32,
}

/// Guards an inner signer. Checks, log and limits hold across clones of an `Arc` and across tasks.
pub struct GuardedSigner<S> {
    inner: S,
    policy: GuardPolicy,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    recent: BTreeMap<&'static str, VecDeque<Instant>>,
    signed: BTreeMap<RunId, BTreeMap<Round, Hash32>>,
    log: Option<File>,
}

impl<S: Signer> GuardedSigner<S> {
    /// Sets up the guard; reads back the log if there is one.
    ///
    /// # Errors
    /// [`GuardError`] if the log cannot be used. A last line cut off by a crash is dropped: its signature never left.
    pub fn new(inner: S, policy: GuardPolicy) -> Result<Self, GuardError> {
        let mut state = State::default();
        if let Some(path) = &policy.log {
            state.log = Some(open_log(path, inner.hotkey(), &mut state.signed)?);
        }
        Ok(Self { inner, policy, state: Mutex::new(state) })
    }

    /// Whether `payload` may be signed at `now`; if so it is written down.
    fn admit(&self, payload: &SignPayload, now: Instant) -> Result<(), SignError> {
        let operation = payload.operation();
        let refuse = |reason: String| SignError::Refused { operation: operation.to_owned(), reason };
        if !self.policy.operations.contains(&operation) {
            return Err(refuse("this signer was not set up for it".to_owned()));
        }
        let mut state = self.lock();
        let recent = state.recent.entry(operation).or_default();
        while recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE) {
            recent.pop_front();
        }
        if recent.len() >= self.policy.per_minute {
            return Err(refuse(format!("at most {} a minute", self.policy.per_minute)));
        }
        let submission = match payload {
            SignPayload::Submission { run, round, digest } => {
                check_submission(&state.signed, *run, *round, *digest).map_err(refuse)?;
                Some(Signed { run: *run, round: *round, digest: *digest })
            }
            _ => None,
        };
        let line = AuditLine {
            at_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64),
            hotkey: self.inner.hotkey(),
            operation: operation.to_owned(),
            payload: Hash32::of(&payload.to_bytes()),
            submission,
        };
        if let Some(log) = &mut state.log {
            append(log, &line).map_err(|e| SignError::Unavailable(format!("the signer's log: {e}")))?;
        }
        if let Some(signed) = submission {
            remember(&mut state.signed, signed);
        }
        state.recent.entry(operation).or_default().push_back(now);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock means a panic in here; what it guards is changed in single steps and stays sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl<S: Signer> Signer for GuardedSigner<S> {
    fn hotkey(&self) -> Hotkey {
        self.inner.hotkey()
    }

    async fn sign(&self, payload: &SignPayload) -> Result<Signature, SignError> {
        self.admit(payload, Instant::now())?;
        self.inner.sign(payload).await
    }
}

fn check_submission(
    signed: &BTreeMap<RunId, BTreeMap<Round, Hash32>>,
    run: RunId,
    round: Round,
    digest: Hash32,
) -> Result<(), String> {
    let Some(rounds) = signed.get(&run) else {
        return if signed.len() < RUNS_MAX { Ok(()) } else { Err(format!("more than {RUNS_MAX} runs")) };
    };
    match rounds.get(&round) {
        Some(earlier) if *earlier == digest => Ok(()),
        Some(_) => Err(format!("another submission was signed for round {round}")),
        None if rounds.len() >= ROUNDS_KEPT && rounds.first_key_value().is_some_and(|(oldest, _)| round < *oldest) => {
            Err(format!("round {round} is too long ago to know what was signed for it"))
        }
        None => Ok(()),
    }
}

fn remember(signed: &mut BTreeMap<RunId, BTreeMap<Round, Hash32>>, new: Signed) {
    let rounds = signed.entry(new.run).or_default();
    rounds.insert(new.round, new.digest);
    if rounds.len() > ROUNDS_KEPT {
        rounds.pop_first();
    }
}

/// Appends one line; a submission's line is on disk before this returns. A failed write leaves no half line behind.
fn append(log: &mut File, line: &AuditLine) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    let end = log.seek(SeekFrom::End(0))?;
    let written = log.write_all(&text).and_then(|()| if line.submission.is_some() { log.sync_data() } else { Ok(()) });
    if written.is_err() {
        let _ = log.set_len(end);
    }
    written
}

fn open_log(
    path: &Path,
    hotkey: Hotkey,
    signed: &mut BTreeMap<RunId, BTreeMap<Round, Hash32>>,
) -> Result<File, GuardError> {
    let io_error = |source: io::Error| GuardError::Io { path: path.to_owned(), source };
    let log = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io_error)?;
    log.try_lock().map_err(|e| match e {
        TryLockError::WouldBlock => GuardError::InUse { path: path.to_owned() },
        TryLockError::Error(source) => io_error(source),
    })?;
    let mut reader = BufReader::new(&log);
    let (mut number, mut sound_bytes, mut text) = (0, 0, Vec::new());
    loop {
        text.clear();
        let read = (&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut text).map_err(io_error)?;
        if read == 0 {
            break;
        }
        number += 1;
        if text.last() != Some(&b'\n') {
            if (read as u64) < MAX_LINE_BYTES {
                log.set_len(sound_bytes).map_err(io_error)?;
                break;
            }
            return Err(GuardError::Corrupt { path: path.to_owned(), line: number });
        }
        let line: AuditLine =
            serde_json::from_slice(&text).map_err(|_| GuardError::Corrupt { path: path.to_owned(), line: number })?;
        sound_bytes += read as u64;
        if let Some(submission) = line.submission.filter(|_| line.hotkey == hotkey) {
            remember(signed, submission);
        }
    }
    Ok(log)
}

#[cfg(test)]
mod tests;
