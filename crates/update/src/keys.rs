//! The keys whose word counts.
//!
//! In: the list that a build was given. Out: [`ReleaseKeys`], which are never none. Refused: an empty list, a key that is no
//! point of the curve or one that signs everything. A build without keys trusts nobody: it cannot update itself, and says so.

use ed25519_dalek::VerifyingKey;

use crate::limits::MAX_KEYS;

/// What the release was built with: keys in hex, separated by commas.
const BUILT_IN: Option<&str> = option_env!("COVEY_RELEASE_KEYS");

/// Keys that may sign descriptions; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseKeys(Vec<VerifyingKey>);

/// Why there are no keys to trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// None were given.
    #[error("this build trusts no release key, so it takes no update from anywhere; update it as it was installed")]
    NoKeys,
    /// More than a change of keys needs.
    #[error("{0} release keys are more than {MAX_KEYS}")]
    TooMany(usize),
    /// Not a key.
    #[error("release key number {0} is not an ed25519 public key of 64 hex digits")]
    Bad(usize),
}

impl ReleaseKeys {
    /// The keys of this build.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::NoKeys`] for a build from source.
    pub fn built_in() -> Result<Self, KeyError> {
        Self::parse(BUILT_IN.unwrap_or_default())
    }

    /// Keys in hex, separated by commas.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(list: &str) -> Result<Self, KeyError> {
        let texts: Vec<&str> = list.split(',').map(str::trim).filter(|text| !text.is_empty()).collect();
        if texts.is_empty() {
            return Err(KeyError::NoKeys);
        }
        if texts.len() > MAX_KEYS {
            return Err(KeyError::TooMany(texts.len()));
        }
        let keys = texts.iter().enumerate().map(|(index, text)| key(text).ok_or(KeyError::Bad(index + 1)));
        Ok(Self(keys.collect::<Result<_, _>>()?))
    }

    /// Whether one of the keys made this signature.
    pub(crate) fn have_signed(&self, message: &[u8], signature: &ed25519_dalek::Signature) -> bool {
        self.0.iter().any(|key| key.verify_strict(message, signature).is_ok())
    }
}

fn key(text: &str) -> Option<VerifyingKey> {
    let bytes: [u8; 32] = hex::decode(text).ok()?.try_into().ok()?;
    // A weak key accepts signatures that nobody made.
    VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_is_refused_and_so_is_a_key_that_signs_everything() {
        for empty in ["", " ", ",", " , ,"] {
            assert_eq!(ReleaseKeys::parse(empty), Err(KeyError::NoKeys));
        }
        // The neutral point.
        let weak = format!("01{}", "00".repeat(31));
        assert_eq!(ReleaseKeys::parse(&weak), Err(KeyError::Bad(1)));
        let good = hex::encode(ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes());
        assert!(ReleaseKeys::parse(&good).is_ok());
        assert_eq!(ReleaseKeys::parse(&format!("{good},xyz")), Err(KeyError::Bad(2)));
        assert_eq!(ReleaseKeys::parse(&vec![good; 9].join(",")), Err(KeyError::TooMany(9)));
    }
}
