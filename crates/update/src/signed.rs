//! A signed description: text, what it is for, and who says so.
//!
//! In: bytes from anywhere. Out: the text, if one of the trusted keys signed it for this purpose. The signature covers the
//! text byte by byte, so nothing has to be written the same way twice. Refused: everything else, before the text is read.

use ed25519_dalek::{Signature, Signer as _, SigningKey};
use serde::{Deserialize, Serialize};

use crate::keys::ReleaseKeys;
use crate::limits::{MAX_SIGNATURES, MAX_SIGNED_BYTES};

/// What a description is about. A signature for one is none for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Versions of the programs.
    Updates,
    /// Runtime packs.
    Packs,
}

/// On the wire: JSON with two fields.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    /// The description itself, as text.
    signed: String,
    /// ed25519 signatures in hex over the purpose's domain and the text.
    signatures: Vec<String>,
}

/// Why a description is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignedError {
    /// Too long to be one.
    #[error("a description has at most {MAX_SIGNED_BYTES} bytes")]
    TooLong,
    /// Cut short, or something else.
    #[error("this is no signed description (was it cut short?): {0}")]
    Form(String),
    /// Nobody we trust says so.
    #[error("no trusted key signed this description")]
    Signature,
}

impl Purpose {
    fn message(self, text: &str) -> Vec<u8> {
        let domain: &[u8] = match self {
            Self::Updates => b"covey/updates/1\0",
            Self::Packs => b"covey/packs/1\0",
        };
        [domain, text.as_bytes()].concat()
    }
}

/// The text of a description that a trusted key signed for `purpose`.
///
/// # Errors
/// [`SignedError`].
pub fn open(bytes: &[u8], purpose: Purpose, keys: &ReleaseKeys) -> Result<String, SignedError> {
    if bytes.len() > MAX_SIGNED_BYTES {
        return Err(SignedError::TooLong);
    }
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| SignedError::Form(error.to_string()))?;
    let message = purpose.message(&envelope.signed);
    let mut signatures = envelope.signatures.iter().take(MAX_SIGNATURES).filter_map(|text| signature(text));
    if signatures.any(|signature| keys.have_signed(&message, &signature)) {
        return Ok(envelope.signed);
    }
    Err(SignedError::Signature)
}

/// Signs a description: what the release's maintainer does, and tests.
///
/// # Errors
/// [`SignedError::TooLong`] if nobody would take it.
pub fn seal(text: &str, purpose: Purpose, keys: &[&SigningKey]) -> Result<Vec<u8>, SignedError> {
    let message = purpose.message(text);
    let signatures = keys.iter().map(|key| hex::encode(key.sign(&message).to_bytes())).collect();
    let envelope = Envelope { signed: text.to_owned(), signatures };
    let bytes = serde_json::to_vec(&envelope).map_err(|error| SignedError::Form(error.to_string()))?;
    if bytes.len() > MAX_SIGNED_BYTES {
        return Err(SignedError::TooLong);
    }
    Ok(bytes)
}

fn signature(text: &str) -> Option<Signature> {
    let bytes: [u8; 64] = hex::decode(text).ok()?.try_into().ok()?;
    Some(Signature::from_bytes(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn trusting(seed: u8) -> ReleaseKeys {
        ReleaseKeys::parse(&hex::encode(key(seed).verifying_key().to_bytes())).unwrap()
    }

    /// Bytes that leave the process: a change of these is a new format.
    #[test]
    fn the_form_is_pinned() {
        let bytes = seal("{}", Purpose::Updates, &[&key(7)]).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(r#"{"signed":"{}","signatures":[""#), "{text}");
        assert_eq!(blake3::hash(text.as_bytes()).to_hex().as_str(), GOLDEN);
    }
    const GOLDEN: &str = "70677aabf103aadc8c6799205c3dcdd7d31b41c54bb9d31de65f9d4aceb58354";

    #[test]
    fn a_text_is_believed_for_its_purpose_and_key_only() {
        let bytes = seal("text", Purpose::Updates, &[&key(7)]).unwrap();
        assert_eq!(open(&bytes, Purpose::Updates, &trusting(7)).unwrap(), "text");
        assert_eq!(open(&bytes, Purpose::Packs, &trusting(7)), Err(SignedError::Signature));
        assert_eq!(open(&bytes, Purpose::Updates, &trusting(8)), Err(SignedError::Signature));
        let none = seal("text", Purpose::Updates, &[]).unwrap();
        assert_eq!(open(&none, Purpose::Updates, &trusting(7)), Err(SignedError::Signature));
    }

    #[test]
    fn one_of_two_keys_is_enough_so_that_keys_can_change() {
        let bytes = seal("text", Purpose::Packs, &[&key(1), &key(2)]).unwrap();
        assert!(open(&bytes, Purpose::Packs, &trusting(1)).is_ok());
        assert!(open(&bytes, Purpose::Packs, &trusting(2)).is_ok());
    }

    #[test]
    fn too_long_is_refused_unread() {
        let long = vec![b' '; MAX_SIGNED_BYTES + 1];
        assert_eq!(open(&long, Purpose::Updates, &trusting(7)), Err(SignedError::TooLong));
        let text = "x".repeat(MAX_SIGNED_BYTES);
        assert_eq!(seal(&text, Purpose::Updates, &[&key(7)]), Err(SignedError::TooLong));
    }

    proptest! {
        #[test]
        fn a_cut_or_flipped_description_is_never_another_one(at in 0usize..500, bit in 0u8..8, cut in any::<bool>()) {
            let whole = seal(r#"{"sequence":5}"#, Purpose::Updates, &[&key(7)]).unwrap();
            let mut bytes = whole.clone();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            if let Ok(text) = open(&bytes, Purpose::Updates, &trusting(7)) {
                // Hex digits may be written large or small; the text is the same.
                prop_assert_eq!(text, r#"{"sequence":5}"#);
            }
        }

        #[test]
        fn any_bytes_are_refused_in_words(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(open(&bytes, Purpose::Updates, &trusting(7)).is_err());
        }
    }
}
