//! What this is, which version, and where its files are.

use crate::scene::Scene;
use crate::widgets::{Button, Icon, Kind, card, figure, muted};
use egui::Ui;
use view_model::{Intent, WizardIntent};

/// Pages that can be opened, and their texts.
const PAGES: [(&str, &str); 3] =
    [("source", "about-source"), ("licence", "about-licence"), ("changes", "about-changes")];

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, app) = (scene.palette, scene.app());
    card(ui, palette, &scene.text("app-name"), |ui| {
        muted(ui, palette, &scene.text("about-what"));
        figure(ui, palette, &scene.text("about-version"), &app.version);
        figure(ui, palette, &scene.text("about-folder"), &app.help.data_folder);
        ui.horizontal_wrapped(|ui| {
            let label = scene.text("about-open-folder");
            if Button::new(&label, Kind::Secondary).icon(Icon::Folder).show(ui, palette).clicked() {
                scene.ask(Intent::OpenFolder);
            }
            let label = scene.text("about-copy-folder");
            if Button::new(&label, Kind::Quiet).icon(Icon::Copy).show(ui, palette).clicked() {
                ui.ctx().copy_text(app.help.data_folder.clone());
            }
            let label = scene.text("home-open-wizard");
            if Button::new(&label, Kind::Quiet).icon(Icon::Right).show(ui, palette).clicked() {
                scene.ask(Intent::Wizard(WizardIntent::Open));
            }
        });
        ui.separator();
        ui.horizontal_wrapped(|ui| {
            for (page, key) in PAGES {
                let label = scene.text(key);
                if Button::new(&label, Kind::Quiet).trailing(Icon::Open).show(ui, palette).clicked() {
                    scene.ask(Intent::OpenPage { page: page.to_owned() });
                }
            }
        });
    });
}
