//! Everything a view may show of a run, as plain values.
//!
//! Made new for each change by the one who owns the state; a view never changes it. Every time is a duration in seconds
//! up to the moment the snapshot was made. What is not known is `None`, never a made-up number.

use serde::{Deserialize, Serialize};
use types::{Problem, Rao, Round, Uid, Verdict};

/// State of a run on this machine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunSnapshot {
    /// What is going on.
    pub activity: Activity,
    /// The run, once it is known.
    pub run: Option<RunFacts>,
    /// The running round.
    pub round: Option<Round>,
    /// Seconds until the round's next deadline.
    pub deadline_in_secs: Option<u64>,
    /// Peers of this machine, by name.
    pub peers: Vec<PeerRow>,
    /// Held-out loss after each round, ascending; the owner keeps as many as a chart can show.
    pub eval_losses: Vec<EvalLoss>,
    /// Checks of the own submission before its upload.
    pub lamps: Vec<Lamp>,
    /// What everything waits for.
    pub waiting: Option<Waiting>,
    /// Problems nobody has dismissed, newest last.
    pub problems: Vec<ProblemRow>,
    /// Since the start.
    pub elapsed_secs: u64,
}

/// What is going on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "activity", rename_all = "snake_case")]
pub enum Activity {
    /// Nothing.
    #[default]
    Idle,
    /// Processes are coming up.
    Starting,
    /// Rounds are running.
    Running,
    /// The GPU is free.
    Paused {
        /// Why, in words.
        reason: String,
        /// For how long now.
        for_secs: u64,
        /// Until it goes on by itself.
        resumes_in_secs: Option<u64>,
    },
    /// On the way down.
    Stopping {
        /// At most so long.
        within_secs: u64,
    },
    /// All rounds are done.
    Finished,
}

/// The run's facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFacts {
    /// Rehearsal or the real thing.
    pub kind: RunKind,
    /// Its name.
    pub name: String,
    /// Parameters of its model.
    pub model_params: u64,
    /// Where the text comes from.
    pub text: String,
    /// Rounds to run; `None` if it has no end.
    pub rounds: Option<u64>,
}

/// Rehearsal or the real thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// A swarm on this machine; its credits have no value.
    Rehearsal,
    /// A run with other people.
    Shared,
}

/// One peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerRow {
    /// Its name.
    pub name: String,
    /// Its slot, once registered.
    pub uid: Option<Uid>,
    /// Where it is in its round; `None` while its process is not there.
    pub phase: Option<Phase>,
    /// Its inner step.
    pub step: Option<Step>,
    /// Training loss of its last inner step, nats per token.
    pub loss: Option<f64>,
    /// Tokens per second of its last inner step.
    pub tokens_per_sec: Option<f64>,
    /// Its newest verdict.
    pub verdict: Option<VerdictRow>,
    /// Its balance.
    pub credits: Rao,
}

/// An inner step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Steps done.
    pub done: u32,
    /// Steps in the round.
    pub of: u32,
}

/// A verdict and its round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// The round that was judged.
    pub round: Round,
    /// What became of it.
    pub verdict: Verdict,
}

/// Where a peer is in its round, in the order in which it goes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Brings its parameters up to the run's.
    Sync,
    /// Waits for the round to begin.
    Idle,
    /// Inner steps.
    Inner,
    /// Compresses the pseudo-gradient.
    Compress,
    /// Commits and publishes its submission.
    Submit,
    /// Fetches and checks the others' submissions.
    Gather,
    /// Measures what each submission does to the loss (validators).
    Evaluate,
    /// Takes the outer step.
    Outer,
    /// Waits for verdicts and pay.
    Settle,
}

impl Phase {
    /// The phase in one or two words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Sync => "catching up",
            Self::Idle => "waiting",
            Self::Inner => "training",
            Self::Compress => "compressing",
            Self::Submit => "submitting",
            Self::Gather => "gathering",
            Self::Evaluate => "judging",
            Self::Outer => "outer step",
            Self::Settle => "settling",
        }
    }

    /// Whether stopping in this phase leaves work that is not sent yet: kept on disk, worth nothing after the deadline.
    pub fn holds_unsent_work(self) -> bool {
        matches!(self, Self::Inner | Self::Compress | Self::Submit)
    }
}

/// Held-out loss after a round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EvalLoss {
    /// The round.
    pub round: Round,
    /// Nats per token.
    pub loss: f64,
}

/// A check before the upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lamp {
    /// The check, in one or two words.
    pub name: String,
    /// Its outcome.
    pub state: LampState,
    /// The numbers behind it.
    pub why: String,
}

/// Outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

impl LampState {
    /// The outcome in one word, so that it is never told by colour alone.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pass => "good",
            Self::Warn => "close",
            Self::Fail => "bad",
            Self::Unknown => "unknown",
        }
    }
}

/// What everything waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Names of those waited for; empty if it is nobody in particular.
    pub for_whom: Vec<String>,
    /// What they owe, in words.
    pub what: String,
    /// For how long now.
    pub for_secs: u64,
}

/// A problem on screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemRow {
    /// What, and what to try.
    pub problem: Problem,
    /// Whether the work ended because of it.
    pub fatal: bool,
}
