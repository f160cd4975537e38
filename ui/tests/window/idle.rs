//! Nothing changes, nothing is drawn: no frame is asked for in any state.

use super::{TALL, go, open, window};
use std::time::Duration;
use ui::gallery::{Scenario, scenarios};

fn next_frame(harness: &egui_kittest::Harness<'static, super::Window>) -> Duration {
    harness.output().viewport_output.values().map(|v| v.repaint_delay).min().expect("a window")
}

#[test]
fn no_state_asks_for_a_frame_while_nothing_changes() {
    for scenario in scenarios() {
        let name = scenario.name.clone();
        let harness = window(scenario, TALL);
        assert!(next_frame(&harness) > Duration::from_secs(60), "{name}: {:?}", next_frame(&harness));
    }
}

#[test]
fn a_log_of_a_hundred_thousand_lines_comes_to_rest_after_it_was_looked_through() {
    let mut help = open("help-doctor");
    let lines = ui::gallery::log_lines(100_000);
    let _ = help.state_mut().model.take(view_model::ToWindow::Log { from: 0, lines });
    go(&mut help, "Log");
    assert!(next_frame(&help) > Duration::from_secs(60));
}

#[test]
fn reduced_motion_comes_to_rest_in_the_next_frame() {
    let mut app = ui::gallery::sharing();
    app.appearance.reduced_motion = true;
    let mut harness = window(Scenario::new("still", view_model::Screen::Home, app), TALL);
    harness.hover_at(egui::pos2(80.0, 130.0));
    let frames = harness.run();
    assert!(frames <= 4, "{frames}");
}
