//! The node as subxt sees it: real SCALE both ways.

use subtensor_node::{Config, Genesis, Node};
use types::Rao;

use crate::support::{Client, committed, config, key, raw_field};

const RAO: u64 = Rao::PER_CREDIT;

#[tokio::test]
async fn a_key_registers_commits_and_reads_it_back_in_finneys_scale() {
    let (cold, hot) = (key("cold"), key("hot"));
    let node = Node::start(config(&[&cold])).await.unwrap();
    let client = Client::open(&node.url()).await;
    assert_eq!(client.uid(&hot).await, None);
    client.register(&node, &cold, &hot).await.unwrap();
    assert_eq!(client.uid(&hot).await, Some(0));
    let free = client.free(&cold).await;
    assert!(free < 10 * RAO - RAO / 2 && free > 9 * RAO, "burn and fee are taken: {free}");
    let bucket = [b'c'; 128];
    client.commit(&node, &hot, &bucket).await.unwrap();
    assert_eq!(committed(&client, &hot).await.as_deref(), Some(&bucket[..]));
    node.stop().await;
}

#[tokio::test]
async fn a_second_registration_and_a_stranger_are_refused_by_the_pallets_own_errors() {
    let (cold, hot) = (key("cold"), key("hot"));
    let node = Node::start(config(&[&cold])).await.unwrap();
    let client = Client::open(&node.url()).await;
    client.register(&node, &cold, &hot).await.unwrap();
    let again = client.register(&node, &cold, &hot).await.unwrap_err();
    assert!(again.contains("HotKeyAlreadyRegisteredInSubNet"), "{again}");
    let stranger = client.commit(&node, &key("stranger"), b"hello").await.unwrap_err();
    assert!(stranger.contains("AccountNotAllowedCommit"), "{stranger}");
    node.stop().await;
}

#[tokio::test]
async fn a_tampered_signature_is_refused_and_the_genuine_one_taken() {
    let (cold, to) = (key("cold"), key("to"));
    let node = Node::start(config(&[&cold])).await.unwrap();
    let client = Client::open(&node.url()).await;
    let raw = client.transfer(&cold, &to, 5_000).await;
    let mut forged = raw.clone();
    // Within the signature: length, version, address come before it.
    forged[60] ^= 1;
    let error = client.refusal(&forged).await;
    assert!(error.contains("bad signature"), "{error}");
    client.submit(&raw).await.unwrap();
    node.seal(1).unwrap();
    node.seal(2).unwrap();
    assert_eq!(client.free(&to).await, 5_000);
    node.stop().await;
}

#[tokio::test]
async fn a_poor_account_is_told_that_it_cannot_pay() {
    let node = Node::start(config(&[])).await.unwrap();
    let client = Client::open(&node.url()).await;
    let raw = client.transfer(&key("poor"), &key("to"), 1).await;
    let error = client.refusal(&raw).await;
    assert!(error.contains("Inability to pay some fees"), "{error}");
    node.stop().await;
}

#[tokio::test]
async fn different_seeds_are_different_chains() {
    let one = Node::start(Config::default()).await.unwrap();
    let genesis = Genesis { seed: 1, ..Genesis::default() };
    let other = Node::start(Config { genesis, ..Config::default() }).await.unwrap();
    assert_ne!(one.genesis(), other.genesis());
    one.stop().await;
    other.stop().await;
}

#[test]
fn the_largest_commitment_field_names_its_length() {
    assert_eq!(raw_field(&[0; 128]), "Raw128");
}
