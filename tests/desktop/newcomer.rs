//! From the first start to the first accepted contribution, and everything after it, by presses alone.

use crate::program::App;
use crate::session::{Session, eventually};
use crate::tray::Panel;
use crate::tree::Reader;
use serde_json::Value;

/// The presses from the first start to a running rehearsal; goal G1 allows five.
const PRESSES: [&str; 3] = ["Next", "Next", "Try it now"];

fn accepted(state: &Value) -> bool {
    let tiles = state["rounds"].as_array().cloned().unwrap_or_default();
    tiles.iter().any(|tile| tile["verdict"]["verdict"] == "accepted")
}

#[test]
fn a_newcomer_rehearses_is_accepted_hides_stops_starts_and_quits_by_presses_alone() {
    let session = Session::x11();
    let panel = Panel::new(&session);
    let reader = Reader::new(&session);
    let mut app = App::start(&session, &[]);
    panel.wait_for_icon();
    reader.wait_for_text("Nothing is running");
    session.screenshot("1-welcome");
    for (i, press) in PRESSES.iter().enumerate() {
        reader.press(press);
        std::thread::sleep(std::time::Duration::from_millis(400));
        session.screenshot(&format!("2-wizard-{i}"));
    }
    app.wait_for_activity("running");
    session.screenshot("3-running");
    let state = app.wait_for("the first contribution is accepted", accepted);
    assert!(state["earnings"]["total"].as_u64().is_some(), "earnings are shown: {}", state["earnings"]);
    assert!(state["wizard"].is_null(), "the wizard is closed");
    session.screenshot("4-accepted");
    reader.press("Earnings");
    reader.wait_for_text("no value");
    session.screenshot("5-earnings");

    // Hidden: the window is gone, the work is not.
    let window = app.window().expect("there is a window");
    close_window(&session);
    eventually("the window's process is gone", || app.window().is_none() && !crate::program::is_alive(window));
    app.wait_for_activity("running");

    // Stopped and started from the tray, through its D-Bus menu.
    panel.wait_until("Stop", true);
    panel.press("Stop");
    panel.wait_until("Start", true);
    eventually("the trainer's processes are gone", || app.below("covey-peer").is_empty());
    panel.press("Start");
    app.wait_for_activity("running");

    panel.press("Quit");
    assert!(app.wait(), "covey ended badly: {}", app.printed());

    // A restart comes back as it was: no wizard, and the choice is kept.
    let app = App::start(&session, &["--hidden"]);
    let state = app.wait_for("the app answers", |state| state["version"].is_string());
    assert!(state["wizard"].is_null());
    assert_eq!(state["settings"]["behaviour"]["welcomed"], true);
}

/// Closes the window as its frame's button does: by asking it. (xdotool would destroy it under the program's hands.)
pub(crate) fn close_window(session: &Session) {
    let closed = session.command("wmctrl").args(["-F", "-c", "Covey"]).status();
    assert!(closed.expect("wmctrl is installed").success(), "there is no window to close");
}
