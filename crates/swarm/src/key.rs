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
            Ok(file) => Self::read(file, path),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = Self::ephemeral();
                let bytes = key.0.to_protobuf_encoding().map_err(|_| damaged())?;
                let beside = path.with_extension(format!("new-{}", key.peer_id()));
                match write_new(path, &beside, &bytes) {
                    Ok(()) => Ok(key),
                    // Another start was quicker: its key is this peer's.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::load(path),
                    Err(error) => Err(io(error)),
                }
            }
            Err(error) => Err(io(error)),
        }
    }

    fn load(path: &Path) -> Result<Self, KeyError> {
        let file = fs::File::open(path).map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
        Self::read(file, path)
    }

    fn read(file: fs::File, path: &Path) -> Result<Self, KeyError> {
        let damaged = || KeyError::Damaged { path: path.to_owned() };
        let mut bytes = Vec::new();
        let read = file.take(MAX_KEY_FILE + 1).read_to_end(&mut bytes);
        read.map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
        if bytes.len() as u64 > MAX_KEY_FILE {
            return Err(damaged());
        }
        let pair = Keypair::from_protobuf_encoding(&bytes).map_err(|_| damaged())?;
        pair.clone().try_into_ed25519().map_err(|_| damaged())?;
        Ok(Self(pair))
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

/// Whole under another name first, so that a kill leaves no half key; then linked, which fails if somebody else has made
/// the final name meanwhile, where a rename would replace their key.
fn write_new(path: &Path, beside: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let linked = create(beside, bytes).and_then(|()| fs::hard_link(beside, path));
    // Otherwise a second copy of the key stays behind.
    fs::remove_file(beside)?;
    match linked {
        // A disk without links (exFAT): made in place, where a kill at this moment leaves a key that is said to be damaged.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => create(path, bytes),
        linked => linked,
    }
}

/// A new file that only this user may read.
fn create(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
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
    fn starts_at_the_same_moment_agree_on_one_identity() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("network.key");
        for _ in 0..20 {
            let both = std::sync::Barrier::new(4);
            let start = || {
                both.wait();
                NodeKey::load_or_create(&path).unwrap().peer_id()
            };
            let made: Vec<PeerId> = std::thread::scope(|scope| {
                let starts: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
                starts.into_iter().map(|start| start.join().unwrap()).collect()
            });
            assert!(made.iter().all(|id| *id == made[0]), "{made:?}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no copy stays behind");
            fs::remove_file(&path).unwrap();
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
