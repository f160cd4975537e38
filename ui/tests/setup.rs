//! Wizard, Wallet, Settings, Runs and Earnings as people and screen readers meet them: every press gives its intent.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says why")]

#[path = "setup/join.rs"]
mod join;
#[path = "setup/pictures.rs"]
mod pictures;
#[path = "setup/presses.rs"]
mod presses;
#[path = "setup/secrets.rs"]
mod secrets;
#[path = "setup/wizard.rs"]
mod wizard;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use ui::gallery::Scenario;
use ui::gallery::setup::setup_scenarios;
use ui::{Model, View};
use view_model::{Intent, WizardIntent};

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
    let state = Window { view, model: scenario.model, pressed: Vec::new() };
    let mut harness = Harness::builder().with_size(size).build_ui_state(
        |ui, window: &mut Window| {
            let pressed = window.view.show(ui, &window.model);
            window.pressed.extend(pressed);
        },
        state,
    );
    harness.run();
    harness
}

/// A state of the gallery by its name.
fn scenario(name: &str) -> Scenario {
    let all = setup_scenarios();
    all.into_iter().find(|scenario| scenario.name == name).unwrap_or_else(|| panic!("no state is called {name}"))
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

/// Types into the field of a name.
fn type_into(harness: &mut Harness<'static, Window>, name: &str, text: &str) {
    harness.get_by_label(name).focus();
    harness.run();
    harness.get_by_label(name).type_text(text);
    harness.run();
}

fn wizard_press(intent: WizardIntent) -> Vec<Intent> {
    vec![Intent::Wizard(intent)]
}

#[test]
fn every_control_of_every_state_has_a_name() {
    for scenario in setup_scenarios() {
        let name = scenario.name.clone();
        let unnamed = window(scenario, TALL).unnamed_widgets();
        assert!(unnamed.is_empty(), "{name}: {unnamed:?}");
    }
}

#[test]
fn no_state_asks_for_a_frame_while_nothing_changes() {
    for scenario in setup_scenarios() {
        let name = scenario.name.clone();
        let harness = window(scenario, TALL);
        let delay = harness.output().viewport_output.values().map(|viewport| viewport.repaint_delay).min();
        assert!(delay.is_some_and(|delay| delay.as_secs() > 60), "{name}: {delay:?}");
    }
}
