//! The ledger for strangers: anybody on the internet, over any stream that its owner has authenticated or not.
//!
//! In: hostile frames, and a name for whoever sends them. Out: the same replies as at the local socket, at the pace that
//! [`GuestLimits`] allow. Strangers wait for each other and never for long; whoever is at the local socket does not wait
//! for strangers. A transaction goes to the ledger only if its signature holds and its key is registered, so that a forged
//! one costs this process a check and the ledger nothing. It keeps no key and stores nothing.

mod house;
mod limits;

use std::collections::BTreeSet;
use std::hash::Hash;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::io::AsyncReadExt as _;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use types::{Hash32, Hotkey};

pub use self::limits::GuestLimits;

use self::house::{Given, House};
use super::block::{Call, Transaction};
use super::connector::Wire;
use super::door::{Backend, Door};
use super::rules::check_signature;
use super::wire::{FrameError, Hello, Reply, Request, WIRE_VERSION, read_frame_up_to, write_frame};
use crate::{ChainError, MAX_UIDS};

/// Why a guest's connection ended before the guest ended it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// It has as many connections as one guest may have.
    #[error("it has {limit} connections already")]
    TooMany {
        /// Connections of one guest.
        limit: usize,
    },
    /// Every place is taken by a member.
    #[error("all {limit} places are taken by members")]
    Full {
        /// Connections of all guests.
        limit: usize,
    },
    /// It had to make room for another guest.
    #[error("it had to make room for another")]
    MadeRoom,
    /// It sent a frame that is none, or before the last one was answered.
    #[error("it does not keep to the protocol: {0}")]
    Protocol(String),
    /// The stream broke, or was too slow.
    #[error("the stream: {0}")]
    Stream(io::Error),
}

impl From<FrameError> for GuestError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Io(error) => Self::Stream(error),
            other => Self::Protocol(other.to_string()),
        }
    }
}

/// What guests did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GuestCounts {
    /// Connections now.
    pub connections: u64,
    /// Requests answered.
    pub requests: u64,
    /// Connections not let in.
    pub turned_away: u64,
    /// Connections that had to make room.
    pub shown_out: u64,
    /// Connections ended for a breach of the protocol.
    pub breaches: u64,
}

/// A door with the ledger's parameters behind it.
struct Behind<D>(Arc<Backend<D>>);

#[async_trait]
impl<D: Door> Door for Behind<D> {
    async fn call(&self, request: Request) -> Result<Reply, ChainError> {
        self.0.door().call(request).await
    }
}

/// Serves a ledger to strangers. `K` names one: a network identity, say.
pub struct Guests<K> {
    door: Arc<dyn Door>,
    genesis: Hash32,
    limits: GuestLimits,
    house: Mutex<House<K>>,
    pages: Semaphore,
    /// Keys that the ledger knows; a key that is registered once stays so.
    registered: Mutex<BTreeSet<Hotkey>>,
    requests: AtomicU64,
    turned_away: AtomicU64,
    breaches: AtomicU64,
}

/// A connection's place; given back when it is dropped.
struct Place<'a, K: Clone + Eq + Hash> {
    guests: &'a Guests<K>,
    guest: K,
    given: Given,
}

impl<K: Clone + Eq + Hash> Drop for Place<'_, K> {
    fn drop(&mut self) {
        self.guests.house().remove(self.given.number, Instant::now());
    }
}

impl<K: Clone + Eq + Hash + Send> Guests<K> {
    /// Serves the ledger behind `backend`: one in this process, or one at a local socket. Strangers are slowed down or
    /// refused according to `limits`.
    #[expect(private_bounds, reason = "the two doors are named; nobody else needs to make one")]
    pub fn new<D: Door + 'static>(backend: Arc<Backend<D>>, limits: GuestLimits) -> Self {
        Self {
            genesis: backend.genesis_hash(),
            door: Arc::new(Behind(backend)),
            limits,
            house: Mutex::new(House::new(limits, Instant::now())),
            pages: Semaphore::new(limits.pages),
            registered: Mutex::default(),
            requests: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            breaches: AtomicU64::new(0),
        }
    }

    /// What guests did so far.
    pub fn counts(&self) -> GuestCounts {
        let house = self.house();
        GuestCounts {
            connections: house.connections() as u64,
            requests: self.requests.load(Ordering::Relaxed),
            turned_away: self.turned_away.load(Ordering::Relaxed),
            shown_out: house.shown_out,
            breaches: self.breaches.load(Ordering::Relaxed),
        }
    }

    /// Answers one connection until the guest ends it, breaks the protocol, is too slow, must make room, or `cancel`.
    ///
    /// # Errors
    /// [`GuestError`]: why the guest was hung up on. Nothing needs to be done about it.
    pub async fn serve(&self, guest: K, stream: impl Wire, cancel: &CancellationToken) -> Result<(), GuestError> {
        let entered = self.house().enter(&guest, Instant::now());
        let given = entered.inspect_err(|_| {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
        })?;
        let out = given.out.clone();
        let place = Place { guests: self, guest, given };
        let ended = tokio::select! {
            biased;
            () = cancel.cancelled() => Ok(()),
            () = out.cancelled() => Err(GuestError::MadeRoom),
            ended = self.converse(&place, stream) => ended,
        };
        if matches!(ended, Err(GuestError::Protocol(_))) {
            self.breaches.fetch_add(1, Ordering::Relaxed);
        }
        ended
    }

    async fn converse(&self, place: &Place<'_, K>, mut stream: impl Wire) -> Result<(), GuestError> {
        let limits = &self.limits;
        let hello = Hello { covey_ledger: WIRE_VERSION, genesis: self.genesis };
        say(&mut stream, &hello, limits).await?;
        loop {
            let read = read_frame_up_to(&mut stream, limits.idle, limits.request_time, limits.request_bytes).await;
            let request: Request = match read {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                Err(error @ FrameError::Syntax) => {
                    // Say so before hanging up: an older or newer client deserves a reason.
                    say(&mut stream, &Reply::Refused { reason: ChainError::invalid(error.to_string()) }, limits)
                        .await?;
                    return Err(error.into());
                }
                Err(error) => return Err(error.into()),
            };
            self.requests.fetch_add(1, Ordering::Relaxed);
            let waits = self.house().request(&place.guest, Instant::now());
            tokio::select! {
                () = tokio::time::sleep(waits) => {}
                ended = until_it_speaks(&mut stream) => return ended,
            }
            match request {
                Request::Submit { transaction, wait_ms } => {
                    let reply = self.submit(place, transaction.0, wait_ms).await;
                    say(&mut stream, &refused(reply), limits).await?;
                }
                Request::Records { .. } | Request::Epochs { .. } => self.page(place, &mut stream, request).await?,
                request => {
                    let reply = tokio::select! {
                        reply = self.door.call(request) => reply,
                        ended = until_it_speaks(&mut stream) => return ended,
                    };
                    say(&mut stream, &refused(reply), limits).await?;
                }
            }
        }
    }

    /// A long reply: one for each guest at a time, a few for all.
    async fn page(&self, place: &Place<'_, K>, stream: &mut impl Wire, request: Request) -> Result<(), GuestError> {
        let turn = async {
            let own = place.given.page.acquire().await.ok()?;
            Some((own, self.pages.acquire().await.ok()?))
        };
        let Ok(Some(turn)) = timeout(self.limits.page_wait, turn).await else {
            let reason = ChainError::unavailable("too many long replies are under way");
            return say(stream, &Reply::Refused { reason }, &self.limits).await;
        };
        let reply = tokio::select! {
            reply = self.door.call(request) => reply,
            ended = until_it_speaks(stream) => return ended,
        };
        let said = say(stream, &refused(reply), &self.limits).await;
        drop(turn);
        said
    }

    /// What it submitted is seen through even if it hangs up, so that its place is not free while the ledger still works
    /// for it.
    async fn submit(&self, place: &Place<'_, K>, transaction: Transaction, wait_ms: u64) -> Result<Reply, ChainError> {
        check_signature(self.genesis, &transaction)?;
        let hotkey = transaction.hotkey;
        if transaction.call == Call::Register {
            if !self.is_registered(hotkey).await? && !self.house().register(&place.guest, hotkey, Instant::now()) {
                let per = format!("{} s here", self.limits.registration_every.as_secs());
                return Err(ChainError::TooOften { limit: 1, per });
            }
        } else if !self.is_registered(hotkey).await? {
            return Err(ChainError::NotRegistered { hotkey });
        }
        self.house().submitting(place.given.number, true);
        let reply = self.door.call(Request::Submit { transaction: super::block::HexTransaction(transaction), wait_ms });
        let reply = reply.await;
        let mut house = self.house();
        house.submitting(place.given.number, false);
        if reply.is_ok() {
            house.is_member(&place.guest);
        }
        reply
    }

    async fn is_registered(&self, hotkey: Hotkey) -> Result<bool, ChainError> {
        if self.registered().contains(&hotkey) {
            return Ok(true);
        }
        let found =
            matches!(self.door.call(Request::Account { hotkey }).await?, Reply::Account { registration: Some(_), .. });
        let mut registered = self.registered();
        // As many as there can be; a ledger that names more of them is not believed for ever.
        if found && registered.len() < MAX_UIDS {
            registered.insert(hotkey);
        }
        Ok(found)
    }
}

impl<K> Guests<K> {
    fn house(&self) -> MutexGuard<'_, House<K>> {
        // Counts and buckets are sound whatever happened while they were locked.
        self.house.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn registered(&self) -> MutexGuard<'_, BTreeSet<Hotkey>> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(reply: Result<Reply, ChainError>) -> Reply {
    reply.unwrap_or_else(|reason| Reply::Refused { reason })
}

async fn say(stream: &mut impl Wire, what: &impl serde::Serialize, limits: &GuestLimits) -> Result<(), GuestError> {
    let slow = |_| GuestError::Stream(io::ErrorKind::TimedOut.into());
    Ok(timeout(limits.reply_time, write_frame(stream, what)).await.map_err(slow)??)
}

/// Returns when the guest hangs up, or speaks although it is not its turn.
async fn until_it_speaks(stream: &mut impl Wire) -> Result<(), GuestError> {
    let mut byte = [0u8; 1];
    match stream.read(&mut byte).await {
        Ok(0) => Ok(()),
        Ok(_) => Err(GuestError::Protocol("a request before the last one was answered".to_owned())),
        Err(error) => Err(GuestError::Stream(error)),
    }
}

#[cfg(test)]
mod tests;
