//! The JSON inside btcli's key files.
//!
//! In: decrypted bytes. Out: a secret or a public key. Words, seed and expanded key are tried in btcli's order; an entry
//! that does not read is passed over, one that gives another address than the file states is refused. Nothing of the file
//! is repeated in an error.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use types::Hotkey;
use zeroize::Zeroizing;

use super::KeyfileError;
use crate::secret::secret_hex;
use crate::{RecoveryWords, WalletSecret};

/// btcli's number for sr25519, the only kind of key that Bittensor's hotkeys have.
const SR25519: u64 = 1;
/// Longest JSON that [`write`] makes, in bytes: five hex values, 24 words, the names.
const MAX_WRITTEN: usize = 1024;

/// A text that is wiped on drop.
struct Text(Zeroizing<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Wiped;
        impl Visitor<'_> for Wiped {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Zeroizing::new(text.to_owned())))
            }
        }
        d.deserialize_str(Wiped)
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    account_id: Option<Text>,
    public_key: Option<Text>,
    private_key: Option<Text>,
    secret_phrase: Option<Text>,
    secret_seed: Option<Text>,
    ss58_address: Option<Text>,
    crypto_type: Option<u64>,
}

impl Stored {
    fn parse(json: &[u8]) -> Result<Self, KeyfileError> {
        let stored: Self =
            serde_json::from_slice(json).map_err(|_| KeyfileError::Format("it is not the JSON of a key"))?;
        match stored.crypto_type {
            None | Some(SR25519) => Ok(stored),
            Some(other) => Err(KeyfileError::CryptoType(other)),
        }
    }

    /// The key that all public entries agree on; `None` if there are none.
    fn address(&self) -> Result<Option<Hotkey>, KeyfileError> {
        let from_text = match &self.ss58_address {
            Some(text) => Some(text.0.parse().map_err(KeyfileError::Address)?),
            None => None,
        };
        let mut found = from_text;
        for text in [&self.public_key, &self.account_id].into_iter().flatten() {
            let key = Hotkey(*secret_hex(&text.0).ok_or(KeyfileError::Format("its public key does not read"))?);
            match found {
                Some(other) if other != key => return Err(KeyfileError::OtherKey { expected: other, found: key }),
                _ => found = Some(key),
            }
        }
        Ok(found)
    }

    /// The first entry that reads, in btcli's order.
    fn secret(&self) -> Option<WalletSecret> {
        let words = || WalletSecret::from_words(RecoveryWords::parse(&self.secret_phrase.as_ref()?.0).ok()?, "").ok();
        let seed = || Some(WalletSecret::from_seed(&*secret_hex(&self.secret_seed.as_ref()?.0)?));
        let expanded = || WalletSecret::from_expanded(&*secret_hex(&self.private_key.as_ref()?.0)?).ok();
        words().or_else(seed).or_else(expanded)
    }

    fn has_secret(&self) -> bool {
        self.secret_phrase.is_some() || self.secret_seed.is_some() || self.private_key.is_some()
    }
}

/// The secret of a key file.
pub(super) fn secret(json: &[u8]) -> Result<WalletSecret, KeyfileError> {
    let stored = Stored::parse(json)?;
    let address = stored.address()?;
    let Some(secret) = stored.secret() else {
        return Err(match address {
            Some(address) if !stored.has_secret() => KeyfileError::PublicOnly(address),
            _ => KeyfileError::Format("it has neither recovery words nor a seed nor a private key that read"),
        });
    };
    match address {
        Some(expected) if expected != secret.hotkey() => {
            Err(KeyfileError::OtherKey { expected, found: secret.hotkey() })
        }
        _ => Ok(secret),
    }
}

/// The public key of a key file; its secret, if there is one, is not looked at.
pub(super) fn public(json: &[u8]) -> Result<Hotkey, KeyfileError> {
    Stored::parse(json)?.address()?.ok_or(KeyfileError::Format("it names no address"))
}

/// What btcli reads back. Words that have a path are left out, with the seed behind them: btcli would derive another key.
pub(super) fn write(secret: &WalletSecret) -> Zeroizing<Vec<u8>> {
    let key = secret.hotkey();
    let mut out = Json::open();
    out.public(&key);
    out.hex("privateKey", secret.signer().expanded().as_slice());
    if let Some(words) = secret.words().filter(|_| !secret.has_path()) {
        out.name("secretPhrase");
        for (i, word) in words.reveal().enumerate() {
            out.raw(if i == 0 { "" } else { " " });
            out.raw(word);
        }
        out.raw("\"");
    }
    if let Some(seed) = secret.seed() {
        out.hex("secretSeed", seed.as_slice());
    }
    out.close(&key)
}

/// The public half alone, as `coldkeypub.txt` and `<hotkey>pub.txt` have it.
pub(super) fn write_public(key: &Hotkey) -> Zeroizing<Vec<u8>> {
    let mut out = Json::open();
    out.public(key);
    out.close(key)
}

/// Written by hand into a buffer that never grows: a serialiser's own buffers are not wiped. No value needs escapes.
struct Json(Zeroizing<Vec<u8>>);

impl Json {
    fn open() -> Self {
        let mut out = Self(Zeroizing::new(Vec::with_capacity(MAX_WRITTEN)));
        out.raw("{\"cryptoType\":1");
        out
    }

    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn name(&mut self, name: &str) {
        self.raw(",\"");
        self.raw(name);
        self.raw("\":\"");
    }

    fn hex(&mut self, name: &str, bytes: &[u8]) {
        self.name(name);
        self.raw("0x");
        let start = self.0.len();
        self.0.resize(start + 2 * bytes.len(), b'0');
        // The room is exactly right: there is no failing case.
        let _ = hex::encode_to_slice(bytes, &mut self.0[start..]);
        self.raw("\"");
    }

    fn public(&mut self, key: &Hotkey) {
        self.hex("accountId", &key.0);
        self.hex("publicKey", &key.0);
    }

    fn close(mut self, key: &Hotkey) -> Zeroizing<Vec<u8>> {
        self.name("ss58Address");
        self.raw(&key.ss58());
        self.raw("\"}");
        self.0
    }
}
