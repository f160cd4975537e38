//! What a Bittensor node or its chain refuses, and why.
//!
//! In: the facts of a failure. Out: one typed error, and what of it a caller of [`chain::ChainBackend`] sees. Texts from a
//! node are hostile: cut, without control characters, and never acted upon beyond a few known codes.

use chain::ChainError;
use types::{Hash32, Hotkey, Rao, SignError};

/// Longest text taken over from a node.
const MAX_TEXT: usize = 300;

/// Why something on Bittensor did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubtensorError {
    /// An address that no node can have, or that would send words in the clear over a network.
    #[error("`{url}` is no endpoint: {why}")]
    BadEndpoint {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The node keeps another chain.
    #[error("expected the chain of {expected}; {endpoint} keeps that of {found}")]
    WrongChain {
        /// The node.
        endpoint: String,
        /// Genesis hash wanted.
        expected: Hash32,
        /// The one found.
        found: Hash32,
    },
    /// No node answers.
    #[error("no Bittensor node answers: {why}")]
    Unavailable {
        /// What each of them said.
        why: String,
    },
    /// One node does not answer, answers nonsense, stands still or lies; another one may do better.
    #[error("{endpoint}: {why}")]
    Endpoint {
        /// The node.
        endpoint: String,
        /// What it did.
        why: String,
    },
    /// Nodes name different hashes for the same finalized block, and nothing tells which of them lies.
    #[error("the nodes disagree about finalized block {block}: one of them lies; {why}")]
    Disagree {
        /// The block.
        block: u64,
        /// Who says what.
        why: String,
    },
    /// The node has forgotten the state of an old block.
    #[error("{endpoint} has no longer the state of that block; an archive endpoint has it")]
    Pruned {
        /// The node.
        endpoint: String,
    },
    /// The runtime has no such item, or it has another shape.
    #[error("this chain has no {item}")]
    Missing {
        /// Its name.
        item: String,
    },
    /// The runtime wants other bytes than the signer builds.
    #[error("this chain's transaction format is not known to this version (runtime {spec_version}: {why})")]
    Format {
        /// The runtime.
        spec_version: u32,
        /// What differs.
        why: String,
    },
    /// The transaction was included and failed.
    #[error("the chain refused it: {pallet}.{name}{}{why}", if why.is_empty() { "" } else { ": " })]
    Dispatch {
        /// Pallet of the error.
        pallet: String,
        /// The error's name.
        name: String,
        /// The runtime's words for it.
        why: String,
    },
    /// The node did not take the transaction.
    #[error("the node refused the transaction: {reason} ({code})")]
    Refused {
        /// JSON-RPC error code.
        code: i32,
        /// Why, in the node's words.
        reason: String,
    },
    /// The transaction was not included in time; it cannot be any more.
    #[error("the transaction was not included before block {death}")]
    Expired {
        /// Chain block in which it became void.
        death: u64,
    },
    /// The subnet wants its weights encrypted until later, which this version cannot do.
    #[error("this subnet takes time-locked weights only")]
    TimeLocked,
    /// The key has no uid on this subnet.
    #[error("{hotkey} is not registered on this subnet")]
    NotRegistered {
        /// The key.
        hotkey: Hotkey,
    },
    /// The key may not set weights.
    #[error("{hotkey} has no validator permit on this subnet")]
    NoPermit {
        /// The key.
        hotkey: Hotkey,
    },
    /// The subnet takes no registrations.
    #[error("this subnet takes no registrations at present")]
    Closed,
    /// A uid costs more than the caller wants to pay.
    #[error("a registration costs {cost} rao, more than the limit of {limit}")]
    TooDear {
        /// Its price.
        cost: Rao,
        /// The caller's limit.
        limit: Rao,
    },
    /// The coldkey cannot pay.
    #[error("a registration costs {cost} rao; the coldkey has {free}")]
    Poor {
        /// Its price.
        cost: Rao,
        /// What there is.
        free: Rao,
    },
    /// The chain's own limit for this kind of transaction.
    #[error("at most {limit} such transactions per {per}")]
    TooOften {
        /// How many.
        limit: u64,
        /// Per what.
        per: String,
    },
    /// What was asked for makes no sense on this chain.
    #[error("invalid request: {why}")]
    Invalid {
        /// What is wrong with it.
        why: String,
    },
    /// The caller's signer gave no signature.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl SubtensorError {
    pub(crate) fn endpoint(endpoint: &str, why: impl std::fmt::Display) -> Self {
        Self::Endpoint { endpoint: endpoint.to_owned(), why: tame(&why.to_string()) }
    }

    pub(crate) fn missing(item: impl Into<String>) -> Self {
        Self::Missing { item: item.into() }
    }

    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid { why: why.into() }
    }

    /// Whether another node may do better.
    pub(crate) fn is_the_endpoints(&self) -> bool {
        matches!(self, Self::Endpoint { .. })
    }
}

impl From<SubtensorError> for ChainError {
    fn from(error: SubtensorError) -> Self {
        match error {
            SubtensorError::WrongChain { expected, found, .. } => Self::WrongChain { expected, found },
            SubtensorError::NotRegistered { hotkey } => Self::NotRegistered { hotkey },
            SubtensorError::NoPermit { .. } => Self::NotPermitted { operation: "set weights".to_owned() },
            SubtensorError::TooOften { limit, per } => Self::TooOften { limit, per },
            SubtensorError::Sign(error) => Self::Sign(error),
            SubtensorError::Unavailable { .. }
            | SubtensorError::Endpoint { .. }
            | SubtensorError::Disagree { .. }
            | SubtensorError::Pruned { .. }
            | SubtensorError::Expired { .. } => Self::Unavailable { why: error.to_string() },
            other => Self::Invalid { why: other.to_string() },
        }
    }
}

/// A node's text, short and without control characters.
pub(crate) fn tame(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}
