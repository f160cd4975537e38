//! The training peer: rounds that really train, the validator beside it, and the rehearsal that runs both.
//!
//! In: a run folder (signed manifest, where chain, data and payloads are), commands on stdin, signatures from a signer.
//! Out: payloads, chain records, events as JSON lines. It never holds a private key and reads no app settings.
//!
//! Reading order: [`round`] (the pure machine) → [`train`] (its effects, steered by [`pilot`], timed by [`timeline`]) → [`settlement`] (the set of a round, from the
//! chain alone) → [`trainer`] (the one thread that owns tensors) → [`checkpoint`] → [`validate`] → [`rehearse`].

/// Version of this build, as it stands in handshakes.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long a call is repeated while the ledger does not answer: a killed one is back within seconds.
pub const LEDGER_RETRY: std::time::Duration = std::time::Duration::from_secs(30);

pub mod account_cli;
pub mod bench;
pub mod bucket_cli;
pub mod buckets;
pub mod chain_cli;
pub mod chains;
pub mod cheat;
pub mod checkpoint;
pub mod clock_check;
pub mod command;
pub mod cuda_pack;
pub mod data;
pub mod data_files;
pub mod doctor;
pub mod eval;
pub mod events;
pub mod found;
pub mod gather;
pub mod head;
pub mod import_cli;
pub mod invitation;
pub mod join;
pub mod journal;
pub mod latest;
pub mod ledger;
pub mod lossy;
pub mod metrics;
pub mod moved;
pub mod network;
pub mod outcome;
pub mod pay;
pub mod pilot;
pub mod places;
pub mod rehearse;
pub mod remote_ledger;
pub mod replica;
pub mod report;
pub mod round;
pub mod run_fetch;
pub mod runs_cli;
pub mod sampling;
pub mod seed;
pub mod settlement;
pub mod signing;
pub mod supply;
pub mod timeline;
pub mod train;
pub mod trainer;
pub mod validate;
pub mod whole_file;
