//! Derivation paths as Substrate writes them: `//hard/soft///passphrase`.
//!
//! In: what stands after the recovery words. Out: junctions with their 32-byte chain codes, and the passphrase. It
//! refuses paths that Substrate would read otherwise than they look, and paths longer than anybody types.

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use schnorrkel::derive::{ChainCode, Derivation as _};
use schnorrkel::{ExpansionMode, Keypair};
use zeroize::Zeroizing;

/// Most junctions of a path; wallets use one or two.
pub const MAX_JUNCTIONS: usize = 16;
/// Longest path with its passphrase, in bytes.
pub(crate) const MAX_BYTES: usize = 1024;

/// Why a path does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with `/`.
    #[error("a derivation path begins with / or //")]
    Start,
    /// `/` or `//` with nothing after it.
    #[error("a derivation path has an empty part")]
    Empty,
    /// Longer than anybody types.
    #[error("the derivation path is too long: at most {MAX_JUNCTIONS} parts and {MAX_BYTES} bytes")]
    TooLong,
}

/// Junctions and a passphrase. The passphrase is a secret: neither shows itself.
#[derive(Default)]
pub struct DerivationPath {
    junctions: Vec<Junction>,
    passphrase: Zeroizing<String>,
}

struct Junction {
    hard: bool,
    code: [u8; 32],
}

impl DerivationPath {
    /// Reads a path; an empty text is the empty path.
    ///
    /// # Errors
    /// [`PathError`].
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > MAX_BYTES {
            return Err(PathError::TooLong);
        }
        let (path, passphrase) = text.split_once("///").unwrap_or((text, ""));
        let mut junctions = Vec::new();
        let mut rest = path;
        while !rest.is_empty() {
            let (hard, after) = match rest.strip_prefix("//") {
                Some(after) => (true, after),
                None => (false, rest.strip_prefix('/').ok_or(PathError::Start)?),
            };
            let end = after.find('/').unwrap_or(after.len());
            let (name, tail) = after.split_at(end);
            if name.is_empty() {
                return Err(PathError::Empty);
            }
            if junctions.len() == MAX_JUNCTIONS {
                return Err(PathError::TooLong);
            }
            junctions.push(Junction { hard, code: chain_code(name) });
            rest = tail;
        }
        Ok(Self { junctions, passphrase: Zeroizing::new(passphrase.to_owned()) })
    }

    /// The passphrase; empty if there is none.
    pub(crate) fn passphrase(&self) -> &str {
        &self.passphrase
    }

    /// Walks from `pair` to the key at the end of the path. Every pair on the way wipes itself.
    pub(crate) fn derive(&self, pair: Keypair) -> Keypair {
        self.junctions.iter().fold(pair, |pair, junction| {
            let code = ChainCode(junction.code);
            if junction.hard {
                let (mini, _) = pair.secret.hard_derive_mini_secret_key(Some(code), b"");
                mini.expand_to_keypair(ExpansionMode::Ed25519)
            } else {
                pair.derived_key_simple(code, b"").0
            }
        })
    }
}

/// Substrate's chain code: the SCALE coding of the name (a number as u64, anything else as text), padded with zeros, or
/// its BLAKE2b-256 if it is longer than 32 bytes (sp-core, `DeriveJunction`).
fn chain_code(name: &str) -> [u8; 32] {
    let coded = match name.parse::<u64>() {
        Ok(number) => number.to_le_bytes().to_vec(),
        Err(_) => scale_text(name),
    };
    if coded.len() > 32 {
        return Blake2b::<U32>::digest(&coded).into();
    }
    let mut code = [0; 32];
    code[..coded.len()].copy_from_slice(&coded);
    code
}

/// SCALE: the length as a compact integer, then the bytes. A path part is shorter than 2^14 bytes.
fn scale_text(text: &str) -> Vec<u8> {
    let mut out = match text.len() {
        short @ 0..64 => vec![(short as u8) << 2],
        long => ((long as u16) << 2 | 1).to_le_bytes().to_vec(),
    };
    out.extend_from_slice(text.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Result<Vec<bool>, PathError> {
        DerivationPath::parse(text).map(|path| path.junctions.iter().map(|junction| junction.hard).collect())
    }

    #[test]
    fn hard_soft_and_passphrase_are_told_apart() {
        assert_eq!(kinds(""), Ok(vec![]));
        assert_eq!(kinds("//a/b//0"), Ok(vec![true, false, true]));
        let path = DerivationPath::parse("/a///pass//word").unwrap();
        assert_eq!((path.junctions.len(), path.passphrase()), (1, "pass//word"));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        assert_eq!(kinds("hotkey"), Err(PathError::Start));
        assert_eq!(kinds("//"), Err(PathError::Empty));
        assert_eq!(kinds("/a/"), Err(PathError::Empty));
        assert_eq!(kinds(&"/a".repeat(MAX_JUNCTIONS)).map(|kinds| kinds.len()), Ok(MAX_JUNCTIONS));
        assert_eq!(kinds(&"/a".repeat(MAX_JUNCTIONS + 1)), Err(PathError::TooLong));
        assert_eq!(kinds(&format!("//{}", "a".repeat(MAX_BYTES))), Err(PathError::TooLong));
    }

    #[test]
    fn a_number_and_its_text_are_coded_as_substrate_does() {
        assert_eq!(chain_code("1")[..9], [1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(chain_code("Alice")[..7], [5 << 2, b'A', b'l', b'i', b'c', b'e', 0]);
        assert_eq!(scale_text(&"x".repeat(64))[..3], [1, 1, b'x']);
    }
}
