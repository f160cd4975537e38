//! Why the node does not answer or does not take an extrinsic, in the words and numbers of Substrate.
//!
//! In: a typed reason. Out: JSON-RPC code, message and data, as `sc-rpc-api` and `sp-runtime` have them.

use jsonrpsee::types::ErrorObjectOwned;

use crate::extrinsic::FormatError;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The extrinsic's bytes.
    #[error("Extrinsic has invalid format: {0}")]
    Format(#[from] FormatError),
    /// The signature, or what it was made over: chain, versions, block of birth.
    #[error("Transaction has a bad signature")]
    BadProof,
    /// The counter was used already.
    #[error("Transaction is outdated")]
    Stale,
    /// The balance does not pay the fee.
    #[error("Inability to pay some fees (e.g. account balance too low)")]
    Payment,
    /// Its era began so long ago that nobody knows the block any more.
    #[error("Transaction has an ancient birth block")]
    AncientBirth,
    /// It waits already.
    #[error("Transaction Already Imported")]
    AlreadyImported,
    /// Another with the same counter waits and tips as much.
    #[error("Priority is too low")]
    LowPriority,
    /// Too many wait.
    #[error("Immediately Dropped")]
    Full,
    /// No such block.
    #[error("UnknownBlock: Header was not found in the database: {0}")]
    UnknownBlock(String),
    /// The block's state is gone.
    #[error("UnknownBlock: State already discarded for {0}")]
    Discarded(String),
    /// A runtime API that is not there, or arguments that it does not take.
    #[error("Execution failed: {0}")]
    Execution(String),
    /// Parameters that the method does not take.
    #[error("{0}")]
    Params(String),
    /// A knob that cannot be turned that way now.
    #[error("{0}")]
    Knob(String),
    /// No such method, or one that the scenario takes away.
    #[error("Method not found")]
    Method,
    /// The node's own file could not be written.
    #[error("{0}")]
    Storage(String),
}

impl Refusal {
    /// Code, message, data.
    pub fn parts(&self) -> (i32, String, Option<String>) {
        let said = self.to_string();
        let invalid = |said| (1010, "Invalid Transaction".into(), Some(said));
        match self {
            Self::Format(_) => (1001, said, None),
            Self::BadProof | Self::Stale | Self::Payment | Self::AncientBirth => invalid(said),
            Self::AlreadyImported => (1013, said, None),
            Self::LowPriority => {
                let why = "The transaction has too low priority to replace another transaction already in the pool.";
                (1014, said, Some(why.into()))
            }
            Self::Full => (1016, said, Some("The transaction couldn't enter the pool because of the limit".into())),
            Self::UnknownBlock(_) | Self::Discarded(_) | Self::Execution(_) => {
                (4003, format!("Client error: {said}"), None)
            }
            Self::Params(_) => (-32602, "Invalid params".into(), Some(said)),
            Self::Knob(_) => (-32000, said, None),
            Self::Method => (-32601, said, None),
            Self::Storage(_) => (-32603, "Internal error".into(), Some(said)),
        }
    }
}

impl From<Refusal> for ErrorObjectOwned {
    fn from(refusal: Refusal) -> Self {
        let (code, message, data) = refusal.parts();
        Self::owned(code, message, data)
    }
}
