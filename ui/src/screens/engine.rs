//! The engine's card: what it is, how much, one button; then how far it is.
//!
//! In: the snapshot. Out: get, hold, go on. It is there only while the engine is missing.

use crate::design_tokens::SPACE_XL;
use crate::frame::problem_notice;
use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, bar, caption, card, figure, muted};
use egui::Ui;
use view_model::{EngineFetch, EngineState, Intent, Tone, units};

/// A card, if the engine is missing.
pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let app = scene.app();
    if !app.engine.is_missing() {
        return;
    }
    let (palette, title) = (scene.palette, scene.text("engine-title"));
    card(ui, palette, &title, |ui| {
        muted(ui, palette, &scene.text(if app.engine.optional { "engine-what-card" } else { "engine-what" }));
        match &app.engine.state {
            EngineState::Missing { offer, problem } => {
                if let Some(offer) = offer {
                    let args =
                        [("download", units::bytes(offer.download).into()), ("disk", units::bytes(offer.disk).into())];
                    muted(ui, palette, &scene.with("engine-size", &args));
                    if offer.with_card {
                        caption(ui, palette, &scene.text("engine-with-card"));
                    } else if app.engine.advice.is_some() {
                        caption(ui, palette, &scene.text("engine-without-card"));
                    }
                    let key = if problem.is_some() { "engine-again" } else { "engine-get" };
                    press(ui, scene, key, Icon::Down, Intent::GetEngine);
                } else if problem.is_none() {
                    caption(ui, palette, &scene.text("engine-asking"));
                } else {
                    press(ui, scene, "engine-again", Icon::Refresh, Intent::GetEngine);
                }
                if let Some(problem) = problem {
                    ui.push_id("engine-problem", |ui| problem_notice(ui, scene, problem, Tone::Problem, false));
                }
            }
            EngineState::Fetching(fetch) => {
                progress(ui, scene, fetch, &title);
                press(ui, scene, "engine-hold", Icon::Pause, Intent::HoldEngine);
            }
            EngineState::Waiting { fetch, metered } => {
                progress(ui, scene, fetch, &title);
                if *metered {
                    caption(ui, palette, &scene.text("engine-waits-metered"));
                    press(ui, scene, "engine-hold", Icon::Pause, Intent::HoldEngine);
                } else {
                    caption(ui, palette, &scene.text("engine-waits"));
                    press(ui, scene, "engine-go-on", Icon::Play, Intent::GetEngine);
                }
            }
            EngineState::Unknown | EngineState::Ready => {}
        }
        if let Some(advice) = &app.engine.advice {
            ui.push_id("engine-advice", |ui| problem_notice(ui, scene, advice, Tone::Waiting, false));
        }
    });
}

/// A bar, and beside it how much, how fast, how long.
pub(super) fn progress(ui: &mut Ui, scene: &Scene<'_>, fetch: &EngineFetch, name: &str) {
    let palette = scene.palette;
    let args = [("done", units::bytes(fetch.done).into()), ("all", units::bytes(fetch.total).into())];
    let amount = scene.with("fetch-amount", &args);
    bar(ui, palette, Some(fetch.share()), Tone::Running, &format!("{name}: {amount}"));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE_XL;
        let percent = scene.with("percent", &[("value", format!("{:.0}", (100.0 * fetch.share()).floor()).into())]);
        figure(ui, palette, &percent, &amount);
        figure(ui, palette, &scene.text("fetch-rate"), &scene.or_unknown(fetch.rate.map(units::bytes_per_sec)));
        figure(ui, palette, &scene.text("fetch-time"), &scene.or_unknown(fetch.left_secs.map(units::duration)));
    });
}

fn press(ui: &mut Ui, scene: &mut Scene<'_>, key: &str, icon: Icon, intent: Intent) {
    let label = scene.text(key);
    if Button::new(&label, Kind::Primary).icon(icon).show(ui, scene.palette).clicked() {
        scene.ask(intent);
    }
}
