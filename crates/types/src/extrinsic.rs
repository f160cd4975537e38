//! The Bittensor transactions a signer may sign, and the exact bytes of each.
//!
//! In: one of four typed calls and where it may stand. Out: the bytes that Substrate wants signed, and the transaction
//! with its signature. The bytes are built here, from numbers, and never taken from the caller: whoever asks for a
//! signature cannot get one over a transfer or a change of stake. A chain that numbers its calls or orders its
//! extensions otherwise gets bytes it refuses; the chain client compares both before it asks (wallet-chain recipe §8).

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Hash32, Hotkey, MAX_RECORD_BYTES, Rao, Signature, Uid};

/// Most weights one transaction sets: one per uid.
const MAX_WEIGHTS: usize = 256;
/// A payload longer than this is hashed before it is signed (Substrate).
const MAX_PLAIN_PAYLOAD: usize = 256;
/// Index of pallet `SubtensorModule` in Bittensor's runtime.
const SUBTENSOR_MODULE: u8 = 7;
/// Index of pallet `Commitments`.
const COMMITMENTS: u8 = 18;
/// Call indices: `SubtensorModule.set_weights`, `.burned_register`, `.register_limit`, `Commitments.set_commitment`.
const SET_WEIGHTS: u8 = 0;
const BURNED_REGISTER: u8 = 7;
const REGISTER_LIMIT: u8 = 134;
const SET_COMMITMENT: u8 = 0;

/// Values that no such transaction can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtrinsicError {
    /// A life that Substrate cannot express exactly.
    #[error("a transaction born in block {block} cannot live {period} blocks")]
    Era {
        /// Life in blocks.
        period: u32,
        /// Block of birth.
        block: u64,
    },
    /// More than one commitment field holds.
    #[error("a commitment holds at most {MAX_RECORD_BYTES} bytes, got {got}")]
    CommitTooLong {
        /// Bytes given.
        got: usize,
    },
    /// Too many weights, or uids that do not ascend.
    #[error("weights: at most {MAX_WEIGHTS}, uids ascending")]
    Weights,
}

/// From which block on and how long a transaction may be included. There is no immortal one here: a signature that was
/// given and not used dies within days at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "EraFields", into = "EraFields")]
pub struct Era {
    period: u32,
    block: u64,
    birth: Hash32,
}

/// An era as it travels.
#[derive(Serialize, Deserialize)]
struct EraFields {
    period: u32,
    block: u64,
    birth: Hash32,
}

impl TryFrom<EraFields> for Era {
    type Error = ExtrinsicError;

    fn try_from(f: EraFields) -> Result<Self, ExtrinsicError> {
        Self::mortal(f.period, f.block, f.birth)
    }
}

impl From<Era> for EraFields {
    fn from(era: Era) -> Self {
        Self { period: era.period, block: era.block, birth: era.birth }
    }
}

impl Era {
    /// Valid in the `period` blocks from chain block `block` on, whose hash is `birth`.
    ///
    /// # Errors
    /// [`ExtrinsicError::Era`] if `period` is no power of two in 4..=65,536, or if `block` is no multiple of
    /// `period / 4096`: Substrate would round it down to another birth.
    pub fn mortal(period: u32, block: u64, birth: Hash32) -> Result<Self, ExtrinsicError> {
        let sound = period.is_power_of_two() && (4..=65_536).contains(&period);
        if sound && block.is_multiple_of(quantum(period)) {
            Ok(Self { period, block, birth })
        } else {
            Err(ExtrinsicError::Era { period, block })
        }
    }

    /// First chain block in which the transaction is too old.
    pub fn death(&self) -> u64 {
        self.block.saturating_add(u64::from(self.period))
    }

    /// Life in blocks.
    pub fn period(&self) -> u32 {
        self.period
    }

    /// Chain block it is born in.
    pub fn block(&self) -> u64 {
        self.block
    }

    /// Hash of the block it is born in.
    pub fn birth(&self) -> Hash32 {
        self.birth
    }

    /// Substrate's two bytes: the period's logarithm in the lower four bits, the phase above.
    fn bytes(&self) -> [u8; 2] {
        let phase = (self.block % u64::from(self.period)) / quantum(self.period);
        let low = (self.period.trailing_zeros() as u16 - 1).clamp(1, 15);
        (low | (phase as u16) << 4).to_le_bytes()
    }
}

/// Step of the phase: Substrate keeps twelve bits of it.
fn quantum(period: u32) -> u64 {
    u64::from((period >> 12).max(1))
}

/// At most 128 bytes for one commitment field; hex in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitData(Vec<u8>);

impl CommitData {
    /// # Errors
    /// [`ExtrinsicError::CommitTooLong`] for more than 128 bytes.
    pub fn new(bytes: Vec<u8>) -> Result<Self, ExtrinsicError> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(ExtrinsicError::CommitTooLong { got: bytes.len() });
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for CommitData {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for CommitData {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        if text.len() > 2 * MAX_RECORD_BYTES {
            return Err(de::Error::custom(ExtrinsicError::CommitTooLong { got: text.len() / 2 }));
        }
        hex::decode(&text).map(Self).map_err(|_| de::Error::custom("a commitment: not hex"))
    }
}

/// At most 256 weights, uids ascending; parts of 65,535.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(Uid, u16)>", into = "Vec<(Uid, u16)>")]
pub struct Weights(Vec<(Uid, u16)>);

impl Weights {
    /// # Errors
    /// [`ExtrinsicError::Weights`] for more than 256, or uids that do not ascend.
    pub fn new(weights: Vec<(Uid, u16)>) -> Result<Self, ExtrinsicError> {
        Self::try_from(weights)
    }

    /// The weights.
    pub fn as_slice(&self) -> &[(Uid, u16)] {
        &self.0
    }
}

impl TryFrom<Vec<(Uid, u16)>> for Weights {
    type Error = ExtrinsicError;

    fn try_from(weights: Vec<(Uid, u16)>) -> Result<Self, ExtrinsicError> {
        let sound = weights.len() <= MAX_WEIGHTS && weights.windows(2).all(|w| w[0].0 < w[1].0);
        if sound { Ok(Self(weights)) } else { Err(ExtrinsicError::Weights) }
    }
}

impl From<Weights> for Vec<(Uid, u16)> {
    fn from(weights: Weights) -> Self {
        weights.0
    }
}

/// What the transaction does. Nothing here moves money except the price of a registration, which the chain keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum SubtensorCall {
    /// `Commitments.set_commitment` with one raw field: the signer's hotkey says something on a subnet.
    Commit {
        /// The subnet.
        netuid: u16,
        /// What is said.
        data: CommitData,
    },
    /// `SubtensorModule.set_weights`, signed by a validator's hotkey.
    SetWeights {
        /// The subnet.
        netuid: u16,
        /// The weights.
        weights: Weights,
        /// The subnet's `WeightsVersionKey`.
        version_key: u64,
    },
    /// `SubtensorModule.burned_register`, signed by a coldkey: a uid at whatever it costs in that block.
    Register {
        /// The subnet.
        netuid: u16,
        /// The key that gets the uid.
        hotkey: Hotkey,
    },
    /// `SubtensorModule.register_limit`, signed by a coldkey: a uid, unless it costs more than this.
    RegisterLimit {
        /// The subnet.
        netuid: u16,
        /// The key that gets the uid.
        hotkey: Hotkey,
        /// Most it may cost.
        limit_price: Rao,
    },
}

impl SubtensorCall {
    /// The call's SCALE bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        match self {
            Self::Commit { netuid, data } => {
                out.extend_from_slice(&[COMMITMENTS, SET_COMMITMENT]);
                out.extend_from_slice(&netuid.to_le_bytes());
                // One field; `Data::RawN` is variant N + 1 and has no length of its own.
                put_compact(&mut out, 1);
                out.push(data.0.len() as u8 + 1);
                out.extend_from_slice(&data.0);
            }
            Self::SetWeights { netuid, weights, version_key } => {
                out.extend_from_slice(&[SUBTENSOR_MODULE, SET_WEIGHTS]);
                out.extend_from_slice(&netuid.to_le_bytes());
                put_compact(&mut out, weights.0.len() as u32);
                weights.0.iter().for_each(|(uid, _)| out.extend_from_slice(&uid.0.to_le_bytes()));
                put_compact(&mut out, weights.0.len() as u32);
                weights.0.iter().for_each(|(_, weight)| out.extend_from_slice(&weight.to_le_bytes()));
                out.extend_from_slice(&version_key.to_le_bytes());
            }
            Self::Register { netuid, hotkey } => {
                out.extend_from_slice(&[SUBTENSOR_MODULE, BURNED_REGISTER]);
                out.extend_from_slice(&netuid.to_le_bytes());
                out.extend_from_slice(&hotkey.0);
            }
            Self::RegisterLimit { netuid, hotkey, limit_price } => {
                out.extend_from_slice(&[SUBTENSOR_MODULE, REGISTER_LIMIT]);
                out.extend_from_slice(&netuid.to_le_bytes());
                out.extend_from_slice(&hotkey.0);
                out.extend_from_slice(&limit_price.0.to_le_bytes());
            }
        }
        out
    }

    /// Pallet and call as Bittensor's metadata names them.
    pub fn path(&self) -> (&'static str, &'static str) {
        match self {
            Self::Commit { .. } => ("Commitments", "set_commitment"),
            Self::SetWeights { .. } => ("SubtensorModule", "set_weights"),
            Self::Register { .. } => ("SubtensorModule", "burned_register"),
            Self::RegisterLimit { .. } => ("SubtensorModule", "register_limit"),
        }
    }

    /// The subnet it speaks to.
    pub fn netuid(&self) -> u16 {
        match self {
            Self::Commit { netuid, .. }
            | Self::SetWeights { netuid, .. }
            | Self::Register { netuid, .. }
            | Self::RegisterLimit { netuid, .. } => *netuid,
        }
    }

    /// The operation's name in the signer's rules and audit log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Commit { .. } => "extrinsic-commit",
            Self::SetWeights { .. } => "extrinsic-set-weights",
            Self::Register { .. } | Self::RegisterLimit { .. } => "extrinsic-register",
        }
    }
}

/// A Bittensor transaction before it is signed. No tip; no metadata hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extrinsic {
    /// Hash of the chain's first block.
    pub genesis: Hash32,
    /// The runtime it is made for.
    pub spec_version: u32,
    /// That runtime's transaction format.
    pub transaction_version: u32,
    /// The key's transaction counter.
    pub nonce: u32,
    /// When it may be included.
    pub era: Era,
    /// What it does.
    pub call: SubtensorCall,
}

impl Extrinsic {
    /// The bytes that are signed: the call, the extensions' values, what they imply; BLAKE2b-256 of that if it is longer
    /// than 256 bytes. It starts with the pallet's index or has exactly 32 bytes, so it is none of Covey's own payloads.
    pub fn payload(&self) -> Vec<u8> {
        let mut out = self.call.to_bytes();
        self.put_extra(&mut out);
        out.extend_from_slice(&self.spec_version.to_le_bytes());
        out.extend_from_slice(&self.transaction_version.to_le_bytes());
        out.extend_from_slice(&self.genesis.0);
        out.extend_from_slice(&self.era.birth.0);
        // CheckMetadataHash implies no hash.
        out.push(0);
        if out.len() > MAX_PLAIN_PAYLOAD {
            out = Blake2b::<U32>::digest(&out).to_vec();
        }
        out
    }

    /// The transaction as a node takes it: version 4, signed by `key` with sr25519.
    pub fn signed(&self, key: &Hotkey, signature: &Signature) -> Vec<u8> {
        let mut body = vec![0x84, 0];
        body.extend_from_slice(&key.0);
        body.push(1);
        body.extend_from_slice(&signature.0);
        self.put_extra(&mut body);
        body.extend_from_slice(&self.call.to_bytes());
        let mut out = Vec::with_capacity(body.len() + 4);
        put_compact(&mut out, body.len() as u32);
        out.extend_from_slice(&body);
        out
    }

    /// Values of the extensions that have any, in Bittensor's order: CheckMortality, CheckNonce,
    /// ChargeTransactionPayment (tip 0), CheckMetadataHash (disabled).
    fn put_extra(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.era.bytes());
        put_compact(out, self.nonce);
        put_compact(out, 0);
        out.push(0);
    }
}

/// SCALE's compact integer.
fn put_compact(out: &mut Vec<u8>, value: u32) {
    match value {
        0..=0x3f => out.push((value as u8) << 2),
        0x40..=0x3fff => out.extend_from_slice(&((value as u16) << 2 | 1).to_le_bytes()),
        0x4000..=0x3fff_ffff => out.extend_from_slice(&(value << 2 | 2).to_le_bytes()),
        _ => {
            out.push(3);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
