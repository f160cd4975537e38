//! The chain a run lives on: [`ChainBackend`], and the embedded [`ledger`] with Yuma consensus.
//!
//! In: typed records, a clock and `&dyn Signer`. Out: ordered blocks, registrations, records and pay-outs. This crate
//! holds no key, knows nothing of payloads, and its ledger's credits are worth nothing.

mod backend;
mod error;
pub mod ledger;
pub mod yuma;

pub use backend::{
    ChainBackend, ChainRecord, EpochReward, Head, MAX_EPOCHS, MAX_RECORDS, MAX_UIDS, NetworkInfo, Neuron, Receipt,
    Registration,
};
pub use error::ChainError;
