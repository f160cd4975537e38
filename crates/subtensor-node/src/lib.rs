//! A Subtensor node for tests: real metadata and SCALE, made-up economy, loopback only.
//!
//! In: a [`Config`] and what clients send. Out: a chain of one subnet over JSON-RPC, as subxt's legacy backend and other
//! Substrate clients speak it. Extrinsics are decoded by finney's metadata and verified as a node does; of the pallets only
//! what Covey uses is there. A scenario can make the chain reorganise or upgrade ([`Action`], [`Shared`]) and an endpoint
//! misbehave ([`Knobs`]). Nothing here is worth anything, and nothing of it is shipped.
//!
//! `runtime` reads the metadata, `extrinsic` and `call` read what clients send, `layer` and `store` hold states, `dispatch`
//! and `epoch` change them, `chain` makes blocks, `view` shows them, `rpc` and `gate` serve them.

mod api;
mod call;
mod chain;
mod config;
mod dispatch;
mod epoch;
mod events;
mod extrinsic;
mod gate;
mod genesis;
mod layer;
mod node;
mod pool;
mod refusal;
mod rpc;
mod runtime;
mod shared;
mod store;
mod view;

pub use call::Call;
pub use chain::{Action, Plan};
pub use config::Config;
pub use extrinsic::{Era, FormatError, MAX_EXTRINSIC, Signed};
pub use genesis::{Endowment, Genesis, Seat};
pub use node::Node;
pub use refusal::Refusal;
pub use rpc::{METHODS, answer};
pub use runtime::{FINNEY, Runtime};
pub use shared::Shared;
pub use view::{Knobs, View};

/// Why there is no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The metadata is not what this node can serve.
    #[error("unusable metadata: {0}")]
    Metadata(String),
    /// The genesis describes no possible chain.
    #[error("impossible genesis: {0}")]
    Genesis(String),
    /// The state file.
    #[error("state file: {0}")]
    State(String),
    /// Addresses and methods.
    #[error("cannot serve: {0}")]
    Serve(String),
}
