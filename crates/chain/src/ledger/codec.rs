//! Reading and writing the ledger's bytes.
//!
//! In: integers and byte strings, or hostile bytes. Out: the other one. A reader never allocates for a length it has not
//! seen the bytes of, and refuses bytes that are left over.

use types::Hash32;

/// Bytes that are no block or transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("the bytes end at {at}, {wanted} more are wanted")]
    Short {
        /// Where.
        at: usize,
        /// How many are missing at least.
        wanted: usize,
    },
    /// Bytes are left over.
    #[error("{0} bytes are left over")]
    Trailing(usize),
    /// A length or count above its bound.
    #[error("{what}: {got} is more than {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// Count found.
        got: usize,
        /// Its bound.
        limit: usize,
    },
    /// A tag this version does not know, or a field that does not read.
    #[error("{what} does not read")]
    Field {
        /// Which one.
        what: &'static str,
    },
}

/// Appends little-endian fields.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn u8(&mut self, v: u8) {
        self.0.push(v);
    }

    pub(crate) fn u16(&mut self, v: u16) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, v: u32) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, v: u64) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, v: &[u8]) {
        self.0.extend_from_slice(v);
    }

    /// A `u32` length and the bytes.
    pub(crate) fn blob(&mut self, v: &[u8]) {
        self.u32(v.len() as u32);
        self.bytes(v);
    }
}

/// Takes little-endian fields from hostile bytes.
pub(crate) struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let left = &self.all[self.at..];
        let taken = left.get(..n).ok_or_else(|| DecodeError::Short { at: self.all.len(), wanted: n - left.len() })?;
        self.at += n;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    pub(crate) fn hash(&mut self) -> Result<Hash32, DecodeError> {
        self.array().map(Hash32)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A `u32` length of at most `limit` and that many bytes.
    pub(crate) fn blob(&mut self, what: &'static str, limit: usize) -> Result<&'a [u8], DecodeError> {
        let n = self.count(what, limit)?;
        self.take(n)
    }

    /// A `u32` count of at most `limit`.
    pub(crate) fn count(&mut self, what: &'static str, limit: usize) -> Result<usize, DecodeError> {
        let got = self.u32()? as usize;
        if got > limit { Err(DecodeError::TooMany { what, got, limit }) } else { Ok(got) }
    }

    pub(crate) fn end(self) -> Result<(), DecodeError> {
        match self.all.len() - self.at {
            0 => Ok(()),
            left => Err(DecodeError::Trailing(left)),
        }
    }
}
