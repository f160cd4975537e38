//! The chain as one endpoint shows it: honest, or as its knobs say.
//!
//! In: the chain, the endpoint's [`Knobs`]. Out: heads, headers, blocks, states. Knobs never change the chain, so that one
//! endpoint can lie while another does not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use subxt::config::substrate::{Digest, H256, SubstrateHeader};
use subxt::ext::codec::Encode as _;
use subxt::ext::frame_decode::storage::encode_storage_key_prefix;

use crate::chain::{Block, Chain};
use crate::extrinsic::blake2_256;
use crate::layer::Layer;
use crate::refusal::Refusal;

/// Longest delay of a reply, in milliseconds.
const MAX_DELAY_MS: u64 = 600_000;
/// Largest made-up reply, in bytes.
pub(crate) const MAX_OVERSIZE: u32 = 64 * 1024 * 1024;
/// How many blocks back a made-up header is recognised again.
const FORGED_BACK: u32 = 32;

/// How an endpoint misbehaves. All of them off by default; `dev_*` methods never suffer from them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// Every reply and notification comes so much later, in milliseconds.
    pub delay_ms: u64,
    /// The heads stay where they are now.
    pub stalled: bool,
    /// Only the state of so many blocks below the best one is known.
    pub keep_state: Option<u32>,
    /// Not there: RPC methods, runtime API methods (`Trait_method`), storage items (`Pallet.Item`).
    pub missing: BTreeSet<String>,
    /// RPC methods whose reply is a string of so many bytes instead.
    pub oversized: BTreeMap<String, u32>,
    /// Heads are made up: so many blocks ahead of the true ones, with hashes that are on no chain.
    pub lie_ahead: Option<u32>,
    /// Block 0 has another hash.
    pub wrong_genesis: bool,
}

/// Locks, whatever happened to others that held the lock: the data stays usable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An endpoint's knobs, and where it stalled.
#[derive(Debug, Default)]
struct Setting {
    knobs: Knobs,
    stalled_at: Option<(u32, u32)>,
}

/// One endpoint's look at the chain.
pub struct View {
    chain: Arc<Mutex<Chain>>,
    setting: Mutex<Setting>,
}

/// A block as shown.
pub(crate) enum Shown<'a> {
    /// One of the chain, or one that was.
    Real(&'a Block),
    /// Made up.
    Forged(SubstrateHeader<H256>),
}

/// The chain, locked, seen through the knobs.
pub(crate) struct Look<'a> {
    pub(crate) chain: MutexGuard<'a, Chain>,
    pub(crate) knobs: Knobs,
    /// Newest and newest final block that are shown.
    pub(crate) best: u32,
    pub(crate) finalized: u32,
}

impl View {
    pub(crate) fn new(chain: Arc<Mutex<Chain>>) -> Self {
        Self { chain, setting: Mutex::default() }
    }

    /// The knobs now.
    pub fn knobs(&self) -> Knobs {
        lock(&self.setting).knobs.clone()
    }

    /// Sets all knobs.
    ///
    /// # Errors
    /// [`Refusal::Knob`] for a delay or size beyond what the node can do.
    pub fn set(&self, knobs: Knobs) -> Result<(), Refusal> {
        if knobs.delay_ms > MAX_DELAY_MS {
            return Err(Refusal::Knob(format!("at most {MAX_DELAY_MS} ms of delay")));
        }
        if knobs.oversized.values().any(|bytes| *bytes > MAX_OVERSIZE) {
            return Err(Refusal::Knob(format!("at most {MAX_OVERSIZE} bytes of reply")));
        }
        let chain = lock(&self.chain);
        let mut setting = lock(&self.setting);
        let here = (chain.best(), chain.finalized());
        setting.stalled_at = knobs.stalled.then(|| setting.stalled_at.unwrap_or(here));
        setting.knobs = knobs;
        Ok(())
    }

    /// How long a reply waits.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(lock(&self.setting).knobs.delay_ms)
    }

    pub(crate) fn look(&self) -> Look<'_> {
        let chain = lock(&self.chain);
        let setting = lock(&self.setting);
        let (best, finalized) = (chain.best(), chain.finalized());
        let (most, most_final) = setting.stalled_at.unwrap_or((best, finalized));
        Look { best: best.min(most), finalized: finalized.min(most_final), knobs: setting.knobs.clone(), chain }
    }
}

impl Look<'_> {
    /// The header shown for the head at `height`.
    pub(crate) fn head(&self, height: u32) -> Option<SubstrateHeader<H256>> {
        match self.knobs.lie_ahead {
            Some(ahead) => self.forge(height, ahead),
            None => self.chain.block(height).map(|block| block.header.clone()),
        }
    }

    fn forge(&self, height: u32, ahead: u32) -> Option<SubstrateHeader<H256>> {
        let parent = self.chain.block(height)?;
        Some(SubstrateHeader {
            parent_hash: H256(blake2_256(&parent.hash)),
            number: u64::from(height) + u64::from(ahead),
            state_root: H256([0xee; 32]),
            extrinsics_root: H256([0xee; 32]),
            digest: Digest { logs: Vec::new() },
        })
    }

    /// Hash of the head at `height`.
    pub(crate) fn head_hash(&self, height: u32) -> Option<[u8; 32]> {
        self.head(height).map(|header| blake2_256(&header.encode()))
    }

    /// Hash of the block with this number.
    pub(crate) fn hash_of(&self, number: u64) -> Option<[u8; 32]> {
        if number == 0 && self.knobs.wrong_genesis {
            return Some(wrong_genesis());
        }
        if let Some(ahead) = self.knobs.lie_ahead {
            let heads = [self.best, self.finalized];
            if let Some(head) = heads.into_iter().find(|h| u64::from(*h) + u64::from(ahead) == number) {
                return self.head_hash(head);
            }
        }
        let number = u32::try_from(number).ok().filter(|number| *number <= self.best)?;
        self.chain.block(number).map(|block| block.hash)
    }

    /// The block with this hash, the newest one without.
    pub(crate) fn block(&self, hash: Option<[u8; 32]>) -> Option<Shown<'_>> {
        let Some(hash) = hash else { return self.head(self.best).map(Shown::Forged) };
        if let Some(height) = self.height(&hash) {
            return self.chain.block(height).map(Shown::Real);
        }
        if let Some(header) = self.forged(&hash) {
            return Some(Shown::Forged(header));
        }
        self.chain.retracted(&hash).map(Shown::Real)
    }

    fn height(&self, hash: &[u8; 32]) -> Option<u32> {
        if self.knobs.wrong_genesis && *hash == wrong_genesis() {
            return Some(0);
        }
        self.chain.height_of(hash).filter(|height| *height <= self.best)
    }

    fn forged(&self, hash: &[u8; 32]) -> Option<SubstrateHeader<H256>> {
        let ahead = self.knobs.lie_ahead?;
        let from = self.finalized.min(self.best).saturating_sub(FORGED_BACK);
        let made = (from..=self.best).rev().filter_map(|height| self.forge(height, ahead));
        made.into_iter().find(|header| blake2_256(&header.encode()) == *hash)
    }

    /// The block whose state is meant. A liar gives the newest state for its made-up head.
    pub(crate) fn state_height(&self, hash: Option<[u8; 32]>) -> Result<u32, Refusal> {
        let Some(hash) = hash else { return Ok(self.best) };
        let shown = || format!("0x{}", hex::encode(hash));
        let height = match self.height(&hash) {
            Some(height) => height,
            None if self.forged(&hash).is_some() => return Ok(self.best),
            None if self.chain.retracted(&hash).is_some() => return Err(Refusal::Discarded(shown())),
            None => return Err(Refusal::UnknownBlock(shown())),
        };
        let pruned = self.knobs.keep_state.is_some_and(|keep| height.saturating_add(keep) < self.best);
        if pruned || height < self.chain.state_floor() { Err(Refusal::Discarded(shown())) } else { Ok(height) }
    }

    /// The state of a block for runtime APIs.
    pub(crate) fn state(&self, hash: Option<[u8; 32]>) -> Result<Layer<'_>, Refusal> {
        let height = self.state_height(hash)?;
        self.chain.state(height).ok_or_else(|| Refusal::Discarded(height.to_string()))
    }

    /// Whether the knobs hide this storage key.
    pub(crate) fn hides(&self, key: &[u8]) -> bool {
        let items = self.knobs.missing.iter().filter_map(|name| name.split_once('.'));
        items.into_iter().any(|(pallet, item)| key.starts_with(&encode_storage_key_prefix(pallet, item)))
    }
}

fn wrong_genesis() -> [u8; 32] {
    blake2_256(b"another chain")
}
