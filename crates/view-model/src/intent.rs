//! What a user may ask for. A view returns these and performs nothing.

use serde::{Deserialize, Serialize};

/// Something the user pressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "intent", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Intent {
    /// Try it out: a whole swarm on this machine, no account, no value.
    StartRehearsal(Rehearsal),
    /// End the work.
    Stop {
        /// At once or after the running round.
        when: StopWhen,
    },
    /// Free the GPU and wait.
    Pause {
        /// Resume by itself after so many seconds.
        for_secs: Option<u64>,
    },
    /// Go on after a pause.
    Resume,
    /// End the work and the program.
    Quit,
}

/// Size of a rehearsal; `None` leaves it to the peer, which knows what the machine can do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rehearsal {
    /// Peers that train.
    pub peers: Option<u32>,
    /// Rounds to run.
    pub rounds: Option<u64>,
    /// Inner steps per round.
    pub inner_steps: Option<u32>,
    /// Model preset.
    pub model: Option<String>,
    /// Seed of parameters, keys and assignment.
    pub seed: Option<u64>,
}

/// When a stop takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopWhen {
    /// Finish the running round first.
    EndOfRound,
    /// At once; costs what [`crate::stop_price_sentence`] says.
    Now,
}
