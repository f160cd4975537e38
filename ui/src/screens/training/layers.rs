//! What I moved, layer by layer from the input to the output, as a strip of heat.

use crate::design_tokens::{BUTTON, RADIUS_S, SPACE_M, SPACE_XS};
use crate::scene::Scene;
use crate::widgets::{Icon, caption, card, empty, term};
use egui::{Align, Layout, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use view_model::{LayerHeat, units};

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, view) = (scene.palette, &scene.app().training);
    let title = match view.layers_round {
        Some(round) => scene.with("layers-title-round", &[("round", round.to_string().into())]),
        None => scene.text("layers-title"),
    };
    card(ui, palette, &title, |ui| {
        if view.layers.is_empty() {
            let (title, hint) = (scene.text("layers-none"), scene.text("layers-none-hint"));
            empty(ui, palette, (Icon::Training, &title, &hint), |_| ());
            return;
        }
        strip(ui, scene, &view.layers);
        ui.horizontal(|ui| {
            caption(ui, palette, &scene.text("layers-input"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                caption(ui, palette, &scene.text("layers-output"));
            });
        });
        let moved: u64 = view.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.moved));
        let of: u64 = view.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.of));
        let args = [("moved", units::count(moved).into()), ("of", units::count(of).into())];
        ui.horizontal_wrapped(|ui| {
            caption(ui, palette, &scene.with("layers-sum", &args));
            ui.add_space(SPACE_M);
            term(ui, palette, &scene.text("term-layers"), &scene.text("term-layers-means"));
        });
    });
}

fn share(layer: &LayerHeat) -> f64 {
    layer.moved as f64 / layer.of.max(1) as f64
}

fn strip(ui: &mut Ui, scene: &Scene<'_>, layers: &[LayerHeat]) {
    let palette = scene.palette;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), BUTTON + SPACE_XS), Sense::hover());
    let hottest = layers.iter().map(share).fold(f64::MIN_POSITIVE, f64::max);
    let width = rect.width() / layers.len() as f32;
    for (n, layer) in layers.iter().enumerate() {
        let left = rect.left() + n as f32 * width;
        let gap = if width > 6.0 { 2.0 } else { 0.0 };
        let cell = Rect::from_min_max(pos2(left, rect.top()), pos2(left + width - gap, rect.bottom()));
        let heat = (share(layer) / hottest) as f32;
        ui.painter().rect_filled(cell, if gap > 0.0 { RADIUS_S } else { 0.0 }, palette.heat(heat));
        // The same as a level, for eyes that do not tell shades apart.
        let level = Rect::from_min_max(
            pos2(cell.left(), cell.bottom() - 3.0 - heat * (cell.height() - 6.0)),
            pos2(cell.right(), cell.bottom()),
        );
        ui.painter().hline(level.x_range(), level.top(), egui::Stroke::new(1.5, palette.text));
        let text = said(scene, layer);
        let spot = ui.interact(cell, response.id.with(n), Sense::hover());
        spot.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
        spot.on_hover_text(text);
    }
}

fn said(scene: &Scene<'_>, layer: &LayerHeat) -> String {
    let args = [
        ("name", layer.name.as_str().into()),
        ("moved", units::count(layer.moved).into()),
        ("of", units::count(layer.of).into()),
        ("percent", units::percent(share(layer)).into()),
    ];
    let moved = scene.with("layer-moved", &args);
    match layer.share {
        Some(share) => format!("{moved} · {}", scene.with("layer-share", &[("share", units::percent(share).into())])),
        None => format!("{moved} · {}", scene.text("layer-share-unknown")),
    }
}
