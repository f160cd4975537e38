//! What chains and their nodes say: the embedded ledger's bytes, Bittensor's SCALE and JSON-RPC.
//!
//! In: records, blocks, extrinsics, events, headers and requests, all hostile. Out: for Covey's own formats exactly the bytes that were
//! read; for Bittensor's at least no panic and no memory that the length does not justify.

use std::sync::OnceLock;

use chain::ledger::{Block, Call, Transaction};
use serde_json::json;
use subtensor::BucketCommitment;
use subtensor_node::{Config, FINNEY, METHODS, Node, Signed};
use types::{
    BlockNumber, CommitData, Era, Extrinsic, Hash32, Hotkey, MAX_RECORD_BYTES, Record, Round, Signature, SubtensorCall,
    Uid,
};

use crate::allocation::at_most;

/// Room for what a decoder keeps of a few kilobytes: a `Value` has some ten times the bytes of its SCALE.
const DECODED_BYTES: usize = 4 << 20;

pub(crate) fn record(data: &[u8]) {
    if let Ok(record) = Record::from_bytes(data) {
        assert!(data.len() <= MAX_RECORD_BYTES);
        assert_eq!(record.to_bytes(), data);
        let json = serde_json::to_vec(&record).unwrap();
        assert_eq!(serde_json::from_slice::<Record>(&json).unwrap(), record);
    }
}

fn records() -> Vec<Record> {
    let (round, root, theta) = (Round(7), Hash32([1; 32]), Hash32([2; 32]));
    vec![
        Record::Commit { round, root, bytes: 500, theta },
        Record::Attest { round, have: vec![Uid(0), Uid(255)] },
        Record::Report { round, root, bytes: 900, gather: vec![Uid(3)] },
        Record::Checkpoint { round, root, bytes: 1 << 30, theta },
    ]
}

pub(crate) fn record_seeds() -> Vec<Vec<u8>> {
    records().iter().map(Record::to_bytes).collect()
}

pub(crate) fn ledger_block(data: &[u8]) {
    at_most(DECODED_BYTES, || {
        if let Ok(block) = Block::from_bytes(data) {
            assert_eq!(block.to_bytes(), data);
        }
        if let Ok(transaction) = Transaction::from_bytes(data) {
            assert_eq!(transaction.to_bytes(), data);
        }
    });
}

pub(crate) fn ledger_block_seeds() -> Vec<Vec<u8>> {
    let (hotkey, signature) = (Hotkey([5; 32]), Signature([6; 64]));
    let calls = [Call::Register, Call::SetWeights(vec![(Uid(1), 9), (Uid(2), 65_526)])];
    let calls = calls.into_iter().chain(records().into_iter().map(Call::Publish));
    let transactions: Vec<Transaction> =
        calls.zip(0..).map(|(call, nonce)| Transaction { hotkey, nonce, call, signature }).collect();
    let mut seeds: Vec<Vec<u8>> = transactions.iter().map(Transaction::to_bytes).collect();
    let block = Block {
        number: BlockNumber(12),
        parent: Hash32([1; 32]),
        time_ms: 1_800_000_000_000,
        state: Hash32([2; 32]),
        genesis: Vec::new(),
        reward: None,
        transactions: transactions.into_iter().take(3).collect(),
        signature,
    };
    let genesis = Block { number: BlockNumber(0), genesis: b"{}".to_vec(), transactions: Vec::new(), ..block.clone() };
    seeds.extend([block.to_bytes(), genesis.to_bytes()]);
    seeds
}

fn client() -> &'static subtensor::Runtime {
    static RUNTIME: OnceLock<subtensor::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| subtensor::Runtime::new(365, 1, FINNEY).unwrap())
}

pub(crate) fn scale_events(data: &[u8]) {
    let runtime = client();
    at_most(DECODED_BYTES, || {
        let Ok(events) = runtime.events(data) else { return };
        for paid in &events.incentives {
            assert!(8 * paid.emissions.len() <= data.len());
        }
        let _ = events.paid_on(3);
    });
}

pub(crate) fn scale_events_seeds() -> Vec<Vec<u8>> {
    let pallet = |name: &str| client().metadata().pallet_by_name(name).unwrap();
    let event = |pallet_name: &str, name: &str| {
        let pallet = pallet(pallet_name);
        let variant = pallet.event_variants().unwrap().iter().find(|variant| variant.name == name).unwrap();
        [pallet.event_index(), variant.index]
    };
    let paid = event("SubtensorModule", "IncentiveAlphaEmittedToMiners");
    let failed = event("System", "ExtrinsicFailed");
    // One event at initialisation: netuid 3, two emissions, no topics.
    let incentive = [&[4, 2][..], &paid, &[3, 0, 8], &5u64.to_le_bytes(), &7u64.to_le_bytes(), &[0]].concat();
    // One failed extrinsic: BadOrigin, weights of nothing, normal class, pays.
    let failure = [&[4, 0, 1, 0, 0, 0][..], &failed, &[2, 0, 0, 0, 0, 0]].concat();
    assert_eq!(client().events(&incentive).unwrap().paid_on(3).unwrap().emissions, [5, 7]);
    assert_eq!(client().events(&failure).unwrap().outcomes.len(), 1);
    vec![Vec::new(), incentive, failure]
}

/// A transaction that a signer signs.
pub(crate) fn transaction() -> Extrinsic {
    let (genesis, era) = (Hash32([1; 32]), Era::mortal(64, 128, Hash32([2; 32])).unwrap());
    let call = SubtensorCall::Commit { netuid: 3, data: CommitData::new(records()[0].to_bytes()).unwrap() };
    Extrinsic { genesis, spec_version: 365, transaction_version: 1, nonce: 4, era, call }
}

fn extrinsic_bytes() -> Vec<u8> {
    transaction().signed(&Hotkey([5; 32]), &Signature([6; 64]))
}

pub(crate) fn commitment(data: &[u8]) {
    at_most(DECODED_BYTES, || {
        if let Some(found) = subtensor::commitment_in(data) {
            assert!(found.data.len() <= MAX_RECORD_BYTES);
        }
        if let Some(found) = subtensor::committed(data) {
            assert!(found.len() <= MAX_RECORD_BYTES);
        }
        if let Ok(bucket) = BucketCommitment::parse(data) {
            assert_eq!(bucket.to_bytes(), data);
        }
    });
}

pub(crate) fn commitment_seeds() -> Vec<Vec<u8>> {
    let stored = [&[0; 12][..], &[4, 6], b"hello"].concat();
    let bucket = b"0123456789abcdef".repeat(8);
    assert!(subtensor::commitment_in(&extrinsic_bytes()).is_some() && subtensor::committed(&stored).is_some());
    BucketCommitment::parse(&bucket).unwrap();
    vec![extrinsic_bytes(), stored, bucket]
}

pub(crate) fn header(data: &[u8]) {
    at_most(DECODED_BYTES, || {
        if let Ok((_, hash, parent)) = subtensor::header_in(data) {
            assert_ne!(hash, parent);
        }
    });
}

pub(crate) fn header_seeds() -> Vec<Vec<u8>> {
    let hash = format!("0x{}", "ab".repeat(32));
    let header = json!({
        "parentHash": hash, "number": "0x1f", "stateRoot": hash, "extrinsicsRoot": hash,
        "digest": { "logs": ["0x0661757261200000000000000000"] },
    });
    let header = header.to_string().into_bytes();
    subtensor::header_in(&header).unwrap();
    vec![header]
}

fn node_runtime() -> &'static subtensor_node::Runtime {
    static RUNTIME: OnceLock<subtensor_node::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| subtensor_node::Runtime::finney().unwrap())
}

pub(crate) fn extrinsic(data: &[u8]) {
    let runtime = node_runtime();
    at_most(DECODED_BYTES, || {
        if let Ok(signed) = Signed::decode(data, runtime) {
            // These seeds' signatures are made up.
            assert!(!signed.holds(runtime, [1; 32], [2; 32]));
        }
    });
}

pub(crate) fn extrinsic_seeds() -> Vec<Vec<u8>> {
    let bytes = extrinsic_bytes();
    assert!(Signed::decode(&bytes, node_runtime()).is_ok());
    vec![bytes]
}

/// A node that makes no blocks by itself, and the threads it needs.
struct Served {
    node: Node,
    _threads: tokio::runtime::Runtime,
}

fn served() -> &'static Served {
    static SERVED: OnceLock<Served> = OnceLock::new();
    SERVED.get_or_init(|| {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let node = threads.block_on(Node::start(Config::default())).unwrap();
        node.seal(3).unwrap();
        Served { node, _threads: threads }
    })
}

pub(crate) fn rpc(data: &[u8]) {
    let Some((method, params)) = data.split_first() else { return };
    let Ok(params) = std::str::from_utf8(params) else { return };
    // The scenario's own methods make blocks and cut connections; they are for tests, not for strangers.
    let methods: Vec<&str> = METHODS.into_iter().filter(|name| !name.starts_with("dev_")).collect();
    let method = methods[usize::from(*method) % methods.len()];
    let node = &served().node;
    // The metadata is the longest honest answer.
    at_most(16 * FINNEY.len(), || {
        let _ = subtensor_node::answer(node, 0, method, (!params.is_empty()).then_some(params));
    });
}

pub(crate) fn rpc_seeds() -> Vec<Vec<u8>> {
    let hash = format!("0x{}", "ab".repeat(32));
    let key = "0x26aa394eea5630e07c48ae0c9558cef702a5c1b19ab7a04f536c519aca4983ac";
    let extrinsic: String = extrinsic_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let params = [
        json!([1]),
        json!([hash]),
        json!([key, null]),
        json!([key, 10, key, null]),
        json!([[key], hash]),
        json!(["SubtensorModule_x", "0x00"]),
        json!([format!("0x{extrinsic}")]),
        json!([Hotkey([5; 32])]),
    ];
    let count = METHODS.iter().filter(|name| !name.starts_with("dev_")).count();
    let any = (0..count).map(|at| [vec![at as u8], params[at % params.len()].to_string().into_bytes()].concat());
    any.chain([b"\x00".to_vec()]).collect()
}
