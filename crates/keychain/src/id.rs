//! Names of our items in a keychain.
//!
//! In: a wallet's name, or what stands in a vault file (hostile). Out: an id that is short and plain on every system.
//! Two locks never share an id, so a new key never overwrites an old one that is still needed.

use std::fmt;

use crate::KeychainError;

/// Longest id in bytes; Windows allows 256 UTF-16 units for service, user and what joins them.
const MAX_ID: usize = 64;
/// Part of a wallet's name that stands in an id, for people who look into their keychain.
const MAX_NAME: usize = 40;

/// The id of a wrapping key: letters, digits, `-`, `_` and `.`, at most 64.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// Checks an id from a file.
    ///
    /// # Errors
    /// [`KeychainError::BadId`].
    pub fn new(id: &str) -> Result<Self, KeychainError> {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !(1..=MAX_ID).contains(&id.len()) || !id.chars().all(fine) {
            return Err(KeychainError::BadId);
        }
        Ok(Self(id.to_owned()))
    }

    /// A new id that starts with the wallet's name, as far as it can.
    ///
    /// # Errors
    /// [`KeychainError::Failed`] if the system gives no randomness.
    pub fn fresh(name: &str) -> Result<Self, KeychainError> {
        let mut salt = [0u8; 8];
        getrandom::fill(&mut salt)
            .map_err(|error| KeychainError::Failed { why: format!("no system randomness: {error}") })?;
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
        let name: String = name.chars().take(MAX_NAME).map(plain).collect();
        Ok(Self(format!("{name}-{:016x}", u64::from_le_bytes(salt))))
    }

    /// As it stands in the vault file.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_differ_and_are_ids_whatever_the_wallet_is_called() {
        for name in ["default", "", "Ünï çödé/../../x", &"long".repeat(60)] {
            let (one, two) = (KeyId::fresh(name).unwrap(), KeyId::fresh(name).unwrap());
            assert_ne!(one, two);
            assert_eq!(KeyId::new(one.as_str()), Ok(one));
        }
    }

    #[test]
    fn ids_that_could_mean_something_else_to_a_keychain_are_refused() {
        for id in ["", "a/b", "a b", "a\0", "é", "*", &"x".repeat(65)] {
            assert_eq!(KeyId::new(id), Err(KeychainError::BadId), "{id:?}");
        }
    }
}
