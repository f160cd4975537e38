//! What a wallet signs with survives its plain form; nothing secret can be shown.

use std::fmt::{Debug, Display};

use super::*;

const WORDS: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

fn words() -> RecoveryWords {
    RecoveryWords::parse(WORDS).unwrap()
}

#[test]
fn every_kind_of_secret_survives_its_plain_form() {
    let expanded = WalletSecret::from_seed(&[7; 32]).signer().expanded();
    let all = [
        WalletSecret::from_words(words(), "").unwrap(),
        WalletSecret::from_words(words(), "//hotkey//0///hunter2 ☃").unwrap(),
        WalletSecret::from_seed(&[7; 32]),
        WalletSecret::from_expanded(&expanded).unwrap(),
    ];
    for secret in &all {
        let plain = secret.to_plain();
        let back = WalletSecret::from_plain(&plain).unwrap();
        assert_eq!(back.hotkey(), secret.hotkey());
        assert_eq!(back.signer().hotkey(), secret.hotkey());
        assert_eq!(back.to_plain(), plain);
        assert!(WalletSecret::from_plain(&plain[..plain.len() - 1]).is_none());
        assert!(WalletSecret::from_plain(&[plain.as_slice(), &[0]].concat()).is_none());
    }
    assert_eq!(all[0].hotkey().ss58(), "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV");
    assert_eq!(all[2].hotkey(), all[3].hotkey(), "seed and its expanded key are one key");
    assert!(all[1].words().is_some() && all[1].has_path() && !all[0].has_path() && all[2].words().is_none());
}

#[test]
fn the_first_half_of_an_expanded_key_is_not_taken_for_a_seed() {
    // A public SDK does take it so and then signs for another account, the second address.
    let wallet = WalletSecret::from_words(words(), "").unwrap();
    let expanded = wallet.signer().expanded();
    assert_eq!(WalletSecret::from_expanded(&expanded).unwrap().hotkey(), wallet.hotkey());
    let half: &[u8; 32] = expanded[..32].try_into().unwrap();
    let wrong = WalletSecret::from_seed(half).hotkey().ss58();
    assert!(wrong.starts_with("5Cu6U1"), "{wrong}");
}

#[test]
fn a_number_above_the_curves_order_is_no_expanded_key() {
    assert_eq!(WalletSecret::from_expanded(&[0xff; 64]).err(), Some(NotASecretKey));
}

#[test]
fn a_typed_seed_is_64_hex_digits() {
    let seed = "07".repeat(32);
    for good in [seed.clone(), format!("0x{seed}"), format!(" {}\n", seed.to_uppercase())] {
        assert_eq!(WalletSecret::from_seed_hex(&good).unwrap().hotkey(), WalletSecret::from_seed(&[7; 32]).hotkey());
    }
    for bad in ["", "0x", &seed[1..], &format!("{seed}07"), &format!("0x0x{}", &seed[2..]), &seed.replace("07", "0g")] {
        assert_eq!(WalletSecret::from_seed_hex(bad).err(), Some(NotASeed), "{bad}");
    }
}

#[test]
fn a_passphrase_has_at_least_one_byte_and_an_end() {
    assert_eq!(Passphrase::new(String::new()).err(), Some(PassphraseError::Empty));
    assert!(Passphrase::new(" ".to_owned()).is_ok());
    assert!(Passphrase::new("x".repeat(MAX_PASSPHRASE)).is_ok());
    assert_eq!(Passphrase::new("x".repeat(MAX_PASSPHRASE + 1)).err(), Some(PassphraseError::TooLong));
}

/// Compiles only while `$type` implements none of the traits: with two implementations the call would be ambiguous.
macro_rules! assert_lacks {
    ($type:ty: $($trait:path),+) => {$({
        trait Ambiguous<A> {
            fn call() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        struct Implements;
        impl<T: ?Sized + $trait> Ambiguous<Implements> for T {}
        <$type as Ambiguous<_>>::call();
    })+};
}

#[test]
fn secrets_cannot_be_printed_copied_or_serialised() {
    use serde::Serialize;
    assert_lacks!(WalletSecret: Debug, Display, Clone, Serialize, PartialEq);
    assert_lacks!(Passphrase: Debug, Display, Clone, Serialize, PartialEq);
    assert_lacks!(WrappingKey: Debug, Display, Clone, Serialize, PartialEq);
    assert_lacks!(RecoveryWords: Debug, Display, Clone, Serialize, PartialEq);
    assert_lacks!(DerivationPath: Debug, Display, Clone, Serialize, PartialEq);
    assert_lacks!(crate::Lock<'static>: Debug, Display, Serialize);
    // A test server may want to name its signer; what it shows is tested beside it.
    assert_lacks!(LocalSigner: Display, Clone, Serialize, PartialEq);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_secret_or_none(tag in 0u8..5, rest in proptest::collection::vec(any::<u8>(), 0..120)) {
            let plain = [&[tag], rest.as_slice()].concat();
            if let Some(secret) = WalletSecret::from_plain(&plain) {
                let again = secret.to_plain();
                prop_assert_eq!(again.as_slice(), plain.as_slice());
            }
        }
    }
}
