//! Weights, epochs, stake: to the rao.

use std::collections::BTreeMap;

use serde_json::json;
use subtensor_node::{Action, Config, Genesis, Node, Seat};
use subxt::dynamic::{self, Value};
use subxt::ext::scale_value::scale::decode_as_type;
use subxt::utils::AccountId32;
use types::Rao;

use crate::support::{Client, Key, config, key, weights};

const RAO: u64 = Rao::PER_CREDIT;
const TEMPO: u16 = 6;

fn economy() -> Config {
    let seat = |name: &str, stake: u64| Seat {
        hotkey: key(name).hotkey(),
        coldkey: key("cold").hotkey(),
        stake: Rao(stake),
        permit: stake > 0,
    };
    let base = config(&[&key("cold")]);
    let genesis = Genesis {
        owner_coldkey: Some(key("cold").hotkey()),
        owner_hotkey: Some(key("owner").hotkey()),
        seats: vec![
            seat("owner", 0),
            seat("judge", 300 * RAO),
            seat("clerk", 100 * RAO),
            seat("ann", 0),
            seat("bob", 0),
        ],
        tempo: TEMPO,
        ..base.genesis
    };
    Config { genesis, ..base }
}

async fn stake(client: &Client, who: &Key) -> u64 {
    let parts = vec![Value::from_bytes(who.public()), Value::u128(client.netuid.into())];
    client.fetch("SubtensorModule", "TotalHotkeyAlpha", parts).await.unwrap_or(0)
}

/// What miners got in the newest block, by the event.
async fn emissions(client: &Client) -> Option<Vec<u64>> {
    #[derive(subxt::ext::scale_decode::DecodeAsType)]
    #[decode_as_type(crate_path = "subxt::ext::scale_decode")]
    struct Emitted {
        netuid: u16,
        emissions: Vec<u64>,
    }
    let at = client.api.at_current_block().await.unwrap();
    let events = at.events().fetch().await.unwrap();
    let emitted = events.iter().map(|e| e.unwrap()).find(|e| e.event_name() == "IncentiveAlphaEmittedToMiners")?;
    let emitted: Emitted = emitted.decode_fields_unchecked_as().unwrap();
    assert_eq!(emitted.netuid, client.netuid);
    Some(emitted.emissions)
}

#[tokio::test]
async fn an_epoch_pays_out_all_that_was_minted_and_not_a_rao_more() {
    let node = Node::start(economy()).await.unwrap();
    let client = Client::open(&node.url()).await;
    for judge in ["judge", "clerk"] {
        let call = weights(client.netuid, &[(3, 30), (4, 10)], 0);
        client.send(&node, &call, &key(judge)).await.unwrap();
    }
    assert_eq!(
        client.fetch::<Vec<(u16, u16)>>("SubtensorModule", "Weights", vec![Value::u128(3), Value::u128(1)]).await,
        Some(vec![(3, 65_535), (4, 21_845)]),
        "scaled up"
    );
    node.seal(3).unwrap();
    let minted = u64::from(TEMPO) * RAO;
    let pending: u64 = client.subnet("PendingServerEmission").await.unwrap();
    let so_far = 5 * RAO;
    let owner_so_far = so_far * 11_796 / 65_535;
    assert_eq!(pending, (so_far - owner_so_far) / 2);
    let names = ["owner", "judge", "clerk", "ann", "bob"];
    let mut before = BTreeMap::new();
    for name in names {
        before.insert(name, stake(&client, &key(name)).await);
    }
    node.seal(1).unwrap();
    let mut gained = BTreeMap::new();
    for name in names {
        gained.insert(name, stake(&client, &key(name)).await - before[name]);
    }
    assert_eq!(gained.values().sum::<u64>(), minted, "{gained:?}");
    let owner = minted * 11_796 / 65_535;
    assert_eq!(gained["owner"], owner);
    assert_eq!(gained["ann"] + gained["bob"], (minted - owner) / 2, "miners' half");
    let emitted = emissions(&client).await.unwrap();
    assert_eq!(emitted, [0, 0, 0, gained["ann"], gained["bob"]]);
    let emission: Vec<u64> = client.subnet("Emission").await.unwrap();
    assert_eq!(emission[3..], emitted[3..]);
    assert_eq!(client.subnet::<u64>("PendingServerEmission").await, Some(0));
    let incentive: Vec<u16> = client.subnet("Incentive").await.unwrap();
    let whole: u32 = incentive.iter().map(|share| u32::from(*share)).sum();
    assert!((65_533..=65_535).contains(&whole), "{incentive:?}");
    node.seal(1).unwrap();
    assert_eq!(emissions(&client).await, None, "only epochs emit");
    node.stop().await;
}

#[tokio::test]
async fn a_full_burn_pays_miners_nothing() {
    let node = Node::start(economy()).await.unwrap();
    let client = Client::open(&node.url()).await;
    client.send(&node, &weights(client.netuid, &[(3, 1)], 0), &key("judge")).await.unwrap();
    node.act(Action::FullBurn { on: true }).unwrap();
    let before = stake(&client, &key("owner")).await;
    node.seal(5).unwrap();
    let minted = u64::from(TEMPO) * RAO;
    let owner = minted * 11_796 / 65_535;
    assert_eq!(emissions(&client).await.unwrap(), [(minted - owner) / 2, 0, 0, 0, 0], "all incentive is the owner's");
    assert_eq!(stake(&client, &key("owner")).await - before, owner, "which gets its cut only: the rest is burned");
    node.stop().await;
}

#[tokio::test]
async fn weights_are_refused_as_the_pallet_does() {
    let node = Node::start(economy()).await.unwrap();
    let client = Client::open(&node.url()).await;
    let cases = [
        ("ann", vec![(1, 1)], "NeuronNoValidatorPermit"),
        ("nobody", vec![(1, 1)], "HotKeyNotRegisteredInSubNet"),
        ("judge", vec![(9, 1)], "UidVecContainInvalidOne"),
        ("judge", vec![(1, 1), (1, 2)], "DuplicateUids"),
        ("judge", vec![], "WeightVecLengthIsLow"),
        ("judge", vec![(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (4, 1)], "UidsLengthExceedUidsInSubNet"),
    ];
    for (who, row, error) in cases {
        let said = client.send(&node, &weights(client.netuid, &row, 0), &key(who)).await.unwrap_err();
        assert!(said.contains(error), "{who} {row:?}: {said}");
    }
    client.send(&node, &weights(client.netuid, &[(3, 1)], 0), &key("judge")).await.unwrap();
    let soon = client.send(&node, &weights(client.netuid, &[(3, 1)], 0), &key("judge")).await.unwrap_err();
    assert!(soon.contains("SettingWeightsTooFast"), "{soon}");
    node.stop().await;
}

#[tokio::test]
async fn a_full_subnet_gives_the_place_of_the_one_who_earned_least() {
    let mut config = economy();
    config.genesis.max_uids = 5;
    config.genesis.immunity = 4;
    let node = Node::start(config).await.unwrap();
    let client = Client::open(&node.url()).await;
    let early = client.register(&node, &key("cold"), &key("eve")).await.unwrap_err();
    assert!(early.contains("NoNeuronIdAvailable"), "{early}");
    client.send(&node, &weights(client.netuid, &[(3, 1)], 0), &key("judge")).await.unwrap();
    node.seal(4).unwrap();
    client.register(&node, &key("cold"), &key("eve")).await.unwrap();
    // The clerk set no weights: like bob it earned nothing, and it comes first.
    assert_eq!(client.uid(&key("eve")).await, Some(2));
    assert_eq!(client.uid(&key("clerk")).await, None);
    node.act(Action::Deregister { uid: 3 }).unwrap();
    node.seal(1).unwrap();
    assert_eq!(client.uid(&key("ann")).await, None);
    node.stop().await;
}

#[tokio::test]
async fn commitments_have_room_for_an_epoch() {
    let mut config = economy();
    config.genesis.commit_space = 250;
    let node = Node::start(config).await.unwrap();
    let client = Client::open(&node.url()).await;
    client.commit(&node, &key("ann"), b"a").await.unwrap();
    client.commit(&node, &key("ann"), b"b").await.unwrap();
    let third = client.commit(&node, &key("ann"), b"c").await.unwrap_err();
    assert!(third.contains("SpaceLimitExceeded"), "{third}");
    node.seal(4).unwrap();
    client.commit(&node, &key("ann"), b"c").await.unwrap();
    node.stop().await;
}

#[tokio::test]
async fn runtime_apis_answer_by_the_metadatas_types() {
    #[derive(subxt::ext::scale_decode::DecodeAsType)]
    #[decode_as_type(crate_path = "subxt::ext::scale_decode")]
    struct Stake {
        stake: u64,
        is_registered: bool,
    }
    #[derive(subxt::ext::scale_decode::DecodeAsType)]
    #[decode_as_type(crate_path = "subxt::ext::scale_decode")]
    struct Swap {
        tao_amount: u64,
        alpha_fee: u64,
    }
    #[derive(subxt::ext::scale_decode::DecodeAsType)]
    #[decode_as_type(crate_path = "subxt::ext::scale_decode")]
    struct Neuron {
        hotkey: AccountId32,
        uid: u16,
        validator_permit: bool,
    }
    let node = Node::start(economy()).await.unwrap();
    let client = Client::open(&node.url()).await;
    let at = client.api.at_current_block().await.unwrap();
    let apis = at.runtime_apis();
    let price = dynamic::runtime_api_call::<_, u64>("SwapRuntimeApi", "current_alpha_price", (3u16,));
    assert_eq!(apis.call(price).await.unwrap(), 25_000_000);
    let swap = dynamic::runtime_api_call::<_, Swap>("SwapRuntimeApi", "sim_swap_alpha_for_tao", (3u16, RAO));
    let swap = apis.call(swap).await.unwrap();
    assert!(swap.tao_amount < 25_000_000 && swap.tao_amount > 24_900_000 && swap.alpha_fee > 0);
    let stake = dynamic::runtime_api_call::<_, Option<Stake>>(
        "StakeInfoRuntimeApi",
        "get_stake_info_for_hotkey_coldkey_netuid",
        (key("judge").public(), key("cold").public(), 3u16),
    );
    let stake = apis.call(stake).await.unwrap().unwrap();
    assert_eq!((stake.stake, stake.is_registered), (300 * RAO, true));
    let neurons = dynamic::runtime_api_call::<_, Vec<Neuron>>("NeuronInfoRuntimeApi", "get_neurons_lite", (3u16,));
    let neurons = apis.call(neurons).await.unwrap();
    assert_eq!(neurons.len(), 5);
    assert_eq!((neurons[1].hotkey.0, neurons[1].uid, neurons[1].validator_permit), (key("judge").public(), 1, true));
    node.stop().await;
}

#[tokio::test]
async fn every_stored_value_is_what_the_metadata_says() {
    let node = Node::start(economy()).await.unwrap();
    let client = Client::open(&node.url()).await;
    client.register(&node, &key("cold"), &key("eve")).await.unwrap();
    client.register(&node, &key("cold"), &key("eve")).await.unwrap_err();
    client.commit(&node, &key("eve"), b"hello").await.unwrap();
    client.send(&node, &weights(client.netuid, &[(3, 1)], 0), &key("judge")).await.unwrap();
    node.seal(2).unwrap();
    assert!(emissions(&client).await.is_some(), "the newest events are an epoch's");
    let at = client.api.at_current_block().await.unwrap();
    let metadata = at.metadata_ref();
    let keys = client.call("state_getKeysPaged", json!(["0x", 1000])).await.unwrap();
    let mut checked = 0;
    for key in keys.as_array().unwrap() {
        let key = hex::decode(&key.as_str().unwrap()[2..]).unwrap();
        if key.starts_with(b":test_node:") {
            continue;
        }
        let entry = metadata
            .pallets()
            .flat_map(|p| p.storage().into_iter().flat_map(move |s| s.entries().iter().map(move |e| (p.name(), e))))
            .find(|(pallet, entry)| {
                let prefix = subxt::ext::frame_decode::storage::encode_storage_key_prefix(pallet, entry.name());
                key.starts_with(&prefix)
            });
        let (pallet, entry) = entry.unwrap_or_else(|| panic!("{} is nowhere in the metadata", hex::encode(&key)));
        let value = client.call("state_getStorage", json!([format!("0x{}", hex::encode(&key))])).await.unwrap();
        let value = hex::decode(&value.as_str().unwrap()[2..]).unwrap();
        let mut input = &value[..];
        let decoded = decode_as_type(&mut input, entry.value_ty(), metadata.types());
        assert!(decoded.is_ok() && input.is_empty(), "{pallet}.{}: {decoded:?}", entry.name());
        checked += 1;
    }
    assert!(checked > 80, "{checked} values");
    node.stop().await;
}
