//! What the app says to the peer.
//!
//! A line is `{"id":7,"command":{"kind":"pause"}}`. Every command but [`Command::Hello`] and [`Command::SignReply`] is
//! answered with [`crate::Event::Ack`], [`crate::Event::Refused`] or what it asks for, naming the `id`.
//! No command carries a secret: keys stay with the signer.

use serde::{Deserialize, Serialize};
use types::{ByteCount, Hotkey, Signature};

use crate::Hello;

/// A command as it stands on a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandLine {
    /// The app's counter; answers name it.
    pub id: u64,
    /// What is asked.
    pub command: Command,
}

/// What the app may ask of a peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Command {
    /// The first line; never changes.
    Hello(Hello),
    /// Begin work. The peer works in its current folder; it reads no settings of the app.
    Start(Box<Start>),
    /// Free the GPU at the next micro-batch edge and wait; [`crate::Event::Paused`] says that it is free.
    Pause {
        /// Why, in words for the log and the status line.
        reason: String,
        /// Milliseconds since the Unix epoch at which the app means to resume, if it knows.
        until_ms: Option<u64>,
    },
    /// Go on after a pause.
    Resume,
    /// End the work, then the process.
    Stop {
        /// At once or after the running round.
        when: StopWhen,
    },
    /// New limits, in force from the next inner step on.
    SetLimits(Limits),
    /// Share of the time to work, for a temperature or noise target: the peer sleeps between inner steps, never within one.
    Pace {
        /// From 0.05 to 1; 1 is full speed.
        work_share: f64,
    },
    /// Ask for [`crate::Event::Sample`], given once the running round's inner steps are over.
    Sample {
        /// What the model is to continue; empty: words of the run's own text.
        prompt: String,
        /// Tokens to add, at most 256.
        tokens: u32,
    },
    /// Ask for [`crate::Event::Snapshot`].
    Snapshot,
    /// Answer to [`crate::Event::SignRequest`].
    SignReply {
        /// The `id` of the request.
        id: u64,
        /// The signature, or why there is none, in words.
        result: Result<Signature, String>,
    },
    /// End the process, saving what can be saved within the deadline.
    Shutdown {
        /// Seconds until the app terminates the process.
        deadline_secs: u32,
    },
}

/// What to begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The work.
    pub task: Task,
    /// GPUs by index; empty: the CPU.
    pub gpus: Vec<u32>,
    /// What the work may use.
    pub limits: Limits,
}

/// A kind of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// Train in a run.
    Train {
        /// The run file's text. It stays text until [`types::SignedManifest::from_bytes`] has checked it.
        run_file: String,
        /// Public half of the hotkey behind [`Command::SignReply`].
        signs_as: Hotkey,
    },
    /// Judge the peers of a run.
    Validate {
        /// The run file's text, as in `Train`.
        run_file: String,
        /// Public half of the hotkey behind [`Command::SignReply`].
        signs_as: Hotkey,
    },
    /// A whole swarm on this machine, with keys and a ledger of its own that are worth nothing.
    Rehearse {
        /// Peers that train.
        peers: u32,
        /// Rounds to run.
        rounds: u64,
        /// Inner steps per round.
        inner_steps: u32,
        /// Model preset.
        model: String,
        /// Seed of parameters, keys and assignment.
        seed: u64,
    },
}

/// What the work may use; `None` is no limit. When to pause is the app's own decision and not told here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Board power per GPU in watts.
    pub power_watts: Option<u32>,
    /// GPU memory per GPU.
    pub vram_bytes: Option<ByteCount>,
    /// Upload in bytes per second.
    pub upload_bytes_per_sec: Option<ByteCount>,
    /// Download in bytes per second.
    pub download_bytes_per_sec: Option<ByteCount>,
    /// Volume left this month, up and down together; what is over it waits, and only a round's own payload still goes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_left_bytes: Option<ByteCount>,
}

/// When a stop takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopWhen {
    /// Finish the round that is running: nothing is lost.
    EndOfRound,
    /// At the next inner-step edge: what was done of the running round is saved, and lost only if its deadline passes
    /// before the next start.
    Now,
}
