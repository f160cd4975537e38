//! The system's own keychain, one call at a time, each with a time limit.
//!
//! In: ids and wrapping keys. Out: what the system's keychain says, as typed errors. All calls run on one thread of
//! their own, because they block and some systems answer only when a person does; a call that takes too long is given
//! up, a write that finishes after that is taken back, and calls behind it are refused, so neither callers nor threads
//! pile up.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wallet::WrappingKey;
use zeroize::Zeroizing;

use crate::{KeyId, Keychain, KeychainError};

mod store;

/// Where a person can be asked: time to find the question and type a password.
const WITH_SCREEN: Duration = Duration::from_secs(60);
/// Where nobody can be asked: a working keychain answers in a fraction of a second.
const WITHOUT_SCREEN: Duration = Duration::from_secs(10);
/// Calls that may wait for the one that runs.
const QUEUE: usize = 4;
/// Base64 of 32 bytes.
const TEXT_BYTES: usize = 44;

/// A keychain's items as text, on the calling thread and for as long as it takes.
trait Store: Send {
    fn get(&mut self, id: &KeyId) -> Result<Zeroizing<String>, KeychainError>;
    fn set(&mut self, id: &KeyId, text: &str) -> Result<(), KeychainError>;
    fn delete(&mut self, id: &KeyId) -> Result<(), KeychainError>;
}

/// The system's keychain: Secret Service, Windows Credential Manager or macOS Keychain.
///
/// Any program of the same user can read an unlocked keychain on Linux and Windows: it protects against a stolen disk
/// and other users, not against malware of this user.
pub struct OsKeychain {
    limit: Duration,
    open: fn() -> Box<dyn Store>,
    worker: Mutex<Option<SyncSender<Call>>>,
}

enum Request {
    Get,
    Set(Zeroizing<String>),
    Delete,
}

type Answer = Result<Option<Zeroizing<String>>, KeychainError>;

struct Call {
    id: KeyId,
    request: Request,
    fate: Arc<Fate>,
    reply: SyncSender<Answer>,
}

/// Who was first: the answer, or the caller's patience.
#[derive(Default)]
struct Fate(AtomicU8);

const WAITING: u8 = 0;
const ANSWERED: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Fate {
    /// Whether this side was first.
    fn decide(&self, side: u8) -> bool {
        self.0.compare_exchange(WAITING, side, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn given_up(&self) -> bool {
        self.0.load(Ordering::Acquire) == GIVEN_UP
    }
}

impl OsKeychain {
    /// The keychain of this system and user. Nothing is opened or asked yet.
    pub fn new() -> Self {
        let limit = if store::has_screen() { WITH_SCREEN } else { WITHOUT_SCREEN };
        Self::with_limit(limit)
    }

    /// The same with another time limit per call.
    pub fn with_limit(limit: Duration) -> Self {
        Self { limit, open: || Box::new(store::SystemStore::default()), worker: Mutex::new(None) }
    }

    fn call(&self, id: &KeyId, request: Request) -> Answer {
        let slow = || KeychainError::Slow { limit_s: self.limit.as_secs() };
        let (reply, answer) = sync_channel(1);
        let fate = Arc::new(Fate::default());
        let call = Call { id: id.clone(), request, fate: Arc::clone(&fate), reply };
        match self.worker()?.try_send(call) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(slow()),
            Err(TrySendError::Disconnected(_)) => return self.ended(),
        }
        match answer.recv_timeout(self.limit) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) if fate.decide(GIVEN_UP) => Err(slow()),
            // The answer was given in the same moment and is on its way.
            Err(RecvTimeoutError::Timeout) => answer.recv().unwrap_or_else(|_| Err(slow())),
            Err(RecvTimeoutError::Disconnected) => self.ended(),
        }
    }

    /// The system's library panicked. The next call gets a new thread.
    fn ended(&self) -> Answer {
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Err(KeychainError::Failed { why: "the call into it broke off".into() })
    }

    /// The one thread; started at the first call. It ends with this value, or after the call that hangs: nothing can
    /// interrupt a call into the system, so nobody waits for the thread.
    fn worker(&self) -> Result<SyncSender<Call>, KeychainError> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(calls) = &*worker {
            return Ok(calls.clone());
        }
        let (calls, queue) = sync_channel(QUEUE);
        let open = self.open;
        std::thread::Builder::new()
            .name("keychain".into())
            .spawn(move || work(open(), &queue))
            .map_err(|error| KeychainError::Failed { why: format!("no thread: {error}") })?;
        *worker = Some(calls.clone());
        Ok(calls)
    }
}

impl Default for OsKeychain {
    fn default() -> Self {
        Self::new()
    }
}

fn work(mut store: Box<dyn Store>, queue: &Receiver<Call>) {
    while let Ok(Call { id, request, fate, reply }) = queue.recv() {
        if fate.given_up() {
            continue;
        }
        let answer = match &request {
            Request::Get => store.get(&id).map(Some),
            Request::Set(text) => store.set(&id, text).map(|()| None),
            Request::Delete => store.delete(&id).map(|()| None),
        };
        if fate.decide(ANSWERED) {
            // The caller waits for this; if it panicked meanwhile, nobody does.
            let _ = reply.send(answer);
        } else if matches!(request, Request::Set(_)) && answer.is_ok() {
            // The caller was told that the key was not stored. Ids are never reused, so nothing else is lost.
            let _ = store.delete(&id);
        }
    }
}

impl Keychain for OsKeychain {
    fn get(&self, id: &KeyId) -> Result<WrappingKey, KeychainError> {
        let text = self.call(id, Request::Get)?.unwrap_or_default();
        decode(id, &text)
    }

    fn set(&self, id: &KeyId, key: &WrappingKey) -> Result<(), KeychainError> {
        self.call(id, Request::Set(encode(key))).map(drop)
    }

    fn delete(&self, id: &KeyId) -> Result<(), KeychainError> {
        self.call(id, Request::Delete).map(drop)
    }
}

/// Text, because KWallet takes only UTF-8.
fn encode(key: &WrappingKey) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(TEXT_BYTES));
    STANDARD.encode_string(key.expose(), &mut text);
    text
}

fn decode(id: &KeyId, text: &str) -> Result<WrappingKey, KeychainError> {
    let corrupt = |why: &'static str| KeychainError::Corrupt { id: id.to_string(), why };
    if text.len() != TEXT_BYTES {
        return Err(corrupt("its length is wrong"));
    }
    let mut bytes = Zeroizing::new([0u8; 33]);
    match STANDARD.decode_slice(text, bytes.as_mut_slice()) {
        Ok(32) => {
            let mut key = Zeroizing::new([0u8; 32]);
            key.copy_from_slice(&bytes[..32]);
            Ok(WrappingKey::from_bytes(&key))
        }
        _ => Err(corrupt("it is not base64 of 32 bytes")),
    }
}

#[cfg(test)]
mod tests;
