//! Every state drawn: nothing is cut off at long texts and large letters, and what a person looked at stays as it was.
//!
//! The pictures need a Vulkan or GL driver (lavapipe does); without one that test says so and passes. They are renewed by
//! `UPDATE_SNAPSHOTS=1 cargo test -p ui --test setup pictures`. For people there is `cargo run -p ui --example gallery`.

use super::{Window, open, press, scenario, type_into, window};
use egui::epaint::{ClippedShape, Shape};
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};
use std::panic::{AssertUnwindSafe, catch_unwind};
use ui::gallery::Scenario;
use ui::gallery::setup::{PAYOUT, setup_scenarios};
use ui::{PSEUDO_TAG, View};
use view_model::Theme;

/// Size of a picture.
const SIZE: [f32; 2] = [960.0, 760.0];
/// Colour distance from which a pixel counts as another one: drivers smooth letters in their own ways.
const THRESHOLD: f32 = 3.0;
/// Pixels that may be other ones: one in a hundred.
const OTHER_PIXELS: usize = 7_296;
/// States that differ from another one by a line of text: no picture of their own.
const ALIKE: [&str; 3] = ["join-looking", "join-alone", "join-failed"];

fn painted(mut scenario: Scenario, theme: Theme) -> Harness<'static, Window> {
    scenario.model.snapshot.settings.look.theme = theme;
    let mut view = View::new();
    view.go_to(scenario.screen);
    let state = Window { view, model: scenario.model, pressed: Vec::new() };
    let mut harness = Harness::builder().with_size(SIZE).with_max_steps(16).wgpu().build_ui_state(
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
    let draw = || painted(scenario("wizard-choose"), Theme::Dark).render().is_ok();
    let there = catch_unwind(AssertUnwindSafe(draw)).unwrap_or(false);
    if !there {
        println!("not run: no adapter, neither Vulkan nor GL (install mesa-vulkan-drivers)");
    }
    there
}

fn keep(results: &mut SnapshotResults, harness: &mut Harness<'static, Window>, name: &str) {
    let options = SnapshotOptions::new().threshold(THRESHOLD).max_failed_pixels(OTHER_PIXELS);
    // The pointer's place is not the picture's matter.
    harness.remove_cursor();
    harness.run();
    results.add(harness.try_snapshot_options(name, &options));
}

#[test]
fn every_state_looks_as_it_was_looked_at_in_dark_and_light() {
    if !has_adapter() {
        return;
    }
    let mut results = SnapshotResults::new();
    for (theme, suffix) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
        for scenario in setup_scenarios() {
            if ALIKE.contains(&scenario.name.as_str()) {
                continue;
            }
            let name = format!("{}-{suffix}", scenario.name);
            keep(&mut results, &mut painted(scenario, theme), &name);
        }
    }
}

#[test]
fn what_is_typed_and_opened_looks_as_it_was_looked_at() {
    if !has_adapter() {
        return;
    }
    let mut results = SnapshotResults::new();
    let mut create = painted(scenario("wizard-create-no-keychain"), Theme::Dark);
    type_into(&mut create, "Name of the wallet", "home");
    type_into(&mut create, "Passphrase", "correct horse battery");
    type_into(&mut create, "Passphrase, once more", "correct horse");
    keep(&mut results, &mut create, "wizard-create-typed");
    let mut import = painted(scenario("wizard-import"), Theme::Light);
    type_into(
        &mut import,
        "The recovery words",
        "bottom drive obey lake curtain smoke basket hold race lonely fit walk",
    );
    press(&mut import, "Show The recovery words");
    keep(&mut results, &mut import, "wizard-import-typed");
    for (tab, name) in [("Seed", "seed"), ("btcli folder", "btcli"), ("Key file", "keyfile")] {
        press(&mut import, tab);
        keep(&mut results, &mut import, &format!("wizard-import-{name}"));
    }
    let mut payout = painted(scenario("wizard-payout"), Theme::Dark);
    type_into(&mut payout, "Address (SS58)", PAYOUT);
    keep(&mut results, &mut payout, "wizard-payout-typed");
    let mut words = painted(scenario("wizard-words"), Theme::Dark);
    press(&mut words, "Show the words");
    keep(&mut results, &mut words, "wizard-words-shown");
    let mut wallet = painted(scenario("wallet-two"), Theme::Light);
    press(&mut wallet, "Show QR code of the hotkey home");
    keep(&mut results, &mut wallet, "wallet-code");
}

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

#[test]
fn long_words_and_large_letters_are_not_cut_off() {
    // Half of a usual window's width is what is left of it at 200 %.
    for (language, width) in [(Some(PSEUDO_TAG), 1180.0), (Some(PSEUDO_TAG), 760.0), (None, 590.0)] {
        for mut scenario in setup_scenarios() {
            scenario.model.snapshot.settings.look.language = language.map(str::to_owned);
            let name = scenario.name.clone();
            let cut = cut_off(&window(scenario, [width, 4000.0]));
            assert!(cut.is_empty(), "{name}, {width}: {cut:#?}");
        }
    }
}

#[test]
fn what_is_cut_off_is_noticed() {
    let mut harness = open("wizard-welcome");
    assert!(cut_off(&harness).is_empty());
    harness.set_size(egui::vec2(60.0, 400.0));
    harness.run_steps(3);
    assert!(!cut_off(&harness).is_empty());
}
