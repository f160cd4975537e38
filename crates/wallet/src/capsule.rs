//! A migration capsule: all that makes a peer itself, in one encrypted file to carry to another machine.
//!
//! In: a wallet's secret and public part, named parts whose bytes it does not understand (peer identity, receipts,
//! settings), a passphrase. Out: a file that shows whose it is without the passphrase and gives the rest with it. Opening
//! saves nothing. It never overwrites a file, and refuses more than 64 MiB and every change.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use types::Hotkey;
use zeroize::Zeroizing;

use crate::bytes::Reader;
use crate::info::InfoError;
use crate::sealed::{self, Kdf, SealError};
use crate::{Passphrase, WalletInfo, WalletSecret, private_file};

mod format;

use format::Header;

/// Most bytes of all parts together.
const MAX_PARTS_BYTES: usize = 64 * 1024 * 1024;
/// Most parts; there are three today.
const MAX_PARTS: usize = 16;
/// Longest name of a part.
const MAX_PART_NAME: usize = 32;
/// Room for header, secret, names and lengths beside the parts' bytes.
const MAX_OVERHEAD: usize = 8 * 1024;

/// Why a capsule was not made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CapsuleError {
    /// The system refused.
    #[error("capsule {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is something already.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// What stands there.
        path: PathBuf,
    },
    /// Not a capsule, or one that was cut.
    #[error("this is no capsule: {0}")]
    Format(&'static str),
    /// Made by a later program.
    #[error("this capsule has format {0}; this program knows format 1. Update it")]
    Version(u8),
    /// A part that does not fit.
    #[error("a capsule holds up to {MAX_PARTS} parts, each named by 1 to {MAX_PART_NAME} letters, digits, `-` and `.`")]
    Part,
    /// More than a capsule holds.
    #[error("a capsule holds at most {MAX_PARTS_BYTES} bytes; these are {0}")]
    TooLarge(u64),
    /// The public part is not in order.
    #[error(transparent)]
    Info(#[from] InfoError),
    /// Secret and address do not belong together.
    #[error("the secret gives {found}, but the capsule says {expected}")]
    OtherKey {
        /// The address in the public part.
        expected: Hotkey,
        /// The one that the secret gives.
        found: Hotkey,
    },
    /// It does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What a capsule carries beside the wallet: named bytes, some of them secret. Wiped; never shown.
#[derive(Default)]
pub struct CapsuleParts {
    parts: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

impl CapsuleParts {
    /// The peer's secret network identity.
    pub const PEER_IDENTITY: &'static str = "peer-identity";
    /// The receipts file.
    pub const RECEIPTS: &'static str = "receipts";
    /// The app's settings.
    pub const SETTINGS: &'static str = "settings";

    /// Adds a part, or replaces the one of that name.
    ///
    /// # Errors
    /// [`CapsuleError::Part`] or [`CapsuleError::TooLarge`]; then nothing was added.
    pub fn insert(&mut self, name: &str, bytes: impl Into<Zeroizing<Vec<u8>>>) -> Result<(), CapsuleError> {
        let bytes = bytes.into();
        let others = self.parts.iter().filter(|(other, _)| *other != name);
        let (count, total) = others.fold((1, bytes.len()), |(count, total), (_, b)| (count + 1, total + b.len()));
        if !is_part_name(name) || count > MAX_PARTS {
            return Err(CapsuleError::Part);
        }
        if total > MAX_PARTS_BYTES {
            return Err(CapsuleError::TooLarge(total as u64));
        }
        self.parts.insert(name.to_owned(), bytes);
        Ok(())
    }

    /// A part's bytes.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.parts.get(name).map(|bytes| bytes.as_slice())
    }

    /// The parts' names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }
}

fn is_part_name(name: &str) -> bool {
    (1..=MAX_PART_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

/// What a capsule says without its passphrase; proven only by [`Capsule::open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapsuleInfo {
    /// Whose it is.
    pub wallet: WalletInfo,
    /// When it was made, in milliseconds since 1970.
    pub made_at_ms: u64,
}

/// An opened capsule. Nothing of it has been saved.
pub struct Capsule {
    info: CapsuleInfo,
    secret: WalletSecret,
    parts: CapsuleParts,
}

impl Capsule {
    /// Makes a capsule file. Takes a fraction of a second, more for large parts: not for an async thread.
    ///
    /// # Errors
    /// [`CapsuleError::Exists`] if anything stands at `path`. After any error nothing has changed.
    pub fn seal(
        path: &Path,
        info: &CapsuleInfo,
        secret: &WalletSecret,
        parts: &CapsuleParts,
        passphrase: &Passphrase,
    ) -> Result<(), CapsuleError> {
        let file = seal(info, secret, parts, passphrase, Work::new(Kdf::STANDARD)?)?;
        private_file::create(path, &file).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => CapsuleError::Exists { path: path.to_owned() },
            _ => CapsuleError::Io { path: path.to_owned(), source },
        })
    }

    /// Whose capsule this is, without its passphrase.
    ///
    /// # Errors
    /// [`CapsuleError`].
    pub fn inspect(path: &Path) -> Result<CapsuleInfo, CapsuleError> {
        Self::inspect_bytes(&read_file(path)?)
    }

    /// As [`Self::inspect`], of bytes; touches no file.
    ///
    /// # Errors
    /// [`CapsuleError`].
    pub fn inspect_bytes(bytes: &[u8]) -> Result<CapsuleInfo, CapsuleError> {
        Header::parse(bytes).map(|(header, _)| header.info)
    }

    /// Opens a capsule and checks that its secret gives its address; saves nothing.
    ///
    /// # Errors
    /// [`SealError::Refused`] for a wrong passphrase or a changed file.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, CapsuleError> {
        open(&read_file(path)?, passphrase)
    }

    /// Whose it is.
    pub fn info(&self) -> &CapsuleInfo {
        &self.info
    }

    /// The wallet's secret.
    pub fn secret(&self) -> &WalletSecret {
        &self.secret
    }

    /// What else it carries.
    pub fn parts(&self) -> &CapsuleParts {
        &self.parts
    }
}

/// Work, salt and nonce of one file.
#[derive(Clone, Copy)]
struct Work {
    kdf: Kdf,
    salt: [u8; 16],
    nonce: [u8; 24],
}

impl Work {
    fn new(kdf: Kdf) -> Result<Self, SealError> {
        Ok(Self { kdf, salt: sealed::random()?, nonce: sealed::random()? })
    }
}

fn seal(
    info: &CapsuleInfo,
    secret: &WalletSecret,
    parts: &CapsuleParts,
    passphrase: &Passphrase,
    work: Work,
) -> Result<Vec<u8>, CapsuleError> {
    check_key(&info.wallet, secret)?;
    let plain = to_plain(secret, parts);
    let header = Header { work, info: info.clone() };
    let mut file = header.to_bytes(plain.len() + sealed::TAG_BYTES)?;
    let key = work.kdf.derive(passphrase, &work.salt)?;
    let sealed = sealed::encrypt(&key, &work.nonce, &file, plain)?;
    file.extend_from_slice(&sealed);
    Ok(file)
}

fn open(file: &[u8], passphrase: &Passphrase) -> Result<Capsule, CapsuleError> {
    let (Header { work, info }, header_bytes) = Header::parse(file)?;
    let (header, sealed) = file.split_at(header_bytes);
    let key = work.kdf.derive(passphrase, &work.salt)?;
    let plain = sealed::decrypt(&key, &work.nonce, header, sealed)?;
    let (secret, parts) = from_plain(&plain).ok_or(CapsuleError::Format("its contents do not read"))??;
    check_key(&info.wallet, &secret)?;
    Ok(Capsule { info, secret, parts })
}

/// Length and plain form of the secret, number of parts, then each part's name and bytes, both with their length.
fn to_plain(secret: &WalletSecret, parts: &CapsuleParts) -> Zeroizing<Vec<u8>> {
    let secret = secret.to_plain();
    let parts_bytes: usize = parts.parts.iter().map(|(name, bytes)| 1 + name.len() + 4 + bytes.len()).sum();
    // Large enough from the start, the cipher's tag included: it never moves.
    let mut out = Zeroizing::new(Vec::with_capacity(2 + secret.len() + 1 + parts_bytes + sealed::TAG_BYTES));
    out.extend_from_slice(&(secret.len() as u16).to_le_bytes());
    out.extend_from_slice(&secret);
    out.push(parts.parts.len() as u8);
    for (name, bytes) in &parts.parts {
        out.push(name.len() as u8);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    }
    out
}

/// Reads [`to_plain`] back; `None` if it ends too early or too late.
fn from_plain(plain: &[u8]) -> Option<Result<(WalletSecret, CapsuleParts), CapsuleError>> {
    let mut reader = Reader::new(plain);
    let secret_bytes = reader.u16()?;
    let secret = WalletSecret::from_plain(reader.take(usize::from(secret_bytes))?)?;
    let mut parts = CapsuleParts::default();
    for _ in 0..reader.u8()? {
        let name_bytes = reader.u8()?;
        let name = std::str::from_utf8(reader.take(usize::from(name_bytes))?).ok()?;
        let bytes = reader.u32()?;
        if let Err(error) = parts.insert(name, reader.take(bytes as usize)?.to_vec()) {
            return Some(Err(error));
        }
    }
    reader.is_empty().then_some(Ok((secret, parts)))
}

fn check_key(info: &WalletInfo, secret: &WalletSecret) -> Result<(), CapsuleError> {
    let (expected, found) = (info.hotkey, secret.hotkey());
    if expected == found { Ok(()) } else { Err(CapsuleError::OtherKey { expected, found }) }
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, CapsuleError> {
    private_file::read(path, (MAX_PARTS_BYTES + MAX_OVERHEAD) as u64).map_err(|source| match source.kind() {
        io::ErrorKind::FileTooLarge => CapsuleError::Format("it is too long"),
        _ => CapsuleError::Io { path: path.to_owned(), source },
    })
}

#[cfg(test)]
mod tests;
