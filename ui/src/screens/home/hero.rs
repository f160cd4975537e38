//! The big button, what it will do and what it costs.

use crate::design_tokens::{SPACE_M, SPACE_XL};
use crate::frame::{controls, price};
use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, caption, card, columns, figure, muted, strong};
use egui::{Ui, vec2};
use view_model::{Activity, Intent, Rehearsal, RunKind, Screen, WizardIntent, units};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = scene.palette;
    card(ui, palette, "", |ui| {
        if ui.available_width() < 560.0 {
            buttons(ui, scene);
            ui.add_space(SPACE_M);
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = vec2(SPACE_XL, SPACE_M);
                facts(ui, scene);
            });
            return;
        }
        columns(ui, "hero", &[1.3, 1.0], &mut |ui, i| match i {
            0 => buttons(ui, scene),
            _ => {
                ui.horizontal_wrapped(|ui| {
                    ui.spacing_mut().item_spacing = vec2(SPACE_XL, SPACE_M);
                    facts(ui, scene);
                });
            }
        });
    });
}

fn buttons(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = scene.palette;
    let app = scene.app();
    ui.horizontal_wrapped(|ui| controls(ui, scene, true));
    let below = match app.run.activity {
        Activity::Idle => scene.text("home-nothing-starts"),
        Activity::Finished => scene.text("home-finished"),
        Activity::Starting | Activity::Running | Activity::Paused { .. } | Activity::Stopping { .. } => price(scene),
    };
    muted(ui, palette, &below);
    if app.run.activity == Activity::Idle {
        ui.horizontal_wrapped(|ui| {
            if app.settings.behaviour.run != "rehearsal" {
                let label = scene.text("home-try-rehearsal");
                if Button::new(&label, Kind::Quiet).icon(Icon::Computer).show(ui, palette).clicked() {
                    scene.ask(Intent::StartRehearsal(Rehearsal::default()));
                }
            }
            let label = scene.text("home-choose-run");
            if Button::new(&label, Kind::Quiet).icon(Icon::Runs).show(ui, palette).clicked() {
                scene.go = Some(Screen::Runs);
            }
            let label = scene.text("home-open-wizard");
            if Button::new(&label, Kind::Quiet).icon(Icon::Right).show(ui, palette).clicked() {
                scene.ask(Intent::Wizard(WizardIntent::Open));
            }
        });
    }
}

/// The run's facts, or which run Start would start.
fn facts(ui: &mut Ui, scene: &Scene<'_>) {
    let (palette, app) = (scene.palette, scene.app());
    let Some(run) = &app.run.run else {
        let chosen = app.runs.iter().find(|run| run.chosen).map(|run| run.name.clone());
        let name = match (chosen, app.settings.behaviour.run.as_str()) {
            (Some(name), _) => name,
            (None, "rehearsal") => scene.text("home-rehearsal"),
            (None, id) => id.chars().take(12).collect(),
        };
        figure(ui, palette, &scene.text("home-start-starts"), &name);
        return;
    };
    let kind = match run.kind {
        RunKind::Rehearsal => scene.text("home-rehearsal"),
        RunKind::Shared => run.name.clone(),
    };
    figure(ui, palette, &scene.text("home-run"), &kind);
    figure(ui, palette, &scene.text("home-model"), &model(run.model_params, scene));
    let speed = app.run.peers.first().and_then(|peer| peer.tokens_per_sec);
    let speed = app.training.now.tokens_per_sec.or(speed).map(units::tokens_per_sec);
    figure(ui, palette, &scene.text("home-speed"), &scene.or_unknown(speed));
    figure(ui, palette, &scene.text("home-elapsed"), &units::duration(app.run.elapsed_secs));
    if !run.text.is_empty() {
        figure(ui, palette, &scene.text("home-text"), &run.text);
    }
}

fn model(params: u64, scene: &Scene<'_>) -> String {
    scene.with("home-parameters", &[("count", units::parameters(params).into())])
}

/// Before the first start: what pressing Start does, in steps.
pub(super) fn what_happens(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = scene.palette;
    card(ui, palette, &scene.text("home-what-happens"), |ui| {
        for (n, key) in ["home-step-train", "home-step-send", "home-step-check", "home-step-count"].iter().enumerate() {
            ui.horizontal_top(|ui| {
                strong(ui, palette, &(n + 1).to_string());
                ui.vertical(|ui| {
                    ui.set_width(ui.available_width());
                    muted(ui, palette, &scene.text(key));
                });
            });
        }
        caption(ui, palette, &scene.text("home-steps-note"));
    });
}
