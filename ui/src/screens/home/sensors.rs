//! The cards over time: work, heat, power.

use crate::scene::Scene;
use crate::widgets::{Axis, Chart, card, card_row};
use egui::Ui;
use view_model::{Series, units};

/// Height of these small charts.
const HEIGHT: f32 = 112.0;

type Sensor = (&'static str, Series, fn(f64) -> String);

const ALL: [Sensor; 3] = [
    ("sensor-work", Series::Utilisation, whole),
    ("sensor-temperature", Series::Temperature, whole),
    ("sensor-power", Series::Power, whole),
];

/// Whole units: a tenth of a watt is noise.
fn whole(value: f64) -> String {
    if value.is_finite() { format!("{value:.0}") } else { units::UNKNOWN.to_owned() }
}

pub(super) fn show(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = scene.palette;
    let known: Vec<Sensor> = ALL.into_iter().filter(|(_, series, _)| !scene.model.series(*series).is_empty()).collect();
    if known.is_empty() {
        return;
    }
    let shares = vec![1.0; known.len()];
    card_row(ui, "sensors", &shares, |ui, i| {
        let Some((key, series, written)) = known.get(i).copied() else { return };
        let name = scene.text(key);
        card(ui, palette, &name, |ui| {
            let curve = scene.model.series(series);
            let chart = Chart::new(&name, Axis::Time, written).line(name.clone(), curve, palette.accent_text);
            chart.with_nought().tall(HEIGHT).show(ui, scene);
        });
    });
}
