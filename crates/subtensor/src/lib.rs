//! Bittensor as a chain: reads, typed extrinsics and pay-outs over an untrusted node.
//!
//! In: endpoints, which chain and subnet are meant, typed records and `&dyn Signer`. Out: [`chain::ChainBackend`] in the
//! run's own block numbers, a key's [`Status`], commitments, weights, registrations. No key is held here, and no byte is
//! signed that the signer did not build itself. Nodes may be gone, slow, behind, forgetful, of another chain, or lying:
//! each of these has its own error.

mod backend;
mod client;
mod error;
mod history;
mod node;
mod pool;
mod read;
mod runtime;
mod scale;
mod send;
mod sieve;
mod status;
mod watch;
mod wire;

pub use backend::SubtensorBackend;
pub use client::Subtensor;
pub use error::SubtensorError;
pub use node::header_in;
pub use pool::{EndpointState, MAX_ENDPOINTS};
pub use runtime::Runtime;
pub use scale::ScaleError;
pub use status::{Quote, Status};
pub use subxt::metadata::Metadata;
pub use types::{BucketCommitment, BucketCommitmentError};
pub use watch::Health;
pub use wire::{BlockEvents, Commitment, Failure, Incentive, commitment_in, committed, read_events};
