//! The chain of a run: records, weights, pay-outs, and what befalls them.

use chain::{ChainBackend as _, ChainError};
use subtensor::SubtensorBackend;
use subtensor_node::Action;
use types::{BlockNumber, Hash32, Rao, Record, Round, Signer as _, Uid};

use crate::support::*;

fn commit(round: Round, root: u8) -> Record {
    Record::Commit { round, root: Hash32([root; 32]), bytes: 9, theta: Hash32([0; 32]) }
}

/// The next round that has just begun.
async fn fresh_round(backend: &SubtensorBackend) -> Round {
    let head = backend.head().await.unwrap().number;
    let round = ROUNDS.round_of(head).next();
    reach(backend, ROUNDS.start(round).0).await;
    round
}

#[tokio::test(flavor = "multi_thread")]
async fn records_stand_in_order_once_and_in_time() {
    let node = start(config()).await;
    let backend = backend(&node).await;
    let (one, two) = (key("miner-1"), key("miner-2"));
    let round = fresh_round(&backend).await;
    let first = backend.publish(&commit(round, 1), &one).await.unwrap();
    assert_eq!(backend.publish(&commit(round, 1), &one).await.unwrap(), first);
    let second = backend.publish(&commit(round, 2), &one).await;
    assert_eq!(second, Err(ChainError::Duplicate { receipt: first, same: false }));
    let other = backend.publish(&commit(round, 3), &two).await.unwrap();
    assert!(other > first);
    let attest = Record::Attest { round, have: vec![Uid(2), Uid(3)] };
    let early = backend.publish(&attest, &one).await;
    assert!(matches!(early, Err(ChainError::Early { .. })), "{early:?}");
    reach(&backend, ROUNDS.commit_deadline(round).0).await;
    let late = backend.publish(&commit(round, 4), &key("validator")).await;
    assert!(matches!(late, Err(ChainError::Late { .. })), "{late:?}");
    backend.publish(&attest, &one).await.unwrap();
    let read = |records: Vec<chain::ChainRecord>| records.into_iter().map(|r| (r.uid, r.record)).collect::<Vec<_>>();
    let want = vec![(Uid(2), commit(round, 1)), (Uid(3), commit(round, 3)), (Uid(2), attest)];
    let (from, to) = (ROUNDS.start(round), BlockNumber(u64::MAX));
    assert_eq!(read(backend.records(from, to).await.unwrap()), want);
    // A reader that comes later and begins elsewhere sees the same.
    let reader = crate::support::backend(&node).await;
    assert_eq!(read(reader.records(BlockNumber(0), to).await.unwrap()), want);
    assert_eq!(read(reader.records(from, ROUNDS.commit_deadline(round)).await.unwrap()), want[..2]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_for_validators() {
    let node = start(config()).await;
    let backend = backend(&node).await;
    let round = fresh_round(&backend).await;
    let report =
        Record::Report { round: round.previous().unwrap(), root: Hash32([5; 32]), bytes: 1, gather: vec![Uid(2)] };
    let refused = backend.publish(&report, &key("miner-1")).await;
    assert_eq!(refused, Err(ChainError::NotPermitted { operation: "report on a round".to_owned() }));
    // Straight to the chain, which takes anything; readers do not.
    backend.client().commit(report.to_bytes(), &key("miner-1")).await.unwrap();
    backend.publish(&report, &key("validator")).await.unwrap();
    let records = backend.records(ROUNDS.start(round), BlockNumber(u64::MAX)).await.unwrap();
    assert_eq!(records.iter().map(|r| r.uid).collect::<Vec<_>>(), [Uid(1)]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pay_is_booked_to_the_rao() {
    let node = start(config()).await;
    let backend = backend(&node).await;
    let validator = key("validator");
    let refused = backend.set_weights(&[(Uid(2), 1)], &key("miner-1")).await;
    assert_eq!(refused, Err(ChainError::NotPermitted { operation: "set weights".to_owned() }));
    let weights = [(Uid(2), 30_000), (Uid(3), 20_000)];
    let receipt = backend.set_weights(&weights, &validator).await.unwrap();
    reach(&backend, receipt.block.0 + 25).await;
    // A chain that stands still: stake and pay-outs are those of the same block.
    node.pause(true);
    go_still(&backend).await;
    let neurons = backend.neurons().await.unwrap();
    let epochs = backend.epochs(BlockNumber(0), BlockNumber(u64::MAX)).await.unwrap();
    let last = epochs.last().unwrap();
    assert!(last.burned.0 > 0 && last.miner.len() == 2, "{last:?}");
    for epoch in &epochs {
        let miners: u64 = epoch.miner.iter().map(|(_, rao)| rao.0).sum();
        assert_eq!(epoch.minted.0, epoch.owner.0 + epoch.burned.0 + miners);
    }
    // 15,535 of 65,535 parts are missing: burned, within a part of 65,535 and rounding.
    let share = last.burned.0 as f64 / last.minted.0 as f64;
    assert!((share - 15_535.0 / 65_535.0).abs() < 1e-3, "{share}");
    for uid in [2usize, 3] {
        let pay = epochs.iter().flat_map(|e| &e.miner).filter(|(paid, _)| usize::from(paid.0) == uid);
        let earned: u64 = pay.map(|(_, rao)| rao.0).sum();
        assert!(earned > 0 && neurons[uid].balance == Rao(earned), "uid {uid}: {earned} {:?}", neurons[uid]);
    }
    assert!(neurons[1].is_validator && neurons[1].last_weights.is_some());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_that_burns_everything_pays_nobody() {
    let node = start(config()).await;
    node.act(Action::FullBurn { on: true }).unwrap();
    let backend = backend(&node).await;
    let receipt = backend.set_weights(&[(Uid(2), 65_535)], &key("validator")).await.unwrap();
    reach(&backend, receipt.block.0 + 15).await;
    let epochs = backend.epochs(receipt.block, BlockNumber(u64::MAX)).await.unwrap();
    let last = epochs.last().unwrap();
    assert!(last.burned.0 > 0 && last.burned == last.minted && last.miner.is_empty(), "{last:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_set_too_soon_are_refused_unless_they_stand() {
    let mut config = config();
    config.genesis.weights_rate_limit = 1000;
    let node = start(config).await;
    let backend = backend(&node).await;
    let validator = key("validator");
    // The first setting is never too soon: the key has set none.
    let first = backend.set_weights(&[(Uid(2), 65_535)], &validator).await;
    let Ok(first) = first else { panic!("{first:?}") };
    assert_eq!(backend.set_weights(&[(Uid(2), 65_535)], &validator).await.unwrap().block, first.block);
    let soon = backend.set_weights(&[(Uid(3), 65_535)], &validator).await;
    assert_eq!(soon, Err(ChainError::TooOften { limit: 1, per: "1000 blocks".to_owned() }));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_has_lost_its_place_is_told_so() {
    let node = start(config()).await;
    let backend = backend(&node).await;
    let miner = key("miner-2");
    let registration = backend.register(&miner).await.unwrap();
    assert_eq!((registration.uid, registration.block), (Uid(3), BlockNumber(0)));
    node.act(Action::Deregister { uid: 3 }).unwrap();
    go_on(&backend).await;
    let lost = backend.register(&miner).await.unwrap_err();
    assert!(lost.to_string().contains("paid by the coldkey"), "{lost}");
    let round = ROUNDS.round_of(backend.head().await.unwrap().number);
    let refused = backend.publish(&commit(round, 1), &miner).await;
    assert_eq!(refused, Err(ChainError::NotRegistered { hotkey: miner.hotkey() }));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_takes_back_no_record() {
    let mut config = config();
    config.finality_lag = 4;
    let node = start(config).await;
    let backend = backend(&node).await;
    let round = fresh_round(&backend).await;
    let receipt = backend.publish(&commit(round, 1), &key("miner-1")).await.unwrap();
    let before = backend.records(BlockNumber(0), BlockNumber(u64::MAX)).await.unwrap();
    let final_head = backend.head().await.unwrap();
    node.reorg(3, false).unwrap();
    go_on(&backend).await;
    assert!(backend.client().health().await.reorgs >= 1);
    let after = backend.records(BlockNumber(0), BlockNumber(u64::MAX)).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(after[0].block, receipt.block);
    assert!(backend.head().await.unwrap().number > final_head.number);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_lost_in_a_reorganisation_is_handed_in_once_more_or_given_up() {
    let mut config = config();
    config.finality_lag = 4;
    let node = start(config).await;
    let backend = backend(&node).await;
    let round = fresh_round(&backend).await;
    let miner = key("miner-1");
    let record = commit(round, 1);
    let publish = backend.publish(&record, &miner);
    let disturb = async {
        tokio::time::sleep(std::time::Duration::from_millis(3 * BLOCK_MS)).await;
        node.reorg(3, true).unwrap();
    };
    let (published, ()) = tokio::join!(publish, disturb);
    let records = backend.records(BlockNumber(0), BlockNumber(u64::MAX)).await.unwrap();
    match published {
        Ok(receipt) => assert_eq!(records.iter().map(|r| r.block).collect::<Vec<_>>(), [receipt.block]),
        Err(ChainError::Unavailable { .. } | ChainError::Late { .. }) => assert_eq!(records, []),
        Err(other) => panic!("{other}"),
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_counts_blocks_from_its_own_first_one() {
    let node = start(config()).await;
    let backend = backend(&node).await;
    reach(&backend, 3).await;
    let head = backend.head().await.unwrap();
    let health = backend.client().health().await;
    assert!(health.finalized.unwrap() >= head.number.0 + START);
    let network = backend.network();
    assert_eq!((network.symbol.as_str(), network.decimals, network.has_value), ("α", 9, false));
    assert!(head.time_ms > 1_600_000_000_000);
    assert_eq!(backend.neurons().await.unwrap()[1].stake, Rao(1000 * Rao::PER_CREDIT));
    node.stop().await;
}
