//! Endpoints that are gone, still, forgetful, of another chain, or lying.

use std::time::Duration;

use chain::{ChainBackend as _, ChainError};
use subtensor::{Subtensor, SubtensorBackend, SubtensorError};
use subtensor_node::{Config, Knobs, Node};
use types::{BlockNumber, Signer as _};

use crate::support::*;

async fn two() -> Node {
    start(Config { endpoints: 2, ..config() }).await
}

fn set(node: &Node, endpoint: usize, knobs: Knobs) {
    node.view(endpoint).unwrap().set(knobs).unwrap();
}

/// Index of the endpoint in use.
async fn in_use(backend: &SubtensorBackend) -> usize {
    backend.client().health().await.endpoints.iter().position(|e| e.in_use).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chain_is_refused_before_anything_else() {
    let node = two().await;
    set(&node, 1, Knobs { wrong_genesis: true, ..Knobs::default() });
    let refused = Subtensor::connect(&node.urls(), pin(&node), BLOCK_MS).await.unwrap_err();
    assert!(matches!(refused, SubtensorError::WrongChain { expected, .. } if expected == pin(&node).genesis));
    assert!(matches!(ChainError::from(refused), ChainError::WrongChain { .. }));
    node.stop().await;
}

#[tokio::test]
async fn endpoints_without_encryption_are_for_this_machine_only() {
    let node = start(config()).await;
    for url in ["ws://example.com:9944", "http://127.0.0.1:9944", "127.0.0.1", ""] {
        let refused = Subtensor::connect(&[url.to_owned()], pin(&node), BLOCK_MS).await;
        assert!(matches!(refused, Err(SubtensorError::BadEndpoint { .. })), "{url}: {refused:?}");
    }
    let nobody = Subtensor::connect(&["ws://127.0.0.1:1".to_owned()], pin(&node), BLOCK_MS).await;
    assert!(matches!(nobody, Err(SubtensorError::Unavailable { .. })), "{nobody:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_passes() {
    let node = start(config()).await;
    let backend = backend(&node).await;
    reach(&backend, 3).await;
    node.drop_connections(0, 1500).unwrap();
    // Whoever asks meanwhile may get an error; whoever asks again gets an answer.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let before = backend.client().health().await.finalized.unwrap();
    while backend.head().await.map_or(0, |head| head.number.0 + START) <= before + 2 {
        assert!(tokio::time::Instant::now() < deadline, "it does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_survives_the_loss_of_its_endpoint() {
    let node = two().await;
    let backend = backend(&node).await;
    reach(&backend, 3).await;
    let miner = key("miner-1");
    let commit = backend.client().commit(b"once".to_vec(), &miner);
    let disturb = async {
        tokio::time::sleep(Duration::from_millis(BLOCK_MS / 2)).await;
        node.drop_connections(0, 60_000).unwrap();
    };
    let (committed, ()) = tokio::join!(commit, disturb);
    committed.unwrap();
    assert_eq!(in_use(&backend).await, 1);
    assert_eq!(backend.client().committed(&miner.hotkey()).await.unwrap().as_deref(), Some(&b"once"[..]));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_stands_still_is_left() {
    let node = two().await;
    let backend = backend(&node).await;
    reach(&backend, 3).await;
    assert_eq!(in_use(&backend).await, 0);
    set(&node, 0, Knobs { stalled: true, ..Knobs::default() });
    go_on(&backend).await;
    go_on(&backend).await;
    let health = backend.client().health().await;
    assert_eq!((in_use(&backend).await, health.stalls), (1, 1), "{health:?}");
    assert!(health.endpoints[0].trouble.as_ref().is_some_and(|why| why.contains("stands still")), "{health:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_head_is_not_believed() {
    let node = two().await;
    let backend = backend(&node).await;
    reach(&backend, 3).await;
    set(&node, 0, Knobs { lie_ahead: Some(1000), ..Knobs::default() });
    for _ in 0..20 {
        let head = backend.head().await.unwrap();
        assert!(head.number.0 < 500, "{head:?}");
        tokio::time::sleep(Duration::from_millis(BLOCK_MS / 2)).await;
    }
    let health = backend.client().health().await;
    assert!(in_use(&backend).await == 1 && health.lies >= 1, "{health:?}");
    // Nor by a client that has seen nothing yet.
    let fresh = crate::support::backend(&node).await;
    assert!(fresh.head().await.unwrap().number.0 < 500);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_state_is_named_unless_another_endpoint_has_it() {
    let node = two().await;
    let backend = backend(&node).await;
    reach(&backend, 20).await;
    let forgetful = Knobs { keep_state: Some(6), ..Knobs::default() };
    set(&node, 0, forgetful.clone());
    let paid = backend.epochs(BlockNumber(0), BlockNumber(12)).await;
    assert!(paid.is_ok(), "{paid:?}");
    set(&node, 1, forgetful);
    let fresh = crate::support::backend(&node).await;
    let refused = fresh.epochs(BlockNumber(0), BlockNumber(12)).await.unwrap_err();
    assert!(refused.is_retryable() && refused.to_string().contains("archive"), "{refused}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_beyond_all_bounds_is_not_read() {
    let node = two().await;
    let oversized = [("chain_getFinalizedHead".to_owned(), 48 * 1024 * 1024)].into();
    set(&node, 0, Knobs { oversized, ..Knobs::default() });
    let backend = backend(&node).await;
    reach(&backend, 3).await;
    assert_eq!(in_use(&backend).await, 1);
    node.stop().await;
}

/// Two nodes with the same first block, which then go their own ways.
async fn two_chains(endpoints_of_first: u8) -> (Node, Node, Vec<String>) {
    let first = start(Config { endpoints: endpoints_of_first, step_ms: Some(1000), ..config() }).await;
    let second = start(Config { step_ms: Some(2000), ..config() }).await;
    assert_eq!(first.genesis(), second.genesis());
    let urls = [second.urls(), first.urls()].concat();
    (first, second, urls)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_stories_without_a_majority_none_is_believed() {
    let (first, second, urls) = two_chains(1).await;
    let client = Subtensor::connect(&urls, pin(&first), BLOCK_MS).await.unwrap();
    let backend = SubtensorBackend::new(client.into(), ROUNDS);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    // Both begin with the same block; from the next one on they differ.
    let refused = loop {
        match backend.head().await {
            Err(refused) => break refused,
            Ok(_) => assert!(tokio::time::Instant::now() < deadline, "never noticed"),
        }
        tokio::time::sleep(Duration::from_millis(BLOCK_MS)).await;
    };
    assert!(refused.is_retryable() && refused.to_string().contains("disagree"), "{refused}");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_endpoints_the_one_with_a_story_of_its_own_is_left() {
    let (first, second, urls) = two_chains(2).await;
    let client = Subtensor::connect(&urls, pin(&first), BLOCK_MS).await.unwrap();
    let backend = SubtensorBackend::new(client.into(), ROUNDS);
    reach(&backend, 5).await;
    assert!(in_use(&backend).await > 0);
    assert!(backend.client().health().await.lies >= 1);
    let honest =
        SubtensorBackend::new(Subtensor::connect(&first.urls(), pin(&first), BLOCK_MS).await.unwrap().into(), ROUNDS);
    let (here, there) = (backend.head().await.unwrap(), honest.head().await.unwrap());
    assert!(here.number.0.abs_diff(there.number.0) < 10);
    first.stop().await;
    second.stop().await;
}
