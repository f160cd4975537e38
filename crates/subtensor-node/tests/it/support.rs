//! A subxt client as Covey's is: dynamic API, legacy backend.

use std::sync::Arc;

use schnorrkel::{ExpansionMode, MiniSecretKey};
use serde_json::{Value as Json, json};
use subtensor_node::{Config, Endowment, Genesis, Node};
use subxt::backend::LegacyBackend;
use subxt::config::substrate::AccountId32;
use subxt::dynamic::{self, Value};
use subxt::ext::scale_value::{Composite, ValueDef};
use subxt::rpcs::client::{RpcClient, rpc_params};
use subxt::tx::{DynamicPayload, Signer};
use subxt::utils::MultiSignature;
use subxt::{OnlineClient, SubstrateConfig};
use types::{Hotkey, Rao};

pub(crate) type Params = subxt::config::DefaultExtrinsicParamsBuilder<SubstrateConfig>;

/// A test key, always the same for the same name.
#[derive(Clone)]
pub(crate) struct Key(schnorrkel::Keypair);

pub(crate) fn key(name: &str) -> Key {
    let mut seed = [0u8; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    Key(MiniSecretKey::from_bytes(&seed).unwrap().expand_to_keypair(ExpansionMode::Ed25519))
}

impl Key {
    pub(crate) fn public(&self) -> [u8; 32] {
        self.0.public.to_bytes()
    }

    pub(crate) fn hotkey(&self) -> Hotkey {
        Hotkey(self.public())
    }
}

impl Signer<SubstrateConfig> for Key {
    fn account_id(&self) -> AccountId32 {
        AccountId32(self.public())
    }

    fn sign(&self, payload: &[u8]) -> MultiSignature {
        MultiSignature::Sr25519(self.0.sign_simple(b"substrate", payload).to_bytes())
    }
}

/// A chain on which these keys have 10 TAO each; blocks are final at once and made only when asked.
pub(crate) fn config(rich: &[&Key]) -> Config {
    let endowments =
        rich.iter().map(|key| Endowment { account: key.hotkey(), free: Rao(10 * Rao::PER_CREDIT) }).collect();
    let genesis = Genesis { endowments, ..Genesis::default() };
    Config { genesis, finality_lag: 0, step_ms: Some(12_000), ..Config::default() }
}

pub(crate) struct Client {
    pub(crate) api: OnlineClient<SubstrateConfig>,
    pub(crate) rpc: RpcClient,
    pub(crate) netuid: u16,
}

impl Client {
    pub(crate) async fn open(url: &str) -> Self {
        Self::over(RpcClient::from_insecure_url(url).await.unwrap()).await
    }

    pub(crate) async fn over(rpc: RpcClient) -> Self {
        let backend = LegacyBackend::builder().storage_page_size(64).build(rpc.clone());
        let api = OnlineClient::<SubstrateConfig>::from_backend(Arc::new(backend)).await.unwrap();
        Self { api, rpc, netuid: 3 }
    }

    pub(crate) async fn call(&self, method: &str, params: Json) -> Result<Json, String> {
        let mut given = rpc_params![];
        for param in params.as_array().unwrap() {
            given.push(param).unwrap();
        }
        self.rpc.request::<Json>(method, given).await.map_err(|e| format!("{e:?}"))
    }

    /// Signs with the counter of the newest final block.
    pub(crate) async fn signed(&self, call: &DynamicPayload<Composite<()>>, who: &Key, params: Params) -> Vec<u8> {
        let at = self.api.at_current_block().await.unwrap();
        let signed = at.transactions().create_signed(call, who, params.build()).await.unwrap();
        signed.encoded().to_vec()
    }

    pub(crate) async fn submit(&self, raw: &[u8]) -> Result<Json, String> {
        self.call("author_submitExtrinsic", json!([format!("0x{}", hex::encode(raw))])).await
    }

    pub(crate) async fn refusal(&self, raw: &[u8]) -> String {
        self.submit(raw).await.unwrap_err()
    }

    /// Sends, makes a block, waits until it is final; the names of the events, or the error's text.
    pub(crate) async fn send(
        &self,
        node: &Node,
        call: &DynamicPayload<Composite<()>>,
        who: &Key,
    ) -> Result<Vec<String>, String> {
        let at = self.api.at_current_block().await.unwrap();
        let sent = at.transactions().sign_and_submit_then_watch_default(call, who).await;
        let sent = sent.map_err(|e| format!("{e:?}"))?;
        node.seal(1).unwrap();
        let events = sent.wait_for_finalized_success().await.map_err(|e| e.to_string())?;
        Ok(events.iter().map(|e| e.unwrap()).map(|e| format!("{}.{}", e.pallet_name(), e.event_name())).collect())
    }

    pub(crate) async fn register(&self, node: &Node, cold: &Key, hot: &Key) -> Result<Vec<String>, String> {
        let args = Composite::unnamed([Value::u128(self.netuid.into()), Value::from_bytes(hot.public())]);
        self.send(node, &DynamicPayload::new("SubtensorModule", "burned_register", args), cold).await
    }

    pub(crate) async fn commit(&self, node: &Node, hot: &Key, bytes: &[u8]) -> Result<Vec<String>, String> {
        self.send(node, &commitment(self.netuid, bytes), hot).await
    }

    pub(crate) async fn transfer(&self, from: &Key, to: &Key, rao: u64) -> Vec<u8> {
        self.signed(&transfer(to, rao), from, Params::new()).await
    }

    pub(crate) async fn fetch<T: subxt::ext::scale_decode::DecodeAsType>(
        &self,
        pallet: &str,
        entry: &str,
        parts: Vec<Value>,
    ) -> Option<T> {
        let at = self.api.at_current_block().await.unwrap();
        let address = dynamic::storage::<Vec<Value>, T>(pallet, entry);
        at.storage().try_fetch(address, parts).await.unwrap().map(|value| value.decode().unwrap())
    }

    pub(crate) async fn subnet<T: subxt::ext::scale_decode::DecodeAsType>(&self, entry: &str) -> Option<T> {
        self.fetch("SubtensorModule", entry, vec![Value::u128(self.netuid.into())]).await
    }

    pub(crate) async fn uid(&self, hot: &Key) -> Option<u16> {
        let parts = vec![Value::u128(self.netuid.into()), Value::from_bytes(hot.public())];
        self.fetch("SubtensorModule", "Uids", parts).await
    }

    pub(crate) async fn free(&self, who: &Key) -> u64 {
        let account: Option<Value> = self.fetch("System", "Account", vec![Value::from_bytes(who.public())]).await;
        account.and_then(|value| number_of(&value, "free")).unwrap_or(0) as u64
    }
}

pub(crate) fn transfer(to: &Key, rao: u64) -> DynamicPayload<Composite<()>> {
    let dest = Value::unnamed_variant("Id", [Value::from_bytes(to.public())]);
    DynamicPayload::new("Balances", "transfer_keep_alive", Composite::unnamed([dest, Value::u128(rao.into())]))
}

pub(crate) fn commitment(netuid: u16, bytes: &[u8]) -> DynamicPayload<Composite<()>> {
    let data = Value::unnamed_variant(raw_field(bytes), [Value::from_bytes(bytes)]);
    let info = Value::named_composite([("fields", Value::unnamed_composite([data]))]);
    DynamicPayload::new("Commitments", "set_commitment", Composite::unnamed([Value::u128(netuid.into()), info]))
}

/// The variant of `Data` for so many bytes.
pub(crate) fn raw_field(bytes: &[u8]) -> String {
    format!("Raw{}", bytes.len())
}

/// What a key committed to, read back by the metadata's types.
pub(crate) async fn committed(client: &Client, hot: &Key) -> Option<Vec<u8>> {
    let parts = vec![Value::u128(client.netuid.into()), Value::from_bytes(hot.public())];
    let value: Value = client.fetch("Commitments", "CommitmentOf", parts).await?;
    raw_bytes(&value)
}

fn raw_bytes(value: &Value) -> Option<Vec<u8>> {
    match &value.value {
        ValueDef::Variant(variant) if variant.name.starts_with("Raw") => {
            let mut out = Vec::new();
            collect(&variant.values, &mut out);
            Some(out)
        }
        ValueDef::Variant(variant) => variant.values.values().find_map(raw_bytes),
        ValueDef::Composite(composite) => composite.values().find_map(raw_bytes),
        _ => None,
    }
}

fn collect(composite: &Composite<()>, out: &mut Vec<u8>) {
    for value in composite.values() {
        match (&value.value, value.as_u128()) {
            (_, Some(number)) => out.push(number as u8),
            (ValueDef::Composite(inner), None) => collect(inner, out),
            _ => {}
        }
    }
}

fn number_of(value: &Value, field: &str) -> Option<u128> {
    let ValueDef::Composite(Composite::Named(fields)) = &value.value else { return None };
    fields.iter().find_map(|(name, value)| if name == field { value.as_u128() } else { number_of(value, field) })
}

/// `set_weights` of the client's subnet.
pub(crate) fn weights(netuid: u16, weights: &[(u16, u16)], version: u64) -> DynamicPayload<Composite<()>> {
    let list = |values: Vec<u16>| Value::unnamed_composite(values.into_iter().map(|v| Value::u128(v.into())));
    let dests = list(weights.iter().map(|(dest, _)| *dest).collect());
    let shares = list(weights.iter().map(|(_, share)| *share).collect());
    let args = [Value::u128(netuid.into()), dests, shares, Value::u128(version.into())];
    DynamicPayload::new("SubtensorModule", "set_weights", Composite::unnamed(args))
}
