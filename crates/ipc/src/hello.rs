//! The first line each way, and whether the two sides understand each other.
//!
//! In: two [`Hello`]s. Out: go on, or why not. These two fields never change, in no version: an old app must be able to
//! tell the user that the peer is newer, and the other way round.

use serde::{Deserialize, Serialize};

/// The version of the words in this crate. Goes up by one when a word changes its meaning or goes away; a new word or a
/// new field that may be ignored does not need it.
pub const PROTOCOL: u32 = 1;
/// Longest version text that is shown to anybody; ours are like `1.12.3-beta.4`.
const MAX_VERSION_CHARS: usize = 64;

/// Who speaks, in which words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the words, [`PROTOCOL`].
    pub protocol: u32,
    /// Version of the program, for people.
    pub version: String,
}

/// Why the two sides cannot talk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The other side is older.
    #[error("the other side (version {version}) speaks protocol {theirs}, older than ours, {ours}: update it")]
    Older {
        /// Our protocol.
        ours: u32,
        /// Theirs.
        theirs: u32,
        /// The other program's version.
        version: String,
    },
    /// The other side is newer.
    #[error("the other side (version {version}) speaks protocol {theirs}, newer than ours, {ours}: update this one")]
    Newer {
        /// Our protocol.
        ours: u32,
        /// Theirs.
        theirs: u32,
        /// The other program's version.
        version: String,
    },
    /// The version text is empty, too long or has control characters: this is not one of our programs.
    #[error("the other side's version text has {0} characters or is not printable")]
    VersionText(usize),
}

impl Hello {
    /// What this build says, with the program's own version.
    pub fn ours(version: impl Into<String>) -> Self {
        Self { protocol: PROTOCOL, version: version.into() }
    }
}

/// Checks that both sides speak the same words. App and peer are installed together, so only equal protocols pass.
///
/// # Errors
/// [`HandshakeError`] naming who has to be updated.
pub fn handshake(ours: &Hello, theirs: &Hello) -> Result<(), HandshakeError> {
    let chars = theirs.version.chars().count();
    if !(1..=MAX_VERSION_CHARS).contains(&chars) || theirs.version.chars().any(char::is_control) {
        return Err(HandshakeError::VersionText(chars));
    }
    let (ours, theirs, version) = (ours.protocol, theirs.protocol, theirs.version.clone());
    match theirs.cmp(&ours) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(HandshakeError::Older { ours, theirs, version }),
        std::cmp::Ordering::Greater => Err(HandshakeError::Newer { ours, theirs, version }),
    }
}
