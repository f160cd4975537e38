//! The window as people, screen readers and cameras meet it: every state drawn, every control named, every press its intent.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says why")]

#[path = "window/access.rs"]
mod access;
#[path = "window/idle.rs"]
mod idle;
#[path = "window/line.rs"]
mod line;
#[path = "window/pictures.rs"]
mod pictures;
#[path = "window/presses.rs"]
mod presses;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use ui::gallery::{Scenario, scenarios};
use ui::{Model, View};
use view_model::Intent;

/// The window of a test.
struct Window {
    view: View,
    model: Model,
    pressed: Vec<Intent>,
}

/// A tall window: nothing that is asked for is scrolled away.
const TALL: [f32; 2] = [1280.0, 3000.0];

fn window(scenario: Scenario, size: [f32; 2]) -> Harness<'static, Window> {
    let mut view = View::new();
    view.go_to(scenario.screen);
    let part = scenario.part;
    let state = Window { view, model: scenario.model, pressed: Vec::new() };
    let mut harness = Harness::builder().with_size(size).with_max_steps(16).build_ui_state(
        |ui, window: &mut Window| {
            let pressed = window.view.show(ui, &window.model);
            window.pressed.extend(pressed);
        },
        state,
    );
    harness.run();
    if let Some(key) = part {
        let look = &harness.state().model.snapshot.settings.look;
        let pseudo = look.language.as_deref() == Some(ui::PSEUDO_TAG);
        let words = if pseudo { locale::Locale::pseudo() } else { locale::Locale::english() };
        go(&mut harness, &words.text(key));
    }
    harness
}

/// A state of the gallery by its name.
fn scenario(name: &str) -> Scenario {
    let found = scenarios().into_iter().find(|scenario| scenario.name == name);
    found.unwrap_or_else(|| panic!("no state is called {name}"))
}

fn open(name: &str) -> Harness<'static, Window> {
    window(scenario(name), TALL)
}

/// Presses the control of a name, and takes what came of it.
fn press(harness: &mut Harness<'static, Window>, name: &str) -> Vec<Intent> {
    harness.get_by_label(name).click();
    harness.run();
    std::mem::take(&mut harness.state_mut().pressed)
}

/// Goes to a part of a screen.
fn go(harness: &mut Harness<'static, Window>, name: &str) {
    harness.get_by_role_and_label(egui::accesskit::Role::Tab, name).click();
    harness.run();
}
