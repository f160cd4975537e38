//! The cipher and the key derivation of this crate's encrypted files.
//!
//! In: a passphrase or a key, a header, plain bytes. Out: encrypted bytes that open with the same three only. It refuses
//! work beyond fixed bounds before it does any, and a machine without the memory gets an error, not an abort.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use zeroize::{Zeroize, Zeroizing};

use crate::Passphrase;
use crate::bytes::Reader;

/// Poly1305's tag at the end of what is encrypted.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes of [`Kdf::to_bytes`].
pub(crate) const KDF_BYTES: usize = 12;
/// Most work that a file may ask for: 1 GiB, 16 passes, 4 lanes.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 4;

/// Why something was not encrypted or decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Wrong passphrase or key, or a changed file: a cipher cannot tell these apart.
    #[error("wrong passphrase or key, or the file was changed")]
    Refused,
    /// The file asks for more work than any honest one.
    #[error("the file asks for more work than any honest one would ({memory_kib} KiB, {passes} passes, {lanes} lanes)")]
    TooMuchWork {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over it.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// Numbers that argon2 does not take.
    #[error("the file's key derivation makes no sense")]
    BadWork,
    /// Not enough memory to derive the key.
    #[error("not enough memory: opening it takes {memory_kib} KiB")]
    Memory {
        /// Memory in KiB.
        memory_kib: u32,
    },
    /// The system gives no randomness.
    #[error("no system randomness: {0}")]
    Randomness(String),
}

/// Work of argon2id, as it stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kdf {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Kdf {
    /// RFC 9106's second recommendation with one lane: 64 MiB, three passes; a fraction of a second.
    pub(crate) const STANDARD: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

    pub(crate) fn to_bytes(self) -> [u8; KDF_BYTES] {
        let mut out = [0; KDF_BYTES];
        for (place, number) in out.chunks_exact_mut(4).zip([self.memory_kib, self.passes, self.lanes]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        out
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { memory_kib: reader.u32()?, passes: reader.u32()?, lanes: reader.u32()? })
    }

    /// Whether the work is within bounds.
    pub(crate) fn check(self) -> Result<(), SealError> {
        let Self { memory_kib, passes, lanes } = self;
        if memory_kib > MAX_MEMORY_KIB || passes > MAX_PASSES || lanes > MAX_LANES {
            return Err(SealError::TooMuchWork { memory_kib, passes, lanes });
        }
        self.params().map(drop)
    }

    fn params(self) -> Result<Params, SealError> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| SealError::BadWork)
    }

    /// argon2id's 32 bytes of this passphrase and salt.
    pub(crate) fn derive(self, passphrase: &Passphrase, salt: &[u8; 16]) -> Result<Zeroizing<[u8; 32]>, SealError> {
        self.derive_by(Algorithm::Argon2id, passphrase, salt)
    }

    /// As [`Self::derive`], by another argon2.
    pub(crate) fn derive_by(
        self,
        algorithm: Algorithm,
        passphrase: &Passphrase,
        salt: &[u8; 16],
    ) -> Result<Zeroizing<[u8; 32]>, SealError> {
        self.check()?;
        let params = self.params()?;
        let out_of_memory = SealError::Memory { memory_kib: self.memory_kib };
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(params.block_count()).map_err(|_| out_of_memory)?;
        blocks.resize_with(params.block_count(), Block::default);
        let mut key = Zeroizing::new([0u8; 32]);
        let derived = Argon2::new(algorithm, Version::V0x13, params).hash_password_into_with_memory(
            passphrase.as_str().as_bytes(),
            salt,
            key.as_mut_slice(),
            blocks.as_mut_slice(),
        );
        // The blocks give the key without the passphrase.
        blocks.iter_mut().zeroize();
        derived.map_err(|_| SealError::BadWork)?;
        Ok(key)
    }
}

/// Encrypts `plain` in place and appends the tag; `header` is protected with it. `plain` should have room for
/// [`TAG_BYTES`] more, so that it does not move.
pub(crate) fn encrypt(
    key: &[u8; 32],
    nonce: &[u8; 24],
    header: &[u8],
    mut plain: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    XChaCha20Poly1305::new(key.into())
        .encrypt_in_place(nonce.into(), header, &mut *plain)
        .map_err(|_| SealError::Refused)?;
    Ok(plain)
}

/// The plain bytes of what [`encrypt`] gave.
pub(crate) fn decrypt(
    key: &[u8; 32],
    nonce: &[u8; 24],
    header: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let mut plain = Zeroizing::new(sealed.to_vec());
    XChaCha20Poly1305::new(key.into())
        .decrypt_in_place(nonce.into(), header, &mut *plain)
        .map_err(|_| SealError::Refused)?;
    Ok(plain)
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut out = [0; N];
    getrandom::fill(&mut out).map_err(|e| SealError::Randomness(e.to_string()))?;
    Ok(out)
}
