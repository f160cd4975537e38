//! A hotkey in this process's memory.
//!
//! In: 32 bytes of seed. Out: an sr25519 signer as Substrate derives it. It does not store the seed anywhere.

use std::fmt;

use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey, SecretKey};
use types::{Hotkey, SignError, SignPayload, Signature, Signer};
use zeroize::Zeroizing;

use crate::DerivationPath;

/// Substrate's signing context, the one `types::Hotkey::verify` checks against.
const SIGNING_CONTEXT: &[u8] = b"substrate";
/// Domain of [`LocalSigner::derive`]: changing it changes every rehearsal key.
const DERIVE_CONTEXT: &str = "covey 2026-11-22 rehearsal hotkey v1";

/// Signs with a key held in memory; the key is wiped on drop.
pub struct LocalSigner {
    /// `Keypair` wipes its secret half when dropped.
    pair: Keypair,
}

impl LocalSigner {
    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// [`SignError::Unavailable`] if the system gives no randomness.
    pub fn generate() -> Result<Self, SignError> {
        Ok(Self::from_seed(&*new_seed()?))
    }

    /// The key of a 32-byte seed (Substrate's mini secret, expanded as Substrate does).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "fails for lengths other than 32 only")]
        let mini = MiniSecretKey::from_bytes(seed).expect("32 bytes");
        // `mini` wipes itself on drop.
        Self { pair: mini.expand_to_keypair(ExpansionMode::Ed25519) }
    }

    /// The key of schnorrkel's 64 bytes, key ‖ nonce; `None` if the first half is no scalar.
    pub(crate) fn from_expanded(expanded: &[u8; 64]) -> Option<Self> {
        SecretKey::from_bytes(expanded).ok().map(|secret| Self { pair: secret.into() })
    }

    /// Schnorrkel's 64 bytes, key ‖ nonce.
    pub(crate) fn expanded(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.pair.secret.to_bytes())
    }

    /// The key at the end of `path`, from this one.
    pub(crate) fn at(self, path: &DerivationPath) -> Self {
        Self { pair: path.derive(self.pair) }
    }

    /// A signature over a payload's bytes.
    pub(crate) fn sign_now(&self, payload: &SignPayload) -> Signature {
        Signature(self.pair.sign_simple(SIGNING_CONTEXT, &payload.to_bytes()).to_bytes())
    }

    /// One of many keys of a rehearsal: the same `master` and `label` always give the same key.
    pub fn derive(master: &[u8; 32], label: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(DERIVE_CONTEXT);
        hasher.update(master);
        hasher.update(label.as_bytes());
        let seed = Zeroizing::new(*hasher.finalize().as_bytes());
        Self::from_seed(&seed)
    }
}

/// 32 bytes of the system's randomness.
pub(crate) fn new_seed() -> Result<Zeroizing<[u8; 32]>, SignError> {
    let mut seed = Zeroizing::new([0u8; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(|e| SignError::Unavailable(format!("no system randomness: {e}")))?;
    Ok(seed)
}

impl fmt::Debug for LocalSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalSigner({}, secret not shown)", self.hotkey())
    }
}

#[async_trait::async_trait]
impl Signer for LocalSigner {
    fn hotkey(&self) -> Hotkey {
        Hotkey(self.pair.public.to_bytes())
    }

    async fn sign(&self, payload: &SignPayload) -> Result<Signature, SignError> {
        Ok(self.sign_now(payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{Hash32, Round, RunId};

    /// Mini secret of `//Alice`, published with Substrate's development keys.
    const ALICE_SEED: &str = "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";

    #[test]
    fn alice_seed_gives_her_well_known_address() {
        let mut seed = [0u8; 32];
        hex::decode_to_slice(ALICE_SEED, &mut seed).unwrap();
        let alice = LocalSigner::from_seed(&seed);
        assert_eq!(alice.hotkey().ss58(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
        assert!(!format!("{alice:?}").contains("e5be9a"));
    }

    #[tokio::test]
    async fn a_signature_holds_for_its_payload_and_no_other() {
        let signer = LocalSigner::generate().unwrap();
        let payload = |round| SignPayload::Submission { run: RunId(Hash32([9; 32])), round, digest: Hash32([7; 32]) };
        let signature = signer.sign(&payload(Round(1))).await.unwrap();
        assert!(signer.hotkey().verify(&payload(Round(1)).to_bytes(), &signature).is_ok());
        assert!(signer.hotkey().verify(&payload(Round(2)).to_bytes(), &signature).is_err());
    }

    #[test]
    fn rehearsal_keys_depend_on_master_and_label_only() {
        let key = |master: u8, label: &str| LocalSigner::derive(&[master; 32], label).hotkey();
        assert_eq!(key(1, "peer-0"), key(1, "peer-0"));
        assert_ne!(key(1, "peer-0"), key(1, "peer-1"));
        assert_ne!(key(1, "peer-0"), key(2, "peer-0"));
        // Golden: a recorded rehearsal keeps its addresses.
        assert_eq!(key(1, "peer-0").ss58(), "5EyQixVKfsZUAGVkHbMVMMiXE1VbfvH8qE4WRBYrcUjET3g9");
    }
}
