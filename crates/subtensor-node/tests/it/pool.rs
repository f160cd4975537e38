//! What a node checks before an extrinsic stands in a block.

use serde_json::json;
use subtensor_node::{Action, Config, Genesis, Node};

use crate::support::{Client, Key, Params, config, key, transfer};

async fn pending(client: &Client) -> u64 {
    client.call("dev_status", json!([])).await.unwrap()["pending"].as_u64().unwrap()
}

async fn body_length(client: &Client) -> usize {
    let block = client.call("chain_getBlock", json!([])).await.unwrap();
    block["block"]["extrinsics"].as_array().unwrap().len()
}

async fn with_nonce(client: &Client, from: &Key, nonce: u64, rao: u64) -> Vec<u8> {
    client.signed(&transfer(&key("to"), rao), from, Params::new().nonce(nonce)).await
}

#[tokio::test]
async fn an_extrinsic_waits_for_the_counters_before_its_own() {
    let cold = key("cold");
    let node = Node::start(config(&[&cold])).await.unwrap();
    let client = Client::open(&node.url()).await;
    let (first, second) = (with_nonce(&client, &cold, 0, 1_000).await, with_nonce(&client, &cold, 1, 2_000).await);
    client.submit(&second).await.unwrap();
    node.seal(1).unwrap();
    assert_eq!((body_length(&client).await, pending(&client).await), (1, 1), "only the inherent stands in the block");
    client.submit(&first).await.unwrap();
    let next = client.call("system_accountNextIndex", json!([cold.hotkey().ss58()])).await.unwrap();
    assert_eq!(next, json!(2));
    node.seal(1).unwrap();
    assert_eq!((body_length(&client).await, pending(&client).await), (3, 0));
    assert_eq!(client.free(&key("to")).await, 3_000);
    node.stop().await;
}

#[tokio::test]
async fn what_stood_in_a_block_is_outdated_and_what_waits_is_imported_already() {
    let cold = key("cold");
    let node = Node::start(config(&[&cold])).await.unwrap();
    let client = Client::open(&node.url()).await;
    let raw = client.transfer(&cold, &key("to"), 1_000).await;
    client.submit(&raw).await.unwrap();
    assert!(client.refusal(&raw).await.contains("1013"));
    let rival = with_nonce(&client, &cold, 0, 7_000).await;
    assert!(client.refusal(&rival).await.contains("1014"), "the same counter and no higher tip");
    node.seal(1).unwrap();
    assert!(client.refusal(&raw).await.contains("Transaction is outdated"));
    node.stop().await;
}

#[tokio::test]
async fn a_mortal_extrinsic_dies() {
    let cold = key("cold");
    let node = Node::start(config(&[&cold])).await.unwrap();
    let client = Client::open(&node.url()).await;
    node.seal(9).unwrap();
    let call = transfer(&key("to"), 1_000);
    let now = client.signed(&call, &cold, Params::new().mortal(4)).await;
    let later = client.signed(&call, &cold, Params::new().mortal(4).nonce(1)).await;
    client.submit(&later).await.unwrap();
    assert_eq!(pending(&client).await, 1);
    node.seal(8).unwrap();
    assert_eq!(pending(&client).await, 0, "it died waiting");
    assert!(client.refusal(&now).await.contains("bad signature"), "born in a block of another era");
    let immortal = client.signed(&call, &cold, Params::new().immortal()).await;
    node.seal(8).unwrap();
    client.submit(&immortal).await.unwrap();
    node.stop().await;
}

#[tokio::test]
async fn an_extrinsic_for_another_chain_is_refused() {
    let cold = key("cold");
    let here = Node::start(config(&[&cold])).await.unwrap();
    let genesis = Genesis { seed: 7, ..config(&[&cold]).genesis };
    let there = Node::start(Config { genesis, ..config(&[&cold]) }).await.unwrap();
    let raw = Client::open(&here.url()).await.transfer(&cold, &key("to"), 1_000).await;
    let client = Client::open(&there.url()).await;
    assert!(client.refusal(&raw).await.contains("bad signature"));
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn an_upgrade_voids_what_was_signed_before_it_and_subxt_follows() {
    let cold = key("cold");
    let node = Node::start(config(&[&cold])).await.unwrap();
    let client = Client::open(&node.url()).await;
    let raw = client.transfer(&cold, &key("to"), 1_000).await;
    let mut versions = client
        .rpc
        .subscribe::<serde_json::Value>(
            "state_subscribeRuntimeVersion",
            subxt::rpcs::client::rpc_params![],
            "state_unsubscribeRuntimeVersion",
        )
        .await
        .unwrap();
    assert_eq!(versions.next().await.unwrap().unwrap()["specVersion"], json!(365));
    let without = ["SubtensorModule.Burn".to_owned()].into();
    node.act(Action::Upgrade { without }).unwrap();
    node.seal(1).unwrap();
    assert_eq!(versions.next().await.unwrap().unwrap()["specVersion"], json!(366));
    assert!(client.refusal(&raw).await.contains("bad signature"));
    client.send(&node, &transfer(&key("to"), 2_000), &cold).await.unwrap();
    assert_eq!(client.free(&key("to")).await, 2_000);
    let at = client.api.at_current_block().await.unwrap();
    let pallet = at.metadata_ref().pallet_by_name("SubtensorModule").unwrap();
    assert!(pallet.storage().unwrap().entry_by_name("Burn").is_none());
    node.stop().await;
}

#[tokio::test]
async fn a_reorganisation_moves_an_extrinsic_to_the_new_fork_or_loses_it() {
    let cold = key("cold");
    let node = Node::start(Config { finality_lag: 4, ..config(&[&cold]) }).await.unwrap();
    let client = Client::open(&node.url()).await;
    node.seal(6).unwrap();
    let raw = client.transfer(&cold, &key("to"), 1_000).await;
    client.submit(&raw).await.unwrap();
    node.seal(1).unwrap();
    let old = client.call("chain_getBlockHash", json!([7])).await.unwrap();
    assert!(node.reorg(5, false).is_err(), "a final block stays");
    node.reorg(2, false).unwrap();
    let new = client.call("chain_getBlockHash", json!([7])).await.unwrap();
    assert_ne!(old, new);
    assert_eq!(client.call("dev_status", json!([])).await.unwrap()["best"], json!(8));
    let discarded = client.call("state_getStorage", json!(["0x00", old])).await.unwrap_err();
    assert!(discarded.contains("State already discarded"), "{discarded}");
    node.seal(4).unwrap();
    assert_eq!(client.free(&key("to")).await, 1_000, "it stands on the new fork");

    client.submit(&client.transfer(&cold, &key("to"), 500).await).await.unwrap();
    node.seal(1).unwrap();
    node.reorg(1, true).unwrap();
    node.seal(5).unwrap();
    assert_eq!(client.free(&key("to")).await, 1_000, "the second one is lost");
    node.stop().await;
}
