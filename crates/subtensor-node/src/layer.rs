//! A state under construction: the store as of a block, and changes on top that can be taken back.
//!
//! In: names from the metadata and typed values. Out: SCALE values in their places, and the changes made. What the
//! runtime's metadata does not have reads as absent, and writing it does nothing.

use std::sync::Arc;

use subxt::dynamic::Value;
use subxt::ext::codec::{Decode, Encode};
use types::Hotkey;

use crate::runtime::Runtime;
use crate::store::{Changes, Store};

/// `AccountInfo`: nonce, consumers, providers, sufficients, free, reserved, frozen, flags.
type Account = (u32, u32, u32, u32, u64, u64, u64, u128);
/// Set in the flags of every account that follows the newer balance rules.
const NEW_LOGIC: u128 = 1 << 127;
/// Storage that the subnet's accessors read and write.
const SUBTENSOR: &str = "SubtensorModule";

/// Readable, and writable until it is turned into changes.
pub(crate) struct Layer<'a> {
    runtime: Arc<Runtime>,
    store: &'a Store,
    height: u32,
    block: Changes,
    step: Option<Changes>,
}

impl<'a> Layer<'a> {
    /// The state after block `height`.
    pub(crate) fn new(runtime: Arc<Runtime>, store: &'a Store, height: u32) -> Self {
        Self { runtime, store, height, block: Changes::new(), step: None }
    }

    /// The runtime whose metadata names the places.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The changes made.
    pub(crate) fn into_changes(self) -> Changes {
        self.block
    }

    /// From now on changes can be taken back.
    pub(crate) fn begin(&mut self) {
        self.step = Some(Changes::new());
    }

    /// Keeps the changes since [`Self::begin`].
    pub(crate) fn keep(&mut self) {
        self.block.append(&mut self.step.take().unwrap_or_default());
    }

    /// Takes the changes since [`Self::begin`] back.
    pub(crate) fn undo(&mut self) {
        self.step = None;
    }

    /// The bytes under a raw key.
    pub(crate) fn raw(&self, key: &[u8]) -> Option<&[u8]> {
        let changed = self.step.as_ref().and_then(|step| step.get(key)).or_else(|| self.block.get(key));
        match changed {
            Some(value) => value.as_deref(),
            None => self.store.get(key, self.height).map(AsRef::as_ref),
        }
    }

    /// Sets or removes the bytes under a raw key.
    pub(crate) fn set_raw(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.step.as_mut().unwrap_or(&mut self.block).insert(key, value);
    }

    /// A typed value.
    pub(crate) fn get<T: Decode>(&self, pallet: &str, entry: &str, parts: &[Value]) -> Option<T> {
        let key = self.runtime.key(pallet, entry, parts)?;
        T::decode(&mut self.raw(&key)?).ok()
    }

    /// Sets a typed value.
    pub(crate) fn put<T: Encode>(&mut self, pallet: &str, entry: &str, parts: &[Value], value: &T) {
        if let Some(key) = self.runtime.key(pallet, entry, parts) {
            self.set_raw(key, Some(value.encode()));
        }
    }

    /// Removes a value.
    pub(crate) fn remove(&mut self, pallet: &str, entry: &str, parts: &[Value]) {
        if let Some(key) = self.runtime.key(pallet, entry, parts) {
            self.set_raw(key, None);
        }
    }

    /// A value of pallet SubtensorModule; zero or empty if absent.
    pub(crate) fn sub<T: Decode + Default>(&self, entry: &str, parts: &[Value]) -> T {
        self.get(SUBTENSOR, entry, parts).unwrap_or_default()
    }

    /// Sets a value of pallet SubtensorModule.
    pub(crate) fn set_sub<T: Encode>(&mut self, entry: &str, parts: &[Value], value: &T) {
        self.put(SUBTENSOR, entry, parts, value);
    }

    /// Removes a value of pallet SubtensorModule.
    pub(crate) fn remove_sub(&mut self, entry: &str, parts: &[Value]) {
        self.remove(SUBTENSOR, entry, parts);
    }

    /// The slot of a hotkey.
    pub(crate) fn uid(&self, netuid: u16, hotkey: Hotkey) -> Option<u16> {
        self.get(SUBTENSOR, "Uids", &[n(netuid), key(hotkey)])
    }

    /// The hotkey in a slot.
    pub(crate) fn hotkey(&self, netuid: u16, uid: u16) -> Option<Hotkey> {
        self.get(SUBTENSOR, "Keys", &[n(netuid), n(uid)]).map(Hotkey)
    }

    /// The coldkey that owns a hotkey.
    pub(crate) fn owner(&self, hotkey: Hotkey) -> Option<Hotkey> {
        self.get(SUBTENSOR, "Owner", &[key(hotkey)]).map(Hotkey)
    }

    /// The hotkey of the subnet's owner, whose incentive is burned.
    pub(crate) fn owner_hotkey(&self, netuid: u16) -> Option<Hotkey> {
        self.get(SUBTENSOR, "SubnetOwnerHotkey", &[n(netuid)]).map(Hotkey)
    }

    /// Transaction counter and free balance in rao.
    pub(crate) fn account(&self, who: Hotkey) -> (u32, u64) {
        let account: Option<Account> = self.get("System", "Account", &[key(who)]);
        account.map_or((0, 0), |a| (a.0, a.4))
    }

    /// Sets transaction counter and free balance in rao.
    pub(crate) fn set_account(&mut self, who: Hotkey, nonce: u32, free: u64) {
        let providers = u32::from(free > 0);
        let account: Account = (nonce, 0, providers, 0, free, 0, 0, NEW_LOGIC);
        self.put("System", "Account", &[key(who)], &account);
    }

    /// Alpha staked to a hotkey in rao. All of it belongs to its coldkey.
    pub(crate) fn stake(&self, netuid: u16, hotkey: Hotkey) -> u64 {
        self.sub("TotalHotkeyAlpha", &[key(hotkey), n(netuid)])
    }

    /// Sets the alpha staked to a hotkey, as the pallet keeps it: total, shares, and the coldkey's shares.
    pub(crate) fn set_stake(&mut self, netuid: u16, hotkey: Hotkey, rao: u64) {
        self.set_sub("TotalHotkeyAlpha", &[key(hotkey), n(netuid)], &rao);
        // U64F64: one share per rao.
        let shares = u128::from(rao) << 64;
        self.set_sub("TotalHotkeyShares", &[key(hotkey), n(netuid)], &shares);
        if let Some(coldkey) = self.owner(hotkey) {
            self.set_sub("Alpha", &[key(hotkey), key(coldkey), n(netuid)], &shares);
        }
    }
}

/// A number as part of a storage key.
pub(crate) fn n(number: impl Into<u128>) -> Value {
    Value::u128(number.into())
}

/// An account as part of a storage key.
pub(crate) fn key(account: Hotkey) -> Value {
    Value::from_bytes(account.0)
}
