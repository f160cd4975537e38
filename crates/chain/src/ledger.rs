//! The embedded ledger: one sequencer, typed transactions, Yuma pay-outs, one file.
//!
//! In: a run's chain parameters, signed transactions, a clock from outside. Out: a hash chain of signed blocks and the
//! queries of [`crate::ChainBackend`]. One sequencer orders everything, so it can withhold or reorder transactions but
//! never forge one; its credits have no value. It opens no TCP port.
//!
//! ```text
//!  Backend<D> ── Request ──► LocalDoor ── Arc<Ledger> (reads) ──► redb file
//!     │  ▲                       └── Mempool ──► Sequencer ── Ledger::append ──┘
//!     └── SocketDoor ── frames ──► Server ──► LocalDoor          (processes of this user)
//!               └────── frames ──► Guests ──► any Backend        (anybody on the internet)
//! ```

mod block;
mod client;
mod codec;
mod connector;
mod door;
mod duty;
#[cfg(test)]
mod fixture;
mod genesis;
mod guests;
mod host;
mod mempool;
mod rules;
mod sequencer;
mod server;
mod state;
mod store;
mod wire;

pub use block::{Block, Call, Transaction};
pub use client::{LedgerClient, SocketDoor};
pub use codec::DecodeError;
pub use connector::{Connector, LocalSocket, Wire};
pub use door::{Backend, InProcess, LocalDoor};
pub use duty::{Duty, Waiting};
pub use genesis::Genesis;
pub use guests::{GuestCounts, GuestError, GuestLimits, Guests};
pub use host::Host;
pub use mempool::{Inbox, Mempool};
pub use sequencer::{Sequencer, SequencerOptions};
pub use server::{ServeOptions, Server};
pub use store::{Draft, Ledger, Sealed};
