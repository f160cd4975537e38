//! Sample states of the window, for tests, snapshots and people who want to see all of them.
//!
//! In: nothing. Out: models with made-up but plausible facts, always the same. Nothing here runs in the app.

mod machine;
mod money;
mod network;
mod release;
mod run;
mod series;
pub mod setup;

pub use machine::{card, no_gpu, one_card, two_cards};
pub use money::{sixty_days, token};
pub use network::{fetching, network_rehearsal, network_shared, over_quota, relayed};
pub use release::{engine_fetching, engine_missing, engine_waiting, update_offered};
pub use run::{help, lamps, layers, rehearsal, shared, tiles};
pub use series::{NOW_MS, fill, log_lines};

use crate::model::Model;
use types::{Problem, ProblemAction, Round};
use view_model::{
    Activity, AppSnapshot, CrashCause, PauseReason, PauseView, ProblemRow, Recovery, Screen, Settings, ToWindow, Toast,
    Told, Tone, WizardView,
};

/// A state with a name, and the screen that shows it best.
pub struct Scenario {
    /// Name of the picture.
    pub name: String,
    /// The screen.
    pub screen: Screen,
    /// The state.
    pub model: Model,
    /// The part of the screen to go to, by the key of its name.
    pub part: Option<&'static str>,
}

impl Scenario {
    /// A state without series and log.
    pub fn new(name: &str, screen: Screen, snapshot: AppSnapshot) -> Self {
        let mut model = Model::default();
        model.snapshot = snapshot;
        Self { name: name.to_owned(), screen, model, part: None }
    }

    /// With a point a second in every chart, as long as the run runs.
    #[must_use]
    pub fn with_series(mut self) -> Self {
        let points = self.model.snapshot.run.elapsed_secs.clamp(60, 90_000);
        fill(&mut self.model, points);
        self
    }

    /// At a part of the screen, by the key of its name.
    #[must_use]
    pub fn at(mut self, part: &'static str) -> Self {
        self.part = Some(part);
        self
    }

    /// With lines in the log.
    #[must_use]
    pub fn with_log(mut self, lines: u64) -> Self {
        let _ = self.model.take(ToWindow::Log { from: 0, lines: log_lines(lines) });
        self
    }
}

/// Nothing has ever run; one card is there.
pub fn first_start() -> AppSnapshot {
    AppSnapshot {
        version: "0.1.0".to_owned(),
        machine: machine::desktop(),
        gpus: one_card(),
        settings: settled(),
        ..AppSnapshot::default()
    }
}

fn settled() -> Settings {
    let mut settings = Settings::default();
    settings.behaviour.welcomed = true;
    settings
}

/// A rehearsal in its third round.
pub fn running() -> AppSnapshot {
    AppSnapshot {
        run: rehearsal(),
        rounds: tiles(2),
        timeline: Some(run::timeline(Round(2), None)),
        training: run::training(Round(1)),
        earnings: money::credits(),
        network: network_rehearsal(),
        help: help(),
        ..first_start()
    }
}

/// A shared run, with two cards, many rounds and other people.
pub fn sharing() -> AppSnapshot {
    AppSnapshot {
        run: shared(),
        gpus: two_cards(),
        rounds: tiles(128),
        timeline: Some(run::timeline(Round(128), Some(600.0))),
        training: run::training(Round(127)),
        earnings: token(),
        network: network_shared(),
        help: help(),
        ..first_start()
    }
}

/// The shared run stands still: a game has the card.
pub fn paused() -> AppSnapshot {
    let reason = PauseReason::GpuBusy { name: Some("Elden Ring".to_owned()), percent: 87 };
    let mut app = sharing();
    app.run.activity = Activity::Running;
    app.pauses = vec![
        PauseView { reason, for_secs: 754, ends_in_secs: None },
        PauseView { reason: PauseReason::Battery, for_secs: 61, ends_in_secs: None },
        PauseView { reason: PauseReason::UserUntilTomorrow, for_secs: 30, ends_in_secs: Some(28_400) },
    ];
    app
}

/// The trainer ended: the card's memory ran out.
pub fn crashed() -> AppSnapshot {
    let mut app = sharing();
    app.recovery = Some(Recovery { cause: CrashCause::OutOfVram, again_in_secs: Some(16), attempt: 4 });
    app.timeline = None;
    app.run.problems = vec![
        ProblemRow { problem: disk_low(), fatal: false },
        ProblemRow {
            problem: Problem::new(
                "gpu_out_of_memory",
                "The card's memory ran out",
                "Close other programs that use the card, or give Covey less of it in Settings.",
            )
            .with_action(ProblemAction::Retry),
            fatal: false,
        },
        ProblemRow {
            problem: Problem::new("clock_off", "The clock is 4 s behind", "Switch automatic time on.")
                .with_action(ProblemAction::Command("sudo timedatectl set-ntp true".to_owned())),
            fatal: false,
        },
    ];
    app
}

fn disk_low() -> Problem {
    Problem::new("disk_low", "Only 3.10 GB are free on the disk", "Make room, or move the data folder in Settings.")
        .with_action(ProblemAction::Open("disk".to_owned()))
}

/// No card can be used: the driver's module is not loaded.
pub fn without_card() -> AppSnapshot {
    AppSnapshot { gpus: no_gpu(), ..first_start() }
}

/// News of each kind.
pub fn with_toasts() -> AppSnapshot {
    let toast = |id, tone, text: Told| Toast { id, tone, text };
    let mut app = running();
    app.toasts = vec![
        toast(1, Tone::Earned, Told::new("status-round").with("round", "2")),
        toast(2, Tone::Problem, Told::new("crash-gpu-lost")),
        toast(3, Tone::Neutral, Told::new("pause-metered")),
    ];
    app
}

/// A rehearsal that is done.
pub fn finished() -> AppSnapshot {
    let mut app = running();
    app.run.activity = Activity::Finished;
    app.timeline = None;
    for peer in &mut app.run.peers {
        peer.phase = None;
    }
    app
}

/// On the way up, and on the way down.
pub fn starting() -> AppSnapshot {
    let mut app = first_start();
    app.run = rehearsal();
    app.run.activity = Activity::Starting;
    app.run.round = None;
    app.run.eval_losses.clear();
    for peer in &mut app.run.peers {
        (peer.phase, peer.step, peer.loss, peer.tokens_per_sec, peer.verdict) = (None, None, None, None, None);
    }
    app
}

/// The wizard at a step.
pub fn wizard(view: WizardView) -> AppSnapshot {
    let mut app = first_start();
    app.settings.behaviour.welcomed = false;
    app.wizard = Some(view);
    app
}

/// States of the frame, Home, Training, Network and Help.
pub fn scenarios() -> Vec<Scenario> {
    let stopping = || {
        let mut app = sharing();
        app.run.activity = Activity::Stopping { within_secs: 4 };
        app
    };
    let mut all = vec![
        Scenario::new("home-first-start", Screen::Home, first_start()),
        Scenario::new("home-starting", Screen::Home, starting()),
        Scenario::new("home-rehearsal", Screen::Home, running()).with_series(),
        Scenario::new("home-shared", Screen::Home, sharing()).with_series(),
        Scenario::new("home-paused", Screen::Home, paused()).with_series(),
        Scenario::new("home-crashed", Screen::Home, crashed()).with_series(),
        Scenario::new("home-stopping", Screen::Home, stopping()).with_series(),
        Scenario::new("home-finished", Screen::Home, finished()).with_series(),
        Scenario::new("home-no-card", Screen::Home, without_card()),
        Scenario::new("home-toasts", Screen::Home, with_toasts()).with_series(),
        Scenario::new("training-empty", Screen::Training, first_start()),
        Scenario::new("training-rehearsal", Screen::Training, running()).with_series(),
        Scenario::new("training-shared", Screen::Training, sharing()).with_series(),
        Scenario::new("network-empty", Screen::Network, first_start()),
        Scenario::new("network-rehearsal", Screen::Network, running()).with_series(),
        Scenario::new("network-shared", Screen::Network, sharing()).with_series(),
        Scenario::new("network-relayed", Screen::Network, relayed()).with_series(),
        Scenario::new("network-over-quota", Screen::Network, over_quota()),
        Scenario::new("network-fetching", Screen::Network, fetching()),
        Scenario::new("home-fetching", Screen::Home, fetching()),
        Scenario::new("help-empty", Screen::Help, first_start()),
        Scenario::new("help-doctor", Screen::Help, sharing()).with_log(400),
        Scenario::new("help-network", Screen::Help, relayed()).at("help-network"),
        Scenario::new("help-network-unknown", Screen::Help, first_start()).at("help-network"),
        Scenario::new("help-log", Screen::Help, sharing()).with_log(400).at("help-log"),
        Scenario::new("help-report-none", Screen::Help, sharing()).at("help-report"),
        Scenario::new("help-report", Screen::Help, run::with_report(sharing())).with_log(12).at("help-report"),
        Scenario::new("help-about", Screen::Help, sharing()).at("help-about"),
    ];
    all.extend(release::release_scenarios());
    all
}
