//! What a frame may show, what a user may ask, and how units are written.
//!
//! In: plain facts put together by somebody who listens to the peer. Out: sentences and numbers as text. Window, tray,
//! terminal and screen reader show the same sentence because all of them call [`status_sentence`].
//! No clock (durations come in the snapshot), no I/O, no channels, no memory between two calls.

mod intent;
mod sentence;
mod snapshot;
pub mod units;

pub use intent::{Intent, Rehearsal, StopWhen};
pub use sentence::{
    credits_sentence, loss_sentence, problem_sentence, status_sentence, stop_price_sentence, verdict_sentence,
    waiting_sentence,
};
pub use snapshot::{
    Activity, EvalLoss, Lamp, LampState, PeerRow, Phase, ProblemRow, RunFacts, RunKind, RunSnapshot, Step, VerdictRow,
    Waiting,
};
