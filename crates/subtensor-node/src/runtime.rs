//! The runtime as its metadata describes it: where things are stored, how calls, events and errors are numbered.
//!
//! In: SCALE metadata V16, a spec version, items to leave out. Out: storage keys, indices, the metadata to serve. It holds
//! no state and applies nothing. Metadata whose transaction extensions it does not know is refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use subxt::dynamic::Value;
use subxt::ext::codec::{Decode, Encode};
use subxt::ext::frame_decode::storage::encode_storage_key;
use subxt::ext::frame_metadata::v16::RuntimeMetadataV16;
use subxt::ext::frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use subxt::metadata::Metadata;

use crate::NodeError;

/// Mainnet's metadata, spec 365 (see fixtures/README.md).
pub const FINNEY: &[u8] = include_bytes!("../fixtures/finney.scale");
/// Deepest nesting followed when a type's size is looked at: extensions are flat.
const MAX_TYPE_DEPTH: usize = 8;

/// `RuntimeVersion` in SCALE: names, authoring, spec, implementation, APIs, transaction version, system version.
type Version = (String, String, u32, u32, u32, Vec<([u8; 8], u32)>, u32, u8);

/// What a transaction extension carries, in the order in which the metadata lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extension {
    /// Nothing in the transaction, nothing in what is signed.
    Empty,
    /// Signed: the spec version.
    SpecVersion,
    /// Signed: the transaction version.
    TransactionVersion,
    /// Signed: the genesis hash.
    Genesis,
    /// Carried: an era. Signed: the hash of the block in which it began.
    Mortality,
    /// Carried: the account's transaction counter.
    Nonce,
    /// Carried: a tip.
    Payment,
    /// Carried: whether a metadata hash is signed.
    MetadataHash,
}

/// A runtime version. Cheap to share; never changes.
pub struct Runtime {
    metadata: Metadata,
    bytes: Arc<[u8]>,
    version: Version,
    extensions: Vec<Extension>,
}

impl Runtime {
    /// Mainnet's runtime.
    ///
    /// # Errors
    /// [`NodeError::Metadata`], never with the metadata that comes with this crate.
    pub fn finney() -> Result<Self, NodeError> {
        Self::new(FINNEY, 0, &BTreeSet::new())
    }

    /// The runtime of `bytes` with its spec version raised by `bumps`, as if storage items (`Pallet.Item`) and runtime API
    /// methods (`Trait.method`) named in `without` did not exist. Unknown names are ignored.
    ///
    /// # Errors
    /// [`NodeError::Metadata`] for bytes that are no metadata V16 or whose transactions this node could not check.
    pub fn new(bytes: &[u8], bumps: u32, without: &BTreeSet<String>) -> Result<Self, NodeError> {
        let bad = |why: String| NodeError::Metadata(why);
        let mut prefixed = RuntimeMetadataPrefixed::decode(&mut &*bytes).map_err(|e| bad(e.to_string()))?;
        let RuntimeMetadata::V16(v16) = &mut prefixed.1 else { return Err(bad("not metadata V16".into())) };
        for pallet in &mut v16.pallets {
            if let Some(storage) = &mut pallet.storage {
                storage.entries.retain(|entry| !without.contains(&format!("{}.{}", pallet.name, entry.name)));
            }
        }
        for api in &mut v16.apis {
            api.methods.retain(|method| !without.contains(&format!("{}.{}", api.name, method.name)));
        }
        let version = raise_version(v16, bumps).ok_or_else(|| bad("System.Version is missing or unreadable".into()))?;
        let metadata = Metadata::from_v16(v16.clone()).map_err(|e| bad(e.to_string()))?;
        let extensions = extensions(&metadata)?;
        Ok(Self { metadata, bytes: prefixed.encode().into(), version, extensions })
    }

    /// The parsed metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The metadata in SCALE.
    pub fn metadata_bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The spec version.
    pub fn spec_version(&self) -> u32 {
        self.version.3
    }

    /// The transaction version.
    pub fn transaction_version(&self) -> u32 {
        self.version.6
    }

    /// `RuntimeVersion` in SCALE, as `Core_version` answers.
    pub fn version_bytes(&self) -> Vec<u8> {
        self.version.encode()
    }

    /// `RuntimeVersion` in JSON, as `state_getRuntimeVersion` answers.
    pub fn version_json(&self) -> serde_json::Value {
        let (spec_name, impl_name, authoring, spec, implementation, apis, transaction, system) = &self.version;
        let apis: Vec<_> =
            apis.iter().map(|(id, v)| serde_json::json!([format!("0x{}", hex::encode(id)), v])).collect();
        serde_json::json!({
            "specName": spec_name, "implName": impl_name, "authoringVersion": authoring, "specVersion": spec,
            "implVersion": implementation, "apis": apis, "transactionVersion": transaction, "stateVersion": system,
        })
    }

    /// The key of a storage item; `None` if this runtime has no such item or the key parts do not fit it.
    pub(crate) fn key(&self, pallet: &str, entry: &str, parts: &[Value]) -> Option<Vec<u8>> {
        encode_storage_key(pallet, entry, parts.to_vec(), &self.metadata, self.metadata.types()).ok()
    }

    /// Pallet and variant index of an event.
    pub(crate) fn event(&self, pallet: &str, name: &str) -> Option<[u8; 2]> {
        let pallet = self.metadata.pallet_by_name(pallet)?;
        let variant = pallet.event_variants()?.iter().find(|v| v.name == name)?;
        Some([pallet.event_index(), variant.index])
    }

    /// Pallet and variant index of an error.
    pub(crate) fn error(&self, pallet: &str, name: &str) -> Option<[u8; 2]> {
        let pallet = self.metadata.pallet_by_name(pallet)?;
        let variant = pallet.error_variants()?.iter().find(|v| v.name == name)?;
        Some([pallet.error_index(), variant.index])
    }

    /// Pallet and name of a call by its indices.
    pub(crate) fn call(&self, pallet: u8, call: u8) -> Option<(&str, &str)> {
        let pallet = self.metadata.pallet_by_call_index(pallet)?;
        Some((pallet.name(), &pallet.call_variant_by_index(call)?.name))
    }

    /// Indices of a call by its name.
    pub(crate) fn call_index(&self, pallet: &str, call: &str) -> Option<[u8; 2]> {
        let pallet = self.metadata.pallet_by_name(pallet)?;
        Some([pallet.call_index(), pallet.call_variant_by_name(call)?.index])
    }

    /// Whether the runtime API method exists; its name is `Trait_method`.
    pub(crate) fn has_api(&self, name: &str) -> bool {
        let exists = |(api, method): (&str, &str)| {
            self.metadata.runtime_api_trait_by_name(api).is_some_and(|t| t.method_by_name(method).is_some())
        };
        name.split_once('_').is_some_and(exists)
    }

    /// The transaction extensions in order.
    pub(crate) fn extensions(&self) -> &[Extension] {
        &self.extensions
    }
}

/// Raises the spec version in the constant `System.Version` and returns the result.
fn raise_version(metadata: &mut RuntimeMetadataV16, bumps: u32) -> Option<Version> {
    let system = metadata.pallets.iter_mut().find(|p| p.name == "System")?;
    let constant = system.constants.iter_mut().find(|c| c.name == "Version")?;
    let mut version = Version::decode(&mut &constant.value[..]).ok()?;
    version.3 = version.3.checked_add(bumps)?;
    constant.value = version.encode();
    Some(version)
}

fn extensions(metadata: &Metadata) -> Result<Vec<Extension>, NodeError> {
    let listed = metadata.extrinsic().transaction_extensions_to_use_for_encoding();
    listed
        .map(|extension| match extension.identifier() {
            "CheckSpecVersion" => Ok(Extension::SpecVersion),
            "CheckTxVersion" => Ok(Extension::TransactionVersion),
            "CheckGenesis" => Ok(Extension::Genesis),
            "CheckMortality" => Ok(Extension::Mortality),
            "CheckNonce" => Ok(Extension::Nonce),
            "ChargeTransactionPayment" => Ok(Extension::Payment),
            "CheckMetadataHash" => Ok(Extension::MetadataHash),
            other => {
                let empty = |id| is_empty(metadata, id, 0);
                if empty(extension.extra_ty()) && empty(extension.additional_ty()) {
                    Ok(Extension::Empty)
                } else {
                    Err(NodeError::Metadata(format!("unknown transaction extension `{other}`")))
                }
            }
        })
        .collect()
}

/// Whether a type takes no bytes.
fn is_empty(metadata: &Metadata, id: u32, depth: usize) -> bool {
    use scale_info::TypeDef;
    let Some(ty) = metadata.types().resolve(id).filter(|_| depth < MAX_TYPE_DEPTH) else { return false };
    match &ty.type_def {
        TypeDef::Composite(composite) => composite.fields.iter().all(|f| is_empty(metadata, f.ty.id, depth + 1)),
        TypeDef::Tuple(tuple) => tuple.fields.iter().all(|f| is_empty(metadata, f.id, depth + 1)),
        _ => false,
    }
}
