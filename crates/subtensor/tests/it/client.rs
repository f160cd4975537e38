//! Status, registration, commitments, upgrades.

use subtensor::{Bucket, SubtensorError};
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
    let bucket = Bucket::new(&"a".repeat(32), &"b".repeat(32), &"c".repeat(64)).unwrap();
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
