//! A subnet with an owner, a validator and two miners.

use std::sync::Arc;
use std::time::Duration;

use chain::ChainBackend as _;
use subtensor::{Subtensor, SubtensorBackend};
use subtensor_node::{Config, Endowment, Genesis, Node, Seat};
use types::manifest::{RoundParams, SubtensorParams};
use types::{BlockNumber, Hash32, Rao, Signer as _};
use wallet::LocalSigner;

/// Milliseconds between blocks.
pub(crate) const BLOCK_MS: u64 = 100;
/// The run's block 0.
pub(crate) const START: u64 = 4;
/// Rounds of 30 blocks: commit before 12, attest before 24.
pub(crate) const ROUNDS: RoundParams =
    RoundParams { blocks: 30, commit_by: 12, attest_by: 24, null_rounds: 0, checkpoint_every: 10 };
/// Nothing in these tests takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn key(label: &str) -> LocalSigner {
    LocalSigner::derive(&[7; 32], label)
}

pub(crate) fn genesis() -> Genesis {
    let seat = |label: &str, stake: u64, permit: bool| Seat {
        hotkey: key(label).hotkey(),
        coldkey: key(&format!("{label}-cold")).hotkey(),
        stake: Rao(stake * Rao::PER_CREDIT),
        permit,
    };
    Genesis {
        owner_coldkey: Some(key("owner-cold").hotkey()),
        owner_hotkey: Some(key("owner").hotkey()),
        endowments: vec![Endowment { account: key("rich").hotkey(), free: Rao(10 * Rao::PER_CREDIT) }],
        seats: vec![
            seat("owner", 0, false),
            seat("validator", 1000, true),
            seat("miner-1", 0, false),
            seat("miner-2", 0, false),
        ],
        tempo: 10,
        weights_rate_limit: 5,
        ..Genesis::default()
    }
}

pub(crate) fn config() -> Config {
    Config { genesis: genesis(), block_ms: BLOCK_MS, ..Config::default() }
}

pub(crate) async fn start(config: Config) -> Node {
    Node::start(config).await.unwrap()
}

pub(crate) fn pin(node: &Node) -> SubtensorParams {
    SubtensorParams { genesis: Hash32(node.genesis()), netuid: 3, start_block: BlockNumber(START) }
}

pub(crate) async fn client(node: &Node) -> Arc<Subtensor> {
    Arc::new(Subtensor::connect(&node.urls(), pin(node), BLOCK_MS).await.unwrap())
}

pub(crate) async fn backend(node: &Node) -> SubtensorBackend {
    SubtensorBackend::new(client(node).await, ROUNDS)
}

/// Waits for the run's block `number`, finalized.
pub(crate) async fn reach(backend: &SubtensorBackend, number: u64) {
    let head = backend.wait_head(BlockNumber(number - 1));
    tokio::time::timeout(PATIENCE, head).await.expect("the chain goes on").unwrap();
}

/// Waits for two more finalized blocks, which are then not older than this call.
pub(crate) async fn go_on(backend: &SubtensorBackend) {
    let head = backend.head().await.unwrap().number;
    reach(backend, head.0 + 5).await;
}

/// Waits until a paused chain has brought its last block to everybody.
pub(crate) async fn go_still(backend: &SubtensorBackend) {
    let mut before = None;
    loop {
        let head = backend.head().await.unwrap();
        if before == Some(head) {
            return;
        }
        before = Some(head);
        tokio::time::sleep(Duration::from_millis(BLOCK_MS)).await;
    }
}
