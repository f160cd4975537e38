//! The public part of a wallet: what can be shown without unlocking it.
//!
//! In: a name, an address and what the user said about them. Out: the same as JSON in a file's header, which the cipher
//! protects. It refuses names that could not be a file name on every system.

use serde::{Deserialize, Serialize};
use types::{Coldkey, Hotkey};

/// Longest name and peer id, in bytes.
const MAX_TEXT: usize = 64;
/// Longest JSON of this, in bytes; an honest one has about 250.
pub(crate) const MAX_INFO_BYTES: usize = 2048;

/// Why a wallet's public part was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InfoError {
    /// The name cannot be a file name everywhere.
    #[error(
        "a wallet's name has 1 to {MAX_TEXT} bytes of letters, digits, `-`, `_`, `.` and spaces, and begins with a letter \
         or digit"
    )]
    Name,
    /// The peer id is empty or too long, or has characters that no id has.
    #[error("a peer id has 1 to {MAX_TEXT} letters and digits")]
    PeerId,
    /// Not the JSON of this version.
    #[error("the wallet's public part does not read")]
    Json,
}

/// What everybody may know about a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletInfo {
    /// What the user calls it; fit for a file name.
    pub name: String,
    /// The key that signs.
    pub hotkey: Hotkey,
    /// Whose earnings these are. Watch-only: its key is elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout: Option<Coldkey>,
    /// When it was made or imported, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// Whether the recovery words were asked back, or it came from a backup.
    pub backed_up: bool,
    /// The peer's public identity on the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<String>,
}

impl WalletInfo {
    /// A wallet that was just made: no payout address, no backup yet.
    ///
    /// # Errors
    /// [`InfoError::Name`].
    pub fn new(name: &str, hotkey: Hotkey, created_at_ms: u64) -> Result<Self, InfoError> {
        let info = Self { name: name.to_owned(), hotkey, payout: None, created_at_ms, backed_up: false, peer_id: None };
        info.check()?;
        Ok(info)
    }

    /// Whether all of it is within its bounds.
    ///
    /// # Errors
    /// [`InfoError`].
    pub fn check(&self) -> Result<(), InfoError> {
        check_name(&self.name)?;
        match &self.peer_id {
            Some(id) if id.is_empty() || id.len() > MAX_TEXT || !id.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                Err(InfoError::PeerId)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, InfoError> {
        self.check()?;
        serde_json::to_vec(self).map_err(|_| InfoError::Json)
    }

    pub(crate) fn from_json(json: &[u8]) -> Result<Self, InfoError> {
        if json.len() > MAX_INFO_BYTES {
            return Err(InfoError::Json);
        }
        let info: Self = serde_json::from_slice(json).map_err(|_| InfoError::Json)?;
        info.check()?;
        Ok(info)
    }
}

/// Whether `name` can name a wallet, its file and its folder on every system.
///
/// # Errors
/// [`InfoError::Name`].
pub(crate) fn check_name(name: &str) -> Result<(), InfoError> {
    let fits = name.len() <= MAX_TEXT
        && name.chars().next().is_some_and(char::is_alphanumeric)
        && name.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c))
        && !name.ends_with(['.', ' ']);
    if fits { Ok(()) } else { Err(InfoError::Name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_file_name_on_every_system() {
        let info = |name: &str| WalletInfo::new(name, Hotkey([0; 32]), 0);
        for good in ["a", "default", "Mein Wallet 2", "löwe-1", "a.b_c"] {
            assert!(info(good).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a:b", "a\n", " a", "a ", "a.", "-rf", long.as_str()] {
            assert_eq!(info(bad), Err(InfoError::Name), "{bad:?}");
        }
    }

    #[test]
    fn the_public_part_survives_its_json() {
        let mut info = WalletInfo::new("default", Hotkey([1; 32]), 5).unwrap();
        assert_eq!(WalletInfo::from_json(&info.to_json().unwrap()), Ok(info.clone()));
        info.payout = Some(Coldkey([2; 32]));
        info.peer_id = Some("12D3KooW".to_owned());
        info.backed_up = true;
        assert_eq!(WalletInfo::from_json(&info.to_json().unwrap()), Ok(info.clone()));
        info.peer_id = Some("12D3 KooW".to_owned());
        assert_eq!(info.to_json(), Err(InfoError::PeerId));
        assert_eq!(WalletInfo::from_json(b"{}"), Err(InfoError::Json));
    }
}
