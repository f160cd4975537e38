//! Training: the model and my part in it.
//!
//! In: the snapshot and the series. Out: a wish for text from the model.

mod lamps;
mod layers;
mod sample;

use crate::design_tokens::{CARD_MIN, SPACE_L, SPACE_XL};
use crate::scene::Scene;
use crate::widgets::{Axis, Button, Chart, Icon, Kind, card, card_row, columns_for, empty, figure};
use egui::Ui;
use view_model::{Activity, Intent, Series, Tone, units};

/// What only the window knows of it.
#[derive(Default)]
pub(crate) struct State {
    sample: sample::State,
}

/// Draws it.
pub(crate) fn show(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut State) {
    let model = scene.model;
    let nothing = model.series(Series::Loss).is_empty() && scene.app().training.lamps.is_empty();
    if nothing && scene.app().run.activity == Activity::Idle {
        let palette = scene.palette;
        card(ui, palette, "", |ui| {
            let (title, hint) = (scene.text("training-none"), scene.text("training-none-hint"));
            empty(ui, palette, (Icon::Training, &title, &hint), |ui| {
                let label = scene.text("control-start");
                // The header has this very button; here it stands where the eye is.
                if Button::new(&label, Kind::Secondary).icon(Icon::Play).show(ui, palette).clicked() {
                    scene.ask(Intent::Start);
                }
            });
        });
        return;
    }
    share(ui, scene);
    charts(ui, scene);
    lamps::show(ui, scene);
    layers::show(ui, scene);
    sample::show(ui, scene, &mut state.sample);
}

/// The newest figures, and how much of the run is mine.
fn share(ui: &mut Ui, scene: &mut Scene<'_>) {
    let (palette, app) = (scene.palette, scene.app());
    let now = &app.training.now;
    card(ui, palette, &scene.text("training-now"), |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE_XL;
            let mut say = |key: &str, value: Option<String>| {
                figure(ui, palette, &scene.text(key), &scene.or_unknown(value));
            };
            say("training-loss", now.loss.map(loss));
            say("training-speed", now.tokens_per_sec.map(units::tokens_per_sec));
            say("training-lr", now.lr.map(small));
            say("training-grad", now.grad_norm.map(small));
            say("training-moved", (app.training.moved_total > 0).then(|| units::count(app.training.moved_total)));
            let shares: Vec<f64> = app.training.layers.iter().filter_map(|layer| layer.share).collect();
            let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
            say("training-share", (!shares.is_empty()).then(|| units::percent(mean)));
        });
    });
}

/// A chart: its text, its series, its axis, and how its values are written.
type Figure = (&'static str, Series, Axis, fn(f64) -> String);

fn charts(ui: &mut Ui, scene: &mut Scene<'_>) {
    let palette = scene.palette;
    let all: [Figure; 5] = [
        ("chart-loss", Series::Loss, Axis::Time, loss),
        ("chart-run-loss", Series::RunLoss, Axis::Round, loss),
        ("chart-speed", Series::TokensPerSec, Axis::Time, whole),
        ("chart-lr", Series::LearningRate, Axis::Time, small),
        ("chart-grad", Series::GradNorm, Axis::Time, small),
    ];
    let known: Vec<_> = all.into_iter().filter(|(_, series, _, _)| !scene.model.series(*series).is_empty()).collect();
    let columns = columns_for(ui.available_width(), CARD_MIN + SPACE_L, 2);
    for (n, pair) in known.chunks(columns).enumerate() {
        let shares = vec![1.0; pair.len()];
        card_row(ui, &format!("charts-{n}"), &shares, |ui, i| {
            let (key, series, axis, written) = pair[i];
            let name = scene.text(key);
            card(ui, palette, &name, |ui| {
                let colour = match series {
                    Series::RunLoss => palette.tone(Tone::Neutral),
                    _ => palette.accent_text,
                };
                let chart = Chart::new(&name, axis, written).line(name.clone(), scene.model.series(series), colour);
                let chart = if series == Series::TokensPerSec { chart.with_nought() } else { chart };
                chart.show(ui, scene);
            });
        });
    }
}

fn loss(nats: f64) -> String {
    units::loss(nats)
}

/// A number without a unit, whole: `8,990`.
fn whole(value: f64) -> String {
    if value.is_finite() { units::count(value.max(0.0).round() as u64) } else { units::UNKNOWN.to_owned() }
}

/// A number without a unit, in three digits: `0.91`, `5.93e-4`.
fn small(value: f64) -> String {
    match value.abs() {
        v if !v.is_finite() => units::UNKNOWN.to_owned(),
        0.0 => "0".to_owned(),
        v if (0.01..1000.0).contains(&v) => {
            let digits = (2 - v.log10().floor() as i32).clamp(0, 4) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::small;

    #[test]
    fn numbers_without_a_unit_have_three_digits() {
        assert_eq!(small(0.91234), "0.912");
        assert_eq!(small(12.345), "12.3");
        assert_eq!(small(5.93e-4), "5.93e-4");
        assert_eq!(small(0.0), "0");
        assert_eq!(small(-123.4), "-123");
        assert_eq!(small(f64::NAN), "unknown");
    }
}
