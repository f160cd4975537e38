//! A download in progress: what, how far, how fast, from how many, and how long it will take.
//!
//! In: the snapshot. Out: nothing to press. What is not known yet is said so.

use crate::design_tokens::SPACE_XL;
use crate::scene::Scene;
use crate::widgets::{bar, caption, card, figure};
use egui::Ui;
use view_model::{Tone, units};

/// A card, if something is being fetched.
pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>) {
    let Some(fetch) = &scene.app().network.fetching else { return };
    let palette = scene.palette;
    let title = scene.with("fetch-title", &[("what", scene.text(fetch.what.key()).into())]);
    card(ui, palette, &title, |ui| {
        let args = [("done", units::bytes(fetch.done).into()), ("all", units::bytes(fetch.total).into())];
        let amount = scene.with("fetch-amount", &args);
        bar(ui, palette, Some(fetch.share()), Tone::Running, &format!("{title}: {amount}"));
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE_XL;
            let percent = scene.with("percent", &[("value", format!("{:.0}", (100.0 * fetch.share()).floor()).into())]);
            figure(ui, palette, &percent, &amount);
            let rate = scene.or_unknown(fetch.rate.map(units::bytes_per_sec));
            figure(ui, palette, &scene.text("fetch-rate"), &rate);
            let left = scene.or_unknown(fetch.left_secs.map(units::duration));
            figure(ui, palette, &scene.text("fetch-time"), &left);
            let sources = scene.with("fetch-sources-count", &[("count", fetch.sources.into())]);
            figure(ui, palette, &scene.text("fetch-sources"), &sources);
        });
        caption(ui, palette, &scene.text("fetch-resumes"));
    });
}
