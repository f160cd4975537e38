//! What a chain refuses, and why.
//!
//! In: the facts of a refusal. Out: one typed error that crosses the ledger's socket unchanged. Only
//! [`ChainError::Unavailable`] is worth trying again with the same bytes.

use serde::{Deserialize, Serialize};
use types::{BlockNumber, Hash32, Hotkey, Round, SignError};

use crate::Receipt;

/// Why a chain call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChainError {
    /// The key has no uid in this run.
    #[error("{hotkey} is not registered in this run")]
    NotRegistered {
        /// The key.
        hotkey: Hotkey,
    },
    /// The key has a uid, but not the permit.
    #[error("only validators may {operation}")]
    NotPermitted {
        /// What was asked for.
        operation: String,
    },
    /// The record's time is over.
    #[error("round {round} took such records before block {deadline}; this would stand in block {block}")]
    Late {
        /// Round of the record.
        round: Round,
        /// First block in which it is late.
        deadline: BlockNumber,
        /// Block it would have stood in.
        block: BlockNumber,
    },
    /// The record's time has not come.
    #[error("round {round} takes such records from block {opens} on; this would stand in block {block}")]
    Early {
        /// Round of the record.
        round: Round,
        /// First block in which it is allowed.
        opens: BlockNumber,
        /// Block it would have stood in.
        block: BlockNumber,
    },
    /// The key has already said something in this place.
    #[error("this key's record stands already in block {}", receipt.block)]
    Duplicate {
        /// Where the earlier one stands.
        receipt: Receipt,
        /// Whether the earlier one says the same.
        same: bool,
    },
    /// The signature was not made by the key over these bytes for this chain.
    #[error("the signature does not hold")]
    BadSignature,
    /// The transaction's counter is not the next one of its key.
    #[error("the key's next transaction counter is {expected}, got {got}")]
    Nonce {
        /// Next counter.
        expected: u64,
        /// Counter found.
        got: u64,
    },
    /// The other side keeps another chain than the one asked for.
    #[error("expected the chain of {expected}, found {found}")]
    WrongChain {
        /// Genesis hash or run id wanted.
        expected: Hash32,
        /// The one found.
        found: Hash32,
    },
    /// The key has used up what it may publish for now.
    #[error("at most {limit} such transactions per {per}")]
    TooOften {
        /// How many.
        limit: u64,
        /// Per what.
        per: String,
    },
    /// Every uid is taken.
    #[error("all {limit} places are taken")]
    Full {
        /// Number of places.
        limit: u64,
    },
    /// More results than one call may return: ask for fewer blocks.
    #[error("more than {limit} results; ask for fewer blocks")]
    TooWide {
        /// Results a call may return.
        limit: u64,
    },
    /// The request makes no sense.
    #[error("invalid request: {why}")]
    Invalid {
        /// What is wrong with it.
        why: String,
    },
    /// The chain does not answer; the same call may be made again.
    #[error("the chain does not answer: {why}")]
    Unavailable {
        /// What happened.
        why: String,
    },
    /// The chain's file holds something that was never written to it.
    #[error("block {block} does not hold: {why}")]
    Corrupt {
        /// First block that does not hold.
        block: BlockNumber,
        /// What does not hold.
        why: String,
    },
    /// The chain's file cannot be read or written.
    #[error("the ledger's file: {why}")]
    Storage {
        /// What the store said.
        why: String,
    },
    /// The caller's signer gave no signature. Never crosses the socket: signing happens on the caller's side.
    #[serde(skip)]
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl ChainError {
    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Sign(SignError::Unavailable(_)))
    }

    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid { why: why.into() }
    }

    pub(crate) fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable { why: why.into() }
    }

    pub(crate) fn corrupt(block: u64, why: impl Into<String>) -> Self {
        Self::Corrupt { block: BlockNumber(block), why: why.into() }
    }
}
