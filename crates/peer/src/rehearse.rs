//! Role `rehearse`: a whole swarm on one machine. Real peers, a validator and a ledger, each its own process, train a real
//! model on real text; nothing of it is worth anything, and nothing of it is faked.
//!
//! In: a plan (how many peers, rounds, which cheaters, who leaves or is killed). Out: event lines or a live view, and a
//! summary that was checked against the ledger. It holds the swarm's worthless keys and signs for its children; the
//! children hold none.

mod facts;
mod node;
mod plan;
mod prepare;
pub(crate) mod process;
mod setting;
mod summary;
mod swarm;
mod view;

pub use facts::Facts;
pub use node::{NodeError, NodeProcess};
pub use plan::{Plan, PlanError, PlanInput, inner_params, rehearsal_gauntlet, sparseloco_params};
pub(crate) use prepare::socket_path;
pub use prepare::{PrepareError, Prepared, cache_dir, fetched_text, prepare, sweep_old_rehearsals};
pub use setting::{ChainKind, Disturb, Disturbance, ExchangeKind};
pub use swarm::{App, RehearseError, Show, rehearse};
