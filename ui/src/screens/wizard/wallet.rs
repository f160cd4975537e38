//! Where earnings go: a new wallet, one that is there, an address, or later.

use super::{Go, State};
use crate::scene::Scene;
use crate::screens::forms::choice;
use crate::widgets::{Icon, strong, tone_line};
use egui::Ui;
use view_model::{Intent, Tone, WizardIntent};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) -> Option<Go> {
    let palette = scene.palette;
    strong(ui, palette, &scene.text("wizard-wallet-why"));
    let choices = [
        ("create", Icon::Plus, WizardIntent::Create),
        ("import", Icon::Key, WizardIntent::Import),
        ("payout", Icon::Eye, WizardIntent::Payout),
        ("later", Icon::Clock, WizardIntent::Later),
    ];
    for (name, icon, intent) in choices {
        let title = scene.text(&format!("wizard-wallet-{name}"));
        let what = scene.text(&format!("wizard-wallet-{name}-what"));
        let response = choice(ui, palette, (icon, &title, &what), false);
        if name == "later" {
            state.take_keyboard(&response);
        }
        if response.clicked() {
            scene.ask(Intent::Wizard(intent));
        }
    }
    tone_line(ui, palette, Tone::Problem, &scene.text("wizard-nobody"));
    None
}
