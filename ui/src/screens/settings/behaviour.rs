//! Start, notices, updates, look, data.

use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::screens::forms::{pick, slide, tick};
use crate::screens::wizard::language;
use crate::widgets::{Button, Icon, Kind, caption, muted, strong};
use egui::Ui;
use view_model::{Behaviour, Intent, Look, Theme, UpdateChannel, Updates, WizardIntent};

pub(super) fn start(ui: &mut Ui, scene: &Scene<'_>, behaviour: &mut Behaviour) {
    let palette = scene.palette;
    for (key, value) in [
        ("settings-autostart", &mut behaviour.autostart),
        ("settings-resume", &mut behaviour.resume_on_start),
        ("settings-keep-awake", &mut behaviour.keep_awake),
    ] {
        tick(ui, palette, &scene.text(key), value);
    }
    ui.add_space(tokens::SPACE_XS);
    caption(ui, palette, &scene.text("settings-notify"));
    for (key, value) in [
        ("settings-notify-accepted", &mut behaviour.notify_accepted),
        ("settings-notify-problem", &mut behaviour.notify_problem),
        ("settings-notify-update", &mut behaviour.notify_update),
        ("settings-notify-payout", &mut behaviour.notify_payout),
    ] {
        tick(ui, palette, &scene.text(key), value);
    }
}

pub(super) fn updates(ui: &mut Ui, scene: &mut Scene<'_>, behaviour: &mut Behaviour) {
    for (key, value) in [
        ("settings-updates-automatic", Updates::Automatic),
        ("settings-updates-ask", Updates::Ask),
        ("settings-updates-never", Updates::Never),
    ] {
        pick(ui, scene.palette, &scene.text(key), &mut behaviour.updates, value);
    }
    caption(ui, scene.palette, &scene.text("settings-channel"));
    for (key, value) in
        [("settings-channel-stable", UpdateChannel::Stable), ("settings-channel-preview", UpdateChannel::Preview)]
    {
        pick(ui, scene.palette, &scene.text(key), &mut behaviour.channel, value);
    }
    ui.add_space(tokens::SPACE_XS);
    crate::screens::update::show(ui, scene);
}

pub(super) fn look(ui: &mut Ui, scene: &Scene<'_>, look: &mut Look) {
    let palette = scene.palette;
    language(ui, scene, &mut look.language);
    caption(ui, palette, &scene.text("settings-theme"));
    ui.horizontal_wrapped(|ui| {
        for (key, theme) in [
            ("settings-theme-system", Theme::System),
            ("settings-theme-dark", Theme::Dark),
            ("settings-theme-light", Theme::Light),
            ("settings-theme-contrast", Theme::HighContrast),
        ] {
            pick(ui, palette, &scene.text(key), &mut look.theme, theme);
        }
    });
    let name = scene.text("settings-text-size");
    let label = caption(ui, palette, &name);
    let shown = scene.with("settings-percent", &[("n", look.text_percent.to_string().into())]);
    slide(ui, palette, &shown, &mut look.text_percent, (80..=200, 10)).labelled_by(label.id);
    caption(ui, palette, &scene.text("settings-motion"));
    ui.push_id("motion", |ui| {
        ui.horizontal_wrapped(|ui| {
            for (key, value) in [
                ("settings-motion-system", None),
                ("settings-motion-on", Some(false)),
                ("settings-motion-off", Some(true)),
            ] {
                pick(ui, palette, &scene.text(key), &mut look.reduced_motion, value);
            }
        });
    });
}

pub(super) fn data(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = scene.palette;
    muted(ui, palette, &scene.text("settings-data-folder"));
    strong(ui, palette, &scene.app().help.data_folder);
    ui.horizontal_wrapped(|ui| {
        let label = scene.text("settings-data-open");
        if Button::new(&label, Kind::Secondary).icon(Icon::Folder).show(ui, palette).clicked() {
            scene.ask(Intent::OpenFolder);
        }
        let label = scene.text("settings-wizard");
        if Button::new(&label, Kind::Quiet).icon(Icon::Refresh).show(ui, palette).clicked() {
            scene.ask(Intent::Wizard(WizardIntent::Open));
        }
    });
}
