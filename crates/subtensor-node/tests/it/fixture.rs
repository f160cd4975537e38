//! The metadata that comes with this crate.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use subtensor_node::{FINNEY, Runtime};

#[test]
fn the_metadata_is_the_one_named_in_its_readme() {
    let digest = hex::encode(Sha256::digest(FINNEY));
    assert_eq!(digest, "4fcee8d89551a48e96b6b04a4484b445621f8983c170885f670d5130a1182f9f");
    let readme = include_str!("../../fixtures/README.md");
    assert!(readme.contains(&digest));
}

#[test]
fn finneys_metadata_is_served_byte_for_byte() {
    let runtime = Runtime::finney().unwrap();
    assert_eq!(&**runtime.metadata_bytes(), FINNEY);
    assert_eq!((runtime.spec_version(), runtime.transaction_version()), (365, 1));
}

#[test]
fn a_later_runtime_lacks_what_it_is_told_to_lack() {
    let without = ["SubtensorModule.Burn", "SwapRuntimeApi.current_alpha_price"].map(String::from);
    let runtime = Runtime::new(FINNEY, 2, &BTreeSet::from(without)).unwrap();
    assert_eq!(runtime.spec_version(), 367);
    let pallet = runtime.metadata().pallet_by_name("SubtensorModule").unwrap();
    assert!(pallet.storage().unwrap().entry_by_name("Burn").is_none());
    assert!(pallet.storage().unwrap().entry_by_name("Tempo").is_some());
    let api = runtime.metadata().runtime_api_trait_by_name("SwapRuntimeApi").unwrap();
    assert!(api.method_by_name("current_alpha_price").is_none());
}

#[test]
fn what_is_no_metadata_is_refused() {
    for cut in [0, 1, 100, FINNEY.len() / 2] {
        assert!(Runtime::new(&FINNEY[..cut], 0, &BTreeSet::new()).is_err(), "cut at {cut}");
    }
}
