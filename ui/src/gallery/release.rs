//! States of the engine and of new versions.

use super::{Scenario, first_start};
use types::{ByteCount, Problem, ProblemAction};
use view_model::{
    AppSnapshot, EngineFetch, EngineOffer, EngineState, EngineView, Screen, UpdateOffer, UpdateState, UpdateView,
};

/// Half a minute into a download.
fn fetch() -> EngineFetch {
    EngineFetch {
        done: ByteCount(52_300_000),
        total: ByteCount(120_700_000),
        rate: Some(ByteCount(2_400_000)),
        left_secs: Some(29),
    }
}

fn engine(state: EngineState) -> AppSnapshot {
    AppSnapshot { engine: EngineView { state, ..EngineView::default() }, ..first_start() }
}

/// The engine is missing, and this is what it costs.
pub fn engine_missing() -> AppSnapshot {
    let offer = EngineOffer { download: ByteCount(120_700_000), disk: ByteCount(445_600_000), with_card: false };
    let mut app = engine(EngineState::Missing { offer: Some(offer), problem: None });
    let hint = "Get driver 580 or newer, then look again.";
    let advice = Problem::new("gpu_driver_too_old", "The NVIDIA driver 550.54 is too old for Covey's CUDA", hint);
    app.engine.advice = Some(advice.with_action(ProblemAction::Open("nvidia-driver".to_owned())));
    app
}

/// The engine comes.
pub fn engine_fetching() -> AppSnapshot {
    engine(EngineState::Fetching(fetch()))
}

/// It waits for a line that is not metered.
pub fn engine_waiting() -> AppSnapshot {
    engine(EngineState::Waiting { fetch: EngineFetch { rate: None, left_secs: None, ..fetch() }, metered: true })
}

/// A newer version is there, and the one before can be gone back to.
pub fn update_offered() -> AppSnapshot {
    let offer = UpdateOffer {
        version: "0.2.0".to_owned(),
        download: ByteCount(41_000_000),
        grows: 1_200_000,
        notes: "Rounds end sooner on slow lines.".to_owned(),
    };
    let update = UpdateView { state: UpdateState::Offered(offer), hint: None, previous: Some("0.0.9".to_owned()) };
    AppSnapshot { update, ..first_start() }
}

/// All of them.
pub(super) fn release_scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("home-engine-missing", Screen::Home, engine_missing()),
        Scenario::new("home-engine-fetching", Screen::Home, engine_fetching()),
        Scenario::new("home-engine-waiting", Screen::Home, engine_waiting()),
        Scenario::new("settings-update", Screen::Settings, update_offered()),
    ]
}
