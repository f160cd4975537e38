//! What a wallet signs with, and what locks it.
//!
//! In: recovery words with a path, a seed, or an expanded key; a passphrase; a wrapping key. Out: a signer, or bytes for
//! the two encrypted formats of this crate. Everything here is wiped on drop and has no `Debug`, `Display`, `Clone` or
//! `Serialize`.

use types::{Hotkey, Signer as _};
use zeroize::Zeroizing;

use crate::bytes::Reader;
use crate::{DerivationPath, LocalSigner, PathError, RecoveryWords};

/// Longest passphrase in bytes; nobody types more.
const MAX_PASSPHRASE: usize = 1024;
/// Tags of the plain form inside a vault or capsule. Part of the file format.
const TAG_WORDS: u8 = 1;
const TAG_SEED: u8 = 2;
const TAG_EXPANDED: u8 = 3;
/// Tag, entropy length, entropy, path length, path: the longest plain form.
const MAX_PLAIN: usize = 1 + 1 + 32 + 2 + crate::path::MAX_BYTES;

/// Lengths of the plain form of a seed and of an expanded key.
pub(crate) const SEED_PLAIN: usize = 1 + 32;
pub(crate) const EXPANDED_PLAIN: usize = 1 + 64;

/// Why a passphrase was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// Nothing was typed.
    #[error("the passphrase is empty")]
    Empty,
    /// Longer than anybody types.
    #[error("the passphrase is longer than {MAX_PASSPHRASE} bytes")]
    TooLong,
}

/// A typed passphrase.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes a typed text as it is, spaces included.
    ///
    /// # Errors
    /// [`PassphraseError`]; the text is wiped.
    pub fn new(text: impl Into<Zeroizing<String>>) -> Result<Self, PassphraseError> {
        let text = text.into();
        match text.len() {
            0 => Err(PassphraseError::Empty),
            1..=MAX_PASSPHRASE => Ok(Self(text)),
            _ => Err(PassphraseError::TooLong),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// 32 random bytes that lock a vault and live in the OS keychain.
pub struct WrappingKey(Zeroizing<[u8; 32]>);

impl WrappingKey {
    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// [`types::SignError::Unavailable`] if the system gives none.
    pub fn generate() -> Result<Self, types::SignError> {
        crate::local::new_seed().map(Self)
    }

    /// The key that a keychain gave back. The caller wipes its own copy.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The bytes, for the keychain that keeps them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// 64 bytes that are no sr25519 secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these 64 bytes are no sr25519 secret key")]
pub struct NotASecretKey;

/// A typed seed that is not 32 bytes in hex. What was typed is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a seed has 64 hex digits, with 0x before them or without")]
pub struct NotASeed;

/// Exactly `N` secret bytes in hex, with `0x` or without.
pub(crate) fn secret_hex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut out = Zeroizing::new([0u8; N]);
    hex::decode_to_slice(digits, out.as_mut_slice()).ok()?;
    Some(out)
}

/// What a wallet signs with: words and a path, a 32-byte seed, or a 64-byte expanded key.
pub struct WalletSecret {
    kind: Kind,
    hotkey: Hotkey,
}

enum Kind {
    Words { words: RecoveryWords, path: Zeroizing<String> },
    Seed(Zeroizing<[u8; 32]>),
    Expanded(Zeroizing<[u8; 64]>),
}

impl WalletSecret {
    /// Words and the path behind them (`""` for none; see [`DerivationPath`]).
    ///
    /// # Errors
    /// [`PathError`].
    pub fn from_words(words: RecoveryWords, path: &str) -> Result<Self, PathError> {
        let hotkey = words.signer(&DerivationPath::parse(path)?).hotkey();
        Ok(Self { kind: Kind::Words { words, path: Zeroizing::new(path.to_owned()) }, hotkey })
    }

    /// A 32-byte seed, Substrate's mini secret. The caller wipes its own copy.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self { kind: Kind::Seed(Zeroizing::new(*seed)), hotkey: LocalSigner::from_seed(seed).hotkey() }
    }

    /// A typed or pasted seed: 64 hex digits, with `0x` or without, white space around them.
    ///
    /// # Errors
    /// [`NotASeed`].
    pub fn from_seed_hex(text: &str) -> Result<Self, NotASeed> {
        secret_hex(text.trim()).map(|seed| Self::from_seed(&seed)).ok_or(NotASeed)
    }

    /// An expanded key, schnorrkel's key ‖ nonce, as `privateKey` of a btcli key file. Its first half is no seed.
    ///
    /// # Errors
    /// [`NotASecretKey`] if the first half is no scalar of the curve.
    pub fn from_expanded(expanded: &[u8; 64]) -> Result<Self, NotASecretKey> {
        let hotkey = LocalSigner::from_expanded(expanded).ok_or(NotASecretKey)?.hotkey();
        Ok(Self { kind: Kind::Expanded(Zeroizing::new(*expanded)), hotkey })
    }

    /// The public key.
    pub fn hotkey(&self) -> Hotkey {
        self.hotkey
    }

    /// The recovery words, if that is what the wallet was made of.
    pub fn words(&self) -> Option<&RecoveryWords> {
        match &self.kind {
            Kind::Words { words, .. } => Some(words),
            Kind::Seed(_) | Kind::Expanded(_) => None,
        }
    }

    /// Whether there is anything behind the words: a path or a passphrase, without which they give another key.
    pub fn has_path(&self) -> bool {
        matches!(&self.kind, Kind::Words { path, .. } if !path.is_empty())
    }

    /// A signer with this key.
    pub fn signer(&self) -> LocalSigner {
        match &self.kind {
            // Both were checked when `self` was made; a signer of another key could not be mistaken for it.
            Kind::Words { words, path } => words.signer(&DerivationPath::parse(path).unwrap_or_default()),
            Kind::Seed(seed) => LocalSigner::from_seed(seed),
            #[expect(clippy::expect_used, reason = "checked when `self` was made")]
            Kind::Expanded(expanded) => LocalSigner::from_expanded(expanded).expect("a secret key"),
        }
    }

    /// The seed, if the wallet is one or its words have no path.
    pub(crate) fn seed(&self) -> Option<Zeroizing<[u8; 32]>> {
        match &self.kind {
            Kind::Words { words, path } if path.is_empty() => Some(words.mini_secret(&DerivationPath::default())),
            Kind::Seed(seed) => Some(seed.clone()),
            Kind::Words { .. } | Kind::Expanded(_) => None,
        }
    }

    /// The plain form that is encrypted: a tag, then the words' entropy and path, the seed, or the expanded key.
    pub(crate) fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        // Room for the cipher's tag too, so that it never grows.
        let mut out = Zeroizing::new(Vec::with_capacity(MAX_PLAIN + crate::sealed::TAG_BYTES));
        match &self.kind {
            Kind::Words { words, path } => {
                let entropy = words.entropy();
                out.extend_from_slice(&[TAG_WORDS, entropy.len() as u8]);
                out.extend_from_slice(&entropy);
                out.extend_from_slice(&(path.len() as u16).to_le_bytes());
                out.extend_from_slice(path.as_bytes());
            }
            Kind::Seed(seed) => {
                out.push(TAG_SEED);
                out.extend_from_slice(seed.as_slice());
            }
            Kind::Expanded(expanded) => {
                out.push(TAG_EXPANDED);
                out.extend_from_slice(expanded.as_slice());
            }
        }
        out
    }

    /// Reads [`Self::to_plain`] back; `None` for anything else.
    pub(crate) fn from_plain(plain: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(plain);
        let secret = match reader.u8()? {
            TAG_WORDS => {
                let entropy_bytes = reader.u8()?;
                let words = RecoveryWords::from_entropy(reader.take(usize::from(entropy_bytes))?)?;
                let path_bytes = reader.u16()?;
                let path = std::str::from_utf8(reader.take(usize::from(path_bytes))?).ok()?;
                Self::from_words(words, path).ok()?
            }
            TAG_SEED => Self::from_seed(&Zeroizing::new(reader.array()?)),
            TAG_EXPANDED => Self::from_expanded(&Zeroizing::new(reader.array()?)).ok()?,
            _ => return None,
        };
        reader.is_empty().then_some(secret)
    }
}

#[cfg(test)]
mod tests;
