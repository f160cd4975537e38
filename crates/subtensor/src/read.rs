//! Reads at one block.
//!
//! In: names of storage items and runtime APIs. Out: typed values. An item that the runtime lacks, or has in another
//! shape, is `None` and goes on a list: runtimes change every few weeks, and half an answer is better than none.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use scale_decode::DecodeAsType;
use subxt::dynamic::Value;
use subxt::utils::AccountId32;
use types::{Hash32, Hotkey};

use crate::error::SubtensorError;
use crate::node::Node;
use crate::runtime::Runtime;

/// Most items on the list of what is missing.
const MAX_MISSING: usize = 64;

/// A block of one node's chain, with the runtime in force.
pub(crate) struct At {
    node: Arc<Node>,
    runtime: Arc<Runtime>,
    hash: Hash32,
    missing: Mutex<BTreeSet<String>>,
}

impl At {
    pub(crate) async fn new(node: Arc<Node>, hash: Hash32) -> Result<Self, SubtensorError> {
        let runtime = node.runtime(hash).await?;
        Ok(Self { node, runtime, hash, missing: Mutex::default() })
    }

    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn hash(&self) -> Hash32 {
        self.hash
    }

    /// Items asked for that this runtime does not have.
    pub(crate) fn missing(&self) -> Vec<String> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn note<T>(&self, error: SubtensorError) -> Result<Option<T>, SubtensorError> {
        match error {
            SubtensorError::Missing { item } => {
                let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
                if missing.len() < MAX_MISSING {
                    missing.insert(item);
                }
                Ok(None)
            }
            other => Err(other),
        }
    }

    /// A storage item; unset, it is what the runtime takes it for, or `None`.
    pub(crate) async fn get<T: DecodeAsType>(
        &self,
        pallet: &str,
        entry: &str,
        keys: Vec<Value>,
    ) -> Result<Option<T>, SubtensorError> {
        self.read(pallet, entry, keys, true).await
    }

    /// A storage item; unset, it is `None`.
    pub(crate) async fn find<T: DecodeAsType>(
        &self,
        pallet: &str,
        entry: &str,
        keys: Vec<Value>,
    ) -> Result<Option<T>, SubtensorError> {
        self.read(pallet, entry, keys, false).await
    }

    async fn read<T: DecodeAsType>(
        &self,
        pallet: &str,
        entry: &str,
        keys: Vec<Value>,
        or_default: bool,
    ) -> Result<Option<T>, SubtensorError> {
        let key = match self.runtime.key(pallet, entry, keys) {
            Ok(key) => key,
            Err(error) => return self.note(error),
        };
        let bytes = self.node.storage(&key, self.hash).await?;
        let Some(bytes) = bytes.or_else(|| self.runtime.default_of(pallet, entry).filter(|_| or_default)) else {
            return Ok(None);
        };
        self.runtime.value(pallet, entry, &bytes).map(Some).or_else(|error| self.note(error))
    }

    /// The bytes of a storage item.
    pub(crate) async fn raw(
        &self,
        pallet: &str,
        entry: &str,
        keys: Vec<Value>,
    ) -> Result<Option<Vec<u8>>, SubtensorError> {
        match self.runtime.key(pallet, entry, keys) {
            Ok(key) => self.node.storage(&key, self.hash).await,
            Err(error) => self.note(error),
        }
    }

    /// One storage item of a map for each of many keys; what does not read is `None`.
    pub(crate) async fn many<T: DecodeAsType>(
        &self,
        pallet: &str,
        entry: &str,
        keys: Vec<Vec<Value>>,
    ) -> Result<Vec<Option<T>>, SubtensorError> {
        let count = keys.len();
        let keys: Result<Vec<_>, _> = keys.into_iter().map(|key| self.runtime.key(pallet, entry, key)).collect();
        let keys = match keys {
            Ok(keys) => keys,
            Err(error) => {
                self.note::<()>(error)?;
                return Ok((0..count).map(|_| None).collect());
            }
        };
        let values = self.node.storage_of(&keys, self.hash).await?;
        let read = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| self.runtime.value(pallet, entry, &bytes).ok());
        Ok(values.into_iter().map(read).collect())
    }

    /// What a runtime API says.
    pub(crate) async fn api<T: DecodeAsType>(
        &self,
        api: &str,
        method: &str,
        arguments: Vec<Value>,
    ) -> Result<Option<T>, SubtensorError> {
        let (function, arguments) = match self.runtime.api_call(api, method, arguments) {
            Ok(call) => call,
            Err(error) => return self.note(error),
        };
        match self.node.call(&function, &arguments, self.hash).await {
            Ok(bytes) => self.runtime.api_value(api, method, &bytes).map(Some).or_else(|error| self.note(error)),
            Err(SubtensorError::Missing { .. }) => {
                self.note(SubtensorError::missing(format!("runtime API {api}.{method}")))
            }
            Err(error) => Err(error),
        }
    }

    /// The block's time in milliseconds since 1970, as its author said.
    pub(crate) async fn time_ms(&self) -> Result<u64, SubtensorError> {
        Ok(self.get("Timestamp", "Now", Vec::new()).await?.unwrap_or_default())
    }

    /// A key's uid on a subnet.
    pub(crate) async fn uid(&self, netuid: u16, hotkey: &Hotkey) -> Result<Option<u16>, SubtensorError> {
        self.find("SubtensorModule", "Uids", vec![number(netuid), account(&hotkey.0)]).await
    }

    /// An account that an item of the subnet module names; the all-zero account stands for none.
    pub(crate) async fn account(&self, entry: &str, keys: Vec<Value>) -> Result<Option<[u8; 32]>, SubtensorError> {
        let found: Option<AccountId32> = self.find("SubtensorModule", entry, keys).await?;
        Ok(found.map(|account| account.0).filter(|account| *account != [0; 32]))
    }
}

/// A number as a storage key or argument.
pub(crate) fn number(n: impl Into<u128>) -> Value {
    Value::u128(n.into())
}

/// An account as a storage key or argument.
pub(crate) fn account(bytes: &[u8; 32]) -> Value {
    Value::from_bytes(bytes)
}
