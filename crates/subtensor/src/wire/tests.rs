//! Blocks as a node sends them, whole and broken.

use std::sync::LazyLock;

use proptest::prelude::*;
use types::{CommitData, Era, Extrinsic, Hash32, Signature, SubtensorCall, Uid, Weights};

use super::*;

fn finney() -> &'static Metadata {
    static FINNEY: LazyLock<Metadata> = LazyLock::new(|| Metadata::decode_from(subtensor_node::FINNEY).unwrap());
    &FINNEY
}

fn extrinsic(nonce: u32, call: SubtensorCall) -> Extrinsic {
    Extrinsic {
        genesis: Hash32([1; 32]),
        spec_version: 365,
        transaction_version: 1,
        nonce,
        era: Era::mortal(64, 1000, Hash32([2; 32])).unwrap(),
        call,
    }
}

fn commit(data: &[u8]) -> SubtensorCall {
    SubtensorCall::Commit { netuid: 3, data: CommitData::new(data.to_vec()).unwrap() }
}

/// One event: `ApplyExtrinsic(index)`, pallet, variant, fields, no topics.
fn event(extrinsic: Option<u32>, pallet: &str, name: &str, fields: &[u8]) -> Vec<u8> {
    let metadata = finney();
    let pallet = metadata.pallet_by_name(pallet).unwrap();
    let variant = pallet.event_variants().unwrap().iter().find(|v| v.name == name).unwrap().index;
    let mut out = match extrinsic {
        Some(index) => [&[0][..], &index.to_le_bytes()].concat(),
        None => vec![2],
    };
    out.extend([pallet.event_index(), variant]);
    out.extend(fields);
    out.push(0);
    out
}

fn events(list: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![(list.len() as u8) << 2];
    list.iter().for_each(|event| out.extend(event));
    out
}

/// `DispatchEventInfo`: two compact weights, class Normal, pays a fee.
const INFO: [u8; 4] = [0, 0, 0, 0];

#[test]
fn a_commitment_is_found_in_its_transaction_and_nothing_else_is() {
    let key = Hotkey([7; 32]);
    let signed = extrinsic(70, commit(b"hello")).signed(&key, &Signature([9; 64]));
    let want = Commitment { author: key, netuid: 3, data: b"hello".to_vec() };
    assert_eq!(commitment_in(&signed), Some(want));
    let weights = Weights::new(vec![(Uid(1), 2)]).unwrap();
    let other = SubtensorCall::SetWeights { netuid: 3, weights, version_key: 0 };
    assert_eq!(commitment_in(&extrinsic(0, other).signed(&key, &Signature([9; 64]))), None);
    for cut in 0..signed.len() {
        assert_eq!(commitment_in(&signed[..cut]), None);
    }
    let mut longer = signed;
    longer.push(0);
    assert_eq!(commitment_in(&longer), None);
}

#[test]
fn outcomes_and_pay_are_read_from_events() {
    let module = |pallet: u8, error: u8| [&[3, pallet, error, 0, 0, 0][..], &INFO].concat();
    let refused = finney().pallet_by_name("Commitments").unwrap();
    let error = refused.error_variants().unwrap().iter().find(|v| v.name == "AccountNotAllowedCommit").unwrap().index;
    let pay = |index: u16, rao: &[u64]| {
        let mut out = index.to_le_bytes().to_vec();
        out.push((rao.len() as u8) << 2);
        rao.iter().for_each(|rao| out.extend(rao.to_le_bytes()));
        out
    };
    let bytes = events(&[
        event(None, "SubtensorModule", "IncentiveAlphaEmittedToMiners", &pay(3, &[5, 6])),
        event(None, "SubtensorModule", "IncentiveAlphaEmittedToMiners", &pay(4096 + 3, &[1, 1, 1])),
        event(None, "SubtensorModule", "IncentiveAlphaEmittedToMiners", &pay(4, &[100])),
        event(Some(0), "System", "ExtrinsicSuccess", &INFO),
        event(Some(1), "System", "ExtrinsicFailed", &module(refused.error_index(), error)),
        event(Some(2), "System", "ExtrinsicFailed", &[&[7, 0][..], &INFO].concat()),
    ]);
    let read = read_events(finney(), &bytes).unwrap();
    assert_eq!(read.outcomes[&0], Ok(()));
    let failure = read.outcomes[&1].clone().unwrap_err();
    assert_eq!((failure.pallet.as_str(), failure.name.as_str()), ("Commitments", "AccountNotAllowedCommit"));
    assert_eq!(read.outcomes[&2].clone().unwrap_err().name, "Token.FundsUnavailable");
    assert_eq!(read.paid_on(3), Some(Incentive { index: 3, emissions: vec![6, 7, 1], first: true }));
    assert_eq!(read.paid_on(5), None);
}

#[test]
fn a_stored_commitment_is_read_back() {
    let mut value = vec![0; 12];
    value.extend([4, 6]);
    value.extend(b"hello");
    assert_eq!(committed(&value).as_deref(), Some(&b"hello"[..]));
    assert_eq!(committed(&value[..value.len() - 1]), None);
    value.push(0);
    assert_eq!(committed(&value), None);
}

proptest! {
    #[test]
    fn every_commitment_is_found(nonce: u32, data in proptest::collection::vec(any::<u8>(), 0..=128)) {
        let signed = extrinsic(nonce, commit(&data)).signed(&Hotkey([7; 32]), &Signature([9; 64]));
        prop_assert_eq!(commitment_in(&signed).map(|c| c.data), Some(data));
    }

    #[test]
    fn any_extrinsic_and_value_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = (commitment_in(&bytes), committed(&bytes));
    }

    #[test]
    fn any_events_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_events(finney(), &bytes);
    }

    #[test]
    fn broken_events_are_read_or_refused(at in 0usize..64, byte: u8, cut in 0usize..64) {
        let mut bytes = events(&[event(Some(0), "System", "ExtrinsicSuccess", &INFO), event(
            None, "SubtensorModule", "IncentiveAlphaEmittedToMiners", &[3, 0, 8, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
        )]);
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len() - cut % bytes.len());
        let _ = read_events(finney(), &bytes);
    }

    #[test]
    fn any_header_is_read_or_refused(text in "[ -~]{0,200}", number: u32) {
        let _ = crate::header_in(text.as_bytes());
        let hash = format!("0x{}", "0".repeat(64));
        let json = format!(
            r#"{{"parentHash":"{hash}","number":"{number:#x}","stateRoot":"{hash}","extrinsicsRoot":"{hash}","digest":{{"logs":[]}}}}"#
        );
        prop_assert_eq!(crate::header_in(json.as_bytes()).unwrap().0, u64::from(number));
    }
}
