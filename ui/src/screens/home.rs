//! Home: what is going on, in one look.
//!
//! In: the snapshot. Out: Start, Stop, Pause, and ways to the other screens.

mod cards;
mod earned;
mod hero;
mod loss;
mod pauses;
mod sensors;
mod swarm;
mod tiles;
mod timeline;

use crate::scene::Scene;
use crate::widgets::card_row;
use egui::Ui;
use view_model::Activity;

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {
    loss: loss::RunLine,
}

/// Draws it.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    let app = scene.app();
    super::engine::show(ui, scene);
    hero::show(ui, scene);
    pauses::show(ui, scene);
    let ever = app.run.round.is_some() || !app.rounds.is_empty() || app.run.activity != Activity::Idle;
    if !ever {
        card_row(ui, "first", &[1.0, 1.0], |ui, i| match i {
            0 => cards::show(ui, scene),
            _ => hero::what_happens(ui, scene),
        });
        return;
    }
    super::fetch::show(ui, scene);
    if app.timeline.is_some() {
        timeline::show(ui, scene);
    }
    card_row(ui, "figures", &[2.0, 1.0], |ui, i| match i {
        0 => loss::show(ui, scene, &mut state.loss),
        _ => earned::show(ui, scene),
    });
    card_row(ui, "machine", &[1.0, 1.0], |ui, i| match i {
        0 => cards::show(ui, scene),
        _ => tiles::show(ui, scene),
    });
    sensors::show(ui, scene);
    if app.run.peers.len() > 1 {
        swarm::show(ui, scene);
    }
}
