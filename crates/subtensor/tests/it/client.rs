//! Status, registration, commitments, upgrades.

use subtensor::{BucketCommitment, SubtensorError};
use subtensor_node::Action;
use types::{Coldkey, Rao, Signer as _, Uid};

use crate::support::*;

fn cold(label: &str) -> Coldkey {
    Coldkey(key(label).hotkey().0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hotkey_is_registered_once_and_by_its_coldkey() {
    let node = start(config()).await;
    let client = client(&node).await;
    let (hotkey, payer) = (key("newcomer").hotkey(), key("rich"));
    let before = client.status(&hotkey, Some(&cold("rich"))).await.unwrap();
    assert_eq!((before.uid, before.burn, before.size), (None, Some(Rao(500_000_000)), Some(4)));
    let dear = client.register(hotkey, &payer, Rao(499_999_999)).await;
    assert_eq!(dear, Err(SubtensorError::TooDear { cost: Rao(500_000_000), limit: Rao(499_999_999) }));
    let poor = client.register(hotkey, &key("beggar"), Rao(500_000_000)).await;
    assert_eq!(poor, Err(SubtensorError::Poor { cost: Rao(500_000_000), free: Rao(0) }));
    let registered = client.register(hotkey, &payer, Rao(500_000_000)).await.unwrap();
    assert_eq!(registered.uid, Uid(4));
    assert_eq!(client.register(hotkey, &payer, Rao(0)).await.unwrap(), registered);
    let after = client.status(&hotkey, Some(&cold("rich"))).await.unwrap();
    assert_eq!((after.uid, after.owner, after.owner_is_payout), (Some(Uid(4)), Some(cold("rich")), Some(true)));
    let spent = before.free.unwrap().0 - after.free.unwrap().0;
    assert!((500_000_000..501_000_000).contains(&spent), "the price and a fee: {spent}");
    let other = client.status(&hotkey, Some(&cold("somebody"))).await.unwrap();
    assert_eq!(other.owner_is_payout, Some(false));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_subnet_says_so() {
    let node = start(config()).await;
    node.act(Action::Registration { allowed: false, burn: Rao(1) }).unwrap();
    let backend = backend(&node).await;
    go_on(&backend).await;
    let refused = backend.client().register(key("newcomer").hotkey(), &key("rich"), Rao(1 << 40)).await;
    assert_eq!(refused, Err(SubtensorError::Closed));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_committed_and_read_back() {
    let node = start(config()).await;
    let client = client(&node).await;
    let miner = key("miner-1");
    assert_eq!(client.bucket_of(&miner.hotkey()).await.unwrap(), None);
    let bucket = BucketCommitment::new(&"a".repeat(32), &"b".repeat(32), &"c".repeat(64)).unwrap();
    client.commit(bucket.to_bytes(), &miner).await.unwrap();
    assert_eq!(client.bucket_of(&miner.hotkey()).await.unwrap(), Some(bucket));
    client.commit(b"no bucket".to_vec(), &miner).await.unwrap();
    assert_eq!(client.bucket_of(&miner.hotkey()).await.unwrap(), None);
    assert_eq!(client.committed(&miner.hotkey()).await.unwrap().as_deref(), Some(&b"no bucket"[..]));
    let long = client.commit(vec![0; 129], &miner).await;
    assert!(matches!(long, Err(SubtensorError::Invalid { .. })), "{long:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_commit() {
    let node = start(config()).await;
    let stranger = key("stranger");
    let refused = client(&node).await.commit(vec![1], &stranger).await;
    assert_eq!(refused, Err(SubtensorError::NotRegistered { hotkey: stranger.hotkey() }));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_chain_lacks_is_listed_and_fails_nothing() {
    let mut config = config();
    let lacks = ["SwapRuntimeApi.current_alpha_price", "SubtensorModule.PendingServerEmission"];
    config.genesis.without = lacks.iter().map(|item| (*item).to_owned()).collect();
    let node = start(config).await;
    let status = client(&node).await.status(&key("miner-1").hotkey(), None).await.unwrap();
    assert_eq!((status.uid, status.alpha_price, status.pending), (Some(Uid(2)), None, None));
    for item in lacks {
        assert!(status.missing.iter().any(|missing| missing.contains(item)), "{item}: {:?}", status.missing);
    }
    assert_eq!(status.missing.len(), 2, "{:?}", status.missing);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_of_the_runtime_changes_nothing_for_the_caller() {
    let node = start(config()).await;
    let backend = backend(&node).await;
    let (client, miner) = (backend.client(), key("miner-1"));
    client.commit(b"before".to_vec(), &miner).await.unwrap();
    let before = client.status(&miner.hotkey(), None).await.unwrap().spec_version;
    node.act(Action::Upgrade { without: ["SubtensorModule.PendingServerEmission".to_owned()].into() }).unwrap();
    go_on(&backend).await;
    client.commit(b"after".to_vec(), &miner).await.unwrap();
    let status = client.status(&miner.hotkey(), None).await.unwrap();
    assert_eq!((status.spec_version, status.pending), (before + 1, None));
    assert_eq!(client.committed(&miner.hotkey()).await.unwrap().as_deref(), Some(&b"after"[..]));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_has_used_up_its_space_is_told_how_much_there_is() {
    let mut config = config();
    config.genesis.commit_space = 200;
    config.genesis.tempo = 1000;
    let node = start(config).await;
    let (client, miner) = (client(&node).await, key("miner-1"));
    client.commit(vec![1], &miner).await.unwrap();
    client.commit(vec![2], &miner).await.unwrap();
    let refused = client.commit(vec![3], &miner).await;
    assert_eq!(refused, Err(SubtensorError::TooOften { limit: 2, per: "epoch of the subnet".to_owned() }));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stake_has_a_price_and_a_value_after_slippage() {
    let node = start(config()).await;
    let backend = backend(&node).await;
    let client = backend.client();
    reach(&backend, 1).await;
    let status = client.status(&key("validator").hotkey(), Some(&cold("validator-cold"))).await.unwrap();
    assert_eq!((status.stake, status.owner_is_payout), (Some(Rao(1000 * Rao::PER_CREDIT)), Some(true)));
    let (price, value) = (status.alpha_price.unwrap(), status.stake_value.unwrap());
    assert_eq!(price, Rao(25_000_000));
    assert!(value.0 < 1000 * price.0 && value.0 > 990 * price.0, "{value}");
    assert_eq!(status.missing, Vec::<String>::new());
    // The price of a block stays what it was.
    node.act(Action::Price { tao_in: Rao(50_000 * Rao::PER_CREDIT), alpha_in: Rao(1_000_000 * Rao::PER_CREDIT) })
        .unwrap();
    go_on(&backend).await;
    let then = client.quote(status.block).await.unwrap();
    assert_eq!((then.alpha_price, then.time_ms, then.chain_block), (Some(price), status.time_ms, status.chain_block));
    let now = client.status(&key("validator").hotkey(), None).await.unwrap();
    assert_eq!(now.alpha_price, Some(Rao(50_000_000)));
    let future = client.quote(types::BlockNumber(1 << 40)).await;
    assert!(matches!(future, Err(SubtensorError::Invalid { .. })), "{future:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_with_time_locked_weights_says_so() {
    let node = start(config()).await;
    let client = client(&node).await;
    // Unset, the item has the runtime's own default, which is to lock.
    let hidden = ["SubtensorModule.CommitRevealWeightsEnabled".to_owned()].into();
    node.view(0).unwrap().set(subtensor_node::Knobs { missing: hidden, ..Default::default() }).unwrap();
    let status = client.status(&key("validator").hotkey(), None).await.unwrap();
    assert_eq!(status.commit_reveal, Some(true));
    let refused = client.set_weights(vec![(Uid(2), 1)], &key("validator")).await;
    assert_eq!(refused, Err(SubtensorError::TimeLocked));
    node.stop().await;
}
