//! Reachability: the verdict of other peers, its cause, one advice, and the facts behind it to be copied for those who help.
//!
//! In: the snapshot. Out: text on the clipboard, ways to Settings. Where nobody has looked, it says so and claims nothing.

use crate::scene::Scene;
use crate::screens::network::verdict;
use crate::widgets::{Button, Icon, Kind, caption, card, figure, muted};
use egui::{FontId, RichText, Ui};
use view_model::{Reachability, Screen};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().network);
    card(ui, palette, &scene.text("reach-title"), |ui| {
        verdict(ui, scene);
        let asked = view.peer_id.is_some();
        if !asked && view.reachability == Reachability::Unknown {
            muted(ui, palette, &scene.text("reach-not-running"));
        }
        if let Some(id) = &view.peer_id {
            figure(ui, palette, &scene.text("reach-id"), id);
            caption(ui, palette, &scene.text("reach-addresses"));
            for address in &view.addresses {
                let text = RichText::new(address).font(FontId::monospace(crate::design_tokens::BODY));
                ui.add(egui::Label::new(text.color(palette.text)).wrap().selectable(true));
            }
            if view.addresses.is_empty() {
                muted(ui, palette, &scene.text("reach-no-addresses"));
            }
        }
        ui.horizontal_wrapped(|ui| {
            let label = scene.text("reach-copy");
            if asked && Button::new(&label, Kind::Secondary).icon(Icon::Copy).show(ui, palette).clicked() {
                ui.ctx().copy_text(facts(scene));
            }
            let label = scene.text("month-change");
            if Button::new(&label, Kind::Quiet).trailing(Icon::Right).show(ui, palette).clicked() {
                scene.go = Some(Screen::Settings);
            }
        });
    });
}

/// The same as lines of text.
fn facts(scene: &Scene<'_>) -> String {
    let app = scene.app();
    let verdict = app.network.verdict(&app.settings.network);
    let cause = verdict.cause.map(|cause| cause.say(scene.locale));
    let mut lines = vec![format!("Covey {}", app.version), verdict.verdict.say(scene.locale)];
    lines.extend(cause);
    lines.extend(app.network.peer_id.clone());
    lines.extend(app.network.addresses.iter().cloned());
    lines.join("\n")
}
