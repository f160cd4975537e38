//! Every state drawn: nothing is cut off at long texts and large letters, and what a person looked at stays as it was.
//!
//! The pictures need a Vulkan or GL driver (lavapipe does); without one that test says so and passes. They are renewed by
//! `UPDATE_SNAPSHOTS=1 cargo test -p ui --test window pictures`.

use super::{Window, scenario, window};
use egui::epaint::{ClippedShape, Shape};
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};
use std::panic::{AssertUnwindSafe, catch_unwind};
use ui::gallery::{Scenario, scenarios};
use ui::{PSEUDO_TAG, View};
use view_model::Theme;

/// Size of the window.
const SIZE: [f32; 2] = [1180.0, 800.0];
/// Pixels a point: half of a real screen's keep the files small and forgive how a driver smooths letters. The gallery
/// writes pictures for people.
const PIXELS_PER_POINT: f32 = 0.5;
/// Colour distance from which a pixel counts as another one: drivers smooth letters in their own ways.
const THRESHOLD: f32 = 3.0;
/// Pixels that may be other ones: one in a hundred.
const OTHER_PIXELS: usize = 2_360;
fn texts(shape: &Shape, out: &mut Vec<(egui::Rect, String)>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| texts(shape, out)),
        Shape::Text(text) => out.push((text.visual_bounding_rect(), text.galley.text().to_owned())),
        _ => {}
    }
}

/// Letters that are cut off at a side of what they stand in.
fn cut_off(harness: &Harness<'static, Window>) -> Vec<String> {
    let mut out = Vec::new();
    for ClippedShape { clip_rect, shape, .. } in &harness.output().shapes {
        let mut found = Vec::new();
        texts(shape, &mut found);
        let seen = |rect: &egui::Rect| clip_rect.intersect(*rect).is_positive();
        let outside =
            |rect: &egui::Rect| rect.right() > clip_rect.right() + 1.0 || rect.left() < clip_rect.left() - 1.0;
        out.extend(found.into_iter().filter(|(rect, _)| seen(rect) && outside(rect)).map(|(_, text)| text));
    }
    out
}

fn with(mut scenario: Scenario, percent: u32, language: &str) -> Scenario {
    let look = &mut scenario.model.snapshot.settings.look;
    look.text_percent = percent;
    look.language = Some(language.to_owned());
    scenario
}

#[test]
fn long_texts_and_large_letters_are_not_cut_off() {
    // Width of the window in points, at 100 and at 200 percent of a 1280 pixel screen.
    for (width, percent, language) in [(1280.0, 100, PSEUDO_TAG), (760.0, 100, PSEUDO_TAG), (640.0, 200, "en")] {
        for scenario in scenarios() {
            let name = scenario.name.clone();
            let harness = window(with(scenario, percent, language), [width, 4000.0]);
            let mut cut = cut_off(&harness);
            if name == "help-report" {
                // A file is shown line by line as it is saved; its lines scroll sideways.
                let files = harness.state().model.snapshot.help.report.iter().flat_map(|report| &report.files);
                let lines: Vec<&str> = files.flat_map(|file| file.text.lines()).collect();
                cut.retain(|text| !lines.contains(&text.as_str()));
            }
            assert!(cut.is_empty(), "{name} at {width} points, {language}: {cut:?}");
        }
    }
}

#[test]
fn what_is_cut_off_is_noticed() {
    let mut harness = Harness::builder().with_size([200.0, 100.0]).build_ui(|ui| {
        ui.add(egui::Label::new("a line of letters that is much longer than two hundred points are wide").extend());
    });
    harness.run();
    let mut found = Vec::new();
    for clipped in &harness.output().shapes {
        texts(&clipped.shape, &mut found);
    }
    assert!(found.iter().any(|(rect, _)| rect.right() > 200.0));
}

fn painted(mut scenario: Scenario, theme: Theme) -> Harness<'static, Window> {
    scenario.model.snapshot.settings.look.theme = theme;
    let mut view = View::new();
    view.go_to(scenario.screen);
    let state = Window { view, model: scenario.model, pressed: Vec::new() };
    let mut harness = Harness::builder()
        .with_size(SIZE)
        .with_pixels_per_point(PIXELS_PER_POINT)
        .with_max_steps(16)
        .wgpu()
        .build_ui_state(
            |ui, window: &mut Window| {
                let pressed = window.view.show(ui, &window.model);
                window.pressed.extend(pressed);
            },
            state,
        );
    harness.run();
    harness
}

/// Whether anything can be drawn on this machine.
fn has_adapter() -> bool {
    let draw = || painted(scenario("help-empty"), Theme::Dark).render().is_ok();
    catch_unwind(AssertUnwindSafe(draw)).unwrap_or(false)
}

#[test]
fn every_state_looks_as_it_was_looked_at_in_dark_and_light() {
    if !has_adapter() {
        println!("not run: no adapter, neither Vulkan nor GL (install mesa-vulkan-drivers)");
        return;
    }
    let options = SnapshotOptions::new().threshold(THRESHOLD).max_failed_pixels(OTHER_PIXELS);
    let mut results = SnapshotResults::new();
    for (theme, suffix) in [(Theme::Dark, "dark"), (Theme::Light, "light"), (Theme::HighContrast, "contrast")] {
        for scenario in scenarios() {
            if theme == Theme::HighContrast && !scenario.name.starts_with("home-") {
                continue;
            }
            let name = format!("{}-{suffix}", scenario.name);
            let mut harness = painted(scenario, theme);
            results.add(harness.try_snapshot_options(name, &options));
        }
    }
}
