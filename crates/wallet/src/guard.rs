//! A signer that signs only what it was set up for.
//!
//! In: a signer and a policy. Out: the same signer, limited to named operations, each with a rate and a daily cap, that
//! never signs two different submissions or announcements for one round, speaks for its own hotkey only, never agrees to
//! a price above its bound, and writes a line for each signature. It does not judge what a payload says beyond that.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use types::{
    Hash32, Hotkey, MAX_BINDING_LIFE_MS, PeerBinding, Rao, Round, RunId, SignError, SignPayload, Signature, Signer,
    SubtensorCall,
};

mod limits;
mod log;
mod rounds;

pub use limits::Limits;
use limits::Usage;
use log::{Announced, AuditLine, Signed};
pub use rounds::RoundMemory;
use rounds::Rounds;

/// Transactions cost money or speak to a chain whose memory is long: their line is on disk before the signature leaves.
const EXTRINSIC: &str = "extrinsic-";

/// What a [`GuardedSigner`] may sign.
#[derive(Debug, Clone)]
pub struct GuardPolicy {
    /// Allowed operations, by [`SignPayload::operation`], and how often each.
    pub operations: BTreeMap<&'static str, Limits>,
    /// Most that a registration on Bittensor may cost. Without it none is signed, and never one without a limit price.
    pub max_register: Option<Rao>,
    /// Append-only log: audit trail, and memory of signed submissions and daily counts across restarts. Without it,
    /// memory only.
    pub log: Option<PathBuf>,
}

impl GuardPolicy {
    /// The same limits for each of `operations`; no registration on Bittensor.
    pub fn uniform(operations: impl IntoIterator<Item = &'static str>, limits: Limits, log: Option<PathBuf>) -> Self {
        let operations = operations.into_iter().map(|operation| (operation, limits)).collect();
        Self { operations, max_register: None, log }
    }
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

/// Guards an inner signer. Checks, log and limits hold across clones of an `Arc` and across tasks.
pub struct GuardedSigner<S> {
    inner: S,
    policy: GuardPolicy,
    state: Mutex<State>,
}

struct State {
    usage: Usage,
    /// Submissions by run.
    signed: Rounds<RunId>,
    /// Announced roots by chain and subnet.
    announced: Rounds<(Hash32, u16)>,
    log: Option<File>,
}

impl<S: Signer> GuardedSigner<S> {
    /// Sets up the guard; reads back the log if there is one.
    ///
    /// # Errors
    /// [`GuardError`] if the log cannot be used. A last line cut off by a crash is dropped: its signature never left.
    pub fn new(inner: S, policy: GuardPolicy) -> Result<Self, GuardError> {
        let usage = Usage::new(Instant::now());
        let mut state = State { usage, signed: Rounds::default(), announced: Rounds::default(), log: None };
        if let Some(path) = &policy.log {
            let hotkey = inner.hotkey();
            let file = log::open(path, |line| {
                if line.hotkey == hotkey {
                    state.usage.replay(&line.operation, line.at_ms);
                    state.remember(line.submission, line.announcement);
                }
            })?;
            state.log = Some(file);
        }
        Ok(Self { inner, policy, state: Mutex::new(state) })
    }

    /// What was signed here for a round: by this process, or by earlier ones with the same log.
    pub fn signed(&self, run: RunId, round: Round) -> RoundMemory {
        self.lock().signed.of(&run, round)
    }

    /// Whether `payload` may be signed at `now`, by the wall clock `at_ms`; if so it is written down.
    fn admit(&self, payload: &SignPayload, now: Instant, at_ms: u64) -> Result<(), SignError> {
        let operation = payload.operation();
        let refuse = |reason: String| SignError::Refused { operation: operation.to_owned(), reason };
        let Some(limits) = self.policy.operations.get(operation) else {
            return Err(refuse("this signer was not set up for it".to_owned()));
        };
        check_price(payload, self.policy.max_register).map_err(refuse)?;
        let mut state = self.lock();
        state.usage.check(operation, *limits, now, at_ms).map_err(refuse)?;
        let (mut submission, mut announcement) = (None, None);
        match payload {
            SignPayload::Submission { run, round, digest } => {
                state.signed.check(run, *round, *digest, "submission").map_err(refuse)?;
                submission = Some(Signed { run: *run, round: *round, digest: *digest });
            }
            SignPayload::Announcement(said) => {
                check_own(said.hotkey, self.inner.hotkey()).map_err(refuse)?;
                let chain = (said.genesis, said.netuid);
                state.announced.check(&chain, said.round, said.root, "announcement").map_err(refuse)?;
                announcement =
                    Some(Announced { genesis: chain.0, netuid: chain.1, round: said.round, root: said.root });
            }
            SignPayload::PeerBinding(binding) => check_binding(binding, self.inner.hotkey(), at_ms).map_err(refuse)?,
            _ => {}
        }
        let line = AuditLine {
            at_ms,
            hotkey: self.inner.hotkey(),
            operation: operation.to_owned(),
            payload: Hash32::of(&payload.to_bytes()),
            submission,
            announcement,
        };
        let durable = submission.is_some() || announcement.is_some() || operation.starts_with(EXTRINSIC);
        if let Some(log) = &mut state.log {
            log::append(log, &line, durable).map_err(|e| SignError::Unavailable(format!("the signer's log: {e}")))?;
        }
        state.remember(submission, announcement);
        state.usage.add(operation, now);
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
        let at_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
        self.admit(payload, Instant::now(), at_ms)?;
        self.inner.sign(payload).await
    }
}

/// Whether what a registration may cost is within `max`. Other payloads cost nothing.
pub(crate) fn check_price(payload: &SignPayload, max: Option<Rao>) -> Result<(), String> {
    let SignPayload::Extrinsic(extrinsic) = payload else { return Ok(()) };
    match (&extrinsic.call, max) {
        (SubtensorCall::Register { .. } | SubtensorCall::RegisterLimit { .. }, None) => {
            Err("this signer was given no price that a registration may cost".to_owned())
        }
        (SubtensorCall::Register { .. }, Some(_)) => {
            Err("a registration without a limit price costs anything".to_owned())
        }
        (SubtensorCall::RegisterLimit { limit_price, .. }, Some(max)) if *limit_price > max => {
            Err(format!("it may cost {limit_price} rao, more than the {max} allowed"))
        }
        _ => Ok(()),
    }
}

impl State {
    fn remember(&mut self, submission: Option<Signed>, announcement: Option<Announced>) {
        if let Some(Signed { run, round, digest }) = submission {
            self.signed.remember(run, round, digest);
        }
        if let Some(Announced { genesis, netuid, round, root }) = announcement {
            self.announced.remember((genesis, netuid), round, root);
        }
    }
}

/// A key speaks for itself only: what it says about another one would be believed by nobody, and says that the asker errs.
fn check_own(named: Hotkey, own: Hotkey) -> Result<(), String> {
    if named == own { Ok(()) } else { Err(format!("it speaks for {named}, and this key is {own}")) }
}

fn check_binding(binding: &PeerBinding, own: Hotkey, at_ms: u64) -> Result<(), String> {
    check_own(binding.hotkey, own)?;
    if binding.expires_ms <= at_ms || binding.expires_ms > at_ms.saturating_add(MAX_BINDING_LIFE_MS) {
        return Err("a binding ends within 30 days from now".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
