//! Golden bytes of every call. `subtensor`'s tests check the same transactions against the real metadata.

use proptest::prelude::*;

use super::*;
use crate::SignPayload;

fn extrinsic(call: SubtensorCall) -> Extrinsic {
    Extrinsic {
        genesis: Hash32([0xaa; 32]),
        spec_version: 365,
        transaction_version: 1,
        nonce: 70,
        era: Era::mortal(64, 1_000_003, Hash32([0xbb; 32])).unwrap(),
        call,
    }
}

/// Everything after the call, of [`extrinsic`].
fn tail() -> String {
    // 1,000,003 mod 64 = 3: 5 | 3 << 4; compact 70; no tip; no metadata hash; 365; 1; genesis; birth; none.
    format!("350019010000{}{}{}00", "6d01000001000000", "aa".repeat(32), "bb".repeat(32))
}

fn netuid3(call: &str) -> [SubtensorCall; 1] {
    let hotkey = Hotkey([0x11; 32]);
    [match call {
        "commit" => SubtensorCall::Commit { netuid: 3, data: CommitData::new(vec![0xcd; 41]).unwrap() },
        "weights" => SubtensorCall::SetWeights {
            netuid: 3,
            weights: Weights::new(vec![(Uid(1), 65_535), (Uid(258), 2)]).unwrap(),
            version_key: 9,
        },
        "register" => SubtensorCall::Register { netuid: 3, hotkey },
        _ => SubtensorCall::RegisterLimit { netuid: 3, hotkey, limit_price: Rao(1_000_000_000) },
    }]
}

#[test]
fn golden_bytes_of_every_call() {
    let key = "11".repeat(32);
    let cases = [
        ("commit", format!("12000300042a{}", "cd".repeat(41)), "extrinsic-commit"),
        ("weights", "07000300080100020108ffff02000900000000000000".to_owned(), "extrinsic-set-weights"),
        ("register", format!("07070300{key}"), "extrinsic-register"),
        ("limit", format!("07860300{key}00ca9a3b00000000"), "extrinsic-register"),
    ];
    for (name, call, operation) in cases {
        let [built] = netuid3(name);
        assert_eq!(hex::encode(built.to_bytes()), call, "{name}");
        let payload = SignPayload::Extrinsic(extrinsic(built));
        assert_eq!(hex::encode(payload.to_bytes()), format!("{call}{}", tail()), "{name}");
        assert_eq!(payload.operation(), operation);
    }
}

#[test]
fn a_long_payload_is_hashed_before_it_is_signed() {
    let weights = Weights::new((0..41).map(|uid| (Uid(uid), 7)).collect()).unwrap();
    let long = extrinsic(SubtensorCall::SetWeights { netuid: 3, weights, version_key: 9 });
    // Python's hashlib over the bytes put together by hand.
    assert_eq!(hex::encode(long.payload()), "1dadd2f03925d47dec0c80f5c3f50b1a4a97a1c4bdf380dbcb58b3b219f22d29");
}

#[test]
fn a_signed_transaction_has_its_length_in_front() {
    let [call] = netuid3("register");
    let signed = extrinsic(call).signed(&Hotkey([0x22; 32]), &Signature([0x33; 64]));
    let want = format!("35028400{}01{}35001901000007070300{}", "22".repeat(32), "33".repeat(64), "11".repeat(32));
    assert_eq!(hex::encode(signed), want);
}

#[test]
fn a_life_that_substrate_would_round_is_refused() {
    let birth = Hash32([0; 32]);
    assert_eq!(Era::mortal(64, 1_000_003, birth).unwrap().bytes(), [0x35, 0]);
    assert_eq!(Era::mortal(4, 3, birth).unwrap().bytes(), [0x31, 0]);
    assert_eq!(Era::mortal(65_536, 65_520, birth).unwrap().bytes(), [0xff, 0xff]);
    for (period, block) in [(0, 0), (2, 0), (48, 0), (131_072, 0), (65_536, 15), (8192, 1)] {
        assert_eq!(Era::mortal(period, block, birth), Err(ExtrinsicError::Era { period, block }));
    }
    let json = format!(r#"{{"period":48,"block":0,"birth":"{}"}}"#, "00".repeat(32));
    assert!(serde_json::from_str::<Era>(&json).unwrap_err().to_string().contains("cannot live 48 blocks"));
}

#[test]
fn what_no_transaction_holds_is_refused_on_the_way_in() {
    assert_eq!(CommitData::new(vec![0; 129]), Err(ExtrinsicError::CommitTooLong { got: 129 }));
    assert!(serde_json::from_str::<CommitData>(&format!("\"{}\"", "00".repeat(129))).is_err());
    assert!(serde_json::from_str::<CommitData>("\"0g\"").is_err());
    assert_eq!(Weights::new(vec![(Uid(2), 1), (Uid(2), 1)]), Err(ExtrinsicError::Weights));
    let many: Vec<(u16, u16)> = (0..257).map(|uid| (uid, 1)).collect();
    assert!(serde_json::from_value::<Weights>(serde_json::to_value(many).unwrap()).is_err());
}

#[test]
fn compact_integers_change_their_width_at_the_right_places() {
    let compact = |value| {
        let mut out = Vec::new();
        put_compact(&mut out, value);
        hex::encode(out)
    };
    let widths =
        [(0, "00"), (63, "fc"), (64, "0101"), (16_383, "fdff"), (16_384, "02000100"), (1_073_741_823, "feffffff")];
    widths.iter().for_each(|(value, want)| assert_eq!(compact(*value), *want));
    assert_eq!(compact(u32::MAX), "03ffffffff");
}

proptest! {
    #[test]
    fn every_transaction_survives_json(
        nonce: u32, netuid: u16, version_key: u64, period in 2u32..=16, block in 0u64..1 << 40,
        data in proptest::collection::vec(any::<u8>(), 0..=128),
        set in proptest::collection::btree_map(any::<u16>(), any::<u16>(), 0..256),
    ) {
        let period = 1 << period;
        let block = block / quantum(period) * quantum(period);
        let era = Era::mortal(period, block, Hash32([7; 32])).unwrap();
        let weights = Weights::new(set.into_iter().map(|(uid, weight)| (Uid(uid), weight)).collect()).unwrap();
        for call in [
            SubtensorCall::Commit { netuid, data: CommitData::new(data).unwrap() },
            SubtensorCall::SetWeights { netuid, weights, version_key },
        ] {
            let genesis = Hash32([1; 32]);
            let payload = SignPayload::Extrinsic(Extrinsic {
                genesis, spec_version: 1, transaction_version: 2, nonce, era, call,
            });
            let json = serde_json::to_vec(&payload).unwrap();
            prop_assert_eq!(&serde_json::from_slice::<SignPayload>(&json).unwrap(), &payload);
            prop_assert!(payload.to_bytes().len() <= 256 && !payload.to_bytes().starts_with(b"covey/"));
        }
    }
}
