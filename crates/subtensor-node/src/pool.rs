//! Extrinsics that wait for their block, and who watches them.
//!
//! In: verified extrinsics. Out: those whose turn it is, in order of arrival with each key's counters in sequence. Bounded
//! in all and per key. It verifies nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::mpsc;
use types::Hotkey;

use crate::extrinsic::Signed;
use crate::refusal::Refusal;

/// Most extrinsics that wait.
const MAX_WAITING: usize = 8192;
/// Most of one key.
const MAX_PER_KEY: usize = 64;
/// Most watched extrinsics.
const MAX_WATCHED: usize = 8192;
/// News a watcher may be behind.
const WATCH_CAPACITY: usize = 32;

/// News of a watched extrinsic; block hashes where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Future,
    Ready,
    InBlock([u8; 32]),
    Retracted([u8; 32]),
    Finalized([u8; 32]),
    Usurped([u8; 32]),
    Dropped,
    Invalid,
}

/// One that waits.
pub(crate) struct Waiting {
    pub(crate) raw: Arc<[u8]>,
    pub(crate) hash: [u8; 32],
    pub(crate) signed: Signed,
    /// Number and hash of the block in which a mortal one was born.
    pub(crate) birth: Option<(u32, [u8; 32])>,
    /// First block in which it is not valid any more.
    pub(crate) death: u64,
    /// Spec version it was signed for.
    pub(crate) spec: u32,
    order: u64,
}

impl Waiting {
    pub(crate) fn new(raw: Arc<[u8]>, hash: [u8; 32], signed: Signed, spec: u32) -> Self {
        Self { raw, hash, signed, birth: None, death: u64::MAX, spec, order: 0 }
    }
}

/// All that wait.
#[derive(Default)]
pub(crate) struct Pool {
    waiting: BTreeMap<(Hotkey, u32), Waiting>,
    arrived: u64,
    watchers: HashMap<[u8; 32], Vec<mpsc::Sender<Status>>>,
}

impl Pool {
    /// Adds one. One with the same key and counter stays unless the new one tips more.
    pub(crate) fn add(&mut self, mut new: Waiting) -> Result<(), Refusal> {
        let place = (new.signed.signer, new.signed.nonce);
        if let Some(old) = self.waiting.get(&place) {
            if old.hash == new.hash {
                return Err(Refusal::AlreadyImported);
            }
            if new.signed.tip <= old.signed.tip {
                return Err(Refusal::LowPriority);
            }
            let (old, new) = (old.hash, new.hash);
            self.tell(old, Status::Usurped(new));
        } else if self.waiting.len() >= MAX_WAITING || self.of(new.signed.signer).count() >= MAX_PER_KEY {
            return Err(Refusal::Full);
        }
        self.arrived += 1;
        new.order = self.arrived;
        self.waiting.insert(place, new);
        Ok(())
    }

    /// The counter after those that wait without a gap.
    pub(crate) fn next_nonce(&self, who: Hotkey, standing: u32) -> u32 {
        let mut next = standing;
        while self.waiting.contains_key(&(who, next)) {
            next = next.saturating_add(1);
        }
        next
    }

    /// Those whose turn it is, at most `most`; `nonce_of` gives a key's counter on the chain.
    pub(crate) fn ready(&self, most: usize, nonce_of: impl Fn(Hotkey) -> u32) -> Vec<&Waiting> {
        let mut heads: BTreeMap<u64, &Waiting> = BTreeMap::new();
        let mut last = None;
        for (who, _) in self.waiting.keys() {
            if last != Some(*who) {
                last = Some(*who);
                let first = self.waiting.get(&(*who, nonce_of(*who)));
                heads.extend(first.map(|waiting| (waiting.order, waiting)));
            }
        }
        let mut out = Vec::new();
        while out.len() < most
            && let Some((_, waiting)) = heads.pop_first()
        {
            let next = waiting.signed.nonce.checked_add(1).and_then(|n| self.waiting.get(&(waiting.signed.signer, n)));
            heads.extend(next.map(|next| (next.order, next)));
            out.push(waiting);
        }
        out
    }

    /// Takes out what stands in a block.
    pub(crate) fn remove(&mut self, who: Hotkey, nonce: u32) {
        self.waiting.remove(&(who, nonce));
    }

    /// Takes out what `keep` does not keep, and tells its watchers `status`.
    pub(crate) fn retain(&mut self, status: Status, keep: impl Fn(&Waiting) -> bool) {
        let gone: Vec<_> = self.waiting.iter().filter(|(_, w)| !keep(w)).map(|(at, w)| (*at, w.hash)).collect();
        for (place, hash) in gone {
            self.waiting.remove(&place);
            self.tell(hash, status);
        }
    }

    /// All of them, keys and counters ascending.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.values()
    }

    fn of(&self, who: Hotkey) -> impl Iterator<Item = &Waiting> {
        self.waiting.range((who, 0)..=(who, u32::MAX)).map(|(_, waiting)| waiting)
    }

    /// News of an extrinsic from now on.
    pub(crate) fn watch(&mut self, hash: [u8; 32]) -> Result<mpsc::Receiver<Status>, Refusal> {
        self.watchers.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        if self.watchers.len() >= MAX_WATCHED {
            return Err(Refusal::Full);
        }
        let (sender, receiver) = mpsc::channel(WATCH_CAPACITY);
        self.watchers.entry(hash).or_default().push(sender);
        Ok(receiver)
    }

    /// Tells the watchers of an extrinsic. One that does not keep up is let go.
    pub(crate) fn tell(&mut self, hash: [u8; 32], status: Status) {
        let Some(senders) = self.watchers.get_mut(&hash) else { return };
        senders.retain(|sender| sender.try_send(status).is_ok());
        let over = matches!(status, Status::Finalized(_) | Status::Usurped(_) | Status::Dropped | Status::Invalid);
        if over || senders.is_empty() {
            self.watchers.remove(&hash);
        }
    }
}
