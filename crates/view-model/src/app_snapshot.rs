//! Everything the window may show, in one value. Series of many points and log lines go beside it (see [`crate::ToWindow`]).
//!
//! Durations are seconds up to the moment the snapshot was made; moments are milliseconds since the Unix epoch. Text in
//! here comes from people, runs and processes; what Covey itself says is a key of `locale`, looked up by the view.

use crate::PauseReason;
use crate::desk::{HelpView, WalletView};
use crate::engine::EngineView;
use crate::hardware::{GpuView, MachineView};
use crate::money::EarningsView;
use crate::network::NetworkView;
use crate::runs::{JoinView, RunCard};
use crate::settings::Settings;
use crate::snapshot::{Lamp, Phase, RunSnapshot, Step};
use crate::update::UpdateView;
use crate::wizard::WizardView;
use serde::{Deserialize, Serialize};
use types::{ByteCount, Round, Verdict};

/// What a frame may show.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AppSnapshot {
    /// Version of the program.
    pub version: String,
    /// How the desktop wants things to look.
    pub appearance: Appearance,
    /// The run and its peers.
    pub run: RunSnapshot,
    /// What hinders the peer, and when it is tried again.
    pub recovery: Option<Recovery>,
    /// Reasons to pause that hold now, the one to be told first.
    pub pauses: Vec<PauseView>,
    /// This computer.
    pub machine: MachineView,
    /// Its NVIDIA cards.
    pub gpus: GpuView,
    /// This computer's last rounds, newest last, at most 50.
    pub rounds: Vec<RoundTile>,
    /// The running round.
    pub timeline: Option<Timeline>,
    /// What the model says and what I moved.
    pub training: TrainingView,
    /// What was earned.
    pub earnings: EarningsView,
    /// Whom this computer exchanges with.
    pub network: NetworkView,
    /// Runs that are known, the rehearsal first, then those that fit best.
    pub runs: Vec<RunCard>,
    /// A run that is being looked at before it is joined.
    pub join: Option<JoinView>,
    /// The wallet.
    pub wallet: WalletView,
    /// Settings in force.
    pub settings: Settings,
    /// libtorch for this machine.
    pub engine: EngineView,
    /// New versions.
    pub update: UpdateView,
    /// Doctor, report, uptime.
    pub help: HelpView,
    /// The wizard, while it is open.
    pub wizard: Option<WizardView>,
    /// Short news, newest last, at most 5.
    pub toasts: Vec<Toast>,
}

/// How the desktop wants things to look; the settings may overrule it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appearance {
    /// Light letters on dark ground.
    pub dark: bool,
    /// Stronger contrast.
    pub high_contrast: bool,
    /// No motion.
    pub reduced_motion: bool,
}

impl Default for Appearance {
    fn default() -> Self {
        Self { dark: true, high_contrast: false, reduced_motion: false }
    }
}

/// A peer that ended by itself and is started again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Why it ended.
    pub cause: CrashCause,
    /// Starts again in so many seconds; `None`: only when the user asks or the cause is gone.
    pub again_in_secs: Option<u64>,
    /// The how manieth try that will be, from 1.
    pub attempt: u32,
}

/// Why the peer ended by itself; the text is `crash-<code>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashCause {
    /// Memory of the computer ran out.
    OutOfMemory,
    /// Memory of the card ran out.
    OutOfVram,
    /// No room on the disk.
    DiskFull,
    /// App and peer are of different versions.
    WrongVersion,
    /// libtorch is missing or of another version.
    WrongLibtorch,
    /// The program file is missing or cannot be run.
    NotInstalled,
    /// The driver or the card went away.
    GpuLost,
    /// It did not answer and was ended.
    Hung,
    /// Somebody ended it.
    Killed,
    /// It said a problem that ends it.
    Problem,
    /// A fault in the program.
    Panic,
    /// Nobody knows.
    Unknown,
}

impl CrashCause {
    /// The text's key.
    pub fn key(self) -> &'static str {
        match self {
            Self::OutOfMemory => "crash-out-of-memory",
            Self::OutOfVram => "crash-out-of-vram",
            Self::DiskFull => "crash-disk-full",
            Self::WrongVersion => "crash-wrong-version",
            Self::WrongLibtorch => "crash-wrong-libtorch",
            Self::NotInstalled => "crash-not-installed",
            Self::GpuLost => "crash-gpu-lost",
            Self::Hung => "crash-hung",
            Self::Killed => "crash-killed",
            Self::Problem => "crash-problem",
            Self::Panic => "crash-panic",
            Self::Unknown => "crash-unknown",
        }
    }
}

/// A reason to pause that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseView {
    /// The reason with its figures.
    pub reason: PauseReason,
    /// For how long now.
    pub for_secs: u64,
    /// Ends by itself in so many seconds, if that is known.
    pub ends_in_secs: Option<u64>,
}

/// One round of this computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundTile {
    /// The round.
    pub round: Round,
    /// What became of it; `None` while nobody has said.
    pub verdict: Option<Verdict>,
    /// The validator's score.
    pub score: Option<f64>,
    /// When the round ended.
    pub at_ms: u64,
    /// Parameters that the submission moved.
    pub moved: Option<u64>,
}

/// The running round as bars.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Timeline {
    /// The round.
    pub round: Round,
    /// Phases so far and the running one, in order.
    pub phases: Vec<PhaseBar>,
    /// Since the round began.
    pub elapsed_secs: f64,
    /// Until it must be sent, from the round's beginning; `None` in a rehearsal, whose clock waits.
    pub deadline_secs: Option<f64>,
    /// Size of the dense pseudo-gradient and of what was sent.
    pub sizes: Option<(ByteCount, ByteCount)>,
    /// The running step.
    pub step: Option<Step>,
}

/// A phase of the running round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PhaseBar {
    /// The phase.
    pub phase: Phase,
    /// From the round's beginning.
    pub from_secs: f64,
    /// Until; `None` while it runs.
    pub to_secs: Option<f64>,
}

/// The Training screen beside its charts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TrainingView {
    /// Newest figures of this computer.
    pub now: StepFigures,
    /// The five acceptance lamps of the last submission, and its round.
    pub lamps: Vec<Lamp>,
    /// Round of the lamps.
    pub lamps_round: Option<Round>,
    /// What I moved in the last round, per layer from the input to the output.
    pub layers: Vec<LayerHeat>,
    /// Round of the layers.
    pub layers_round: Option<Round>,
    /// Parameters moved since the start.
    pub moved_total: u64,
    /// What the model wrote when I joined.
    pub sample_then: Option<Sample>,
    /// What it writes now.
    pub sample_now: Option<Sample>,
}

/// Figures of the last inner step.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct StepFigures {
    /// Nats per token.
    pub loss: Option<f64>,
    /// Tokens per second.
    pub tokens_per_sec: Option<f64>,
    /// Learning rate.
    pub lr: Option<f64>,
    /// Gradient norm.
    pub grad_norm: Option<f64>,
}

/// One cell of the heat strip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerHeat {
    /// The layer's name.
    pub name: String,
    /// Coordinates I sent.
    pub moved: u64,
    /// Coordinates there are.
    pub of: u64,
    /// My share of the aggregate's energy, 0 to 1, once the outer step is taken.
    pub share: Option<f64>,
}

/// Text from the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The round of the parameters.
    pub round: Round,
    /// The beginning it was given.
    pub prompt: String,
    /// What it wrote.
    pub text: String,
}

/// A sentence by its key with its figures, so that the view may say it in the reader's language.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Told {
    /// Key in `locale`; empty says nothing.
    pub key: String,
    /// Arguments by name, written out.
    pub args: Vec<(String, String)>,
}

impl Told {
    /// A sentence without figures.
    pub fn new(key: &str) -> Self {
        Self { key: key.to_owned(), args: Vec::new() }
    }

    /// With one more figure.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.args.push((name.to_owned(), value.into()));
        self
    }

    /// The sentence in a language; empty if there is none.
    pub fn say(&self, locale: &locale::Locale) -> String {
        if self.key.is_empty() {
            return String::new();
        }
        let args: Vec<_> = self.args.iter().map(|(name, value)| (name.as_str(), value.into())).collect();
        locale.with(&self.key, &args)
    }
}

/// Short news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toast {
    /// Names it when it is dismissed.
    pub id: u64,
    /// How serious.
    pub tone: Tone,
    /// What.
    pub text: Told,
}

/// The one meaning of a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Work is done.
    Running,
    /// Something is waited for.
    Waiting,
    /// Stands still on purpose.
    Paused,
    /// Needs somebody.
    Problem,
    /// Something came in.
    Earned,
    /// None of these.
    Neutral,
}
