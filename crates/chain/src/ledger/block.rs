//! Blocks and transactions, and their bytes.
//!
//! In: typed values or hostile bytes. Out: the other one. It checks shape and length, not whether a signature or a rule
//! holds.
//!
//! ```text
//! transaction: kind u8 · hotkey 32 · nonce u64 · body · signature 64
//!   body of 1 register: –    2 publish: record length u8, record    3 set-weights: count u16, count x (uid u16, weight u16)
//! block: "CVLB" 01 · number u64 · parent 32 · time u64 ms · state 32
//!        · genesis length u32, JSON · reward length u32, reward · count u32, count x (length u32, transaction)
//!        · signature 64
//! reward: minted · owner · burned u64 · count u16, count x (uid u16, u64) of the miners · the same of the validators
//! ```
//! Integers are little-endian. A block's hash is the BLAKE3 of everything before its signature. `state` is the hash of the
//! rules' state after the block, in every [`SNAPSHOT_EVERY`]th block, and zero in the others.

use serde::{Deserialize, Serialize};
use types::{BlockNumber, Hash32, Hotkey, MAX_RECORD_BYTES, Rao, Record, SignPayload, Signature, Uid};

use super::codec::{DecodeError, Reader, Writer};
use super::genesis::MAX_GENESIS_BYTES;
use crate::{EpochReward, MAX_UIDS};

/// Transactions a block takes.
pub(crate) const MAX_TRANSACTIONS: usize = 512;
/// Longest transaction: a full weight vector.
pub(crate) const MAX_TRANSACTION_BYTES: usize = 1 + 32 + 8 + 2 + 4 * MAX_UIDS + 64;
/// A block with this number (and multiples of it) carries the hash of the state.
pub(crate) const SNAPSHOT_EVERY: u64 = 64;
const MAX_REWARD_BYTES: usize = 24 + 4 + 2 * 10 * MAX_UIDS;
const MAGIC: &[u8; 5] = b"CVLB\x01";

/// What a key asks the ledger to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Give this key a uid.
    Register,
    /// Put a record on chain.
    Publish(Record),
    /// Replace a validator's weights.
    SetWeights(Vec<(Uid, u16)>),
}

/// A signed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Whose it is.
    pub hotkey: Hotkey,
    /// The key's transaction counter, from 0.
    pub nonce: u64,
    /// What is asked for.
    pub call: Call,
    /// The key's signature over [`Transaction::payload`].
    pub signature: Signature,
}

impl Call {
    /// What the key signs to ask for this.
    pub fn payload(&self, genesis: Hash32, nonce: u64) -> SignPayload {
        match self {
            Self::Register => SignPayload::Register { genesis, nonce },
            Self::Publish(record) => SignPayload::Publish { genesis, nonce, record: record.clone() },
            Self::SetWeights(weights) => SignPayload::SetWeights { genesis, nonce, weights: weights.clone() },
        }
    }
}

impl Transaction {
    /// What the key signed.
    pub fn payload(&self, genesis: Hash32) -> SignPayload {
        self.call.payload(genesis, self.nonce)
    }

    /// Identity without the (randomised) signature: two transactions with the same one ask for the same.
    pub(crate) fn identity(&self) -> Hash32 {
        let bytes = self.to_bytes();
        Hash32::of(&bytes[..bytes.len() - 64])
    }

    /// The transaction's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(match &self.call {
            Call::Register => 1,
            Call::Publish(_) => 2,
            Call::SetWeights(_) => 3,
        });
        out.bytes(&self.hotkey.0);
        out.u64(self.nonce);
        match &self.call {
            Call::Register => {}
            Call::Publish(record) => {
                let record = record.to_bytes();
                out.u8(record.len() as u8);
                out.bytes(&record);
            }
            Call::SetWeights(weights) => {
                out.u16(weights.len() as u16);
                for (uid, weight) in weights {
                    out.u16(uid.0);
                    out.u16(*weight);
                }
            }
        }
        out.bytes(&self.signature.0);
        out.0
    }

    /// Reads a transaction.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but the exact bytes of one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_TRANSACTION_BYTES {
            let (got, limit) = (bytes.len(), MAX_TRANSACTION_BYTES);
            return Err(DecodeError::TooMany { what: "transaction bytes", got, limit });
        }
        let mut r = Reader::new(bytes);
        let kind = r.u8()?;
        let hotkey = Hotkey(r.array()?);
        let nonce = r.u64()?;
        let call = match kind {
            1 => Call::Register,
            2 => {
                let n = usize::from(r.u8()?);
                if n > MAX_RECORD_BYTES {
                    return Err(DecodeError::TooMany { what: "record bytes", got: n, limit: MAX_RECORD_BYTES });
                }
                Call::Publish(Record::from_bytes(r.take(n)?).map_err(|_| DecodeError::Field { what: "record" })?)
            }
            3 => {
                let n = usize::from(r.u16()?);
                if n > MAX_UIDS {
                    return Err(DecodeError::TooMany { what: "weights", got: n, limit: MAX_UIDS });
                }
                let pairs = (0..n).map(|_| Ok((Uid(r.u16()?), r.u16()?))).collect::<Result<_, DecodeError>>()?;
                Call::SetWeights(pairs)
            }
            _ => return Err(DecodeError::Field { what: "transaction kind" }),
        };
        let signature = Signature(r.array()?);
        r.end()?;
        Ok(Self { hotkey, nonce, call, signature })
    }
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its height.
    pub number: BlockNumber,
    /// Hash of the block before; zero in block 0.
    pub parent: Hash32,
    /// Milliseconds since 1970; never before the parent's.
    pub time_ms: u64,
    /// Hash of the state after this block where there is one, else zero.
    pub state: Hash32,
    /// The genesis parameters in block 0, else empty.
    pub genesis: Vec<u8>,
    /// The pay-out at the end of this block, if it ends an epoch.
    pub reward: Option<EpochReward>,
    /// Transactions in order.
    pub transactions: Vec<Transaction>,
    /// The sequencer's signature over [`Block::payload`].
    pub signature: Signature,
}

impl Block {
    /// The block's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.unsigned();
        out.bytes(&self.signature.0);
        out.0
    }

    /// BLAKE3 of the block without its signature.
    pub fn hash(&self) -> Hash32 {
        Hash32::of(&self.unsigned().0)
    }

    /// What the sequencer signs; `genesis` is the hash of block 0, and zero for block 0 itself.
    pub fn payload(&self, genesis: Hash32) -> SignPayload {
        let genesis = if self.number.0 == 0 { Hash32::default() } else { genesis };
        SignPayload::Block { genesis, digest: self.hash() }
    }

    fn unsigned(&self) -> Writer {
        let mut out = Writer::default();
        out.bytes(MAGIC);
        out.u64(self.number.0);
        out.bytes(&self.parent.0);
        out.u64(self.time_ms);
        out.bytes(&self.state.0);
        out.blob(&self.genesis);
        out.blob(&self.reward.as_ref().map(reward_bytes).unwrap_or_default());
        out.u32(self.transactions.len() as u32);
        for transaction in &self.transactions {
            out.blob(&transaction.to_bytes());
        }
        out
    }

    /// Reads a block.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but the exact bytes of one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.take(MAGIC.len())? != MAGIC {
            return Err(DecodeError::Field { what: "block version" });
        }
        let number = BlockNumber(r.u64()?);
        let parent = r.hash()?;
        let time_ms = r.u64()?;
        let state = r.hash()?;
        let genesis = r.blob("genesis bytes", MAX_GENESIS_BYTES)?.to_vec();
        let reward = match r.blob("reward bytes", MAX_REWARD_BYTES)? {
            [] => None,
            bytes => Some(reward_from_bytes(number, bytes)?),
        };
        let count = r.count("transactions", MAX_TRANSACTIONS)?;
        let mut transactions = Vec::new();
        for _ in 0..count {
            transactions.push(Transaction::from_bytes(r.blob("transaction bytes", MAX_TRANSACTION_BYTES)?)?);
        }
        let signature = Signature(r.array()?);
        r.end()?;
        Ok(Self { number, parent, time_ms, state, genesis, reward, transactions, signature })
    }
}

pub(crate) fn reward_bytes(reward: &EpochReward) -> Vec<u8> {
    let mut out = Writer::default();
    for amount in [reward.minted, reward.owner, reward.burned] {
        out.u64(amount.0);
    }
    for pay in [&reward.miner, &reward.validator] {
        out.u16(pay.len() as u16);
        for (uid, amount) in pay {
            out.u16(uid.0);
            out.u64(amount.0);
        }
    }
    out.0
}

pub(crate) fn reward_from_bytes(block: BlockNumber, bytes: &[u8]) -> Result<EpochReward, DecodeError> {
    let mut r = Reader::new(bytes);
    let (minted, owner, burned) = (Rao(r.u64()?), Rao(r.u64()?), Rao(r.u64()?));
    let mut pay = || {
        let n = usize::from(r.u16()?);
        if n > MAX_UIDS {
            return Err(DecodeError::TooMany { what: "paid uids", got: n, limit: MAX_UIDS });
        }
        (0..n).map(|_| Ok((Uid(r.u16()?), Rao(r.u64()?)))).collect::<Result<Vec<_>, DecodeError>>()
    };
    let (miner, validator) = (pay()?, pay()?);
    r.end()?;
    Ok(EpochReward { block, minted, owner, burned, miner, validator })
}

/// How a transaction travels over the socket and lies in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HexTransaction(pub(crate) Transaction);

impl Serialize for HexTransaction {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(self.0.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for HexTransaction {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let bytes = hex::decode(String::deserialize(d)?).map_err(serde::de::Error::custom)?;
        Transaction::from_bytes(&bytes).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
