//! CPU time of a frame with 100,000 points in every chart and a million lines in the log, ten updates a second.
//!
//! `cargo run --release -p ui --example frame_time`. In: the sample states. Out: median, 99th percentile and slowest frame,
//! for the window's code and for turning its shapes into triangles, per screen, in milliseconds by the clock; on Linux the
//! mean time on the processor of both, too. Other work on the machine makes the clock's times longer, never shorter.

use egui::{Context, RawInput, Rect, pos2, vec2};
use std::time::Instant;
use ui::gallery::{NOW_MS, Scenario, fill, log_lines, sharing};
use ui::{Model, View, apply_look};
use view_model::{MAX_SERIES_POINTS, Screen, Series, ToWindow};

const FRAMES: u64 = 400;
/// Frames before anything is counted: letters are drawn for the first time.
const WARM_UP: u64 = 20;
/// Every so many frames new points come, as at 60 frames and 10 updates a second.
const UPDATE_EVERY: u64 = 6;
const LOG_LINES: u64 = 1_000_000;
const GOAL_MS: f64 = 8.0;

/// Milliseconds that this thread has been on a processor, as Linux counts them, in steps of a few milliseconds.
fn on_cpu_ms() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(stat.split_whitespace().next()?.parse::<u64>().ok()? as f64 / 1e6)
}

fn main() {
    let mut scenario = Scenario::new("bench", Screen::Home, sharing());
    fill(&mut scenario.model, MAX_SERIES_POINTS as u64);
    let _ = scenario.model.take(ToWindow::Log { from: 0, lines: log_lines(LOG_LINES) });
    let mut model = scenario.model;
    println!("screen        UI p50   UI p99   UI max   triangles p50   p99   mean on CPU   (ms)");
    let mut slow = false;
    for screen in [Screen::Home, Screen::Training, Screen::Network, Screen::Help] {
        let before = on_cpu_ms();
        let (mut ui, mut triangles) = measure(&mut model, screen);
        let on_cpu = before.zip(on_cpu_ms()).map(|(from, to)| (to - from) / FRAMES as f64);
        slow |= at(&mut ui, 0.99) > GOAL_MS;
        println!(
            "{:<12} {:>7.2} {:>8.2} {:>8.2} {:>15.2} {:>5.2} {:>13.2}",
            format!("{screen:?}"),
            at(&mut ui, 0.5),
            at(&mut ui, 0.99),
            at(&mut ui, 1.0),
            at(&mut triangles, 0.5),
            at(&mut triangles, 0.99),
            on_cpu.unwrap_or(f64::NAN)
        );
    }
    println!("goal: UI p99 <= {GOAL_MS} ms: {}", if slow { "missed" } else { "met" });
}

fn measure(model: &mut Model, screen: Screen) -> (Vec<f64>, Vec<f64>) {
    let ctx = Context::default();
    let mut view = View::new();
    view.go_to(screen);
    let (mut ui, mut triangles) = (Vec::new(), Vec::new());
    for frame in 0..FRAMES {
        if frame % UPDATE_EVERY == 0 {
            update(model, frame / UPDATE_EVERY);
        }
        let x = 300.0 + (frame % 700) as f32;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1280.0, 860.0))),
            // The pointer wanders, so that charts read out.
            events: vec![egui::Event::PointerMoved(pos2(x, 420.0))],
            ..RawInput::default()
        };
        let from = Instant::now();
        apply_look(&ctx, &model.snapshot.settings.look, &model.snapshot.appearance);
        let mut output = ctx.run_ui(input, |ui| {
            view.show(ui, model);
        });
        let drawn = Instant::now();
        let meshes = ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        let done = Instant::now();
        output.textures_delta.clear();
        if frame >= WARM_UP {
            ui.push((drawn - from).as_secs_f64() * 1e3);
            triangles.push((done - drawn).as_secs_f64() * 1e3);
        }
        assert!(!meshes.is_empty());
    }
    (ui, triangles)
}

/// A tenth of a second later: a point more in every chart.
fn update(model: &mut Model, n: u64) {
    let all =
        [Series::Loss, Series::TokensPerSec, Series::LearningRate, Series::GradNorm, Series::Upload, Series::Download];
    for series in all {
        let from = MAX_SERIES_POINTS as u64 + n;
        let points = vec![[(NOW_MS + n * 100) as f64, 2.6]];
        let _ = model.take(ToWindow::Points { series, from, points });
    }
}

fn at(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = ((values.len().saturating_sub(1)) as f64 * share).round() as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}
