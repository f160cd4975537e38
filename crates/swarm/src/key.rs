//! The network identity of a peer: an ed25519 key in a file of its own. It earns nothing and can be replaced at any time;
//! which hotkey it speaks for is said by a binding that both keys sign.
//!
//! In: a path. Out: the key, made on first use. A damaged file is reported and never overwritten.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use libp2p::PeerId;
use libp2p::identity::Keypair;
use types::Hash32;

/// Longest key file: libp2p's protobuf of an ed25519 pair has 68 bytes.
const MAX_KEY_FILE: u64 = 256;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot access the network key `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// It is no key.
    #[error("`{path}` is no network key; move it away to have a new one made")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// A network identity. No `Debug`, no `Display`.
#[derive(Clone)]
pub struct NodeKey(Keypair);

impl NodeKey {
    /// A key that is forgotten with this value.
    pub fn ephemeral() -> Self {
        Self(Keypair::generate_ed25519())
    }

    /// The key in `path`; made there, readable by this user only, if there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        let damaged = || KeyError::Damaged { path: path.to_owned() };
        match fs::File::open(path) {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(MAX_KEY_FILE + 1).read_to_end(&mut bytes).map_err(io)?;
                if bytes.len() as u64 > MAX_KEY_FILE {
                    return Err(damaged());
                }
                let pair = Keypair::from_protobuf_encoding(&bytes).map_err(|_| damaged())?;
                pair.clone().try_into_ed25519().map_err(|_| damaged())?;
                Ok(Self(pair))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = Self::ephemeral();
                let bytes = key.0.to_protobuf_encoding().map_err(|_| damaged())?;
                write_new(path, &bytes).map_err(io)?;
                Ok(key)
            }
            Err(error) => Err(io(error)),
        }
    }

    /// The identity as libp2p names it.
    pub fn peer_id(&self) -> PeerId {
        self.0.public().to_peer_id()
    }

    /// The public half.
    pub fn public(&self) -> Hash32 {
        let key = self.0.public().try_into_ed25519().map(|key| key.to_bytes());
        Hash32(key.unwrap_or_default())
    }

    /// Signs what this node says of itself.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        // ed25519 signs anything; only other kinds of key can fail.
        self.0.sign(message).unwrap_or_default()
    }

    pub(crate) fn pair(&self) -> &Keypair {
        &self.0
    }
}

/// Beside the final name first, so that a kill leaves no half key.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_gives_the_same_identity_and_only_to_its_user() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep").join("network.key");
        let made = NodeKey::load_or_create(&path).unwrap();
        let again = NodeKey::load_or_create(&path).unwrap();
        assert_eq!(made.peer_id(), again.peer_id());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_file_is_reported_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("network.key");
        for damaged in [&b""[..], b"nonsense", &[0; 5000]] {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(NodeKey::load_or_create(&path), Err(KeyError::Damaged { .. })));
            assert_eq!(fs::read(&path).unwrap(), damaged);
        }
    }
}
