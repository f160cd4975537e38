//! What the line may be asked for.

use crate::scene::Scene;
use crate::screens::courtesy::month_limit;
use crate::screens::forms::{Limit, tick};
use crate::widgets::caption;
use egui::Ui;
use view_model::NetworkSettings;

const MB: u64 = 1_000_000;

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, network: &mut NetworkSettings) {
    for (key, begin, value) in
        [("settings-upload", 2, &mut network.upload), ("settings-download", 10, &mut network.download)]
    {
        let name = scene.text(key);
        let limit = Limit { name: &name, tip: "", unit: "settings-mbps", range: 1..=125, step: 1, begin };
        limit.show_bytes(ui, scene.palette, scene.locale, MB, value);
    }
    let (name, tip) = (scene.text("settings-month"), scene.text("settings-month-tip"));
    month_limit(ui, scene, &name, &tip, &mut network.month);
    let switches = [
        ("settings-tcp-only", &mut network.tcp_only),
        ("settings-mdns", &mut network.mdns),
        ("settings-upnp", &mut network.upnp),
    ];
    for (key, value) in switches {
        let tip = scene.text(&format!("{key}-tip"));
        tick(ui, scene.palette, &scene.text(key), value).on_hover_text(tip);
    }
    caption(ui, scene.palette, &scene.text("settings-line-next"));
}
