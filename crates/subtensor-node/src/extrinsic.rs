//! Signed extrinsics, version 4, as Substrate encodes them.
//!
//! In: hostile bytes and the runtime. Out: signer, counter, era, tip, call, and whether the signature holds over what the
//! metadata's extensions say is signed. No state: counter, fee and era are checked against a chain elsewhere.

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use subxt::ext::codec::{Compact, Decode, Encode};
use types::{Hotkey, Signature};

use crate::call::Call;
use crate::runtime::{Extension, Runtime};

/// Longest extrinsic taken, in bytes: weights for 4096 uids fit.
pub const MAX_EXTRINSIC: usize = 32 * 1024;
/// Version 4, signed.
const SIGNED_V4: u8 = 0x84;
/// Version 4, unsigned: inherents.
const BARE_V4: u8 = 0x04;
/// A payload longer than this is signed by its hash.
const MAX_PAYLOAD: usize = 256;

/// Why bytes are no extrinsic that this node takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Longer than [`MAX_EXTRINSIC`], or a vector inside is.
    #[error("too long")]
    TooLong,
    /// It ends too early.
    #[error("ends too early")]
    Short,
    /// It goes on too long.
    #[error("bytes left over")]
    TrailingBytes,
    /// Not version 4 and signed.
    #[error("not a signed extrinsic of version 4")]
    Version,
    /// A kind of address other than an account id.
    #[error("not addressed by account id")]
    Address,
    /// An enum's variant does not exist.
    #[error("unknown variant")]
    Variant,
    /// An era that no block number satisfies.
    #[error("invalid era")]
    Era,
    /// The metadata has no such call.
    #[error("no call {call} in pallet {pallet}")]
    UnknownCall {
        /// Its pallet's index.
        pallet: u8,
        /// Its index.
        call: u8,
    },
    /// The metadata has this call and this node does not apply it.
    #[error("{pallet}.{call} is not applied by this node")]
    Unsupported {
        /// Its pallet.
        pallet: String,
        /// Its name.
        call: String,
    },
    /// Anything else that SCALE does not allow.
    #[error("not SCALE: {0}")]
    Scale(String),
}

impl From<subxt::ext::codec::Error> for FormatError {
    fn from(error: subxt::ext::codec::Error) -> Self {
        Self::Scale(error.to_string())
    }
}

/// How long an extrinsic is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// For ever.
    Immortal,
    /// For `period` blocks from the last block whose number is `phase` modulo `period`.
    Mortal {
        /// In blocks, a power of two from 4 to 65,536.
        period: u64,
        /// Below `period`.
        phase: u64,
    },
}

impl Era {
    fn decode(input: &mut &[u8]) -> Result<Self, FormatError> {
        let first = u64::from(u8::decode(input)?);
        if first == 0 {
            return Ok(Self::Immortal);
        }
        let encoded = first + (u64::from(u8::decode(input)?) << 8);
        let period = 2u64 << (encoded % 16);
        let phase = (encoded >> 4) * (period >> 12).max(1);
        if period >= 4 && phase < period { Ok(Self::Mortal { period, phase }) } else { Err(FormatError::Era) }
    }

    /// The block in which an extrinsic applied in block `current` was born; 0 if it is immortal.
    pub fn birth(&self, current: u64) -> u64 {
        match *self {
            Self::Immortal => 0,
            Self::Mortal { period, phase } => (current.max(phase) - phase) / period * period + phase,
        }
    }

    /// The first block in which it is not valid any more.
    pub fn death(&self, current: u64) -> u64 {
        match *self {
            Self::Immortal => u64::MAX,
            Self::Mortal { period, .. } => self.birth(current) + period,
        }
    }
}

/// A signed extrinsic whose signature is not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who signed it.
    pub signer: Hotkey,
    /// The signer's transaction counter.
    pub nonce: u32,
    /// In rao.
    pub tip: u64,
    /// How long it is valid.
    pub era: Era,
    /// What it does.
    pub call: Call,
    signature: Signature,
    /// Call, then what the extensions carry: the first part of what is signed.
    explicit: Vec<u8>,
    signs_metadata: bool,
}

impl Signed {
    /// Reads all of `raw`.
    ///
    /// # Errors
    /// [`FormatError`]
    pub fn decode(raw: &[u8], runtime: &Runtime) -> Result<Self, FormatError> {
        if raw.len() > MAX_EXTRINSIC {
            return Err(FormatError::TooLong);
        }
        let input = &mut &*raw;
        let length = Compact::<u32>::decode(input)?.0 as usize;
        match length.cmp(&input.len()) {
            std::cmp::Ordering::Less => return Err(FormatError::TrailingBytes),
            std::cmp::Ordering::Greater => return Err(FormatError::Short),
            std::cmp::Ordering::Equal => {}
        }
        if u8::decode(input)? != SIGNED_V4 {
            return Err(FormatError::Version);
        }
        // MultiAddress::Id, then MultiSignature::Sr25519: the only keys this chain's users have.
        if u8::decode(input)? != 0 {
            return Err(FormatError::Address);
        }
        let signer = Hotkey(<[u8; 32]>::decode(input)?);
        if u8::decode(input)? != 1 {
            return Err(FormatError::Variant);
        }
        let signature = Signature(<[u8; 64]>::decode(input)?);
        let (extra, (mut era, mut nonce, mut tip, mut signs_metadata)) = (*input, (Era::Immortal, 0, 0, false));
        for extension in runtime.extensions() {
            match extension {
                Extension::Mortality => era = Era::decode(input)?,
                Extension::Nonce => nonce = Compact::<u32>::decode(input)?.0,
                Extension::Payment => tip = Compact::<u64>::decode(input)?.0,
                Extension::MetadataHash => {
                    signs_metadata = match u8::decode(input)? {
                        0 => false,
                        1 => true,
                        _ => return Err(FormatError::Variant),
                    };
                }
                Extension::Empty | Extension::SpecVersion | Extension::TransactionVersion | Extension::Genesis => {}
            }
        }
        let extra = &extra[..extra.len() - input.len()];
        let call = Call::decode(input, runtime)?;
        let explicit = [*input, extra].concat();
        Ok(Self { signer, nonce, tip, era, call, signature, explicit, signs_metadata })
    }

    /// Whether the signer signed this for this runtime and chain, born in the block with hash `birth`.
    pub fn holds(&self, runtime: &Runtime, genesis: [u8; 32], birth: [u8; 32]) -> bool {
        if self.signs_metadata {
            // This node does not compute the metadata's Merkle root.
            return false;
        }
        let mut payload = self.explicit.clone();
        for extension in runtime.extensions() {
            match extension {
                Extension::SpecVersion => payload.extend(runtime.spec_version().encode()),
                Extension::TransactionVersion => payload.extend(runtime.transaction_version().encode()),
                Extension::Genesis => payload.extend(genesis),
                Extension::Mortality => payload.extend(birth),
                Extension::MetadataHash => payload.push(0),
                Extension::Empty | Extension::Nonce | Extension::Payment => {}
            }
        }
        if payload.len() > MAX_PAYLOAD {
            payload = blake2_256(&payload).to_vec();
        }
        self.signer.verify(&payload, &self.signature).is_ok()
    }
}

/// The inherent that sets a block's time: `Timestamp.set`, unsigned.
pub(crate) fn set_time(runtime: &Runtime, time_ms: u64) -> Vec<u8> {
    let mut body = vec![BARE_V4];
    body.extend(runtime.call_index("Timestamp", "set").unwrap_or_default());
    Compact(time_ms).encode_to(&mut body);
    body.encode()
}

/// BLAKE2b with 32 bytes: the hash of headers, extrinsics and long payloads.
pub(crate) fn blake2_256(bytes: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::digest(bytes).into()
}
