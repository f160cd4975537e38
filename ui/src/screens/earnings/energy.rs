//! What the work took from the socket, what that costs, and what is left.

use crate::design_tokens as tokens;
use crate::scene::Scene;
use crate::widgets::{caption, card, strong, term};
use egui::{Ui, Vec2};
use view_model::{EarningsView, Unit};

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, view: &EarningsView) {
    let palette = scene.palette;
    let energy = &view.energy;
    card(ui, palette, &scene.text("earnings-energy"), |ui| {
        ui.spacing_mut().item_spacing = Vec2::new(tokens::SPACE_L, tokens::SPACE_M);
        let kwh = energy.kwh_today.filter(|kwh| kwh.is_finite());
        let used = kwh.map(|kwh| scene.with("earnings-kwh-amount", &[("kwh", format!("{kwh:.3}").into())]));
        let how = match (kwh, energy.by_counter) {
            (Some(_), Some(true)) => Some("earnings-kwh-counter"),
            (Some(_), Some(false)) => Some("earnings-kwh-power"),
            _ => None,
        };
        item(ui, scene, "earnings-kwh", (used, how), "earnings-kwh-unknown");
        let joules = energy.joules_per_token.filter(|joules| joules.is_finite());
        let joules = joules.map(|joules| scene.with("earnings-joules-amount", &[("joules", figure(joules).into())]));
        item(ui, scene, "earnings-joules", (joules, None), "earnings-joules-unknown");
        let price = energy.price.as_ref().map(|price| scene.with("earnings-price-per", &[("price", price.into())]));
        item(ui, scene, "earnings-price", (price, None), "earnings-price-unknown");
        item(ui, scene, "earnings-cost", (energy.cost_today.clone(), None), "earnings-cost-unknown");
        let why = match view.unit {
            Unit::Credits => "earnings-net-unknown-credits",
            Unit::Token { .. } => "earnings-net-unknown",
        };
        item(ui, scene, "earnings-net", (energy.net_today.clone(), None), why);
    });
}

/// Three digits that count.
fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// A figure with how it was got, or that it is unknown and why.
fn item(ui: &mut Ui, scene: &Scene<'_>, key: &str, (value, how): (Option<String>, Option<&str>), unknown: &str) {
    let palette = scene.palette;
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let tip = format!("{key}-tip");
        match scene.locale.has(&tip) {
            true => term(ui, palette, &scene.text(key), &scene.text(&tip)),
            false => caption(ui, palette, &scene.text(key)),
        };
        match value {
            Some(value) => strong(ui, palette, &value),
            None => crate::widgets::muted(ui, palette, &scene.text(unknown)),
        };
        if let Some(how) = how {
            caption(ui, palette, &scene.text(how));
        }
    });
}
