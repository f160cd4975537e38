//! Rehearse now, or join a run.

use super::{Go, State};
use crate::scene::Scene;
use crate::screens::forms::choice;
use crate::widgets::{Icon, muted};
use egui::Ui;
use view_model::{Intent, WizardIntent};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) -> Option<Go> {
    let palette = scene.palette;
    let (title, what) = (scene.text("wizard-try-now"), scene.text("wizard-try-now-what"));
    let try_now = choice(ui, palette, (Icon::Play, &title, &what), true);
    state.take_keyboard(&try_now);
    if try_now.clicked() {
        scene.ask(Intent::Wizard(WizardIntent::TryNow));
    }
    let (title, what) = (scene.text("wizard-join"), scene.text("wizard-join-what"));
    if choice(ui, palette, (Icon::Network, &title, &what), false).clicked() {
        scene.ask(Intent::Wizard(WizardIntent::Join));
    }
    muted(ui, palette, &scene.text("wizard-choose-later"));
    None
}
