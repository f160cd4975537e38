//! One version of the chain's runtime, as its own metadata describes it.
//!
//! In: metadata from a node (hostile). Out: storage keys, values, runtime API calls, and whether the transactions that the
//! signer builds are the ones this runtime takes. What it does not have is [`SubtensorError::Missing`].

use scale_decode::DecodeAsType;
use subxt::client::OfflineClient;
use subxt::config::substrate::{BlakeTwo256, H256, SubstrateHeader};
use subxt::config::{Config, SubstrateExtrinsicParams, SubstrateExtrinsicParamsBuilder};
use subxt::dynamic::{self, Value};
use subxt::ext::frame_decode::runtime_apis::encode_runtime_api_inputs;
use subxt::ext::frame_decode::storage::{StorageTypeInfo as _, encode_storage_key};
use subxt::ext::scale_value::Composite;
use subxt::metadata::{ArcMetadata, Metadata};
use subxt::utils::{AccountId32, MultiAddress, MultiSignature};
use types::{Extrinsic, Hash32, SubtensorCall};

use crate::error::SubtensorError;
use crate::scale;
use crate::wire::{BlockEvents, read_events};

/// Subxt's view of Bittensor at one version of its runtime.
#[derive(Debug, Clone)]
pub(crate) struct Bittensor {
    genesis: H256,
    versions: (u32, u32),
    metadata: ArcMetadata,
}

impl Config for Bittensor {
    type AccountId = AccountId32;
    type Address = MultiAddress<Self::AccountId, u32>;
    type Signature = MultiSignature;
    type Hasher = BlakeTwo256;
    type Header = SubstrateHeader<H256>;
    type TransactionExtensions = SubstrateExtrinsicParams<Self>;
    type AssetId = u32;

    fn genesis_hash(&self) -> Option<H256> {
        Some(self.genesis)
    }

    fn spec_and_transaction_version_for_block_number(&self, _: u64) -> Option<(u32, u32)> {
        Some(self.versions)
    }

    fn metadata_for_spec_version(&self, _: u32) -> Option<ArcMetadata> {
        Some(ArcMetadata::clone(&self.metadata))
    }
}

/// A runtime version.
#[derive(Debug, Clone)]
pub struct Runtime {
    spec_version: u32,
    transaction_version: u32,
    metadata: ArcMetadata,
}

impl Runtime {
    /// Reads metadata as `Metadata_metadata_at_version` gives it, without its outer length.
    ///
    /// # Errors
    /// [`SubtensorError::Format`] for metadata that does not read or whose types contain themselves.
    pub fn new(spec_version: u32, transaction_version: u32, metadata: &[u8]) -> Result<Self, SubtensorError> {
        let refused = |why: String| SubtensorError::Format { spec_version, why: crate::error::tame(&why) };
        let metadata = Metadata::decode_from(metadata).map_err(|e| refused(format!("metadata: {e}")))?;
        scale::check_types(metadata.types()).map_err(|e| refused(format!("metadata: {e}")))?;
        Ok(Self { spec_version, transaction_version, metadata: metadata.arc() })
    }

    /// Its number, which grows with each upgrade.
    pub fn spec_version(&self) -> u32 {
        self.spec_version
    }

    /// The number of its transaction format.
    pub fn transaction_version(&self) -> u32 {
        self.transaction_version
    }

    /// What it says of itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Reads a `System.Events` value.
    ///
    /// # Errors
    /// [`crate::ScaleError`].
    pub fn events(&self, bytes: &[u8]) -> Result<BlockEvents, crate::ScaleError> {
        read_events(&self.metadata, bytes)
    }

    /// Whether it has this call, with this number within its pallet.
    pub(crate) fn has_call(&self, pallet: &str, call: &str) -> bool {
        self.metadata.pallet_by_name(pallet).is_some_and(|p| p.call_variant_by_name(call).is_some())
    }

    /// The key of a storage item.
    pub(crate) fn key(&self, pallet: &str, entry: &str, keys: Vec<Value>) -> Result<Vec<u8>, SubtensorError> {
        let types = self.metadata.types();
        encode_storage_key(pallet, entry, keys, &*self.metadata, types)
            .map_err(|_| SubtensorError::missing(format!("storage item {pallet}.{entry}")))
    }

    /// The bytes that an unset item stands for, if it stands for any.
    pub(crate) fn default_of(&self, pallet: &str, entry: &str) -> Option<Vec<u8>> {
        let info = self.metadata.storage_info(pallet, entry).ok()?;
        info.default_value.map(|bytes| bytes.into_owned())
    }

    /// Reads a storage item's bytes.
    pub(crate) fn value<T: DecodeAsType>(&self, pallet: &str, entry: &str, bytes: &[u8]) -> Result<T, SubtensorError> {
        let item = || format!("storage item {pallet}.{entry} of the known shape");
        let info = self.metadata.storage_info(pallet, entry).map_err(|_| SubtensorError::missing(item()))?;
        scale::decode(self.metadata.types(), info.value_id, bytes).map_err(|_| SubtensorError::missing(item()))
    }

    /// Name and arguments of a runtime API call.
    pub(crate) fn api_call(
        &self,
        api: &str,
        method: &str,
        arguments: Vec<Value>,
    ) -> Result<(String, Vec<u8>), SubtensorError> {
        let types = self.metadata.types();
        let bytes = encode_runtime_api_inputs(api, method, arguments, &*self.metadata, types)
            .map_err(|_| SubtensorError::missing(format!("runtime API {api}.{method}")))?;
        Ok((format!("{api}_{method}"), bytes))
    }

    /// Reads what a runtime API call returned.
    pub(crate) fn api_value<T: DecodeAsType>(
        &self,
        api: &str,
        method: &str,
        bytes: &[u8],
    ) -> Result<T, SubtensorError> {
        let missing = || SubtensorError::missing(format!("runtime API {api}.{method} of the known shape"));
        let found = self.metadata.runtime_api_trait_by_name(api).and_then(|a| a.method_by_name(method));
        let output = found.ok_or_else(missing)?.output_ty();
        scale::decode(self.metadata.types(), output, bytes).map_err(|_| missing())
    }

    /// Whether the bytes that the signer builds are the ones this runtime's own metadata asks for.
    ///
    /// # Errors
    /// [`SubtensorError::Format`] if they are not; nothing may be signed then.
    pub fn check(&self, extrinsic: &Extrinsic) -> Result<(), SubtensorError> {
        let refused =
            |why: String| SubtensorError::Format { spec_version: self.spec_version, why: crate::error::tame(&why) };
        let theirs = self.payload_of(extrinsic).map_err(refused)?;
        if theirs == extrinsic.payload() {
            return Ok(());
        }
        let (pallet, call) = extrinsic.call.path();
        Err(refused(format!("{pallet}.{call} is encoded otherwise")))
    }

    /// What subxt would have signed.
    fn payload_of(&self, extrinsic: &Extrinsic) -> Result<Vec<u8>, String> {
        let client = OfflineClient::new_with_config(Bittensor {
            genesis: h256(extrinsic.genesis),
            versions: (extrinsic.spec_version, extrinsic.transaction_version),
            metadata: ArcMetadata::clone(&self.metadata),
        });
        let era = &extrinsic.era;
        let at = client.at_block(era.block()).map_err(|e| e.to_string())?;
        let parameters = SubstrateExtrinsicParamsBuilder::<Bittensor>::new()
            .nonce(u64::from(extrinsic.nonce))
            .mortal_from_unchecked(u64::from(era.period()), era.block(), h256(era.birth()))
            .build();
        let (pallet, call) = extrinsic.call.path();
        let payload = dynamic::tx(pallet, call, arguments(&extrinsic.call));
        let transactions = at.transactions();
        let signable = transactions.create_v4_signable_offline(&payload, parameters).map_err(|e| e.to_string())?;
        signable.signer_payload().map_err(|e| e.to_string())
    }
}

/// A call's arguments for subxt.
fn arguments(call: &SubtensorCall) -> Composite<()> {
    let number = |n: u64| Value::u128(u128::from(n));
    let netuid = ("netuid", number(u64::from(call.netuid())));
    match call {
        SubtensorCall::Commit { data, .. } => {
            let data = data.as_bytes();
            let field = Value::unnamed_variant(format!("Raw{}", data.len()), [Value::from_bytes(data)]);
            let info = Value::named_composite([("fields", Value::unnamed_composite([field]))]);
            Composite::named([netuid, ("info", info)])
        }
        SubtensorCall::SetWeights { weights, version_key, .. } => {
            let list = |of: fn(&(types::Uid, u16)) -> u16| {
                Value::unnamed_composite(weights.as_slice().iter().map(|w| number(u64::from(of(w)))))
            };
            let (uids, values) = (list(|w| w.0.0), list(|w| w.1));
            Composite::named([netuid, ("dests", uids), ("weights", values), ("version_key", number(*version_key))])
        }
        SubtensorCall::Register { hotkey, .. } => Composite::named([netuid, ("hotkey", Value::from_bytes(hotkey.0))]),
        SubtensorCall::RegisterLimit { hotkey, limit_price, .. } => {
            Composite::named([netuid, ("hotkey", Value::from_bytes(hotkey.0)), ("limit_price", number(limit_price.0))])
        }
    }
}

pub(crate) fn h256(hash: Hash32) -> H256 {
    H256(hash.0)
}

#[cfg(test)]
mod tests;
