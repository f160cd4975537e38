//! The JSON-RPC methods of a Substrate node that clients of Bittensor use, and the scenario's own `dev_*`.
//!
//! In: method and parameters, hostile. Out: JSON as `sc-rpc` gives it, or a [`Refusal`]. Plain methods go through
//! [`answer`], which does no I/O; subscriptions stand in `subscribe`.

use std::sync::Arc;

use jsonrpsee::RpcModule;
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::{Value, json};

use crate::NodeError;
use crate::api::{self, ApiError};
use crate::chain::Action;
use crate::extrinsic::MAX_EXTRINSIC;
use crate::refusal::Refusal;
use crate::shared::Shared;
use crate::view::{Knobs, Look, Shown};

mod args;
mod subscribe;

use args::Args;

/// Most keys in one reply, as in Substrate.
const MAX_KEYS: u64 = 1000;
/// Longest storage key and runtime API arguments, in bytes.
const MAX_KEY: usize = 1024;
const MAX_ARGUMENTS: usize = MAX_EXTRINSIC + 64;

/// Methods that are answered at once, subscriptions not among them.
pub const METHODS: [&str; 31] = [
    "chain_getBlockHash",
    "chain_getFinalizedHead",
    "chain_getHeader",
    "chain_getBlock",
    "state_getStorage",
    "state_getStorageHash",
    "state_getKeysPaged",
    "state_queryStorageAt",
    "state_getRuntimeVersion",
    "state_getMetadata",
    "state_call",
    "author_submitExtrinsic",
    "author_pendingExtrinsics",
    "system_chain",
    "system_name",
    "system_version",
    "system_chainType",
    "system_properties",
    "system_health",
    "system_syncState",
    "system_accountNextIndex",
    "payment_queryInfo",
    "rpc_methods",
    "dev_status",
    "dev_seal",
    "dev_pause",
    "dev_reorg",
    "dev_act",
    "dev_set",
    "dev_knobs",
    "dev_drop",
];

/// Answers a method of [`METHODS`] at endpoint `endpoint`; `params` is the JSON text of its parameters.
///
/// # Errors
/// [`Refusal`]
pub fn answer(shared: &Shared, endpoint: usize, method: &str, params: Option<&str>) -> Result<Value, Refusal> {
    let args = Args::parse(params)?;
    if method.starts_with("dev_") {
        return develop(shared, method, &args);
    }
    let view = shared.view(endpoint)?;
    if method == "author_submitExtrinsic" {
        let raw = args.bytes(0, MAX_EXTRINSIC)?;
        return Ok(json!(hex(view.look().chain.submit(&raw)?)));
    }
    let look = view.look();
    if look.knobs.missing.contains(method) {
        return Err(Refusal::Method);
    }
    if let Some(bytes) = look.knobs.oversized.get(method) {
        return Ok(json!(format!("0x{}", "0".repeat(*bytes as usize))));
    }
    match method.split_once('_') {
        Some(("chain", _)) => chain(&look, method, &args),
        Some(("state", _)) => state(&look, method, &args),
        _ => other(&look, method, &args),
    }
}

fn chain(look: &Look<'_>, method: &str, args: &Args) -> Result<Value, Refusal> {
    Ok(match method {
        "chain_getBlockHash" => match args.number(0)? {
            Some(number) => json!(look.hash_of(number).map(hex)),
            None => json!(look.head_hash(look.best).map(hex)),
        },
        "chain_getFinalizedHead" => json!(look.head_hash(look.finalized).map(hex)),
        "chain_getHeader" => match look.block(args.hash(0)?) {
            Some(Shown::Real(block)) => json!(block.header),
            Some(Shown::Forged(header)) => json!(header),
            None => Value::Null,
        },
        "chain_getBlock" => {
            let (header, body) = match look.block(args.hash(0)?.or_else(|| look.head_hash(look.best))) {
                Some(Shown::Real(block)) => (block.header.clone(), block.body.iter().map(hex).collect()),
                Some(Shown::Forged(header)) => (header, Vec::new()),
                None => return Ok(Value::Null),
            };
            json!({ "block": { "header": header, "extrinsics": body }, "justifications": null })
        }
        _ => return Err(Refusal::Method),
    })
}

fn state(look: &Look<'_>, method: &str, args: &Args) -> Result<Value, Refusal> {
    Ok(match method {
        "state_getStorage" | "state_getStorageHash" => {
            let key = args.bytes(0, MAX_KEY)?;
            let value = storage(look, &key, look.state_height(args.hash(1)?)?);
            match value {
                Some(value) if method == "state_getStorageHash" => json!(hex(crate::extrinsic::blake2_256(value))),
                value => json!(value.map(hex)),
            }
        }
        "state_getKeysPaged" => {
            let prefix = args.bytes(0, MAX_KEY)?;
            let count = args.number(1)?.unwrap_or(0);
            if count > MAX_KEYS {
                return Err(Refusal::Params(format!("count exceeds maximum value. value: {count}, max: {MAX_KEYS}")));
            }
            let after = args.optional_bytes(2, MAX_KEY)?;
            let height = look.state_height(args.hash(3)?)?;
            let keys = look.chain.store().keys(&prefix, after.as_deref(), height).filter(|key| !look.hides(key));
            json!(keys.take(count as usize).map(hex).collect::<Vec<_>>())
        }
        "state_queryStorageAt" => {
            let keys = args.list(0, MAX_KEYS as usize, MAX_KEY)?;
            let hash = args.hash(1)?;
            let height = look.state_height(hash)?;
            let changes: Vec<_> =
                keys.iter().map(|key| json!([hex(key), storage(look, key, height).map(hex)])).collect();
            let block = hash.or_else(|| look.head_hash(height)).map(hex);
            json!([{ "block": block, "changes": changes }])
        }
        "state_getRuntimeVersion" => look.state(args.hash(0)?)?.runtime().version_json(),
        "state_getMetadata" => json!(hex(look.state(args.hash(0)?)?.runtime().metadata_bytes())),
        "state_call" => {
            let method = args.text(0)?;
            let arguments = args.bytes(1, MAX_ARGUMENTS)?;
            let state = look.state(args.hash(2)?)?;
            let missing = || Refusal::Execution(format!("Other: Exported method {method} is not found"));
            if look.knobs.missing.contains(method) {
                return Err(missing());
            }
            let answer = api::call(&state, method, &arguments).map_err(|e| match e {
                ApiError::Missing => missing(),
                ApiError::Arguments(why) => Refusal::Execution(format!("Bad input data provided to {method}: {why}")),
            })?;
            json!(hex(&answer))
        }
        _ => return Err(Refusal::Method),
    })
}

fn storage<'a>(look: &'a Look<'_>, key: &[u8], height: u32) -> Option<&'a [u8]> {
    look.chain.store().get(key, height).filter(|_| !look.hides(key)).map(AsRef::as_ref)
}

fn other(look: &Look<'_>, method: &str, args: &Args) -> Result<Value, Refusal> {
    Ok(match method {
        "author_pendingExtrinsics" => json!(look.chain.waiting().map(|w| hex(&w.raw)).collect::<Vec<_>>()),
        "system_chain" => json!("Covey test node"),
        "system_name" => json!("subtensor-node"),
        "system_version" => json!(env!("CARGO_PKG_VERSION")),
        "system_chainType" => json!("Development"),
        "system_properties" => json!({ "ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO" }),
        "system_health" => json!({ "peers": 0, "isSyncing": false, "shouldHavePeers": false }),
        "system_syncState" => {
            json!({ "startingBlock": 0, "currentBlock": look.best, "highestBlock": look.best })
        }
        "system_accountNextIndex" => json!(look.chain.next_nonce(args.account(0)?)),
        "payment_queryInfo" => {
            let raw = args.bytes(0, MAX_EXTRINSIC)?;
            let state = look.state(args.hash(1)?)?;
            let signed = crate::extrinsic::Signed::decode(&raw, state.runtime())?;
            let fee = api::fee(&state, &signed, raw.len()).to_string();
            json!({ "weight": { "ref_time": 0, "proof_size": 0 }, "class": "normal", "partialFee": fee })
        }
        "rpc_methods" => {
            let shown = METHODS.iter().chain(&subscribe::METHODS).filter(|m| !look.knobs.missing.contains(**m));
            json!({ "methods": shown.collect::<Vec<_>>() })
        }
        _ => return Err(Refusal::Method),
    })
}

/// The scenario's own methods. Endpoints are named by number, so that a dropped one can be reached through another.
fn develop(shared: &Shared, method: &str, args: &Args) -> Result<Value, Refusal> {
    match method {
        "dev_status" => return Ok(shared.status()),
        "dev_seal" => return Ok(json!(hex(shared.seal(args.number(0)?.unwrap_or(1))?))),
        "dev_pause" => shared.pause(args.typed(0)?),
        "dev_reorg" => {
            let depth = args.typed(0)?;
            shared.reorg(depth, args.optional(1)?.unwrap_or(false))?;
        }
        "dev_act" => shared.act(args.typed::<Action>(0)?)?,
        "dev_set" => shared.view(args.typed(0)?)?.set(args.typed::<Knobs>(1)?)?,
        "dev_knobs" => return Ok(json!(shared.view(args.typed(0)?)?.knobs())),
        "dev_drop" => {
            let endpoint = args.typed(0)?;
            shared.drop_connections(endpoint, args.optional(1)?.unwrap_or(0))?;
        }
        _ => return Err(Refusal::Method),
    }
    Ok(Value::Null)
}

/// Bytes as Substrate shows them.
pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// What the server calls for endpoint `endpoint`.
pub(crate) fn module(shared: Arc<Shared>, endpoint: usize) -> Result<RpcModule<Arc<Shared>>, NodeError> {
    let mut module = RpcModule::new(shared);
    for method in METHODS {
        let registered = module.register_async_method(method, move |params, shared, _| async move {
            let delay = shared.view(endpoint)?.delay();
            if !delay.is_zero() && !method.starts_with("dev_") {
                tokio::time::sleep(delay).await;
            }
            answer(&shared, endpoint, method, params.as_str()).map_err(ErrorObjectOwned::from)
        });
        registered.map_err(|e| NodeError::Serve(e.to_string()))?;
    }
    subscribe::register(&mut module, endpoint).map_err(|e| NodeError::Serve(e.to_string()))?;
    Ok(module)
}
