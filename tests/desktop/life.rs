//! What the app survives: its window's death, a second start, its own kill, a desktop without tray or bus.

use crate::newcomer::close_window;
use crate::program::{App, is_alive, kill};
use crate::session::{Session, eventually};
use crate::tray::Panel;
use crate::tree::Reader;

fn open_window(app: &App<'_>) -> u32 {
    eventually("there is a window", || app.window().is_some());
    app.window().unwrap()
}

#[test]
fn a_window_that_dies_comes_back_once_and_training_does_not_notice() {
    let session = Session::x11().with_a_welcomed_owner();
    let app = App::start(&session, &[]);
    let first = open_window(&app);
    Reader::new(&session).wait_for_text("Not running");
    app.ctl(&["rehearse"]);
    app.wait_for_activity("running");
    let peers = app.below("covey-peer");
    kill(first);
    eventually("another window is there", || app.window().is_some_and(|window| window != first));
    assert_eq!(app.below("covey-peer"), peers, "the same trainers run");
    app.wait_for_activity("running");
    // The second death is not followed by a third window: whoever wants one opens it.
    Reader::new(&session).wait_for_text("Rehearsal");
    kill(open_window(&app));
    app.wait_for("the app says so", |state| {
        state["toasts"].as_array().is_some_and(|toasts| !toasts.is_empty())
            || state["run"]["problems"] != serde_json::json!([])
    });
    assert!(app.window().is_none());
}

#[test]
fn a_second_start_shows_the_first_ones_window_and_ends() {
    let session = Session::x11().with_a_welcomed_owner();
    let app = App::start(&session, &["--hidden"]);
    app.wait_for("the app answers", |state| state["version"].is_string());
    assert!(app.window().is_none(), "started by the session it shows no window");
    let mut second = App::start(&session, &[]);
    assert!(second.wait(), "the second start ended badly: {}", second.printed());
    let window = open_window(&app);
    Reader::new(&session).wait_for_text("Not running");
    close_window(&session);
    eventually("the window is gone", || !is_alive(window));
    assert!(is_alive(app.id()));
}

/// A run that nobody founded, at an address that is kept for documentation.
const LINK: &str = "covey://join/5f3a8c1e5f3a8c1e5f3a8c1e5f3a8c1e5f3a8c1e5f3a8c1e5f3a8c1e5f3a8c1e?at=/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";

#[test]
fn a_link_given_to_a_second_start_opens_the_window_at_its_card_and_asks_nobody() {
    let session = Session::x11().with_a_welcomed_owner();
    let app = App::start(&session, &["--hidden"]);
    app.wait_for("the app answers", |state| state["version"].is_string());
    let mut second = App::start(&session, &[LINK]);
    assert!(second.wait(), "the second start ended badly: {}", second.printed());
    open_window(&app);
    let reader = Reader::new(&session);
    reader.wait_for_text("Nobody has been asked");
    reader.wait_for_text("203.0.113.7");
    session.screenshot_when_drawn("join-link");
    assert_eq!(app.snapshot()["join"]["state"]["join"], "given");
    assert!(app.below("covey-peer").is_empty(), "nothing was started");
    reader.press("Not this one");
    let state = app.wait_for("the card is put away", |state| state["join"].is_null());
    assert_eq!(state["settings"]["behaviour"]["run"], "rehearsal");
}

#[test]
fn a_killed_app_leaves_neither_window_nor_trainer_behind() {
    let session = Session::x11().with_a_welcomed_owner();
    let mut app = App::start(&session, &[]);
    open_window(&app);
    app.ctl(&["rehearse"]);
    app.wait_for_activity("running");
    let everything = crate::program::below(app.id());
    assert!(everything.len() > 2);
    app.kill();
    eventually("all its processes are gone", || everything.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn without_a_tray_or_a_bus_the_window_and_ctl_do_everything() {
    let session = Session::x11().with_a_welcomed_owner();
    // No panel, and an address that leads nowhere.
    let mut app = App::start_with(&session, &[], &[("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")]);
    open_window(&app);
    app.ctl(&["rehearse"]);
    app.wait_for_activity("running");
    let status = app.ctl(&["status"]);
    assert!(String::from_utf8_lossy(&status.stdout).starts_with("Rehearsal"), "{status:?}");
    app.ctl(&["stop", "--now"]);
    eventually("nothing trains", || app.below("covey-peer").is_empty());
    app.ctl(&["quit"]);
    assert!(app.wait(), "{}", app.printed());
}

#[test]
fn under_wayland_there_is_a_window_and_a_tray() {
    let session = Session::wayland().with_a_welcomed_owner();
    let panel = Panel::new(&session);
    let app = App::start(&session, &[]);
    panel.wait_for_icon();
    open_window(&app);
    app.wait_for("the first frame is painted", |_| app.printed().contains("first frame"));
    session.screenshot_when_drawn("wayland");
    assert!(app.window().is_some_and(is_alive), "{}", app.printed());
}

#[test]
fn without_a_vulkan_driver_the_window_is_drawn_by_opengl() {
    let session = Session::x11().with_a_welcomed_owner();
    let none = [("VK_ICD_FILENAMES", "/nonexistent"), ("VK_DRIVER_FILES", "/nonexistent")];
    let app = App::start_with(&session, &[], &none);
    open_window(&app);
    app.wait_for("the first frame is painted", |_| app.printed().contains("first frame"));
    assert!(app.printed().contains("Gl"), "{}", app.printed());
}
