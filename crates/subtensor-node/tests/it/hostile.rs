//! Bytes and parameters that no honest client sends.

use proptest::prelude::*;
use subtensor_node::{Config, FormatError, MAX_EXTRINSIC, METHODS, Node, Refusal, Runtime, Signed, answer};

use crate::support::{Client, Params, commitment, config, key, weights};

async fn genuine() -> Vec<Vec<u8>> {
    let node = Node::start(config(&[&key("cold")])).await.unwrap();
    let client = Client::open(&node.url()).await;
    let mut out = vec![client.transfer(&key("cold"), &key("to"), 1).await];
    out.push(client.signed(&commitment(3, &[7; 128]), &key("hot"), Params::new()).await);
    out.push(client.signed(&weights(3, &[(0, 1), (1, 2)], 0), &key("hot"), Params::new()).await);
    node.stop().await;
    out
}

#[tokio::test]
async fn every_cut_and_every_added_byte_is_refused() {
    let runtime = Runtime::finney().unwrap();
    for raw in genuine().await {
        assert!(Signed::decode(&raw, &runtime).is_ok());
        for cut in 0..raw.len() {
            assert!(Signed::decode(&raw[..cut], &runtime).is_err(), "cut at {cut}");
        }
        assert_eq!(Signed::decode(&[&raw[..], &[0]].concat(), &runtime), Err(FormatError::TrailingBytes));
    }
}

#[tokio::test]
async fn every_flipped_bit_is_refused_or_fails_its_signature() {
    let runtime = Runtime::finney().unwrap();
    let node = Node::start(config(&[&key("cold")])).await.unwrap();
    let raw = genuine().await.remove(1);
    for bit in 0..raw.len() * 8 {
        let mut flipped = raw.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(signed) = Signed::decode(&flipped, &runtime) else { continue };
        assert!(!signed.holds(&runtime, node.genesis(), node.genesis()), "bit {bit}");
    }
    node.stop().await;
}

#[test]
fn an_endless_extrinsic_is_refused_unread() {
    let runtime = Runtime::finney().unwrap();
    assert_eq!(Signed::decode(&vec![0; MAX_EXTRINSIC + 1], &runtime), Err(FormatError::TooLong));
}

#[tokio::test]
async fn garbage_parameters_get_an_error_from_every_method() {
    let node = Node::start(Config::default()).await.unwrap();
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let long = format!("[\"0x{}\"]", "f".repeat(5_000_000));
    for method in METHODS {
        for garbage in ["{", "{}", "7", "\"x\"", nested.as_str(), long.as_str()] {
            let answer = answer(&node, 0, method, Some(garbage));
            assert!(matches!(answer, Err(Refusal::Params(_))), "{method}: {answer:?}");
        }
    }
    assert!(answer(&node, 9, "system_name", None).is_err(), "no such endpoint");
    assert_eq!(answer(&node, 0, "author_rotateKeys", None), Err(Refusal::Method));
    node.stop().await;
}

fn any_param() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        "[ -~]{0,40}".prop_map(serde_json::Value::from),
        proptest::collection::vec(any::<u8>(), 0..80)
            .prop_map(|bytes| serde_json::Value::from(format!("0x{}", hex::encode(bytes)))),
        proptest::collection::vec("0x[0-9a-f]{0,8}", 0..4).prop_map(serde_json::Value::from),
        Just(serde_json::Value::from("SwapRuntimeApi_sim_swap_alpha_for_tao")),
        Just(serde_json::Value::from("NeuronInfoRuntimeApi_get_neurons_lite")),
    ]
}

proptest! {
    #[test]
    fn no_bytes_panic_the_decoder(raw in proptest::collection::vec(any::<u8>(), 0..600)) {
        let runtime = Runtime::finney().unwrap();
        let _ = Signed::decode(&raw, &runtime);
    }

    #[test]
    fn no_parameters_panic_the_node(
        calls in proptest::collection::vec(
            (0..METHODS.len(), proptest::collection::vec(any_param(), 0..4)), 1..24)
    ) {
        let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        threads.block_on(async {
            let node = Node::start(Config::default()).await.unwrap();
            for (method, params) in calls {
                let params = serde_json::Value::from(params).to_string();
                let _ = answer(&node, 0, METHODS[method], Some(&params));
            }
            assert!(answer(&node, 0, "system_name", None).is_ok());
            node.stop().await;
        });
    }
}
