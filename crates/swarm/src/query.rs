//! Small questions between nodes, and their answers.
//!
//! In: a question of at most 16 KiB from anybody (hostile). Out: an answer of at most 512 KiB. Everything in an answer is
//! as hostile as in a question: bindings are verified and addresses bounded by whoever asked.

use libp2p::PeerId;
use serde::{Deserialize, Serialize};

use crate::SignedBinding;

/// What a node may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// Whose node are you?
    Binding,
    /// Whom do you know?
    Peers,
    /// Which run is this, and how long are its files?
    Run,
}

/// What a node answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "a handful exist at a time")]
pub enum QueryReply {
    /// Whose node it is, if it is anybody's yet.
    Binding(Option<SignedBinding>),
    /// Peers it knows.
    Peers(Vec<KnownPeer>),
    /// The run it takes part in.
    Run(Option<Box<RunOffer>>),
    /// Not now.
    Refused,
}

/// A peer as another one knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownPeer {
    /// Its network identity.
    pub peer: PeerId,
    /// Multiaddresses as text, unchecked.
    pub addresses: Vec<String>,
    /// Whose it is, if it has said so.
    pub binding: Option<SignedBinding>,
}

/// What somebody who wants to join needs beside blobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOffer {
    /// The signed manifest as JSON.
    pub manifest: Vec<u8>,
    /// Length of the data set's manifest, whose hash stands in the run's.
    pub dataset_bytes: u64,
    /// Length of the tokenizer's file, where it is one.
    pub tokenizer_bytes: Option<u64>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The peer cannot be reached or broke off.
    #[error("the peer did not answer: {0}")]
    Failed(String),
    /// It answered something else, or refused.
    #[error("the peer answered something else than was asked")]
    Unexpected,
    /// It took too long.
    #[error("the peer did not answer in time")]
    TimedOut,
    /// This node has ended.
    #[error("the node has ended")]
    Ended,
}
