//! The public half of a hotkey, its SS58 address, and signatures made by it.
//!
//! In: 32-byte public keys, addresses, 64-byte signatures. Out: checked values and "this signature holds".
//! It never sees a secret key; signing stands behind [`crate::Signer`].

use std::fmt;
use std::str::FromStr;

use blake2::{Blake2b512, Digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::bytes::{ParseHexError, parse_hex};

/// Substrate's generic address prefix, as Bittensor uses it (wallet-chain recipe §3).
const SS58_PREFIX: u8 = 42;
/// An address with prefix 42 has 47 or 48 characters; one of another network up to 50.
const MAX_ADDRESS_CHARS: usize = 50;
/// The signing context of Substrate, so that one key serves the ledger and Bittensor.
const SIGNING_CONTEXT: &[u8] = b"substrate";

/// Why an address or signature was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not base58, or not 35 bytes long.
    #[error("`{0}` is not an SS58 address")]
    NotAnAddress(String),
    /// One character was mistyped.
    #[error("the checksum of address `{0}` does not hold")]
    Checksum(String),
    /// An address of another network.
    #[error("address `{address}` has network prefix {prefix}, expected 42")]
    Prefix {
        /// The address given.
        address: String,
        /// The prefix it carries.
        prefix: u8,
    },
    /// The bytes are no sr25519 public key.
    #[error("not an sr25519 public key")]
    NotAKey,
    /// The signature was not made by this key over this message.
    #[error("the signature does not hold")]
    BadSignature,
}

/// A public key that people know by its SS58 address.
macro_rules! address {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The SS58 address with prefix 42: `base58(42 ++ key ++ blake2b512("SS58PRE" ++ 42 ++ key)[..2])`.
            pub fn ss58(&self) -> String {
                ss58(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = KeyError;

            fn from_str(s: &str) -> Result<Self, KeyError> {
                parse_ss58(s).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.ss58())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.ss58())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.ss58())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

address! {
    /// A hotkey's sr25519 public key; shown as its SS58 address.
    Hotkey
}
address! {
    /// The public key that owns what hotkeys earn; shown as its SS58 address. Watch-only: no signature is checked by it.
    Coldkey
}

impl Hotkey {
    /// Checks an sr25519 signature over `message`.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        let key = schnorrkel::PublicKey::from_bytes(&self.0).map_err(|_| KeyError::NotAKey)?;
        let signature = schnorrkel::Signature::from_bytes(&signature.0).map_err(|_| KeyError::BadSignature)?;
        key.verify_simple(SIGNING_CONTEXT, message, &signature).map_err(|_| KeyError::BadSignature)
    }
}

fn checksum(body: &[u8]) -> [u8; 2] {
    let digest = Blake2b512::new().chain_update(b"SS58PRE").chain_update(body).finalize();
    [digest[0], digest[1]]
}

fn ss58(key: &[u8; 32]) -> String {
    let mut out = [0u8; 35];
    out[0] = SS58_PREFIX;
    out[1..33].copy_from_slice(key);
    let check = checksum(&out[..33]);
    out[33..].copy_from_slice(&check);
    bs58::encode(out).into_string()
}

fn parse_ss58(s: &str) -> Result<[u8; 32], KeyError> {
    if s.len() > MAX_ADDRESS_CHARS {
        return Err(KeyError::NotAnAddress(shown(s)));
    }
    let bytes = bs58::decode(s).into_vec().map_err(|_| KeyError::NotAnAddress(shown(s)))?;
    if bytes.len() != 35 {
        return Err(KeyError::NotAnAddress(shown(s)));
    }
    if checksum(&bytes[..33]) != bytes[33..] {
        return Err(KeyError::Checksum(shown(s)));
    }
    if bytes[0] != SS58_PREFIX {
        return Err(KeyError::Prefix { address: shown(s), prefix: bytes[0] });
    }
    let mut key = [0u8; 32];
    key.copy_from_slice(&bytes[1..33]);
    Ok(key)
}

/// What an error repeats of a text that should have been an address. Recovery words and hex seeds get pasted into the
/// wrong field; neither has an address's length and alphabet, so neither is repeated.
fn shown(text: &str) -> String {
    if (40..=MAX_ADDRESS_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        text.to_owned()
    } else {
        format!("<{} characters>", text.chars().count())
    }
}

/// An sr25519 signature; serialised as hex.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({}…)", hex::encode(&self.0[..4]))
    }
}

impl FromStr for Signature {
    type Err = ParseHexError;

    fn from_str(s: &str) -> Result<Self, ParseHexError> {
        parse_hex(s).map(Self)
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alice, the well-known Substrate development key.
    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    #[test]
    fn alice_has_her_well_known_address() {
        let key = Hotkey(parse_hex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d").unwrap());
        assert_eq!(key.ss58(), ALICE);
        assert_eq!(ALICE.parse::<Hotkey>().unwrap(), key);
    }

    #[test]
    fn one_mistyped_character_is_refused() {
        for i in 0..ALICE.len() {
            let mut typed = ALICE.as_bytes().to_vec();
            typed[i] = if typed[i] == b'A' { b'B' } else { b'A' };
            let typed = String::from_utf8(typed).unwrap();
            assert!(typed.parse::<Hotkey>().is_err(), "{typed}");
            assert!(typed.parse::<Coldkey>().is_err(), "{typed}");
        }
    }

    #[test]
    fn an_address_of_another_network_is_named_as_such() {
        // The same key on Polkadot, prefix 0.
        let other = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5";
        let error = other.parse::<Coldkey>().unwrap_err();
        assert_eq!(error, KeyError::Prefix { address: other.to_owned(), prefix: 0 });
    }

    #[test]
    fn a_secret_pasted_into_the_address_field_is_not_repeated() {
        let words = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
        for secret in [words, "bottom", "bottom drive obey lake", &"5e".repeat(32), &format!("0x{}", "5e".repeat(32))] {
            let said = secret.parse::<Coldkey>().unwrap_err().to_string();
            assert!(!said.contains("bottom") && !said.contains("5e5e"), "{said}");
        }
    }
}
