//! What the peer says to the app, and prints with `--json`.
//!
//! A line is one flat object: `{"seq":4,"at_ms":1700000000000,"event":"resumed"}`. Facts are never dropped; progress
//! (`inner_step_done`, `gpu_sample`, `catching_up`) may be thinned out by its sender.
//! Times are milliseconds since the Unix epoch by the peer's clock; losses are nats per token; a number that is not
//! finite is `null`. Unknown fields are ignored by the reader, so a word may grow.

use serde::{Deserialize, Serialize};
use types::{BlockNumber, ByteCount, Hash32, Problem, Rao, RejectReason, Round, RunId, SignPayload, Uid, Verdict};

use crate::network::{Fetched, NetworkStatus, RoundParts};
use crate::number::or_nan;
use crate::{Hello, Summary};

/// An event as it stands on a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    /// The peer's counter, from 0 at its start, without gaps.
    pub seq: u64,
    /// When it was said, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What is said.
    #[serde(flatten)]
    pub event: Event,
}

/// What a peer may say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The first line; never changes.
    Hello(Hello),
    /// A command was taken.
    Ack {
        /// The command's id.
        id: u64,
    },
    /// A command was not taken.
    Refused {
        /// The command's id.
        id: u64,
        /// Why, and what to try.
        problem: Problem,
    },
    /// Answer to [`crate::Command::Snapshot`]: the latest event of each kind that still holds, in the order to apply
    /// them. Never holds another snapshot. A rehearsal answers with one for each of its processes, its own last.
    Snapshot {
        /// The command's id.
        id: u64,
        /// The state as facts.
        events: Vec<Event>,
    },
    /// A signature is needed; answered by [`crate::Command::SignReply`].
    SignRequest {
        /// The peer's counter for requests.
        id: u64,
        /// What is to be signed.
        payload: SignPayload,
    },
    /// The facts of the run that was joined or founded.
    RunFacts {
        /// The run.
        run: RunId,
        /// Its name.
        name: String,
        /// Parameters of its model.
        model_params: u64,
        /// Where the text comes from, in words.
        text: String,
        /// Peers known at this moment.
        peers: u32,
        /// Rounds to run; 0 if the run has no end.
        rounds: u64,
        /// Seed of the initial parameters.
        seed: u64,
    },
    /// A process of the swarm runs.
    PeerStarted {
        /// Its name, for example `peer-3`.
        name: String,
        /// Its slot, if it has one.
        uid: Option<Uid>,
        /// Process id.
        pid: u32,
        /// What it does.
        role: Role,
    },
    /// A process of the swarm ended.
    PeerExited {
        /// Its name.
        name: String,
        /// Its slot, if it has one.
        uid: Option<Uid>,
        /// Exit code (see [`crate::ExitCode`]), unless a signal ended it.
        code: Option<i32>,
        /// The signal that ended it (Unix).
        signal: Option<i32>,
        /// Whether it is started again.
        restarting: bool,
    },
    /// A new phase of the round began.
    PhaseChanged {
        /// The round.
        round: Round,
        /// The phase.
        phase: PeerPhase,
        /// First block in which the phase's result is late.
        deadline_block: BlockNumber,
    },
    /// An inner step was done.
    InnerStepDone {
        /// The round.
        round: Round,
        /// The step, from 1.
        step: u32,
        /// Steps in this round.
        of: u32,
        /// Training loss of the step.
        #[serde(deserialize_with = "or_nan")]
        loss: f64,
        /// Tokens per second of the step.
        #[serde(deserialize_with = "or_nan")]
        tokens_per_sec: f64,
        /// Learning rate of the step.
        #[serde(deserialize_with = "or_nan")]
        lr: f64,
        /// Euclidean norm of the gradient before clipping, if it was measured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grad_norm: Option<f64>,
    },
    /// The pseudo-gradient was compressed.
    Compressed {
        /// The round.
        round: Round,
        /// Size of the dense f32 pseudo-gradient.
        raw_bytes: ByteCount,
        /// Size of the submission.
        sent_bytes: ByteCount,
        /// Euclidean norm of what stays behind in the error feedback.
        #[serde(deserialize_with = "or_nan")]
        error_feedback_norm: f64,
    },
    /// What the validator's checks say of the own submission before it is sent.
    Lamps {
        /// The round.
        round: Round,
        /// One per check.
        lamps: Vec<Lamp>,
    },
    /// Which coordinates this peer sent, tensor by tensor: said once when they are compressed, with unknown shares, and
    /// again when the round's aggregate is known.
    LayersMoved {
        /// The round.
        round: Round,
        /// In the model's order, at most [`MAX_LAYERS`]; a larger model's neighbours are added up.
        layers: Vec<LayerMoved>,
        /// Coordinates sent since this process began, all rounds together.
        parameters_moved_total: u64,
    },
    /// Text from the model.
    Sample {
        /// The round that starts from the parameters sampled.
        round: Round,
        /// Whether these are the parameters the peer joined with.
        when: SampleWhen,
        /// What the model was given.
        prompt: String,
        /// How it went on, at most [`MAX_SAMPLE_CHARS`] characters.
        text: String,
    },
    /// A receipt was written to the peer's hash-chained log.
    Receipt {
        /// The round it is about.
        round: Round,
        /// Lines of the log, this one included.
        sequence: u64,
        /// BLAKE3 of the line, which the next one names.
        hash: Hash32,
    },
    /// The submission is committed and published.
    Submitted {
        /// The round.
        round: Round,
        /// Size of the submission.
        bytes: ByteCount,
        /// BLAKE3 of the submission.
        root: Hash32,
        /// Seconds from compressed to published.
        #[serde(deserialize_with = "or_nan")]
        secs: f64,
    },
    /// The others' submissions are fetched and checked.
    Gathered {
        /// The round.
        round: Round,
        /// Uids to be aggregated, ascending.
        accepted: Vec<Uid>,
        /// Uids left out, and why.
        rejected: Vec<Rejection>,
    },
    /// The outer step was taken.
    OuterStepApplied {
        /// The round.
        round: Round,
        /// Submissions in the aggregate.
        peers: u32,
        /// Outer learning rate.
        #[serde(deserialize_with = "or_nan")]
        alpha: f64,
        /// Hash of the parameters after the step.
        theta: Hash32,
    },
    /// The held-out loss after a round's outer step.
    Evaluated {
        /// The round.
        round: Round,
        /// Held-out loss.
        #[serde(deserialize_with = "or_nan")]
        loss: f64,
    },
    /// Missed outer steps are replayed.
    CatchingUp {
        /// Round of the checkpoint.
        from: Round,
        /// Round to reach.
        to: Round,
        /// Rounds replayed so far.
        done: u64,
    },
    /// Parameters and optimizer state are safe on disk.
    CheckpointSaved {
        /// Round that starts from this state.
        round: Round,
        /// Size on disk.
        bytes: ByteCount,
    },
    /// A validator judged a submission.
    VerdictReceived {
        /// The round.
        round: Round,
        /// Whose submission.
        uid: Uid,
        /// What became of it: on the line as `"verdict":"rejected","reason":"copied"`.
        #[serde(flatten)]
        verdict: Verdict,
        /// Loss score on the assigned data, if it was evaluated.
        score: Option<f64>,
        /// Loss improvement on the assigned data, if it was evaluated.
        loss_own: Option<f64>,
        /// Loss improvement on random data, if it was evaluated.
        loss_random: Option<f64>,
    },
    /// A peer's standing on chain changed.
    ScoreUpdated {
        /// The round.
        round: Round,
        /// Whose.
        uid: Uid,
        /// The validator's final score.
        #[serde(deserialize_with = "or_nan")]
        score: f64,
        /// Share of the miners' emission, 0 to 1.
        #[serde(deserialize_with = "or_nan")]
        incentive: f64,
        /// Paid out for this round, in rao.
        emission: Rao,
        /// Balance after it, in rao.
        balance: Rao,
    },
    /// A GPU's sensors.
    GpuSample {
        /// GPU by index.
        index: u32,
        /// Temperature in degrees Celsius.
        temp_c: Option<f64>,
        /// Board power in watts.
        watts: Option<f64>,
        /// Memory in use by all processes.
        vram_used_bytes: Option<ByteCount>,
        /// Utilisation, 0 to 1.
        util: Option<f64>,
    },
    /// Work stands still and the GPU is free.
    Paused {
        /// Why, in words.
        reason: String,
        /// Since when.
        since_ms: u64,
        /// When it goes on, if known.
        until: Option<u64>,
    },
    /// Work goes on.
    Resumed,
    /// The process is ending.
    Stopping {
        /// Seconds it takes at most.
        deadline_secs: u32,
        /// What is lost by it, in one sentence.
        price: String,
    },
    /// Nothing moves because something has not come yet.
    Waiting {
        /// Names of those waited for.
        for_whom: Vec<String>,
        /// Since when.
        since_ms: u64,
        /// What they owe, in words: `block 12`, `their attestations`.
        what: String,
    },
    /// Something is wrong.
    Problem {
        /// What, and what to try.
        problem: Problem,
        /// Whether the process ends because of it.
        fatal: bool,
    },
    /// A line for the log.
    Log {
        /// How important.
        level: LogLevel,
        /// The line.
        text: String,
    },
    /// Others in the run as the network sees them, and the line's use. Progress: may be thinned out.
    Network(Box<NetworkStatus>),
    /// Something long is being fetched. Progress: may be thinned out.
    Fetching {
        /// What.
        what: Fetched,
        /// Verified so far, the part from before a restart included.
        done: ByteCount,
        /// Altogether.
        total: ByteCount,
        /// Sources that give at the moment.
        sources: u32,
    },
    /// How long each part of a finished round took, in milliseconds of the peer's own clock; 0 for what did not happen.
    RoundTimed {
        /// The round.
        round: Round,
        /// Its parts.
        parts: RoundParts,
    },
    /// The last line of a finished rehearsal or run.
    Summary(Box<Summary>),
}

/// What a process of the swarm does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Trains.
    Train,
    /// Judges.
    Validate,
    /// Makes the ledger's blocks.
    Ledger,
    /// Serves checkpoints and data.
    Seed,
    /// Runs a whole rehearsal.
    Rehearse,
}

/// Where a peer is in its round. Finer than the chain's [`types::manifest::Phase`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PeerPhase {
    /// Brings its parameters up to the run's.
    Sync,
    /// In step with the run; waits for the next round to begin.
    Idle,
    /// Inner steps.
    Inner,
    /// Compresses the pseudo-gradient.
    Compress,
    /// Commits and publishes its submission.
    Submit,
    /// Fetches and checks the others' submissions.
    Gather,
    /// Validators only: measures what each submission does to the loss.
    Evaluate,
    /// Takes the outer step.
    Outer,
    /// Waits for verdicts and pay.
    Settle,
}

/// One of the checks before the upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lamp {
    /// The check, in one or two words.
    pub name: String,
    /// Its outcome.
    pub state: LampState,
    /// The numbers behind it, in one line.
    pub why: String,
}

/// Outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LampState {
    /// A validator will pass it.
    Pass,
    /// Near a limit.
    Warn,
    /// A validator will refuse it.
    Fail,
    /// Could not be checked here.
    Unknown,
}

/// Rows of a [`Event::LayersMoved`] at most.
pub const MAX_LAYERS: usize = 256;
/// Characters of a sampled text, and of its prompt, at most.
pub const MAX_SAMPLE_CHARS: usize = 4096;

/// What this peer moved of a tensor, or of neighbouring ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerMoved {
    /// The tensor's name, or `first … last`.
    pub name: String,
    /// Coordinates this peer sent.
    pub moved: u64,
    /// Coordinates there are.
    pub of: u64,
    /// This peer's share of the aggregate's energy here, 0 to 1: its clipped contribution's sum of squares over everybody's.
    /// Unknown until the round's set is, and where that is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

/// Which parameters a text was sampled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleWhen {
    /// Those this peer joined with.
    Joined,
    /// Today's.
    Now,
}

/// A submission that is not aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Whose.
    pub uid: Uid,
    /// Why.
    pub reason: RejectReason,
}

/// Importance of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For developers.
    Debug,
    /// For the curious.
    Info,
    /// Something to look at.
    Warn,
    /// Something is broken.
    Error,
}
