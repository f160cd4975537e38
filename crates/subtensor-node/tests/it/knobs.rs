//! Endpoints that misbehave, while others do not.

use std::time::Duration;

use serde_json::{Value, json};
use subtensor_node::{Config, Knobs, Node};

use crate::support::{Client, config, key};

async fn two() -> (Node, Client, Client) {
    let node = Node::start(Config { endpoints: 2, ..config(&[&key("cold")]) }).await.unwrap();
    let urls = node.urls();
    let (one, other) = (Client::open(&urls[0]).await, Client::open(&urls[1]).await);
    (node, one, other)
}

async fn head(client: &Client) -> (u64, Value) {
    let hash = client.call("chain_getFinalizedHead", json!([])).await.unwrap();
    let header = client.call("chain_getHeader", json!([hash])).await.unwrap();
    (u64::from_str_radix(&header["number"].as_str().unwrap()[2..], 16).unwrap(), hash)
}

#[tokio::test]
async fn a_stalled_endpoint_stays_behind_its_twin_and_catches_up() {
    let (node, one, other) = two().await;
    node.seal(3).unwrap();
    node.view(0).unwrap().set(Knobs { stalled: true, ..Knobs::default() }).unwrap();
    node.seal(4).unwrap();
    assert_eq!((head(&one).await.0, head(&other).await.0), (3, 7));
    assert_eq!(one.call("chain_getBlockHash", json!([5])).await.unwrap(), Value::Null);
    node.view(0).unwrap().set(Knobs::default()).unwrap();
    assert_eq!(head(&one).await, head(&other).await);
    node.stop().await;
}

#[tokio::test]
async fn a_liars_head_is_on_no_chain() {
    let (node, one, other) = two().await;
    node.seal(3).unwrap();
    one.call("dev_set", json!([1, { "lie_ahead": 100 }])).await.unwrap();
    let (number, hash) = head(&other).await;
    assert_eq!(number, 103);
    assert_eq!(one.call("chain_getHeader", json!([hash])).await.unwrap(), Value::Null);
    other.call("dev_set", json!([1, { "lie_ahead": 0 }])).await.unwrap();
    let (number, hash) = head(&other).await;
    assert_eq!(number, 3);
    assert_ne!(hash, head(&one).await.1, "the same height, another block");
    node.stop().await;
}

#[tokio::test]
async fn a_wrong_genesis_shows() {
    let (node, one, other) = two().await;
    node.view(1).unwrap().set(Knobs { wrong_genesis: true, ..Knobs::default() }).unwrap();
    let genesis = format!("0x{}", hex::encode(node.genesis()));
    assert_eq!(one.call("chain_getBlockHash", json!([0])).await.unwrap(), json!(genesis));
    assert_ne!(other.call("chain_getBlockHash", json!([0])).await.unwrap(), json!(genesis));
    node.stop().await;
}

#[tokio::test]
async fn what_is_missing_is_missed_and_what_is_pruned_is_discarded() {
    let (node, one, other) = two().await;
    let old = one.call("chain_getBlockHash", json!([0])).await.unwrap();
    node.seal(5).unwrap();
    let missing = ["SwapRuntimeApi_current_alpha_price", "SubtensorModule.Burn", "system_health"].map(String::from);
    let knobs = Knobs { missing: missing.into(), keep_state: Some(2), ..Knobs::default() };
    node.view(0).unwrap().set(knobs).unwrap();
    let call = json!(["SwapRuntimeApi_current_alpha_price", "0x0300"]);
    let gone = one.call("state_call", call.clone()).await.unwrap_err();
    assert!(gone.contains("4003") && gone.contains("is not found"), "{gone}");
    assert!(other.call("state_call", call).await.is_ok());
    // Where nothing is stored, subxt gives the metadata's default: 0.1 TAO (`InitialBurn`).
    let burns = (one.subnet::<u64>("Burn").await, other.subnet::<u64>("Burn").await);
    assert_eq!(burns, (Some(100_000_000), Some(500_000_000)));
    assert!(one.call("system_health", json!([])).await.unwrap_err().contains("-32601"));
    let pruned = one.call("state_getStorage", json!(["0x00", old])).await.unwrap_err();
    assert!(pruned.contains("State already discarded"), "{pruned}");
    assert!(other.call("state_getStorage", json!(["0x00", old])).await.is_ok());
    node.stop().await;
}

#[tokio::test]
async fn a_cut_line_breaks_subscriptions_and_a_new_one_works() {
    let (node, one, other) = two().await;
    let mut blocks = one.api.stream_blocks().await.unwrap();
    node.seal(1).unwrap();
    assert!(blocks.next().await.unwrap().is_ok());
    other.call("dev_drop", json!([0])).await.unwrap();
    // The stream ends, with or without an error before; it must not hang.
    while let Some(Ok(_)) = blocks.next().await {}
    assert!(one.call("system_health", json!([])).await.is_err());
    let again = Client::open(&node.url()).await;
    assert_eq!(head(&again).await.0, 1);
    node.drop_connections(0, 600_000).unwrap();
    assert!(subxt::rpcs::client::RpcClient::from_insecure_url(node.url()).await.is_err(), "the gate is closed");
    node.drop_connections(0, 0).unwrap();
    assert_eq!(head(&Client::open(&node.url()).await).await.0, 1);
    node.stop().await;
}

#[tokio::test]
async fn a_reply_can_be_huge_or_late() {
    let (node, one, _) = two().await;
    let oversized = [("chain_getHeader".to_owned(), 1_000_000)].into();
    node.view(0).unwrap().set(Knobs { oversized, ..Knobs::default() }).unwrap();
    let huge = one.call("chain_getHeader", json!([])).await.unwrap();
    assert_eq!(huge.as_str().unwrap().len(), 1_000_002);
    node.view(0).unwrap().set(Knobs { delay_ms: 600_000, ..Knobs::default() }).unwrap();
    let late = tokio::time::timeout(Duration::from_millis(300), one.call("system_health", json!([]))).await;
    assert!(late.is_err(), "no answer yet");
    assert!(node.view(0).unwrap().set(Knobs { delay_ms: u64::MAX, ..Knobs::default() }).is_err());
    node.stop().await;
}

#[tokio::test]
async fn head_subscriptions_of_the_three_kinds_agree() {
    let (node, one, _) = two().await;
    let (mut all, mut best) = (one.api.stream_all_blocks().await.unwrap(), one.api.stream_best_blocks().await.unwrap());
    let mut finals = one.api.stream_blocks().await.unwrap();
    // Each begins with the head of now.
    assert_eq!((all.next().await.unwrap().unwrap().number(), best.next().await.unwrap().unwrap().number()), (0, 0));
    assert_eq!(finals.next().await.unwrap().unwrap().number(), 0);
    node.seal(3).unwrap();
    for number in 1..=3 {
        let (a, b) = (all.next().await.unwrap().unwrap(), best.next().await.unwrap().unwrap());
        let f = finals.next().await.unwrap().unwrap();
        assert_eq!((a.number(), b.number(), f.number()), (number, number, number));
        assert_eq!(a.hash(), f.hash());
    }
    node.stop().await;
}

#[tokio::test]
async fn a_reconnecting_client_comes_back_by_itself() {
    use subxt::rpcs::client::reconnecting_rpc_client::{FixedInterval, RpcClient};
    let node = Node::start(config(&[&key("cold")])).await.unwrap();
    let retry = FixedInterval::from_millis(20);
    let rpc = RpcClient::builder().retry_policy(retry).build(node.url()).await.unwrap();
    let client = Client::over(rpc.into()).await;
    node.seal(1).unwrap();
    assert_eq!(client.api.at_current_block().await.unwrap().block_number(), 1);
    node.drop_connections(0, 100).unwrap();
    node.seal(1).unwrap();
    assert_eq!(client.api.at_current_block().await.unwrap().block_number(), 2);
    node.stop().await;
}
