//! Which cards work, and their limits.

use crate::scene::Scene;
use crate::screens::forms::{Limit, indented, tick};
use crate::widgets::{caption, muted};
use egui::Ui;
use types::ByteCount;
use view_model::{GpuSettings, GpuView};

const GIB: u64 = 1 << 30;
/// Watts on offer where no card tells its range.
const ANY_WATTS: (u32, u32) = (50, 600);
/// Gibibytes on offer where no card tells its memory.
const ANY_GIB: u32 = 96;

pub(super) fn show(ui: &mut Ui, scene: &Scene<'_>, gpus: &mut GpuSettings) {
    let palette = scene.palette;
    let view = &scene.app().gpus;
    if view.cards.is_empty() {
        muted(ui, palette, &scene.text("settings-cards-none"));
    }
    for card in &view.cards {
        let mut on = !gpus.off.contains(&card.uuid);
        let label = scene.with("settings-card-use", &[("name", card.name.as_str().into())]);
        ui.push_id(&card.uuid, |ui| {
            if tick(ui, palette, &label, &mut on).changed() {
                gpus.off.retain(|uuid| *uuid != card.uuid);
                if !on {
                    gpus.off.push(card.uuid.clone());
                }
            }
            // Two cards of one name are told apart by it.
            indented(ui, |ui| caption(ui, palette, &card.uuid));
        });
    }
    power(ui, scene, view, gpus);
    let (name, tip) = (scene.text("settings-temperature"), scene.text("settings-temperature-tip"));
    Limit { name: &name, tip: &tip, unit: "settings-celsius", range: 50..=90, step: 1, begin: 75 }.show(
        ui,
        palette,
        scene.locale,
        &mut gpus.temperature_c,
    );
    let (name, tip) = (scene.text("settings-fan"), scene.text("settings-fan-tip"));
    Limit { name: &name, tip: &tip, unit: "settings-percent", range: 20..=100, step: 5, begin: 60 }.show(
        ui,
        palette,
        scene.locale,
        &mut gpus.fan_percent,
    );
    let most = view.cards.iter().filter_map(|card| card.vram_total).max().map_or(ANY_GIB, gib);
    let (name, tip) = (scene.text("settings-vram"), scene.text("settings-vram-tip"));
    Limit { name: &name, tip: &tip, unit: "settings-gib", range: 1..=most.max(2), step: 1, begin: (most / 2).max(1) }
        .show_bytes(ui, palette, scene.locale, GIB, &mut gpus.vram_bytes);
}

fn power(ui: &mut Ui, scene: &Scene<'_>, view: &GpuView, gpus: &mut GpuSettings) {
    let range = watts(view);
    let (low, high) = range.unwrap_or(ANY_WATTS);
    let (name, tip) = (scene.text("settings-power"), scene.text("settings-power-tip"));
    // Four fifths of the most is where most cards do the most work for a joule.
    let begin = (high * 4 / 5).clamp(low, high);
    Limit { name: &name, tip: &tip, unit: "settings-watts", range: low..=high, step: 5, begin }.show(
        ui,
        scene.palette,
        scene.locale,
        &mut gpus.power_watts,
    );
    if gpus.power_watts.is_some() {
        let text = match range {
            Some((low, high)) => {
                let args = [("from", low.to_string().into()), ("to", high.to_string().into())];
                scene.with("settings-power-range", &args)
            }
            None => scene.text("settings-power-no-range"),
        };
        indented(ui, |ui| caption(ui, scene.palette, &text));
    }
}

/// What every card takes: the highest least and the lowest most.
fn watts(view: &GpuView) -> Option<(u32, u32)> {
    let ranges: Vec<(f64, f64)> = view.cards.iter().filter_map(|card| card.watts_range).collect();
    let low = ranges.iter().map(|range| range.0).max_by(f64::total_cmp)?;
    let high = ranges.iter().map(|range| range.1).min_by(f64::total_cmp)?;
    (low.is_finite() && high.is_finite() && 0.0 <= low && low < high).then_some((low.ceil() as u32, high as u32))
}

fn gib(bytes: ByteCount) -> u32 {
    u32::try_from(bytes.0 / GIB).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use view_model::GpuCard;

    #[test]
    fn the_power_range_is_what_every_card_takes() {
        let card = |range| GpuCard {
            uuid: String::new(),
            name: String::new(),
            enabled: true,
            vram_total: None,
            vram_used: None,
            util: None,
            temp_c: None,
            fan_percent: None,
            watts: None,
            watts_limit: None,
            watts_range: range,
            compute_capability: None,
            throttle: Vec::new(),
            pcie_narrow: None,
            others: Vec::new(),
            stale_secs: None,
            problem: None,
        };
        let view = |ranges: &[Option<(f64, f64)>]| GpuView {
            cards: ranges.iter().map(|range| card(*range)).collect(),
            ..GpuView::default()
        };
        assert_eq!(watts(&view(&[Some((100.0, 450.0)), None, Some((150.5, 600.0))])), Some((151, 450)));
        assert_eq!(watts(&view(&[None])), None);
        assert_eq!(watts(&view(&[Some((300.0, 400.0)), Some((100.0, 200.0))])), None);
        assert_eq!(watts(&view(&[Some((f64::NAN, 400.0))])), None);
    }
}
