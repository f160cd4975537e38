//! Gauntlet validation as pure functions: filters, loss scores, ratings, slashing, weights, and the one state they need.
//!
//! In: what a validator measured and read from the chain. Out: one verdict per peer and round, the next gather list, the
//! scores weights are made of. It measures no loss itself, opens no socket, reads no clock and draws no randomness.

mod filter;
mod lamps;
pub mod loss_score;
pub mod openskill;
pub mod overlap;
mod score;
mod slash;
mod state;
pub mod sync;
mod weights;

pub use filter::{Candidate, CommitOrder, filter_set, lower_median};
pub use lamps::{Lamp, LampState, OwnCheck, hold_back, lamps};
pub use loss_score::{Improvement, LossSample};
pub use openskill::{PlackettLuce, Rating, TieRule};
pub use overlap::{Blame, OverlapLevel, blame, is_resent};
pub use score::{bma, final_score};
pub use slash::{SCORE_FLOOR, Slash};
pub use state::{
    CommitFacts, Exclusion, PeerFacts, PeerJudgement, PeerRecord, RoundFacts, RoundJudgement, STATE_VERSION, State,
    StateError,
};
pub use weights::{WEIGHT_SUM, weights};
