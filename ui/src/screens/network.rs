//! Network: with whom this computer exchanges, how, and how much.
//!
//! In: the snapshot and two series. Out: nothing to press but ways to Settings.

mod peers;
mod timed;
mod traffic;

pub(super) use traffic::verdict;

use crate::scene::Scene;
use crate::widgets::{Icon, card, empty};
use egui::Ui;

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {}

/// Draws it.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, _state: &mut State) {
    let (palette, view) = (scene.palette, &scene.app().network);
    if view.peers.is_empty() {
        card(ui, palette, "", |ui| {
            let (title, hint) = (scene.text("network-none"), scene.text("network-none-hint"));
            empty(ui, palette, (Icon::Network, &title, &hint), |_| ());
        });
    }
    traffic::show(ui, scene);
    super::fetch::show(ui, scene);
    timed::show(ui, scene);
    if !view.peers.is_empty() {
        peers::show(ui, scene);
    }
}
