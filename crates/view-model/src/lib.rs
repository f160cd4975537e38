//! What a frame may show, what a user may ask, and how units are written.
//!
//! In: plain facts put together by somebody who listens to the peer. Out: sentences and numbers as text. Window, tray,
//! terminal and screen reader show the same sentence because all of them call [`status_sentence`].
//! No clock (durations come in the snapshot), no I/O, no channels, no memory between two calls.

mod app_snapshot;
mod desk;
mod engine;
mod hardware;
mod intent;
mod money;
mod network;
mod pause_reason;
mod pipe;
mod runs;
mod scam_shield;
mod secret;
mod sentence;
mod settings;
mod snapshot;
pub mod units;
mod update;
mod wizard;

pub use app_snapshot::{
    AppSnapshot, Appearance, CrashCause, LayerHeat, PauseView, PhaseBar, Recovery, RoundTile, Sample, StepFigures,
    Timeline, Toast, Told, Tone, TrainingView,
};
pub use desk::{
    CheckState, DoctorCheck, HelpView, KeychainState, ReportFile, ReportPreview, Uptime, UptimeSpan, WalletRow,
    WalletView,
};
pub use engine::{EngineFetch, EngineOffer, EngineState, EngineView};
pub use hardware::{GpuCard, GpuView, MachineView, Role};
pub use intent::{Intent, PauseFor, Rehearsal, StopWhen, WalletIntent};
pub use money::{DayBar, EarningsView, EnergyView, Mark, ReceiptsView, RoundPay, Unit, Verified};
pub use network::{
    FetchView, Fetched, LinkPath, NetworkView, PeerLink, ReachCause, ReachVerdict, Reachability, RoundPart, RoundTimes,
};
pub use pause_reason::PauseReason;
pub use pipe::{
    FromWindow, LogLevel, LogLine, MAX_LINE_BYTES, MAX_POINTS_PER_LINE, MAX_SERIES_POINTS, Screen, Series, ToWindow,
};
pub use runs::{Fit, JoinFacts, JoinState, JoinView, RunCard};
pub use scam_shield::{clipboard_changed_address, looks_like_phrase};
pub use secret::Secret;
pub use sentence::{
    app_sentence, credits_sentence, fetch_sentence, loss_sentence, phase_words, problem_hint, problem_sentence,
    problem_title, status_sentence, stop_price_sentence, verdict_sentence, verdict_words, waiting_sentence,
};
pub use settings::{
    Behaviour, EnergySettings, GpuSettings, HOURS_PER_WEEK, Look, NetworkSettings, PauseSettings, RehearsalSettings,
    Settings, Theme, UpdateChannel, Updates, is_week,
};
pub use snapshot::{
    Activity, EvalLoss, Lamp, LampState, PeerRow, Phase, ProblemRow, RunFacts, RunKind, RunSnapshot, Step, VerdictRow,
    Waiting,
};
pub use update::{UpdateOffer, UpdateState, UpdateView};
pub use wizard::{ImportFrom, WizardIntent, WizardStep, WizardView};
