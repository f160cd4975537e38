//! Signatures for the training peer, by keys that are not in this process.
//!
//! In: a wallet to unlock, payloads to sign. Out: signatures, or why there are none. Each unlocked wallet has a signer
//! process of its own, which opens the vault, keeps the key and signs what its policy allows. Locking ends the process:
//! then the key is in no memory at all. A passphrase goes through this process once, from the window's pipe into the
//! signer's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signer::{SignerPipes, SpawnError};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use types::{Hotkey, Problem, SignError, SignPayload, Signature};
use view_model::Secret;

use crate::scrub::scrubbed;

/// Longer than the keychain waits for a person, with room for the key derivation.
const UNLOCK_LIMIT: Duration = Duration::from_secs(90);
/// A signer that lives answers in milliseconds; less than the peer waits.
const SIGN_LIMIT: Duration = Duration::from_secs(20);

/// The signer processes of this app. Clones are the same desk.
#[derive(Clone)]
pub struct SigningDesk {
    inner: Arc<Inner>,
}

struct Inner {
    program: PathBuf,
    sessions: AsyncMutex<BTreeMap<String, Session>>,
    ended: Notify,
}

/// A signer process; ended and reaped when dropped.
struct Session {
    child: Reaped,
    pipes: Arc<Mutex<SignerPipes>>,
    hotkey: Hotkey,
}

struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // What it signed is in its log before a signature leaves, so nothing is lost by an end at once.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl SigningDesk {
    /// With the program that has the role `signer`: `covey-peer`, or `covey-signer`. Nothing is started yet.
    pub fn new(program: PathBuf) -> Self {
        let sessions = AsyncMutex::new(BTreeMap::new());
        Self { inner: Arc::new(Inner { program, sessions, ended: Notify::new() }) }
    }

    /// Starts a signer process that opens the wallet: with the keychain, or with the passphrase. The address it signs for;
    /// at once if it is unlocked already.
    ///
    /// # Errors
    /// In the signer's words: a wrong passphrase, a locked keychain, a wallet in use elsewhere; `signer_slow` after 90 s.
    pub async fn unlock(&self, name: &str, vault: &Path, passphrase: Option<Secret>) -> Result<Hotkey, Problem> {
        if let Some(session) = self.inner.sessions.lock().await.get(name) {
            return Ok(session.hotkey);
        }
        let launched = signer::launch(&self.inner.program, vault).map_err(in_words)?;
        let (child, mut pipes) = (Reaped(launched.child), launched.pipes);
        let opening = tokio::task::spawn_blocking(move || {
            scrubbed(move || pipes.unlock(passphrase.as_ref().map(Secret::expose)).map(|hotkey| (hotkey, pipes)))
        });
        // Given up, `child` is dropped and killed, and with it ends what waits on its pipes.
        let opened = tokio::time::timeout(UNLOCK_LIMIT, opening).await.map_err(|_| slow(UNLOCK_LIMIT))?;
        let (hotkey, pipes) = opened.map_err(|error| broken(&error.to_string()))?.map_err(in_words)?;
        let session = Session { child, pipes: Arc::new(Mutex::new(pipes)), hotkey };
        self.inner.sessions.lock().await.insert(name.to_owned(), session);
        Ok(hotkey)
    }

    /// Ends the wallet's signer process, if there is one.
    pub async fn lock(&self, name: &str) {
        drop(self.inner.sessions.lock().await.remove(name));
    }

    /// Ends all of them.
    pub async fn lock_all(&self) {
        self.inner.sessions.lock().await.clear();
    }

    /// Unlocked wallets and their addresses. A signer that has ended by itself is no longer among them.
    pub async fn unlocked(&self) -> BTreeMap<String, Hotkey> {
        let mut sessions = self.inner.sessions.lock().await;
        sessions.retain(|_, session| matches!(session.child.0.try_wait(), Ok(None)));
        sessions.iter().map(|(name, session)| (name.clone(), session.hotkey)).collect()
    }

    /// Process ids of the signers, for whoever looks after processes.
    pub async fn processes(&self) -> Vec<u32> {
        self.inner.sessions.lock().await.values().map(|session| session.child.0.id()).collect()
    }

    /// Has a payload signed by the unlocked wallet with this address: the answer to a peer's request.
    ///
    /// # Errors
    /// [`SignError`]; the text of a refusal is the signer's.
    pub async fn sign(&self, hotkey: Hotkey, payload: SignPayload) -> Result<Signature, SignError> {
        let found = {
            let sessions = self.inner.sessions.lock().await;
            let mut ours = sessions.iter().filter(|(_, session)| session.hotkey == hotkey);
            ours.next().map(|(name, session)| (name.clone(), Arc::clone(&session.pipes)))
        };
        let Some((name, pipes)) = found else {
            return Err(SignError::Unavailable("the wallet is locked".to_owned()));
        };
        let asking = tokio::task::spawn_blocking(move || {
            // A panic in between leaves pipes that no longer agree; their next answer is refused by its number.
            pipes.lock().unwrap_or_else(PoisonError::into_inner).sign(&payload)
        });
        let answer = match tokio::time::timeout(SIGN_LIMIT, asking).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Err(SignError::Unavailable(error.to_string())),
            Err(_) => Err(SignError::Unavailable(format!("no answer within {} s", SIGN_LIMIT.as_secs()))),
        };
        if matches!(answer, Err(SignError::Unavailable(_))) {
            self.lock(&name).await;
            self.inner.ended.notify_one();
        }
        answer
    }

    /// Waits until a signer ended that nobody locked.
    pub(crate) async fn one_ended(&self) {
        self.inner.ended.notified().await;
    }
}

fn in_words(error: SpawnError) -> Problem {
    match error {
        SpawnError::Refused(problem) => problem,
        other => broken(&other.to_string()),
    }
}

fn broken(why: &str) -> Problem {
    Problem::new("signer_not_started", "The signer did not start", format!("{why}. Install Covey again if this stays."))
}

fn slow(limit: Duration) -> Problem {
    Problem::new(
        "signer_slow",
        format!("The wallet was not unlocked within {} s", limit.as_secs()),
        "Look for a question for a password behind other windows, then try again. The wallet is untouched.",
    )
    .with_action(types::ProblemAction::Retry)
}
