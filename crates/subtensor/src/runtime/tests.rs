//! The signer's bytes against subxt's own encoding with the real metadata.

use types::{CommitData, Era, Hotkey, Rao, Uid, Weights};

use super::*;

fn finney() -> Runtime {
    Runtime::new(365, 1, subtensor_node::FINNEY).unwrap()
}

fn extrinsic(nonce: u32, era: Era, call: SubtensorCall) -> Extrinsic {
    Extrinsic { genesis: Hash32([1; 32]), spec_version: 365, transaction_version: 1, nonce, era, call }
}

fn calls() -> Vec<SubtensorCall> {
    let commit = |bytes: usize| SubtensorCall::Commit { netuid: 3, data: CommitData::new(vec![7; bytes]).unwrap() };
    let weights = |count: u16| SubtensorCall::SetWeights {
        netuid: 4095,
        weights: Weights::new((0..count).map(|uid| (Uid(uid), 65_535 - uid)).collect()).unwrap(),
        version_key: u64::MAX,
    };
    let register = SubtensorCall::Register { netuid: 3, hotkey: Hotkey([0xab; 32]) };
    vec![commit(0), commit(1), commit(81), commit(128), weights(0), weights(2), weights(256), register]
}

#[test]
fn the_signers_bytes_are_those_that_the_real_metadata_asks_for() {
    let runtime = finney();
    for call in calls() {
        for (nonce, period, block) in [(0, 8, 7), (63, 64, 1_000_003), (64, 4096, 4095), (u32::MAX, 65_536, 65_520)] {
            let era = Era::mortal(period, block, Hash32([2; 32])).unwrap();
            let extrinsic = extrinsic(nonce, era, call.clone());
            assert_eq!(runtime.check(&extrinsic), Ok(()), "{extrinsic:?}");
        }
    }
}

#[test]
fn a_call_that_the_runtime_does_not_have_is_never_signed() {
    let era = Era::mortal(64, 0, Hash32([2; 32])).unwrap();
    let call = SubtensorCall::RegisterLimit { netuid: 3, hotkey: Hotkey([0; 32]), limit_price: Rao(1) };
    let refused = finney().check(&extrinsic(0, era, call)).unwrap_err();
    assert!(matches!(refused, SubtensorError::Format { spec_version: 365, .. }), "{refused}");
    assert!(refused.to_string().contains("transaction format is not known"), "{refused}");
}

#[test]
fn metadata_that_does_not_read_is_refused() {
    for cut in [0, 1, 4, 5, 1000, subtensor_node::FINNEY.len() / 2] {
        let refused = Runtime::new(1, 1, &subtensor_node::FINNEY[..cut]);
        assert!(matches!(refused, Err(SubtensorError::Format { .. })), "{cut}");
    }
}

#[test]
fn what_the_runtime_lacks_has_a_name() {
    let missing = finney().key("SubtensorModule", "AlphaV2", vec![]).unwrap_err();
    assert_eq!(missing.to_string(), "this chain has no storage item SubtensorModule.AlphaV2");
    let missing = finney().api_call("SwapRuntimeApi", "current_alpha_price_all", vec![]).unwrap_err();
    assert_eq!(missing.to_string(), "this chain has no runtime API SwapRuntimeApi.current_alpha_price_all");
}
