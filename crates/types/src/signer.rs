//! The signer's typed operations. A peer asks for a signature over one of these; it never holds the key.
//!
//! In: a typed payload. Out: the exact bytes that are signed, each with its own domain so that one kind of signature can
//! never pass for another. The key itself lives behind the [`Signer`] trait (wallet, or a signer process).

use serde::{Deserialize, Serialize};

use crate::{Announcement, Extrinsic, Hash32, Hotkey, PeerBinding, Record, Round, RunId, Signature, Uid};

/// What a signer may be asked to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignPayload {
    /// A submission container of this run and round; `digest` is BLAKE3 of all its bytes before the signature.
    Submission {
        /// The run.
        run: RunId,
        /// The round.
        round: Round,
        /// BLAKE3 of the container without its signature.
        digest: Hash32,
    },
    /// A record published on the embedded ledger.
    Publish {
        /// Hash of the ledger's genesis block: no replay on another ledger.
        genesis: Hash32,
        /// The key's transaction counter.
        nonce: u64,
        /// What is published.
        record: Record,
    },
    /// Registration on the embedded ledger.
    Register {
        /// Hash of the ledger's genesis block.
        genesis: Hash32,
        /// The key's transaction counter.
        nonce: u64,
    },
    /// A validator's weights on the embedded ledger.
    SetWeights {
        /// Hash of the ledger's genesis block.
        genesis: Hash32,
        /// The key's transaction counter.
        nonce: u64,
        /// `(uid, weight)`, weights in parts of 65,535; what is missing to the whole is burned.
        weights: Vec<(Uid, u16)>,
    },
    /// A ledger block, signed by the sequencer; `digest` is BLAKE3 of the block without its signature.
    Block {
        /// Hash of the genesis block (zero in the genesis block itself).
        genesis: Hash32,
        /// BLAKE3 of the block without its signature.
        digest: Hash32,
    },
    /// A run manifest, signed by its founder.
    Manifest {
        /// The manifest's id.
        run: RunId,
    },
    /// "This hotkey speaks through that network key": both keys sign the same bytes.
    PeerBinding(PeerBinding),
    /// "My payload of this round can be had", told to everybody who gossips.
    Announcement(Announcement),
    /// A Bittensor transaction. Its bytes are Substrate's and not Covey's: see [`Extrinsic::payload`].
    Extrinsic(Extrinsic),
}

impl SignPayload {
    /// The operation's name, as it stands in the signed bytes and in the signer's audit log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Submission { .. } => "submission",
            Self::Publish { .. } => "publish",
            Self::Register { .. } => "register",
            Self::SetWeights { .. } => "set-weights",
            Self::Block { .. } => "block",
            Self::Manifest { .. } => "manifest",
            Self::PeerBinding(_) => "peer-binding",
            Self::Announcement(_) => "announcement",
            Self::Extrinsic(extrinsic) => extrinsic.call.operation(),
        }
    }

    /// The bytes that are signed: `covey/v1/<operation>\0`, then every field in order, integers little-endian. Those of
    /// a Bittensor transaction are what Substrate signs.
    pub fn to_bytes(&self) -> Vec<u8> {
        if let Self::Extrinsic(extrinsic) = self {
            return extrinsic.payload();
        }
        let mut out = Vec::with_capacity(160);
        out.extend_from_slice(b"covey/v1/");
        out.extend_from_slice(self.operation().as_bytes());
        out.push(0);
        match self {
            Self::Submission { run, round, digest } => {
                out.extend_from_slice(&run.0.0);
                out.extend_from_slice(&round.0.to_le_bytes());
                out.extend_from_slice(&digest.0);
            }
            Self::Publish { genesis, nonce, record } => {
                out.extend_from_slice(&genesis.0);
                out.extend_from_slice(&nonce.to_le_bytes());
                out.extend_from_slice(&record.to_bytes());
            }
            Self::Register { genesis, nonce } => {
                out.extend_from_slice(&genesis.0);
                out.extend_from_slice(&nonce.to_le_bytes());
            }
            Self::SetWeights { genesis, nonce, weights } => {
                out.extend_from_slice(&genesis.0);
                out.extend_from_slice(&nonce.to_le_bytes());
                for (uid, weight) in weights {
                    out.extend_from_slice(&uid.0.to_le_bytes());
                    out.extend_from_slice(&weight.to_le_bytes());
                }
            }
            Self::Block { genesis, digest } => {
                out.extend_from_slice(&genesis.0);
                out.extend_from_slice(&digest.0);
            }
            Self::Manifest { run } => out.extend_from_slice(&run.0.0),
            Self::PeerBinding(binding) => binding.put(&mut out),
            Self::Announcement(announcement) => announcement.put(&mut out),
            Self::Extrinsic(_) => {}
        }
        out
    }
}

/// Why no signature was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The signer does not sign this kind of payload, or not so often.
    #[error("the signer refused to sign a {operation}: {reason}")]
    Refused {
        /// The operation asked for.
        operation: String,
        /// Why.
        reason: String,
    },
    /// The signer process is gone or does not answer.
    #[error("the signer does not answer: {0}")]
    Unavailable(String),
}

/// Signs typed payloads with one hotkey. Cancel-safe: a dropped call leaves nothing half done.
#[async_trait::async_trait]
pub trait Signer: Send + Sync {
    /// The public key whose signatures this gives.
    fn hotkey(&self) -> Hotkey;

    /// A signature over [`SignPayload::to_bytes`].
    async fn sign(&self, payload: &SignPayload) -> Result<Signature, SignError>;
}
