//! One connection to one node.
//!
//! In: an address and questions. Out: answers, each bounded in size and time, each hash recomputed from what it stands
//! for. It asks and never subscribes, so that a node cannot fill this process's memory with what nobody wants.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use subxt::config::RpcConfigFor;
use subxt::config::substrate::{H256, SubstrateHeader};
use subxt::ext::codec::Encode as _;
use subxt::rpcs::client::{ReconnectingRpcClient, RpcClient};
use subxt::rpcs::methods::legacy::{LegacyRpcMethods, NumberOrHex};
use subxt::rpcs::{Error as RpcError, UserError};
use types::Hash32;

use crate::error::{SubtensorError, tame};
use crate::runtime::{Bittensor, Runtime, h256};
use crate::scale::{take, take_byte, take_compact};

/// Longest answer: a full block of Bittensor's 10 MiB, in hex.
const MAX_REPLY: u32 = 32 * 1024 * 1024;
/// Longest question: a transaction in hex.
const MAX_REQUEST: u32 = 1024 * 1024;
/// Questions under way at once.
const MAX_CONCURRENT: u32 = 64;
/// Pause before each of the attempts to come back on a lost connection; then the endpoint counts as failed.
const RECONNECT_PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// Runtime versions kept; upgrades are weeks apart.
const MAX_RUNTIMES: usize = 4;
/// Metadata versions this build reads, newest first.
const METADATA_VERSIONS: [u32; 3] = [16, 15, 14];
/// JSON-RPC codes of Substrate's transaction pool.
const POOL_CODES: std::ops::RangeInclusive<i32> = 1010..=1019;
/// The pool has this transaction already.
pub(crate) const ALREADY_THERE: i32 = 1013;

/// A block's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) number: u64,
    pub(crate) hash: Hash32,
    pub(crate) parent: Hash32,
}

/// A block.
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) extrinsics: Vec<Vec<u8>>,
}

/// A connected node that keeps the right chain.
pub(crate) struct Node {
    url: String,
    patience: Duration,
    methods: LegacyRpcMethods<RpcConfigFor<Bittensor>>,
    runtimes: Mutex<Vec<Arc<Runtime>>>,
    /// Metadata is long: one fetches it, the others wait.
    fetching: tokio::sync::Mutex<()>,
}

impl Node {
    /// Connects and checks the genesis hash before anything else is believed.
    pub(crate) async fn connect(url: &str, genesis: Hash32, patience: Duration) -> Result<Self, SubtensorError> {
        let client = ReconnectingRpcClient::builder()
            .max_request_size(MAX_REQUEST)
            .max_response_size(MAX_REPLY)
            .max_concurrent_requests(MAX_CONCURRENT)
            .request_timeout(patience)
            .connection_timeout(patience)
            .retry_policy(RECONNECT_PAUSES.into_iter())
            .build(url);
        let client = tokio::time::timeout(patience, client)
            .await
            .map_err(|_| SubtensorError::endpoint(url, "no connection in time"))?
            .map_err(|e| SubtensorError::endpoint(url, e))?;
        let methods = LegacyRpcMethods::new(RpcClient::new(client));
        let node = Self {
            url: url.to_owned(),
            patience,
            methods,
            runtimes: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        };
        let found = node.hash_of(0).await?.ok_or_else(|| SubtensorError::endpoint(url, "it has no first block"))?;
        if found == genesis {
            Ok(node)
        } else {
            Err(SubtensorError::WrongChain { endpoint: url.to_owned(), expected: genesis, found })
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// An answer in time, or why there is none.
    async fn ask<T>(&self, what: &str, answer: impl Future<Output = Result<T, RpcError>>) -> Result<T, SubtensorError> {
        match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(RpcError::User(error))) => Err(self.refusal(what, &error)),
            Ok(Err(error)) => Err(SubtensorError::endpoint(&self.url, format!("{what}: {error}"))),
            Err(_) => Err(SubtensorError::endpoint(&self.url, format!("{what}: no answer in time"))),
        }
    }

    /// A JSON-RPC error; the human reason stands in its data.
    fn refusal(&self, what: &str, error: &UserError) -> SubtensorError {
        let data = error.data.as_ref().map(|data| data.get()).unwrap_or_default();
        let data = serde_json::from_str::<String>(data).unwrap_or_else(|_| data.to_owned());
        let all = format!("{} {data}", error.message).to_lowercase();
        if POOL_CODES.contains(&error.code) {
            let reason = if data.is_empty() { error.message.as_str() } else { data.as_str() };
            SubtensorError::Refused { code: error.code, reason: tame(reason) }
        } else if ["discarded", "pruned"].iter().any(|word| all.contains(word)) {
            SubtensorError::Pruned { endpoint: self.url.clone() }
        } else if error.code == -32601 || all.contains("is not found") {
            SubtensorError::missing(format!("method {what}"))
        } else {
            let why = format!("{what}: {} {data} ({})", error.message, error.code);
            SubtensorError::endpoint(&self.url, why)
        }
    }

    /// The newest block, or that of a hash.
    pub(crate) async fn header(&self, at: Option<Hash32>) -> Result<Option<Header>, SubtensorError> {
        let header = self.ask("chain_getHeader", self.methods.chain_get_header(at.map(h256))).await?;
        header.map(|header| self.checked(&header, at)).transpose()
    }

    fn checked(&self, header: &SubstrateHeader<H256>, wanted: Option<Hash32>) -> Result<Header, SubtensorError> {
        let header = read_header(header);
        match wanted {
            Some(wanted) if wanted != header.hash => Err(SubtensorError::endpoint(
                &self.url,
                format!("block {} has another hash than it says", header.number),
            )),
            _ => Ok(header),
        }
    }

    /// The newest finalized block.
    pub(crate) async fn finalized(&self) -> Result<Header, SubtensorError> {
        let hash = self.ask("chain_getFinalizedHead", self.methods.chain_get_finalized_head()).await?;
        let header = self.header(Some(Hash32(hash.0))).await?;
        header.ok_or_else(|| SubtensorError::endpoint(&self.url, "it does not have its own finalized block"))
    }

    /// Hash of the block of this number on the node's best chain.
    pub(crate) async fn hash_of(&self, number: u64) -> Result<Option<Hash32>, SubtensorError> {
        let answer = self.methods.chain_get_block_hash(Some(NumberOrHex::Number(number)));
        Ok(self.ask("chain_getBlockHash", answer).await?.map(|hash| Hash32(hash.0)))
    }

    /// A block of the node's best chain.
    pub(crate) async fn block(&self, number: u64) -> Result<Block, SubtensorError> {
        let unknown = || SubtensorError::endpoint(&self.url, format!("it does not have block {number}"));
        let hash = self.hash_of(number).await?.ok_or_else(unknown)?;
        let details = self.ask("chain_getBlock", self.methods.chain_get_block(Some(h256(hash)))).await?;
        let block = details.ok_or_else(unknown)?.block;
        let header = self.checked(&block.header, Some(hash))?;
        if header.number != number {
            return Err(SubtensorError::endpoint(&self.url, format!("it gives block {} for {number}", header.number)));
        }
        Ok(Block { header, extrinsics: block.extrinsics.into_iter().map(|bytes| bytes.0).collect() })
    }

    /// A storage item's bytes.
    pub(crate) async fn storage(&self, key: &[u8], at: Hash32) -> Result<Option<Vec<u8>>, SubtensorError> {
        self.ask("state_getStorage", self.methods.state_get_storage(key, Some(h256(at)))).await
    }

    /// Many storage items' bytes, in the order asked for.
    pub(crate) async fn storage_of(
        &self,
        keys: &[Vec<u8>],
        at: Hash32,
    ) -> Result<Vec<Option<Vec<u8>>>, SubtensorError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let asked = keys.iter().map(Vec::as_slice);
        let answer = self.methods.state_query_storage_at(asked, Some(h256(at)));
        let sets = self.ask("state_queryStorageAt", answer).await?;
        let mut found: std::collections::BTreeMap<Vec<u8>, Vec<u8>> =
            sets.into_iter().flat_map(|set| set.changes).filter_map(|(key, value)| Some((key.0, value?.0))).collect();
        Ok(keys.iter().map(|key| found.remove(key)).collect())
    }

    /// A runtime API call.
    pub(crate) async fn call(&self, function: &str, arguments: &[u8], at: Hash32) -> Result<Vec<u8>, SubtensorError> {
        self.ask(function, self.methods.state_call(function, Some(arguments), Some(h256(at)))).await
    }

    /// Hands in a transaction. One that the node has already is no error.
    pub(crate) async fn submit(&self, transaction: &[u8]) -> Result<(), SubtensorError> {
        match self.ask("author_submitExtrinsic", self.methods.author_submit_extrinsic(transaction)).await {
            Ok(_) | Err(SubtensorError::Refused { code: ALREADY_THERE, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The runtime in force at a block.
    pub(crate) async fn runtime(&self, at: Hash32) -> Result<Arc<Runtime>, SubtensorError> {
        let answer = self.methods.state_get_runtime_version(Some(h256(at)));
        let version = self.ask("state_getRuntimeVersion", answer).await?;
        let is_it = |r: &&Arc<Runtime>| {
            (r.spec_version(), r.transaction_version()) == (version.spec_version, version.transaction_version)
        };
        let known = || self.lock().iter().find(is_it).map(Arc::clone);
        if let Some(known) = known() {
            return Ok(known);
        }
        let _one = self.fetching.lock().await;
        if let Some(known) = known() {
            return Ok(known);
        }
        let metadata = self.metadata(at).await?;
        let runtime = Arc::new(Runtime::new(version.spec_version, version.transaction_version, &metadata)?);
        let mut known = self.lock();
        known.insert(0, Arc::clone(&runtime));
        known.truncate(MAX_RUNTIMES);
        Ok(runtime)
    }

    async fn metadata(&self, at: Hash32) -> Result<Vec<u8>, SubtensorError> {
        for version in METADATA_VERSIONS {
            let answer = self.call("Metadata_metadata_at_version", &version.to_le_bytes(), at).await?;
            let mut input = answer.as_slice();
            let short = |e| SubtensorError::endpoint(&self.url, format!("metadata: {e}"));
            if take_byte(&mut input).map_err(short)? == 1 {
                let length = take_compact(&mut input).map_err(short)?;
                return Ok(take(&mut input, length as usize).map_err(short)?.to_vec());
            }
        }
        Err(SubtensorError::endpoint(&self.url, "it has no metadata of a known version"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Runtime>>> {
        self.runtimes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Number, parent and recomputed hash of a header.
fn read_header(header: &SubstrateHeader<H256>) -> Header {
    use blake2::Digest as _;
    let hash = blake2::Blake2b::<blake2::digest::consts::U32>::digest(header.encode());
    Header { number: header.number, hash: Hash32(hash.into()), parent: Hash32(header.parent_hash.0) }
}

/// Reads a header as a node sends it: its number, its hash and its parent's.
///
/// # Errors
/// What does not read, in words.
pub fn header_in(json: &[u8]) -> Result<(u64, Hash32, Hash32), String> {
    let header: SubstrateHeader<H256> = serde_json::from_slice(json).map_err(|e| tame(&e.to_string()))?;
    let header = read_header(&header);
    Ok((header.number, header.hash, header.parent))
}
